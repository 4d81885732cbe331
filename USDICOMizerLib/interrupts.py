"""Ctrl-C while many exams are prepared: once finishes those in hand, twice ends at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from types import TracebackType


class Stopping:
    """Within its block, the first Ctrl-C is only noted where `can_wait`; the next raises KeyboardInterrupt.

    Whoever handles signals already (a program that embeds this) goes on doing so.
    """

    def __init__(self, *, can_wait: bool, on_first: Callable[[], None]):
        self._can_wait, self._on_first = can_wait, on_first
        self._asked = False
        self._before = None

    def is_asked(self) -> bool:
        """Whether a person has pressed Ctrl-C."""
        return self._asked

    def __enter__(self) -> Stopping:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if self._can_wait and in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, _signal: int, _frame: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        with contextlib.suppress(RuntimeError):  # the terminal was being written to at this moment
            self._on_first()
