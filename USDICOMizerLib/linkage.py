"""The linkage: the private files that tie pseudonyms to originals. They never lie inside an export or a source."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import is_inside, lock, make_private_folder, open_private

_MAPPING_COLUMNS = ("id_old", "id_new")


@dataclass(frozen=True)
class SourceRow:
    """One row of sources.csv: which file an instance number of an exam stands for, and how it ended."""

    exam: str
    instance: int
    source: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class ExportRecord:
    """One line of exports.jsonl: what an export was made from, for `--resume`.

    `work` is a digest of sources, decisions, settings and key; `outcomes` maps an instance's identity to its
    outcome and reason.
    """

    export: str
    work: str
    sha256: str
    outcomes: dict[str, tuple[str, str]]


class Linkage:
    """The linkage folder; made on first use, readable by its owner only where the file system can say so."""

    def __init__(self, folder: Path):
        self.folder = make_private_folder(folder)

    @property
    def plans(self) -> Path:
        """The folder of plan files, by study pseudonym."""
        return make_private_folder(self.folder / "plans")

    def add_uids(self, mapping: Iterable[tuple[str, str]]) -> None:
        """Add rows to uid_mapping.csv that it doesn't hold yet: (original UID, replacement)."""
        self._append_new("uid_mapping.csv", _MAPPING_COLUMNS, mapping)

    def add_patients(self, mapping: Iterable[tuple[str, str]]) -> None:
        """Add rows to patid_mapping.csv that it doesn't hold yet: (original Patient ID, subject)."""
        self._append_new("patid_mapping.csv", _MAPPING_COLUMNS, mapping)

    def add_sources(self, rows: Iterable[SourceRow]) -> None:
        """Add rows to sources.csv that it doesn't hold yet."""
        columns = tuple(field.name for field in fields(SourceRow))
        self._append_new("sources.csv", columns, (tuple(map(str, astuple(row))) for row in rows))

    def add_export(self, record: ExportRecord) -> None:
        """Append a line to exports.jsonl."""
        with open_private(self.folder / "exports.jsonl", "a") as stream:
            lock(stream, wait=True)
            stream.write(json.dumps(asdict(record)) + "\n")

    def last_export(self, name: str) -> ExportRecord | None:
        """The newest record of the export of that name, if any; a line cut off by a kill is passed over."""
        try:
            lines = (self.folder / "exports.jsonl").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            try:
                record = ExportRecord(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if record.export == name:
                return record
        return None

    def _append_new(self, name: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        with open_private(self.folder / name, "a+") as stream:
            lock(stream, wait=True)  # so that two runs neither lose nor double a row
            stream.seek(0)
            known = {tuple(row) for row in csv.reader(stream)}
            table = csv.writer(stream)
            if not known:
                table.writerow(columns)
            table.writerows(row for row in dict.fromkeys(rows) if row not in known)


def check_linkage_place(folder: Path, output: Path | None, inputs: Iterable[Path]) -> None:
    """Raise CommandError where the linkage folder lies inside the output or an input, or others could read it.

    What lies there would be handed on with the export, or mixed with the source.
    """
    places = [("the output folder", output)] if output else []
    places += [("an input folder", path) for path in inputs if path.is_dir()]
    for words, place in places:
        if is_inside(folder, place):
            raise CommandError(
                f"The linkage folder lies inside {words}: what ties pseudonyms to patients would travel with the data. "
                "Name another folder with --linkage."
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
    except (OSError, UnicodeDecodeError) as error:
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
