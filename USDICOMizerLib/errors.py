"""Every error that the library raises on purpose.

Messages are sentences for people and never hold a value of an identifying attribute or the path of a
source: they reach logs, terminals and reports. cli.py and the Slicer widget turn them into words and
exit codes; nothing else catches the base class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from USDICOMizerLib.outcomes import Problem


class USDICOMizerError(Exception):
    """Base of all errors of this library."""


class CommandError(USDICOMizerError):
    """The command, one of its options or a file that it names is wrong; nothing was done (exit status 2)."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a file that a person wrote (settings or plan).

    `place` says where ("settings.ini, [crop], line 12" or "plan.csv, row 7"), `message` what is wrong and
    what would be right.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class FileMistakesError(CommandError):
    """A file that a person wrote holds mistakes; all of them are listed at once."""

    def __init__(self, mistakes: Sequence[Mistake]):
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class SettingsError(FileMistakesError):
    """The settings file can't be used as it is."""


class PlanError(FileMistakesError):
    """The plan can't be used as it is, or doesn't fit the input."""


class KeyFileError(CommandError):
    """The project key is missing, unreadable, damaged or readable by others."""


class ExportError(USDICOMizerError):
    """An export could not be written; nothing half-written remains."""


class ReportError(USDICOMizerError):
    """A report could not be written; what it is about is not affected."""


class RefusedError(USDICOMizerError):
    """One instance is not exported, for a problem of DESIGN's closed list.

    `detail` says what was found in this instance; the problem itself says what to do next.
    """

    def __init__(self, problem: Problem, detail: str = ""):
        self.problem = problem
        self.detail = detail
        super().__init__(f"{problem.value}: {detail}" if detail else problem.value)
