"""The ledger beside the exports: what each was made from, so that a run that was interrupted can go on.

One line of JSON an export, only ever appended. It holds nothing that identifies: what sources and decisions are made
of stands there as digests made with the project key, which nobody can confirm a guess by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from USDICOMizerLib.files import append, locked
from USDICOMizerLib.records import as_json

LEDGER_NAME = "ledger.jsonl"


@dataclass(frozen=True)
class Made:
    """How an instance was prepared: what the ZIP doesn't tell, so that its report can be written at any time."""

    box: str = ""  # the crop box as it was cut
    how: str = ""  # how the pixels went from source to export, in words
    actions: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LedgerRecord:
    """One line of the ledger.

    `work` is a keyed digest of sources, decisions, settings and version, `contents` a digest of what the ZIP holds.
    `outcomes` maps the keyed digest of an instance's identity to its outcome and reason, `made` that of one which left.
    """

    export: str
    work: str
    contents: str
    outcomes: Mapping[str, tuple[str, str]]
    made: Mapping[str, Made] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: dict) -> LedgerRecord:
        """The record, of what its line holds. Raises ValueError, TypeError, KeyError or AttributeError where it is none."""
        outcomes = {entry: (outcome, reason) for entry, (outcome, reason) in values["outcomes"].items()}
        made = {entry: Made(**one | {"warnings": tuple(one["warnings"])}) for entry, one in values.get("made", {}).items()}
        return cls(**values | {"outcomes": outcomes, "made": made})


class Ledger:
    """The ledger of one output folder. Memory holds only where the lines of an export are."""

    def __init__(self, folder: Path):
        self.path = folder / LEDGER_NAME
        self._places: dict[str, list[int]] = {}
        self._known = 0

    def of(self, export: str) -> tuple[LedgerRecord, ...]:
        """The records of the export of that name, newest first. What a kill cut off, or anybody spoilt, is passed over.

        A record is written before its export is known to have appeared, so one may be of an export that a kill prevented.
        """
        try:
            with self.path.open("rb") as stream:
                self._learn(stream)
                records = []
                for place in reversed(self._places.get(export, [])):
                    stream.seek(place)
                    records.append(_record(stream.readline()))
        except FileNotFoundError:
            return ()
        return tuple(filter(None, records))

    def add(self, record: LedgerRecord, *, once: bool = False) -> None:
        """Append a line; `once`, only where the same line isn't there yet. Raises OSError."""
        line = f"{as_json(record)}\n".encode()
        with locked(self.path, must_lock=False) as stream:  # a network share may have no locks; only one process a run writes
            stream.seek(0)
            if once and b"\n" + line in b"\n" + stream.read():
                return
            append(stream, line)

    def _learn(self, stream) -> None:
        """Note where the lines that came since the last time begin; all of them where the file has shrunk."""
        stream.seek(0, 2)
        if stream.tell() < self._known:
            self._places, self._known = {}, 0
        stream.seek(self._known)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            if record := _record(line):
                self._places.setdefault(record.export, []).append(self._known)
            self._known += len(line)


def _record(line: bytes) -> LedgerRecord | None:
    try:
        return LedgerRecord.from_json(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
