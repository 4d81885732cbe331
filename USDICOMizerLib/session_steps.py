"""What changes in a session, and the steps by which it is undone and redone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from USDICOMizerLib.decision import Decision

_LONGEST_HISTORY = 500


class ChangeKind(StrEnum):
    """What observers of a session are told of."""

    EXAMS = "exams"  # instances came, went or were reordered
    DECISIONS = "decisions"  # or what is known of their readiness
    CURRENT = "current"  # another instance is looked at
    SELECTION = "selection"
    CHOICES = "choices"  # destination, subject, options of the export; or the settings


@dataclass(frozen=True)
class Change:
    """One change, and the instances that it is about, by identity."""

    kind: ChangeKind
    identities: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """All that a step can change: the decision for each instance, and which are listed in which order."""

    decisions: Mapping[str, Decision]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step for a person: its words, and the state of what it touched before and after.

    Steps of one `gesture` (a box dragged, a number typed) are one step.
    """

    words: str
    before: State
    after: State
    gesture: object = None

    def followed_by(self, later: Step) -> Step:
        """This step and a later one of the same gesture as one."""
        decisions = {**later.before.decisions, **self.before.decisions}
        return replace(
            self,
            before=State(decisions, self.before.order),
            after=State({**self.after.decisions, **later.after.decisions}, later.after.order),
        )


class History:
    """The steps that can be undone and redone, the oldest forgotten."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def undo_words(self) -> str:
        """What undo would take back; "" where there is nothing."""
        return self._done[-1].words if self._done else ""

    @property
    def redo_words(self) -> str:
        """What redo would do again; "" where there is nothing."""
        return self._undone[-1].words if self._undone else ""

    def add(self, step: Step) -> None:
        """Note a step that was done; what had been undone before can't be redone any more."""
        last = self._done[-1] if self._done and not self._undone else None
        self._undone.clear()
        if last and step.gesture is not None and (last.gesture, last.words) == (step.gesture, step.words):
            self._done[-1] = last.followed_by(step)
        else:
            self._done.append(step)
            del self._done[:-_LONGEST_HISTORY]

    def undo(self) -> Step | None:
        """The step to take back; None where there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> Step | None:
        """The step to do again; None where there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def clear(self) -> None:
        """Forget all steps."""
        self._done.clear()
        self._undone.clear()
