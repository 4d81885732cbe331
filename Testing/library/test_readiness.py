"""Which instances are ready, and what is said of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from USDICOMizerLib.decision import Decision, Mask, review_digest
from USDICOMizerLib.exam import Exam, Instance, Patient, Region
from USDICOMizerLib.geometry import CropBox, Fan, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.proposals import Proposal
from USDICOMizerLib.readiness import Policy, assess, count_patients
from USDICOMizerLib.tags import Tag

MakeInstance = Callable[..., Instance]

BOX = CropBox(100, 50, 540, 450)
STORAGE = "1.2.840.10008.5.1.4.1.1."
UNREVIEWED = Policy(accept_unreviewed=True)


def problems(instance: Instance, decision: Decision, policy: Policy = UNREVIEWED, *others: Instance) -> list[Problem]:
    exam = Exam(instance.study_uid, (instance, *others))
    return [finding.problem for finding in assess(instance, decision, policy, exam)]


def reviewed(instance: Instance, decision: Decision) -> Decision:
    return decision.replaced(reviewed=True, review_digest=review_digest(instance, decision))


@pytest.mark.parametrize("sop_class", ["3", "3.1", "6", "6.1"])
@pytest.mark.parametrize("modality", ["US", "IVUS", ""])
def test_ultrasound_images_current_and_retired_are_ready(make_instance: MakeInstance, sop_class: str, modality: str) -> None:
    assert problems(make_instance(sop_class_uid=STORAGE + sop_class, modality=modality), Decision(crop=BOX)) == []


@pytest.mark.parametrize("sop_class", ["7", "7.1", "7.2", "7.3", "7.4"])
def test_a_secondary_capture_is_ultrasound_by_its_modality(make_instance: MakeInstance, sop_class: str) -> None:
    assert problems(make_instance(sop_class_uid=STORAGE + sop_class), Decision(crop=BOX)) == []
    other = make_instance(sop_class_uid=STORAGE + sop_class, modality="OT")
    assert problems(other, Decision(crop=BOX)) == [Problem.NOT_ULTRASOUND]


@pytest.mark.parametrize(("sop_class", "modality"), [("2", "CT"), ("4", "MR"), ("7.5", "OT"), ("88.33", "SR")])
def test_what_is_of_another_kind_is_not_ultrasound(make_instance: MakeInstance, sop_class: str, modality: str) -> None:
    instance = make_instance(sop_class_uid=STORAGE + sop_class, modality=modality)
    assert problems(instance, Decision(crop=BOX)) == [Problem.NOT_ULTRASOUND]


@pytest.mark.parametrize(
    ("sop_class", "modality"), [("88.33", "SR"), ("9.1.1", "ECG"), ("11.1", "PR"), ("66", "US"), ("104.1", "DOC"), ("6.2", "US")]
)
def test_what_belongs_to_an_ultrasound_study_without_being_its_image_is_unsupported(
    make_instance: MakeInstance, sop_class: str, modality: str
) -> None:
    instance = make_instance(sop_class_uid=STORAGE + sop_class, modality=modality, rows=0, columns=0, has_pixel_data=False)
    assert problems(instance, Decision(), UNREVIEWED, make_instance(2)) == [Problem.UNSUPPORTED_OBJECT]


@pytest.mark.parametrize("facts", [{"has_pixel_data": False}, {"rows": 0}, {"columns": 0}, {"frames": 0}], ids=str)
def test_an_image_without_pixels_is_told_alone(make_instance: MakeInstance, facts: dict) -> None:
    assert problems(make_instance(**facts), Decision(), Policy(tags_required=True)) == [Problem.NO_PIXEL_DATA]


def test_without_a_box_there_is_no_crop_and_nothing_to_review(make_instance: MakeInstance) -> None:
    assert problems(make_instance(), Decision(), Policy()) == [Problem.NO_CROP]
    assert problems(make_instance(), Decision(crop=BOX, mask=Mask.SECTOR)) == [Problem.NO_CROP]


@pytest.mark.parametrize(
    "decision",
    [
        Decision(crop=CropBox(0, 0, 641, 100)),
        Decision(crop=BOX, redactions=(Redaction(CropBox(0, 470, 10, 490)),)),
        Decision(crop=BOX, mask=Mask.SECTOR, sector=Fan(2000, 0, 1, 50, 0, 90)),
    ],
    ids=str,
)
def test_what_reaches_outside_of_the_image_is_refused(make_instance: MakeInstance, decision: Decision) -> None:
    assert problems(make_instance(), decision) == [Problem.CROP_OUTSIDE_IMAGE]


def test_a_tag_is_missing_only_where_one_is_required(make_instance: MakeInstance) -> None:
    instance, required = make_instance(), Policy(tags_required=True, accept_unreviewed=True)
    assert problems(instance, Decision(crop=BOX), required) == [Problem.NO_TAG]
    assert problems(instance, Decision(crop=BOX, tag=Tag("FV", "L")), required) == []


def test_an_unreviewed_part_of_the_frame_leaves_only_when_that_is_accepted(make_instance: MakeInstance) -> None:
    instance, decision = make_instance(), Decision(crop=BOX)
    assert problems(instance, decision, Policy()) == [Problem.NOT_REVIEWED]
    assert problems(instance, decision, Policy(accept_unreviewed=True)) == []
    assert problems(instance, decision, Policy(require_review=False)) == []
    assert problems(instance, reviewed(instance, decision), Policy()) == []


@pytest.mark.parametrize("policy", [Policy(), Policy(accept_unreviewed=True), Policy(require_review=False)], ids=str)
@pytest.mark.parametrize(
    "decision",
    [
        Decision(whole_frame=True),
        Decision(crop=CropBox(0, 0, 640, 480)),
        Decision(whole_frame=True, redactions=(Redaction(CropBox(0, 0, 640, 40)),)),
    ],
    ids=["none", "a box of its size", "redacted"],
)
def test_a_whole_frame_that_nobody_has_looked_at_never_leaves(
    make_instance: MakeInstance, policy: Policy, decision: Decision
) -> None:
    instance = make_instance()
    assert problems(instance, decision, policy) == [Problem.NOT_REVIEWED]
    assert problems(instance, reviewed(instance, decision), policy) == []


def test_a_review_that_no_longer_fits_does_not_count(make_instance: MakeInstance) -> None:
    instance = make_instance()
    edited = reviewed(instance, Decision(crop=BOX)).replaced(crop=BOX.moved(0, -20))
    assert problems(instance, edited, Policy()) == [Problem.NOT_REVIEWED]


def test_a_doubtful_proposal_needs_a_look_or_another_box(make_instance: MakeInstance) -> None:
    instance = make_instance()
    decision = Decision().following(Proposal(BOX, "regions", 0.4))
    assert problems(instance, decision) == [Problem.DOUBTFUL_PROPOSAL]
    assert problems(instance, reviewed(instance, decision), Policy()) == []
    assert problems(instance, decision.replaced(crop=BOX.moved(5, 5))) == []
    assert problems(instance, Decision().following(Proposal(BOX, "regions", 0.5))) == []


def test_the_doubt_is_explained_without_the_note_which_may_hold_anything(make_instance: MakeInstance) -> None:
    instance = make_instance(regions=(Region(100, 50, 900, 449, 1, 1),))
    decision = Decision(note="Mrs Doe").following(Proposal(BOX, "regions", 0.4))
    (finding,) = assess(instance, decision, UNREVIEWED, Exam(instance.study_uid, (instance,)))
    assert "another size" in finding.detail
    assert "Doe" not in finding.detail


def test_a_study_of_several_patients_is_refused(make_instance: MakeInstance) -> None:
    mine, other = make_instance(1, patient=Patient("P-1")), make_instance(2, patient=Patient("P-2"))
    assert problems(mine, Decision(crop=BOX), UNREVIEWED, other) == [Problem.MIXED_PATIENTS]
    assert problems(mine, Decision(crop=BOX), UNREVIEWED, make_instance(3, patient=Patient("P-1"))) == []


@pytest.mark.parametrize(
    ("patients", "count"),
    [
        ([Patient("1", "A"), Patient("1", "B")], 2),
        ([Patient("1", "", "DOE^JANE", "19700101"), Patient("2", "", "Doe^Jane^^", "19700101")], 1),
        ([Patient("1", "", "DOE^JANE", "19700101"), Patient("2", "", "DOE^JANE", "19700102")], 2),
        ([Patient("1", "", "DOE^JANE"), Patient("2", "", "DOE^JANE")], 2),
        ([Patient("1", "", "DOE^JANE", "19700101"), Patient("1", "", "ROE^JANE", "19700101")], 1),
        ([Patient("", "", "DOE^JANE", "19700101"), Patient("", "", "ROE^MARY", "19800101")], 2),
        ([Patient("1", "", "DOE^JANE", "19700101"), Patient("", "", "DOE^JANE", "19700101"), Patient("2"), Patient("2")], 2),
        ([Patient("1"), Patient()], 2),
        ([Patient(), Patient()], 1),
    ],
)
def test_patients_are_one_by_their_id_or_by_name_and_birth_date(
    make_instance: MakeInstance, patients: list[Patient], count: int
) -> None:
    instances = tuple(make_instance(number, patient=patient) for number, patient in enumerate(patients))
    assert count_patients(instances) == count


def test_all_that_can_be_mended_is_told_at_once(make_instance: MakeInstance) -> None:
    instance, other = make_instance(1), make_instance(2, patient=Patient("P-2"))
    found = problems(instance, Decision(crop=CropBox(0, 0, 641, 100)), Policy(tags_required=True), other)
    assert found == [Problem.MIXED_PATIENTS, Problem.NO_TAG, Problem.CROP_OUTSIDE_IMAGE]


def test_details_hold_nothing_of_the_patient_or_the_source(make_instance: MakeInstance) -> None:
    instance = make_instance(patient=Patient("SECRET-ID", "", "SECRET^NAME"))
    exam = Exam(instance.study_uid, (instance, make_instance(2)))
    for decision in (Decision(), Decision(crop=CropBox(0, 0, 700, 9)), Decision(whole_frame=True)):
        for finding in assess(instance, decision, Policy(tags_required=True), exam):
            assert "SECRET" not in finding.detail
            assert str(instance.source) not in finding.detail
            assert instance.sop_instance_uid not in finding.detail
