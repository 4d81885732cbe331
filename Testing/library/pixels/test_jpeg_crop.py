"""JPEG cut without being decoded: what stays, what goes, what comes out."""

from __future__ import annotations

import io
import os
import shutil
import subprocess

import numpy as np
import pytest
from jpeg_files import BOXES, CODECS, COLUMNS, ROWS, UNITS, coded, exam_file, fancy, frames_of, inside, photometric_of, plain
from PIL import Image
from pydicom import uid

from USDICOMizerLib.geometry import CropBox, Redaction, parse_sector
from USDICOMizerLib.pixels import PixelRequest, convert


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", UNITS)
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_what_is_inside_the_snapped_box_stays_as_it_was(files, jpeg_codec, codec, form, box):
    jpeg_codec(codec)
    frames = frames_of(files, form, 2)
    converted = convert(files.opened(exam_file(files, frames, form)), PixelRequest(box))
    found = list(converted.frames())
    assert converted.box == box.snapped_inward(*UNITS[form], COLUMNS, ROWS)
    described = converted.description
    assert (described.rows, described.columns, described.frames) == (converted.box.height, converted.box.width, 2)
    assert described.transfer_syntax_uid == uid.JPEGBaseline8Bit
    assert described.photometric_interpretation == photometric_of(form)
    assert (described.bits_allocated, described.bits_stored, described.high_bit, described.pixel_representation) == (8, 8, 7, 0)
    assert described.planar_configuration == (None if form == "grey" else 0)
    across, down = UNITS[form][0] // 8, UNITS[form][1] // 8
    for frame, source in zip(found, frames, strict=True):
        assert len(frame) % 2 == 0
        assert np.array_equal(plain(frame, form), inside(converted.box, plain(source, form)))
        differs = (fancy(frame, form) != inside(converted.box, fancy(source, form))).any(axis=2)
        # Interpolated chroma of the outermost samples has lost its neighbour.
        rows, columns = slice(down - 1, differs.shape[0] - down + 1), slice(across - 1, differs.shape[1] - across + 1)
        assert not differs[rows, columns].any()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", UNITS)
def test_the_output_is_as_long_as_what_jpegtran_writes(files, jpeg_codec, tmp_path, codec, form):
    if shutil.which("jpegtran") is None:
        if os.environ.get("CI"):
            pytest.fail("CI runs without jpegtran")
        pytest.skip("jpegtran is not installed: apt-get install libjpeg-turbo-progs")
    jpeg_codec(codec)
    (frame,) = frames_of(files, form)
    (tmp_path / "in.jpg").write_bytes(frame)
    area = "64x48+32+16"
    command = ["jpegtran", "-copy", "none", "-crop", area, "-outfile", tmp_path / "out.jpg", tmp_path / "in.jpg"]
    subprocess.run(command, check=True)
    converted = convert(files.opened(exam_file(files, [frame], form)), PixelRequest(CropBox(32, 16, 96, 64)))
    (found,) = converted.frames()
    length = (tmp_path / "out.jpg").stat().st_size
    if (form, codec) == ("RGB", "jpeglib"):
        assert len(found) < length  # it takes tables made for the frame
    else:
        assert abs(len(found) - length) <= 20  # markers; the scan is the same


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", UNITS)
def test_masks_and_redactions_blank_whole_units_and_touch_no_other(files, jpeg_codec, codec, form):
    jpeg_codec(codec)
    frames = frames_of(files, form, 2)
    box = CropBox(5, 3, COLUMNS, 90)
    keep = parse_sector("fan 60 -20 25 105 40 140").mask(ROWS, COLUMNS)
    redaction = Redaction(CropBox(60, 40, 71, 44), 2, 2)
    converted = convert(files.opened(exam_file(files, frames, form)), PixelRequest(box, keep, (redaction,)))
    width, height = UNITS[form]
    for number, (frame, source) in enumerate(zip(converted.frames(), frames, strict=True), start=1):
        blank = ~inside(converted.box, keep)
        if number == 2:
            marked = np.zeros((ROWS, COLUMNS), bool)
            marked[40:44, 60:71] = True
            blank |= inside(converted.box, marked)
        expected = inside(converted.box, plain(source, form)).copy()
        untouched = 0
        for top in range(0, blank.shape[0], height):
            for left in range(0, blank.shape[1], width):
                unit = (slice(top, top + height), slice(left, left + width))
                if blank[unit].any():
                    expected[unit] = 0
                else:
                    untouched += 1
        assert untouched > 0
        assert np.array_equal(plain(frame, form), expected)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("quality", [1, 50, 100])
@pytest.mark.parametrize(("photometric", "black"), [("MONOCHROME1", 255), ("MONOCHROME2", 0)])
def test_blanked_grey_is_exactly_black_at_any_quality(files, jpeg_codec, codec, quality, photometric, black):
    jpeg_codec(codec)
    stream = io.BytesIO()
    Image.fromarray(files.speckle(1, ROWS, COLUMNS, 1)[0, ..., 0]).save(stream, "JPEG", quality=quality)
    keep = np.ones((ROWS, COLUMNS), bool)
    keep[40, 40] = False
    source = files.opened(exam_file(files, [stream.getvalue()], "grey", photometric=photometric))
    converted = convert(source, PixelRequest(CropBox(0, 0, COLUMNS, ROWS), keep))
    (frame,) = converted.frames()
    decoded = plain(frame, "grey")[..., 0]
    assert (decoded[40:48, 40:48] == black).all()
    decoded[40:48, 40:48] = plain(stream.getvalue(), "grey")[40:48, 40:48, 0]
    assert np.array_equal(decoded, plain(stream.getvalue(), "grey")[..., 0])
    (shown,) = converted.display_frames()
    assert (shown[40:48, 40:48] == 0).all()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("form", UNITS)
def test_no_byte_depends_on_what_was_cut_or_blanked(files, jpeg_codec, codec, form, masked):
    """So a frame whose header is patched to a larger size shows nothing of it either."""
    jpeg_codec(codec)
    box = CropBox(21, 19, 109, 85)
    kept = CropBox(30, 25, 100, 80)
    keep = np.zeros((ROWS, COLUMNS), bool)
    keep[kept.top : kept.bottom, kept.left : kept.right] = True
    remains = (kept if masked else box).snapped_inward(*UNITS[form], COLUMNS, ROWS)
    written = []
    for outside in (0, 255):
        pixels = files.speckle(1, ROWS, COLUMNS, 1 if form == "grey" else 3)[0]
        inner = inside(remains, pixels).copy()
        pixels[:] = 128
        pixels[:, ::2] = outside
        pixels[remains.top : remains.bottom, remains.left : remains.right] = inner
        source = files.opened(exam_file(files, [coded(pixels, form)], form))
        written += convert(source, PixelRequest(box, keep if masked else None)).frames()
    assert written[0] == written[1]
