"""The pixel data of one instance, opened for reading a frame at a time."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.codestream import CodestreamError, JpegHeader, read_jpeg2000_header, read_jpeg_header
from USDICOMizerLib.pixels.decode import decode_frame
from USDICOMizerLib.pixels.display import display_of
from USDICOMizerLib.pixels.element import find_pixel_data
from USDICOMizerLib.pixels.frames import NativeFrames, damaged, open_frames
from USDICOMizerLib.pixels.hidden_segments import hidden_segments
from USDICOMizerLib.pixels.jpeg_crop import JpegGrid, cut_jpeg, grid_of
from USDICOMizerLib.pixels.layout import (
    JPEG_XL,
    JPEG_XL_RECOMPRESSION,
    Family,
    layout_of,
    readable,
    require_supported_syntax,
)

# A deflated dataset may be this much longer than its declared frames: Number of Frames can be wrong.
_LEEWAY = 16


@dataclass(frozen=True)
class LossyStep:
    """A lossy compression that the pixels have been through: values of (0028,2114) and (0028,2112)."""

    method: str
    ratio: float


class PixelSource:
    """Pixel data of one instance. The stream stays the caller's, and has to be open while frames are read.

    `layout` describes what is stored, with the number of frames that is really there; `has_declared_frames` says whether
    that is Number of Frames; `display` is how it is shown.
    """

    def __init__(self, stream: BinaryIO, header: Dataset, element_at: int | None = None):
        """Use `open_pixels`."""
        declared = str(getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID") or "")
        largest = 0
        if declared:
            require_supported_syntax(declared)
            claimed, _ = layout_of(header, declared)
            largest = claimed.decoded_frame_bytes * claimed.frames * _LEEWAY
        element = find_pixel_data(stream, header, largest, element_at)
        if element.stream is not stream:
            weakref.finalize(self, element.stream.close)
        claimed, self._warnings = layout_of(header, element.transfer_syntax)
        self._frames = open_frames(element, claimed, header)
        self.layout = self._frames.layout
        self.has_declared_frames = claimed.frames == self.layout.frames
        self.display = display_of(header, self.layout)
        self._jpeg_headers: set[JpegHeader] = set()  # without their scans; those of one cine are all alike
        self._jpeg_headers_read = 0
        self._declared_lossless = str(readable(header, "LossyImageCompression") or "").strip() == "00"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd but could be read without doubt; complete once all frames have been read."""
        return tuple(dict.fromkeys([*self._warnings, *self._frames.warnings]))

    @property
    def splits_into_pairs(self) -> bool:
        """Whether the frames can be cut as 4:2:2 pairs, see `pairs`."""
        return isinstance(self._frames, NativeFrames) and self._frames.splits_into_pairs

    @cached_property
    def jpeg_grid(self) -> JpegGrid | None:
        """Where the frames can be cut without decoding; None where they are no JPEG, or can only be decoded.

        Reads the headers of all codestreams, as frames may differ.
        """
        if self.layout.family is not Family.JPEG:
            return None
        try:
            for _ in self.reading_jpeg_headers():
                pass
            return grid_of(self._jpeg_headers, self.layout, self._warn)
        except CodestreamError:
            return None  # decoding says what is wrong

    def reading_jpeg_headers(self) -> Iterator[None]:
        """Reads what `jpeg_grid` needs, a frame at a time, for who can't wait for all of it at once.

        Raises CodestreamError, RefusedError (damaged-pixel-data).
        """
        frames = self.layout.frames if self.layout.family is Family.JPEG else 0
        while self._jpeg_headers_read < frames:
            header = read_jpeg_header(self._frames.read(self._jpeg_headers_read))
            self._jpeg_headers.add(replace(header, bare=b""))
            self._jpeg_headers_read += 1
            yield

    def stored_jpeg(self, index: int) -> Callable[[CropBox, np.ndarray | None], bytes]:
        """Read frame `index` (from 0) now, where there is a `jpeg_grid`, and cut it later, in whatever thread.

        The returned function takes the box and what is blanked, see `jpeg_crop.cut_jpeg`.
        """
        data = self._frames.read(index)
        return lambda box, blank: cut_jpeg(data, self.layout, box, blank, self.jpeg_grid, self._warn)

    @property
    def lossy_step(self) -> LossyStep | None:
        """The lossy compression that the frames are stored in; None where it is lossless, or can't be told.

        Read off the codestreams, of which one is enough; of JPEG XL off its transfer syntax, and the header where that leaves
        it open.
        Raises RefusedError (damaged-pixel-data).
        """
        if isinstance(self._frames, NativeFrames):
            return None
        method = self._lossy_method()
        if method is None:
            return None
        ratio = self.layout.decoded_frame_bytes * self.layout.frames / max(1, self._frames.total_bytes)
        return LossyStep(method, round(ratio, 2))

    def _lossy_method(self) -> str | None:
        family = self.layout.family
        try:
            if family is Family.JPEG or self.layout.transfer_syntax == JPEG_XL_RECOMPRESSION:
                return "ISO_10918_1"
            if self.layout.transfer_syntax == JPEG_XL:
                return None if self._declared_lossless else "ISO_18181_1"
            if family is Family.JPEG_LS:
                return "ISO_14495_1" if any(read_jpeg_header(frame).near for frame in self._codestreams()) else None
            if family in (Family.JPEG_2000, Family.HTJ2K):
                irreversible = not all(read_jpeg2000_header(frame).reversible for frame in self._codestreams())
                return ("ISO_15444_1" if family is Family.JPEG_2000 else "ISO_15444_15") if irreversible else None
        except CodestreamError as error:
            raise damaged(f"the codestream of a frame can't be read: {error}") from None
        return None

    def _codestreams(self) -> Iterator[bytes]:
        return map(self._frames.read, range(self.layout.frames))

    def pixels(self, index: int, box: CropBox) -> np.ndarray:
        """Samples of frame `index` (from 0) in the box, as stored: (rows, columns, samples), `layout.decoded_photometric`.

        Of uncompressed frames only the rows of the box are read.

        Raises RefusedError: damaged-pixel-data, unsupported-transfer-syntax,
        unsupported-photometric-interpretation.
        """
        return self.stored(index, box)()

    def stored(self, index: int, box: CropBox) -> Callable[[], np.ndarray]:
        """Read frame `index` now, and decode it when the returned function is called, in whatever thread.

        Both raise as `pixels` does. The function returns what `pixels` returns.
        """
        if isinstance(self._frames, NativeFrames):
            frames, bands = self._frames, self._frames.read(index, box)
            return lambda: frames.samples(bands, box)
        data = self._frames.read(index)
        return lambda: decode_frame(data, self.layout, self._warn)[box.top : box.bottom, box.left : box.right]

    def pairs(self, index: int, box: CropBox) -> np.ndarray:
        """4:2:2 pairs of a frame, where `splits_into_pairs`: (rows, columns / 2, Y Y CB CR); left and right are even."""
        return self._frames.pairs(index, box)

    def hidden_segments(self) -> tuple[str, ...]:
        """What the codestreams of all frames hold beside their picture, in words; none where they are uncompressed."""
        if isinstance(self._frames, NativeFrames):
            return ()
        found = (hidden_segments(frame, self.layout.family) for frame in self._codestreams())
        return tuple(dict.fromkeys(words for frame in found for words in frame))

    def display_frames(self) -> Iterator[np.ndarray]:
        """The frames as a viewer shows them: (rows, columns, 3) uint8 RGB, one at a time. Raises as `pixels` does."""
        whole = CropBox(0, 0, self.layout.columns, self.layout.rows)
        for index in range(self.layout.frames):
            yield self.display.show(self.pixels(index, whole))

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def open_pixels(stream: BinaryIO, header: Dataset, element_at: int | None = None) -> PixelSource:
    """Open the pixel data of a file.

    `stream` is the whole file, seekable and open as long as frames are read; `header` its dataset without pixel data,
    with file meta information; `element_at` is where in the stream the element of the pixel data begins, if that is known.

    Raises RefusedError: unsupported-transfer-syntax, unsupported-photometric-interpretation, damaged-pixel-data,
    no-pixel-data.
    """
    if "Rows" not in header and "PhotometricInterpretation" not in header:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the instance is not an image")
    return PixelSource(stream, header, element_at)
