"""Work in processes of their own on this machine, in the order in which it gets done; a process that is lost is replaced.

Each process is a new interpreter (never a fork, which copies locks that threads of codecs hold) and has one task at a
time: so it is known which task a lost process had in hand, and memory depends on the number of processes only.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeVar

from USDICOMizerLib.logs import silence_libraries

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_ATTEMPTS = 2
_SECONDS_TO_CLEAN_UP = 10


class Lost:
    """The answer for a task whose process ended without one, again when it was tried anew: killed, out of memory, crashed."""


def can_start_processes() -> bool:
    """Whether there is a Python to start: inside of Slicer the program that runs is Slicer, and its PythonSlicer is."""
    return interpreter() is not None


def in_processes(
    function: Callable[[Any, Task], Answer],
    common: object,
    tasks: Iterable[Task],
    processes: int,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Task, Answer | Lost]]:
    """Each task with `function(common, task)`, as they are done. The function is one of a module, and never raises.

    Tasks are taken when a process is free, and none any more once `is_stopping`; those in hand are finished, and one whose
    process is lost then has no answer. Closing the iterator, or an error, ends all processes; at the end of the tasks they
    end too, unless `processes_kept`.
    """
    pool = _Pool(function, common, processes)
    queue = _Queue(tasks)

    def give_out() -> None:
        while pool.has_room and not is_stopping() and (attempt := queue.next()):
            pool.give(attempt)

    try:
        give_out()
        while pool.busy:
            answered = []
            for attempt, answer in pool.answers():
                if isinstance(answer, Lost) and attempt[1] < _ATTEMPTS:
                    queue.again.append(attempt)
                else:
                    answered.append((attempt[0], answer))
            give_out()  # so that no process waits while the caller looks at an answer
            yield from answered
        pool.hand_on()
    finally:
        pool.end()


@contextlib.contextmanager
def processes_kept() -> Iterator[None]:
    """Let the processes of one `in_processes` in the block do the next one's tasks too: each takes a second to start."""
    global _kept
    _kept = []
    try:
        yield
    finally:
        kept, _kept = _kept, None
        _end(kept)


_kept: list[_Process] | None = None


Attempt = tuple[Any, int]
"""A task, and how often it has been begun, this time included."""


class _Queue:
    """Tasks that are still to be given out; those whose process was lost come first."""

    def __init__(self, tasks: Iterable[Any]):
        self._tasks = iter(tasks)
        self.again: deque[Attempt] = deque()

    def next(self) -> Attempt | None:
        if self.again:
            task, times = self.again.popleft()
            return task, times + 1
        for task in self._tasks:
            return task, 1
        return None


class _Pool:
    """The processes: those that wait for a task, and those that have one."""

    def __init__(self, function: Callable, common: object, processes: int):
        self._function, self._common, self._size = function, common, processes
        self._idle: list[_Process] = []
        self.busy: dict[Connection, tuple[_Process, Attempt]] = {}

    @property
    def has_room(self) -> bool:
        return len(self.busy) < self._size

    def give(self, attempt: Attempt) -> None:
        while True:
            process = self._idle.pop() if self._idle else self._another()
            try:
                process.connection.send(attempt[0])
            except OSError:  # it was killed while it waited
                process.end()
            else:
                self.busy[process.connection] = process, attempt
                return

    def _another(self) -> _Process:
        """A process that knows its work: one that was kept, or a new one."""
        process = _kept.pop() if _kept else _Process()
        with contextlib.suppress(OSError):  # a kept one was killed meanwhile, as its first task will tell
            process.connection.send(_Work(self._function, self._common))
        return process

    def hand_on(self) -> None:
        """Keep the processes, none of which is at work, for the next pool, where they are to be kept."""
        if _kept is not None:
            _kept.extend(self._idle)
            self._idle.clear()

    def answers(self) -> Iterator[tuple[Attempt, Any]]:
        """Wait for a process, or several, to answer or to end."""
        for connection in wait(list(self.busy)):
            process, attempt = self.busy.pop(connection)
            try:
                answer = connection.recv()
            except (EOFError, OSError):
                process.end()
                yield attempt, Lost()
            else:
                self._idle.append(process)
                yield attempt, answer

    def end(self) -> None:
        _end([*self._idle, *(process for process, _ in self.busy.values())])


@dataclass(frozen=True)
class _Work:
    """What a process does with each task that comes after it."""

    function: Callable[[Any, Any], Any]
    common: object


class _Process:
    """One interpreter and the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        context.set_executable(interpreter() or sys.executable)
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _without_interrupts():
            self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def ask_to_end(self) -> None:
        self.connection.close()  # one that waits sees it, and one that works is told
        if self._process.is_alive():
            self._process.terminate()

    def end(self) -> None:
        self.ask_to_end()
        self._process.join(_SECONDS_TO_CLEAN_UP)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _end(processes: Sequence[_Process]) -> None:
    """End processes, all at the same time."""
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.end()


def _serve(connection: Connection) -> None:
    """What a process does: answer one task after the other, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the process that asks decides
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    silence_libraries()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        work = connection.recv()
        while True:
            task = connection.recv()
            if isinstance(task, _Work):
                work = task
                continue
            with _leaving_tidily():
                answer = work.function(work.common, task)
            connection.send(answer)


@contextlib.contextmanager
def _leaving_tidily() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that what is half-written is removed. At other times it just ends the process."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process begin with Ctrl-C held back, for until it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else the first process starts it, and that lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interpreter() -> str | None:
    """The Python of this environment; None where none is found."""
    if sys.executable and Path(sys.executable).name.lower().startswith("python"):
        return sys.executable
    beside = str(Path(sys.executable or os.curdir).parent)
    return shutil.which("PythonSlicer") or shutil.which("PythonSlicer", path=beside)
