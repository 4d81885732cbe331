"""Receipts: what one exam has to say to the linkage, from whatever process or machine prepared it.

A receipt is written whole, without a lock, before its export appears: so no export is ever without what ties it to its
originals. The run that asked for the exam files it; one that a killed run left is filed by the next.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.audit import AuditedInstance, AuditRecord
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.ledger import LedgerRecord
from USDICOMizerLib.records import as_json

MappingRow = tuple[str, str]
"""A row of a mapping: what the source says, and the pseudonym."""


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
class Receipt:
    """How an exam of a run ended. `output` is the folder of the exports; `export` is None where there is none."""

    run: str
    exam: str
    output: str
    patients: tuple[MappingRow, ...]
    issuers: tuple[MappingRow, ...]
    uids: tuple[MappingRow, ...]
    sources: tuple[SourceRow, ...]
    audit: AuditRecord
    export: LedgerRecord | None


@dataclass(frozen=True)
class Receipts:
    """The receipts of one run in a folder."""

    folder: Path
    run: str

    def write(self, receipt: Receipt) -> None:
        """Leave the receipt of an exam; an earlier one of the same run, left by a process that was lost, is replaced."""
        with written_whole(self._path(receipt.exam), replace=True, private=True) as stream:
            stream.write(as_json(receipt).encode())

    def of(self, exam: str) -> Receipt | None:
        """The receipt of an exam; None where there is none."""
        try:
            return _receipt(self._path(exam).read_bytes())
        except FileNotFoundError:
            return None

    def destroy(self, exam: str) -> None:
        """Take a receipt away that was filed."""
        self._path(exam).unlink(missing_ok=True)

    @staticmethod
    def all(folder: Path) -> Iterator[Receipt]:
        """The receipts of all runs that lie in a folder."""
        for path in sorted(folder.glob("*.json")):
            with contextlib.suppress(FileNotFoundError):  # another process files them too
                yield _receipt(path.read_bytes())

    def _path(self, exam: str) -> Path:
        return self.folder / f"{self.run}_{exam}.json"


def _receipt(data: bytes) -> Receipt:
    values = json.loads(data)
    audit = values["audit"]
    audit["instances"] = tuple(AuditedInstance(**instance) for instance in audit["instances"])
    return Receipt(
        run=values["run"],
        exam=values["exam"],
        output=values["output"],
        patients=tuple((old, new) for old, new in values["patients"]),
        issuers=tuple((old, new) for old, new in values["issuers"]),
        uids=tuple((old, new) for old, new in values["uids"]),
        sources=tuple(SourceRow(**row) for row in values["sources"]),
        audit=AuditRecord(**audit),
        export=LedgerRecord.from_json(values["export"]) if values["export"] else None,
    )
