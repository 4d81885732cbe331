"""Stored samples -> what a viewer shows, and which stored value is black."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.layout import Photometric, PixelLayout

_LUMINANCE = (299, 587, 114)
_PALETTES = [
    f"{prefix}{colour}PaletteColorLookupTableData" for prefix in ("", "Segmented") for colour in ("Red", "Green", "Blue")
]


@dataclass(frozen=True)
class Palette:
    """The palette of a PALETTE COLOR image (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.2)."""

    table: np.ndarray  # (entries, 3) uint8
    first: int  # the stored value that the first entry belongs to

    def darkest(self, smallest: int, largest: int) -> int:
        """The value from `smallest` to `largest` that shows darkest; the first of equals."""
        shown = self.apply(np.arange(smallest, largest + 1))
        return smallest + int(np.argmin(shown.astype(np.int32) @ np.array(_LUMINANCE)))

    def apply(self, indices: np.ndarray) -> np.ndarray:
        """Stored values of any shape -> the same shape with RGB (uint8) behind; values beyond the table take its ends."""
        return self.table[np.clip(indices.astype(np.int64) - self.first, 0, len(self.table) - 1)]


@dataclass(frozen=True)
class Window:
    """The first window of the header, and its rescale (PS3.3 C.11.1.1, C.11.2.1.2, C.11.2.1.3)."""

    centre: float
    width: float
    function: str = "LINEAR"
    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, samples: np.ndarray) -> np.ndarray:
        """Shades from 0 to 1, darkest first."""
        values = samples.astype(np.float32) * self.slope + self.intercept
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp(-4 * (values - self.centre) / self.width))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.centre) / self.width + 0.5, 0, 1)
        return np.clip((values - (self.centre - 0.5)) / max(self.width - 1, 1e-6) + 0.5, 0, 1)


@dataclass(frozen=True)
class Display:
    """How decoded samples of one instance are shown."""

    layout: PixelLayout
    palette: Palette | None
    window: Window | None

    @property
    def black(self) -> tuple[int, ...]:
        """The stored samples, in `layout.decoded_photometric`, of a pixel that shows black.

        MONOCHROME2: the smallest number that Bits Stored holds (0 where unsigned); MONOCHROME1: the largest.
        """
        layout = self.layout
        photometric = layout.decoded_photometric
        smallest, largest = _stored_range(layout)
        if self.palette is not None:
            return (self.palette.darkest(smallest, largest),)
        if photometric is Photometric.YBR_FULL:
            neutral = 1 << (layout.bits_stored - 1)
            return (0, neutral, neutral)
        if photometric is Photometric.RGB:
            return (0, 0, 0)
        return (largest if photometric is Photometric.MONOCHROME1 else smallest,)

    def show(self, samples: np.ndarray, *, whole_range: bool = False) -> np.ndarray:
        """(rows, columns, samples) in `layout.decoded_photometric` -> (rows, columns, 3) uint8 RGB.

        With `whole_range` grey is shown as stored, not by the header's window, which can hide what is there.
        """
        photometric = self.layout.decoded_photometric
        if self.palette is not None:
            return self.palette.apply(samples[..., 0])
        if photometric in (Photometric.RGB, Photometric.YBR_FULL):
            shades = _eight_bits(samples, self.layout.bits_stored)
            return convert_color_space(shades, "YBR_FULL", "RGB") if photometric is Photometric.YBR_FULL else shades
        grey = self._whole_range(samples[..., 0]) if whole_range else self._grey(samples[..., 0])
        if photometric is Photometric.MONOCHROME1:
            grey = 255 - grey
        return np.repeat(grey[..., np.newaxis], 3, axis=2)

    def _grey(self, samples: np.ndarray) -> np.ndarray:
        """By the header's window; without one, over the range of Bits Stored, or of the frame beyond 8 bits."""
        if self.window is not None:
            return np.rint(self.window.apply(samples) * 255).astype(np.uint8)
        smallest, largest = _stored_range(self.layout)
        if self.layout.bits_stored > 8:
            smallest, largest = int(samples.min()), int(samples.max())
        shades = (samples.astype(np.float32) - smallest) * (255 / max(1, largest - smallest))
        return np.rint(shades).astype(np.uint8)

    def _whole_range(self, samples: np.ndarray) -> np.ndarray:
        """All that Bits Stored holds, the same for every frame; beyond 8 bits the dark values are spread, where most lie."""
        smallest, largest = _stored_range(self.layout)
        share = (samples.astype(np.float32) - smallest) / (largest - smallest)
        return np.rint(255 * (share if self.layout.bits_stored <= 8 else share**0.25)).astype(np.uint8)


def display_of(header: Dataset, layout: PixelLayout) -> Display:
    """How the instance is shown. Raises RefusedError (unsupported-photometric-interpretation) for a bad palette."""
    photometric = layout.photometric_interpretation
    if photometric is Photometric.PALETTE_COLOR:
        return Display(layout, _palette(header, layout), None)
    grey = photometric in (Photometric.MONOCHROME1, Photometric.MONOCHROME2)
    return Display(layout, None, _window(header) if grey else None)


def _stored_range(layout: PixelLayout) -> tuple[int, int]:
    if layout.signed:
        return -(1 << (layout.bits_stored - 1)), (1 << (layout.bits_stored - 1)) - 1
    return 0, (1 << layout.bits_stored) - 1


def _eight_bits(samples: np.ndarray, bits_stored: int) -> np.ndarray:
    if bits_stored == 8:
        return samples.astype(np.uint8)
    return (samples >> (bits_stored - 8) if bits_stored > 8 else samples << (8 - bits_stored)).astype(np.uint8)


def _palette(header: Dataset, layout: PixelLayout) -> Palette:
    """The palette in 8 bits; 16-bit entries that never exceed 255 hold 8 meaningful bits in real files."""
    try:
        tables = Dataset()
        for element in header.group_dataset(0x0028):
            if "PaletteColorLookupTableDescriptor" in element.keyword:
                tables[element.tag] = element
        for keyword in _PALETTES:
            if keyword in header:
                setattr(tables, keyword, _little_endian(header, header[keyword].value))
        tables.set_original_encoding(is_implicit_vr=False, is_little_endian=True)
        entries, first, bits = tables.RedPaletteColorLookupTableDescriptor
        tables.RedPaletteColorLookupTableDescriptor = [entries, 0, bits]
        table = apply_color_lut(np.arange(entries or 2**16), tables)[..., :3]
        first = _first_index(int(first), layout)
    except Exception as error:  # pydicom raises many kinds for a damaged palette
        raise RefusedError(
            Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION,
            f"the palette of the image is missing or damaged ({type(error).__name__})",
        ) from None
    if table.dtype.itemsize > 1 and table.max() > 255:
        table = table >> 8
    return Palette(table.astype(np.uint8), first)


def _first_index(first: int, layout: PixelLayout) -> int:
    """The first mapped value, which has the pixels' sign (PS3.3 C.7.6.3.1.5) whatever it was read as."""
    if layout.signed:
        return first - 2**16 if first >= 2**15 else first
    return first & 0xFFFF


def _little_endian(header: Dataset, value: bytes) -> bytes:
    """Palette data are 16-bit words (OW), which pydicom leaves in the byte order of the file."""
    if header.original_encoding[1] is not False:
        return value
    return np.frombuffer(value, dtype="u2").byteswap().tobytes()


def _window(header: Dataset) -> Window | None:
    try:
        centre, width = _first_number(header, "WindowCenter"), _first_number(header, "WindowWidth")
        slope, intercept = _first_number(header, "RescaleSlope"), _first_number(header, "RescaleIntercept")
        if centre is None or width is None or not width >= 1:
            return None
        function = str(header.get("VOILUTFunction") or "LINEAR")
        return Window(centre, width, function, 1.0 if slope is None else slope, intercept or 0.0)
    except Exception:  # a window that can't be read is none: the whole range is shown
        return None


def _first_number(header: Dataset, keyword: str) -> float | None:
    value = header.get(keyword)
    if value is None or value == "":
        return None
    number = float(value if isinstance(value, (int, float)) else value[0])
    if not math.isfinite(number):
        raise ValueError(keyword)
    return number
