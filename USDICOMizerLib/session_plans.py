"""The plans that a session saves as it goes: one for each exam, in the linkage folder, by study pseudonym."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.agreement import load_or_make_key, record_key
from USDICOMizerLib.decision import Decision, Mask, misfits
from USDICOMizerLib.deidentify.pseudonyms import Pseudonyms
from USDICOMizerLib.errors import CommandError, ExportError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.linkage import Linkage
from USDICOMizerLib.plan import Plan, PlanRow, make_plan, source_text
from USDICOMizerLib.plan_file import read_plan, write_plan
from USDICOMizerLib.settings import Settings, default_data_folder
from USDICOMizerLib.tags import TagVocabulary

_SUFFIX = ".csv"
_SET_ASIDE = ".previous.csv"


@dataclass(frozen=True)
class OfferedPlan:
    """Earlier work on the exams of a session: decisions by identity, and the order in which the exams were listed.

    `mistakes` are about plans that can't be taken as they are; a person may correct those in the linkage folder.
    """

    exams: tuple[str, ...]  # Study Instance UIDs
    decisions: Mapping[str, Decision]
    order: tuple[str, ...]
    mistakes: tuple[str, ...] = ()


class SavedPlans:
    """Reads and writes the plans of the linkage folder. The project key gives them their names, and is made on first use."""

    def __init__(self, folder: Path, pseudonyms: Pseudonyms, *, new_key: Path | None = None):
        self.folder = folder
        self.new_key = new_key  # where a key was made just now, which a person has to know of
        self.pseudonyms = pseudonyms

    @classmethod
    def of(cls, settings: Settings) -> SavedPlans:
        """The plans where `prepare` with these settings has them.

        Raises CommandError where key or linkage can't be used; `prepare` wouldn't run then either.
        """
        key_file = settings.deidentification.key_file or default_data_folder() / "project.key"
        folder = settings.deidentification.linkage_folder or default_data_folder() / "linkage"
        try:
            key, is_new = load_or_make_key(key_file, folder)
            linkage = Linkage(folder)
            record_key(key, key_file, linkage)
            return cls(linkage.plans, Pseudonyms(key), new_key=key_file if is_new else None)
        except OSError as error:
            raise CommandError(f"The linkage folder can't be used ({error.strerror or type(error).__name__}).") from None

    def path(self, study_uid: str) -> Path:
        """The file of an exam's plan."""
        return self.folder / f"{self.pseudonyms.exam(study_uid)}{_SUFFIX}"

    def path_of_several(self, study_uids: Sequence[str]) -> Path:
        """The file of a plan of several exams; of one, its own."""
        first = self.path(study_uids[0])
        return first if len(study_uids) == 1 else first.with_name(f"{first.stem}-and-{len(study_uids) - 1}-more{_SUFFIX}")

    def save(self, exam: Exam, decisions: Mapping[str, Decision]) -> None:
        """Write the plan of one exam. Raises ExportError where it can't be written."""
        self.write(make_plan([exam], decisions, for_review=False), [exam.study_uid])

    def write(self, plan: Plan, study_uids: Sequence[str]) -> Path:
        """Write a plan of these exams, and return where it is. Raises ExportError where it can't be written."""
        path = self.path_of_several(study_uids)
        write_plan(plan, path)
        return path

    def load(self, exam: Exam, vocabulary: TagVocabulary) -> OfferedPlan | None:
        """What was saved about an exam, as far as its instances are there; None where nothing was."""
        path = self.path(exam.study_uid)
        if not path.exists():
            return None
        try:
            plan = read_plan(path, vocabulary)
        except CommandError as error:
            return OfferedPlan((exam.study_uid,), {}, (), (str(error),))
        found = {row: instance for row in plan.rows if (instance := _instance_of(row, exam))}
        rows = sorted(found, key=lambda row: (row.decision.order is None, row.decision.order or 0))
        decisions = {found[row].identity: _fitting(found[row], row.decision).replaced(order=None) for row in rows}
        return OfferedPlan((exam.study_uid,), decisions, tuple(decisions))

    def set_aside(self, study_uid: str) -> None:
        """Keep a plan that wasn't taken from being replaced by new work. Raises ExportError where it can't be renamed."""
        path = self.path(study_uid)
        try:
            if path.exists():
                path.replace(path.with_name(path.stem + _SET_ASIDE))
        except OSError as error:
            raise ExportError(f"{path.name} can't be renamed: {error.strerror}.") from None


def _instance_of(row: PlanRow, exam: Exam) -> Instance | None:
    """The instance that a row is about: by its UID, and by its source where several bear the same."""
    found = [instance for instance in exam.instances if instance.sop_instance_uid == row.sop_instance_uid]
    if len(found) > 1:
        found = [instance for instance in found if source_text(instance.source) == row.source]
    return found[0] if len(found) == 1 else None


def _fitting(instance: Instance, decision: Decision) -> Decision:
    """The decision, without what was drawn on an image of another size; then a person has to say again what is kept."""
    if not misfits(instance, decision):
        return decision
    return decision.replaced(crop=None, mask=Mask.NONE, sector=None, redactions=(), reviewed=False, review_digest="")
