"""Frames that can be decoded and yet are not what they should be: more than one picture, too little, or numbers too large."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from jpeg_files import CODECS, COLUMNS, ROWS, coded, exam_file, frames_of
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert
from USDICOMizerLib.pixels.workers import affordable

WHOLE = CropBox(0, 0, COLUMNS, ROWS)
EOI = b"\xff\xd9"
OUTPUTS = [OutputSyntax.SAME, OutputSyntax.JPEG_LS]
ENCODED = {
    "JPEG": (uid.JPEGBaseline8Bit, lambda picture: coded(picture, "grey")),
    "JPEG Lossless": (uid.JPEGLosslessSV1, lambda picture: imagecodecs.ljpeg_encode(picture[..., 0])),
    "JPEG-LS": (uid.JPEGLSLossless, lambda picture: imagecodecs.jpegls_encode(picture[..., 0])),
    "JPEG 2000": (uid.JPEG2000Lossless, lambda picture: imagecodecs.jpeg2k_encode(picture[..., 0], level=0, codecformat="j2k")),
    "HTJ2K": (uid.HTJ2KLossless, lambda picture: imagecodecs.htj2k_encode(picture[..., 0])),
}


def even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def converted(files, file: bytes, **request):
    source = files.opened(file)
    whole = CropBox(0, 0, source.layout.columns, source.layout.rows)
    return list(convert(source, PixelRequest(whole, **request)).frames()), source.warnings


def refused(files, file: bytes, **request) -> str:
    with pytest.raises(RefusedError) as raised:
        converted(files, file, **request)
    assert raised.value.problem is Problem.DAMAGED_PIXEL_DATA
    return str(raised.value)


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("declared", [1, 3])
@pytest.mark.parametrize("output", OUTPUTS)
def test_several_pictures_in_one_fragment_are_refused(files, kind, declared, output):
    syntax, encode = ENCODED[kind]
    fragment = even(b"".join(encode(picture) for picture in files.speckle(3, ROWS, COLUMNS, 1)))
    file = files.make([fragment], syntax, (declared, ROWS, COLUMNS, 1), "MONOCHROME2")
    assert "another picture" in refused(files, file, transfer_syntax=output)


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("padding", [b"", b"\xff", b"\0\0\0"])
def test_padding_behind_a_frame_is_none_and_anything_else_is_told(files, kind, padding):
    syntax, encode = ENCODED[kind]
    (picture,) = files.speckle(1, ROWS, COLUMNS, 1)
    shape = (1, ROWS, COLUMNS, 1)
    padded = files.make([even(encode(picture) + padding)], syntax, shape, "MONOCHROME2")
    frames, warnings = converted(files, padded, transfer_syntax=OutputSyntax.JPEG_LS)
    assert warnings == ()
    followed = files.make([even(encode(picture) + b"\r\n")], syntax, shape, "MONOCHROME2")
    assert converted(files, followed, transfer_syntax=OutputSyntax.JPEG_LS) == (
        frames,
        ("bytes behind the end of a frame's codestream were left out",),
    )


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("tail", [EOI, EOI + b"\r\n", EOI + b"\xff\xff", EOI + EOI, EOI + b"  "])
@pytest.mark.parametrize("output", OUTPUTS)
def test_half_a_jpeg_is_refused_whatever_stands_behind_it(files, jpeg_codec, codec, tail, output):
    jpeg_codec(codec)
    (frame,) = frames_of(files, "4:2:2")
    refused(files, exam_file(files, [even(frame[: len(frame) // 2] + tail)], "4:2:2"), transfer_syntax=output)


def test_half_a_lossless_jpeg_is_refused_whatever_stands_behind_it(files):
    syntax, encode = ENCODED["JPEG Lossless"]
    (picture,) = files.speckle(1, ROWS, COLUMNS, 1)
    frame = encode(picture)
    refused(files, files.make([even(frame[: len(frame) // 2] + EOI + EOI)], syntax, (1, ROWS, COLUMNS, 1), "MONOCHROME2"))


def test_libjpeg_turbo_finds_a_scan_that_has_bytes_left_over(files, jpeg_codec):
    jpeg_codec("turbojpeg")
    (frame,) = frames_of(files, "4:2:2")
    middle = len(frame) // 2
    damaged = frame[:middle] + bytes(30) + frame[middle + 30 :]
    refused(files, exam_file(files, [even(damaged)], "4:2:2"))


@pytest.mark.parametrize("codec", CODECS)
def test_a_marker_inside_of_a_scan_is_damage(files, jpeg_codec, codec):
    jpeg_codec(codec)
    (frame,) = frames_of(files, "4:2:2")
    stuffed = frame.index(b"\xff\x00", frame.index(b"\xff\xda"))
    assert "marker" in refused(files, exam_file(files, [even(frame[:stuffed] + b"\xff\x37" + frame[stuffed + 2 :])], "4:2:2"))


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG 2000"])
@pytest.mark.parametrize(("value", "is_refused"), [(4095, False), (4096, True), (5000, True)])
def test_a_sample_that_bits_stored_has_no_room_for_is_refused(files, kind, value, is_refused):
    syntax, encode = ENCODED[kind]
    picture = np.full((ROWS, COLUMNS, 1), 100, np.uint16)
    picture[3, 4] = value
    bits = {"BitsAllocated": 16, "BitsStored": 12}
    file = files.make([even(encode(picture))], syntax, (1, ROWS, COLUMNS, 1), "MONOCHROME2", **bits)
    if is_refused:
        assert "Bits Stored" in refused(files, file, transfer_syntax=OutputSyntax.EXPLICIT_LITTLE_ENDIAN)
    else:
        (frame,), _ = converted(files, file, transfer_syntax=OutputSyntax.EXPLICIT_LITTLE_ENDIAN)
        assert np.array_equal(np.frombuffer(frame, "<u2"), picture.ravel())


def test_a_redaction_of_some_frames_is_refused_where_the_number_of_frames_is_wrong(files):
    pixels = files.speckle(4, 20, 30, 1)
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", NumberOfFrames=2)
    box = CropBox(3, 3, 9, 9)
    assert "redact all frames" in refused(files, file, redactions=(Redaction(box, 1, 2),))
    frames, _ = converted(files, file, redactions=(Redaction(box),))
    assert len(frames) == 4
    right = files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2")
    assert len(converted(files, right, redactions=(Redaction(box, 1, 2),))[0]) == 4


@pytest.mark.parametrize("too_small", [1, 10])
@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
def test_a_native_picture_that_is_larger_than_the_header_says_is_refused(files, keyword, too_small):
    pixels = files.speckle(1, 40, 50, 3)
    said = {keyword: {"Rows": 40, "Columns": 50}[keyword] - too_small}
    assert "larger picture" in refused(files, files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB", **said))


def test_pairs_that_run_on_from_row_to_row_are_known_by_the_length_whatever_the_number_of_frames(files):
    even_pixels = files.speckle(3, 8, 10, 3)
    stored = b"".join(files.to_422(frame) for frame in even_pixels)  # 80 pixels a frame: as 16 rows of 5, the pairs run on
    shape = (3, 16, 5, 3)
    whole = CropBox(0, 0, 5, 16)
    right, wrong = (files.opened(files.make(stored, files.explicit, shape, "YBR_FULL_422", NumberOfFrames=n)) for n in (3, 2))
    frames = [list(convert(source, PixelRequest(whole)).frames()) for source in (right, wrong)]
    assert len(frames[0]) == 3
    assert frames[0] == frames[1]


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG 2000"])
def test_one_lossy_frame_makes_the_instance_lossy(files, kind):
    syntax, encode = ENCODED[kind]
    first, second = files.speckle(2, ROWS, COLUMNS, 1)
    if kind == "JPEG-LS":
        lossy = imagecodecs.jpegls_encode(second[..., 0], level=3)
    else:
        lossy = imagecodecs.jpeg2k_encode(second[..., 0], level=30, codecformat="j2k")
    file = files.make([even(encode(first)), even(lossy)], syntax, (2, ROWS, COLUMNS, 1), "MONOCHROME2")
    assert files.opened(file).lossy_step is not None
    file = files.make([even(encode(first)), even(encode(second))], syntax, (2, ROWS, COLUMNS, 1), "MONOCHROME2")
    assert files.opened(file).lossy_step is None


def test_large_frames_keep_fewer_workers_busy():
    assert affordable(8, 2**20) == 8
    assert affordable(8, 35 * 2**20) == 2
    assert affordable(8, 2**30) == 1
    assert affordable(1, 1) == 1
