"""One file -> what it holds: an instance, the instances of a ZIP, or why there is none.

Members of ZIPs are read as streams: nothing is extracted, so a name can't lead out of a folder.
"""

from __future__ import annotations

import os
import stat
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from USDICOMizerLib.exam import Instance, Source, SourceState
from USDICOMizerLib.outcomes import Outcome, Skip
from USDICOMizerLib.recent_headers import keep, state_of
from USDICOMizerLib.source_header import (
    LENGTH_OF_START,
    SourceError,
    SourceFailure,
    begins_as_dataset,
    begins_as_dicom_file,
    instance_from_header,
    parse_header,
    source_error,
)

_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OFFICE_MEMBERS = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"docProps/")
_ENCRYPTED = 0x1
_SKIP_DETAILS = {
    Skip.NOT_DICOM: "The content isn't DICOM.",
    Skip.DICOMDIR: "A DICOMDIR only lists other files.",
    Skip.DUPLICATE: "The same bytes were found before.",
}


@dataclass(frozen=True)
class Limits:
    """What a member of a ZIP may be, so that a hostile or broken ZIP can't fill memory or take for ever."""

    member_bytes: int = 8 * 2**30  # unpacked
    ratio: float = 1000.0  # unpacked to packed; a frame in one colour reaches 1000, ultrasound about 3
    ratio_from_bytes: int = 10 * 2**20  # below, any ratio is fine


@dataclass(frozen=True)
class SourceOutcome:
    """A file or member that isn't an instance to prepare: skipped or failed, and why.

    `reason` is the value of a Skip or of a SourceFailure; `detail` is a sentence without values or paths.
    """

    source: Source
    outcome: Outcome
    reason: str
    detail: str


Found = list[Instance | SourceOutcome]
"""What a file holds: one instance or outcome, or those of all members of a ZIP."""


def read_file(path: Path, limits: Limits) -> tuple[SourceState | None, Found]:
    """What a file holds, and the state that it was in before it was read; None of one that isn't there to be read."""
    try:
        status = os.stat(path)
    except OSError as error:
        return None, [failed(Source(path), source_error(error, is_member=False))]
    state = SourceState.of(status)
    found = _file(path, limits) if stat.S_ISREG(status.st_mode) else [skipped(Source(path), Skip.NOT_DICOM)]
    return state, [replace(one, state=state) if isinstance(one, Instance) else one for one in found]


def _file(path: Path, limits: Limits) -> Iterator[Instance | SourceOutcome]:
    source = Source(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(LENGTH_OF_START)
            if not start.startswith(_ZIP_SIGNATURES) or begins_as_dicom_file(start):
                yield _judged(source, start, stream)
                return
    except OSError as error:
        yield failed(source, source_error(error, is_member=False))
        return
    yield from _zip(path, limits)


def _zip(path: Path, limits: Limits) -> Iterator[Instance | SourceOutcome]:
    try:
        archive = ZipFile(path)
    except Exception as error:  # a damaged directory makes zipfile raise nearly anything
        named = source_error(error, is_member=False)
        unreadable = named.failure is SourceFailure.UNREADABLE
        yield failed(Source(path), named if unreadable else SourceError(SourceFailure.DAMAGED_ZIP, type(error).__name__))
        return
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir() or member.file_size]
        if not members:
            yield skipped(Source(path), Skip.NOT_DICOM)
        names = Counter(member.filename for member in members)
        for member in sorted(members, key=lambda member: (member.filename, member.header_offset)):
            source = Source(path, member.filename)
            if names[member.filename] > 1 and member is not archive.NameToInfo[member.filename]:
                yield failed(source, SourceError(SourceFailure.HIDDEN_MEMBER))
            else:
                yield _member(archive, member, source, limits)


def _member(archive: ZipFile, member: ZipInfo, source: Source, limits: Limits) -> Instance | SourceOutcome:
    try:
        _check_member(member, limits)
        with archive.open(member) as stream:
            start = stream.read(LENGTH_OF_START)
            if start.startswith(_ZIP_SIGNATURES) and not begins_as_dicom_file(start):
                if _is_office_document(start):
                    return skipped(source, Skip.NOT_DICOM)
                raise SourceError(SourceFailure.NESTED_ZIP)
            return _judged(source, start, stream)
    except Exception as error:  # zipfile raises nearly anything on damaged input
        return failed(source, source_error(error, is_member=True))


def _check_member(member: ZipInfo, limits: Limits) -> None:
    """Judge by the ZIP's directory; zipfile reads no more than it declares. Raises SourceError."""
    if member.flag_bits & _ENCRYPTED:
        raise SourceError(SourceFailure.ENCRYPTED_MEMBER)
    if member.file_size > limits.member_bytes:
        raise SourceError(SourceFailure.MEMBER_TOO_LARGE)
    is_large = member.file_size > limits.ratio_from_bytes
    if is_large and member.file_size > limits.ratio * max(member.compress_size, 1):
        raise SourceError(SourceFailure.ABSURD_COMPRESSION)


def _is_office_document(start: bytes) -> bool:
    """Whether a ZIP that begins so is a document of an office program: its first member's name tells."""
    length = struct.unpack("<H", start[26:28])[0] if len(start) >= 30 else 0
    return start[30 : 30 + length].startswith(_OFFICE_MEMBERS)


def _judged(source: Source, start: bytes, stream: BinaryIO) -> Instance | SourceOutcome:
    """The instance in an open stream, of which `start` was read; or why it is none."""
    is_dicom = begins_as_dicom_file(start)
    if not is_dicom and not begins_as_dataset(start):
        return skipped(source, Skip.NOT_DICOM)
    try:
        stream.seek(0)
        state = state_of(source)
        parsed = parse_header(stream)
        header = parsed.dataset
        if _is_dicomdir(header):
            return skipped(source, Skip.DICOMDIR)
        if not is_dicom and "SOPClassUID" not in header:
            return skipped(source, Skip.NOT_DICOM)
        instance = instance_from_header(source, header, has_pixel_data=parsed.has_pixel_data)
        keep(source, parsed, state)
        return instance
    except Exception as error:  # pydicom raises nearly anything on damaged input
        named = source_error(error, is_member=bool(source.member))
        only_looked_like_it = not is_dicom and named.failure is SourceFailure.DAMAGED_HEADER
        return skipped(source, Skip.NOT_DICOM) if only_looked_like_it else failed(source, named)


def _is_dicomdir(header: Dataset) -> bool:
    named = header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
    return named or "DirectoryRecordSequence" in header


def skipped(source: Source, reason: Skip) -> SourceOutcome:
    """A source that isn't an instance, with nothing wrong about that."""
    return SourceOutcome(source, Outcome.SKIPPED, reason.value, _SKIP_DETAILS[reason])


def failed(source: Source, error: SourceError) -> SourceOutcome:
    """A source that can't be read."""
    return SourceOutcome(source, Outcome.FAILED, error.failure.value, str(error))
