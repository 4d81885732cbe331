"""Blanked boxes, drawn by the mouse and by numbers, in all frames or some: what they cover leaves black."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from panel_rooms import Rooms, corner, counted_frames, rooms, settle_until, shown_in, type_number, write_instance
from pydicom.uid import generate_uid

from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.sample_exam import SampleKind, make_sample_exam
from USDICOMizerLib.session_listing import Scope

PROPOSED = CropBox(88, 44, 744, 572)


@pytest.fixture
def frame(clean_application: Any, tmp_path: Path):
    """The rooms on one frame of the sample exam, the page Blank open."""
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.drawing.open(made.drawing.redactions)
        yield made


@pytest.fixture
def cine(clean_application: Any, tmp_path: Path):
    """The rooms on a cine of ten bright frames, one box in all of them."""
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, pixels=counted_frames(10, 200, 320))
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.session.change(made.session.order, "Crop", crop=CropBox(0, 0, 320, 200))
        made.drawing.add_redaction()
        yield made


def _boxes(made: Rooms) -> tuple[Redaction, ...]:
    return made.session.decision(made.session.current).redactions


def _middle(box: CropBox) -> tuple[float, float]:
    return corner((box.left + box.right) / 2, (box.top + box.bottom) / 2)


def _roi(made: Rooms, place: int) -> Any:
    return made.drawing.redactions.nodes[place]


def _add(made: Rooms) -> CropBox:
    from slicer_runtime.hands import click

    click(made.drawing.redactions.add_button)
    return _boxes(made)[-1].box


def test_a_new_box_lies_in_the_crop_is_selected_and_can_be_undone(frame):
    box = _add(frame)
    assert PROPOSED.contains(box) and _boxes(frame) == (Redaction(box),)
    assert frame.drawing.redactions.selected == 0
    assert _roi(frame, 0).box() == box and _roi(frame, 0).display.GetHandlesInteractive()
    assert frame.session.undo_words == "Blank a box"
    frame.session.undo()
    assert _boxes(frame) == () and not _roi(frame, 0).display.GetVisibility()
    frame.session.redo()
    assert _boxes(frame) == (Redaction(box),) and _roi(frame, 0).display.GetVisibility()


def test_a_box_is_moved_and_sized_by_dragging_it_and_leaves_the_crop_as_it_is(frame, slice_view):
    box = _add(frame)
    slice_view.drag(_middle(box), (300, 200))
    moved = _boxes(frame)[0].box
    assert (moved.width, moved.height) == (box.width, box.height)
    assert _middle(moved) == pytest.approx((300, 200), abs=2)
    slice_view.drag(corner(moved.right, moved.bottom), corner(moved.right + 60, moved.bottom + 40))
    sized = _boxes(frame)[0].box
    assert (sized.left, sized.top) == (moved.left, moved.top)
    assert (sized.right, sized.bottom) == (pytest.approx(moved.right + 60, abs=2), pytest.approx(moved.bottom + 40, abs=2))
    assert _roi(frame, 0).box() == sized
    assert [frame.drawing.redactions.spin_boxes[edge].value for edge in ("left", "top", "right", "bottom")] == [
        *(sized.left, sized.top, sized.right, sized.bottom)
    ]
    assert frame.session.decision(frame.session.current).crop == PROPOSED
    frame.session.undo()
    assert _boxes(frame)[0].box == moved == _roi(frame, 0).box()


def test_a_box_that_is_dragged_out_of_the_image_ends_at_its_edge(frame, slice_view):
    box = _add(frame)
    slice_view.drag(corner(box.right, box.bottom), (806, 606))
    assert _boxes(frame)[0].box == CropBox(box.left, box.top, 800, 600)


def test_the_numbers_of_the_selected_box_can_be_typed(frame):
    _add(frame)
    for edge, text in (("left", "120"), ("top", "60"), ("right", "260"), ("bottom", "90")):
        type_number(frame.drawing.redactions.spin_boxes[edge], text)
    assert _boxes(frame) == (Redaction(CropBox(120, 60, 260, 90)),)
    assert _roi(frame, 0).box() == CropBox(120, 60, 260, 90)
    frame.session.undo()
    assert _boxes(frame)[0].box.right == 260, "each number is a step of its own"


def test_of_several_boxes_one_is_selected_by_its_dot_or_in_the_list_and_has_the_handles(frame, slice_view):
    room = frame.drawing.redactions
    first = _add(frame)
    slice_view.drag(_middle(first), (250, 150))
    first = _boxes(frame)[0].box
    second = _add(frame)
    assert room.selected == 1 and room.list.count == 2 and room.list.currentRow == 1
    assert [_roi(frame, place).display.GetHandlesInteractive() for place in range(2)] == [False, True]
    slice_view.click(*_middle(first))
    assert room.selected == 0 and room.list.currentRow == 0
    assert [_roi(frame, place).display.GetHandlesInteractive() for place in range(2)] == [True, False]
    assert _boxes(frame) == (Redaction(first), Redaction(second)), "a click moves nothing"
    room.list.currentRow = 1
    assert room.selected == 1
    assert [_roi(frame, place).display.GetHandlesInteractive() for place in range(2)] == [False, True]


def test_the_selected_box_is_deleted_and_the_next_one_selected(frame, slice_view):
    from slicer_runtime.hands import click

    room = frame.drawing.redactions
    boxes = [_add(frame) for _number in range(3)]
    room.select(1)
    click(room.delete_button)
    assert [redaction.box for redaction in _boxes(frame)] == [boxes[0], boxes[2]] and room.selected == 1
    click(room.delete_button)
    click(room.delete_button)
    assert _boxes(frame) == () and room.selected is None and not room.delete_button.enabled
    for _step in range(3):
        frame.session.undo()
    assert [redaction.box for redaction in _boxes(frame)] == boxes


def test_what_is_covered_is_black_in_what_leaves_and_only_that(frame, slice_view):
    _add(frame)
    before = frame.viewer.opened.after(0, frame.session.decision(frame.session.current).replaced(redactions=()))
    frame.viewer.toggle_after()
    box = _boxes(frame)[0].box.moved(-PROPOSED.left, -PROPOSED.top)
    shown = shown_in(slice_view)
    assert not shown[box.top : box.bottom, box.left : box.right].any()
    before[box.top : box.bottom, box.left : box.right] = 0
    assert np.array_equal(shown, before)
    assert frame.session.can_confirm(frame.session.current)
    assert not _roi(frame, 0).display.GetVisibility(), "boxes lie on the picture before"


def test_adding_a_box_shows_the_picture_on_which_it_can_be_drawn_and_voids_the_review(frame):
    frame.viewer.toggle_after()
    identity = frame.session.current
    assert frame.session.confirm_review([identity]) == (identity,)
    _add(frame)
    assert frame.viewer.shows_before and _roi(frame, 0).display.GetVisibility()
    assert not frame.session.decision(identity).reviewed and not frame.session.can_confirm(identity)


def test_a_range_of_frames_is_typed_and_only_those_are_black(cine, slice_view):
    room = cine.drawing.redactions
    box = _boxes(cine)[0].box
    assert room.all_frames.visible and room.all_frames.checked and not room.frames["first_frame"].enabled
    room.all_frames.setChecked(False)
    assert _boxes(cine) == (Redaction(box, 1, 10),), "nothing is uncovered before a person says which frames"
    type_number(room.frames["first_frame"], "3")
    type_number(room.frames["last_frame"], "5")
    assert _boxes(cine) == (Redaction(box, 3, 5),)
    assert "frames 3 to 5" in room.list.item(0).text()
    cine.viewer.in_one.checked = False
    cine.viewer.toggle_after()
    inside = (slice(box.top, box.bottom), slice(box.left, box.right))
    for index in range(10):
        cine.viewer.step(index - cine.viewer.index)
        assert bool(shown_in(slice_view)[inside].any()) == (index not in (2, 3, 4))
    room.all_frames.setChecked(True)
    assert _boxes(cine) == (Redaction(box),)


def test_the_ends_of_a_range_push_each_other(cine):
    room = cine.drawing.redactions
    room.all_frames.setChecked(False)
    type_number(room.frames["last_frame"], "4")
    type_number(room.frames["first_frame"], "6")
    assert (_boxes(cine)[0].first_frame, _boxes(cine)[0].last_frame) == (6, 6)
    type_number(room.frames["last_frame"], "2")
    assert (_boxes(cine)[0].first_frame, _boxes(cine)[0].last_frame) == (2, 2)


def test_a_box_is_filled_and_darkened_on_the_frames_that_it_is_for(cine, slice_view):
    from slicer_runtime.hands import settle

    room, box = cine.drawing.redactions, _boxes(cine)[0].box
    room.all_frames.setChecked(False)
    type_number(room.frames["first_frame"], "2")
    column, row = round(box.left + box.width * 0.3), round(box.top + box.height * 0.3)
    settle()
    assert _roi(cine, 0).display.GetFillOpacity() == 0
    free = max(slice_view.drawn(column, row))
    cine.viewer.step(1)
    settle()
    assert _roi(cine, 0).display.GetFillOpacity() > 0
    red, green, blue = slice_view.drawn(column, row)
    assert red > green + 30 and blue > green + 30, "it has a colour of its own"
    assert cine.drawing.dimming._shade._array[row, column, 0] and free != max(red, green, blue)


def test_a_single_frame_has_no_range(frame):
    _add(frame)
    assert not frame.drawing.redactions.all_frames.visible


def test_while_a_box_is_dragged_what_it_would_blank_is_dark_and_nothing_is_decided(frame, slice_view):
    from PySide6 import QtTest
    from slicer_runtime.hands import _LEFT, NO_KEYS, settle

    box = _add(frame)
    start, end = slice_view.position(*_middle(box)), slice_view.position(300, 200)
    slice_view._move(start)
    QtTest.QTest.mousePress(slice_view.view, _LEFT, NO_KEYS, start)
    slice_view._move(end, pressed=True)
    settle()
    shade = frame.drawing.dimming._shade._array[..., 0]
    assert shade[200, 300] and not shade[round(_middle(box)[1]), round(_middle(box)[0])]
    assert _boxes(frame) == (Redaction(box),)
    QtTest.QTest.mouseRelease(slice_view.view, _LEFT, NO_KEYS, end)
    settle()
    assert _middle(_boxes(frame)[0].box) == pytest.approx((300, 200), abs=2)


def test_the_boxes_can_be_grasped_only_while_their_page_is_open(frame, slice_view):
    box = _add(frame)
    frame.drawing.open(frame.drawing.crop)
    assert _roi(frame, 0).node.GetLocked() and _roi(frame, 0).display.GetVisibility()
    slice_view.drag(corner(box.right, box.bottom), corner(box.right + 50, box.bottom + 50))
    assert _boxes(frame) == (Redaction(box),)
    frame.drawing.open(frame.drawing.redactions)
    slice_view.drag(corner(*(PROPOSED.left, PROPOSED.top)), (200, 150))
    assert frame.session.decision(frame.session.current).crop == PROPOSED, "nor can the crop box"


def test_others_get_the_boxes_beside_their_own_in_one_step_and_the_too_small_are_counted(clean_application, tmp_path):
    from slicer_runtime.hands import click

    for number in range(2):
        write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, f"{number}", SOPInstanceUID=generate_uid(), InstanceNumber=number)
    small = np.full((1, 80, 100, 3), 80, np.uint8)
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, "2", pixels=small, SOPInstanceUID=generate_uid(), InstanceNumber=2)
    with rooms(tmp_path / "exam", tmp_path) as made:
        first, second, little = sorted(made.session.order, key=lambda one: made.session.instance(one).instance_number)
        own = Redaction(CropBox(1, 1, 9, 9))
        made.session.change([second], "Blank a box", redactions=(own,))
        made.session.select(first)
        made.drawing.open(made.drawing.redactions)
        room = made.drawing.redactions
        assert not room.buttons[Scope.SAME_DEVICE_AND_SIZE].enabled, "there is no box yet"
        box = _add(made)
        click(room.buttons[Scope.SAME_DEVICE_AND_SIZE])
        assert made.session.decision(second).redactions == (own, Redaction(box))
        assert made.session.decision(little).redactions == ()
        made.session.undo()
        assert made.session.decision(second).redactions == (own,)
        made.session.set_selected([first, little])
        made.session.select(first)
        made.session.set_selected([first, little])
        click(room.buttons[Scope.SELECTED])
        assert "1 is smaller" in room.message.text
        assert made.session.decision(little).redactions == ()


def test_another_instance_has_its_own_boxes_and_none_is_selected(clean_application, tmp_path):
    with rooms(make_sample_exam(tmp_path / "exam.zip"), tmp_path) as made:
        made.drawing.open(made.drawing.redactions)
        first, second = made.session.order[:2]
        box = _add(made)
        made.session.select(second)
        settle_until(lambda: made.viewer.identity == second)
        assert made.drawing.redactions.list.count == 0 and made.drawing.redactions.selected is None
        assert not _roi(made, 0).display.GetVisibility()
        made.session.select(first)
        settle_until(lambda: made.viewer.identity == first)
        assert _roi(made, 0).box() == box and _roi(made, 0).display.GetVisibility()


def test_the_tab_tells_how_many_boxes_there_are(frame):
    _add(frame)
    _add(frame)
    assert frame.drawing.pages.tabText(1) == "Blank (2)"
    frame.session.clear()
    assert frame.drawing.pages.tabText(1) == "Blank"
    assert not frame.drawing.redactions.add_button.enabled


def test_the_scene_may_be_closed_in_the_middle_and_leaving_leaves_nothing(frame, slice_view):
    import slicer

    box = _add(frame)
    slicer.mrmlScene.Clear(0)
    settle_until(lambda: frame.viewer.shows_before and frame.drawing.redactions.nodes)
    assert _roi(frame, 0).box() == box
    frame.viewer.exit()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0


def test_pictures_of_the_blanked_boxes_for_people(frame, slice_view, panel_screenshot):
    box = _add(frame)
    slice_view.drag(_middle(box), (250, 150))
    _add(frame)
    pictures = [panel_screenshot("blank_boxes")]
    frame.viewer.toggle_after()
    pictures.append(panel_screenshot("blank_boxes_after"))
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
