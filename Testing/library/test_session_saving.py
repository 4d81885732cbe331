"""The work is saved as it goes, and offered when the same exam is opened again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Instance, Region
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_plans import SavedPlans
from USDICOMizerLib.settings import Settings, parse_settings
from USDICOMizerLib.sources import Discovery
from USDICOMizerLib.tags import Tag

MakeInstance = Callable[..., Instance]
PICTURE = Region(100, 50, 539, 449, spatial_format=1, data_type=1)


@pytest.fixture
def open_exam(own_home: Path, make_instance: MakeInstance) -> Callable[..., Session]:
    """A function that opens the same exam of three in a new session, as after a restart."""

    def opened(settings: Settings = Settings()) -> Session:
        session = Session(settings, saved=SavedPlans.of(settings))
        session.add(Discovery(tuple(make_instance(number, regions=(PICTURE,)) for number in (1, 2, 3)), ()))
        return session

    return opened


def test_nothing_is_offered_where_nothing_was_done(open_exam: Callable[..., Session]) -> None:
    open_exam()
    assert open_exam().offered_plan() is None


def test_work_is_offered_again_taken_and_undone(open_exam: Callable[..., Session]) -> None:
    session = open_exam()
    first, second, third = session.order
    session.change([first], "Tag CFV-L", tag=Tag("CFV", "L"))
    session.change([second], "Crop", crop=CropBox(1, 2, 300, 400))
    session.move([third], -2)
    session.after_image_shown(first)
    session.confirm_review([first])

    again = open_exam()
    assert again.offered_plan() is not None
    assert again.decision(first).tag is None, "it is offered, not taken"
    again.take_plan()
    assert again.order == (third, first, second)
    assert [again.decision(identity) for identity in again.order] == [session.decision(identity) for identity in again.order]
    assert again.state(first).ready
    assert again.offered_plan() is None
    again.undo()
    assert (again.order, again.decision(first).tag) == ((first, second, third), None)


def test_a_declined_plan_is_kept_beside_the_new_one(open_exam: Callable[..., Session], own_home: Path) -> None:
    open_exam().change(["1.2.826.0.1.3680043.8.498.1"], "Tag PV", tag=Tag("PV"))
    session = open_exam()
    session.decline_plan()
    session.change(session.order[:1], "Tag CFV", tag=Tag("CFV"))
    plans = sorted((own_home / "data" / "linkage" / "plans").iterdir())
    assert [",PV," in plan.read_text() for plan in plans] == [False, True]


def test_work_that_begins_before_the_answer_doesn_t_replace_what_is_offered(open_exam: Callable[..., Session]) -> None:
    open_exam().change(["1.2.826.0.1.3680043.8.498.1"], "Tag PV", tag=Tag("PV"))
    session = open_exam()
    session.change(session.order[1:2], "Tag CFV", tag=Tag("CFV"))
    session.take_plan()
    assert [session.decision(identity).tag for identity in session.order] == [Tag("PV"), None, None]


def test_a_saved_plan_with_mistakes_says_so_and_stays(open_exam: Callable[..., Session], own_home: Path) -> None:
    open_exam().change(["1.2.826.0.1.3680043.8.498.1"], "Tag PV", tag=Tag("PV"))
    session = open_exam(parse_settings("[tags]\nsites = CFV\n", "settings.ini"))
    (mistake,) = session.offered_plan().mistakes
    assert "PV" in mistake and "row 2" in mistake
    session.take_plan()
    assert session.decision(session.order[0]).tag is None


def test_a_plan_for_other_pixels_loses_its_review_but_not_its_tag(open_exam: Callable[..., Session]) -> None:
    session = open_exam()
    first = session.order[0]
    session.change([first], "Tag PV", tag=Tag("PV"))
    session.after_image_shown(first)
    session.confirm_review([first])
    source = session.instance(first).source.path
    source.write_text("other pixels under the same UID")
    again = open_exam()
    again.take_plan()
    assert (again.decision(first).tag, again.state(first).problems) == (Tag("PV"), (Problem.NOT_REVIEWED,))
    source.write_text("content 1")


def test_a_box_that_doesn_t_fit_any_more_is_left_out_and_the_tag_isn_t(
    open_exam: Callable[..., Session], make_instance: MakeInstance
) -> None:
    session = open_exam()
    session.change(session.order[:2], "Work", crop=CropBox(0, 0, 640, 480), tag=Tag("PV"))
    again = Session(Settings(), saved=SavedPlans.of(Settings()))
    again.add(Discovery((make_instance(1, rows=100), make_instance(2)), ()))
    again.take_plan()
    assert [again.decision(identity).tag for identity in again.order] == [Tag("PV"), Tag("PV")]
    assert [again.decision(identity).crop for identity in again.order] == [None, CropBox(0, 0, 640, 480)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a folder that this user can't write to")
def test_a_folder_that_can_t_be_written_to_is_told_and_stops_nothing(open_exam: Callable[..., Session], own_home: Path) -> None:
    session = open_exam()
    plans = own_home / "data" / "linkage" / "plans"
    plans.chmod(0o500)
    session.change(session.order[:1], "Tag PV", tag=Tag("PV"))
    plans.chmod(0o700)
    assert session.decision(session.order[0]).tag == Tag("PV")
    assert "can't be written" in session.save_error
    session.change(session.order[:1], "Tag CFV", tag=Tag("CFV"))
    assert session.save_error == ""


def test_a_vanished_folder_is_told_and_stops_nothing(open_exam: Callable[..., Session], own_home: Path) -> None:
    session = open_exam()
    (own_home / "data" / "linkage" / "plans").rename(own_home / "elsewhere")
    session.change(session.order[:1], "Tag PV", tag=Tag("PV"))
    assert session.decision(session.order[0]).tag == Tag("PV")
    assert "can't be written" in session.save_error


def test_a_linkage_that_can_t_be_used_is_a_command_error(own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "data").write_text("a file where the folder should be")
    with pytest.raises(CommandError):
        SavedPlans.of(Settings())


def test_what_an_export_wrote_in_the_plan_s_place_is_replaced_by_the_work_again(
    open_exam: Callable[..., Session], own_home: Path
) -> None:
    session = open_exam()
    session.change(session.order[:1], "Tag PV", tag=Tag("PV"))
    (plan,) = (own_home / "data" / "linkage" / "plans").iterdir()
    work = plan.read_bytes()
    plan.write_bytes(b"the plan of an export")
    session.save_each()
    assert plan.read_bytes() == work
