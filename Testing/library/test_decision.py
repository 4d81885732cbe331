"""What leaves because of a decision, and what a review was about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from USDICOMizerLib.decision import (
    Decision,
    Mask,
    blanking,
    decision_is_reviewed,
    lacks_geometry,
    misfits,
    narrows,
    output_box,
    review_digest,
)
from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.exam import Instance, Region, Source
from USDICOMizerLib.geometry import CropBox, Fan, RectangleSector, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.proposals import Proposal
from USDICOMizerLib.tags import Tag

MakeInstance = Callable[..., Instance]

BOX = CropBox(100, 50, 540, 450)
FAN = Fan(320, 10, 40, 400, 60, 120)
REGIONS = (Region(100, 50, 299, 449, 1, 1), Region(340, 50, 539, 449, 1, 2), Region(0, 0, 50, 20, 5, 14))


def test_a_crop_box_is_cut_out_and_blanks_nothing(make_instance: MakeInstance) -> None:
    instance, decision = make_instance(), Decision(crop=BOX)
    assert output_box(instance, decision) == BOX
    assert blanking(instance, decision) is None


def test_a_rectangle_keeps_the_frame_and_blanks_outside_of_the_box(make_instance: MakeInstance) -> None:
    instance, decision = make_instance(), Decision(crop=BOX, mask=Mask.RECTANGLE)
    assert output_box(instance, decision) == instance.whole_frame
    assert np.array_equal(blanking(instance, decision), RectangleSector(BOX).mask(480, 640))


def test_outside_regions_keeps_the_picture_regions_and_not_what_lies_between_them(make_instance: MakeInstance) -> None:
    instance, decision = make_instance(regions=REGIONS), Decision(crop=BOX, mask=Mask.OUTSIDE_REGIONS)
    kept = blanking(instance, decision)
    assert kept.shape == (480, 640)
    assert kept[50:450, 100:300].all() and kept[50:450, 340:540].all()
    assert kept.sum() == 2 * 200 * 400
    assert output_box(instance, decision) == BOX


def test_a_sector_is_blanked_in_the_crop_or_in_the_frame_where_nothing_is_cut(make_instance: MakeInstance) -> None:
    instance = make_instance()
    cut, uncut = Decision(crop=BOX, mask=Mask.SECTOR, sector=FAN), Decision(mask=Mask.SECTOR, sector=FAN)
    assert np.array_equal(blanking(instance, cut), FAN.mask(480, 640))
    assert (output_box(instance, cut), output_box(instance, uncut)) == (BOX, instance.whole_frame)


@pytest.mark.parametrize(
    "decision",
    [
        Decision(),
        Decision(mask=Mask.RECTANGLE),
        Decision(crop=BOX, mask=Mask.SECTOR),
        Decision(crop=BOX, mask=Mask.OUTSIDE_REGIONS),
        Decision(whole_frame=True, mask=Mask.OUTSIDE_REGIONS),
    ],
    ids=str,
)
def test_a_decision_that_does_not_say_what_to_keep_lets_nothing_leave(make_instance: MakeInstance, decision: Decision) -> None:
    instance = make_instance()
    assert lacks_geometry(instance, decision)
    assert not narrows(instance, decision)
    for what_leaves in (output_box, blanking):
        with pytest.raises(RefusedError) as refusal:
            what_leaves(instance, decision)
        assert refusal.value.problem is Problem.NO_CROP


def test_a_decision_keeps_the_whole_frame_or_has_a_box() -> None:
    with pytest.raises(ValueError):
        Decision(crop=BOX, whole_frame=True)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision(crop=BOX), True),
        (Decision(crop=BOX, mask=Mask.RECTANGLE), True),
        (Decision(whole_frame=True, mask=Mask.SECTOR, sector=FAN), True),
        (Decision(whole_frame=True, mask=Mask.OUTSIDE_REGIONS), True),
        (Decision(whole_frame=True), False),
        (Decision(whole_frame=True, mask=Mask.RECTANGLE), False),
        (Decision(crop=CropBox(0, 0, 640, 480)), False),
        (Decision(crop=CropBox(0, 0, 640, 480), mask=Mask.RECTANGLE), False),
        (Decision(whole_frame=True, mask=Mask.SECTOR, sector=RectangleSector(CropBox(0, 0, 640, 480))), False),
        (Decision(whole_frame=True, sector=FAN), False),
        (Decision(whole_frame=True, redactions=(Redaction(CropBox(0, 0, 640, 40)),)), False),
    ],
    ids=str,
)
def test_only_a_crop_or_a_mask_that_takes_pixels_away_narrows(
    make_instance: MakeInstance, decision: Decision, expected: bool
) -> None:
    assert narrows(make_instance(regions=REGIONS), decision) is expected


EDITS = {
    "crop": {"crop": BOX.moved(1, 0)},
    "whole frame": {"crop": None, "whole_frame": True},
    "no crop": {"crop": None},
    "mask": {"mask": Mask.RECTANGLE},
    "sector": {"sector": FAN.moved(0.001, 0)},
    "redactions": {"redactions": ()},
    "frames of a redaction": {"redactions": (Redaction(BOX, 1, 6),)},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_what_leaves_voids_the_review(make_instance: MakeInstance, edit: dict) -> None:
    instance = make_instance(frames=30)
    decision = Decision(crop=BOX, mask=Mask.SECTOR, sector=FAN, redactions=(Redaction(BOX, 1, 5),), reviewed=True)
    decision = decision.replaced(review_digest=review_digest(instance, decision))
    assert decision_is_reviewed(instance, decision)
    assert not decision_is_reviewed(instance, decision.replaced(**edit))


def test_an_edit_of_what_is_said_about_the_picture_keeps_the_review(make_instance: MakeInstance) -> None:
    instance, decision = make_instance(), Decision(crop=BOX, reviewed=True)
    decision = decision.replaced(review_digest=review_digest(instance, decision))
    edited = decision.replaced(order=7, tag=Tag("FV", "L"), note="seen twice", confidence=0.2, include=False)
    assert decision_is_reviewed(instance, edited)
    assert not decision_is_reviewed(instance, edited.replaced(reviewed=False))


@pytest.mark.parametrize("facts", [{"rows": 481}, {"columns": 641}, {"frames": 2}], ids=str)
def test_a_review_is_of_one_instance_as_it_was(make_instance: MakeInstance, facts: dict) -> None:
    decision = Decision(crop=BOX)
    assert review_digest(make_instance(**facts), decision) != review_digest(make_instance(), decision)


def test_other_bytes_under_the_same_uid_void_the_review(make_instance: MakeInstance, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(b"as reviewed")
    instance, decision = make_instance(source=Source(path)), Decision(crop=BOX, reviewed=True)
    decision = decision.replaced(review_digest=review_digest(instance, decision))
    assert decision_is_reviewed(instance, decision)
    path.write_bytes(b"sent again, with a name in it")
    assert not decision_is_reviewed(instance, decision)
    path.unlink()
    assert not decision_is_reviewed(instance, decision)
    assert not decision_is_reviewed(instance, decision.replaced(review_digest="")), "what can't be read isn't reviewed"


def test_other_regions_void_the_review_of_a_mask_made_of_them(make_instance: MakeInstance) -> None:
    instance, changed = make_instance(regions=REGIONS), make_instance(regions=REGIONS[:1])
    masked, unmasked = Decision(crop=BOX, mask=Mask.OUTSIDE_REGIONS), Decision(crop=BOX)
    assert review_digest(instance, masked) != review_digest(changed, masked)
    assert review_digest(instance, unmasked) == review_digest(changed, unmasked)


def test_the_digest_never_changes_between_versions(make_instance: MakeInstance) -> None:
    """Plans live for years: a changed digest would void every review in them."""
    decision = Decision(crop=BOX, mask=Mask.SECTOR, sector=FAN, redactions=(Redaction(CropBox(1, 2, 3, 4), 1, 9),))
    text = (
        f"usdicomizer review 1\n{make_instance().source.sha256()}\n640 480 1\n100,50,540,450\nsector\n"
        "fan 320 10 40 400 60 120\n1 2 3 4 @ 1-9\n"
    )
    assert review_digest(make_instance(), decision) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("decision", "columns"),
    [
        (Decision(crop=CropBox(0, 0, 641, 480)), ["crop"]),
        (Decision(crop=CropBox(0, 0, 640, 481)), ["crop"]),
        (Decision(crop=BOX, redactions=(Redaction(CropBox(600, 0, 650, 10)),)), ["redactions"]),
        (Decision(crop=BOX, redactions=(Redaction(CropBox(0, 0, 9, 9), 1, 3),)), ["redactions"]),
        (Decision(crop=BOX, mask=Mask.SECTOR, sector=Fan(320, -900, 10, 100, 60, 120)), ["sector"]),
        (Decision(crop=CropBox(0, 0, 50, 50), mask=Mask.SECTOR, sector=FAN), ["sector"]),
        (Decision(crop=CropBox(300, 50, 340, 450), mask=Mask.OUTSIDE_REGIONS), ["mask"]),
        (Decision(crop=BOX, mask=Mask.SECTOR, sector=FAN, redactions=(Redaction(CropBox(0, 0, 9, 9), 1, 2),)), []),
    ],
    ids=str,
)
def test_what_does_not_fit_the_image_is_named_by_its_column(
    make_instance: MakeInstance, decision: Decision, columns: list[str]
) -> None:
    assert [misfit.column for misfit in misfits(make_instance(frames=2, regions=REGIONS), decision)] == columns


def test_a_proposal_counts_until_the_box_is_another() -> None:
    decision = Decision(note="mine").following(Proposal(BOX, "regions", 0.4, "why"))
    assert (decision.crop, decision.proposal, decision.confidence) == (BOX, "regions 100 50 540 450", 0.4)
    assert decision.note == "mine" and Decision().following(Proposal(BOX, "regions", 0.4, "why")).note == "why"
    assert decision.follows_proposal
    assert not decision.replaced(crop=BOX.moved(0, 1)).follows_proposal
    assert not decision.replaced(crop=None, whole_frame=True).follows_proposal
    assert not decision.replaced(confidence=None).follows_proposal


def test_a_proposal_that_names_no_box_counts_always() -> None:
    assert Decision(crop=BOX, proposal="regions", confidence=0.4).follows_proposal
