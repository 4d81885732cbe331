"""The crop box on the picture, driven by the mouse and by numbers: both are always the same box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from panel_rooms import Rooms, corner, rooms, settle_until, type_number, write_instance

from USDICOMizerLib.decision import Mask, review_digest
from USDICOMizerLib.geometry import CropBox, Fan
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_listing import Scope
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.settings import load_settings
from USDICOMizerLib.sources import discover

PROPOSED = CropBox(88, 44, 744, 572)  # by the regions of the sample frames of 800 x 600

FAN = Fan(400, 20, 60, 500, 50, 130)


@pytest.fixture
def frame(clean_application: Any, tmp_path: Path):
    """The rooms on one frame of the sample exam."""
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        yield made


def _type(made: Rooms, edge: str, text: str) -> None:
    type_number(made.crop.spin_boxes[edge], text)


def _numbers(made: Rooms) -> tuple[int, ...]:
    return tuple(made.crop.spin_boxes[edge].value for edge in ("left", "top", "right", "bottom"))


def _decided(made: Rooms) -> CropBox:
    return made.session.decision(made.session.current).crop


def _colour(made: Rooms) -> tuple[float, ...]:
    return made.crop.nodes[0].display.GetSelectedColor()


def test_the_proposed_box_is_on_the_picture_and_in_the_numbers(frame):
    assert frame.crop.nodes[0].box() == PROPOSED == _decided(frame)
    assert _numbers(frame) == (88, 44, 744, 572)
    assert "ultrasound regions" in frame.crop.state_label.text and "80 % sure" in frame.crop.state_label.text
    assert "656 x 528" in frame.crop.state_label.text


def test_dragging_a_corner_edits_the_box_in_one_step_that_can_be_undone(frame, slice_view):
    colour = _colour(frame)
    slice_view.drag(corner(88, 44), corner(200, 150))
    box = _decided(frame)
    assert (box.right, box.bottom) == (744, 572)
    assert box.left == pytest.approx(200, abs=2) and box.top == pytest.approx(150, abs=2)
    assert _numbers(frame) == (box.left, box.top, box.right, box.bottom)
    assert frame.crop.nodes[0].box() == box
    assert _colour(frame) != colour and "Edited" in frame.crop.state_label.text
    assert frame.session.state(frame.session.current).crop is CropState.EDITED
    frame.session.undo()
    assert _decided(frame) == PROPOSED == frame.crop.nodes[0].box()
    assert _colour(frame) == colour
    frame.session.redo()
    assert _decided(frame) == box == frame.crop.nodes[0].box()


def test_dragging_an_edge_moves_that_edge_alone(frame, slice_view):
    slice_view.drag((743.5, 307.5), (600, 307.5))
    box = _decided(frame)
    assert (box.left, box.top, box.bottom) == (88, 44, 572)
    assert box.right == pytest.approx(600, abs=2)


def test_dragging_the_middle_moves_the_box_and_keeps_its_size(frame, slice_view):
    slice_view.drag((415.5, 307.5), (430, 320))
    box = _decided(frame)
    assert (box.width, box.height) == (PROPOSED.width, PROPOSED.height)
    assert (box.left, box.top) == (pytest.approx(102, abs=2), pytest.approx(56, abs=2))


def test_what_is_dragged_beyond_the_image_ends_at_its_edge(frame, slice_view):
    slice_view.drag(corner(744, 572), (805, 608))
    assert _decided(frame) == CropBox(88, 44, 800, 600) == frame.crop.nodes[0].box()


def test_the_box_can_be_turned_by_nothing_and_stays_in_the_image_plane(frame, slice_view):
    roi = frame.crop.nodes[0]
    assert not roi.display.GetRotationHandleVisibility()
    slice_view.drag(corner(88, 44), corner(200, 150))
    centre = [0.0, 0.0, 0.0]
    roi.node.GetCenter(centre)
    matrix = roi.node.GetObjectToNodeMatrix()
    assert centre[2] == 0
    assert [[matrix.GetElement(row, column) for column in range(3)] for row in range(3)] == np.eye(3).tolist()
    assert not roi.display.GetVisibility3D()


def test_what_will_be_cut_is_dimmed_and_follows_while_the_box_is_dragged(frame, slice_view):
    from PySide6 import QtTest
    from slicer_runtime.hands import _LEFT, NO_KEYS, settle

    frame.session.change(frame.session.order, "Crop", crop=CropBox(88, 0, 744, 572))
    settle()
    bright = np.argwhere(frame.viewer.opened.before(0)[20:70, 200:600].min(axis=2) > 120)
    row, column = (bright[0] + (20, 200)).tolist()
    lit = max(slice_view.drawn(column, row))
    start, end = slice_view.position(*corner(88, 0)), slice_view.position(*corner(150, row + 25))
    slice_view._move(start)
    QtTest.QTest.mousePress(slice_view.view, _LEFT, NO_KEYS, start)
    slice_view._move(end, pressed=True)
    settle()
    assert max(slice_view.drawn(column, row)) < 0.6 * lit
    assert frame.crop.spin_boxes["top"].value == pytest.approx(row + 25, abs=2)
    assert _decided(frame).top == 0  # not decided before the button is let go
    slice_view._move(start, pressed=True)
    settle()
    assert max(slice_view.drawn(column, row)) == pytest.approx(lit, abs=12)
    QtTest.QTest.mouseRelease(slice_view.view, _LEFT, NO_KEYS, start)
    settle()


def test_a_cine_goes_on_while_its_box_is_dragged(slice_view, tmp_path):
    from PySide6 import QtTest
    from slicer_runtime.hands import _LEFT, NO_KEYS, settle

    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=3)
    with rooms(tmp_path / "exam", tmp_path) as made:
        settle()
        start, end = slice_view.position(*corner(88, 44)), slice_view.position(*corner(250, 150))
        slice_view._move(start)
        QtTest.QTest.mousePress(slice_view.view, _LEFT, NO_KEYS, start)
        slice_view._move(end, pressed=True)
        for frame in (1, 2):
            made.viewer.step(1)
            settle()
            assert made.viewer.index == frame
            assert _numbers(made)[0] == pytest.approx(250, abs=2)
        QtTest.QTest.mouseRelease(slice_view.view, _LEFT, NO_KEYS, end)
        settle()
        assert _decided(made).left == pytest.approx(250, abs=2)
        assert made.crop.nodes[0].box() == _decided(made)


def test_a_cine_that_is_played_does_not_draw_its_box_anew_with_every_frame(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=3)
    with rooms(tmp_path / "exam", tmp_path) as made:
        roi, shade = made.crop.nodes[0], made.drawing.dimming._shade
        before = roi.node.GetMTime(), roi.display.GetMTime(), shade.node.GetMTime()
        made.viewer.step(1)
        made.viewer.step(1)
        after = roi.node.GetMTime(), roi.display.GetMTime(), shade.node.GetMTime()
        assert after == before


def test_typing_a_number_moves_the_box_on_the_picture(frame):
    _type(frame, "left", "120")
    _type(frame, "bottom", "500")
    assert _decided(frame) == CropBox(120, 44, 744, 500) == frame.crop.nodes[0].box()
    frame.session.undo()
    assert _numbers(frame) == (120, 44, 744, 572)


def test_numbers_of_another_place_can_be_typed_one_after_the_other(frame):
    for edge, text in (("right", "60"), ("left", "10"), ("bottom", "40"), ("top", "5")):
        _type(frame, edge, text)
    assert _decided(frame) == CropBox(10, 5, 60, 40)
    for edge, text in (("left", "700"), ("top", "550"), ("right", "790"), ("bottom", "600")):
        _type(frame, edge, text)
    assert _decided(frame) == CropBox(700, 550, 790, 600)


def test_steps_of_one_spin_box_are_undone_together(frame):
    import qt
    from slicer_runtime.hands import press_key

    for _press in range(5):
        press_key(qt.Qt.Key_Up, widget=frame.crop.spin_boxes["top"])
    assert _decided(frame).top == 49
    frame.session.undo()
    assert _decided(frame) == PROPOSED


def test_a_confirmed_box_has_its_own_colour_and_an_edit_takes_it_away(frame):
    identity = frame.session.current
    colours = {_colour(frame)}
    instance, decision = frame.session.instance(identity), frame.session.decision(identity)
    frame.session.change([identity], "Confirm", reviewed=True, review_digest=review_digest(instance, decision))
    assert "Confirmed" in frame.crop.state_label.text
    colours.add(_colour(frame))
    _type(frame, "left", "120")
    colours.add(_colour(frame))
    assert len(colours) == 3
    assert not frame.session.decision(identity).reviewed


def test_a_proposal_can_be_taken_as_ones_own(frame):
    from slicer_runtime.hands import click

    click(frame.crop.buttons[Scope.THIS])
    assert frame.session.state(frame.session.current).crop is CropState.EDITED
    assert _decided(frame) == PROPOSED


def test_reset_gives_the_proposal_back(frame):
    from slicer_runtime.hands import click

    _type(frame, "left", "300")
    click(frame.crop.reset_button)
    assert _decided(frame) == PROPOSED == frame.crop.nodes[0].box()
    assert frame.session.state(frame.session.current).crop is CropState.PROPOSED


def test_without_a_proposal_the_box_is_around_the_frame_until_it_is_dragged(slice_view, tmp_path):
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    del dataset.SequenceOfUltrasoundRegions
    (tmp_path / "instance").write_bytes(dicom_bytes(dataset))
    with rooms(tmp_path / "instance", tmp_path) as made:
        assert _decided(made) is None and not made.crop.reset_button.enabled
        assert "drag the box" in made.crop.state_label.text
        slice_view.drag(corner(0, 0), corner(100, 80))
        box = _decided(made)
        assert (box.left, box.top) == (pytest.approx(100, abs=2), pytest.approx(80, abs=2))
        assert (box.right, box.bottom) == (800, 600)


def test_the_rest_may_be_blanked_or_stay(frame, slice_view):
    import qt
    from slicer_runtime.hands import press_key, settle

    frame.crop.rest.setFocus()
    press_key(qt.Qt.Key_Down, widget=frame.crop.rest)
    assert frame.session.decision(frame.session.current).mask is Mask.RECTANGLE
    frame.viewer.toggle_after()
    settle()
    after = frame.viewer.opened.after(0, frame.session.decision(frame.session.current))
    assert after.shape == (600, 800, 3) and not after[:44].any()
    frame.viewer.toggle_after()
    press_key(qt.Qt.Key_End, widget=frame.crop.rest)
    assert frame.session.decision(frame.session.current).whole_frame and _decided(frame) is None
    assert _numbers(frame) == (0, 0, 800, 600)
    press_key(qt.Qt.Key_Home, widget=frame.crop.rest)
    assert _decided(frame) == PROPOSED and not frame.session.decision(frame.session.current).whole_frame


def test_without_a_box_the_rest_can_t_be_blanked_and_why_is_said(clean_application, tmp_path):
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    del dataset.SequenceOfUltrasoundRegions
    (tmp_path / "instance").write_bytes(dicom_bytes(dataset))
    with rooms(tmp_path / "instance", tmp_path) as made:
        before = made.session.decision(made.session.current)
        made.crop.next_rest()
        assert made.session.decision(made.session.current) == before and made.session.undo_words == ""
        assert made.crop.rest.currentIndex == 0 and "Draw a crop box first" in made.crop.message.text
        _type(made, "left", "120")
        made.crop.next_rest()
        assert made.session.decision(made.session.current).mask is Mask.RECTANGLE and made.crop.message.text == ""


def test_a_box_is_saved_as_a_preset_and_proposed_to_the_next_exam(frame, tmp_path, monkeypatch):
    import qt
    from slicer_runtime.hands import click

    asked = []
    monkeypatch.setattr(qt.QInputDialog, "getText", staticmethod(lambda *arguments: asked.append(arguments) or "room 3"))
    _type(frame, "left", "120")
    click(frame.crop.preset_button)
    assert asked[0][-1] == "sonosample-5-800x600"
    text = frame.settings_path.read_text(encoding="utf-8")
    assert "room 3 = " in text and "# One line a scanner" in text
    later = Session(load_settings(frame.settings_path))
    later.add(discover([tmp_path / "exam"]))
    assert later.decision(later.order[0]).crop == CropBox(120, 44, 744, 572)
    assert "Saved" in frame.crop.message.text


def test_nothing_is_saved_when_no_name_is_given_and_a_bad_one_is_told(frame, monkeypatch):
    import qt
    from slicer_runtime.hands import click

    before = frame.settings_path.read_bytes()
    for name in ("", "a = b"):
        monkeypatch.setattr(qt.QInputDialog, "getText", staticmethod(lambda *_arguments, name=name: name))
        click(frame.crop.preset_button)
        assert frame.settings_path.read_bytes() == before
    assert "name" in frame.crop.message.text


def test_after_shows_no_box_and_no_dimming(frame, slice_view):
    from slicer_runtime.hands import settle

    frame.viewer.toggle_after()
    settle()
    assert not frame.crop.nodes[0].display.GetVisibility()
    assert slice_view.widget.mrmlSliceCompositeNode().GetLabelVolumeID() is None
    frame.viewer.toggle_after()
    settle()
    assert frame.crop.nodes[0].display.GetVisibility()
    assert slice_view.widget.mrmlSliceCompositeNode().GetLabelVolumeID() is not None


def test_where_jpeg_is_really_cut_is_said(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.JPEG_CINE, frames=2)
    with rooms(tmp_path / "exam", tmp_path) as made:
        _type(made, "left", "101")
        box = made.viewer.opened.leaving(made.session.decision(made.session.current)).box
        assert box.left > 101
        assert str(box).replace(",", " ") in made.crop.state_label.text


def test_with_no_instance_nothing_can_be_cropped(frame):
    frame.session.clear()
    assert not any(widget.enabled for widget in (*frame.crop.spin_boxes.values(), *frame.crop.buttons.values()))
    assert not frame.crop.nodes[0].display.GetVisibility()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=st.integers(0, 3000), top=st.integers(0, 3000), width=st.integers(1, 3000), height=st.integers(1, 3000),
    spacing=st.tuples(st.floats(0.01, 5), st.floats(0.01, 5)),
)  # fmt: skip
def test_every_box_comes_back_from_the_picture_as_it_was(frame, left, top, width, height, spacing):
    box = CropBox(left, top, left + width, top + height)
    roi = frame.crop.nodes[0]
    roi.show(box, spacing, None, (1, 1, 1))
    assert roi.box() == box


def test_pictures_of_the_crop_for_people(frame, slice_view, panel_screenshot):
    pictures = [panel_screenshot("crop_proposed")]
    slice_view.drag(corner(88, 44), corner(150, 90))
    pictures.append(panel_screenshot("crop_edited"))
    settle_until(lambda: all(Path(picture).exists() for picture in pictures))
    assert pictures[0].read_bytes() != pictures[1].read_bytes()
