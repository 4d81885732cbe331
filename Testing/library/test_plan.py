"""Plans are made of exams and decisions, and fit the input that they are executed on, or say row by row why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from USDICOMizerLib.decision import Decision, Mask, decision_is_reviewed, review_digest
from USDICOMizerLib.errors import PlanError
from USDICOMizerLib.exam import Exam, Instance, Region, Source
from USDICOMizerLib.geometry import CropBox, Fan, Redaction
from USDICOMizerLib.plan import Plan, PlanRow, doubtful_first, make_plan, match_plan, source_text

MakeInstance = Callable[..., Instance]

BOX = CropBox(100, 50, 540, 450)


def exam_of(*instances: Instance) -> Exam:
    return Exam(instances[0].study_uid, instances)


def plan_of(*rows: tuple[Instance, Decision]) -> Plan:
    """A plan as read from a file: the first row under the header is row 2."""
    return Plan(
        tuple(
            PlanRow(instance.study_uid, instance.sop_instance_uid, source_text(instance.source), decision, number)
            for number, (instance, decision) in enumerate(rows, start=2)
        )
    )


def mistakes(plan: Plan, *exams: Exam) -> list[str]:
    with pytest.raises(PlanError) as error:
        match_plan(plan, exams)
    return [mistake.place for mistake in error.value.mistakes]


@pytest.fixture
def three(make_instance: MakeInstance) -> tuple[Instance, Instance, Instance]:
    return make_instance(1), make_instance(2), make_instance(3)


def test_a_plan_numbers_the_instances_of_each_exam_in_acquisition_order(three: tuple[Instance, ...]) -> None:
    other = replace(three[2], study_uid="1.2.3")
    decisions = {instance.identity: Decision(crop=BOX) for instance in three}
    plan = make_plan([exam_of(*three[:2]), exam_of(other)], decisions)
    assert [(row.sop_instance_uid, row.study_uid, row.decision.order) for row in plan.rows] == [
        (three[0].sop_instance_uid, three[0].study_uid, 1),
        (three[1].sop_instance_uid, three[1].study_uid, 2),
        (other.sop_instance_uid, "1.2.3", 1),
    ]


def test_a_row_carries_the_digest_that_a_later_yes_confirms(three: tuple[Instance, ...]) -> None:
    exam = exam_of(three[0])
    (row,) = make_plan([exam], {three[0].identity: Decision(crop=BOX, order=5)}).rows
    assert row.decision.order == 5
    confirmed = plan_of((three[0], row.decision.replaced(reviewed=True)))
    assert decision_is_reviewed(three[0], match_plan(confirmed, [exam])[three[0].identity])


def test_a_plan_does_not_renew_a_review_that_no_longer_fits(three: tuple[Instance, ...]) -> None:
    stale = Decision(crop=BOX, reviewed=True, review_digest="0" * 64)
    (row,) = make_plan([exam_of(three[0])], {three[0].identity: stale}).rows
    assert row.decision.review_digest == "0" * 64


def test_a_plan_gives_back_the_decisions_that_it_was_made_of(three: tuple[Instance, ...]) -> None:
    exam = exam_of(*three)
    decisions = {
        three[0].identity: Decision(crop=BOX, order=3, proposal="regions", confidence=0.4),
        three[1].identity: Decision(include=False, order=1, note="blurred"),
        three[2].identity: Decision(whole_frame=True, order=2, mask=Mask.SECTOR, sector=Fan(320, 0, 10, 400, 45, 135)),
    }
    matched = match_plan(make_plan([exam], decisions), [exam])
    assert {identity: decision.replaced(review_digest="") for identity, decision in matched.items()} == decisions


def test_the_order_is_the_plans_and_acquisition_order_where_it_says_none_or_the_same(make_instance: MakeInstance) -> None:
    a, b, c, d = (make_instance(number) for number in range(1, 5))
    plan = plan_of((d, Decision(crop=BOX, order=7)), (b, Decision(crop=BOX, order=7)), (c, Decision(crop=BOX, order=2)))
    plan = Plan((*plan.rows, *plan_of((a, Decision(crop=BOX))).rows))
    matched = match_plan(plan, [exam_of(a, b, c, d)])
    assert sorted(matched, key=lambda identity: matched[identity].order) == [each.identity for each in (c, b, d, a)]
    assert sorted(decision.order for decision in matched.values()) == [1, 2, 3, 4]


def test_an_instance_that_is_not_in_the_plan_is_excluded_and_comes_last(three: tuple[Instance, ...]) -> None:
    matched = match_plan(plan_of((three[1], Decision(crop=BOX, order=9)), (three[2], Decision(crop=BOX))), [exam_of(*three)])
    absent = matched[three[0].identity]
    assert (absent.include, absent.note) == (False, "not in the plan")
    assert matched[three[1].identity].order == 1


def test_a_plan_fits_an_exam_that_was_moved(three: tuple[Instance, ...]) -> None:
    moved = replace(three[0], source=Source(Path("elsewhere.zip"), "a/1"))
    assert match_plan(plan_of((three[0], Decision(crop=BOX))), [exam_of(moved)])[moved.identity].crop == BOX


def test_instances_with_the_same_uid_are_told_apart_by_their_source(three: tuple[Instance, ...]) -> None:
    twin = replace(three[0], identity=f"{three[0].identity}#abc", source=Source(Path("other/1.dcm")))
    exam = exam_of(three[0], twin)
    plan = plan_of((twin, Decision(crop=BOX)), (three[0], Decision(whole_frame=True)))
    matched = match_plan(plan, [exam])
    assert matched[twin.identity].crop == BOX
    assert matched[three[0].identity].whole_frame
    astray = plan_of((replace(twin, source=Source(Path("third.dcm"))), Decision(crop=BOX)))
    assert mistakes(astray, exam) == ["plan.csv, row 2 (column source)"]


def test_unknown_and_repeated_instances_and_other_studies_are_told_row_by_row(three: tuple[Instance, ...]) -> None:
    strange, elsewhere = replace(three[0], sop_instance_uid="1.2.3.4"), replace(three[1], study_uid="1.2.3")
    box = Decision(crop=BOX)
    plan = plan_of((three[0], box), (strange, box), (three[0], Decision(include=False)), (elsewhere, box), (three[2], box))
    assert mistakes(plan, exam_of(*three)) == [
        "plan.csv, row 3 (column sop_instance_uid)",
        "plan.csv, row 4 (column sop_instance_uid)",
        "plan.csv, row 5 (column study_uid)",
    ]


def test_what_lies_outside_of_the_image_is_told_row_by_row(three: tuple[Instance, ...]) -> None:
    beyond = Redaction(CropBox(0, 0, 10, 481))
    nowhere = Decision(crop=BOX, mask=Mask.SECTOR, sector=Fan(5000, 0, 1, 9, 0, 90))
    plan = plan_of((three[0], Decision(crop=CropBox(0, 0, 641, 9), redactions=(beyond,))), (three[1], nowhere))
    assert mistakes(plan, exam_of(*three)) == [
        "plan.csv, row 2 (column crop)",
        "plan.csv, row 2 (column redactions)",
        "plan.csv, row 3 (column sector)",
    ]


def test_an_excluded_row_may_hold_what_does_not_fit(three: tuple[Instance, ...]) -> None:
    stale = Decision(include=False, crop=CropBox(0, 0, 999, 9), reviewed=True)
    assert not match_plan(plan_of((three[0], stale)), [exam_of(*three)])[three[0].identity].include


@pytest.mark.parametrize("digest", ["", "0" * 64], ids=["empty", "another"])
def test_a_review_of_another_picture_is_told_with_the_command_that_shows_the_new_one(
    three: tuple[Instance, ...], digest: str
) -> None:
    plan = plan_of((three[0], Decision(crop=BOX, reviewed=True, review_digest=digest)))
    assert mistakes(plan, exam_of(*three)) == ["plan.csv, row 2 (column review_digest)"]
    with pytest.raises(PlanError, match="plan INPUT --plan"):
        match_plan(plan, [exam_of(*three)])


def test_an_edited_box_voids_a_yes_but_a_no_gets_the_digest_of_the_new_picture(three: tuple[Instance, ...]) -> None:
    exam = exam_of(three[0])
    (row,) = make_plan([exam], {three[0].identity: Decision(crop=BOX)}).rows
    edited = row.decision.replaced(crop=BOX.moved(3, 0))
    assert mistakes(plan_of((three[0], edited.replaced(reviewed=True))), exam)
    (new,) = make_plan([exam], match_plan(plan_of((three[0], edited)), [exam])).rows
    assert new.decision.review_digest == review_digest(three[0], edited)


def test_messages_hold_no_uid_and_no_path(make_instance: MakeInstance) -> None:
    secret = make_instance(77, source=Source(Path("Doe_Jane/1.dcm")), regions=(Region(0, 0, 9, 9, 1, 1),))
    rows = (replace(secret, sop_instance_uid="9.9.9"), secret, secret)
    with pytest.raises(PlanError) as error:
        match_plan(plan_of(*((instance, Decision(crop=CropBox(0, 0, 700, 9))) for instance in rows)), [exam_of(secret)])
    assert len(error.value.mistakes) == 3
    for part in ("9.9.9", "498.77", "Doe"):
        assert part not in str(error.value)


def test_doubtful_rows_and_those_without_a_box_come_first_in_their_exam_and_keep_their_order(
    three: tuple[Instance, ...],
) -> None:
    sure = Decision(crop=CropBox(10, 20, 30, 40), proposal="regions 10 20 30 40", confidence=0.8)
    doubtful, missing = sure.replaced(confidence=0.3), Decision()
    decisions = {one.identity: what for one, what in zip(three, (sure, doubtful, missing), strict=True)}
    plan = make_plan([exam_of(*three)], decisions, for_review=False)
    assert [row.decision.order for row in doubtful_first(plan).rows] == [2, 3, 1]
    assert doubtful_first(replace(plan, rows=plan.rows[:1])).rows == plan.rows[:1]
    reviewed = {identity: what.replaced(reviewed=True) for identity, what in decisions.items()}
    done = make_plan([exam_of(*three)], reviewed, for_review=False)
    assert doubtful_first(done) == done  # a person has looked
