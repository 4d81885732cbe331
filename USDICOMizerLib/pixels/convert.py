"""Frames of a source -> encoded frames of the output: cut, blanked, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.decode import decode_frame
from USDICOMizerLib.pixels.encode import OutputSyntax, Picture
from USDICOMizerLib.pixels.frames import damaged, unpack_pairs
from USDICOMizerLib.pixels.jpeg_crop import INSTALL, JpegGrid, installed_codec
from USDICOMizerLib.pixels.layout import Photometric
from USDICOMizerLib.pixels.lossy import lossy_picture
from USDICOMizerLib.pixels.read_back import encoded
from USDICOMizerLib.pixels.source import LossyStep, PixelSource
from USDICOMizerLib.pixels.strategy import Method, Strategy, choose_strategy
from USDICOMizerLib.pixels.workers import affordable, in_order

DEFAULT_JPEG_QUALITY = 95

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class PixelRequest:
    """What is wanted of the frames.

    `box` is what is cut out, in pixels of the stored frame. `keep` is (rows, columns) bool over the whole stored frame,
    True where the picture stays (None: everywhere). `redactions` are blanked too. `on_jpeg_grid`: JPEG frames are cut and
    blanked on the grid of their blocks even where they are decoded, so that the picture that leaves is the same with any
    codec and transfer syntax; else only where they aren't decoded. `jpeg_quality`, 1 to 100, is that of jpeg-baseline.
    `workers` is how many frames may be worked on at once, fewer where frames are large; the output doesn't depend on it.
    """

    box: CropBox
    keep: np.ndarray | None = None
    redactions: tuple[Redaction, ...] = ()
    transfer_syntax: OutputSyntax = OutputSyntax.SAME
    on_jpeg_grid: bool = False
    jpeg_quality: int = DEFAULT_JPEG_QUALITY
    workers: int = 1


@dataclass(frozen=True)
class PixelDescription:
    """The frames of the output as the header has to describe them (PS3.3 C.7.6.3).

    `planar_configuration` is None for one sample per pixel. `lossy_step` is the lossy compression that the source was
    stored in, which the header's history has to hold although the output is lossless. `lossy_method` is the one that the
    output adds, a value of (0028,2114); "" where it adds none.
    """

    rows: int
    columns: int
    frames: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int | None
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    transfer_syntax_uid: str
    lossy_step: LossyStep | None
    lossy_method: str = ""

    @property
    def encapsulated(self) -> bool:
        """Whether the frames go into items (PS3.5 A.4)."""
        return uid.UID(self.transfer_syntax_uid).is_compressed

    @property
    def native_frame_bytes(self) -> int:
        """Bytes of one frame when it isn't compressed; 4:2:2 has two samples for each pixel."""
        samples = 2 if self.photometric_interpretation == Photometric.YBR_FULL_422 else self.samples_per_pixel
        return self.rows * self.columns * samples * (self.bits_allocated // 8)

    @property
    def decoded_frame_bytes(self) -> int:
        """Bytes of one decoded frame, chroma at full resolution: what compression ratios are counted from."""
        return self.rows * self.columns * self.samples_per_pixel * (self.bits_allocated // 8)


class ConvertedPixels:
    """The frames of the output, made while they are asked for. `box` is what was really cut, after snapping."""

    _takes = 12  # decoded frames: the memory of one on its way at most, measured with OpenJPH's encoder

    def __init__(
        self,
        source: PixelSource,
        request: PixelRequest,
        box: CropBox,
        strategy: Strategy,
        picture: Picture,
        grid: JpegGrid | None = None,
    ):
        """Use `convert`. `grid` is the one of JPEG frames on which the box lies, and on which pixels are blanked."""
        self.box = box
        self._grid = grid
        self.strategy = strategy.words
        self._source = source
        self._redactions = request.redactions
        self._kept = None if request.keep is None else request.keep[box.top : box.bottom, box.left : box.right]
        self._encoder = strategy.encoder
        self._picture = picture
        self._method = strategy.method
        self._affordable = affordable(request.workers, self._takes * source.layout.decoded_frame_bytes)
        self._black = source.display.black
        self._palette = source.display.palette if strategy.method is Method.LOSSY else None
        self._in_pairs = strategy.method is Method.NATIVE_SLICE and source.splits_into_pairs
        self._by_plane = strategy.method is Method.NATIVE_SLICE and source.layout.planar_configuration == 1
        self.description = self._describe()

    def _describe(self) -> PixelDescription:
        picture = self._picture
        photometric = Photometric.YBR_FULL_422 if self._in_pairs else self._encoder.photometric(picture)
        return PixelDescription(
            rows=picture.rows,
            columns=picture.columns,
            frames=self._source.layout.frames,
            samples_per_pixel=picture.samples_per_pixel,
            photometric_interpretation=photometric.value,
            planar_configuration=None if picture.samples_per_pixel == 1 else int(self._by_plane),
            bits_allocated=picture.bits_allocated,
            bits_stored=picture.bits_stored,
            high_bit=picture.bits_stored - 1,
            pixel_representation=int(picture.signed),
            transfer_syntax_uid=str(self._encoder.transfer_syntax_uid),
            lossy_step=self._source.lossy_step,
            lossy_method=self._encoder.lossy_method,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd in the source; complete once all frames have been read."""
        return self._source.warnings

    def frames(self) -> Iterator[bytes]:
        """The encoded frames in order, one at a time.

        Native: the bytes of the frame, little-endian (the whole value needs padding to an even length, a frame has
        none). Compressed: a codestream of even length.

        Raises RefusedError (damaged-pixel-data and the others of `PixelSource.pixels`) in place of a frame that would
        be wrong or missing.
        """
        # Cutting bytes is no work that a thread would take off another.
        workers = 1 if self._method is Method.NATIVE_SLICE else self._affordable
        return in_order(self._tasks(self._encoded), workers)

    def display_frames(self, *, whole_range: bool = False) -> Iterator[np.ndarray]:
        """What leaves, as a viewer shows it: (rows, columns, 3) uint8 RGB, one at a time. Raises as `frames` does.

        With `whole_range` grey is shown as stored, whatever window the header asks for: nothing hides in it.
        """
        return in_order(self._tasks(lambda samples: self._shown(samples, whole_range)), self._affordable)

    def display_frame(self, index: int, *, whole_range: bool = False) -> np.ndarray:
        """Frame `index` (from 0) of `display_frames`, in any order. Raises as `frames` does."""
        return self._shown(self._blanked(index, self._stored(index)()), whole_range)

    def _shown(self, samples: np.ndarray, whole_range: bool) -> np.ndarray:
        return self._source.display.show(unpack_pairs(samples) if self._in_pairs else samples, whole_range=whole_range)

    def _encoded(self, samples: np.ndarray) -> bytes:
        if self._by_plane:
            samples = samples.transpose(2, 0, 1)
        if self._palette is not None:
            samples = self._palette.apply(samples[..., 0])
        return encoded(samples, self._picture, self._encoder)

    def _tasks(self, finish: Callable[[np.ndarray], Result]) -> Iterator[Callable[[], Result]]:
        """A task for each frame, which is read when its task is taken: decode it, cut it, blank it, finish it."""
        for index in range(self._source.layout.frames):
            decode = self._stored(index)
            yield lambda index=index, decode=decode: finish(self._blanked(index, decode()))

    def _stored(self, index: int) -> Callable[[], np.ndarray]:
        """Reads a frame; gives it cut: (rows, columns, samples), or (rows, columns / 2, Y Y CB CR) in pairs."""
        if not self._in_pairs:
            return self._source.stored(index, self.box)
        pairs = self._source.pairs(index, self.box)
        return lambda: pairs

    def _blanked(self, index: int, samples: np.ndarray) -> np.ndarray:
        blank = self._blank(index)
        if blank is None:
            return samples
        samples = np.array(samples)
        if self._in_pairs:
            # The pixels of a pair share their colour: a pair that is partly outside is outside.
            luma, *chroma = self._black
            samples[blank.reshape(blank.shape[0], -1, 2).any(axis=2)] = (luma, luma, *chroma)
        else:
            samples[blank] = self._black
        return samples

    def _blank(self, index: int) -> np.ndarray | None:
        """Which pixels of the cut frame become black; None when none do."""
        redactions = [redaction for redaction in self._redactions if redaction.covers(index + 1)]
        if self._kept is None and not redactions:
            return None
        shape = (self.box.height, self.box.width)
        blank = np.zeros(shape, dtype=bool) if self._kept is None else ~self._kept
        for redaction in redactions:
            cut = redaction.box.intersection(self.box)
            if cut is not None:
                cut = cut.moved(-self.box.left, -self.box.top)
                blank[cut.top : cut.bottom, cut.left : cut.right] = True
        return blank if self._grid is None else self._grid.widened(blank)


class CutJpegPixels(ConvertedPixels):
    """JPEG frames that are cut and blanked without being decoded."""

    _takes = 4  # its coefficients, as they come and as they leave

    def _describe(self) -> PixelDescription:
        layout, picture = self._source.layout, self._picture
        return PixelDescription(
            rows=picture.rows,
            columns=picture.columns,
            frames=layout.frames,
            samples_per_pixel=layout.samples_per_pixel,
            photometric_interpretation=self._grid.photometric.value,
            planar_configuration=None if layout.samples_per_pixel == 1 else 0,
            bits_allocated=8,
            bits_stored=8,
            high_bit=7,
            pixel_representation=0,
            transfer_syntax_uid=layout.transfer_syntax,
            lossy_step=self._source.lossy_step,
        )

    def frames(self) -> Iterator[bytes]:
        """The cut codestreams in order, one at a time. Raises as `ConvertedPixels.frames` does."""
        return in_order(self._cuts(), self._affordable if installed_codec().in_threads else 1)

    def _cuts(self) -> Iterator[Callable[[], bytes]]:
        for index in range(self._source.layout.frames):
            cut = self._source.stored_jpeg(index)
            yield lambda index=index, cut=cut: cut(self.box, self._blank(index))

    def display_frames(self, *, whole_range: bool = False) -> Iterator[np.ndarray]:
        """What leaves, decoded, as a viewer shows it: (rows, columns, 3) uint8 RGB, one at a time. Raises as `frames` does."""
        for frame in self.frames():
            yield self._decoded(frame, whole_range)

    def display_frame(self, index: int, *, whole_range: bool = False) -> np.ndarray:
        """Frame `index` (from 0) of `display_frames`, in any order. Raises as `frames` does."""
        return self._decoded(self._source.stored_jpeg(index)(self.box, self._blank(index)), whole_range)

    def _decoded(self, frame: bytes, whole_range: bool) -> np.ndarray:
        layout = replace(
            self._source.layout,
            rows=self.box.height,
            columns=self.box.width,
            photometric_interpretation=self._grid.photometric,
        )
        return self._source.display.show(decode_frame(frame, layout, lambda sentence: None), whole_range=whole_range)


def convert(source: PixelSource, request: PixelRequest) -> ConvertedPixels:
    """Settle how the frames are converted; they are read when `ConvertedPixels.frames` is asked for them.

    4:2:2 that stays 4:2:2 is cut at even columns: the box snaps inward, see `ConvertedPixels.box`.

    Raises RefusedError: crop-outside-image, unsupported-transfer-syntax, damaged-pixel-data. ValueError when `keep`
    has not the shape of the stored frame.
    """
    layout, box = source.layout, request.box
    if not box.fits(layout.columns, layout.rows):
        raise RefusedError(Problem.CROP_OUTSIDE_IMAGE, f"the image is {layout.columns} x {layout.rows} pixels")
    if not source.has_declared_frames and any(redaction.first_frame is not None for redaction in request.redactions):
        raise damaged(
            "Number of Frames is wrong, so that nobody can tell which frames a redaction of some frames means; redact all frames"
        )
    if request.keep is not None and request.keep.shape != (layout.rows, layout.columns):
        raise ValueError("keep has to have the rows and columns of the stored frame")
    picture = Picture(
        rows=box.height,
        columns=box.width,
        samples_per_pixel=layout.samples_per_pixel,
        photometric=layout.decoded_photometric,
        bits_allocated=layout.bits_allocated,
        bits_stored=layout.bits_stored,
        signed=layout.signed,
    )
    grid = source.jpeg_grid
    on_grid = None if grid is None else grid.snapped(box, layout)
    if request.transfer_syntax is OutputSyntax.JPEG_BASELINE:
        picture = lossy_picture(picture)
    strategy = choose_strategy(layout, picture, request.transfer_syntax, request.jpeg_quality, _jpeg_obstacle(grid, on_grid))
    if on_grid is not None and (strategy.method is Method.JPEG_CUT or request.on_jpeg_grid):
        strategy = replace(strategy, words=strategy.words + _snapping(grid, on_grid, box))
        made_by = CutJpegPixels if strategy.method is Method.JPEG_CUT else ConvertedPixels
        return made_by(source, request, on_grid, strategy, replace(picture, rows=on_grid.height, columns=on_grid.width), grid)
    if strategy.method is Method.NATIVE_SLICE and source.splits_into_pairs:
        snapped = box.snapped_inward(2, 1, layout.columns, layout.rows)
        if snapped is None:
            raise RefusedError(Problem.CROP_OUTSIDE_IMAGE, "the crop box holds no whole pair of pixels that share their colour")
        box = snapped
        picture = replace(picture, columns=box.width)
    return ConvertedPixels(source, request, box, strategy, picture)


def _jpeg_obstacle(grid: JpegGrid | None, on_grid: CropBox | None) -> str:
    """Why JPEG frames can't be cut without decoding; empty where they can."""
    if grid is None:
        return "frames of this kind can't be cut without decoding"
    if on_grid is None:
        return f"the crop box holds no whole block of {grid} pixels, between which JPEG is cut"
    return "" if installed_codec() else f"to cut it without decoding: {INSTALL}"


def _snapping(grid: JpegGrid, on_grid: CropBox, box: CropBox) -> str:
    """What became of the crop box, for the report."""
    return "" if on_grid == box else f"; the crop box snapped inward to {on_grid}, as JPEG is cut in blocks of {grid} pixels"
