"""Frames as a viewer shows them, and after-images: what leaves, as a viewer shows it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from real_files import real_bytes

from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert

SHAPE = (1, 24, 36, 1)


def shown(source) -> np.ndarray:
    return np.stack(list(source.display_frames()))


def grey(files, pixels, photometric="MONOCHROME2", bits=8, signed=0, **attributes):
    allocated = 8 if bits == 8 else 16
    layout = {"BitsAllocated": allocated, "BitsStored": bits, "PixelRepresentation": signed}
    return files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric, **layout, **attributes))


def test_eight_bit_grey_is_shown_as_it_is_and_monochrome1_inverted(files):
    pixels = files.speckle(*SHAPE)
    assert np.array_equal(shown(grey(files, pixels)), np.repeat(pixels, 3, axis=3))
    assert np.array_equal(shown(grey(files, pixels, "MONOCHROME1")), 255 - np.repeat(pixels, 3, axis=3))


def test_deep_grey_fills_the_range_of_the_screen(files):
    pixels = files.speckle(*SHAPE, 12, signed=True)
    picture = shown(grey(files, pixels, bits=12, signed=1))
    assert (picture.min(), picture.max()) == (0, 255)
    assert (np.diff(picture[..., 0].ravel()[np.argsort(pixels.ravel())].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"WindowCenter": 100, "WindowWidth": 51}, [0, 0, 128, 255, 255]),  # PS3.3 C.11.2.1.2.1
        ({"WindowCenter": [100, 7], "WindowWidth": [51, 7]}, [0, 0, 128, 255, 255]),
        ({"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "LINEAR_EXACT"}, [0, 0, 128, 255, 255]),
        ({"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "SIGMOID"}, [0, 30, 128, 225, 255]),
        ({"WindowCenter": 190, "WindowWidth": 101, "RescaleSlope": 2, "RescaleIntercept": -10}, [0, 0, 128, 255, 255]),
        ({"WindowCenter": "", "WindowWidth": 50}, [10, 75, 100, 125, 250]),
        ({"WindowCenter": 100, "WindowWidth": 0}, [10, 75, 100, 125, 250]),
    ],
)
def test_the_window_of_the_header_is_applied(files, attributes, expected):
    pixels = np.array([10, 75, 100, 125, 250, 0], dtype=np.uint8).reshape(1, 1, 6, 1)
    picture = shown(grey(files, pixels, **attributes))[0, 0, :5, 0].astype(int)
    assert np.abs(picture - expected).max() <= 3


def test_ybr_is_shown_as_rgb(files):
    pixels = files.speckle(1, 24, 36, 3)
    expected = np.asarray(Image.fromarray(pixels[0], "YCbCr").convert("RGB")).astype(int)
    full = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "YBR_FULL"))
    assert np.abs(shown(full)[0] - expected).max() <= 1
    pixels[:, :, 1::2, 1:] = pixels[:, :, 0::2, 1:]
    half = files.opened(files.make(files.to_422(pixels[0]), files.explicit, pixels.shape, "YBR_FULL_422"))
    full = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "YBR_FULL"))
    assert np.array_equal(shown(half), shown(full))


class TestPalette:
    def expected(self, palette, pixels, shift=8, first=0):
        tables = [np.frombuffer(palette[f"{name}PaletteColorLookupTableData"], dtype="<u2") for name in ("Red", "Green", "Blue")]
        indices = np.clip(pixels[..., 0].astype(int) - first, 0, len(tables[0]) - 1)
        return np.stack([table[indices] >> shift for table in tables], axis=-1)

    @pytest.mark.parametrize("big_endian", [False, True])
    def test_sixteen_bit_entries_are_shown_by_their_high_byte(self, files, big_endian):
        pixels, palette = files.speckle(*SHAPE), files.palette()
        file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **palette)
        source = files.opened(files.big_endian(file) if big_endian else file)
        assert np.array_equal(shown(source), self.expected(palette, pixels))
        assert source.display.black == (37,)

    def test_sixteen_bit_entries_with_eight_meaningful_bits_are_shown_as_they_are(self, files):
        pixels, palette = files.speckle(*SHAPE), files.palette()
        for name in ("Red", "Green", "Blue"):
            keyword = f"{name}PaletteColorLookupTableData"
            palette[keyword] = (np.frombuffer(palette[keyword], dtype="<u2") & 255).astype("<u2").tobytes()
        source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **palette))
        assert np.array_equal(shown(source), self.expected(palette, pixels, shift=0))

    @pytest.mark.parametrize("big_endian", [False, True])
    def test_eight_bit_entries_are_shown_as_they_are(self, files, big_endian):
        pixels, palette = files.speckle(*SHAPE), files.palette(bits=8)
        file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **palette)
        tables = [np.frombuffer(palette[f"{name}PaletteColorLookupTableData"], dtype="u1") for name in ("Red", "Green", "Blue")]
        source = files.opened(files.big_endian(file) if big_endian else file)
        assert np.array_equal(shown(source), np.stack([table[pixels[..., 0]] for table in tables], axis=-1))

    @pytest.mark.parametrize(("first", "signed"), [(100, 0), (-100, 1)])
    def test_values_beyond_the_table_take_its_ends(self, files, first, signed):
        pixels = files.speckle(*SHAPE, 8, signed=bool(signed))
        palette = files.palette(entries=60, first=first)
        layout = {"PixelRepresentation": signed}
        file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **layout, **palette)
        source = files.opened(file)
        assert np.array_equal(shown(source), self.expected(palette, pixels, first=first))
        assert source.display.black == (first + 37,)

    def test_black_is_a_value_that_the_pixels_can_have(self, files):
        palette = files.palette(entries=60, first=240)
        pixels = files.speckle(*SHAPE)
        source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **palette))
        assert 0 <= source.display.black[0] <= 255

    def test_a_segmented_palette_is_expanded(self, files):
        pixels = files.speckle(*SHAPE)
        segments = np.array([0, 1, 0, 1, 255, 65535 // 257 * 257], dtype="<u2").tobytes()  # discrete 0, then a line up
        palette = {}
        for name in ("Red", "Green", "Blue"):
            palette[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
            palette[f"Segmented{name}PaletteColorLookupTableData"] = segments
        source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **palette))
        assert np.abs(shown(source).astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR"])
@pytest.mark.parametrize("syntax", [OutputSyntax.SAME, OutputSyntax.RLE])
def test_the_after_image_is_cut_and_black_where_blanked(files, photometric, syntax):
    colour = photometric in ("RGB", "YBR_FULL", "YBR_FULL_422")
    pixels = files.speckle(1, 24, 36, 3 if colour else 1)
    data = files.to_422(pixels[0]) if photometric == "YBR_FULL_422" else pixels.tobytes()
    palette = files.palette() if photometric == "PALETTE COLOR" else {}
    source = files.opened(files.make(data, files.explicit, pixels.shape, photometric, **palette))
    request = PixelRequest(CropBox(4, 2, 30, 20), redactions=(Redaction(CropBox(8, 5, 14, 9)),), transfer_syntax=syntax)
    expected = shown(source)[0, 2:20, 4:30].copy()
    expected[3:7, 4:10] = 0
    after = next(convert(source, request).display_frames())
    assert np.array_equal(after, expected)


def test_a_real_palette_in_either_byte_order_is_shown_the_same(files):
    pictures = []
    for name in ("gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm"):
        pictures.append(shown(files.opened(real_bytes(name))))
    assert np.array_equal(*pictures)
    assert pictures[0].max() > 200
