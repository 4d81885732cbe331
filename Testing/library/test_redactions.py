"""Blanked boxes as a person draws them: where a new one goes, and how others get them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.geometry import CropBox, Fan, Redaction
from USDICOMizerLib.redactions import changed, given_to, new_redaction, without

MakeInstance = Callable[..., Instance]
CROP = CropBox(100, 50, 540, 450)
ONE, TWO = Redaction(CropBox(120, 60, 200, 80)), Redaction(CropBox(300, 60, 380, 80), 3, 9)


def test_a_new_box_lies_in_the_middle_of_what_leaves(make_instance: MakeInstance) -> None:
    box = new_redaction(make_instance(1), Decision(crop=CROP)).box
    assert CROP.contains(box)
    assert (box.left + box.right) // 2 == (CROP.left + CROP.right) // 2


def test_a_second_one_is_not_put_on_top_of_the_first(make_instance: MakeInstance) -> None:
    decision = Decision(crop=CROP)
    for _number in range(3):
        decision = decision.replaced(redactions=(*decision.redactions, new_redaction(make_instance(1), decision)))
    assert len({redaction.box for redaction in decision.redactions}) == 3


@pytest.mark.parametrize("decision", [
    Decision(), Decision(whole_frame=True), Decision(crop=CROP, mask=Mask.RECTANGLE), Decision(crop=CropBox(-5, 1, 7, 3)),
    Decision(mask=Mask.SECTOR, sector=Fan(300, 10, 0, 300, 45, 135)),
])  # fmt: skip
def test_a_new_box_fits_the_image_whatever_is_decided(make_instance: MakeInstance, decision: Decision) -> None:
    instance = make_instance(1)
    assert new_redaction(instance, decision).box.fits(instance.columns, instance.rows)


@given(st.integers(1, 600), st.integers(1, 400))
def test_a_new_box_fits_a_picture_of_any_size(width: int, height: int) -> None:
    from types import SimpleNamespace

    image = CropBox(0, 0, width, height)
    made = new_redaction(SimpleNamespace(columns=width, rows=height, whole_frame=image), Decision(crop=image))
    assert image.contains(made.box)


def test_one_of_them_is_changed_or_taken_away_and_the_others_stay() -> None:
    assert changed((ONE, TWO), 1, box=CROP) == (ONE, Redaction(CROP, 3, 9))
    assert changed((ONE, TWO), 1, first_frame=None, last_frame=None) == (ONE, Redaction(TWO.box))
    assert without((ONE, TWO), 0) == (TWO,)
    with pytest.raises(ValueError, match="first and a last"):
        changed((ONE, TWO), 1, first_frame=10)


def test_others_get_the_boxes_beside_their_own(make_instance: MakeInstance) -> None:
    other = make_instance(2, frames=5)
    own = Redaction(CropBox(1, 1, 5, 5))
    made = given_to(other, Decision(crop=CROP, redactions=(own, ONE)), (ONE, TWO))
    assert made.redactions == (own, ONE, Redaction(TWO.box, 3, 5)), "what is blanked stays, nothing twice, frames that are there"


def test_a_box_for_frames_that_another_does_not_have_is_left_out(make_instance: MakeInstance) -> None:
    assert given_to(make_instance(2, frames=2), Decision(crop=CROP), (TWO,)).redactions == ()


def test_an_image_that_is_too_small_for_a_box_gets_none(make_instance: MakeInstance) -> None:
    assert given_to(make_instance(2, rows=70), Decision(crop=CROP), (ONE, TWO)) is None
