"""Reading exports again: what their manifests say, whose they are, and the pictures in them, without unpacking."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile

from pydicom import dcmread
from pydicom.dataset import Dataset

from USDICOMizerLib.archive import MANIFEST_COLUMNS, MANIFEST_NAME, ManifestRow, contents_digest
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.pixels import PixelSource, open_pixels

_NAME = re.compile(r".+_(E-[^_]+)")
_WHOLE_NUMBERS = frozenset(field.name for field in fields(ManifestRow) if field.type == "int")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ExportedExam:
    """One export: `exam` and `subject` are pseudonyms, `rows` those of its manifest."""

    path: Path
    exam: str
    subject: str
    rows: tuple[ManifestRow, ...]


def find_exports(places: Iterable[Path]) -> list[Path]:
    """The ZIPs that are named, and those in the folders that are named, in the order of their names.

    Raises CommandError where there is none.
    """
    found: dict[Path, None] = {}
    for place in places:
        inside = sorted(path for path in place.rglob("*.zip") if path.is_file()) if place.is_dir() else [place]
        found.update(dict.fromkeys(inside))
    if not found:
        raise CommandError("There is no ZIP there. Name exports, or the folder that prepare wrote them to.")
    return list(found)


def read_export(path: Path) -> ExportedExam:
    """Read an export's manifest, and whose it is from its first header. Raises CommandError where it is no export."""
    try:
        with ZipFile(path) as archive:
            rows = read_manifest(archive)
            with archive.open(rows[0].file) as stream:
                subject = str(dcmread(stream, stop_before_pixels=True).PatientID)
    except OSError as error:
        raise CommandError(f"{path.name} can't be read ({error.strerror or type(error).__name__}).") from error
    except Exception as error:  # a foreign ZIP can fail in nearly any way
        raise CommandError(
            f"{path.name} isn't an export of this program: it lacks a {MANIFEST_NAME} that fits its files."
        ) from error
    named = _NAME.fullmatch(path.stem)
    return ExportedExam(path, named[1] if named else path.stem, subject, rows)


def without_copies(exams: Iterable[ExportedExam]) -> tuple[list[ExportedExam], list[tuple[ExportedExam, ExportedExam]]]:
    """The exams without the copies among them, and each copy with the one that it is a copy of: the first.

    Raises CommandError where two exports hold the same instance and differ otherwise: nobody but a person knows which counts.
    """
    kept: list[ExportedExam] = []
    copies: list[tuple[ExportedExam, ExportedExam]] = []
    holders: dict[str, ExportedExam] = {}
    for exam in exams:
        uids = [row.sop_instance_uid for row in exam.rows if row.sop_instance_uid]
        first = next((holders[uid] for uid in uids if uid in holders), None)
        if first is None:
            kept.append(exam)
            holders.update(dict.fromkeys(uids, exam))
        elif contents_digest(exam.path) == contents_digest(first.path):
            copies.append((exam, first))
        else:
            raise CommandError(
                f"{first.path} and {exam.path} hold the same instance, with other contents: are they exports of one exam, made "
                "twice? Name only the one that counts, or move the other away."
            )
    return kept, copies


def read_manifest(archive: ZipFile) -> tuple[ManifestRow, ...]:
    """The rows of an export's manifest. Raises KeyError or ValueError where there is none, or another kind of one."""
    table = list(csv.reader(io.StringIO(archive.read(MANIFEST_NAME).decode("utf-8-sig"), newline="")))
    if len(table) < 2 or tuple(table[0]) != MANIFEST_COLUMNS:
        raise ValueError(MANIFEST_NAME)
    rows = tuple(_row(dict(zip(MANIFEST_COLUMNS, cells, strict=True))) for cells in table[1:])
    if any(name.is_absolute() or ".." in name.parts for name in (PurePosixPath(row.file) for row in rows)):
        raise ValueError("a name reaches out of the archive")  # frames would be written there
    return rows


def _row(cells: dict[str, str]) -> ManifestRow:
    values = {name: int(cell) if name in _WHOLE_NUMBERS else _as_it_was(cell) for name, cell in cells.items()}
    return ManifestRow(**values)


def _as_it_was(cell: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking a text for a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


@contextlib.contextmanager
def exported_pixels(archive: ZipFile, name: str) -> Iterator[tuple[Dataset, PixelSource]]:
    """The header and the frames of a member; nothing is unpacked. Raises what `open_pixels` and a damaged ZIP raise."""
    with archive.open(name) as stream:
        header = dcmread(stream, stop_before_pixels=True)
        yield header, open_pixels(stream, header)


@contextlib.contextmanager
def open_archive(file: Path | IO[bytes]) -> Iterator[ZipFile]:
    """A ZIP to read from. Raises CommandError where it is none."""
    try:
        archive = ZipFile(file)
    except (OSError, BadZipFile) as error:
        name = file.name if isinstance(file, Path) else "the file"
        raise CommandError(f"{name} can't be read as a ZIP ({type(error).__name__}).") from error
    with archive:
        yield archive
