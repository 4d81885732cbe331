"""When the picture's content proposes: where neither a preset nor regions without doubt decide, and for sectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from USDICOMizerLib import proposals
from USDICOMizerLib.alike import made_alike
from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.content.outline import Kind, Outline
from USDICOMizerLib.content.picture import Picture
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Exam, Instance, Region
from USDICOMizerLib.geometry import CropBox, Fan, RectangleSector
from USDICOMizerLib.proposals import DOUBTFUL, propose_crop, propose_sector
from USDICOMizerLib.settings import CropPreset, CropSettings, Settings

MakeInstance = Callable[..., Instance]

BOX = CropBox(100, 60, 500, 400)
ELSEWHERE = CropBox(40, 200, 300, 470)
TISSUE = (1, 1)


def picture(box: CropBox, confidence: float = 1.0) -> Picture:
    sides = box.left, box.left, box.right, box.right
    return Picture((Outline(Kind.RECTANGLE, box.top, box.bottom, *sides, box.top, box.bottom),), confidence, "Found.")


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch):
    """Let frames show this picture, or none; without it, looking at frames is an error."""

    def show(found: Picture | None) -> None:
        monkeypatch.setattr(proposals, "_picture_of", lambda instance: found)

    def unasked(instance: Instance) -> None:
        raise AssertionError("the frames were read")

    monkeypatch.setattr(proposals, "_picture_of", unasked)
    return show


def test_frames_are_not_read_where_a_preset_or_sure_regions_decide(make_instance: MakeInstance, shows) -> None:
    region = Region(100, 60, 499, 399, *TISSUE)
    assert propose_crop(make_instance(regions=(region,)), Settings()).origin == "regions"
    preset = CropPreset("mine", size=(640, 480), single_frame=BOX)
    assert propose_crop(make_instance(), Settings(presets=(preset,))).origin == "preset mine"


def test_content_proposes_where_nothing_else_does(make_instance: MakeInstance, shows) -> None:
    shows(picture(BOX))
    proposal = propose_crop(make_instance(), Settings())
    assert (proposal.box, proposal.origin) == (BOX, "content")
    assert DOUBTFUL <= proposal.confidence < 0.8


def test_content_whose_edges_are_hard_to_tell_is_doubtful_and_says_so(make_instance: MakeInstance, shows) -> None:
    shows(picture(BOX, 0.3))
    proposal = propose_crop(make_instance(), Settings())
    assert proposal.confidence < DOUBTFUL
    assert "hard to tell" in proposal.note


def test_content_and_doubtful_regions_of_an_image_twice_as_large_confirm_each_other(make_instance: MakeInstance, shows) -> None:
    shows(picture(BOX, 0.5))
    twice = Region(200, 120, 999, 799, *TISSUE)
    proposal = propose_crop(make_instance(regions=(twice,)), Settings())
    assert (proposal.box, proposal.confidence) == (BOX, 0.8)
    assert "regions agree" in proposal.note


def test_doubtful_regions_remain_where_the_content_is_still_less_sure(make_instance: MakeInstance, shows) -> None:
    shows(picture(ELSEWHERE, 0.2))
    proposal = propose_crop(make_instance(regions=(Region(100, 0, 499, 399, *TISSUE),)), Settings())
    assert (proposal.origin, proposal.confidence) == ("regions", 0.4)


def test_the_order_of_the_settings_can_leave_content_out(make_instance: MakeInstance, shows) -> None:
    assert propose_crop(make_instance(), Settings(crop=CropSettings(order=("preset", "regions")))) is None


def test_a_picture_that_reaches_out_of_the_image_is_clamped(make_instance: MakeInstance, shows) -> None:
    shows(picture(CropBox(100, 60, 700, 500)))
    assert propose_crop(make_instance(), Settings()).box == CropBox(100, 60, 640, 480)


class TestSectors:
    def test_mask_sector_takes_the_outline_and_the_box(self, make_instance: MakeInstance, shows) -> None:
        shows(picture(BOX))
        decision = decide(make_instance(), Choices(mask=Mask.SECTOR), Settings())
        assert (decision.crop, decision.sector, decision.mask) == (BOX, RectangleSector(BOX), Mask.SECTOR)

    def test_without_an_outline_the_sector_is_the_box_of_the_regions(self, make_instance: MakeInstance, shows) -> None:
        shows(None)
        proposal = propose_sector(make_instance(regions=(Region(100, 60, 499, 399, *TISSUE),)), Settings())
        assert proposal.sector == RectangleSector(BOX)
        assert "No outline" in proposal.note

    def test_an_outline_that_sure_regions_contradict_is_doubtful(self, make_instance: MakeInstance, shows) -> None:
        shows(picture(ELSEWHERE))
        proposal = propose_sector(make_instance(regions=(Region(100, 60, 499, 399, *TISSUE),)), Settings())
        assert proposal.confidence < DOUBTFUL

    def test_without_outline_and_regions_there_is_none(self, make_instance: MakeInstance, shows) -> None:
        shows(None)
        decision = decide(make_instance(), Choices(mask=Mask.SECTOR), Settings())
        assert (decision.crop, decision.sector) == (None, None)

    def test_a_box_that_was_given_stays_and_the_sector_s_confidence_counts(self, make_instance: MakeInstance, shows) -> None:
        shows(picture(BOX, 0.3))
        given = CropBox(90, 50, 510, 410)
        decision = decide(make_instance(), Choices(crop=given, mask=Mask.SECTOR), Settings())
        assert (decision.crop, decision.sector) == (given, RectangleSector(BOX))
        assert decision.is_doubtful


class TestAlikeOverAnExam:
    def exam(self, make_instance: MakeInstance, *decisions: Decision, depth: tuple[str, ...] = ()) -> dict[int, Decision]:
        depths = depth or ("120",) * len(decisions)
        instances = tuple(make_instance(number, depth=depths[number - 1]) for number in range(1, len(decisions) + 1))
        of = {instance.identity: decision for instance, decision in zip(instances, decisions, strict=True)}
        made = made_alike(Exam("1.2", instances), of)
        return {number: made[instance.identity] for number, instance in enumerate(instances, start=1)}

    @staticmethod
    def content(box: CropBox, confidence: float = 0.7) -> Decision:
        return Decision().following(proposals.Proposal(box, "content", confidence, "Found."))

    def test_nearly_the_same_boxes_become_that_of_the_surest(self, make_instance: MakeInstance) -> None:
        nearly = self.content(BOX.expanded(3), 0.4)
        made = self.exam(make_instance, self.content(BOX, 0.7), nearly, self.content(BOX.moved(2, 0), 0.6))
        assert {decision.crop for decision in made.values()} == {BOX}
        assert not any(decision.is_doubtful for decision in made.values())

    def test_an_outlier_keeps_its_box_and_is_doubtful(self, make_instance: MakeInstance) -> None:
        made = self.exam(make_instance, self.content(BOX), self.content(BOX), self.content(ELSEWHERE, 0.75))
        assert made[3].crop == ELSEWHERE
        assert made[3].is_doubtful
        assert "elsewhere" in made[3].note

    def test_a_frame_without_a_picture_gets_the_others_box_to_be_looked_at(self, make_instance: MakeInstance) -> None:
        made = self.exam(make_instance, self.content(BOX), self.content(BOX), Decision())
        assert made[3].crop == BOX
        assert made[3].is_doubtful

    def test_another_depth_is_another_kind(self, make_instance: MakeInstance) -> None:
        found = self.content(BOX), self.content(BOX), self.content(ELSEWHERE)
        made = self.exam(make_instance, *found, depth=("120", "120", "80"))
        assert made[3] == found[2]

    def test_boxes_that_a_person_or_regions_gave_stay(self, make_instance: MakeInstance) -> None:
        regions = Decision().following(proposals.Proposal(ELSEWHERE, "regions", 0.8))
        given = Decision(crop=ELSEWHERE)
        made = self.exam(make_instance, self.content(BOX), self.content(BOX), regions, given)
        assert (made[3], made[4]) == (regions, given)

    def test_a_box_that_a_person_gave_makes_no_sectors_alike_and_lifts_no_doubt(self, make_instance: MakeInstance) -> None:
        fan = Fan(300, 20, 60, 300, 50, 130)
        given = Decision(crop=BOX, mask=Mask.SECTOR, proposal="content sector")
        sure = given.replaced(sector=fan, confidence=0.75)
        unsure = given.replaced(sector=RectangleSector(BOX), confidence=0.2)
        made = self.exam(make_instance, sure, sure, unsure)
        assert tuple(made.values()) == (sure, sure, unsure)
        assert made[3].is_doubtful

    def test_without_a_majority_nothing_changes(self, make_instance: MakeInstance) -> None:
        found = self.content(BOX), replace(self.content(ELSEWHERE), order=2)
        made = self.exam(make_instance, *found)
        assert tuple(made.values()) == found


SCREEN = Region(8, 20, 631, 469, *TISSUE)


@pytest.mark.parametrize("order", [("preset", "regions", "content"), ("preset", "content", "regions")], ids=" then ".join)
def test_the_content_narrows_a_region_that_holds_nearly_all_of_the_screen_in_any_order(
    make_instance: MakeInstance, shows, order: tuple[str, ...]
) -> None:
    shows(picture(BOX))
    proposal = propose_crop(make_instance(regions=(SCREEN,)), Settings(crop=CropSettings(order=order)))
    assert (proposal.box, proposal.origin) == (BOX, "content")
    assert proposal.confidence >= DOUBTFUL
    assert "nearly all of the screen" in proposal.note


@pytest.mark.parametrize("found", [None, picture(BOX, 0.3), picture(BOX, 0.66)], ids=["nothing", "hardly", "nearly sure"])
def test_a_region_of_the_screen_stays_doubtful_where_the_content_is_not_sure(make_instance: MakeInstance, shows, found) -> None:
    shows(found)
    proposal = propose_crop(make_instance(regions=(SCREEN,)), Settings())
    assert (proposal.box, proposal.origin) == (CropBox(8, 20, 632, 470), "regions")  # it loses nothing
    assert proposal.confidence < DOUBTFUL


def test_content_that_reaches_out_of_the_regions_is_doubtful_and_the_regions_are_followed(
    make_instance: MakeInstance, shows
) -> None:
    shows(picture(BOX))
    settings = Settings(crop=CropSettings(order=("preset", "content", "regions")))
    elsewhere = Region(300, 200, 599, 449, *TISSUE)
    assert propose_crop(make_instance(regions=(elsewhere,)), settings).origin == "regions"
    alone = propose_crop(make_instance(regions=(elsewhere,)), Settings(crop=CropSettings(order=("content",))))
    assert alone.confidence < DOUBTFUL
    assert "reaches out of the ultrasound regions" in alone.note


def test_sure_regions_do_not_make_content_sure_that_cuts_some_of_them_off(make_instance: MakeInstance, shows) -> None:
    shows(picture(BOX, 0.4))
    around = Region(BOX.left - 12, BOX.top - 12, BOX.right + 11, BOX.bottom + 11, *TISSUE)
    settings = Settings(crop=CropSettings(order=("preset", "content", "regions")))
    assert propose_crop(make_instance(regions=(around,)), settings).origin == "regions"
