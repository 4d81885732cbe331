"""Fragments, offset tables and headers that are odd or wrong: read with a warning, or refused by name."""

from __future__ import annotations

import io
import itertools
import struct

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread, dcmwrite, uid
from pydicom.data import get_testdata_file

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import PixelRequest, convert, open_pixels

SHAPE = (4, 29, 47, 1)
WHOLE = CropBox(0, 0, 47, 29)
ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
ITEM_END, END = struct.pack("<HHL", 0xFFFE, 0xE00D, 0), struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


@pytest.fixture
def cine(files):
    """Pixels and their JPEG-LS frames."""
    pixels = files.speckle(*SHAPE)
    frames = [imagecodecs.jpegls_encode(frame[..., 0]) for frame in pixels]
    return pixels, [frame + b"\0" * (len(frame) % 2) for frame in frames]


def item(value: bytes) -> bytes:
    return ITEM + struct.pack("<L", len(value)) + value


def with_items(files, items: bytes, **attributes) -> bytes:
    """A file whose encapsulated pixel data is exactly `items` (with any delimiter that belongs there)."""
    whole = files.make([b"\xff\xd8"], uid.JPEGLSLossless, SHAPE, "MONOCHROME2", **attributes)
    start = whole.index(struct.pack("<HH", 0x7FE0, 0x0010) + b"OB") + 12
    return whole[:start] + items


def read(source) -> np.ndarray:
    return np.stack([source.pixels(index, WHOLE) for index in range(source.layout.frames)])


def refused_problem(action) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        action()
    return refused.value


def offsets(frames: list[bytes]) -> list[int]:
    return [sum(8 + len(frame) for frame in frames[:index]) for index in range(len(frames))]


@pytest.mark.parametrize("table", ["none", "right"])
def test_a_fragment_a_frame_is_read_without_a_warning(files, cine, table):
    pixels, frames = cine
    values = b"" if table == "none" else struct.pack("<4L", *offsets(frames))
    source = files.opened(with_items(files, item(values) + b"".join(map(item, frames)) + END))
    assert np.array_equal(read(source), pixels)
    assert source.warnings == ()


@pytest.mark.parametrize("values", [[0, 10, 20, 30], [0, 0, 0, 0], [8, 100, 200, 300], [0]])
def test_a_wrong_offset_table_is_told_and_not_followed(files, cine, values):
    pixels, frames = cine
    table = struct.pack(f"<{len(values)}L", *values)
    source = files.opened(with_items(files, item(table) + b"".join(map(item, frames)) + END))
    assert np.array_equal(read(source), pixels)
    assert any("offset table" in warning for warning in source.warnings)


def test_an_offset_table_that_lists_more_frames_than_there_are_is_refused(files, cine):
    _, frames = cine
    table = struct.pack("<5L", *offsets(frames), 99999)
    file = with_items(files, item(table) + b"".join(map(item, frames)) + END)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.DAMAGED_PIXEL_DATA


def test_an_extended_offset_table_is_compared(files, cine):
    pixels, frames = cine
    items = item(b"") + b"".join(map(item, frames)) + END
    right = files.opened(with_items(files, items, ExtendedOffsetTable=struct.pack("<4Q", *offsets(frames))))
    wrong = files.opened(with_items(files, items, ExtendedOffsetTable=struct.pack("<4Q", 0, 1, 2, 3)))
    assert right.warnings == ()
    assert any("offset table" in warning for warning in wrong.warnings)
    assert np.array_equal(read(wrong), pixels)


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_fragmented_frames_without_an_offset_table_are_joined(files, cine, pieces):
    pixels, frames = cine
    fragments = b""
    for frame in frames:
        size = len(frame) // pieces // 2 * 2
        cuts = [*range(0, size * pieces, size), len(frame)]
        fragments += b"".join(item(frame[start:end]) for start, end in itertools.pairwise(cuts))
    source = files.opened(with_items(files, item(b"") + fragments + END))
    assert np.array_equal(read(source), pixels)
    assert source.warnings == ()


def test_stray_item_delimiters_are_passed_over(files, cine):
    pixels, frames = cine
    source = files.opened(with_items(files, item(b"") + b"".join(map(item, frames)) + ITEM_END + END))
    assert np.array_equal(read(source), pixels)
    assert any("stray" in warning for warning in source.warnings)


def test_a_missing_end_is_told_when_all_frames_are_there(files, cine):
    pixels, frames = cine
    source = files.opened(with_items(files, item(b"") + b"".join(map(item, frames))))
    assert np.array_equal(read(source), pixels)
    assert any("end" in warning for warning in source.warnings)


def test_items_behind_a_defined_length_are_read(files, cine):
    pixels, frames = cine
    items = item(b"") + b"".join(map(item, frames))
    file = bytearray(with_items(files, items))
    start = file.index(struct.pack("<HH", 0x7FE0, 0x0010) + b"OB") + 8
    file[start : start + 4] = struct.pack("<L", len(items))
    assert np.array_equal(read(files.opened(bytes(file))), pixels)


@pytest.mark.parametrize("cut_off", [4, 100, 1500])
def test_a_file_that_ends_inside_the_fragments_is_refused(files, cine, cut_off):
    _, frames = cine
    file = with_items(files, item(b"") + b"".join(map(item, frames)))[:-cut_off]
    assert refused_problem(lambda: read(files.opened(file))).problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("declared", [1, 3, 9, None, "0"])
def test_a_wrong_number_of_frames_is_corrected_by_the_codestreams(files, cine, declared):
    pixels, frames = cine
    items = item(b"") + b"".join(map(item, frames)) + END
    source = files.opened(with_items(files, items, NumberOfFrames=declared))
    assert np.array_equal(read(source), pixels)
    assert any("Number of Frames" in warning for warning in source.warnings)


@pytest.mark.parametrize("is_native", [False, True])
def test_frames_that_the_header_lists_twice_and_the_data_lacks_are_damage(files, cine, is_native):
    pixels, frames = cine
    described = dict(NumberOfFrames=6, FrameTimeVector=["0", "40", "40", "40", "40", "40"])
    if is_native:
        file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB", **described)
    else:
        file = with_items(files, item(b"") + b"".join(map(item, frames)) + END, **described)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.DAMAGED_PIXEL_DATA


def test_pixels_of_one_bit_are_no_damage(files):
    file = files.make(bytes(24 * 40 // 8), files.explicit, (1, 24, 40, 1), "MONOCHROME2", BitsAllocated=1, BitsStored=1)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.UNSUPPORTED_OBJECT


def test_a_frame_that_lost_its_beginning_is_refused(files, cine):
    _, frames = cine
    damaged = [*frames[:2], frames[2][10:], frames[3]]
    file = with_items(files, item(b"") + b"".join(map(item, damaged)) + END)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.DAMAGED_PIXEL_DATA


def test_an_empty_fragment_in_place_of_a_frame_is_refused(files, cine):
    _, frames = cine
    file = with_items(files, item(b"") + b"".join(map(item, [*frames[:3], b""])) + END)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize(
    "items",
    [b"", END, item(b"") + END, item(b"abc!"), b"\1\2\3\4\5\6\7\x08" * 9, item(b"") + item(b"no codestream!")],
)
def test_pixel_data_without_frames_is_refused(files, items):
    assert refused_problem(lambda: files.opened(with_items(files, items))).problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize(
    ("syntax", "name", "cure"),
    [
        ("1.2.840.10008.1.2.4.100", "MPEG2", "multi-frame"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4", "multi-frame"),
        ("1.2.840.10008.1.2.4.103.1", "MPEG-4", "multi-frame"),
        ("1.2.840.10008.1.2.4.107", "HEVC", "multi-frame"),
        ("1.2.840.10008.1.2.7.1", "SMPTE", "multi-frame"),
        ("1.2.840.10008.1.2.4.94", "JPIP", "retrieve"),
        ("1.2.840.10008.1.2.4.92", "Part 2", "Explicit VR"),
        ("1.2.3.4.5", "unknown", "Explicit VR"),
    ],
)
def test_syntaxes_that_cant_be_decoded_are_refused_by_name_with_a_cure(files, syntax, name, cure):
    file = files.make(bytes(29 * 47), files.explicit, (1, 29, 47, 1), "MONOCHROME2")
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    header.file_meta.TransferSyntaxUID = uid.UID(syntax)
    error = refused_problem(lambda: open_pixels(io.BytesIO(file), header))
    assert error.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert name in error.detail
    assert cure in error.detail
    assert "1.2.3.4.5" not in error.detail


@pytest.mark.parametrize("photometric", ["CMYK", "ARGB", "HSV", "YBR_PARTIAL_422", "SMITH JOHN", "", None])
def test_other_photometric_interpretations_are_refused_without_their_text(files, photometric):
    file = files.make(bytes(29 * 47), files.explicit, (1, 29, 47, 1), photometric)
    error = refused_problem(lambda: files.opened(file))
    assert error.problem is Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION
    assert "SMITH" not in error.detail


@pytest.mark.parametrize("photometric", ["YBR_RCT", "YBR_ICT"])
def test_a_jpeg_2000_transform_is_refused_outside_of_jpeg_2000(files, photometric):
    file = files.make(bytes(29 * 47 * 3), files.explicit, (1, 29, 47, 3), photometric)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION


@pytest.mark.parametrize("attributes", [{}, {"RedPaletteColorLookupTableDescriptor": [256, 0, 16]}])
def test_a_palette_image_without_its_palette_is_refused(files, attributes):
    file = files.make(bytes(29 * 47), files.explicit, (1, 29, 47, 1), "PALETTE COLOR", **attributes)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION


@pytest.mark.parametrize(
    "attributes",
    [
        {"BitsAllocated": 12},
        {"BitsStored": 9},
        {"BitsStored": 0, "HighBit": 0},
        {"BitsAllocated": None},
        {"Rows": 0},
        {"Columns": None},
        {"SamplesPerPixel": 3},
        {"PixelRepresentation": 7},
        {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 3},
    ],
)
def test_a_header_that_describes_no_image_is_refused(files, attributes):
    file = files.make(bytes(29 * 47 * 2), files.explicit, (1, 29, 47, 1), "MONOCHROME2", **attributes)
    assert refused_problem(lambda: files.opened(file)).problem is Problem.DAMAGED_PIXEL_DATA


def test_compressed_data_under_a_native_syntax_is_refused(files, cine):
    file = with_items(files, item(b"") + b"".join(map(item, cine[1])) + END)
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    header.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    assert refused_problem(lambda: open_pixels(io.BytesIO(file), header)).problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("keyword", [None, "FloatPixelData"])
def test_an_instance_without_integer_pixels_is_refused(files, keyword):
    file = files.make(bytes(29 * 47), files.explicit, (1, 29, 47, 1), "MONOCHROME2")
    dataset = dcmread(io.BytesIO(file))
    del dataset.PixelData
    if keyword:
        dataset.FloatPixelData = bytes(4)
    stream = io.BytesIO()
    dcmwrite(stream, dataset)
    assert refused_problem(lambda: files.opened(stream.getvalue())).problem is Problem.NO_PIXEL_DATA


@pytest.mark.filterwarnings("ignore:Expected explicit VR")
def test_implicit_vr_under_an_explicit_syntax_is_read_as_what_it_is(files):
    path = get_testdata_file("SC_rgb_jpeg.dcm", download=False)
    header = dcmread(path, stop_before_pixels=True)
    with open(path, "rb") as stream:
        source = open_pixels(stream, header)
        picture = source.pixels(0, CropBox(0, 0, source.layout.columns, source.layout.rows))
    assert picture[0, 50].tolist() == [244, 244, 244]


@pytest.mark.parametrize("hidden", [False, True])
def test_interleaved_tile_parts_are_read_or_refused_by_the_name_of_a_package(files, without, hidden):
    path = get_testdata_file("GDCMJ2K_TextGBR.dcm", download=False)
    with open(path, "rb") as stream:
        source = files.opened(stream.read())
    if not hidden:
        assert source.pixels(0, CropBox(0, 0, 400, 400)).any()
        return
    without("openjpeg", "imagecodecs")
    error = refused_problem(lambda: source.pixels(0, CropBox(0, 0, 400, 400)))
    assert error.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert "pylibjpeg-openjpeg" in error.detail


def test_a_file_without_meta_information_is_read_as_what_it_is(files):
    pixels = files.speckle(1, 29, 47, 1)
    file = files.make(pixels.tobytes(), uid.ImplicitVRLittleEndian, pixels.shape, "MONOCHROME2")
    stream = io.BytesIO()
    dataset = dcmread(io.BytesIO(file))
    del dataset.file_meta
    dcmwrite(stream, dataset, implicit_vr=True, little_endian=True)
    header = dcmread(io.BytesIO(stream.getvalue()), stop_before_pixels=True, force=True)
    converted = convert(open_pixels(stream, header), PixelRequest(WHOLE))
    assert next(converted.frames()) == pixels.tobytes()
