"""Files, folders and ZIPs -> instances; and of everything else that is there, why it isn't one.

DICOM is recognised by its content, never by a name. Members of ZIPs are read as streams: nothing is extracted, so a
name can't lead out of a folder. Only headers are read.
"""

from __future__ import annotations

import os
import stat
import struct
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Instance, Source
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
    read_header,
    source_error,
)

__all__ = ["Discovery", "Limits", "SourceError", "SourceFailure", "SourceOutcome", "discover", "read_header", "verify"]

_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OFFICE_MEMBERS = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"docProps/")
_ENCRYPTED = 0x1
_DIGEST_LETTERS = 16

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


@dataclass(frozen=True)
class Discovery:
    """All that was found: each file and each member of a ZIP is in exactly one of the two."""

    instances: tuple[Instance, ...]
    others: tuple[SourceOutcome, ...]


def discover(inputs: Sequence[Path], limits: Limits = Limits(), on_progress: Callable[[int], None] | None = None) -> Discovery:
    """Find the instances in files, folders (recursive) and ZIPs, in the order of `inputs` and of names below.

    Of two instances with the same SOP Instance UID, the later is skipped where the bytes are the same; where they
    differ it is kept, with an `identity` of its own and a warning. A file that two inputs lead to counts once.
    `on_progress` is called with the number of files and members seen so far.

    Raises CommandError where an input doesn't exist; everything else is the outcome of one file or member.
    """
    for number, path in enumerate(inputs, start=1):
        if not os.path.lexists(path):
            which = f"Input {number} of {len(inputs)}" if len(inputs) > 1 else "The input"
            raise CommandError(f"{which} doesn't exist. Check its spelling; an input is a file, a folder or a ZIP.")
    collection = _Collection()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values
        for number, found in enumerate(_Search(limits).run(inputs), start=1):
            collection.add(found)
            if on_progress:
                on_progress(number)
    return Discovery(tuple(collection.instances), tuple(collection.others))


def verify(source: Source) -> None:
    """Read a member of a ZIP to its end, which compares its checksum; a file outside of a ZIP has none.

    Raises SourceError. To be called before the pixels are read, for reading frames by their position checks nothing.
    """
    if source.member:
        _digest(source)


def _digest(source: Source) -> str:
    """SHA-256 of all bytes of a source, a piece at a time. Raises SourceError."""
    try:
        return source.sha256()
    except Exception as error:  # zipfile raises nearly anything on damaged input
        raise source_error(error, is_member=bool(source.member)) from None


class _Collection:
    """What was found so far, with repeated SOP Instance UIDs told apart."""

    def __init__(self) -> None:
        self.instances: list[Instance] = []
        self.others: list[SourceOutcome] = []
        self._by_uid: dict[str, list[Instance]] = {}
        self._digests: dict[Source, str] = {}

    def add(self, found: Instance | SourceOutcome) -> None:
        if isinstance(found, Instance):
            found = self._distinguished(found)
        if isinstance(found, Instance):
            self.instances.append(found)
            self._by_uid.setdefault(found.sop_instance_uid, []).append(found)
        else:
            self.others.append(found)

    def _distinguished(self, instance: Instance) -> Instance | SourceOutcome:
        earlier = self._by_uid.get(instance.sop_instance_uid)
        if not earlier:
            return instance
        try:
            digest = self._digest_once(instance.source)
        except SourceError as error:
            return _failed(instance.source, error)
        if any(digest == self._digest_of_earlier(other.source) for other in earlier):
            return _skipped(instance.source, Skip.DUPLICATE)
        return replace(
            instance,
            identity=f"{instance.sop_instance_uid}#{digest[:_DIGEST_LETTERS]}",
            warnings=(*instance.warnings, "another instance with different content has the same SOP Instance UID"),
        )

    def _digest_of_earlier(self, source: Source) -> str:
        try:
            return self._digest_once(source)
        except SourceError:
            return ""  # damaged behind its header, so it isn't what the later one is

    def _digest_once(self, source: Source) -> str:
        if source not in self._digests:
            self._digests[source] = _digest(source)
        return self._digests[source]


class _Search:
    """One pass over the inputs, in a stable order, that reads no file and no folder twice."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def run(self, inputs: Sequence[Path]) -> Iterator[Instance | SourceOutcome]:
        for path in inputs:
            yield from self._folder(path, ()) if path.is_dir() else self._file(path)

    def _folder(self, folder: Path, above: tuple[Path, ...]) -> Iterator[Instance | SourceOutcome]:
        """Everything in a folder. `above` are the folders (real paths) whose links led here."""
        roots = (*above, Path(os.path.realpath(folder)))
        errors: list[OSError] = []
        for current, folders, files in os.walk(folder, onerror=errors.append):
            yield from self._unreadable_folders(errors)
            real = os.path.realpath(current)
            if real in self._folders:
                folders.clear()
                continue
            self._folders.add(real)
            for name in sorted(files):
                yield from self._file(Path(current, name))
            links = {name for name in folders if _is_link(os.path.join(current, name))}
            for name in sorted(links):
                yield from self._linked_folder(Path(current, name), roots)
            folders[:] = sorted(set(folders) - links)
        yield from self._unreadable_folders(errors)

    def _linked_folder(self, link: Path, roots: tuple[Path, ...]) -> Iterator[Instance | SourceOutcome]:
        """Follow a link that leads out of what is read; one that leads back into it would never end."""
        target = Path(os.path.realpath(link))
        leads_back = any(target.is_relative_to(root) or root.is_relative_to(target) for root in roots)
        if leads_back or str(target) in self._folders:
            detail = "A link back to a folder that is read already, or that holds such a folder; it isn't followed."
            yield SourceOutcome(Source(link), Outcome.SKIPPED, Skip.DUPLICATE, detail)
        else:
            yield from self._folder(link, roots)

    @staticmethod
    def _unreadable_folders(errors: list[OSError]) -> Iterator[SourceOutcome]:
        while errors:
            error = errors.pop(0)
            yield _failed(Source(Path(error.filename)), source_error(error, is_member=False))

    def _file(self, path: Path) -> Iterator[Instance | SourceOutcome]:
        absolute = os.path.abspath(path)
        if absolute in self._files:
            return
        self._files.add(absolute)
        source = Source(path)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would block, a device would never end
                yield _skipped(source, Skip.NOT_DICOM)
                return
            with path.open("rb") as stream:
                start = stream.read(LENGTH_OF_START)
                if not start.startswith(_ZIP_SIGNATURES) or begins_as_dicom_file(start):
                    yield _judged(source, start, stream)
                    return
        except OSError as error:
            yield _failed(source, source_error(error, is_member=False))
            return
        yield from self._zip(path)

    def _zip(self, path: Path) -> Iterator[Instance | SourceOutcome]:
        try:
            archive = ZipFile(path)
        except Exception as error:  # a damaged directory makes zipfile raise nearly anything
            named = source_error(error, is_member=False)
            unreadable = named.failure is SourceFailure.UNREADABLE
            yield _failed(Source(path), named if unreadable else SourceError(SourceFailure.DAMAGED_ZIP, type(error).__name__))
            return
        with archive:
            members = [member for member in archive.infolist() if not member.is_dir() or member.file_size]
            if not members:
                yield _skipped(Source(path), Skip.NOT_DICOM)
            names = Counter(member.filename for member in members)
            for member in sorted(members, key=lambda member: (member.filename, member.header_offset)):
                source = Source(path, member.filename)
                if names[member.filename] > 1 and member is not archive.NameToInfo[member.filename]:
                    yield _failed(source, SourceError(SourceFailure.HIDDEN_MEMBER))
                else:
                    yield self._member(archive, member, source)

    def _member(self, archive: ZipFile, member: ZipInfo, source: Source) -> Instance | SourceOutcome:
        try:
            self._check_member(member)
            with archive.open(member) as stream:
                start = stream.read(LENGTH_OF_START)
                if start.startswith(_ZIP_SIGNATURES) and not begins_as_dicom_file(start):
                    if _is_office_document(start):
                        return _skipped(source, Skip.NOT_DICOM)
                    raise SourceError(SourceFailure.NESTED_ZIP)
                return _judged(source, start, stream)
        except Exception as error:  # zipfile raises nearly anything on damaged input
            return _failed(source, source_error(error, is_member=True))

    def _check_member(self, member: ZipInfo) -> None:
        """Judge by the ZIP's directory; zipfile reads no more than it declares. Raises SourceError."""
        if member.flag_bits & _ENCRYPTED:
            raise SourceError(SourceFailure.ENCRYPTED_MEMBER)
        if member.file_size > self._limits.member_bytes:
            raise SourceError(SourceFailure.MEMBER_TOO_LARGE)
        is_large = member.file_size > self._limits.ratio_from_bytes
        if is_large and member.file_size > self._limits.ratio * max(member.compress_size, 1):
            raise SourceError(SourceFailure.ABSURD_COMPRESSION)


def _is_link(path: str) -> bool:
    # Junctions are Windows' links to folders; Python 3.11 can't tell them, and the set of folders ends their loops.
    return os.path.islink(path) or getattr(os.path, "isjunction", lambda _: False)(path)


def _is_office_document(start: bytes) -> bool:
    """Whether a ZIP that begins so is a document of an office program: its first member's name tells."""
    length = struct.unpack("<H", start[26:28])[0] if len(start) >= 30 else 0
    return start[30 : 30 + length].startswith(_OFFICE_MEMBERS)


def _judged(source: Source, start: bytes, stream: BinaryIO) -> Instance | SourceOutcome:
    """The instance in an open stream, of which `start` was read; or why it is none."""
    is_dicom = begins_as_dicom_file(start)
    if not is_dicom and not begins_as_dataset(start):
        return _skipped(source, Skip.NOT_DICOM)
    try:
        stream.seek(0)
        state = state_of(source)
        parsed = parse_header(stream)
        header = parsed.dataset
        if _is_dicomdir(header):
            return _skipped(source, Skip.DICOMDIR)
        if not is_dicom and "SOPClassUID" not in header:
            return _skipped(source, Skip.NOT_DICOM)
        instance = instance_from_header(source, header, has_pixel_data=parsed.has_pixel_data)
        keep(source, parsed, state)
        return instance
    except Exception as error:  # pydicom raises nearly anything on damaged input
        named = source_error(error, is_member=bool(source.member))
        only_looked_like_it = not is_dicom and named.failure is SourceFailure.DAMAGED_HEADER
        return _skipped(source, Skip.NOT_DICOM) if only_looked_like_it else _failed(source, named)


def _is_dicomdir(header: Dataset) -> bool:
    named = header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage
    return named or "DirectoryRecordSequence" in header


def _skipped(source: Source, reason: Skip) -> SourceOutcome:
    return SourceOutcome(source, Outcome.SKIPPED, reason.value, _SKIP_DETAILS[reason])


def _failed(source: Source, error: SourceError) -> SourceOutcome:
    return SourceOutcome(source, Outcome.FAILED, error.failure.value, str(error))
