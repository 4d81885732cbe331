"""Saving a session's work as it goes, and offering what was saved before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.errors import ExportError
from USDICOMizerLib.exam import Exam
from USDICOMizerLib.session_plans import OfferedPlan, SavedPlans
from USDICOMizerLib.session_state import picture
from USDICOMizerLib.tags import TagVocabulary


class Saving:
    """The saved plans of a session's exams; without a place for them, nothing is saved and nothing offered."""

    def __init__(self, plans: SavedPlans | None):
        self.plans = plans
        self.offered: OfferedPlan | None = None
        self.error = ""  # why the last step couldn't be saved, in words

    def look_for(self, exams: Iterable[Exam], decisions: Mapping[str, Decision], vocabulary: TagVocabulary) -> None:
        """Offer what was saved about these exams, where it is more than what is decided now."""
        found = [self.plans.load(exam, vocabulary) for exam in exams] if self.plans else []
        worth_it = [one for one in found if one and (one.mistakes or _says_more(one, decisions))]
        if worth_it:
            self.offered = merged([self.offered, *worth_it] if self.offered else worth_it)

    def take(self) -> OfferedPlan | None:
        """What is offered; from now on it isn't any more."""
        offered, self.offered = self.offered, None
        return offered

    def decline(self) -> None:
        """Keep what was offered beside the plans of the new work."""
        offered = self.take()
        for study in offered.exams if offered else ():
            self._set_aside(study)

    def save(self, exam: Exam, decisions: Mapping[str, Decision]) -> None:
        """Save the work on one exam; earlier work that is still offered is kept beside. What goes wrong is in `error`."""
        if self.plans is None:
            return
        self.error = ""
        if self.offered and exam.study_uid in self.offered.exams:
            self._set_aside(exam.study_uid)
        try:
            self.plans.save(exam, decisions)
        except ExportError as error:
            self.error = str(error)

    def _set_aside(self, study_uid: str) -> None:
        try:
            self.plans.set_aside(study_uid)
        except ExportError as error:
            self.error = str(error)


def merged(offered: Sequence[OfferedPlan]) -> OfferedPlan:
    """Several offers as one."""
    return OfferedPlan(
        tuple(exam for one in offered for exam in one.exams),
        {identity: decision for one in offered for identity, decision in one.decisions.items()},
        tuple(identity for one in offered for identity in one.order),
        tuple(mistake for one in offered for mistake in one.mistakes),
    )


def _says_more(offered: OfferedPlan, decisions: Mapping[str, Decision]) -> bool:
    listed = tuple(identity for identity in decisions if identity in offered.decisions)
    return listed != offered.order or any(_work(offered.decisions[one]) != _work(decisions[one]) for one in listed)


def _work(decision: Decision) -> tuple:
    """What of a decision a person may have worked on."""
    return (decision.include, *picture(decision), decision.tag, decision.reviewed)
