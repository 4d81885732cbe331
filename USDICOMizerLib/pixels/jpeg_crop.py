"""JPEG frames cut and blanked without decoding: the coefficients stay as the scanner stored them.

A frame is cut between its blocks (ISO 10918-1 A.2: minimum coded units), so boxes snap inward to that grid: a block that
is partly cut off would keep all of its pixels, and an edited frame size would show them again. The image's own right and
bottom edges need no snapping.

The codec (libturbojpeg where there is one, else jpeglib) is told without doubt how the frame is coded. What readers of the
output need to know of that (JFIF, Adobe's marker, component identifiers) is written here, as the source has it and without
anything else of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import jpeg_coefficients, turbojpeg
from USDICOMizerLib.pixels.blanking import Blanking
from USDICOMizerLib.pixels.codestream import CodestreamError, JpegHeader, read_jpeg_header
from USDICOMizerLib.pixels.decode import LOSSY_PROCESSES, Warn, jpeg_header, jpeg_is_ycc, require_whole_scan
from USDICOMizerLib.pixels.frames import damaged
from USDICOMizerLib.pixels.layout import Family, Photometric, PixelLayout

_BLOCK = 8
_LUMA_FACTORS = ((1, 1), (2, 1), (1, 2), (2, 2), (4, 1))  # beside chroma at (1, 1)
_GREY = (Photometric.MONOCHROME1, Photometric.MONOCHROME2)
_SOS = 0xDA
_FRAME_HEADERS = range(0xC0, 0xC3)
_BASELINE = 0xC0
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
# Nothing of the source but that they are there: version 1.1, no resolution, no thumbnail; version 100, no flags.
_JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_ADOBE = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0"
# For a scan that no EOI marker ends: it is known to be whole when this is put behind it.
_FILLING = b"\0" * 8

INSTALL = 'python -m pip install "jpeglib>=1.0.2", or libturbojpeg'


@dataclass(frozen=True)
class JpegGrid:
    """Where the frames of an instance can be cut, and the photometric interpretation that they are coded in.

    `width` and `height` are those of a minimum coded unit, in pixels: 16 x 8 for 4:2:2.
    """

    width: int
    height: int
    photometric: Photometric

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"

    def snapped(self, box: CropBox, layout: PixelLayout) -> CropBox | None:
        """The largest box inside of `box` that can be cut out; None where that is nothing."""
        return box.snapped_inward(self.width, self.height, layout.columns, layout.rows)

    def blocks(self, blank: np.ndarray) -> np.ndarray:
        """(rows, columns) of pixels -> (rows, columns) of units: True for one with any pixel True.

        The pixels of a unit share their colour and their coefficients: one that is partly outside is outside.
        """
        rows, columns = blank.shape
        padded = np.pad(blank, ((0, -rows % self.height), (0, -columns % self.width)))
        return padded.reshape(padded.shape[0] // self.height, self.height, -1, self.width).any(axis=(1, 3))

    def widened(self, blank: np.ndarray) -> np.ndarray:
        """The pixels of all units with any pixel True: (rows, columns) as `blank`."""
        rows, columns = blank.shape
        return self.blocks(blank).repeat(self.height, axis=0).repeat(self.width, axis=1)[:rows, :columns]


@dataclass(frozen=True)
class Codec:
    """One way to cut a codestream.

    `cut` takes a codestream with JFIF, or with Adobe's marker where it is coded as RGB, its header, the box on the grid,
    what is blanked in each component (none: nothing), and whether filling stands behind its scan. `tells_damage` says whether
    it raises CodestreamError where the scan is short or damaged: else that has to be known before. `in_threads` says whether
    several threads may cut at once.
    """

    cut: Callable[[bytes, JpegHeader, CropBox, Sequence[Blanking], bool], bytes]
    tells_damage: bool
    in_threads: bool


def installed_codec() -> Codec | None:
    """The fastest codec that is there; None without any."""
    if turbojpeg.library() is not None:
        return Codec(turbojpeg.cut, tells_damage=True, in_threads=True)
    if find_spec("jpeglib") is not None:
        return Codec(jpeg_coefficients.cut, tells_damage=False, in_threads=False)
    return None


def grid_of(headers: Iterable[JpegHeader], layout: PixelLayout, warn: Warn) -> JpegGrid | None:
    """The grid that all frames share; None where they can only be decoded: 12 bits, a palette, unusual or unequal frames."""
    if layout.family is not Family.JPEG or layout.photometric_interpretation is Photometric.PALETTE_COLOR:
        return None
    if layout.signed or layout.bits_stored != 8 or layout.bits_allocated != 8:
        return None
    grids = {_grid_of(header, layout, warn) for header in headers}
    return grids.pop() if len(grids) == 1 else None


def _grid_of(header: JpegHeader, layout: PixelLayout, warn: Warn) -> JpegGrid | None:
    if header.process not in LOSSY_PROCESSES or header.precision != 8:
        return None
    if len(header.component_ids) == layout.samples_per_pixel == 1:
        return JpegGrid(_BLOCK, _BLOCK, layout.photometric_interpretation)
    if len(header.sampling) != 3 or header.sampling[0] not in _LUMA_FACTORS or set(header.sampling[1:]) != {(1, 1)}:
        return None
    photometric = _coded_photometric(header, layout, warn)
    if photometric is Photometric.RGB and header.chroma_subsampled:
        return None
    across, down = header.sampling[0]
    return JpegGrid(across * _BLOCK, down * _BLOCK, photometric)


def _coded_photometric(header: JpegHeader, layout: PixelLayout, warn: Warn) -> Photometric:
    """As the source declares it; where its frames are coded otherwise, as they are (PS3.5 8.2.1)."""
    declared = layout.photometric_interpretation
    if not jpeg_is_ycc(header, layout, warn):
        return Photometric.RGB
    if declared is not Photometric.RGB:
        return declared
    return Photometric.YBR_FULL_422 if header.chroma_subsampled else Photometric.YBR_FULL


def cut_jpeg(data: bytes, layout: PixelLayout, box: CropBox, blank: np.ndarray | None, grid: JpegGrid, warn: Warn) -> bytes:
    """Cut one frame without decoding it.

    Parameters
    ----------
    data
        The codestream of the frame; `layout` is that of its instance.
    box
        What is cut out, on the grid: see `JpegGrid.snapped`.
    blank
        (rows, columns) bool of `box`: each unit of the grid with any pixel True becomes black. None: none does.

    Returns
    -------
    A codestream of even length: sequential, in one scan, without restart markers, and without application segments and
    comments but the JFIF and Adobe markers that tell its colours.

    Raises RefusedError: damaged-pixel-data, unsupported-transfer-syntax.
    """
    codec = installed_codec()
    if codec is None:
        raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, f"JPEG can't be cut without a package: {INSTALL}")
    try:
        header = jpeg_header(data, layout, LOSSY_PROCESSES, warn)
        blanked = () if blank is None or not blank.any() else _blanked(grid, blank, header)
        if not (codec.tells_damage and header.ended):
            require_whole_scan(data, layout, warn)
        colours = _ADOBE + b"\0" if grid.photometric is Photometric.RGB else _JFIF
        plain = _SOI + colours + header.bare[2:] + (b"" if header.ended else _FILLING) + _EOI
        return _finished(codec.cut(plain, read_jpeg_header(plain), box, blanked, not header.ended), header, layout, box)
    except RefusedError:
        raise
    except CodestreamError as error:
        raise damaged(f"the codestream of a frame can't be cut: {error}") from None
    except Exception as error:  # each codec has its own kinds of errors
        raise damaged(f"a frame can't be cut as JPEG ({type(error).__name__})") from None


def _blanked(grid: JpegGrid, blank: np.ndarray, header: JpegHeader) -> list[Blanking]:
    """Black in each component, in all units with any pixel of `blank`.

    A DC coefficient is eight times the mean of its block, counted from 128. Beyond black (or, in MONOCHROME1, white) it
    is rounded outward: decoders clamp.
    """
    if 0 in header.dc_steps:
        raise CodestreamError("it has no quantisation table")
    blocks = grid.blocks(blank)
    found = []
    for index, ((across, down), step) in enumerate(zip(header.sampling, header.dc_steps, strict=True)):
        if len(header.sampling) == 1:
            across = down = 1  # a scan of one component has one block a unit, whatever its factors (ISO 10918-1 A.2.2)
        if index and grid.photometric is not Photometric.RGB:
            dc = 0
        elif grid.photometric is Photometric.MONOCHROME1:
            dc = -(-(255 - 128) * _BLOCK // step)
        else:
            dc = -128 * _BLOCK // step
        found.append(Blanking(blocks.repeat(down, axis=0).repeat(across, axis=1), dc))
    return found


def _finished(cut: bytes, source: JpegHeader, layout: PixelLayout, box: CropBox) -> bytes:
    """What the codec made, with the markers and identifiers of the source that tell its colours, and nothing else."""
    made = read_jpeg_header(cut)
    same_form = len(made.sampling) == len(source.sampling) == 1 or made.sampling == source.sampling
    if (made.rows, made.columns) != (box.height, box.width) or not same_form or not made.ended:
        raise CodestreamError("what was cut out of it is of another form")
    if made.process != _BASELINE and layout.transfer_syntax == uid.JPEGBaseline8Bit:
        raise RefusedError(
            Problem.UNSUPPORTED_TRANSFER_SYNTAX,
            "the frames are JPEG beyond the Baseline that the transfer syntax says; add --transfer-syntax jpeg-ls",
        )
    colours = (_JFIF if source.jfif else b"") + (
        b"" if source.adobe_transform is None else _ADOBE + bytes([source.adobe_transform])
    )
    whole = _SOI + colours + _with_identifiers(made.bare, source.component_ids)[2:] + _EOI
    return whole + b"\0" * (len(whole) % 2)


def _with_identifiers(bare: bytes, identifiers: Sequence[int]) -> bytes:
    """A codestream of one scan whose components bear these identifiers, in frame and scan header (ISO 10918-1 B.2)."""
    data = bytearray(bare)
    position = 2
    while True:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker in _FRAME_HEADERS:
            data[position + 10 : position + 2 + length : 3] = bytes(identifiers)
        if marker == _SOS:
            data[position + 5 : position + 5 + 2 * len(identifiers) : 2] = bytes(identifiers)
            return bytes(data)
        position += 2 + length
