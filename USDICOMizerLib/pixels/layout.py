"""How the pixel data of an instance is laid out: transfer syntax, photometric interpretation, sizes and bits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset

from USDICOMizerLib.elements import read_keyword
from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem


class Family(StrEnum):
    """The codecs behind the transfer syntaxes (PS3.5 section 8.2 and Annex A)."""

    NATIVE = "uncompressed"
    RLE = "RLE"
    JPEG = "JPEG"  # Baseline and Extended: lossy
    JPEG_LOSSLESS = "JPEG Lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    HTJ2K = "HTJ2K"
    JPEG_XL = "JPEG XL"


class Photometric(StrEnum):
    """The photometric interpretations that are understood (PS3.3 C.7.6.3.1.2)."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"
    PALETTE_COLOR = "PALETTE COLOR"
    RGB = "RGB"
    YBR_FULL = "YBR_FULL"
    YBR_FULL_422 = "YBR_FULL_422"
    YBR_ICT = "YBR_ICT"
    YBR_RCT = "YBR_RCT"


# Newer than pydicom's dictionary.
JPEG_XL_LOSSLESS = "1.2.840.10008.1.2.4.110"
JPEG_XL_RECOMPRESSION = "1.2.840.10008.1.2.4.111"  # a JPEG, kept to the bit
JPEG_XL = "1.2.840.10008.1.2.4.112"

FAMILIES = {
    uid.ImplicitVRLittleEndian: Family.NATIVE,
    uid.ExplicitVRLittleEndian: Family.NATIVE,
    uid.DeflatedExplicitVRLittleEndian: Family.NATIVE,
    uid.ExplicitVRBigEndian: Family.NATIVE,
    uid.RLELossless: Family.RLE,
    uid.JPEGBaseline8Bit: Family.JPEG,
    uid.JPEGExtended12Bit: Family.JPEG,
    uid.JPEGLossless: Family.JPEG_LOSSLESS,
    uid.JPEGLosslessSV1: Family.JPEG_LOSSLESS,
    uid.JPEGLSLossless: Family.JPEG_LS,
    uid.JPEGLSNearLossless: Family.JPEG_LS,
    uid.JPEG2000Lossless: Family.JPEG_2000,
    uid.JPEG2000: Family.JPEG_2000,
    uid.HTJ2KLossless: Family.HTJ2K,
    uid.HTJ2KLosslessRPCL: Family.HTJ2K,
    uid.HTJ2K: Family.HTJ2K,
    JPEG_XL_LOSSLESS: Family.JPEG_XL,
    JPEG_XL_RECOMPRESSION: Family.JPEG_XL,
    JPEG_XL: Family.JPEG_XL,
}

_SINGLE_SAMPLE = frozenset({Photometric.MONOCHROME1, Photometric.MONOCHROME2, Photometric.PALETTE_COLOR})
_YBR_COMPONENTS = frozenset({Photometric.RGB, Photometric.YBR_FULL, Photometric.YBR_FULL_422})
_COLOURS = dict.fromkeys(Family, _YBR_COMPONENTS) | {
    Family.JPEG_2000: frozenset(Photometric) - _SINGLE_SAMPLE,
    Family.HTJ2K: frozenset(Photometric) - _SINGLE_SAMPLE,
}

_NEWER_NAMES = {"1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression"}
_VIDEO = ("MPEG", "HEVC", "SMPTE")


@dataclass(frozen=True)
class PixelLayout:
    """What describes the pixel data of an instance (PS3.3 C.7.6.3), with `frames` as many as the data really holds."""

    rows: int
    columns: int
    frames: int
    samples_per_pixel: int
    photometric_interpretation: Photometric
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar_configuration: int
    transfer_syntax: str

    @property
    def family(self) -> Family:
        """The codec of the transfer syntax."""
        return FAMILIES[uid.UID(self.transfer_syntax)]

    @property
    def dtype(self) -> np.dtype:
        """The type of a sample in memory: native byte order, `bits_allocated` wide."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def subsampled(self) -> bool:
        """Whether two neighbouring pixels share their chroma in the stored bytes (native YBR_FULL_422)."""
        return self.family is Family.NATIVE and self.photometric_interpretation is Photometric.YBR_FULL_422

    @property
    def decoded_photometric(self) -> Photometric:
        """The photometric interpretation of a decoded frame.

        JPEG 2000 undoes its colour transform itself; a lossy JPEG frame is handed out as RGB, with the decoder's own
        conversion, and so is JPEG XL; everything else stays in the components that were stored, chroma at full resolution.
        """
        photometric = self.photometric_interpretation
        if photometric in (Photometric.YBR_ICT, Photometric.YBR_RCT):
            return Photometric.RGB
        if photometric in (Photometric.YBR_FULL, Photometric.YBR_FULL_422):
            return Photometric.RGB if self.family in (Family.JPEG, Family.JPEG_XL) else Photometric.YBR_FULL
        return photometric

    @property
    def decoded_frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return self.rows * self.columns * self.samples_per_pixel * (self.bits_allocated // 8)


def require_supported_syntax(transfer_syntax: str) -> Family:
    """The codec of a transfer syntax; refuses, by name and with what to do, those that can't be decoded.

    Raises RefusedError (unsupported-transfer-syntax).
    """
    known = uid.UID(transfer_syntax)
    if known in FAMILIES:
        return FAMILIES[known]
    name = _NEWER_NAMES.get(transfer_syntax) or known.name
    if name.startswith(_VIDEO) or "MPEG" in name:
        cure = "export the cine from the scanner or the PACS as a multi-frame image (JPEG or uncompressed), not as video"
    elif "JPIP" in name:
        cure = "its pixels are on a server: retrieve the instance again with its pixel data"
    else:
        cure = "convert it to Explicit VR Little Endian at the PACS"
    if name == transfer_syntax:
        name = "one that is unknown"
    raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, f"the transfer syntax is {name}; {cure}")


def layout_of(header: Dataset, transfer_syntax: str) -> tuple[PixelLayout, list[str]]:
    """The layout that the header claims, and warnings about what had to be assumed; `frames` as declared.

    Raises RefusedError: unsupported-transfer-syntax, unsupported-photometric-interpretation, unsupported-object,
    damaged-pixel-data.
    """
    family = require_supported_syntax(transfer_syntax)
    warnings: list[str] = []
    photometric = _photometric(header)
    samples = 1 if photometric in _SINGLE_SAMPLE else 3
    if _integer(header, "SamplesPerPixel", samples) != samples:
        raise _contradiction(f"Samples per Pixel does not fit {photometric}")
    if samples == 3 and photometric not in _COLOURS[family]:
        raise RefusedError(
            Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION, f"{photometric} is not possible in {family} pixel data"
        )
    allocated = _integer(header, "BitsAllocated", None)
    stored = _integer(header, "BitsStored", allocated)
    signed = _integer(header, "PixelRepresentation", 0)
    if allocated == 1:
        detail = "its pixels have one bit, as scanned documents and segmentations have; leave it out of the input"
        raise RefusedError(Problem.UNSUPPORTED_OBJECT, detail)
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated or signed not in (0, 1):
        raise _contradiction("Bits Allocated, Bits Stored and Pixel Representation are not those of an image")
    if photometric is Photometric.PALETTE_COLOR and stored > 16:
        raise _contradiction("a palette can't have entries for more than 16 Bits Stored")
    if samples == 3 and (signed or (photometric is Photometric.YBR_FULL_422 and allocated != 8)):
        raise _contradiction(f"{photometric} with these Bits Allocated and Pixel Representation is not possible")
    planar = _integer(header, "PlanarConfiguration", 0) if samples == 3 else 0
    if planar not in (0, 1):
        raise _contradiction("Planar Configuration is neither 0 nor 1")
    if samples == 3 and "PlanarConfiguration" not in header and family is Family.NATIVE:
        warnings.append("Planar Configuration is missing; colour by pixel (0) was assumed")
    if photometric is Photometric.YBR_FULL_422 and family is Family.NATIVE:
        planar = 0
    rows, columns = _integer(header, "Rows", 0), _integer(header, "Columns", 0)
    if rows < 1 or columns < 1:
        raise _contradiction("Rows or Columns is missing or zero")
    layout = PixelLayout(
        rows=rows,
        columns=columns,
        frames=_declared_frames(header),
        samples_per_pixel=samples,
        photometric_interpretation=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_high_bit(header, allocated, stored, family, warnings),
        signed=bool(signed),
        planar_configuration=planar,
        transfer_syntax=transfer_syntax,
    )
    return layout, warnings


def readable(header: Dataset, keyword: str) -> object:
    """The value of an attribute; None where it is missing, or damaged so that pydicom can't read it."""
    element = read_keyword(header, keyword)
    return None if element is None else element.value


def _photometric(header: Dataset) -> Photometric:
    text = str(readable(header, "PhotometricInterpretation") or "").strip()
    try:
        return Photometric(text)
    except ValueError:
        # A value from the header is text that could hold anything: only a name of the standard is repeated.
        known = text if text in ("ARGB", "CMYK", "HSV", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "XYB") else "unknown or missing"
        detail = f"the photometric interpretation is {known}"
        raise RefusedError(Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION, detail) from None


def _high_bit(header: Dataset, allocated: int, stored: int, family: Family, warnings: list[str]) -> int:
    """High Bit as the codec uses it: compressed samples other than RLE's are numbers, not bits of a word."""
    usual = stored - 1
    if family not in (Family.NATIVE, Family.RLE):
        return usual
    high = _integer(header, "HighBit", usual)
    if usual <= high < allocated:
        return high
    if stored < allocated:
        raise _contradiction("High Bit contradicts Bits Stored and Bits Allocated")
    warnings.append("High Bit contradicts Bits Stored; Bits Stored was followed")
    return usual


def _declared_frames(header: Dataset) -> int:
    try:
        return max(1, _integer(header, "NumberOfFrames", 1))
    except RefusedError:
        return 1  # the data itself says how many there are


def _integer(header: Dataset, keyword: str, default: int | None) -> int:
    value = readable(header, keyword)
    if value is None or value == "":
        value = default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise _contradiction(f"{keyword} is missing or not a number") from None


def _contradiction(detail: str) -> RefusedError:
    return RefusedError(Problem.DAMAGED_PIXEL_DATA, detail)
