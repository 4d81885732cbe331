"""The linkage: the private files that tie pseudonyms to originals. They never lie inside an export or a source.

Runs at the same time may share one: each change of a file is made under its lock, and a row is written once. What an
exam has to say comes as a receipt, from whatever process prepared it, and is filed by the run that asked for it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import IO

from USDICOMizerLib.audit import AuditRecord
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import (
    NoLocksError,
    append,
    end_of_last_line,
    is_inside,
    locked,
    make_private_folder,
    remove_abandoned_parts,
)
from USDICOMizerLib.ledger import Ledger
from USDICOMizerLib.logs import log
from USDICOMizerLib.open_runs import OpenRun
from USDICOMizerLib.places import lies_among_exports
from USDICOMizerLib.receipts import MappingRow, Receipt, Receipts, SourceRow
from USDICOMizerLib.records import as_json, shallow

UIDS, PATIENTS, EXAMS, ISSUERS = "uid_mapping.csv", "patid_mapping.csv", "exam_mapping.csv", "issuer_mapping.csv"
AUDIT = "audit.jsonl"
_SOURCES, _FINGERPRINT = "sources.csv", "key_fingerprint.txt"
_MAPPING_COLUMNS = ("id_old", "id_new")
_DIGEST_BYTES = 16

csv.field_size_limit(2**31 - 1)  # a header may hold an ID of any length; the default of 128 KiB would end every later run

Objection = Callable[[set[MappingRow]], None]
"""Looks at the rows that a mapping holds, while no other run can change it, and raises where new ones may not join them."""


class Linkage:
    """The linkage folder; made on first use, readable by its owner only where the file system can say so."""

    def __init__(self, folder: Path):
        self.folder = make_private_folder(folder)
        self._held: dict[str, tuple[set[bytes], int]] = {}

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
            stream.seek(0)
            recorded = stream.read().decode("utf-8").strip()
            if not recorded:
                append(stream, f"{fingerprint}\n".encode())
            return recorded or fingerprint

    def mapping(self, name: str) -> Iterator[MappingRow]:
        """The rows of one of the mappings, oldest first."""
        try:
            with (self.folder / name).open("rb") as stream:
                yield from _mapping_rows(stream)
        except FileNotFoundError:
            return

    def add_to_mapping(self, name: str, rows: Iterable[MappingRow], objection: Objection | None = None) -> None:
        """Add rows to a mapping that it doesn't hold yet, unless `objection` raises: then none is added."""
        with self._locked(name) as stream:
            known = self._learn(name, stream)
            if objection:
                objection(set(_mapping_rows(stream)))
            new = [row for row in dict.fromkeys(rows) if _digest(row) not in known]
            self._append_rows(stream, _MAPPING_COLUMNS, new)

    def claim_subjects(
        self,
        patients: Iterable[MappingRow],
        issuers: Iterable[MappingRow],
        objection: Callable[[set[MappingRow], set[MappingRow]], None],
    ) -> None:
        """Keep subjects for the patients of this run, unless `objection` raises; it is shown the rows of both mappings, and
        what other runs have claimed.

        A claim ends with its run; the mappings get their rows with the first export of a patient.
        """
        run = self.run  # which files what killed runs left, and so locks the same table
        with self._locked(PATIENTS) as stream:
            known = set(_mapping_rows(stream)) | run.all_claims(PATIENTS)
            objection(known, set(self.mapping(ISSUERS)) | run.all_claims(ISSUERS))
            run.claim(PATIENTS, patients)
            run.claim(ISSUERS, issuers)

    @cached_property
    def run(self) -> OpenRun:
        """This run, open until `close`. Receipts that killed runs left are filed when it begins."""
        remove_abandoned_parts(self._receipts)
        remove_abandoned_parts(self.plans)
        left = list(Receipts.all(self._receipts))
        run = OpenRun(self.folder / "runs")
        for receipt in left:
            if receipt.run not in run.others:
                try:
                    self.file(receipt, once=True)
                except OSError as error:  # the disk is still full: it stays for the next run
                    log("receipt not filed", level=logging.ERROR, exam=receipt.exam, error=error)
        return run

    @property
    def receipts(self) -> Receipts:
        """Where the exams of this run leave their receipts."""
        return Receipts(self._receipts, self.run.name)

    @property
    def _receipts(self) -> Path:
        return make_private_folder(self.folder / "receipts")

    def file(self, receipt: Receipt, *, once: bool = False) -> None:
        """Write what a receipt says to the tables, the audit log and the ledger beside the export, and destroy it.

        `once` for one that may have been filed in part before: nothing is written twice. Raises OSError or CommandError;
        then the receipt stays, for a later run to file.
        """
        self.add_to_mapping(UIDS, receipt.uids)
        self.add_to_mapping(PATIENTS, receipt.patients)
        self.add_to_mapping(ISSUERS, receipt.issuers)
        self.add_sources(receipt.sources, once=once)
        self.add_audit(receipt.audit, once=once)
        if receipt.export:
            try:
                Ledger(Path(receipt.output)).add(receipt.export, once=once)
            except OSError as error:  # the output folder has gone, or is full: it can't be resumed, and nothing else is lost
                log("ledger not written", level=logging.WARNING, exam=receipt.exam, error=error)
        Receipts(self._receipts, receipt.run).destroy(receipt.exam)

    def close(self) -> None:
        """End this run: its claims end."""
        if "run" in self.__dict__:
            self.run.close()
            del self.__dict__["run"]

    def add_sources(self, rows: Iterable[SourceRow], *, once: bool = False) -> None:
        """Add rows to sources.csv; `once`, only those that it doesn't hold yet."""
        columns = tuple(field.name for field in fields(SourceRow))
        new = [tuple(map(str, shallow(row).values())) for row in rows]
        with self._locked(_SOURCES) as stream:
            if once:
                new = list(dict.fromkeys(new))
                held = set(new).intersection(_rows(stream, 0))
                new = [row for row in new if row not in held]
            self._append_rows(stream, columns, new)

    def add_audit(self, record: AuditRecord, *, once: bool = False) -> None:
        """Append a line to audit.jsonl, and see that it has reached the disk; `once`, only where the same isn't there yet."""
        line = f"{as_json(record)}\n".encode()
        with self._locked(AUDIT) as stream:
            stream.seek(0)
            if once and b"\n" + line in b"\n" + stream.read():
                return
            append(stream, line)

    def _learn(self, name: str, stream: IO[bytes]) -> set[bytes]:
        """Digests of the rows that a mapping holds: of a million instances, the rows themselves would fill the memory.

        Those that this process has read before are remembered: runs only ever append.
        """
        known, end = self._held.get(name, (set(), 0))
        if stream.seek(0, os.SEEK_END) < end:  # a person has replaced it
            known, end = set(), 0
        known.update(map(_digest, _mapping_rows(stream, end)))
        self._held[name] = known, end_of_last_line(stream)
        return known

    @staticmethod
    def _append_rows(stream: IO[bytes], columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        if not rows:
            return
        text = io.StringIO(newline="")
        table = csv.writer(text)
        if not end_of_last_line(stream):
            table.writerow(columns)
        table.writerows(rows)
        append(stream, text.getvalue().encode("utf-8"))

    @contextmanager
    def _locked(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the folder, made where it is missing, that nobody else reads or writes meanwhile."""
        try:
            with locked(self.folder / name) as stream:
                yield stream
        except NoLocksError:
            raise CommandError(
                f"{name} in the linkage folder can't be locked against other runs: its file system has no locks. "
                "Name a folder on a local disk with --linkage."
            ) from None


def _mapping_rows(stream: IO[bytes], start: int = 0) -> Iterator[MappingRow]:
    """The whole rows of a mapping from a position on."""
    return ((row[0], row[1]) for row in _rows(stream, start) if len(row) > 1 and row != _MAPPING_COLUMNS)


def _rows(stream: IO[bytes], start: int) -> Iterator[tuple[str, ...]]:
    """The whole rows of a table from a position on; one that was cut off is none."""
    end = end_of_last_line(stream)
    stream.seek(start)
    whole = stream.read()[: max(0, end - start)]
    return map(tuple, csv.reader(io.TextIOWrapper(io.BytesIO(whole), encoding="utf-8", newline="")))


def _digest(row: MappingRow) -> bytes:
    return hashlib.blake2b(repr(row).encode(), digest_size=_DIGEST_BYTES).digest()


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
