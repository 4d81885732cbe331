"""Many files, in their order: a few are read one after the other, many in processes of their own and with an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from USDICOMizerLib.exam import Instance, Source, SourceState
from USDICOMizerLib.header_index import HeaderIndex, open_index
from USDICOMizerLib.processes import Lost, can_start_processes, in_processes
from USDICOMizerLib.source_files import Found, Limits, SourceOutcome, failed, read_file
from USDICOMizerLib.source_header import SourceError, SourceFailure

_MANY = 500
"""From this number of files on, processes of their own are worth their start, and an index its file."""

_CHUNK = 64

Listed = Path | SourceOutcome
"""A file that is still to be read, or what is known already: a folder that can't be listed."""

Task = tuple[int, list[Path]]
"""The number of a chunk, and its files that have to be read."""

Read = tuple[SourceState | None, Found]
"""What `read_file` says of a file."""


def read_all(
    listed: Iterable[Listed], limits: Limits, index_folder: Path | None, processes: int
) -> Iterator[Instance | SourceOutcome]:
    """What the files hold, in their order."""
    listed = iter(listed)
    few = list(islice(listed, _MANY))
    if len(few) < _MANY:
        for one in few:
            yield from [one] if isinstance(one, SourceOutcome) else read_file(one, limits)[1]
        return
    index = open_index(index_folder) if index_folder else None
    try:
        yield from _Reading(chain(few, listed), limits, index, processes).run()
    finally:
        if index:
            index.close()


class _Reading:
    """Chunks of files on their way: those that the index knows are there at once, others come when they are read."""

    def __init__(self, listed: Iterator[Listed], limits: Limits, index: HeaderIndex | None, processes: int):
        self._listed, self._limits, self._index = listed, limits, index
        self._processes = processes if can_start_processes() else 1
        self._chunks: dict[int, list[Listed | Found]] = {}
        """The chunks that are not yet handed on, by number; a file in them gives way to what it holds."""
        self._next = 0

    def run(self) -> Iterator[Instance | SourceOutcome]:
        for (number, paths), answer in self._answers():
            self._take(number, _not_read(paths) if isinstance(answer, Lost) else answer)
            yield from self._finished()
        yield from self._finished()  # chunks that the index knew

    def _answers(self) -> Iterator[tuple[Task, list[Read] | Lost]]:
        if self._processes < 2:
            return ((task, read_files(self._limits, task)) for task in self._tasks())
        return in_processes(read_files, self._limits, self._tasks(), self._processes)

    def _tasks(self) -> Iterator[Task]:
        """The files of each chunk that have to be read; chunks that the index knows need none."""
        number = 0
        while chunk := list(islice(self._listed, _CHUNK)):
            self._chunks[number] = [self._known(one) for one in chunk]
            paths = [one for one in self._chunks[number] if isinstance(one, Path)]
            if paths:
                yield number, paths
            number += 1

    def _known(self, one: Listed) -> Listed | Found:
        if isinstance(one, SourceOutcome) or not self._index:
            return one
        try:
            return self._index.get(one, Source(one).state()) or one
        except OSError:
            return one

    def _take(self, number: int, read: list[Read]) -> None:
        """Put what was read in the place of its files, and into the index."""
        answers = iter(read)
        chunk, new = self._chunks[number], []
        for place, one in enumerate(chunk):
            if isinstance(one, Path):
                state, found = next(answers)
                chunk[place] = found
                if state:
                    new.append((one, state, found))
        if self._index:
            self._index.put(new)

    def _finished(self) -> Iterator[Instance | SourceOutcome]:
        """What the chunks hold whose turn it is, and that are read."""
        while chunk := self._chunks.get(self._next):
            if any(isinstance(one, Path) for one in chunk):
                return
            for one in chunk:
                yield from [one] if isinstance(one, SourceOutcome) else one
            del self._chunks[self._next]
            self._next += 1


def read_files(limits: Limits, task: Task) -> list[Read]:
    """What the files of a chunk hold; in this process or in another."""
    return [read_file(path, limits) for path in task[1]]


def _not_read(paths: list[Path]) -> list[Read]:
    error = SourceError(SourceFailure.UNREADABLE, "the process that read it ended")
    return [(None, [failed(Source(path), error)]) for path in paths]
