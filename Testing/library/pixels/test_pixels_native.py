"""Uncompressed sources: every photometric interpretation, byte order and width, cut without decoding."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, element, open_pixels

BOX = CropBox(4, 3, 30, 20)
SIZE = (3, 23, 36)
MONOCHROME = [
    (photometric, bits, signed)
    for photometric in ("MONOCHROME1", "MONOCHROME2")
    for bits in (8, 12, 16)
    for signed in (False, True)
]
LITTLE_ENDIAN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


def cut(pixels: np.ndarray, box: CropBox) -> np.ndarray:
    return pixels[:, box.top : box.bottom, box.left : box.right]


def bits_of(bits: int, signed: bool) -> dict:
    return {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "PixelRepresentation": int(signed)}


def frames_of(converted, dtype: str | np.dtype) -> np.ndarray:
    """Native frames as (frames, rows, columns, samples), in the order that the description tells."""
    found = converted.description
    flat = np.frombuffer(b"".join(converted.frames()), dtype=np.dtype(dtype).newbyteorder("<"))
    if found.planar_configuration == 1:
        return flat.reshape(found.frames, 3, found.rows, found.columns).transpose(0, 2, 3, 1)
    return flat.reshape(found.frames, found.rows, found.columns, found.samples_per_pixel)


@pytest.mark.parametrize("syntax", LITTLE_ENDIAN)
@pytest.mark.parametrize(("photometric", "bits", "signed"), MONOCHROME)
def test_grey_pixels_are_cut_bit_for_bit(files, syntax, photometric, bits, signed):
    pixels = files.speckle(*SIZE, 1, bits, signed)
    source = files.opened(files.make(pixels.tobytes(), syntax, pixels.shape, photometric, **bits_of(bits, signed)))
    converted = convert(source, PixelRequest(BOX))
    assert np.array_equal(frames_of(converted, pixels.dtype), cut(pixels, BOX))
    found = converted.description
    assert (found.photometric_interpretation, found.bits_stored, found.high_bit) == (photometric, bits, bits - 1)
    assert (found.pixel_representation, found.transfer_syntax_uid) == (int(signed), ExplicitVRLittleEndian)
    assert (found.rows, found.columns, found.frames, found.planar_configuration) == (17, 26, 3, None)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_big_endian_words_come_out_little_endian(files, bits):
    pixels = files.speckle(*SIZE, 1, bits)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **bits_of(bits, False))
    converted = convert(files.opened(files.big_endian(file)), PixelRequest(BOX))
    assert np.array_equal(frames_of(converted, pixels.dtype), cut(pixels, BOX))


@pytest.mark.parametrize("size", [SIZE, (3, 23, 35), (1, 5, 7)])
def test_eight_bit_samples_in_big_endian_words_are_unswapped_even_across_odd_frames(files, size):
    pixels = files.speckle(*size, 3)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB", pixel_vr="OW")
    source = files.opened(files.big_endian(file))
    box = CropBox(1, 1, 6, 4)
    assert np.array_equal(frames_of(convert(source, PixelRequest(box)), "u1"), cut(pixels, box))


def test_eight_bit_samples_in_big_endian_bytes_are_left_alone(files):
    pixels = files.speckle(*SIZE, 3)
    source = files.opened(files.big_endian(files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB")))
    assert np.array_equal(frames_of(convert(source, PixelRequest(BOX)), "u1"), cut(pixels, BOX))


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("columns", [36, 35])
def test_colour_keeps_its_planar_configuration_and_components(files, photometric, planar, columns):
    pixels = files.speckle(2, 23, columns, 3)
    stored = pixels.transpose(0, 3, 1, 2) if planar else pixels
    data = np.ascontiguousarray(stored).tobytes()
    source = files.opened(files.make(data, files.explicit, pixels.shape, photometric, PlanarConfiguration=planar))
    converted = convert(source, PixelRequest(BOX))
    assert np.array_equal(frames_of(converted, "u1"), cut(pixels, BOX))
    assert converted.description.planar_configuration == planar
    assert converted.description.photometric_interpretation == photometric


@pytest.mark.parametrize(
    "box", [CropBox(0, 0, 36, 23), CropBox(0, 0, 9, 9), CropBox(30, 0, 36, 1), CropBox(0, 22, 1, 23), CropBox(20, 9, 36, 23)]
)
def test_boxes_touching_the_edges_are_exact(files, box):
    pixels = files.speckle(*SIZE, 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB"))
    assert np.array_equal(frames_of(convert(source, PixelRequest(box)), "u1"), cut(pixels, box))


def test_palette_indices_stay_indices_and_black_is_the_darkest_entry(files):
    pixels = files.speckle(*SIZE, 1)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **files.palette())
    redaction = Redaction(CropBox(10, 10, 20, 15))
    converted = convert(files.opened(file), PixelRequest(BOX, redactions=(redaction,)))
    expected = cut(pixels, BOX).copy()
    expected[:, 7:12, 6:16] = 37
    assert np.array_equal(frames_of(converted, "u1"), expected)
    assert converted.description.photometric_interpretation == "PALETTE COLOR"


def test_sixteen_bit_palette_indices_are_cut(files):
    pixels = files.speckle(*SIZE, 1, 12)
    palette = files.palette(entries=4096)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "PALETTE COLOR", **bits_of(12, False), **palette)
    assert np.array_equal(frames_of(convert(files.opened(file), PixelRequest(BOX)), "u2"), cut(pixels, BOX))


class TestYbrFull422:
    """Two Y, one CB and one CR for two pixels."""

    def source(self, files, pixels):
        data = b"".join(files.to_422(frame) for frame in pixels)
        return files.opened(files.make(data, files.explicit, pixels.shape, "YBR_FULL_422"))

    def test_it_stays_422_and_the_box_snaps_inward_to_even_columns(self, files):
        pixels = files.speckle(*SIZE, 3)
        converted = convert(self.source(files, pixels), PixelRequest(CropBox(3, 3, 31, 20)))
        assert converted.box == CropBox(4, 3, 30, 20)
        assert list(converted.frames()) == [files.to_422(frame[3:20, 4:30]) for frame in pixels]
        assert converted.description.photometric_interpretation == "YBR_FULL_422"
        assert converted.description.native_frame_bytes == len(next(converted.frames()))

    def test_a_pair_that_is_partly_outside_is_blanked(self, files):
        pixels = files.speckle(1, 23, 36, 3)
        keep = np.ones((23, 36), dtype=bool)
        keep[:, :5] = False
        converted = convert(self.source(files, pixels), PixelRequest(CropBox(0, 0, 36, 23), keep))
        pairs = np.frombuffer(next(converted.frames()), dtype=np.uint8).reshape(23, 18, 4)
        assert (pairs[:, :3] == (0, 0, 128, 128)).all()
        assert pairs[:, 3:].tobytes() == files.to_422(pixels[0, :, 6:])

    def test_it_is_encoded_as_ybr_full_with_the_same_chroma(self, files, tmp_path):
        pixels = files.speckle(*SIZE, 3)
        converted = convert(self.source(files, pixels), PixelRequest(CropBox(3, 3, 31, 20), transfer_syntax=OutputSyntax.RLE))
        expected = pixels.copy()
        expected[:, :, 1::2, 1:] = expected[:, :, 0::2, 1:]
        assert converted.box == CropBox(3, 3, 31, 20)
        assert converted.description.photometric_interpretation == "YBR_FULL"
        assert np.array_equal(files.pydicom_pixels(files.written(converted)), cut(expected, CropBox(3, 3, 31, 20)))

    @pytest.mark.parametrize("rows_end_in_a_whole_pair", [True, False])
    def test_an_odd_width_becomes_ybr_full(self, files, rows_end_in_a_whole_pair):
        wide = files.speckle(1, 22, 36, 3)
        wide[:, :, 1::2, 1:] = wide[:, :, 0::2, 1:]
        if rows_end_in_a_whole_pair:
            expected, data = wide[:, :, :35], files.to_422(wide[0])
        else:
            row = wide.reshape(1, 1, -1, 3)[:, :, : 22 * 35 // 2 * 2]
            expected, data = row.reshape(1, 22, 35, 3), files.to_422(row[0])
        source = files.opened(files.make(data, files.explicit, (1, 22, 35, 3), "YBR_FULL_422"))
        converted = convert(source, PixelRequest(CropBox(1, 2, 35, 22)))
        assert converted.description.photometric_interpretation == "YBR_FULL"
        assert np.array_equal(frames_of(converted, "u1"), cut(expected, CropBox(1, 2, 35, 22)))

    def test_a_box_within_one_pair_is_refused(self, files):
        with pytest.raises(RefusedError) as refused:
            convert(self.source(files, files.speckle(*SIZE, 3)), PixelRequest(CropBox(3, 3, 4, 20)))
        assert refused.value.problem is Problem.CROP_OUTSIDE_IMAGE


@pytest.mark.parametrize(
    ("photometric", "bits", "signed", "black"),
    [
        ("MONOCHROME2", 8, False, 0),
        ("MONOCHROME2", 12, True, -2048),
        ("MONOCHROME1", 8, False, 255),
        ("MONOCHROME1", 12, False, 4095),
        ("MONOCHROME1", 16, True, 32767),
    ],
)
def test_what_is_not_kept_is_black_as_displayed_and_nothing_else_changes(files, photometric, bits, signed, black):
    pixels = files.speckle(*SIZE, 1, bits, signed)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric, **bits_of(bits, signed)))
    keep = np.zeros((23, 36), dtype=bool)
    keep[5:18, 6:28] = True
    converted = convert(source, PixelRequest(CropBox(0, 0, 36, 23), keep))
    assert np.array_equal(frames_of(converted, pixels.dtype), np.where(keep[np.newaxis, ..., np.newaxis], pixels, black))


@pytest.mark.parametrize(("photometric", "black"), [("RGB", (0, 0, 0)), ("YBR_FULL", (0, 128, 128))])
def test_redactions_blank_only_their_frames(files, photometric, black):
    pixels = files.speckle(*SIZE, 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric))
    request = PixelRequest(BOX, redactions=(Redaction(CropBox(0, 0, 10, 8), 2, 3), Redaction(CropBox(33, 0, 36, 9))))
    expected = cut(pixels, BOX).copy()
    expected[1:, :5, :6] = black
    assert np.array_equal(frames_of(convert(source, request), "u1"), expected)


def test_bits_outside_of_bits_stored_are_cleared(files):
    pixels = files.speckle(*SIZE, 1, 12)
    with_overlay = pixels | np.uint16(0x9000)
    file = files.make(with_overlay.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **bits_of(12, False))
    source = files.opened(file)
    assert np.array_equal(frames_of(convert(source, PixelRequest(BOX)), "u2"), cut(pixels, BOX))
    assert any("cleared" in warning for warning in source.warnings)


def test_a_high_bit_above_bits_stored_is_shifted_down(files):
    pixels = files.speckle(*SIZE, 1, 12)
    attributes = bits_of(12, False) | {"HighBit": 15}
    file = files.make((pixels << 4).tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **attributes)
    converted = convert(files.opened(file), PixelRequest(BOX))
    assert np.array_equal(frames_of(converted, "u2"), cut(pixels, BOX))
    assert converted.description.high_bit == 11


def test_only_the_rows_of_the_box_are_read(files):
    pixels = files.speckle(4, 200, 300, 3)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB")

    class Counting(io.BytesIO):
        got = 0

        def read(self, size=-1):
            data = super().read(size)
            self.got += len(data)
            return data

    stream = Counting(file)
    source = open_pixels(stream, dcmread(io.BytesIO(file), stop_before_pixels=True))
    stream.got = 0
    for _ in convert(source, PixelRequest(CropBox(0, 50, 300, 60))).frames():
        pass
    assert stream.got == 4 * 10 * 300 * 3 + 1  # and the last byte, to see that it is there


@pytest.mark.parametrize(("declared", "held"), [(5, 3), (1, 3), (None, 3)])
def test_a_wrong_number_of_frames_is_corrected_by_the_data_and_told(files, declared, held):
    pixels = files.speckle(held, 23, 36, 3)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB", NumberOfFrames=declared)
    source = files.opened(file)
    assert source.layout.frames == held
    assert any("Number of Frames" in warning for warning in source.warnings)
    assert np.array_equal(frames_of(convert(source, PixelRequest(BOX)), "u1"), cut(pixels, BOX))


def test_padding_behind_the_last_frame_is_left_out_and_told(files):
    pixels = files.speckle(*SIZE, 1)
    source = files.opened(files.make(pixels.tobytes() + bytes(20), files.explicit, pixels.shape, "MONOCHROME2"))
    assert np.array_equal(frames_of(convert(source, PixelRequest(BOX)), "u1"), cut(pixels, BOX))
    assert any("padding" in warning for warning in source.warnings)


@pytest.mark.parametrize("cut_off", [1, 1000])
def test_a_truncated_file_is_refused_at_the_frame_that_is_not_whole(files, cut_off):
    pixels = files.speckle(3, 24, 36, 1)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2")
    whole = CropBox(0, 0, 36, 24)
    with pytest.raises(RefusedError) as refused:
        list(convert(files.opened(file[:-cut_off]), PixelRequest(whole)).frames())
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("length", [100, 23 * 36 - 2, 23 * 36 * 2 + 100])
def test_a_length_that_fits_no_number_of_frames_is_refused(files, length):
    file = files.make(bytes(length), files.explicit, (1, 23, 36, 1), "MONOCHROME2")
    with pytest.raises(RefusedError) as refused:
        files.opened(file)
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("form", ["interleaved", "by plane", "4:2:2"])
@pytest.mark.parametrize("missing", [2, 60])
def test_a_file_that_ends_below_the_crop_box_gives_all_of_the_box_and_is_told(files, form, missing):
    pixels = files.speckle(2, 40, 36, 3)
    box = CropBox(4, 3, 30, 12) if form == "by plane" else CropBox(4, 3, 30, 36)
    if form == "by plane":
        data = pixels.transpose(0, 3, 1, 2).tobytes()
        file = files.make(data, files.explicit, pixels.shape, "RGB", PlanarConfiguration=1)
    elif form == "interleaved":
        file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB")
    else:
        data = b"".join(files.to_422(frame) for frame in pixels)
        file = files.make(data, files.explicit, pixels.shape, "YBR_FULL_422")
    whole, short = files.opened(file), files.opened(file[:-missing])
    assert list(convert(short, PixelRequest(box)).frames()) == list(convert(whole, PixelRequest(box)).frames())
    assert whole.warnings == ()
    assert len(short.warnings) == 1 and "ends inside its last frame" in short.warnings[0]


def test_a_truncated_deflated_dataset_is_refused(files):
    pixels = files.speckle(*SIZE, 3)
    file = files.make(pixels.tobytes(), DeflatedExplicitVRLittleEndian, pixels.shape, "RGB")
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    with pytest.raises(RefusedError) as refused:
        open_pixels(io.BytesIO(file[: len(file) // 2]), header)
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


def test_a_deflated_dataset_that_inflates_without_end_is_refused(files, monkeypatch):
    monkeypatch.setattr(element, "_LARGEST_HEADER", 0)
    file = files.make(bytes(36 * 23 * 100), DeflatedExplicitVRLittleEndian, (1, 23, 36, 1), "MONOCHROME2")
    with pytest.raises(RefusedError) as refused:
        open_pixels(io.BytesIO(file), dcmread(io.BytesIO(file), stop_before_pixels=True))
    assert "inflates" in refused.value.detail


def test_a_box_outside_of_the_image_is_refused(files):
    pixels = files.speckle(*SIZE, 1)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2"))
    with pytest.raises(RefusedError) as refused:
        convert(source, PixelRequest(CropBox(0, 0, 37, 23)))
    assert refused.value.problem is Problem.CROP_OUTSIDE_IMAGE
