"""The header table: searched, unfolded and copied from as a person would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from panel_rooms import Rooms, rooms, settle_until, write_instance

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.header_comparison import compare_header, preparation_to_show
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.tags import TagVocabulary

NAME, BEFORE, AFTER, ACTION, REASON, TAG = range(6)


@pytest.fixture
def header(clean_application: Any, tmp_path: Path):
    """The rooms on one frame of the sample exam, with the header unfolded."""
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        _unfold(made)
        yield made


def _unfold(made: Rooms) -> None:
    made.sections["View and crop"].collapsed = True
    made.sections["Header"].collapsed = False
    settle_until(lambda: made.header.message.text)


def _top_rows(made: Rooms) -> list[Any]:
    root = made.header.tree.invisibleRootItem()
    return [root.child(number) for number in range(root.childCount())]


def _visible(made: Rooms) -> list[str]:
    return [item.text(NAME) for item in _top_rows(made) if not item.isHidden()]


def _item(made: Rooms, name: str) -> Any:
    return next(item for item in _top_rows(made) if item.text(NAME) == name)


def _search(made: Rooms, text: str) -> None:
    from slicer_runtime.hands import type_text

    made.header.search.setFocus()
    made.header.search.selectAll()
    type_text(made.header.search, text)


def _copy(made: Rooms, item: Any, column: int, words: str) -> str:
    """Right-click a cell and choose from the menu that opens; what is in the clipboard then."""
    import slicer
    from PySide6 import QtCore, QtGui
    from slicer_runtime.hands import settle

    tree = made.header.tree
    tree.scrollToItem(item)
    settle()
    cell = tree.visualItemRect(item)
    where = QtCore.QPoint(tree.columnViewportPosition(column) + 5, cell.center().y())
    viewport = tree.viewport()
    event = QtGui.QContextMenuEvent(QtGui.QContextMenuEvent.Reason.Mouse, where, viewport.mapToGlobal(where))
    slicer.app.sendEvent(viewport, event)
    settle()
    menu = made.header._menu
    assert menu.isVisible()
    next(action for action in menu.actions() if action.text == words).trigger()
    menu.close()
    settle()
    return slicer.app.clipboard().text()


def test_each_attribute_stands_with_before_after_action_and_reason(header):
    session, viewer = header.session, header.viewer
    preparation = preparation_to_show(session.settings, session.choices)
    instance = session.instance(session.current)
    subject = preparation.pseudonyms.subject(instance.patient, study_uid=instance.study_uid)
    rows = compare_header(viewer.opened, session.decision(session.current), subject, preparation, reviewed=False)
    shown = [[item.text(column) for column in range(6)] for item in _top_rows(header)]
    blank = {None: "—"}
    expected = [
        [row.name, blank.get(row.before, row.before), blank.get(row.after, row.after), row.action, row.reason, row.tag]
        for row in rows
    ]
    assert shown == expected
    assert f"of {len(rows)} attributes change" in header.header.message.text


def test_what_changes_is_marked_and_the_rest_is_not(header):
    assert _item(header, "Patient's Name").font(NAME).bold()
    assert _item(header, "Patient's Name").text(AFTER).startswith("S-")
    assert not _item(header, "Modality").font(NAME).bold()


def test_only_what_changes_can_be_shown(header):
    import qt
    from slicer_runtime.hands import click

    before = _visible(header)
    assert "Modality" in before
    click(header.header.only_changed, position=qt.QPoint(8, header.header.only_changed.height // 2))
    assert "Modality" not in _visible(header) and "Patient's Name" in _visible(header)
    click(header.header.only_changed, position=qt.QPoint(8, header.header.only_changed.height // 2))
    assert _visible(header) == before


@pytest.mark.parametrize("words", ["patient's birth", "(0010,0030)", "00100030", "PatientBirthDate", "19610214 emptied"])
def test_an_attribute_is_found_by_name_tag_keyword_value_or_action(header, words):
    _search(header, words)
    assert _visible(header) == ["Patient's Birth Date"]


def test_what_a_sequence_holds_is_found_and_unfolded(header):
    _search(header, "RegionLocationMinX0")
    assert _visible(header) == ["Sequence of Ultrasound Regions"]
    regions = _item(header, "Sequence of Ultrasound Regions")
    region = regions.child(0)
    assert regions.isExpanded() and region.isExpanded() and region.text(NAME) == "Item 1"
    inside = [region.child(number) for number in range(region.childCount())]
    assert [item.text(NAME) for item in inside if not item.isHidden()] == ["Region Location Min X0"]
    _search(header, "Ultrasound Regions")
    assert not any(item.isHidden() for item in inside)


@pytest.mark.parametrize(
    ("words", "column", "copied"),
    [
        ("Copy tag", NAME, "(0010,0030)"),
        ("Copy keyword", NAME, "PatientBirthDate"),
        ("Copy value", BEFORE, "19610214"),
        ("Copy row", NAME, "Patient's Birth Date\t19610214\t\temptied\t"),
    ],
)
def test_a_right_click_copies(header, words, column, copied):
    assert _copy(header, _item(header, "Patient's Birth Date"), column, words).startswith(copied)


def test_a_right_click_on_the_after_column_copies_that_value(header):
    item = _item(header, "Patient's Name")
    assert _copy(header, item, AFTER, "Copy value") == item.text(AFTER) != item.text(BEFORE)


def test_it_follows_the_decision_and_stays_unfolded_where_it_was(header):
    session = header.session
    _item(header, "Sequence of Ultrasound Regions").setExpanded(True)
    session.change([session.current], "Crop", crop=CropBox(100, 100, 400, 300))
    settle_until(lambda: _item(header, "Rows").text(AFTER) == "200")
    assert _item(header, "Sequence of Ultrasound Regions").isExpanded()
    session.change([session.current], "Tag", tag=TagVocabulary().parse("CFV-L"))
    settle_until(lambda: any("Common Femoral Vein" in _all_text(item) for item in _top_rows(header)))
    session.choose(subject="Subject-7")
    settle_until(lambda: _item(header, "Patient's Name").text(AFTER) == "Subject-7")


def _all_text(item: Any) -> str:
    own = " ".join(item.text(column) for column in range(6))
    return " ".join([own, *(_all_text(item.child(number)) for number in range(item.childCount()))])


def test_it_is_filled_only_while_it_can_be_seen(clean_application, tmp_path):
    import time

    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        until = time.monotonic() + 0.5
        settle_until(lambda: time.monotonic() > until)
        assert made.header.tree.topLevelItemCount == 0
        _unfold(made)
        assert made.header.tree.topLevelItemCount > 40


def test_without_a_crop_box_it_says_what_to_do(clean_application, tmp_path):
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    del dataset.SequenceOfUltrasoundRegions
    (tmp_path / "instance").write_bytes(dicom_bytes(dataset))
    with rooms(tmp_path / "instance", tmp_path) as made:
        _unfold(made)
        assert made.header.tree.topLevelItemCount == 0
        assert "drag the crop box" in made.header.message.text


def test_a_value_that_can_not_be_read_is_a_row_as_well(clean_application, tmp_path):
    path = write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=2)
    written = path.read_bytes()
    assert written.count(b"DS\x04\x0034.5") == 1  # Frame Time
    path.write_bytes(written.replace(b"DS\x04\x0034.5", b"DS\x04\x003x.5"))
    with rooms(tmp_path / "exam", tmp_path) as made:
        _unfold(made)
        assert _item(made, "Frame Time").text(BEFORE) in ("3x.5", "(can't be read)")
        assert _item(made, "Frame Time").text(AFTER) == "34.4828"  # told by the cine rate
        assert _item(made, "Frame Time").text(ACTION) == "rewritten"


def test_a_picture_of_the_header_for_people(header, panel_screenshot):
    _search(header, "patient")
    assert Path(panel_screenshot("header_searched")).stat().st_size > 10_000
