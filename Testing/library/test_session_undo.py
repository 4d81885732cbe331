"""Whatever is done to a session can be undone to where it was, and redone to where it went."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from USDICOMizerLib.exam import Instance
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.session import Session
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import Discovery
from USDICOMizerLib.tags import Tag

NUMBERS = some.lists(some.integers(0, 5), min_size=1, max_size=3)
BOXES = some.builds(
    lambda left, top, width, height: CropBox(left, top, left + width, top + height),
    *(some.integers(0, 200), some.integers(0, 200), some.integers(1, 200), some.integers(1, 200)),
)
STEPS = some.one_of(
    some.tuples(some.just("crop"), NUMBERS, BOXES),
    some.tuples(some.just("tag"), NUMBERS, some.sampled_from([Tag("CFV", "L"), Tag("PV"), None])),
    some.tuples(some.just("include"), NUMBERS, some.booleans()),
    some.tuples(some.just("move"), NUMBERS, some.integers(-3, 3)),
    some.tuples(some.just("place"), NUMBERS, some.integers(0, 5)),
    some.tuples(some.just("remove"), NUMBERS, some.none()),
    some.tuples(some.just("confirm"), NUMBERS, some.none()),
    some.tuples(some.just("reset"), NUMBERS, some.none()),
)
State = tuple[tuple, tuple]


def do(session: Session, name: str, numbers: list[int], value: object) -> None:
    which = [session.order[number] for number in numbers if number < len(session.order)]
    match name:
        case "crop":
            session.change(which, "Crop", crop=value, whole_frame=False)
        case "tag" | "include":
            session.change(which, name, **{name: value})
        case "move":
            session.move(which, value)
        case "place":
            session.place(which, session.order[value] if value < len(session.order) else None)
        case "remove":
            session.remove(which)
        case "confirm":
            for identity in which:
                session.after_image_shown(identity)
            session.confirm_review(which)
        case "reset":
            session.reset(which)


def state(session: Session) -> State:
    return session.order, tuple((identity, session.decision(identity)) for identity in sorted(session.order))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=some.lists(STEPS, max_size=12))
def test_undoing_everything_leads_back_and_redoing_it_forth(make_instance: Callable[..., Instance], steps: list[tuple]) -> None:
    session = Session(Settings())
    exams = [make_instance(number, study_uid=f"1.2.{number // 4}") for number in range(1, 7)]
    session.add(Discovery(tuple(exams), ()))
    states = [state(session)]
    for step in steps:
        do(session, *step)
        if state(session) != states[-1]:
            states.append(state(session))
    for expected in reversed(states[:-1]):
        session.undo()
        assert state(session) == expected
    assert session.undo_words == ""
    for expected in states[1:]:
        session.redo()
        assert state(session) == expected
    assert session.redo_words == ""


def test_steps_of_one_gesture_are_undone_together(make_instance: Callable[..., Instance]) -> None:
    session = Session(Settings())
    session.add(Discovery((make_instance(1),), ()))
    before = state(session)
    for right in (300, 200, 100):
        session.change(session.order, "Crop", gesture="drag 1", crop=CropBox(0, 0, right, 100))
    session.change(session.order, "Crop", gesture="drag 2", crop=CropBox(0, 0, 50, 50))
    session.undo()
    assert session.decision(session.order[0]).crop == CropBox(0, 0, 100, 100)
    session.undo()
    assert state(session) == before
    session.redo()
    assert session.decision(session.order[0]).crop == CropBox(0, 0, 100, 100)


def test_what_was_added_meanwhile_stays_when_an_order_is_undone(make_instance: Callable[..., Instance]) -> None:
    session = Session(Settings())
    first, second, third = (make_instance(number) for number in (1, 2, 3))
    session.add(Discovery((first, second), ()))
    session.move([first.identity], 1)
    session.add(Discovery((third,), ()))
    session.undo()
    assert session.order == (first.identity, second.identity, third.identity)
    session.redo()
    assert session.order == (second.identity, first.identity, third.identity)


def test_a_new_step_ends_what_could_be_redone_and_words_name_the_steps(make_instance: Callable[..., Instance]) -> None:
    session = Session(Settings())
    session.add(Discovery((make_instance(1),), ()))
    session.change(session.order, "Tag PV", tag=Tag("PV"))
    assert (session.undo_words, session.redo_words) == ("Tag PV", "")
    session.undo()
    assert (session.undo_words, session.redo_words) == ("", "Tag PV")
    session.change(session.order, "Exclude", include=False)
    assert (session.undo_words, session.redo_words) == ("Exclude", "")


def test_undo_looks_at_what_it_undid(make_instance: Callable[..., Instance]) -> None:
    session = Session(Settings())
    session.add(Discovery((make_instance(1), make_instance(2)), ()))
    session.change(session.order[:1], "Tag PV", tag=Tag("PV"))
    session.next()
    session.undo()
    assert session.current == session.order[0]
