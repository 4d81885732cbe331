"""Judge an export: residue, conformance and counts of a ZIP or folder."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from pydicom import dcmread
from pydicom.dataset import Dataset

from USDICOMizerLib.archive import MANIFEST_COLUMNS, MANIFEST_NAME
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.residue import Needles, find_residue, judge_alone, scan_bytes
from USDICOMizerLib.errors import CommandError, RefusedError
from USDICOMizerLib.pixels import open_pixels

_CHUNK = 2**20


class Kind(StrEnum):
    """What a finding is about."""

    RESIDUE = "residue"
    CONFORMANCE = "conformance"
    COUNTS = "counts"


@dataclass(frozen=True)
class CheckFinding:
    """One thing wrong with an export: in which file, of what kind, and in words. Never holds the value found."""

    file: str
    kind: Kind
    message: str


@dataclass(frozen=True)
class Expectation:
    """What an export is judged by: the identifying values of its source, where that is known, and the settings' rules."""

    needles: Needles = Needles()
    rules: Rules = Rules()


@dataclass(frozen=True)
class _Member:
    """A file of the export, in a ZIP or a folder."""

    name: str
    open: Callable[[], contextlib.AbstractContextManager[BinaryIO]]


def check_archive(stream: IO[bytes], expected: Expectation, *, every_byte: bool = False) -> tuple[CheckFinding, ...]:
    """Check a ZIP.

    With `every_byte` each file is read whole: its frames are counted, its bytes searched, and the ZIP's checksums
    compared. Without it only names, headers and the manifest are looked at: the frames of an export that is being
    written were searched on their way in.
    """
    try:
        with ZipFile(stream) as archive:
            entries = archive.infolist()
            findings = [*_judge_entries(entries, archive.comment)]
            members = [_zip_member(archive, entry) for entry in entries if not entry.is_dir()]
            return (*findings, *_judge_members(members, expected, every_byte=every_byte))
    except BadZipFile:
        return (CheckFinding("", Kind.CONFORMANCE, "the ZIP is damaged"),)


def check_export(path: Path, expected: Expectation) -> tuple[CheckFinding, ...]:
    """Check an export, a ZIP or a folder, to the last byte. Raises CommandError where there is none at `path`."""
    if path.is_dir():
        members = [_file_member(path, file) for file in sorted(path.rglob("*")) if file.is_file()]
        return tuple(_judge_members(members, expected, every_byte=True))
    try:
        with path.open("rb") as stream:
            return check_archive(stream, expected, every_byte=True)
    except OSError as error:
        raise CommandError(f"{path} can't be read ({error.strerror}). Name the ZIP or the folder of an export.") from error


def _zip_member(archive: ZipFile, entry: ZipInfo) -> _Member:
    return _Member(entry.filename, lambda: archive.open(entry))


def _file_member(folder: Path, file: Path) -> _Member:
    return _Member(file.relative_to(folder).as_posix(), lambda: file.open("rb"))


def _judge_entries(entries: Sequence[ZipInfo], comment: bytes) -> Iterator[CheckFinding]:
    """What a ZIP can hold beside its files: comments, extra fields, times, and names that reach out of it."""
    if comment:
        yield CheckFinding("", Kind.RESIDUE, "the ZIP has a comment")
    seen: set[str] = set()
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if name.is_absolute() or ".." in name.parts or ":" in entry.filename or "\\" in entry.filename:
            yield CheckFinding(entry.filename, Kind.CONFORMANCE, "the name reaches out of the archive")
        if entry.filename.casefold() in seen:
            yield CheckFinding(entry.filename, Kind.CONFORMANCE, "the name occurs twice")
        seen.add(entry.filename.casefold())
        if entry.comment:
            yield CheckFinding(entry.filename, Kind.RESIDUE, "the ZIP entry has a comment")


def _judge_members(members: Sequence[_Member], expected: Expectation, *, every_byte: bool) -> Iterator[CheckFinding]:
    headers: dict[str, Dataset] = {}
    manifest: list[dict[str, str]] | None = None
    for member in members:
        if PurePosixPath(member.name).name == MANIFEST_NAME:
            with member.open() as stream:
                text = stream.read().decode("utf-8-sig", errors="replace")
            manifest = list(csv.DictReader(io.StringIO(text, newline="")))
            yield from _judge_text(member.name, text, expected)
            continue
        try:
            with member.open() as stream:
                header = dcmread(stream, stop_before_pixels=True)
            headers[member.name] = header
            yield from _judge_header(member.name, header, expected)
            if every_byte:
                yield from _judge_bytes(member, header, expected)
        except Exception as error:  # anything unreadable is a finding, in our words: the error's own may quote a value
            yield CheckFinding(member.name, Kind.CONFORMANCE, f"this isn't a readable DICOM file ({type(error).__name__})")
    yield from _judge_together(headers)
    if not headers:
        yield CheckFinding("", Kind.COUNTS, "there is no DICOM file in this export")
    if manifest is not None:
        yield from _judge_manifest(manifest, headers)


def _judge_header(name: str, header: Dataset, expected: Expectation) -> Iterator[CheckFinding]:
    for residue in [*judge_alone(header, expected.rules), *find_residue(header, expected.needles)]:
        yield CheckFinding(name, Kind.RESIDUE, str(residue))


def _judge_text(name: str, text: str, expected: Expectation) -> Iterator[CheckFinding]:
    if found := scan_bytes([text.encode()], expected.needles):
        yield CheckFinding(name, Kind.RESIDUE, f"the text holds a value of the source's {', '.join(sorted(found))}")


def _judge_bytes(member: _Member, header: Dataset, expected: Expectation) -> Iterator[CheckFinding]:
    with member.open() as stream:
        chunks = iter(lambda: stream.read(_CHUNK), b"")  # read to the end: a ZIP compares its checksum there
        found = scan_bytes(chunks, expected.needles)
    if found:
        yield CheckFinding(member.name, Kind.RESIDUE, f"the bytes hold a value of the source's {', '.join(sorted(found))}")
    try:
        with member.open() as stream:
            for _ in open_pixels(stream, header).display_frames():
                pass
    except RefusedError as refusal:
        yield CheckFinding(member.name, Kind.CONFORMANCE, f"the pixel data can't be read: {refusal}")


def _judge_together(headers: dict[str, Dataset]) -> Iterator[CheckFinding]:
    """What must agree over the instances of one study (PS3.3 A.1.2)."""
    seen: set[str] = set()
    patient_of_study: dict[str, tuple[str, str]] = {}
    study_of_series: dict[str, str] = {}
    for name, header in headers.items():
        instance, series, study = (
            str(header.get(key, "")) for key in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        )
        if instance in seen:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file has the same SOP Instance UID")
        seen.add(instance)
        patient = (str(header.get("PatientID", "")), str(header.get("PatientName", "")))
        if patient_of_study.setdefault(study, patient) != patient:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file of the study has another patient")
        if study_of_series.setdefault(series, study) != study:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file of the series belongs to another study")


def _judge_manifest(rows: Sequence[dict[str, str]], headers: dict[str, Dataset]) -> Iterator[CheckFinding]:
    if rows and tuple(rows[0]) != MANIFEST_COLUMNS:
        yield CheckFinding(MANIFEST_NAME, Kind.COUNTS, "the columns are not those of a manifest")
        return
    listed = {row["file"]: row for row in rows}
    for name in sorted(headers.keys() - listed.keys()):
        yield CheckFinding(name, Kind.COUNTS, "the manifest doesn't list this file")
    for name in sorted(listed.keys() - headers.keys()):
        yield CheckFinding(name, Kind.COUNTS, "the manifest lists this file, but it isn't there")
    for name in sorted(listed.keys() & headers.keys()):
        row, header = listed[name], headers[name]
        said = (row["sop_instance_uid"], row["rows"], row["columns"], row["frames"])
        is_so = (str(header.SOPInstanceUID), str(header.Rows), str(header.Columns), str(header.get("NumberOfFrames") or 1))
        if said != is_so:
            yield CheckFinding(name, Kind.COUNTS, "the manifest contradicts the header")
