"""The export: a ZIP with the prepared instances and manifest.csv, the same bytes for the same work."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from USDICOMizerLib.errors import ExportError
from USDICOMizerLib.files import Writable, written_whole

MANIFEST_NAME = "manifest.csv"
# The earliest time that a ZIP can say: it tells nothing about when the exam was made or exported.
NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE = 0o100644 << 16
_UNIX = 3


@dataclass(frozen=True)
class ManifestRow:
    """One row of manifest.csv: an instance as it left. Every value is pseudonymous or technical."""

    file: str
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    rows: int
    columns: int
    frames: int
    frame_time: str  # milliseconds
    pixel_spacing: str  # millimetres, row spacing then column spacing
    depth: str  # millimetres, Depth of Scan Field (0018,5050)
    photometric_interpretation: str
    transfer_syntax: str
    manufacturer: str
    model: str
    crop_size: str  # columns x rows
    sector: str
    site: str
    side: str
    purpose: str
    reviewed: str


MANIFEST_COLUMNS = tuple(field.name for field in fields(ManifestRow))


class Export:
    """A ZIP that is being written. Made by `open_export`."""

    def __init__(self, archive: ZipFile, compression_level: int):
        self._archive = archive
        self._compression_level = compression_level
        self._names: set[str] = set()
        self._manifest: list[ManifestRow] = []

    @property
    def is_empty(self) -> bool:
        """Whether no instance has been added."""
        return not self._manifest

    def free_name(self, wanted: str) -> str:
        """The wanted name, made distinct from those already there (as Windows compares names)."""
        name = wanted
        stem, suffix = wanted.removesuffix(".dcm"), ".dcm" if wanted.endswith(".dcm") else ""
        count = 1
        while name.casefold() in self._names:
            count += 1
            name = f"{stem}_{count}{suffix}"
        return name

    def add(self, row: ManifestRow, write: Callable[[Writable], None], *, size: int, compress: bool) -> None:
        """Add the member `row.file`, whose about `size` bytes `write` puts out. If `write` raises, the member is undone."""
        with self._member(row.file, size=size, compress=compress) as stream:
            write(_OutputStream(stream))
        self._manifest.append(row)

    def add_manifest(self) -> None:
        """Add manifest.csv, one row an instance in the order in which they were added."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(MANIFEST_COLUMNS)
        table.writerows([no_formula(getattr(row, name)) for name in MANIFEST_COLUMNS] for row in self._manifest)
        content = text.getvalue().encode()
        with self._member(MANIFEST_NAME, size=len(content), compress=True) as stream:
            stream.write(content)

    @contextlib.contextmanager
    def _member(self, name: str, *, size: int, compress: bool) -> Iterator[IO[bytes]]:
        information = ZipInfo(name, date_time=NO_TIME)
        information.file_size = size  # decides whether the member is written in ZIP64 form
        information.compress_type = ZIP_DEFLATED if compress and self._compression_level else ZIP_STORED
        information._compresslevel = self._compression_level  # public as compress_level from Python 3.13
        information.external_attr = _READABLE_FILE
        information.create_system = _UNIX
        start = self._archive.start_dir
        try:
            with self._archive.open(information, "w") as stream:
                yield stream
        except BaseException:
            # ZipFile can't take a member back: undo what its closing recorded, and what was written.
            if information in self._archive.filelist:
                self._archive.filelist.remove(information)
                self._archive.NameToInfo.pop(name, None)
            self._archive.start_dir = start
            self._archive.fp.seek(start)
            self._archive.fp.truncate()
            raise
        self._names.add(name.casefold())


def no_formula(cell: object) -> object:
    """A text of the source that a spreadsheet would take for a formula is written after an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


@contextlib.contextmanager
def open_export(path: Path, *, compression_level: int, replace: bool, check: Callable[[IO[bytes]], None]) -> Iterator[Export]:
    """Write an export that appears under `path` when the block ends, after `check` has looked at it.

    An export without instances is not written. Raises ExportError where it exists and `replace` is False, or where
    the folder can't be written.
    """
    try:
        with written_whole(path, replace=replace) as stream:
            with ZipFile(stream, "w") as archive:
                export = Export(archive, compression_level)
                yield export
                if export.is_empty:
                    raise _NothingToExport
                export.add_manifest()
            check(stream)
    except _NothingToExport:
        return
    except FileExistsError:
        raise export_exists(path.name) from None
    except OSError as error:
        raise ExportError(f"{path.name} could not be written: {error.strerror or type(error).__name__}.") from error


def contents_digest(file: Path | IO[bytes]) -> str:
    """A digest of the ZIP's directory: names, places, sizes and CRC-32 of all members, so that no member need be read.

    Raises OSError, or BadZipFile where it is no whole ZIP.
    """
    with ZipFile(file) as archive:
        return _digest_of(archive)


def is_as_it_was(path: Path, digest: str) -> bool:
    """Whether the export still has these contents; every member is read and compared with its CRC-32."""
    try:
        with ZipFile(path) as archive:
            return _digest_of(archive) == digest and archive.testzip() is None
    except (BadZipFile, OSError):
        return False


def _digest_of(archive: ZipFile) -> str:
    entries = [(entry.filename, entry.header_offset, entry.file_size, entry.CRC) for entry in archive.infolist()]
    return hashlib.sha256(repr((archive.comment, entries)).encode()).hexdigest()


class _OutputStream:
    """Tells errors of the output (a full disk) from errors of the source that is copied into it."""

    def __init__(self, stream: IO[bytes]):
        self._stream = stream

    def write(self, data: bytes) -> int:
        try:
            return self._stream.write(data)
        except OSError as error:
            raise ExportError(f"the output could not be written: {error.strerror or type(error).__name__}") from error


def export_exists(name: str) -> ExportError:
    """The error of an export that stands in the way."""
    return ExportError(
        f"{name} exists already in the output folder. Add --overwrite to replace it, or --resume to keep what is done"
    )


class _NothingToExport(Exception):
    """Leaves the block of `written_whole` without a file."""


# Names that Windows keeps for devices, with any extension.
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_LONGEST_PART = 100


def member_name(template: str, values: dict[str, object]) -> str:
    """Fill the file name template; the result stays inside the archive and is legal on Windows, macOS and Linux.

    A field without a value leaves its place empty, and the separators around it go: `{order:03d}_{site}-{side}.dcm`
    gives `001.dcm` for an instance without a tag.
    """
    parts = [_legal_part(part) for part in template.format_map(values).replace("\\", "/").split("/")]
    parts = [part for part in parts if part]
    name = str(PurePosixPath(*parts)) if parts else "instance"
    return name if name.endswith(".dcm") else f"{name}.dcm"


def _legal_part(part: str) -> str:
    stem, dot, suffix = part.rpartition(".") if part.endswith(".dcm") else (part, "", "")
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", stem)
    stem = re.sub(r"([_-])[_-]+", r"\1", stem)
    stem = stem.strip("._- ")[:_LONGEST_PART]
    if stem.split(".")[0].casefold() in _WINDOWS_DEVICES:
        stem = f"{stem}_"
    return f"{stem}{dot}{suffix}" if stem else ""
