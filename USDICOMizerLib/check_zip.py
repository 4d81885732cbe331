"""What a ZIP can hold beside its files: comments, extra fields, times, bytes between the files, names that reach out."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZipFile, ZipInfo

from USDICOMizerLib.archive import NO_TIME
from USDICOMizerLib.check_findings import CheckFinding, Kind

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\3\4"
_ZIP64_FIELD = 1  # sizes beyond 4 GiB: the one extra field that an export needs
_ZIP64_LENGTHS = (8, 16, 24, 28)  # one to three numbers of 8 bytes; after three, one of 4 for the disk (APPNOTE 4.5.3)
_NO_DOS_TIME = (0, 0x21)  # 1980-01-01 00:00
_DESCRIPTOR_FLAG = 8
_DESCRIPTOR_LENGTHS = (12, 16, 20, 24)  # with and without a signature, with sizes of 4 and of 8 bytes


def judge_zip(stream: IO[bytes], archive: ZipFile) -> Iterator[CheckFinding]:
    """Judge a ZIP apart from the content of its files; `stream` is what `archive` reads."""
    if archive.comment:
        yield CheckFinding("", Kind.RESIDUE, "the ZIP has a comment")
    seen: set[str] = set()
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename)
        if name.is_absolute() or ".." in name.parts or ":" in entry.filename or "\\" in entry.filename:
            yield CheckFinding(entry.filename, Kind.CONFORMANCE, "the name reaches out of the archive")
        if entry.filename.casefold() in seen:
            yield CheckFinding(entry.filename, Kind.CONFORMANCE, "the name occurs twice")
        seen.add(entry.filename.casefold())
        if entry.comment:
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP entry has a comment")
        if entry.date_time != NO_TIME:
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP tells when the file was made")
        if _tells_more(entry.extra, {entry.file_size, entry.compress_size, entry.header_offset}):
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP entry has an extra field")
    yield from _judge_spaces(stream, sorted(archive.infolist(), key=lambda entry: entry.header_offset), archive.start_dir)


def _judge_spaces(stream: IO[bytes], entries: list[ZipInfo], directory: int) -> Iterator[CheckFinding]:
    """Whether each file's header follows the file before it without anything between (APPNOTE 4.3.6)."""
    expected = {0}
    for entry in entries:
        if entry.header_offset not in expected:
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP holds bytes before it that belong to no file")
        stream.seek(entry.header_offset)
        header = stream.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_SIGNATURE):
            yield CheckFinding(entry.filename, Kind.CONFORMANCE, "the ZIP has no header where its directory says")
            return
        _, _, _, _, time, day, *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        if (time, day) != _NO_DOS_TIME:
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP tells before its content when the file was made")
        stream.seek(name_length, 1)
        if _tells_more(stream.read(extra_length), {0, entry.file_size, entry.compress_size}):
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP entry has an extra field before its content")
        end = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length + entry.compress_size
        expected = {end + length for length in _DESCRIPTOR_LENGTHS} if entry.flag_bits & _DESCRIPTOR_FLAG else {end}
    if directory not in expected:
        yield CheckFinding("", Kind.RESIDUE, "the ZIP holds bytes after its last file that belong to none")


def _tells_more(extra: bytes, numbers: Collection[int]) -> bool:
    """Whether extra fields hold anything but these numbers, as long sizes and offsets: times, user numbers, names."""
    while len(extra) >= 4:
        field, length = struct.unpack_from("<HH", extra)
        value, extra = extra[4 : 4 + length], extra[4 + length :]
        if field != _ZIP64_FIELD or len(value) != length or length not in _ZIP64_LENGTHS:
            return True
        long, disk = value[: length // 8 * 8], value[length // 8 * 8 :]
        if disk.strip(b"\0") or any(number not in numbers for (number,) in struct.iter_unpack("<Q", long)):
            return True
    return bool(extra)
