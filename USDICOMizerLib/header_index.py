"""The index of headers: what each file of a large folder holds, so that it need not be opened again.

It lies in the linkage folder, for it holds identifiers. A file that was written to or replaced since is read anew; so is
one that had just been written when it was read, since its time might not tell the next change. Without the index all is
as with it, only slower: one that can't be used is passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from USDICOMizerLib import __version__
from USDICOMizerLib.exam import IN_COMMON, Device, Instance, Patient, Region, Source, SourceState
from USDICOMizerLib.files import make_private_folder, open_private
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.records import Sharing, as_json, shallow
from USDICOMizerLib.source_files import Found, SourceOutcome

INDEX_NAME = "headers.sqlite"
# What another version reads from a header may differ.
_FORMAT = " ".join(["1", __version__, *(field.name for kind in (Instance, Patient, Device, Region) for field in fields(kind))])
_TABLES = """
    CREATE TABLE IF NOT EXISTS about (format TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS files (
        path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL, holds TEXT NOT NULL
    ) WITHOUT ROWID;
"""
_RACY_NS = 2 * 10**9
_SECONDS_TO_WAIT = 10


class HeaderIndex:
    """The index in a linkage folder, open until `close`."""

    def __init__(self, folder: Path):
        path = make_private_folder(folder) / INDEX_NAME
        open_private(path, "ab").close()  # SQLite itself would make it readable by others
        try:
            self._database = _opened(path)
        except sqlite3.DatabaseError as error:
            if not _is_unusable(error):  # another program has it: what that writes must not go
                raise
            # It is made of what the files say, so it can be made again.
            path.unlink()
            open_private(path, "ab").close()
            self._database = _opened(path)
        self._sharing = Sharing()

    def get(self, path: Path, state: SourceState) -> Found | None:
        """What the file holds; None where the index doesn't know it in this state."""
        with contextlib.suppress(sqlite3.Error):
            row = self._database.execute(
                "SELECT holds FROM files WHERE path = ? AND size = ? AND modified = ? AND inode = ?",
                (_key(path), state.size, state.modified_ns, _signed(state.inode)),
            ).fetchone()
            if row:
                return [self._value(path, state, record) for record in json.loads(row[0])]
        return None

    def put(self, found: Iterable[tuple[Path, SourceState, Found]]) -> None:
        """Note what files hold, but for those that failed, and those that were written to just now."""
        racy = time.time_ns() - _RACY_NS
        rows = (
            (_key(path), state.size, state.modified_ns, _signed(state.inode), as_json([_record(one) for one in holds]))
            for path, state, holds in found
            if state.modified_ns < racy and not any(_has_failed(one) for one in holds)
        )
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _value(self, path: Path, state: SourceState, record: dict) -> Instance | SourceOutcome:
        source = Source(path, record.pop("member"))
        if "outcome" in record:
            return SourceOutcome(source, Outcome(record["outcome"]), record["reason"], record["detail"])
        record["patient"], record["device"] = Patient(**record["patient"]), Device(**record["device"])
        record["regions"] = tuple(Region(**region) for region in record["regions"])
        record["warnings"] = tuple(record["warnings"])
        record |= {name: self._sharing.one(record[name]) for name in IN_COMMON}
        return Instance(source=source, identity=record["sop_instance_uid"], state=state, **record)


def open_index(folder: Path) -> HeaderIndex | None:
    """The index of a linkage folder; None where it can't be used."""
    try:
        return HeaderIndex(folder)
    except (OSError, sqlite3.Error):
        return None


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)
    try:
        with database:
            database.executescript(_TABLES)
            if database.execute("SELECT format FROM about").fetchall() != [(_FORMAT,)]:
                database.execute("DELETE FROM files")
                database.execute("DELETE FROM about")
                database.execute("INSERT INTO about VALUES (?)", (_FORMAT,))
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_unusable(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is damaged or has other tables, and not only locked, full or on a disk that fails just now."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the low byte, without the extended code
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def _has_failed(found: Instance | SourceOutcome) -> bool:
    return isinstance(found, SourceOutcome) and found.outcome is Outcome.FAILED


def _record(found: Instance | SourceOutcome) -> dict:
    if isinstance(found, SourceOutcome):
        return {
            "member": found.source.member,
            "outcome": found.outcome.value,
            "reason": found.reason,
            "detail": found.detail,
        }
    record = shallow(found)
    for field in ("source", "identity", "state"):  # known by the row itself, or made anew
        del record[field]
    return {"member": found.source.member, **record}


def _key(path: Path) -> bytes:
    return os.fsencode(os.path.abspath(path))


def _signed(number: int) -> int:
    """Inode numbers may have 64 bits or more; SQLite's integers have 63 and a sign."""
    return number & (2**63 - 1)
