"""The plan: the decisions of one or more exams, and whether they fit what the input holds.

Messages about it name rows and columns, as a spreadsheet counts them, and not what identifies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from USDICOMizerLib.decision import Decision, Misfit, decision_is_reviewed, misfits, review_digest
from USDICOMizerLib.errors import Mistake, PlanError
from USDICOMizerLib.exam import Exam, Instance, Source


@dataclass(frozen=True)
class PlanRow:
    """The decision for one instance. `number` is the row of the file as a spreadsheet counts, 0 if from no file."""

    study_uid: str
    sop_instance_uid: str
    source: str
    decision: Decision
    number: int = 0


@dataclass(frozen=True)
class Plan:
    """Decisions, and the file name that messages about them say."""

    rows: tuple[PlanRow, ...]
    name: str = "plan.csv"


def make_plan(exams: Iterable[Exam], decisions: Mapping[str, Decision], *, for_review: bool = True) -> Plan:
    """A plan with a row for each instance, in acquisition order; `decisions` are by the instances' identities.

    A decision without an order gets the instance's number in its exam, from 1. `for_review`, one that isn't reviewed
    gets the digest of the picture that would leave, for which its source is read whole: who looks at the picture then
    only has to say yes.
    """
    rows = []
    for exam in exams:
        for number, instance in enumerate(exam.instances, start=1):
            decision = decisions[instance.identity]
            if for_review and not decision.reviewed:
                decision = decision.replaced(review_digest=review_digest(instance, decision))
            if decision.order is None:
                decision = decision.replaced(order=number)
            rows.append(PlanRow(instance.study_uid, instance.sop_instance_uid, source_text(instance.source), decision))
    return Plan(tuple(rows))


def doubtful_first(plan: Plan) -> Plan:
    """The same plan, its exams where they were, with the rows first that a person has to look at first.

    The order of the export is that of the column `order`, not of the rows.
    """
    exams = {uid: number for number, uid in enumerate(dict.fromkeys(row.study_uid for row in plan.rows))}
    rows = sorted(plan.rows, key=lambda row: (exams[row.study_uid], not row.decision.wants_a_look))
    return replace(plan, rows=tuple(rows))


def match_plan(plan: Plan, exams: Sequence[Exam]) -> dict[str, Decision]:
    """The decision for each instance of the exams, by identity, with its order in the export as 1, 2, 3 ... an exam.

    Instances are found by their SOP Instance UID wherever the files are now; by their source only where several bear
    the same. An instance that isn't in the plan is excluded. Instances without an order, or with the same, follow in
    acquisition order. Raises PlanError with all that doesn't fit the input, row by row.
    """
    by_uid: dict[str, list[Instance]] = defaultdict(list)
    for exam in exams:
        for instance in exam.instances:
            by_uid[instance.sop_instance_uid].append(instance)
    mistakes: list[Mistake] = []
    decisions: dict[str, Decision] = {}
    row_of: dict[str, int] = {}
    for row in plan.rows:
        found = _instance_of(row, by_uid)
        if isinstance(found, Instance) and found.identity in row_of:
            same = row_of[found.identity]
            found = Misfit("sop_instance_uid", f"it is about the same instance as row {same}: delete one of them")
        if isinstance(found, Misfit):
            mistakes.append(mistake_at(plan.name, row.number, found))
            continue
        row_of[found.identity] = row.number
        if row.decision.include:
            mistakes += [mistake_at(plan.name, row.number, wrong) for wrong in _wrongs(found, row.decision)]
        decisions[found.identity] = row.decision
    if mistakes:
        raise PlanError(mistakes)
    return _ordered(decisions, exams)


def mistake_at(name: str, number: int, wrong: Misfit) -> Mistake:
    """What is wrong in a row of the plan of that name, with its place for people."""
    return Mistake(f"{name}, row {number} (column {wrong.column})", wrong.message)


def source_text(source: Source) -> str:
    """The source as a CSV can hold it: the whole path, a file name that isn't valid text spelled out."""
    return str(Source(source.path.absolute(), source.member)).encode("utf-8", "backslashreplace").decode("utf-8")


def _instance_of(row: PlanRow, by_uid: Mapping[str, list[Instance]]) -> Instance | Misfit:
    found = by_uid.get(row.sop_instance_uid, [])
    if not found:
        return Misfit(
            "sop_instance_uid",
            "the input holds no such instance: give the input that the plan was made for as INPUT, or delete the row",
        )
    if len(found) > 1:
        found = [instance for instance in found if source_text(instance.source) == row.source]
    if len(found) != 1:
        return Misfit(
            "source",
            "several instances of the input bear this SOP Instance UID, and none comes from this source: make the plan again",
        )
    if row.study_uid and row.study_uid != found[0].study_uid:
        return Misfit("study_uid", "in the input, this instance belongs to another study: make the plan again")
    return found[0]


def _wrongs(instance: Instance, decision: Decision) -> list[Misfit]:
    """What of an included row doesn't fit its instance."""
    wrongs = list(misfits(instance, decision))
    if not wrongs and decision.reviewed and not decision_is_reviewed(instance, decision):
        what = "isn't that of the picture that would leave now" if decision.review_digest else "is empty"
        wrongs.append(
            Misfit(
                "review_digest",
                f"reviewed is yes, but the digest {what}. Set reviewed to no; then let plan INPUT --plan THIS.csv "
                "--output NEW.csv --images FOLDER show the picture as it is now, and set reviewed to yes in the new plan",
            )
        )
    return wrongs


def _ordered(decisions: Mapping[str, Decision], exams: Sequence[Exam]) -> dict[str, Decision]:
    absent = Decision(include=False, note="not in the plan")
    numbered = {}
    for exam in exams:
        found = [(instance.identity, decisions.get(instance.identity, absent)) for instance in exam.instances]
        found.sort(key=lambda pair: (pair[1].order is None, pair[1].order or 0))
        numbered |= {identity: decision.replaced(order=number) for number, (identity, decision) in enumerate(found, start=1)}
    return numbered
