"""How an instance of a session stands: what is decided about its crop, and whether it can leave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.readiness import Finding


class CropState(StrEnum):
    """Where the crop box stands between a proposal and an export."""

    MISSING = "missing"  # no box is known
    PROPOSED = "proposed"  # as a preset, the regions or the content propose it
    EDITED = "edited"  # a person gave it
    WHOLE_FRAME = "whole frame"  # a person said that nothing is to be cut
    APPLIED = "applied"  # whichever it was: a person has confirmed the picture that leaves


class Readiness(StrEnum):
    """Whether an instance would be exported now."""

    READY = "ready"
    NOT_READY = "not ready"
    EXCLUDED = "excluded"  # by the user
    CHECKING = "checking"  # its bytes are still being read, without which a review can't be trusted


@dataclass(frozen=True)
class InstanceState:
    """One instance as the panel shows it. `problems` are in the order of `Session.findings`."""

    readiness: Readiness
    crop: CropState
    problems: tuple[Problem, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it would be exported now."""
        return self.readiness is Readiness.READY

    @property
    def words(self) -> str:
        """The readiness, and where it isn't ready the problems, as one line."""
        if self.readiness is not Readiness.NOT_READY:
            return self.readiness.value
        return ", ".join(problem.value for problem in self.problems)


def crop_state(decision: Decision, *, is_reviewed: bool) -> CropState:
    """Where the crop box of a decision stands."""
    if is_reviewed:
        return CropState.APPLIED
    if decision.whole_frame:
        return CropState.WHOLE_FRAME
    if decision.lacks_box:
        return CropState.MISSING
    return CropState.PROPOSED if decision.follows_proposal else CropState.EDITED


def instance_state(decision: Decision, findings: tuple[Finding, ...] | None, *, is_reviewed: bool) -> InstanceState:
    """The state of an instance; `findings` None says that they can't be known yet."""
    problems = tuple(dict.fromkeys(finding.problem for finding in findings or ()))
    if not decision.include:
        readiness = Readiness.EXCLUDED
    elif findings is None:
        readiness = Readiness.CHECKING
    else:
        readiness = Readiness.NOT_READY if problems else Readiness.READY
    return InstanceState(readiness, crop_state(decision, is_reviewed=is_reviewed), problems)


def picture(decision: Decision) -> tuple:
    """The part of a decision that the picture which leaves depends on: a review is about this, and an edit of it voids one."""
    return (decision.crop, decision.whole_frame, decision.mask, decision.sector, decision.redactions)
