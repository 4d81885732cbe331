"""What is proposed in the window at once, what arrives later, and who follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from USDICOMizerLib import proposals
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Instance, Region
from USDICOMizerLib.geometry import CropBox, Fan, RectangleSector, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.proposals import Proposal
from USDICOMizerLib.sector_handles import starting_fan
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_plans import SavedPlans
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.session_steps import Change, ChangeKind
from USDICOMizerLib.settings import Settings, parse_settings
from USDICOMizerLib.sources import Discovery
from USDICOMizerLib.tags import Tag

MakeInstance = Callable[..., Instance]

BOX, BETTER, OWN = CropBox(100, 50, 540, 450), CropBox(90, 40, 500, 400), CropBox(1, 2, 300, 400)
PICTURE = Region(100, 50, 539, 449, spatial_format=1, data_type=1)
FAN = Fan(320, 20, 60, 400, 50, 130)
FROM_CONTENT = Decision().following(Proposal(BETTER, "content", 0.7, "Found in the picture: fan."))


@pytest.fixture(autouse=True)
def no_look_at_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens here, it happens in the window, which has no time for pixels."""

    def look(instance: Instance) -> None:
        raise AssertionError("the frames were read")

    monkeypatch.setattr(proposals, "_picture_of", look)


@pytest.fixture
def session(make_instance: MakeInstance) -> Session:
    """The first instance has regions, two haven't."""
    made = Session(Settings())
    made.add(Discovery((make_instance(1, regions=(PICTURE,)), make_instance(2), make_instance(3)), ()))
    return made


def test_no_call_reads_pixels(session: Session) -> None:
    one, two, _ = session.order
    assert (session.decision(one).crop, session.decision(two).crop) == (BOX, None)
    assert (session.proposal(one), session.proposal(two)) == (Proposal(BOX, "regions", 0.8), None)
    session.reset(session.order)
    session.use_settings(parse_settings("[crop]\nmargin = -10\n", "settings.ini"))
    session.take_proposals({two: FROM_CONTENT})
    session.reset(session.order)
    assert session.decision(two).crop == BETTER


def test_a_proposal_that_comes_later_is_followed_and_told_but_no_step(session: Session) -> None:
    heard: list[Change] = []
    session.observe(heard.append)
    _, two, three = session.order
    session.take_proposals({two: FROM_CONTENT})
    assert (session.decision(two).crop, session.state(two).crop) == (BETTER, CropState.PROPOSED)
    assert session.proposal(two) == Proposal(BETTER, "content", 0.7, "Found in the picture: fan.")
    assert session.state(three).crop is CropState.MISSING
    assert (session.undo_words, heard) == ("", [Change(ChangeKind.DECISIONS, (two,))])
    session.take_proposals({two: FROM_CONTENT})
    assert len(heard) == 1, "nothing new"


@pytest.mark.parametrize(
    "work",
    [
        {"crop": OWN},
        {"whole_frame": True},
        {"mask": Mask.OUTSIDE_REGIONS},
        {"mask": Mask.SECTOR, "sector": FAN},
    ],
)
def test_what_a_person_decided_about_the_picture_stays_and_reset_gives_the_proposal(session: Session, work: dict) -> None:
    two = session.order[1]
    session.change([two], "Work", **work)
    before = session.decision(two)
    session.take_proposals({two: FROM_CONTENT})
    assert session.decision(two) == before
    session.reset([two])
    kept = Mask.SECTOR if before.mask is Mask.SECTOR else Mask.NONE
    assert (session.decision(two).crop, session.decision(two).mask) == (BETTER, kept)


def test_a_redaction_hinders_no_box_and_no_doubt_that_comes_later(session: Session) -> None:
    _, two, three = session.order
    drawn = (Redaction(CropBox(100, 50, 120, 60)),)
    session.change([three], "Redaction", redactions=drawn)
    session.take_proposals({two: FROM_CONTENT, three: FROM_CONTENT})
    session.change([two], "Redaction", redactions=drawn)
    assert session.decision(three).crop == BETTER
    session.take_proposals({two: FROM_CONTENT.replaced(confidence=0.4)})
    assert session.decision(two).is_doubtful and session.decision(two).redactions == drawn
    session.undo()
    assert session.decision(two).is_doubtful and session.decision(two).redactions == ()


def test_a_box_that_a_person_applied_stays_although_it_is_the_proposed_one(session: Session) -> None:
    one = session.order[0]
    session.change([one], "Apply crop", crop=BOX, proposal="", confidence=None)
    session.take_proposals({one: FROM_CONTENT})
    assert session.decision(one).crop == BOX


def test_a_confirmed_picture_stays(session: Session) -> None:
    one = session.order[0]
    session.after_image_shown(one)
    session.confirm_review([one])
    session.take_proposals({one: FROM_CONTENT})
    assert session.state(one).ready and session.decision(one).crop == BOX


def test_a_picture_that_was_seen_before_a_proposal_came_can_t_be_confirmed_after_it(session: Session) -> None:
    one = session.order[0]
    session.after_image_shown(one)
    session.take_proposals({one: FROM_CONTENT})
    assert session.confirm_review([one]) == ()


def test_undo_and_redo_lead_to_the_better_proposal_too(session: Session) -> None:
    two = session.order[1]
    session.change([two], "Tag CFV", tag=Tag("CFV"), note="mine")
    session.change([two], "Crop", crop=OWN)
    session.undo()
    session.take_proposals({two: FROM_CONTENT})
    assert (session.decision(two).crop, session.decision(two).tag, session.decision(two).note) == (BETTER, Tag("CFV"), "mine")
    session.undo()
    assert (session.decision(two).crop, session.decision(two).tag) == (BETTER, None)
    session.redo()
    session.redo()
    assert session.decision(two).crop == OWN


def test_a_proposal_may_come_again_and_otherwise_when_the_whole_exam_was_looked_at(session: Session) -> None:
    two = session.order[1]
    session.take_proposals({two: FROM_CONTENT})
    doubtful = FROM_CONTENT.replaced(confidence=0.4, note="The exam's other instances show it elsewhere.")
    session.take_proposals({two: doubtful})
    assert session.decision(two) == doubtful and session.decision(two).is_doubtful


def test_what_is_removed_or_unknown_is_no_error(session: Session) -> None:
    two = session.order[1]
    session.remove([two])
    session.take_proposals({two: FROM_CONTENT, "1.2.3": FROM_CONTENT})
    session.undo()
    assert session.decision(two).crop == BETTER


def test_new_settings_keep_what_the_picture_told_until_it_is_looked_at_again(session: Session) -> None:
    one, two, _ = session.order
    session.take_proposals({two: FROM_CONTENT})
    session.use_settings(parse_settings("[crop]\nmargin = -10\n", "settings.ini"))
    assert (session.decision(one).crop, session.decision(two).crop) == (CropBox(110, 60, 530, 440), BETTER)
    session.take_proposals({two: Decision()})
    assert session.state(two).crop is CropState.MISSING, "these settings don't want the content"


def test_earlier_work_that_was_saved_before_a_box_was_proposed_gets_it(make_instance: MakeInstance, own_home: object) -> None:
    settings = Settings()
    found = Discovery((make_instance(2),), ())
    earlier = Session(settings, saved=SavedPlans.of(settings))
    earlier.add(found)
    earlier.change(earlier.order, "Tag CFV", tag=Tag("CFV"))
    session = Session(settings, saved=SavedPlans.of(settings))
    session.add(found)
    session.take_proposals({session.order[0]: FROM_CONTENT})
    assert session.offered_plan() is not None
    session.take_plan()
    decision = session.decision(session.order[0])
    assert (decision.crop, decision.tag) == (BETTER, Tag("CFV"))


class TestText:
    SEEN = (CropBox(110, 60, 150, 70), CropBox(300, 5, 400, 15))  # inside of the proposed box, and above it

    def test_it_is_told_as_far_as_the_picture_that_leaves_shows_it(self, session: Session) -> None:
        one = session.order[0]
        session.learn_text(one, self.SEEN)
        assert session.text_in(one) == self.SEEN[:1]
        session.change([one], "Crop", crop=CropBox(200, 100, 600, 400))
        assert session.text_in(one) == (), "it is cut away"
        session.change([one], "Crop", crop=CropBox(149, 0, 600, 400))
        assert session.text_in(one) == self.SEEN, "of one a column is left, and the box grew over the other"
        session.change([one], "Crop", crop=None, whole_frame=True)
        assert session.text_in(one) == self.SEEN
        for _ in range(3):
            session.undo()
        assert session.text_in(one) == self.SEEN[:1]
        session.after_image_shown(one)
        session.confirm_review([one])
        assert session.text_in(one) == (), "a person has said that it may leave"

    def test_it_is_gone_where_it_is_blanked_in_all_frames_or_lies_outside_of_the_sector(self, session: Session) -> None:
        one = session.order[0]
        session.learn_text(one, self.SEEN)
        session.change([one], "Blank", redactions=(Redaction(CropBox(105, 55, 140, 75)),))
        assert session.text_in(one) == self.SEEN[:1], "a part is left"
        session.change([one], "Blank", redactions=(Redaction(CropBox(105, 55, 155, 75), 1, 3),))
        assert session.text_in(one) == self.SEEN[:1], "other frames show it"
        session.change([one], "Blank", redactions=(Redaction(CropBox(105, 55, 155, 75)),))
        assert session.text_in(one) == ()
        sector = RectangleSector(CropBox(160, 80, 500, 400))
        session.change([one], "Mask", redactions=(), mask=Mask.SECTOR, sector=sector)
        assert session.text_in(one) == ()

    def test_without_a_review_that_is_asked_for_it_is_not_ready_until_it_is_confirmed(self, session: Session) -> None:
        one = session.order[0]
        session.use_settings(parse_settings("[review]\nrequire_review = no\n", "settings.ini"))
        assert session.state(one).ready
        session.learn_text(one, self.SEEN)
        assert session.state(one).problems == (Problem.TEXT_IN_IMAGE,)
        session.select(session.order[1])
        session.set_selected(session.order[1:2])
        session.change(session.order[1:], "Exclude", include=False)
        assert session.next_not_ready() and session.current == one
        session.after_image_shown(one)
        session.confirm_review([one])
        assert session.state(one).ready

    def test_what_is_like_the_header_can_t_be_confirmed(self, session: Session) -> None:
        one = session.order[0]
        session.learn_text(one, self.SEEN, self.SEEN[:1])
        session.after_image_shown(one)
        session.confirm_review([one])
        assert session.text_in(one) == session.identifying_text_in(one) == self.SEEN[:1]
        assert session.state(one).problems == (Problem.TEXT_IN_IMAGE,)
        session.blank_text([one])
        assert session.text_in(one) == ()

    def test_without_a_box_there_is_no_picture_and_no_text_in_it(self, session: Session) -> None:
        one = session.order[0]
        session.learn_text(one, self.SEEN)
        session.change([one], "Crop", crop=None)
        assert session.text_in(one) == ()

    def test_it_is_blanked_in_several_instances_as_one_step(self, session: Session) -> None:
        one, two, three = session.order
        session.take_proposals({two: FROM_CONTENT})
        session.learn_text(one, self.SEEN)
        session.learn_text(two, self.SEEN)
        before = [session.decision(identity) for identity in session.order]
        assert session.blank_text([one, two, three]) == (one, two)
        for identity in (one, two):
            assert session.decision(identity).redactions == (Redaction(self.SEEN[0]),)
            assert session.text_in(identity) == ()
        assert session.undo_words == "Blank text"
        session.undo()
        assert [session.decision(identity) for identity in session.order] == before

    def test_it_tells_observers_and_an_unknown_instance_is_no_error(self, session: Session) -> None:
        heard: list[Change] = []
        session.observe(heard.append)
        session.learn_text(session.order[0], self.SEEN)
        session.learn_text("1.2.3", self.SEEN)
        assert heard == [Change(ChangeKind.DECISIONS, (session.order[0],))]


def test_a_sector_begins_with_what_was_drawn_before_else_with_what_was_found_else_in_the_box(session: Session) -> None:
    one, two, _ = session.order
    assert session.sector_proposal(one) is None
    assert session.sector_for(one) == starting_fan(BOX)
    assert session.sector_for(two) == starting_fan(session.instance(two).whole_frame)
    heard: list[Change] = []
    session.observe(heard.append)
    found = Proposal(BOX, "regions", 0.8, sector=FAN)
    session.take_sector(one, found)
    assert heard == [Change(ChangeKind.DECISIONS, (one,))] and session.undo_words == ""
    assert session.sector_proposal(one) == found and session.sector_for(one) == FAN
    own = replace(FAN, end_angle=120.0)
    session.change([one], "Sector", mask=Mask.SECTOR, sector=own)
    session.change([one], "Sector", mask=Mask.NONE, sector=None)
    assert session.sector_for(one) == own


def test_a_sector_found_in_what_was_forgotten_is_nobodys(session: Session) -> None:
    one = session.order[0]
    session.clear()
    session.take_sector(one, Proposal(BOX, "regions", 0.8, sector=FAN))
    assert session.sector_proposal(one) is None


def test_a_sector_over_the_whole_frame_says_what_stays(session: Session) -> None:
    two = session.order[1]
    assert session.state(two).crop is CropState.MISSING
    session.change([two], "Sector", mask=Mask.SECTOR, sector=FAN)
    assert session.state(two).crop is CropState.EDITED


def test_a_reset_of_the_crop_uncovers_nothing_that_a_sector_or_a_box_blanks(session: Session) -> None:
    one = session.order[0]
    boxes = (Redaction(CropBox(120, 60, 200, 80)),)
    session.change([one], "Drawn", crop=OWN, mask=Mask.SECTOR, sector=FAN, redactions=boxes)
    session.reset([one])
    decision = session.decision(one)
    assert (decision.crop, decision.mask, decision.sector, decision.redactions) == (BOX, Mask.SECTOR, FAN, boxes)


class TestNewSettingsAndSectors:
    WIDER = "[crop]\nmargin = -10\n"

    def test_a_sector_that_was_drawn_stays_and_its_exam_can_be_taken_up_again(
        self, make_instance: MakeInstance, own_home: object
    ) -> None:
        settings = Settings()
        found = Discovery((make_instance(1, regions=(PICTURE,)), make_instance(2)), ())
        earlier = Session(settings, saved=SavedPlans.of(settings))
        earlier.add(found)
        one, two = earlier.order
        earlier.change([one], "Sector", mask=Mask.SECTOR, sector=FAN)
        earlier.change([two], "Tag CFV", tag=Tag("CFV"))
        earlier.use_settings(settings)
        assert (earlier.decision(one).mask, earlier.decision(one).sector) == (Mask.SECTOR, FAN)
        earlier.use_settings(parse_settings(self.WIDER, "settings.ini"))
        assert (earlier.decision(one).crop, earlier.decision(one).sector) == (CropBox(110, 60, 530, 440), FAN)
        later = Session(settings, saved=SavedPlans.of(settings))
        later.add(found)
        assert later.offered_plan() is not None
        later.take_plan()
        assert (later.decision(one).sector, later.decision(two).tag) == (FAN, Tag("CFV"))

    def test_a_sector_that_alone_says_what_stays_gets_no_box_of_new_settings(self, session: Session) -> None:
        one = session.order[0]
        session.change([one], "Sector", crop=None, mask=Mask.SECTOR, sector=FAN, proposal="", confidence=None)
        before = session.decision(one)
        session.use_settings(parse_settings(self.WIDER, "settings.ini"))
        assert session.decision(one) == before


class TestDoubtAboutSectors:
    DOUBTFUL = Proposal(BOX, "content", 0.2, "Its edges are hard to tell.", sector=FAN)

    def take(self, session: Session, identity: str, proposal: Proposal = DOUBTFUL) -> Decision:
        session.take_sector(identity, proposal)
        session.decide("Sector", {identity: session.with_sector(identity, session.sector_for(identity))})
        return session.decision(identity)

    def test_a_sector_that_is_taken_is_as_doubtful_as_it_was_found(self, session: Session) -> None:
        one = session.order[0]
        decision = self.take(session, one)
        assert (decision.mask, decision.sector, decision.confidence) == (Mask.SECTOR, FAN, 0.2)
        assert decision.is_doubtful
        session.change([one], "Crop", crop=OWN)
        assert session.decision(one).is_doubtful, "a person's box says nothing about the sector"
        session.reset([one])
        assert session.decision(one).crop == BOX and session.decision(one).is_doubtful

    def test_a_doubtful_sector_in_a_box_of_ones_own_is_doubtful_and_new_settings_keep_both(self, session: Session) -> None:
        one = session.order[0]
        session.change([one], "Crop", crop=OWN)
        assert self.take(session, one).is_doubtful
        session.use_settings(parse_settings("[crop]\nmargin = -10\n", "settings.ini"))
        decision = session.decision(one)
        assert (decision.crop, decision.sector, decision.is_doubtful) == (OWN, FAN, True)

    def test_new_settings_lift_no_doubt_of_a_sector(self, session: Session) -> None:
        one = session.order[0]
        self.take(session, one)
        session.use_settings(parse_settings("[crop]\nmargin = -10\n", "settings.ini"))
        assert session.decision(one).is_doubtful

    def test_a_sector_of_ones_own_leaves_the_box_as_sure_as_it_was(self, session: Session) -> None:
        one = session.order[0]
        before = session.decision(one)
        self.take(session, one)
        own = session.with_sector(one, replace(FAN, end_angle=120.0))
        assert (own.proposal, own.confidence) == (before.proposal, before.confidence)

    def test_a_sure_sector_lifts_no_doubt_of_the_box(self, session: Session) -> None:
        one = session.order[0]
        session.take_proposals({one: Decision().following(Proposal(BOX, "regions", 0.4))})
        assert self.take(session, one, Proposal(BOX, "content", 0.75, sector=FAN)).confidence == 0.4
        assert session.decision(one).is_doubtful
