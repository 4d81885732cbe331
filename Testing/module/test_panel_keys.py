"""The panel's keys: each does what it says, once, and none takes from a field what is typed into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import add, wait_until

from USDICOMizerLib.decision import Mask
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.sector_handles import starting_fan
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.tags import Tag


def test_letters_typed_into_a_field_tag_nothing(panel: Any, sample: Path) -> None:
    from slicer_runtime import hands

    add(panel, sample)
    panel.export.subject.setFocus()
    hands.type_text(panel.export.subject, "CFP1")
    assert panel.session.choices.subject == "CFP1"
    assert all(panel.session.decision(identity).tag is None for identity in panel.session.order)


@pytest.mark.parametrize("key", ["Return", "Enter"])
def test_return_in_a_spin_box_takes_its_number_and_confirms_nothing(
    panel: Any, sample: Path, keys: Callable[..., None], key: str
) -> None:
    from slicer_runtime import hands

    add(panel, sample)
    first = panel.session.order[0]
    box = panel.crop.spin_boxes["left"]
    keys("Return")  # the picture with the proposed box is seen
    for typed in ("150", "160"):
        box.setFocus()
        box.selectAll()
        hands.type_text(box, typed)
        keys(key)
        assert panel.session.decision(first).crop.left == int(typed)
        assert panel.session.state(first).crop is CropState.EDITED and not panel.session.decision(first).reviewed
    keys(key, key)
    assert panel.session.decision(first).crop.left == 160 and panel.session.decision(first).reviewed


def test_return_in_a_line_confirms_nothing(panel: Any, sample: Path, keys: Callable[..., None]) -> None:
    from slicer_runtime import hands

    add(panel, sample)
    first = panel.session.order[0]
    panel.ui.headerSection.collapsed = False
    keys("Return")
    assert panel.session.can_confirm(first)
    for line in (panel.export.destination, panel.export.subject, panel.header.search):
        line.setFocus()
        hands.type_text(line, "P1")
        keys("Return")
        assert not panel.session.decision(first).reviewed
    keys("Return")
    assert panel.session.decision(first).reviewed


def test_other_keys_take_first_what_is_being_typed(panel: Any, sample: Path, keys: Callable[..., None]) -> None:
    from slicer_runtime import hands

    add(panel, sample)
    first = panel.session.order[0]
    keys("Return")
    box = panel.crop.spin_boxes["left"]
    box.setFocus()
    box.selectAll()
    hands.type_text(box, "150")
    keys("F8")
    assert panel.session.decision(first).crop.left == 150 and not panel.session.decision(first).reviewed


def test_keys_work_only_while_the_module_is_entered(module_widget: Any, sample: Path, keys: Callable[..., None]) -> None:
    import slicer

    panel = module_widget.panel
    add(panel, sample)
    first = panel.session.order[0]
    slicer.util.moduleSelector().selectModule("")
    keys("C")
    assert panel.session.decision(first).tag is None
    slicer.util.selectModule("USDICOMizer")
    keys("C")
    assert panel.session.decision(first).tag == Tag("CFV", "L")


def test_every_key_is_told_in_the_help_sheet_and_once(panel: Any, panel_screenshot: Callable[[str], Path]) -> None:
    from slicer_runtime import hands

    hands.click(panel.ui.keysButton)
    sheet = panel.help.table
    told = [sheet.item(row, 0).text() for row in range(sheet.rowCount)]
    assert {"Return", "N", "B", "J", "Space", "A", "K", "M", "X", "F6", "F8", "F9", "PgUp", "PgDown", "C", "Shift+C"} <= set(told)
    assert len(told) == len(set(told))
    assert all(sheet.item(row, 1).text() for row in range(sheet.rowCount))
    panel.help.dialog.close()


def test_space_presses_the_button_that_has_the_focus(panel: Any, sample: Path, keys: Callable[..., None]) -> None:
    add(panel, sample)
    panel.table.only_not_ready.setFocus()
    keys("Space")
    assert panel.table.only_not_ready.checked


def test_drawing_takes_a_key_each_and_what_several_pages_have_is_about_the_open_one(
    panel: Any, sample: Path, keys: Callable[..., None]
) -> None:
    add(panel, sample)
    session, drawing = panel.session, panel.drawing
    first, second = session.order[:2]
    wait_until(lambda: session.sector_proposal(first) is not None)
    keys("C", "R", "R")
    assert drawing.room is drawing.redactions and len(session.decision(first).redactions) == 2
    keys("Delete")
    assert len(session.decision(first).redactions) == 1 and session.decision(first).tag, "Del was about the box"
    keys("K")
    assert session.decision(second).redactions == session.decision(first).redactions
    keys("S")
    assert drawing.room is drawing.sector and session.decision(first).mask is Mask.SECTOR
    session.change([first], "Sector", sector=starting_fan(CropBox(100, 60, 700, 500)))
    keys("K")
    assert session.decision(second).sector == session.decision(first).sector
    keys("E")
    assert session.decision(first).sector == session.sector_proposal(first).sector
    keys("Shift+M")
    assert drawing.room is drawing.crop
    keys("S")
    assert drawing.room is drawing.sector and session.decision(first).mask is Mask.SECTOR, "there is one to be shown"
    keys("S")
    assert session.decision(first).mask is Mask.NONE
    keys("Delete")
    assert session.decision(first).tag is None, "no box is meant here"


def test_keys_that_apply_do_nothing_where_there_is_nobody_else(panel: Any, files: list[Path], keys: Callable[..., None]) -> None:
    add(panel, files[0])
    before = panel.session.decision(panel.session.order[0])
    keys("K", "Shift+K")
    assert panel.session.decision(panel.session.order[0]) == before and panel.session.undo_words == ""


def test_delete_with_no_box_selected_takes_no_tag_away_where_boxes_are_drawn(
    panel: Any, sample: Path, keys: Callable[..., None]
) -> None:
    add(panel, sample)
    first = panel.session.order[0]
    keys("C", "R")
    panel.drawing.redactions.select(None)
    keys("Delete")
    assert panel.session.decision(first).tag and len(panel.session.decision(first).redactions) == 1
    assert "Select a box" in panel.drawing.redactions.message.text


def test_undo_by_key_takes_back_what_was_drawn_and_says_so(panel: Any, sample: Path, keys: Callable[..., None]) -> None:
    add(panel, sample)
    first = panel.session.order[0]
    keys("R", "S")
    assert panel.ui.undoButton.text == "Undo: Sector"
    keys("Control+Z")
    assert panel.ui.undoButton.text == "Undo: Blank a box" and panel.session.decision(first).mask is Mask.NONE
    keys("Control+Z", "Control+Y")
    assert len(panel.session.decision(first).redactions) == 1
