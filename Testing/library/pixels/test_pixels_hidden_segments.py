"""Comments and the like in compressed frames are found; what every encoder writes is not."""

from __future__ import annotations

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from USDICOMizerLib.pixels.hidden_segments import hidden_segments
from USDICOMizerLib.pixels.layout import Family

NOISE = np.random.default_rng(3).integers(0, 256, (61, 83, 3), dtype=np.uint8)
SECRET = b"FENWICK^ROSALIND 19610214"


def pillow_jpeg(**options) -> bytes:
    stream = BytesIO()
    Image.fromarray(NOISE).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def jpeg_2000() -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(NOISE, codecformat="j2k", reversible=True))


CLEAN = {
    "baseline": (Family.JPEG, lambda: pillow_jpeg()),
    "progressive": (Family.JPEG, lambda: pillow_jpeg(progressive=True)),
    "with restarts": (Family.JPEG, lambda: pillow_jpeg(restart_marker_rows=1)),
    "lossless": (Family.JPEG_LOSSLESS, lambda: bytes(imagecodecs.ljpeg_encode(NOISE[..., 0]))),
    "JPEG-LS": (Family.JPEG_LS, lambda: bytes(imagecodecs.jpegls_encode(NOISE & 31))),
    "JPEG 2000": (Family.JPEG_2000, jpeg_2000),
    "HTJ2K": (Family.HTJ2K, lambda: bytes(imagecodecs.htj2k_encode(NOISE, reversible=True))),
}


@pytest.mark.parametrize("kind", CLEAN)
@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_what_encoders_write_is_clean(kind, padding):
    family, encode = CLEAN[kind]
    assert hidden_segments(encode() + padding, family) == ()


@pytest.mark.parametrize("kind", ["baseline", "progressive", "with restarts", "lossless", "JPEG-LS"])
@pytest.mark.parametrize("marker", [0xFE, 0xE0, 0xE1, 0xE2, 0xE8, 0xED, 0xEE, 0xEF])
@pytest.mark.parametrize("place", ["first", "before the last scan", "before the end"])
def test_comments_and_application_segments_are_found_wherever_they_stand(kind, marker, place):
    family, encode = CLEAN[kind]
    data = encode()
    at = {"first": 2, "before the last scan": data.rindex(b"\xff\xda"), "before the end": data.rindex(b"\xff\xd9")}[place]
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(SECRET) + 2) + SECRET
    (said,) = hidden_segments(data[:at] + segment + data[at:], family)
    assert said == ("a JPEG comment" if marker == 0xFE else "a JPEG application segment")
    assert "FENWICK" not in said


@pytest.mark.parametrize("body", [b"JFIF\0" + bytes(9) + SECRET, b"Adobe" + bytes(7) + SECRET])
def test_text_behind_a_segment_that_is_needed_is_found(body):
    data = pillow_jpeg()
    marker = 0xE0 if body.startswith(b"JFIF") else 0xEE
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
    assert hidden_segments(data[:2] + segment + data[2:], Family.JPEG)


@pytest.mark.parametrize("kind", CLEAN)
def test_bytes_after_the_end_are_found(kind):
    family, encode = CLEAN[kind]
    (said,) = hidden_segments(encode() + b"\0" + SECRET, family)
    assert said.startswith("bytes after the end")


@pytest.mark.parametrize("where", ["main header", "tile-part header"])
def test_comments_of_jpeg_2000_are_found_and_signatures_are_not(where):
    data = jpeg_2000()

    def with_comment(text: bytes) -> bytes:
        comment = struct.pack(">HHH", 0xFF64, len(text) + 4, 1) + text
        tile = data.index(b"\xff\x90\x00\x0a")
        if where == "main header":
            return data[:tile] + comment + data[tile:]
        (length,) = struct.unpack(">I", data[tile + 6 : tile + 10])
        longer = data[tile : tile + 6] + struct.pack(">I", length + len(comment)) + data[tile + 10 : tile + 12]
        return data[:tile] + longer + comment + data[tile + 12 :]

    assert hidden_segments(with_comment(SECRET), Family.JPEG_2000) == ("a JPEG 2000 comment",)
    assert hidden_segments(with_comment(b"Created by OpenJPEG version 2.5.0"), Family.JPEG_2000) == ()
    assert hidden_segments(with_comment(b"Created by OpenJPEG version 2.5.0 for FENWICK"), Family.JPEG_2000)


def test_a_jp2_file_is_more_than_its_codestream():
    data = bytes(imagecodecs.jpeg2k_encode(NOISE, codecformat="jp2", reversible=True))
    assert hidden_segments(data, Family.JPEG_2000) == ("the boxes of a JP2 file",)


@given(data=st.binary(max_size=300), family=st.sampled_from(list(Family)))
def test_no_bytes_break_the_reader(data, family):
    hidden_segments(b"\xff\xd8" + data, family)
    hidden_segments(b"\xff\x4f" + data, family)
