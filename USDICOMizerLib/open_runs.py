"""Which runs are going on with a linkage, and which subjects they keep for which patients.

A run has a file that it holds locked; the file of a run that was killed isn't locked any more.
"""

from __future__ import annotations

import contextlib
import csv
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import lock, make_private_folder, open_private
from USDICOMizerLib.receipts import MappingRow

_SUFFIX = ".csv"


class OpenRun:
    """A run that has begun. Its claims are the patients and subjects that it may still write to the mapping of patients."""

    def __init__(self, folder: Path):
        """Begin a run; those that were killed are forgotten."""
        self._folder = make_private_folder(folder)
        self._path, self._stream = self._begun()
        self.others = frozenset(self._living())
        """The names of the runs that went on when this one began."""

    @property
    def name(self) -> str:
        """A name that no other run has."""
        return self._path.stem

    def claim(self, mapping: str, rows: Iterable[MappingRow]) -> None:
        """Add rows that a mapping may get; to be called while the mapping of patients is locked."""
        csv.writer(self._stream).writerows((mapping, *row) for row in rows)
        self._stream.flush()

    def all_claims(self, mapping: str) -> set[MappingRow]:
        """The claims of all runs, this one's as well; to be called while the mapping of patients is locked."""
        claims = set()
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8", newline="") as stream:
                claims |= {(row[1], row[2]) for row in csv.reader(stream) if len(row) == 3 and row[0] == mapping}
        return claims

    def close(self) -> None:
        """End the run."""
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def _begun(self) -> tuple[Path, IO[str]]:
        while True:
            path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
            stream = open_private(path, "a+")
            if not lock(stream, wait=False):
                stream.close()
                path.unlink(missing_ok=True)
                raise CommandError(
                    "The linkage folder can't be locked against other runs: its file system has no locks. "
                    "Name a folder on a local disk with --linkage."
                )
            if path.exists():  # else another run has taken it for a dead one, before it was locked
                return path, stream
            stream.close()

    def _living(self) -> Iterator[str]:
        """The runs whose files are locked; the files of others are removed."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if path == self._path:
                continue
            with contextlib.suppress(FileNotFoundError):
                with path.open("r+", encoding="utf-8") as stream:
                    lives = not lock(stream, wait=False)
                if lives:
                    yield path.stem
                else:
                    path.unlink()
