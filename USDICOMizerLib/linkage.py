"""The linkage: the private files that tie pseudonyms to originals. They never lie inside an export or a source.

Runs at the same time may share one: each change of a file is made under its lock, and a row is written once.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import IO

from USDICOMizerLib.audit import AuditRecord
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import is_inside, lock, make_private_folder, open_private
from USDICOMizerLib.places import lies_among_exports

UIDS, PATIENTS, EXAMS, ISSUERS = "uid_mapping.csv", "patid_mapping.csv", "exam_mapping.csv", "issuer_mapping.csv"
AUDIT = "audit.jsonl"
_SOURCES, _EXPORTS, _FINGERPRINT = "sources.csv", "exports.jsonl", "key_fingerprint.txt"
_MAPPING_COLUMNS = ("id_old", "id_new")

csv.field_size_limit(2**31 - 1)  # a header may hold an ID of any length; the default of 128 KiB would end every later run

MappingRow = tuple[str, str]
"""A row of a mapping: what the source says, and the pseudonym."""

Objection = Callable[[set[MappingRow]], None]
"""Looks at the rows that a mapping holds, while no other run can change it, and raises where new ones may not join them."""


@dataclass(frozen=True)
class SourceRow:
    """One row of sources.csv: which file an instance number of an exam stood for in a run, and how it ended.

    `run` is the time at which the run began, in UTC. Files that belong to no exam have none; their numbers are those
    that the run said.
    """

    run: str
    exam: str
    instance: int
    source: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class ExportRecord:
    """One line of exports.jsonl: what an export was made from, for `--resume`.

    `work` is a digest of sources, decisions, settings and key, `contents` one of what the ZIP holds; `outcomes` maps an
    instance's identity to its outcome and reason.
    """

    export: str
    work: str
    contents: str
    outcomes: dict[str, tuple[str, str]]


class Linkage:
    """The linkage folder; made on first use, readable by its owner only where the file system can say so."""

    def __init__(self, folder: Path):
        self.folder = make_private_folder(folder)

    @property
    def plans(self) -> Path:
        """The folder of plan files, by study pseudonym."""
        return make_private_folder(self.folder / "plans")

    @property
    def reports(self) -> Path:
        """The folder of the reviewer's copies of reports; it is made with the first of them."""
        return self.folder / "reports"

    @property
    def key_fingerprint(self) -> str:
        """The fingerprint of the key with which the pseudonyms were made; "" where none was recorded yet."""
        return _text(self.folder / _FINGERPRINT).strip()

    def record_key(self, fingerprint: str) -> str:
        """Record the key's fingerprint where none is recorded yet; returns the one that now is."""
        with self._locked(_FINGERPRINT) as stream:
            recorded = stream.read().strip()
            if not recorded:
                stream.write(f"{fingerprint}\n")
            return recorded or fingerprint

    def mapping(self, name: str) -> list[MappingRow]:
        """The rows of one of the mappings, oldest first."""
        rows = csv.reader(io.StringIO(_text(self.folder / name), newline=""))
        return [(row[0], row[1]) for row in rows if len(row) == 2 and tuple(row) != _MAPPING_COLUMNS]

    def add_to_mapping(self, name: str, rows: Iterable[MappingRow], objection: Objection = lambda known: None) -> None:
        """Add rows to a mapping that it doesn't hold yet, unless `objection` raises: then none is added."""
        self._append_new(name, _MAPPING_COLUMNS, rows, objection)

    def add_sources(self, rows: Iterable[SourceRow]) -> None:
        """Add rows to sources.csv that it doesn't hold yet."""
        columns = tuple(field.name for field in fields(SourceRow))
        self._append_new(_SOURCES, columns, (tuple(map(str, astuple(row))) for row in rows))

    def add_export(self, record: ExportRecord) -> None:
        """Append a line to exports.jsonl."""
        self._append_line(_EXPORTS, asdict(record))

    def add_audit(self, record: AuditRecord) -> None:
        """Append a line to audit.jsonl, and see that it has reached the disk."""
        self._append_line(AUDIT, asdict(record))

    def export_of(self, name: str, contents: str) -> ExportRecord | None:
        """The newest record of the export of that name with these contents; a line cut off by a kill is passed over.

        A record is written before its export appears, so one may be of an export that a kill prevented.
        """
        for line in reversed(_text(self.folder / _EXPORTS).splitlines()):
            try:
                record = ExportRecord(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if (record.export, record.contents) == (name, contents):
                return record
        return None

    def _append_new(
        self, name: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], objection: Objection = lambda known: None
    ) -> None:
        with self._locked(name) as stream:
            held = {tuple(row) for row in csv.reader(stream)}
            known = held - {columns}
            rows = list(dict.fromkeys(rows))
            objection({(row[0], row[1]) for row in known if len(row) > 1})
            table = csv.writer(stream)
            if not held:
                table.writerow(columns)
            table.writerows(row for row in rows if row not in known)

    def _append_line(self, name: str, value: object) -> None:
        with self._locked(name) as stream:
            # A line that a kill has cut off ends here, so that it spoils no other.
            is_cut_off = not (stream.read() or "\n").endswith("\n")
            stream.write(("\n" if is_cut_off else "") + json.dumps(value) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    @contextmanager
    def _locked(self, name: str) -> Iterator[IO[str]]:
        """A file of the folder, made where it is missing, read from its start and written at its end by nobody else."""
        with open_private(self.folder / name, "a+") as stream:
            if not lock(stream, wait=True):
                raise CommandError(
                    f"{name} in the linkage folder can't be locked against other runs: its file system has no locks. "
                    "Name a folder on a local disk with --linkage."
                )
            stream.seek(0)
            yield stream


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def check_linkage_place(folder: Path, output: Path | None, inputs: Iterable[Path]) -> None:
    """Raise CommandError where the linkage folder lies in the output, an input or among exports, or these in it.

    So it does where others can read it.

    What ties pseudonyms to patients would be handed on with the export, or mixed with the source. A linkage folder may
    lie beside an input file or ZIP, but not hold it.
    """
    places = [("the output folder", output)] if output else []
    places += [("an input", path) for path in inputs]
    for words, place in places:
        if (not place.exists() or place.is_dir()) and is_inside(folder, place):
            raise CommandError(
                f"The linkage folder lies inside {words}: what ties pseudonyms to patients would travel with the data. "
                "Name another folder with --linkage."
            )
        if is_inside(place, folder):
            raise CommandError(
                f"{words.capitalize()} lies inside the linkage folder, which holds what ties pseudonyms to patients and nothing "
                "that is handed on. Move it, or name another folder with --linkage."
            )
    if lies_among_exports(folder):
        raise CommandError(
            "The linkage folder lies among exports: what ties pseudonyms to patients would be handed on with them. Name another "
            "folder with --linkage."
        )
    if os.name == "posix" and folder.exists() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise CommandError(
            f"The linkage folder {folder} can be read by other users of this computer. Close it with: chmod 700 '{folder}'"
        )


def read_subjects(path: Path) -> dict[str, str]:
    """Read a table of subjects, a CSV with the columns id_old (Patient ID) and id_new (the subject's pseudonym).

    Several IDs may share a pseudonym: so the table says that they are the same person.
    Raises CommandError where it can't be read, or gives one patient two pseudonyms.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(
            f"The subjects table {path} can't be read ({type(error).__name__}). Save it as CSV in UTF-8."
        ) from error
    if not rows or not {"id_old", "id_new"} <= rows[0].keys():
        raise CommandError(f"The subjects table {path} needs a first line with the columns id_old,id_new.")
    subjects: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        old, new = (row["id_old"] or "").strip(), (row["id_new"] or "").strip()
        if not old or not new:
            raise CommandError(f"The subjects table {path}, line {number}, lacks a value.")
        if subjects.setdefault(old, new) != new:
            raise CommandError(f"The subjects table {path}, line {number}, gives a patient a second pseudonym.")
    return subjects
