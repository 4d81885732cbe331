"""What a compressed frame can say beside its picture: comments, application data, bytes after its end.

Scanners and converters write names, dates and whole thumbnails there, and no viewer shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from USDICOMizerLib.pixels.codestream import AFTER_JPEG_LS_SCAN, AFTER_SCAN
from USDICOMizerLib.pixels.layout import Family

_SOI, _EOI, _SOS, _COM, _APP0, _APP8, _APP14, _APP15 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xE8, 0xEE, 0xEF
_JFIF_WITHOUT_THUMBNAIL, _ADOBE_LENGTH, _HP_COLOURS_LENGTH = 14, 12, 5
_SPIFF_LENGTH, _SPIFF_END = 30, b"\0\0\0\1\xff\xd8"  # ISO 10918-3 F.2: size and colours; the end of its directory
_SOC, _SOT, _SOD, _EOC, _J2K_COM = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9, 0xFF64
# What encoders sign with: a program and its version, which say nothing of the picture.
_SIGNATURE = re.compile(rb"(Created by OpenJPEG version|Kakadu-v?|OpenJPH Ver) ?[0-9][0-9.]*\0?")


def hidden_segments(codestream: bytes, family: Family) -> tuple[str, ...]:
    """What the codestream of a frame holds beside its picture, in words and never the content.

    A JFIF header without a thumbnail, an Adobe segment, a SPIFF header, the colour transform of JPEG-LS and an encoder's
    signature in JPEG 2000 are needed or say nothing. A codestream that can't be followed to its end is the decoder's to refuse.
    """
    reader = {
        Family.JPEG: _in_jpeg,
        Family.JPEG_LOSSLESS: _in_jpeg,
        Family.JPEG_LS: _in_jpeg,
        Family.JPEG_2000: _in_jpeg_2000,
        Family.HTJ2K: _in_jpeg_2000,
    }.get(family)
    return tuple(dict.fromkeys(reader(codestream, family))) if reader else ()


def _in_jpeg(data: bytes, family: Family) -> Iterator[str]:
    scan_end = AFTER_JPEG_LS_SCAN if family is Family.JPEG_LS else AFTER_SCAN
    position = 2
    while position + 2 <= len(data):
        if data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF:  # fill
            position += 1
            continue
        if marker == _EOI:
            if data[position + 2 :].strip(b"\0"):
                yield "bytes after the end of a JPEG codestream"
            return
        if marker == _SOI or 0xD0 <= marker <= 0xD7:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if marker == _COM:
            yield "a JPEG comment"
        elif _APP0 <= marker <= _APP15 and not _is_needed(marker, body):
            yield "a JPEG application segment"
        position += 2 + max(2, length)
        if marker == _SOS:
            end = scan_end.search(data, position)
            position = end.start() if end else len(data)


def _is_needed(marker: int, body: bytes) -> bool:
    return (
        (marker == _APP0 and body.startswith(b"JFIF\0") and len(body) == _JFIF_WITHOUT_THUMBNAIL)
        or (marker == _APP14 and body.startswith(b"Adobe") and len(body) == _ADOBE_LENGTH)
        or (marker == _APP8 and body.startswith(b"mrfx") and len(body) == _HP_COLOURS_LENGTH)
        or (marker == _APP8 and body.startswith(b"SPIFF\0") and len(body) == _SPIFF_LENGTH)
        or (marker == _APP8 and body == _SPIFF_END)
    )


def _in_jpeg_2000(data: bytes, _family: Family) -> Iterator[str]:
    if int.from_bytes(data[:2], "big") != _SOC:
        yield "the boxes of a JP2 file"
        return
    position, tile_part = 2, None
    while position + 4 <= len(data):
        marker = int.from_bytes(data[position : position + 2], "big")
        if marker == _EOC:
            break
        if marker == _SOD and tile_part is not None:
            begin, length = tile_part
            position = begin + length if length else len(data.rstrip(b"\0")) - 2
            tile_part = None
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if marker == _SOT:
            tile_part = position, int.from_bytes(body[2:6], "big")
        elif marker == _J2K_COM and not _SIGNATURE.fullmatch(body[2:]):
            yield "a JPEG 2000 comment"
        position += 2 + max(2, length)
    if data[position + 2 :].strip(b"\0"):
        yield "bytes after the end of a JPEG 2000 codestream"
