"""Exceptions that slots raised: Qt prints them and goes on, a test wants to know."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

_raised: list[BaseException] = []


def record(error: BaseException) -> None:
    """Remember an exception that would otherwise only be printed, and print it."""
    _raised.append(error)
    traceback.print_exception(error, file=sys.stderr)


def take() -> list[BaseException]:
    """The exceptions since the last call."""
    taken = list(_raised)
    _raised.clear()
    return taken


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call `function`, record what it raises and return None then: what Qt does to a slot.

    SystemExit goes on: in the application it ends the process.
    """

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            record(error)
            return None

    return call


def painting(method: Callable[..., None]) -> Callable[..., None]:
    """Decorator for a paintEvent: an exception that leaves it hangs PySide."""

    def paint(self: Any, event: Any) -> None:
        try:
            method(self, event)
        except Exception as error:
            record(error)
            traceback.clear_frames(error.__traceback__)  # a painter that lives on would paint on a widget that is gone

    return paint
