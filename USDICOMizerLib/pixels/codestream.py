"""What a JPEG, JPEG-LS or JPEG 2000 codestream says of itself: size, precision, components, colour transform."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_SOI, _EOI, _SOS, _DQT, _COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xFE
_NOT_FRAME_HEADERS = (0xC4, 0xC8, 0xCC)  # DHT, JPG, DAC stand among the SOF markers
_JPEG_LS_FRAME = 0xF7
# What ends the data of a scan: any marker but a restart (ISO 10918-1 B.1.1.3; in ISO 14495-1 A.1 a bit is stuffed, not a byte).
AFTER_SCAN = re.compile(rb"\xff(?=[\x01-\xcf\xd8-\xfe])")
AFTER_JPEG_LS_SCAN = re.compile(rb"\xff(?=[\x80-\xcf\xd8-\xfe])")
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, _SOS, _DQT, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xF8, _COM})  # tables, DNL, DRI, LSE
_ANOTHER_JPEG, _ANOTHER_JPEG_2000 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_SOC, _SIZ, _COD, _CAP, _SOT, _EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF50, 0xFF90, 0xFFD9


class CodestreamError(ValueError):
    """The bytes are not a whole codestream of the expected kind; the message says how, without any value of it."""


@dataclass(frozen=True)
class JpegHeader:
    """The frame header of a JPEG (ISO 10918-1) or JPEG-LS (ISO 14495-1) codestream and what tells its colours."""

    process: int  # the SOF marker's second byte: 0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless, 0xF7 JPEG-LS
    precision: int
    rows: int
    columns: int
    component_ids: tuple[int, ...]
    sampling: tuple[tuple[int, int], ...]  # (horizontal, vertical) factors
    dc_steps: tuple[int, ...]  # of each component, by what its DC coefficients were divided; 0 where no table says
    jfif: bool
    adobe_transform: int | None
    near: int  # JPEG-LS: the largest error of a sample; 0 is lossless
    bare: bytes  # from SOI to the end of the last scan, without application segments and comments before the first, and EOI
    ended: bool  # whether the EOI marker was there
    followed: bool  # whether anything but padding stands behind it

    @property
    def chroma_subsampled(self) -> bool:
        """Whether the components have different resolutions."""
        return len(set(self.sampling)) > 1


def read_jpeg_header(data: bytes) -> JpegHeader:
    """Parse the segments up to the first scan, and find the end of the last one. Raises CodestreamError."""
    if data[:2] != bytes((0xFF, _SOI)):
        raise CodestreamError("it does not begin as JPEG")
    kept = [data[:2]]
    frame = None
    jfif, adobe = False, None
    steps: dict[int, int] = {}
    position = 2
    while True:
        marker, position = _next_marker(data, position)
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + length]
        if length < 2 or len(body) != length - 2:
            raise CodestreamError("it ends inside its header")
        if marker == _SOS:
            break
        if 0xE0 <= marker <= 0xEF or marker == _COM:
            jfif = jfif or (marker == 0xE0 and body.startswith(b"JFIF\0"))
            if marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
                adobe = body[11]
        else:
            kept.append(data[position - 2 : position + length])
        if (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAME_HEADERS) or marker == _JPEG_LS_FRAME:
            frame = (marker, body)
        if marker == _DQT:
            steps.update(_dc_steps(body))
        position += length
    if frame is None:
        raise CodestreamError("it has no frame header")
    process, body = frame
    end = _end_of_scans(data, position - 2, AFTER_JPEG_LS_SCAN if process == _JPEG_LS_FRAME else AFTER_SCAN)
    kept.append(data[position - 2 : end] if end else data[position - 2 :].rstrip(b"\0"))
    try:
        precision, rows, columns, count = struct.unpack_from(">BHHB", body)
        components = [struct.unpack_from("BBB", body, 6 + 3 * index) for index in range(count)]
        near = data[position + 3 + 2 * data[position + 2]] if process == _JPEG_LS_FRAME else 0
    except (struct.error, IndexError):
        raise CodestreamError("its frame header is incomplete") from None
    return JpegHeader(
        process=process,
        precision=precision,
        rows=rows,
        columns=columns,
        component_ids=tuple(component for component, _, _ in components),
        sampling=tuple((factors >> 4, factors & 15) for _, factors, _ in components),
        dc_steps=tuple(steps.get(table, 0) for _, _, table in components),
        jfif=jfif,
        adobe_transform=adobe,
        near=near,
        bare=b"".join(kept),
        ended=end is not None,
        followed=end is not None and _is_followed(data, end + 2, _ANOTHER_JPEG),
    )


def _end_of_scans(data: bytes, position: int, after_scan: re.Pattern) -> int | None:
    """Where EOI stands, from the first SOS at `position` on; None where it is missing."""
    while found := after_scan.search(data, position):
        marker = data[found.start() + 1]
        if marker == _EOI:
            return found.start()
        if marker not in _BETWEEN_SCANS:
            raise CodestreamError("a marker stands in its scan that belongs into none")
        position = found.start() + 2 + int.from_bytes(data[found.start() + 2 : found.start() + 4], "big")
    return None


def _is_followed(data: bytes, end: int, another: bytes) -> bool:
    """Whether anything but padding stands behind the end. Raises CodestreamError where it is another picture."""
    rest = data[end:].strip(b"\0\xff")
    if another in rest:
        raise CodestreamError("another picture stands behind its end")
    return bool(rest)


def _dc_steps(body: bytes) -> dict[int, int]:
    """The first entry of each quantisation table in a DQT segment (ISO 10918-1 B.2.4.1), by the table's number."""
    steps, position = {}, 0
    while position < len(body):
        wide, table = body[position] >> 4, body[position] & 15
        steps[table] = int.from_bytes(body[position + 1 : position + 2 + wide], "big")
        position += 1 + 64 * (1 + wide)
    return steps


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker at `position` and where its segment begins; any number of 0xFF may fill the space before it."""
    if data[position : position + 1] != b"\xff":
        raise CodestreamError("its header is damaged")
    while data[position : position + 1] == b"\xff":
        position += 1
    if position >= len(data):
        raise CodestreamError("it ends inside its header")
    return data[position], position + 1


@dataclass(frozen=True)
class Jpeg2000Header:
    """The main header of a JPEG 2000 or HTJ2K codestream (ISO 15444-1 Annex A, ISO 15444-15)."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    subsampled: bool
    colour_transform: bool
    reversible: bool
    high_throughput: bool
    tiles_interleaved: bool  # whether the parts of one tile stand between those of another
    bare: bytes  # the codestream alone, out of a JP2 file if it came in one
    followed: bool  # whether anything but padding stands behind its end


def read_jpeg2000_header(data: bytes) -> Jpeg2000Header:
    """Parse the main header and follow the tile-parts to the end, so that a truncated codestream is known as one.

    Raises CodestreamError.
    """
    data = _out_of_jp2(data)
    if int.from_bytes(data[:2], "big") != _SOC:
        raise CodestreamError("it does not begin as JPEG 2000")
    size, coding, high_throughput = None, None, False
    position = 2
    try:
        while True:
            marker, length = struct.unpack_from(">HH", data, position)
            if marker == _SOT:
                break
            body = data[position + 4 : position + 2 + length]
            if marker == _SIZ:
                size = struct.unpack_from(">HIIIIIIIIH", body)
                parts = [struct.unpack_from("BBB", body, 36 + 3 * index) for index in range(size[-1])]
            elif marker == _COD:
                coding = struct.unpack_from(">BBHBBBBBB", body)
            high_throughput = high_throughput or marker == _CAP
            position += 2 + max(2, length)
        if size is None or coding is None or not parts:
            raise CodestreamError("its main header is incomplete")
        tiles, end = _follow_tile_parts(data, position)
    except struct.error:
        raise CodestreamError("it ends before it is whole") from None
    _, x1, y1, x0, y0, *_ = size
    if len({precision for precision, _, _ in parts}) != 1:
        raise CodestreamError("its components differ in precision")
    return Jpeg2000Header(
        rows=y1 - y0,
        columns=x1 - x0,
        components=len(parts),
        precision=(parts[0][0] & 0x7F) + 1,
        signed=bool(parts[0][0] & 0x80),
        subsampled=any((dx, dy) != (1, 1) for _, dx, dy in parts),
        colour_transform=bool(coding[3]),
        reversible=coding[8] == 1,
        high_throughput=high_throughput,
        tiles_interleaved=tiles != sorted(tiles),
        bare=data[:end],
        followed=_is_followed(data, end, _ANOTHER_JPEG_2000),
    )


def _follow_tile_parts(data: bytes, position: int) -> tuple[list[int], int]:
    """The tiles that the parts belong to, in order, and where the codestream ends, behind EOC; it has to be whole.

    ISO 15444-1 A.4.2: each SOT tells the length of its tile-part; 0 in the last one means up to EOC.
    """
    tiles = []
    while True:
        (marker,) = struct.unpack_from(">H", data, position)
        if marker == _EOC:
            return tiles, position + 2
        if marker != _SOT:
            raise CodestreamError("its tile-parts are damaged")
        tile, length = struct.unpack_from(">HI", data, position + 4)
        tiles.append(tile)
        if length == 0:
            end = data.find(b"\xff\xd9", position + 12)  # no packet holds what is beyond 0xFF8F (B.10.1)
            if end < 0:
                raise CodestreamError("it ends before it is whole")
            return tiles, end + 2
        if length < 14:
            raise CodestreamError("its tile-parts are damaged")
        position += length


def _out_of_jp2(data: bytes) -> bytes:
    """The codestream in a JP2 file, whose boxes PS3.5 A.4.4 forbids but which exist."""
    if not data.startswith(_JP2_SIGNATURE):
        return data
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1 and start + 8 <= len(data):
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        if kind == b"jp2c":
            return data[start : position + length] if length else data[start:]
        if length < 8:
            break
        position += length
    raise CodestreamError("it is a JP2 file without a codestream")
