"""Sources whose JPEG is damaged, unusual, or better decoded, and what a person saw of them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jpeg_files import BOXES, CODECS, COLUMNS, ROWS, UNITS, exam_file, fancy, frames_of, inside, plain
from pydicom import dcmread, uid
from pydicom.encaps import generate_frames
from real_files import real_bytes

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox, parse_sector
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert
from USDICOMizerLib.pixels.codestream import read_jpeg_header
from USDICOMizerLib.pixels.jpeg_crop import JpegGrid
from USDICOMizerLib.pixels.layout import Photometric


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("marking", ["jfif", "adobe", "both", "none"])
@pytest.mark.parametrize("identifiers", [b"\1\2\3", b"\0\1\2", b"\x22\x11\x33"])
def test_the_markers_that_tell_the_colours_stay_and_the_rest_goes(files, jpeg_codec, codec, marking, identifiers):
    jpeg_codec(codec)
    (frame,) = frames_of(files, "4:2:2")
    bare = bytearray(read_jpeg_header(frame).bare)
    for start, step in ((bare.find(b"\xff\xc0") + 10, 3), (bare.find(b"\xff\xda") + 5, 2)):
        bare[start : start + 3 * step : step] = identifiers
    name = b"Erika Musterfrau"
    segments = b"\xff\xfe" + (2 + len(name)).to_bytes(2, "big") + name
    segments += b"\xff\xe1" + (2 + len(name)).to_bytes(2, "big") + name
    if marking in ("jfif", "both"):
        segments = b"\xff\xe0\x00\x13JFIF\0\x01\x02\x01\x12\x34\x56\x78\x01\x01abc" + segments  # with a thumbnail
    if marking in ("adobe", "both"):
        segments += b"\xff\xee\x00\x12Adobe\x00\x64abcd\x01efgh"
    source = files.opened(exam_file(files, [bytes(bare[:2]) + segments + bytes(bare[2:]) + b"\xff\xd9"], "4:2:2"))
    converted = convert(source, PixelRequest(BOXES[0]))
    (found,) = converted.frames()
    header = read_jpeg_header(found)
    assert header.jfif == (marking in ("jfif", "both"))
    assert header.adobe_transform == (1 if marking in ("adobe", "both") else None)
    assert header.component_ids == tuple(identifiers)
    for leftover in (name, b"\1\1abc", b"abcd", b"\1efgh", b"\x12\x34\x56\x78"):
        assert leftover not in found[: found.find(b"\xff\xda")]
    assert len(found) - len(header.bare) <= 2 + 18 + 16 + 1
    assert source.warnings == ()
    shown = next(converted.display_frames()).astype(int)
    assert np.abs(shown - inside(converted.box, fancy(frame, "4:2:2"))).mean() < 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", ["grey", "4:4:4", "4:2:2", "4:2:0", "RGB"])
@pytest.mark.parametrize("options", [{"restart_marker_blocks": 3}, {"progressive": True}, {"optimize": True}], ids=str)
def test_restart_markers_progression_and_other_huffman_tables_come_out_right(files, jpeg_codec, codec, form, options):
    jpeg_codec(codec)
    frames = frames_of(files, form, 1, **options)
    converted = convert(files.opened(exam_file(files, frames, form)), PixelRequest(BOXES[0]))
    (found,) = converted.frames()
    assert read_jpeg_header(found).process == 0xC0
    assert np.array_equal(plain(found, form), inside(converted.box, plain(frames[0], form)))


@pytest.mark.parametrize("codec", CODECS)
def test_sampling_factors_of_a_single_component_do_not_matter(files, jpeg_codec, codec):
    jpeg_codec(codec)
    frame = bytearray(frames_of(files, "grey")[0])
    frame[frame.find(b"\xff\xc0") + 11] = 0x22
    converted = convert(files.opened(exam_file(files, [bytes(frame)], "grey")), PixelRequest(BOXES[0]))
    (found,) = converted.frames()
    assert np.array_equal(plain(found, "grey"), inside(converted.box, plain(bytes(frame), "grey")))


@pytest.mark.parametrize("form", [form for form in UNITS if form != "RGB"])
def test_both_codecs_write_the_same_bytes(files, jpeg_codec, monkeypatch, form):
    file = exam_file(files, frames_of(files, form, 2), form)
    keep = parse_sector("polygon 20 10 100 14 90 80 30 85").mask(ROWS, COLUMNS)
    written = []
    for codec in CODECS:
        with monkeypatch.context():
            jpeg_codec(codec)
            written.append(list(convert(files.opened(file), PixelRequest(BOXES[0], keep)).frames()))
            monkeypatch.undo()
    assert written[0] == written[1]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("lost", "ended"), [(2, False), (30, False), (300, False), (300, True), (1500, True)])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_frame_is_never_filled_with_grey(files, jpeg_codec, codec, lost, ended, progressive):
    jpeg_codec(codec)
    (frame,) = frames_of(files, "4:2:2", 1, progressive=progressive)
    source = files.opened(exam_file(files, [frame[: -2 - lost] + (b"\xff\xd9" if ended else b"")], "4:2:2"))
    with pytest.raises(RefusedError) as refused:
        list(convert(source, PixelRequest(BOXES[0])).frames())
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("ending", [b"", b"\0\0", b"\xff\xd9\0\0"])
def test_a_missing_end_marker_and_padding_do_no_harm(files, jpeg_codec, codec, ending):
    jpeg_codec(codec)
    (frame,) = frames_of(files, "4:2:2")
    converted = convert(files.opened(exam_file(files, [frame[:-2] + ending], "4:2:2")), PixelRequest(BOXES[0]))
    (found,) = converted.frames()
    assert np.array_equal(plain(found, "4:2:2"), inside(converted.box, plain(frame, "4:2:2")))


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_of_another_size_than_the_header_says_is_refused(files, jpeg_codec, codec):
    jpeg_codec(codec)
    frames = frames_of(files, "4:2:2")
    file = files.make(frames, uid.JPEGBaseline8Bit, (1, ROWS - 1, COLUMNS, 3), "YBR_FULL_422")
    with pytest.raises(RefusedError) as refused:
        list(convert(files.opened(file), PixelRequest(CropBox(0, 0, 64, 64))).frames())
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("form", "declared", "written"),
    [
        ("RGB", "YBR_FULL_422", "RGB"),
        ("4:2:2", "RGB", "YBR_FULL_422"),
        ("4:4:4", "RGB", "YBR_FULL"),
        ("4:2:0", "YBR_FULL", "YBR_FULL"),
        ("4:4:4", "YBR_FULL_422", "YBR_FULL_422"),
    ],
)
def test_the_header_says_what_the_frames_are_coded_in(files, jpeg_codec, codec, form, declared, written):
    jpeg_codec(codec)
    frames = frames_of(files, form)
    source = files.opened(exam_file(files, frames, form, photometric=declared))
    converted = convert(source, PixelRequest(BOXES[0]))
    assert converted.description.photometric_interpretation == written
    (shown,) = converted.display_frames()
    assert np.abs(shown.astype(int) - inside(converted.box, fancy(frames[0], form))).mean() < 1
    assert bool(source.warnings) == ("RGB" in (declared, written))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", UNITS)
def test_what_is_shown_is_what_leaves(files, jpeg_codec, codec, form):
    jpeg_codec(codec)
    keep = parse_sector("rectangle 20 20 90 80").mask(ROWS, COLUMNS)
    converted = convert(files.opened(exam_file(files, frames_of(files, form, 2), form)), PixelRequest(BOXES[0], keep))
    for shown, frame in zip(converted.display_frames(), converted.frames(), strict=True):
        assert np.array_equal(shown, np.broadcast_to(fancy(frame, form), shown.shape))


@pytest.mark.parametrize("codec", CODECS)
def test_no_lossy_step_is_added_to_the_one_of_the_source(files, jpeg_codec, codec):
    jpeg_codec(codec)
    frames = frames_of(files, "4:2:2", 2)
    step = convert(files.opened(exam_file(files, frames, "4:2:2")), PixelRequest(BOXES[0])).description.lossy_step
    assert step.method == "ISO_10918_1"
    assert step.ratio == pytest.approx(2 * ROWS * COLUMNS * 3 / sum(map(len, frames)), rel=0.02)


@pytest.mark.parametrize("codec", CODECS)
def test_eight_bits_in_extended_are_cut_too(files, jpeg_codec, codec):
    jpeg_codec(codec)
    frame = bytearray(frames_of(files, "grey")[0])
    frame[frame.find(b"\xff\xc0") + 1] = 0xC1
    converted = convert(files.opened(exam_file(files, [bytes(frame)], "grey", uid.JPEGExtended12Bit)), PixelRequest(BOXES[0]))
    (found,) = converted.frames()
    assert converted.description.transfer_syntax_uid == uid.JPEGExtended12Bit
    assert np.array_equal(plain(found, "grey"), inside(converted.box, plain(bytes(frame), "grey")))


@pytest.mark.parametrize("codec", ["jpeglib", "none"])
def test_without_a_codec_it_is_stored_losslessly_and_the_report_names_what_is_missing(files, jpeg_codec, codec):
    jpeg_codec(codec)
    frames = frames_of(files, "4:2:2")
    converted = convert(files.opened(exam_file(files, frames, "4:2:2")), PixelRequest(BOXES[0]))
    if codec == "jpeglib":
        assert converted.strategy.startswith("JPEG cut without decoding")
        assert str(converted.box) in converted.strategy
        return
    assert "jpeglib" in converted.strategy
    assert "libturbojpeg" in converted.strategy
    assert converted.description.transfer_syntax_uid == uid.JPEGLSLossless
    assert converted.box == BOXES[0]
    assert np.array_equal(
        files.pydicom_pixels(files.written(converted))[0], inside(BOXES[0], imagecodecs.jpeg8_decode(frames[0]))
    )


class TestDecodedInstead:
    """Frames that can't be cut without decoding are decoded, inside of the exact box, and the report says why."""

    def decoded(self, files, file: bytes, box: CropBox = BOXES[0]):
        converted = convert(files.opened(file), PixelRequest(box, on_jpeg_grid=True))
        assert converted.description.transfer_syntax_uid == uid.JPEGLSLossless
        assert converted.box == box
        return converted

    def test_frames_of_different_sampling(self, files, jpeg_codec):
        jpeg_codec("jpeglib")
        frames = frames_of(files, "4:2:2") + frames_of(files, "4:2:0")
        converted = self.decoded(files, exam_file(files, frames, "4:2:2"))
        assert "can't be cut without decoding" in converted.strategy
        expected = [inside(BOXES[0], imagecodecs.jpeg8_decode(frame)) for frame in frames]
        assert np.array_equal(files.pydicom_pixels(files.written(converted)), expected)

    def test_frames_of_different_colours(self, files, jpeg_codec):
        jpeg_codec("jpeglib")
        frames = frames_of(files, "4:4:4") + frames_of(files, "RGB")
        self.decoded(files, exam_file(files, frames, "4:4:4"))

    def test_a_palette(self, files, jpeg_codec):
        jpeg_codec("jpeglib")
        file = exam_file(files, frames_of(files, "grey"), "grey", photometric="PALETTE COLOR", **files.palette())
        self.decoded(files, file)

    def test_a_box_without_a_whole_block(self, files, jpeg_codec):
        jpeg_codec("jpeglib")
        converted = self.decoded(files, exam_file(files, frames_of(files, "4:2:0"), "4:2:0"), CropBox(17, 17, 40, 31))
        assert "16 x 16" in converted.strategy


class TestAsReviewed:
    """A picture that was reviewed on the grid leaves on the grid, decoded or not."""

    @pytest.mark.parametrize("codec", ["jpeglib", "none"])
    @pytest.mark.parametrize("syntax", [OutputSyntax.SAME, OutputSyntax.JPEG_LS, OutputSyntax.EXPLICIT_LITTLE_ENDIAN])
    @pytest.mark.parametrize("form", UNITS)
    def test_box_and_blanking_are_the_same_with_any_codec_and_syntax(self, files, jpeg_codec, codec, syntax, form):
        jpeg_codec(codec)
        keep = parse_sector("polygon 20 10 100 14 90 80 30 85").mask(ROWS, COLUMNS)
        request = PixelRequest(BOXES[0], keep, (), syntax, on_jpeg_grid=True)
        converted = convert(files.opened(exam_file(files, frames_of(files, form), form)), request)
        width, height = UNITS[form]
        assert converted.box == BOXES[0].snapped_inward(width, height, COLUMNS, ROWS)
        (shown,) = converted.display_frames()
        for top in range(0, converted.box.height, height):
            for left in range(0, converted.box.width, width):
                unit = (slice(top, top + height), slice(left, left + width))
                assert (~inside(converted.box, keep)[unit].all()) == (shown[unit].mean() < 40)

    def test_an_exact_box_is_cut_exactly_where_the_frames_are_decoded_and_nobody_reviewed_them(self, files):
        source = files.opened(exam_file(files, frames_of(files, "4:2:2"), "4:2:2"))
        assert convert(source, PixelRequest(BOXES[0], transfer_syntax=OutputSyntax.JPEG_LS)).box == BOXES[0]


@given(st.data())
def test_a_unit_is_blank_as_soon_as_one_pixel_is(data):
    grid = JpegGrid(data.draw(st.sampled_from([8, 16, 32])), data.draw(st.sampled_from([8, 16])), Photometric.YBR_FULL_422)
    rows, columns = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 70))
    blank = np.zeros((rows, columns), bool)
    marks = data.draw(st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)), max_size=4))
    for row, column in marks:
        blank[row, column] = True
    expected = np.zeros_like(blank)
    for row, column in marks:
        top, left = row // grid.height * grid.height, column // grid.width * grid.width
        expected[top : top + grid.height, left : left + grid.width] = True
    assert np.array_equal(grid.widened(blank), expected)
    assert grid.blocks(blank).sum() == len({(row // grid.height, column // grid.width) for row, column in marks})


def test_a_grid_says_its_size_in_pixels():
    assert str(replace(JpegGrid(16, 8, Photometric.YBR_FULL_422), width=32)) == "32 x 8"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "color3d_jpeg_baseline.dcm"])
def test_real_cines_keep_their_coefficients(files, jpeg_codec, codec, name):
    jpeg_codec(codec)
    file = real_bytes(name)
    dataset = dcmread(BytesIO(file))
    sources = list(itertools.islice(generate_frames(dataset.PixelData, number_of_frames=dataset.NumberOfFrames), 3))
    converted = convert(files.opened(file), PixelRequest(CropBox(11, 9, 175, 157)))
    assert converted.description.photometric_interpretation == dataset.PhotometricInterpretation == "YBR_FULL_422"
    assert converted.description.frames == dataset.NumberOfFrames
    for frame, source in zip(converted.frames(), sources, strict=False):
        assert np.array_equal(plain(frame, "colour"), inside(converted.box, plain(source, "colour")))
