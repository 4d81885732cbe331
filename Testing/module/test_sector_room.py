"""The sector, switched on and shaped by the mouse and by numbers: what is outside of it leaves black."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_rooms import Rooms, corner, rooms, settle_until, shown_in, type_number, write_instance
from pydicom.uid import generate_uid

from USDICOMizerLib.decision import Mask
from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector
from USDICOMizerLib.proposals import propose_sector
from USDICOMizerLib.sample_exam import SampleKind
from USDICOMizerLib.sector_handles import Shape, handles, shape_of, starting_fan
from USDICOMizerLib.session_listing import Scope

PROPOSED = CropBox(88, 44, 744, 572)


@pytest.fixture
def frame(clean_application: Any, tmp_path: Path):
    """The rooms on one frame of the sample exam, whose outline is known, the page Sector open."""
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        identity = made.session.current
        made.session.take_sector(identity, propose_sector(made.session.instance(identity), made.session.settings))
        made.drawing.open(made.drawing.sector)
        yield made


def _decided(made: Rooms) -> Any:
    decision = made.session.decision(made.session.current)
    assert (decision.mask is Mask.SECTOR) == (decision.sector is not None)
    return decision.sector


def _proposed(made: Rooms) -> Fan:
    return made.session.sector_proposal(made.session.current).sector


def _toggle(made: Rooms) -> None:
    import qt
    from slicer_runtime.hands import click

    button = made.drawing.sector.toggle_button
    click(button, position=qt.QPoint(8, button.height // 2))


def _drag(made: Rooms, view: Any, handle: int, dx: float, dy: float) -> None:
    x, y = handles(_decided(made))[handle]
    view.drag(corner(x, y), corner(x + dx, y + dy))


def _choose(made: Rooms, shape: Shape) -> None:
    """Choose the next shape of the list by the arrow key, or the first by Home."""
    import qt
    from slicer_runtime.hands import press_key

    box = made.drawing.sector.shape
    box.setFocus()
    press_key(qt.Qt.Key_Home if shape is Shape.FAN else qt.Qt.Key_Down, widget=box)
    assert shape_of(_decided(made)) is shape


def _near(fan: Fan, other: Fan, pixels: float = 3) -> bool:
    return bool(np.allclose(handles(fan)[:5], handles(other)[:5], atol=pixels))


def test_switching_it_on_takes_the_outline_that_was_found_and_off_takes_it_away(frame):
    _toggle(frame)
    assert _decided(frame) == _proposed(frame) and isinstance(_decided(frame), Fan)
    assert frame.drawing.sector.nodes[0].has_handles
    assert np.allclose(frame.drawing.sector.nodes[0].handles(), handles(_decided(frame)))
    assert "Proposed" in frame.drawing.sector.state_label.text
    _toggle(frame)
    assert _decided(frame) is None and not frame.drawing.sector.nodes[0].has_handles
    frame.session.undo()
    assert _decided(frame) == _proposed(frame) and frame.drawing.sector.toggle_button.checked


def test_what_is_outside_leaves_black_and_inside_is_as_it_was(frame, slice_view):
    _toggle(frame)
    decision = frame.session.decision(frame.session.current)
    frame.viewer.toggle_after()
    shown = shown_in(slice_view)
    stored = frame.viewer.opened.before(0)[44:572, 88:744]
    inside = decision.sector.mask(600, 800)[44:572, 88:744]
    assert np.array_equal(shown[inside], stored[inside]) and not shown[~inside].any() and stored[~inside].any()
    assert not frame.drawing.sector.nodes[0].has_handles


def test_pulling_an_end_of_the_outer_arc_sets_its_radius_and_side_alone(frame, slice_view):
    _toggle(frame)
    before = _decided(frame)
    _drag(frame, slice_view, 4, 60, -30)
    after = _decided(frame)
    assert (after.apex_x, after.apex_y, after.inner_radius, after.start_angle) == (
        *(before.apex_x, before.apex_y, before.inner_radius, before.start_angle),
    )
    x, y = handles(before)[4]
    assert handles(after)[4] == pytest.approx((x + 60, y - 30), abs=3)
    assert np.allclose(frame.drawing.sector.nodes[0].handles(), handles(after)), "all points are where the sector has them"
    assert "Edited" in frame.drawing.sector.state_label.text
    assert frame.drawing.sector.numbers["end_angle"].value == pytest.approx(after.end_angle, abs=0.06)
    frame.session.undo()
    assert _decided(frame) == before
    assert np.allclose(frame.drawing.sector.nodes[0].handles(), handles(before))


def test_pulling_an_end_of_the_inner_arc_the_apex_or_the_middle_does_what_it_says(frame, slice_view):
    _toggle(frame)
    before = _decided(frame)
    _drag(frame, slice_view, 1, 10, 20)
    nearer = _decided(frame)
    assert nearer.inner_radius != before.inner_radius and nearer.outer_radius == before.outer_radius
    frame.session.undo()
    _drag(frame, slice_view, 5, 30, 25)
    moved = _decided(frame)
    assert _near(moved, before.moved(30, 25))
    assert (moved.inner_radius, moved.outer_radius) == pytest.approx((before.inner_radius, before.outer_radius), abs=0.01)
    frame.session.undo()
    frame.session.change([frame.session.current], "Sector", sector=Fan(416, 60, 80, 480, 60, 120))
    _drag(frame, slice_view, 0, 0, 30)
    lower = _decided(frame)
    assert (lower.apex_x, lower.apex_y) == pytest.approx((416, 90), abs=3)
    assert np.allclose(handles(lower)[3:5], handles(Fan(416, 60, 80, 480, 60, 120))[3:5], atol=3)


def test_a_click_on_a_point_changes_nothing(frame, slice_view):
    _toggle(frame)
    before, words = _decided(frame), frame.session.undo_words
    slice_view.click(*corner(*handles(before)[4]))
    assert _decided(frame) == before and frame.session.undo_words == words
    assert frame.drawing.dimming._preview is None


def test_while_a_point_is_pulled_the_line_and_what_goes_follow_and_nothing_is_decided(frame, slice_view):
    from PySide6 import QtTest
    from slicer_runtime.hands import _LEFT, NO_KEYS, settle

    _toggle(frame)
    before = _decided(frame)
    x, y = handles(before)[4]
    start, end = slice_view.position(*corner(x, y)), slice_view.position(*corner(x + 120, y - 60))
    gone = frame.drawing.dimming._shade._array.sum()
    slice_view._move(start)
    QtTest.QTest.mousePress(slice_view.view, _LEFT, NO_KEYS, start)
    slice_view._move(end, pressed=True)
    settle()
    assert frame.drawing.dimming._shade._array.sum() > 1.05 * gone
    assert frame.drawing.sector.numbers["outer_radius"].value < before.outer_radius
    assert _decided(frame) == before
    slice_view._move(start, pressed=True)
    QtTest.QTest.mouseRelease(slice_view.view, _LEFT, NO_KEYS, start)
    settle()
    assert _near(_decided(frame), before, 1)


def test_numbers_are_typed_one_by_one_and_kept_possible(frame):
    _toggle(frame)
    before = _decided(frame)
    numbers = frame.drawing.sector.numbers
    type_number(numbers["apex_y"], "-30")
    assert _decided(frame).apex_y == -30 and _decided(frame).apex_x == before.apex_x, "the others keep their decimals"
    type_number(numbers["inner_radius"], "99999")
    assert _decided(frame).inner_radius == before.outer_radius - 1
    assert numbers["inner_radius"].value == pytest.approx(before.outer_radius - 1, abs=0.06)
    type_number(numbers["end_angle"], "110")
    assert _decided(frame).end_angle == 110
    frame.session.undo()
    assert _decided(frame).end_angle == before.end_angle


def test_reset_takes_the_outline_of_the_picture_again(frame):
    from slicer_runtime.hands import click

    _toggle(frame)
    room = frame.drawing.sector
    assert not room.reset_button.enabled
    type_number(room.numbers["apex_y"], "-30")
    click(room.reset_button)
    assert _decided(frame) == _proposed(frame) and frame.session.undo_words == "Reset sector"


def test_without_an_outline_a_fan_in_the_box_is_the_beginning_and_one_that_comes_later_is_offered(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.drawing.open(made.drawing.sector)
        identity, room = made.session.current, made.drawing.sector
        assert "No outline" in room.state_label.text
        _toggle(made)
        assert _decided(made) == starting_fan(PROPOSED) and not room.reset_button.enabled
        made.session.take_sector(identity, propose_sector(made.session.instance(identity), made.session.settings))
        assert _decided(made) == starting_fan(PROPOSED), "what a person may have looked at doesn't change by itself"
        assert room.reset_button.enabled and "Reset takes the outline" in room.state_label.text


def test_it_can_be_a_rectangle_or_a_polygon_whose_points_are_pulled(frame, slice_view):
    _toggle(frame)
    _choose(frame, Shape.RECTANGLE)
    rectangle = _decided(frame)
    assert isinstance(rectangle, RectangleSector)
    assert not frame.drawing.sector.numbers["apex_x"].visible
    _drag(frame, slice_view, 2, -40, -30)
    box = _decided(frame).box
    assert (box.left, box.top) == (rectangle.box.left, rectangle.box.top)
    assert (box.right, box.bottom) == (
        pytest.approx(rectangle.box.right - 40, abs=2),
        pytest.approx(rectangle.box.bottom - 30, abs=2),
    )
    _choose(frame, Shape.POLYGON)
    before = _decided(frame)
    assert isinstance(before, Polygon)
    _drag(frame, slice_view, 1, -25, 35)
    after = _decided(frame)
    assert [one == other for one, other in zip(before.points, after.points, strict=True)] == [True, False, True, True]
    _choose(frame, Shape.FAN)
    assert shape_of(_decided(frame)) is Shape.FAN and frame.drawing.sector.numbers["apex_x"].visible


def test_the_ways_of_the_rest_hold_the_sector_and_give_back_what_was_drawn(frame):
    _toggle(frame)
    type_number(frame.drawing.sector.numbers["apex_y"], "-30")
    drawn = _decided(frame)
    masks = []
    for _press in range(5):
        frame.crop.next_rest()
        masks.append(frame.session.decision(frame.session.current).mask)
    assert masks == [Mask.NONE, Mask.NONE, Mask.RECTANGLE, Mask.OUTSIDE_REGIONS, Mask.SECTOR]
    assert _decided(frame) == drawn


def test_from_the_whole_frame_the_sector_alone_says_what_stays(frame):
    identity = frame.session.current
    frame.session.change([identity], "Rest of the frame", whole_frame=True, crop=None)
    _toggle(frame)
    decision = frame.session.decision(identity)
    assert (decision.crop, decision.whole_frame, decision.mask) == (None, False, Mask.SECTOR)
    frame.viewer.toggle_after()
    assert frame.session.can_confirm(identity)
    _toggle(frame)
    decision = frame.session.decision(identity)
    assert (decision.crop, decision.whole_frame, decision.mask) == (None, True, Mask.NONE), "as it was before"


def test_switching_it_on_and_off_leaves_the_rest_of_the_frame_as_it_was(frame):
    identity = frame.session.current
    frame.session.change([identity], "Rest of the frame", mask=Mask.RECTANGLE)
    before = frame.session.decision(identity)
    _toggle(frame)
    _toggle(frame)
    assert frame.session.decision(identity) == before


def test_a_sector_that_was_there_from_the_start_leaves_the_proposed_box_when_it_goes(frame):
    session, identity = frame.session, frame.session.current
    session.change([identity], "Sector", crop=None, whole_frame=False, mask=Mask.SECTOR, sector=_proposed(frame))
    _toggle(frame)
    assert (session.decision(identity).crop, session.decision(identity).mask) == (PROPOSED, Mask.NONE)


def test_others_of_the_same_size_get_the_sector_and_keep_their_crop(clean_application, tmp_path):
    from slicer_runtime.hands import click

    for number in range(2):
        write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, f"{number}", SOPInstanceUID=generate_uid(), InstanceNumber=number)
    small = np.full((1, 300, 400, 3), 80, np.uint8)
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, "2", pixels=small, SOPInstanceUID=generate_uid(), InstanceNumber=2)
    with rooms(tmp_path / "exam", tmp_path) as made:
        first, second, little = sorted(made.session.order, key=lambda one: made.session.instance(one).instance_number)
        made.session.select(first)
        made.drawing.open(made.drawing.sector)
        room = made.drawing.sector
        assert not room.buttons[Scope.SAME_DEVICE_AND_SIZE].enabled
        _toggle(made)
        crop = CropBox(100, 60, 700, 500)
        made.session.change([second], "Crop", crop=crop)
        click(room.buttons[Scope.SAME_DEVICE_AND_SIZE])
        decision = made.session.decision(second)
        assert (decision.mask, decision.sector, decision.crop) == (Mask.SECTOR, _decided(made), crop)
        made.session.set_selected([first, little])
        click(room.buttons[Scope.SELECTED])
        assert made.session.decision(little).mask is Mask.NONE and "1 has another size" in room.message.text


def test_a_sector_that_the_plan_gave_loses_its_proposal_when_it_is_redrawn(frame):
    identity = frame.session.current
    frame.session.change(
        [identity], "Sector", crop=None, mask=Mask.SECTOR, sector=_proposed(frame), proposal="content sector", confidence=0.3
    )
    assert frame.session.decision(identity).is_doubtful
    type_number(frame.drawing.sector.numbers["apex_y"], "-30")
    decision = frame.session.decision(identity)
    assert not decision.is_doubtful and (decision.proposal, decision.confidence) == ("", None)


def test_points_can_be_pulled_only_while_the_page_is_open_and_the_line_stays(frame, slice_view):
    _toggle(frame)
    before = _decided(frame)
    frame.drawing.open(frame.drawing.crop)
    node = frame.drawing.sector.nodes[0]
    assert not node.has_handles and node._line.display.GetVisibility()
    _drag(frame, slice_view, 4, 60, -30)
    assert _decided(frame) == before


def test_no_point_can_be_added_or_taken_away_and_nothing_is_listed(frame):
    import slicer

    _toggle(frame)
    points = frame.drawing.sector.nodes[0]._points
    assert points.node.GetFixedNumberOfControlPoints()
    nodes = [points.node, points.display, frame.drawing.sector.nodes[0]._line.node]
    assert all(node.GetHideFromEditors() and not node.GetSaveWithScene() for node in nodes)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    assert not any(hierarchy.GetItemByDataNode(node) for node in nodes)


def test_a_cine_that_is_played_does_not_draw_its_sector_anew_with_every_frame(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=3)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.drawing.open(made.drawing.sector)
        _toggle(made)
        node = made.drawing.sector.nodes[0]
        times = [part.GetMTime() for part in (node._line.node, node._line.display, node._points.node, node._points.display)]
        made.viewer.step(1)
        made.viewer.step(1)
        assert times == [
            part.GetMTime() for part in (node._line.node, node._line.display, node._points.node, node._points.display)
        ]


def test_the_scene_may_be_closed_in_the_middle_and_leaving_leaves_nothing(frame):
    import slicer

    _toggle(frame)
    slicer.mrmlScene.Clear(0)
    settle_until(lambda: frame.drawing.sector.nodes and frame.drawing.sector.nodes[0].has_handles)
    frame.viewer.exit()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0
    frame.session.clear()
    assert not frame.drawing.sector.toggle_button.enabled


def test_pictures_of_the_sector_for_people(frame, slice_view, panel_screenshot):
    _toggle(frame)
    pictures = [panel_screenshot("sector_proposed")]
    _drag(frame, slice_view, 4, 40, -20)
    pictures.append(panel_screenshot("sector_edited"))
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
