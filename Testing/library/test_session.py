"""The work in hand: what is listed, decided, looked at and confirmed, and what observers hear of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from USDICOMizerLib.cli import main
from USDICOMizerLib.decision import Content, Mask, content_of
from USDICOMizerLib.exam import Device, Instance, Region, Source
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.outcomes import Outcome, Problem
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_listing import Scope
from USDICOMizerLib.session_plans import SavedPlans
from USDICOMizerLib.session_state import CropState, Readiness
from USDICOMizerLib.session_steps import Change, ChangeKind
from USDICOMizerLib.settings import Settings, parse_settings
from USDICOMizerLib.sources import Discovery, SourceOutcome, discover
from USDICOMizerLib.tags import Tag

MakeInstance = Callable[..., Instance]

BOX = CropBox(100, 50, 540, 450)
PICTURE = Region(100, 50, 539, 449, spatial_format=1, data_type=1)


def session_of(*instances: Instance, settings: Settings = Settings(), **options: object) -> Session:
    session = Session(settings, **options)
    session.add(Discovery(instances, ()))
    return session


def listed(session: Session) -> list[str]:
    return [identity.rsplit(".", 1)[1] for identity in session.order]


def confirm(session: Session, *identities: str) -> None:
    for identity in identities:
        session.after_image_shown(identity)
    session.confirm_review(identities)


@pytest.fixture
def four(make_instance: MakeInstance) -> Session:
    return session_of(*(make_instance(number, regions=(PICTURE,)) for number in (1, 2, 3, 4)))


def test_what_is_added_is_proposed_and_waits_for_review(four: Session) -> None:
    first = four.order[0]
    assert (four.decision(first).crop, four.state(first).crop) == (BOX, CropState.PROPOSED)
    assert (four.state(first).readiness, four.state(first).problems) == (Readiness.NOT_READY, (Problem.NOT_REVIEWED,))
    assert (four.current, four.selected) == (first, (first,))


def test_what_is_added_again_keeps_its_decision(four: Session, make_instance: MakeInstance) -> None:
    four.change(four.order[:1], "Tag CFV", tag=Tag("CFV"))
    four.add(Discovery((make_instance(1), make_instance(5)), ()))
    assert listed(four) == ["1", "2", "3", "4", "5"]
    assert four.decision(four.order[0]).tag == Tag("CFV")


def test_what_was_removed_comes_back_only_where_its_file_is_named_again(four: Session) -> None:
    gone = four.instance(four.order[1])
    four.remove([gone.identity])
    everything = Discovery(tuple(map(four.instance, (*four.order, gone.identity))), ())
    four.add(everything, [four.instance(four.order[0]).source.path])
    assert listed(four) == ["1", "3", "4"]
    four.add(everything, [gone.source.path])
    assert listed(four) == ["1", "3", "4", "2"]


def test_exams_are_listed_one_behind_the_other(four: Session, make_instance: MakeInstance) -> None:
    four.add(Discovery((make_instance(11, study_uid="1.2.9"), make_instance(5)), ()))
    assert listed(four) == ["1", "2", "3", "4", "5", "11"]
    assert [four.number(identity) for identity in four.order] == [1, 2, 3, 4, 5, 1]
    assert four.exam_of(four.order[5]).study_uid == "1.2.9"


def test_what_is_no_instance_is_told(four: Session) -> None:
    skipped = SourceOutcome(Source(Path("notes.txt")), Outcome.SKIPPED, "not-dicom", "The content isn't DICOM.")
    four.add(Discovery((), (skipped,)))
    assert four.others == (skipped,)


@pytest.mark.parametrize(
    ("which", "by", "order"),
    [
        ("2", -1, "2134"),
        ("1", -1, "1234"),
        ("34", -1, "1342"),
        ("13", 1, "2143"),
        ("4", 3, "1234"),
        ("12", 9, "3412"),
        ("14", -2, "1423"),
    ],
)
def test_moving_goes_as_far_as_the_exam(four: Session, which: str, by: int, order: str) -> None:
    four.move([four.order[int(number) - 1] for number in which], by)
    assert "".join(listed(four)) == order
    four.undo()
    assert listed(four) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("which", "before", "order"), [("4", "1", "4123"), ("13", "4", "2134"), ("1", None, "2341"), ("23", "2", "1234")]
)
def test_placing_gathers_before_another(four: Session, which: str, before: str | None, order: str) -> None:
    names = dict(zip("1234", four.order, strict=True))
    four.place([names[number] for number in which], names[before] if before else None)
    assert "".join(listed(four)) == order


def test_nothing_is_placed_into_another_exam(four: Session, make_instance: MakeInstance) -> None:
    four.add(Discovery((make_instance(11, study_uid="1.2.9"),), ()))
    four.place([four.order[0]], four.order[4])
    assert listed(four) == ["1", "2", "3", "4", "11"]


def test_next_and_previous_stay_at_the_ends(four: Session) -> None:
    four.previous()
    assert four.current == four.order[0]
    for _ in range(9):
        four.next()
    assert (four.current, four.selected) == (four.order[3], (four.order[3],))


def test_next_not_ready_goes_round_and_says_when_all_are(four: Session) -> None:
    four.change(four.order[1:2], "Exclude", include=False)
    confirm(four, four.order[2])
    four.select(four.order[0])
    assert four.next_not_ready() and four.current == four.order[3]
    assert four.next_not_ready() and four.current == four.order[0]
    confirm(four, *four.order)
    assert not four.next_not_ready()


def test_next_not_ready_shows_what_has_no_sure_box_first(four: Session) -> None:
    doubted = four.order[2]
    four.take_proposals({doubted: four.decision(doubted).replaced(confidence=0.3)})
    four.select(four.order[0])
    assert four.next_not_ready() and four.current == doubted
    assert four.next_not_ready() and four.current == four.order[3]  # no other is doubtful: in order again
    confirm(four, doubted)
    four.select(four.order[0])
    assert four.next_not_ready() and four.current == four.order[1]


def test_selecting_several_keeps_the_one_that_is_looked_at(four: Session) -> None:
    four.select(four.order[2])
    four.set_selected(four.order[1:3])
    assert (four.current, four.selected) == (four.order[2], four.order[1:3])
    four.set_selected(four.order[:2])
    assert four.current == four.order[0]


def test_a_removed_instance_is_neither_looked_at_nor_selected(four: Session) -> None:
    four.set_selected(four.order[:2])
    four.remove(four.order[:1])
    assert four.selected == (four.order[0],)
    assert four.current == four.order[0]


def test_only_a_picture_that_was_shown_can_be_confirmed(four: Session) -> None:
    first, second = four.order[:2]
    four.after_image_shown(first)
    assert four.confirm_review([first, second]) == (first,)
    assert four.state(first).ready and four.state(first).crop is CropState.APPLIED
    assert not four.state(second).ready


@pytest.mark.parametrize(
    "edit",
    [
        {"crop": CropBox(0, 0, 32, 32)},
        {"crop": None, "whole_frame": True},
        {"mask": Mask.RECTANGLE},
        {"redactions": (Redaction(CropBox(1, 1, 5, 5)),)},
    ],
)
def test_an_edit_of_the_picture_voids_the_review_and_undo_restores_it(four: Session, edit: dict) -> None:
    first = four.order[0]
    confirm(four, first)
    four.change([first], "Crop", **edit)
    assert not four.decision(first).reviewed
    assert not four.can_confirm(first), "the new picture wasn't shown"
    four.undo()
    assert four.state(first).ready


def test_a_tag_leaves_the_review_alone(four: Session) -> None:
    first = four.order[0]
    confirm(four, first)
    four.change([first], "Tag CFV-L", tag=Tag("CFV", "L"))
    assert four.state(first).ready


def test_a_source_that_is_gone_can_t_be_confirmed(make_instance: MakeInstance, tmp_path: Path) -> None:
    session = session_of(make_instance(1, source=Source(tmp_path / "gone.dcm"), regions=(PICTURE,)))
    session.after_image_shown(session.order[0])
    assert session.confirm_review(session.order) == ()


def test_an_edited_box_is_told_from_a_proposed_one(four: Session) -> None:
    first = four.order[0]
    four.change([first], "Crop", crop=CropBox(0, 0, 50, 50))
    assert four.state(first).crop is CropState.EDITED
    four.change([first], "Whole frame", crop=None, whole_frame=True)
    assert four.state(first).crop is CropState.WHOLE_FRAME
    four.reset([first])
    assert (four.state(first).crop, four.decision(first).crop) == (CropState.PROPOSED, BOX)


def test_reset_keeps_tag_and_redactions(four: Session) -> None:
    first = four.order[0]
    redactions = (Redaction(CropBox(1, 1, 5, 5)),)
    four.change([first], "Work", tag=Tag("CFV"), redactions=redactions, mask=Mask.RECTANGLE)
    four.reset([first])
    decision = four.decision(first)
    assert (decision.tag, decision.redactions, decision.mask) == (Tag("CFV"), redactions, Mask.NONE)


def test_like_means_this_the_selected_the_same_device_and_size_or_all(make_instance: MakeInstance) -> None:
    device = Device("Maker", "Model")
    session = session_of(
        make_instance(1, device=device),
        make_instance(2, device=device),
        make_instance(3, device=device, rows=600),
        make_instance(4),
    )
    one, two, three, four = session.order
    session.set_selected([two, three])
    assert session.like(one, Scope.THIS) == (one,)
    assert session.like(one, Scope.SELECTED) == (one, two, three)
    assert session.like(one, Scope.SAME_DEVICE_AND_SIZE) == (one, two)
    assert session.like(one, Scope.ALL) == session.order


def test_the_protocol_s_missing_sites_shrink_as_included_instances_are_tagged(make_instance: MakeInstance) -> None:
    settings = parse_settings("[protocol]\nexpected = CFV-L, CFV-R\n", "settings.ini")
    session = session_of(make_instance(1), make_instance(2), settings=settings)
    session.change(session.order[:1], "Tag CFV-L", tag=Tag("CFV", "L", "compression"))
    assert session.missing_sites(session.exams[0]) == (Tag("CFV", "R"),)
    session.change(session.order[:1], "Exclude", include=False)
    assert len(session.missing_sites(session.exams[0])) == 2


def test_new_settings_propose_again_where_nobody_has_decided(four: Session) -> None:
    one, two, three, _ = four.order
    four.change([one], "Crop", crop=CropBox(0, 0, 50, 50))
    confirm(four, two)
    four.use_settings(parse_settings("[crop]\nmargin = -10\n", "settings.ini"))
    assert [four.decision(identity).crop for identity in (one, two, three)] == [
        CropBox(0, 0, 50, 50),
        BOX,
        CropBox(110, 60, 530, 440),
    ]


def test_new_settings_are_asked_for_readiness_at_once(four: Session) -> None:
    confirm(four, *four.order)
    four.use_settings(parse_settings("[tags]\nrequired = yes\n", "settings.ini"))
    assert four.in_readiness(Readiness.READY) == ()
    assert four.state(four.order[0]).problems == (Problem.NO_TAG,)


def test_observers_hear_of_each_change_until_they_leave(four: Session) -> None:
    heard: list[Change] = []
    leave = four.observe(heard.append)
    four.change(four.order[:2], "Exclude", include=False)
    four.select(four.order[3])
    leave()
    four.undo()
    assert heard == [
        Change(ChangeKind.DECISIONS, four.order[:2]),
        Change(ChangeKind.CURRENT, (four.order[3],)),
        Change(ChangeKind.SELECTION, (four.order[3],)),
    ]


def test_a_change_that_changes_nothing_is_no_step(four: Session) -> None:
    four.change(four.order, "Include", include=True)
    assert four.undo_words == ""


def test_a_review_of_another_day_is_believed_when_the_content_is_known(four: Session, make_instance: MakeInstance) -> None:
    confirm(four, four.order[0])
    reviewed = four.decision(four.order[0])
    source = make_instance(1).source
    source.path.write_text("content 1 and more")
    session = session_of(make_instance(1, regions=(PICTURE,)), reads_content=False)
    session.change(session.order, "Earlier work", reviewed=True, review_digest=reviewed.review_digest)
    assert session.state(session.order[0]).readiness is Readiness.CHECKING
    session.learn_content(session.order[0], content_of(source))
    assert session.state(session.order[0]).problems == (Problem.NOT_REVIEWED,), "these are other bytes"
    source.path.write_text("content 1")
    content = content_of(source)
    session.learn_content(session.order[0], Content(content.size, content.modified, content.digest))
    assert session.state(session.order[0]).ready


def test_clearing_forgets_instances_but_not_choices(four: Session) -> None:
    four.choose(subject="S-7")
    four.clear()
    assert (four.order, four.exams, four.current, four.undo_words) == ((), (), None, "")
    assert four.choices.subject == "S-7"


def test_the_command_line_of_a_session_exports_what_is_ready_and_only_that(own_home: Path, tmp_path: Path) -> None:
    source = make_sample_exam(tmp_path / "exam" / "exam.zip")
    settings = Settings()
    session = Session(settings, saved=SavedPlans.of(settings))
    session.add(discover([source]), [source])
    session.choose(destination=tmp_path / "exports", subject="S-7")
    confirm(session, *session.order[:2])
    session.change(session.order[3:], "Exclude", include=False)
    plan = session.save()
    assert session.command_line(plan) == [
        *("prepare", str(source), "--plan", str(plan), "--output", str(tmp_path / "exports"), "--subject", "S-7")
    ]
    assert main(session.command_line(plan)) == 1, "one isn't reviewed"
    (export,) = (tmp_path / "exports").glob("S-7_*.zip")
    assert len(session.in_readiness(Readiness.READY)) == 2
