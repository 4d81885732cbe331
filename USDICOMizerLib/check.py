"""Judge an export: residue, conformance and counts of a ZIP or folder."""

from __future__ import annotations

import contextlib
import csv
import io
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from pydicom import dcmread
from pydicom.dataset import Dataset

from USDICOMizerLib.archive import MANIFEST_COLUMNS, MANIFEST_NAME
from USDICOMizerLib.check_findings import CheckFinding, Kind
from USDICOMizerLib.check_zip import judge_zip
from USDICOMizerLib.consistency import judge_agreement, judge_basics, judge_identities
from USDICOMizerLib.deidentify.options import Option, in_order
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.residue import Needles, claimed_options, find_in_text, find_residue, judge_alone, scan_bytes
from USDICOMizerLib.errors import CommandError, RefusedError
from USDICOMizerLib.pixels import open_pixels
from USDICOMizerLib.pixels.element import find_pixel_data

_CHUNK = 2**20
_LARGEST = 2**40  # of a deflated data set, inflated: anything that fits on a disk
_SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


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
    compared; and the headers are judged by the standard, alone and together. Without it only names, headers and the
    manifest are looked at, and only for residue: the frames of an export that is being written were searched on their way
    in, and what a source lacks is no reason to keep it back.
    """
    try:
        with ZipFile(stream) as archive:
            findings = [*judge_zip(stream, archive)]
            members = [_zip_member(archive, entry) for entry in archive.infolist() if not entry.is_dir() or entry.file_size]
            findings += _judge_members(members, expected, every_byte=every_byte)
            names = archive.namelist()
            findings += _judge_folders((name for name in names if name.endswith("/")), expected)
            return _without_telling_names(findings, names, expected)
    except BadZipFile:
        return (CheckFinding("", Kind.CONFORMANCE, "the ZIP is damaged"),)


def check_export(path: Path, expected: Expectation) -> tuple[CheckFinding, ...]:
    """Check an export, a ZIP or a folder, to the last byte. Raises CommandError where there is none at `path`."""
    if path.is_dir():
        places = sorted(path.rglob("*"))
        members = [_file_member(path, file) for file in places if file.is_file()]
        folders = (folder.relative_to(path).as_posix() for folder in places if folder.is_dir())
        findings = [*_judge_members(members, expected, every_byte=True), *_judge_folders(folders, expected)]
        return _without_telling_names(findings, [member.name for member in members], expected)
    try:
        with path.open("rb") as stream:
            return check_archive(stream, expected, every_byte=True)
    except OSError as error:
        raise CommandError(f"{path} can't be read ({error.strerror}). Name the ZIP or the folder of an export.") from error


def _without_telling_names(
    findings: Iterable[CheckFinding], names: Sequence[str], expected: Expectation
) -> tuple[CheckFinding, ...]:
    """The findings, with a number for each file whose name holds an identifying value: it would be shown."""
    telling = {name: f"file {number}" for number, name in enumerate(names, start=1) if find_in_text(name, expected.needles)}
    return tuple(replace(finding, file=telling.get(finding.file, finding.file)) for finding in findings)


def options_claimed_by(path: Path) -> tuple[Option, ...]:
    """The options of PS3.15 that every file of an export claims; none where it can't be read."""
    claims: list[set[Option]] = []
    with contextlib.ExitStack() as stack:
        try:
            members = _members(path, stack)
        except (OSError, BadZipFile):
            return ()
        for member in members:
            with contextlib.suppress(Exception), member.open() as stream:  # what can't be read is a finding, later
                claims.append(set(claimed_options(dcmread(stream, stop_before_pixels=True))))
    return in_order(set.intersection(*claims)) if claims else ()


def _members(path: Path, stack: contextlib.ExitStack) -> list[_Member]:
    if path.is_dir():
        return [_file_member(path, file) for file in sorted(path.rglob("*")) if file.is_file()]
    archive = stack.enter_context(ZipFile(path))
    return [_zip_member(archive, entry) for entry in archive.infolist() if not entry.is_dir()]


def _zip_member(archive: ZipFile, entry: ZipInfo) -> _Member:
    return _Member(entry.filename, lambda: archive.open(entry))


def _file_member(folder: Path, file: Path) -> _Member:
    return _Member(file.relative_to(folder).as_posix(), lambda: file.open("rb"))


def _judge_members(members: Sequence[_Member], expected: Expectation, *, every_byte: bool) -> Iterator[CheckFinding]:
    headers: dict[str, Dataset] = {}
    manifest: list[dict[str, str]] | None = None
    for member in members:
        if found := find_in_text(member.name, expected.needles):
            yield CheckFinding(member.name, Kind.RESIDUE, f"the name holds a value of the source's {', '.join(sorted(found))}")
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
                yield from judge_basics(member.name, header)
                yield from _judge_bytes(member, header, expected)
        except Exception as error:  # anything unreadable is a finding, in our words: the error's own may quote a value
            yield CheckFinding(member.name, Kind.CONFORMANCE, f"this isn't a readable DICOM file ({type(error).__name__})")
    yield from judge_identities(headers)
    if every_byte:
        yield from judge_agreement(headers)
    if not headers:
        yield CheckFinding("", Kind.COUNTS, "there is no DICOM file in this export")
    if manifest is not None:
        yield from _judge_manifest(manifest, headers)
    elif every_byte:
        yield CheckFinding("", Kind.COUNTS, f"there is no {MANIFEST_NAME}: nobody can say whether instances are missing")


def _judge_folders(names: Iterable[str], expected: Expectation) -> Iterator[CheckFinding]:
    """Folders by their names: an empty one is part of no file's."""
    if found := {kind for name in names for kind in find_in_text(name, expected.needles)}:
        yield CheckFinding("", Kind.RESIDUE, f"the name of a folder holds a value of the source's {', '.join(sorted(found))}")


def _judge_header(name: str, header: Dataset, expected: Expectation) -> Iterator[CheckFinding]:
    for residue in [*judge_alone(header, expected.rules), *find_residue(header, expected.needles)]:
        yield CheckFinding(name, Kind.RESIDUE, str(residue))


def _judge_text(name: str, text: str, expected: Expectation) -> Iterator[CheckFinding]:
    cells = {cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row}
    if found := {kind for cell in cells for kind in find_in_text(cell, expected.needles)}:
        yield CheckFinding(name, Kind.RESIDUE, f"the text holds a value of the source's {', '.join(sorted(found))}")


def _judge_bytes(member: _Member, header: Dataset, expected: Expectation) -> Iterator[CheckFinding]:
    with member.open() as stream:
        chunks = iter(lambda: stream.read(_CHUNK), b"")  # read to the end: a ZIP compares its checksum there
        found = scan_bytes(chunks, expected.needles.without_dates_of(header))
    if found:
        yield CheckFinding(member.name, Kind.RESIDUE, f"the bytes hold a value of the source's {', '.join(sorted(found))}")
    try:
        with member.open() as stream:
            source = open_pixels(stream, header)
            for hidden in source.hidden_segments():
                yield CheckFinding(member.name, Kind.RESIDUE, f"a compressed frame holds {hidden}")
            for _ in source.display_frames():
                pass
            if _goes_on_behind_pixels(stream, header):
                yield CheckFinding(member.name, Kind.RESIDUE, "something stands behind the pixel data")
    except RefusedError as refusal:
        yield CheckFinding(member.name, Kind.CONFORMANCE, f"the pixel data can't be read: {refusal}")


def _goes_on_behind_pixels(stream: BinaryIO, header: Dataset) -> bool:
    """Whether anything follows the Pixel Data: padding, signatures, what no reader of pictures looks at."""
    element = find_pixel_data(stream, header, _LARGEST)
    if element.length is None:  # items, of which the sequence delimiter is the last (PS3.5 A.4)
        element.stream.seek(-len(_SEQUENCE_END), io.SEEK_END)
        return element.stream.read() != _SEQUENCE_END
    element.stream.seek(element.offset + element.length)
    return element.stream.read(1) != b""


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
