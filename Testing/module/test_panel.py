"""A person prepares an exam on the panel, by mouse and keys, and gets what the command line gives."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import add, many_copies, unpacked, wait_until
from repository import REPOSITORY

from USDICOMizerLib.cli import main
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.tags import Tag

MODULE = REPOSITORY / "USDICOMizer" / "USDICOMizer.py"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam.zip")


@pytest.fixture(scope="module")
def frame(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(sample, tmp_path_factory.mktemp("files") / "exam")[0]


@pytest.fixture
def panel(module_widget: Any) -> Any:
    return module_widget.panel


@pytest.fixture
def keys(panel: Any) -> Callable[..., None]:
    """Press keys one after the other, by their names; each waits until what leaves is on the screen, as a person does."""
    from PySide6 import QtCore
    from slicer_runtime import hands

    def press(*names: str) -> None:
        for name in names:
            *modifiers, key = name.split("+")
            held = QtCore.Qt.KeyboardModifier.NoModifier
            for modifier in modifiers:
                held |= getattr(QtCore.Qt.KeyboardModifier, f"{modifier}Modifier")
            hands.press_key(getattr(QtCore.Qt.Key, f"Key_{key}"), held)
            if panel.session.current and panel.viewer.mode.name == "AFTER":
                wait_until(lambda: panel.session.can_confirm(panel.session.current))

    return press


def test_an_empty_panel_says_what_to_do_and_offers_nothing_that_can_t_be_done(panel: Any) -> None:
    assert panel.table.hint.visible and "Drop" in panel.table.hint.text
    assert not panel.export.export_button.enabled and not panel.review.button.enabled
    assert not panel.ui.undoButton.enabled


def test_the_whole_job_by_keys_gives_the_command_line_s_bytes(
    panel: Any, sample: Path, keys: Callable[..., None], tmp_path: Path, panel_screenshot: Callable[[str], Path]
) -> None:
    import qt
    import slicer
    from slicer_runtime import hands

    panel_screenshot("panel-1-empty")
    add(panel, sample)
    hands.type_text(panel.export.destination, str(tmp_path / "by panel"))
    panel.table.tree.setFocus()
    assert "project key was made" in panel.ui.noteLabel.text
    panel.note("")  # it names a folder of this test
    panel_screenshot("panel-2-listed")
    keys("C", "Return", "Return")
    panel_screenshot("panel-3-after")
    keys("Shift+C", "Return", "F", "3", "Return", "P", "Return")
    panel_screenshot("panel-4-ready")
    assert [panel.session.state(identity).words for identity in panel.session.order] == ["ready"] * 4
    assert [str(panel.session.decision(identity).tag) for identity in panel.session.order] == [
        *("CFV-L", "CFV-R", "FV-L/compression", "PV-L")
    ]
    hands.click(panel.export.copy_button)
    command = qt.QApplication.clipboard().text()
    keys("F9")
    wait_until(lambda: not panel.export.exporting)
    assert panel.export.message.text.startswith("4 instances are in ")
    panel.ui.examSection.collapsed = panel.ui.viewSection.collapsed = panel.ui.tagSection.collapsed = True
    panel_screenshot("panel-5-exported")
    (export,) = (tmp_path / "by panel").glob("*.zip")
    program, _, arguments = command.partition(" -- ")
    assert shlex.split(program) == [
        *(slicer.app.launcherExecutableFilePath, "--no-splash", "--no-main-window", "--python-script"),
        str(MODULE.parent / "Scripts" / "prepare_exams.py"),
    ]
    plan = shlex.split(arguments)[shlex.split(arguments).index("--plan") + 1]
    assert main(["prepare", str(sample), "--plan", plan, "--output", str(tmp_path / "by command")]) == 0
    assert export.read_bytes() == (tmp_path / "by command" / export.name).read_bytes()


def test_an_exam_of_26_with_right_proposals_takes_at_most_three_events_an_instance(
    panel: Any, frame: Path, keys: Callable[..., None], tmp_path: Path
) -> None:
    from slicer_runtime import hands

    exam = many_copies(frame, tmp_path / "exam", 26)
    panel.session.choose(destination=tmp_path / "exports")  # remembered from the exam before
    start = hands.events
    add(panel, exam)
    keys("C", "Return", "Return")
    for _ in range(25):
        keys("Shift+F", "Return")
    keys("F9")
    wait_until(lambda: not panel.export.exporting, seconds=120)
    assert panel.export.message.text.startswith("26 instances are in ")
    assert hands.events - start <= 3 * 26


def test_an_exam_whose_boxes_are_all_wrong_takes_at_most_six_events_an_instance(
    panel: Any, frame: Path, keys: Callable[..., None], slice_view: Any, tmp_path: Path
) -> None:
    from slicer_runtime import hands

    exam = many_copies(frame, tmp_path / "exam", 3)
    panel.session.choose(destination=tmp_path / "exports")
    start = hands.events
    add(panel, exam)
    for _ in range(3):
        identity = panel.session.current
        wait_until(lambda: panel.viewer.identity == panel.session.current)
        if panel.viewer.mode.name != "BEFORE":
            keys("A")
        box = panel.crop.box()
        slice_view.drag((box.left - 0.5, box.top - 0.5), (box.left + 39.5, box.top + 29.5))
        assert panel.session.state(identity).crop is CropState.EDITED
        keys("C", "Return", "Return")
        assert panel.session.state(identity).ready
    keys("F9")
    wait_until(lambda: not panel.export.exporting)
    assert panel.export.message.text.startswith("3 instances are in ")
    assert hands.events - start <= 6 * 3


def test_an_exam_without_regions_asks_for_a_box_and_takes_a_typed_one(
    panel: Any, frame: Path, keys: Callable[..., None], tmp_path: Path
) -> None:
    from pydicom import dcmread
    from slicer_runtime import hands

    dataset = dcmread(frame)
    del dataset.SequenceOfUltrasoundRegions
    dataset.PixelData = bytes(len(dataset.PixelData))  # nor is there a picture to tell a box from
    dataset.save_as(tmp_path / "plain.dcm")
    add(panel, tmp_path / "plain.dcm")
    identity = panel.session.order[0]
    assert panel.session.state(identity).crop is CropState.MISSING
    assert panel.review.state.text == "Draw a crop box first."
    keys("Return")
    assert not panel.session.state(identity).ready
    spin_box = panel.crop.spin_boxes["top"]
    spin_box.setFocus()
    spin_box.selectAll()
    hands.type_text(spin_box, "44")
    keys("Tab")
    assert panel.session.decision(identity).crop.top == 44
    keys("Return", "Return", "Return")  # the first leaves the spin box that Tab went to
    assert panel.session.state(identity).ready


def test_an_edit_after_the_confirmation_voids_it_and_undo_brings_it_back(
    panel: Any, sample: Path, keys: Callable[..., None]
) -> None:
    from slicer_runtime import hands

    add(panel, sample)
    first = panel.session.order[0]
    keys("Return", "Return", "B")
    assert panel.session.state(first).crop is CropState.APPLIED
    spin_box = panel.crop.spin_boxes["left"]
    spin_box.setFocus()
    spin_box.selectAll()
    hands.type_text(spin_box, "100")
    keys("Tab")
    assert panel.session.decision(first).crop.left == 100
    assert panel.session.state(first).crop is CropState.EDITED
    hands.click(panel.ui.undoButton)
    assert panel.session.state(first).crop is CropState.APPLIED
    hands.click(panel.ui.redoButton)
    assert panel.session.state(first).crop is CropState.EDITED


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


def test_work_is_offered_when_the_exam_is_opened_again(
    clean_application: Any, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, panel_screenshot: Callable[[str], Path]
) -> None:
    from slicer_runtime import hands

    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    with hands.loaded(MODULE) as widget:
        add(widget.panel, sample)
        first = widget.panel.session.order[0]
        hands.click(widget.panel.tags.sites["GSV"])
    with hands.loaded(MODULE) as widget:
        panel = widget.panel
        add(panel, sample)
        panel_screenshot("panel-6-offered")
        hands.click(panel.inputs.take_button)
        assert panel.session.decision(first).tag == Tag("GSV", "L")
        assert not panel.inputs.take_button.visible


def test_a_missing_package_is_said_in_words(clean_application: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slicer_runtime import hands

    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "USDICOMizerGUI.panel", None)
    with hands.loaded(MODULE) as widget:
        assert "is missing" in widget._problem.text
        assert widget.panel is None


def test_wrong_settings_are_told_and_don_t_keep_the_panel_from_opening(
    clean_application: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slicer_runtime import hands

    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.ini").write_text("[crop]\nmargin = wide\n")
    with hands.loaded(MODULE) as widget:
        assert "line 2" in widget.panel.ui.noteLabel.text


def test_a_reload_leaves_nothing_running_and_a_fresh_panel(module_widget: Any, sample: Path) -> None:
    import slicer
    from PySide6 import QtCore
    from slicer_runtime import hands

    module_widget.panel.add([sample])
    process = module_widget.panel.inputs._process
    library = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "USDICOMizerLib"}
    try:
        module_widget.onReload()
        slicer.app.processEvents()
        assert not process.running
        assert module_widget.panel is None
        panel = slicer.modules.USDICOMizerWidget.panel
        add(panel, sample)
        assert panel.viewer.identity == panel.session.current
        hands.press_key(QtCore.Qt.Key.Key_C)
        assert str(panel.session.decision(panel.session.order[0]).tag) == "CFV-L"
    finally:
        slicer.modules.USDICOMizerWidget.cleanup()
        sys.modules.update(library)


def test_the_scene_may_be_closed_in_the_middle(panel: Any, sample: Path, keys: Callable[..., None]) -> None:
    import slicer

    add(panel, sample)
    keys("C", "Return")
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    keys("Return", "Return")
    assert panel.session.state(panel.session.order[0]).ready


def test_boxes_told_from_the_picture_come_from_the_process_beside_and_again_with_new_settings(
    panel: Any, frame: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydicom import dcmread

    from USDICOMizerLib import proposals
    from USDICOMizerLib.settings import load_settings

    def look(_instance: object) -> None:
        raise AssertionError("the window read pixels to propose a box")

    monkeypatch.setattr(proposals, "_picture_of", look)
    dataset = dcmread(frame)
    del dataset.SequenceOfUltrasoundRegions
    dataset.save_as(tmp_path / "plain.dcm")
    panel.add([tmp_path / "plain.dcm"])
    wait_until(lambda: not panel.inputs.reading)
    identity = panel.session.order[0]
    wait_until(lambda: panel.inputs.idle)
    decision = panel.session.decision(identity)
    assert decision.proposal.startswith("content ") and panel.session.undo_words == ""
    assert "from what moves and shines" in panel.crop.state_label.text
    path = panel.logic.settings_path
    path.write_text(path.read_text(encoding="utf-8").replace("margin = 0", "margin = -10"), encoding="utf-8")
    panel.session.use_settings(load_settings(path))
    assert not panel.inputs.idle and not panel.inputs.reading
    wait_until(lambda: panel.inputs.idle)
    assert panel.session.decision(identity).crop == decision.crop.expanded(-10)


def test_text_in_the_picture_is_told_and_blanked_by_a_button(panel: Any, sample: Path) -> None:
    from slicer_runtime import hands

    from USDICOMizerLib.geometry import CropBox, Redaction

    add(panel, sample)
    session, button = panel.session, panel.review.blank_button
    first, second = session.order[:2]
    assert not button.isVisible()
    seen = (CropBox(220, 120, 320, 140),)
    for identity in (first, second):
        session.learn_text(identity, seen)
    session.set_selected([first, second])
    wait_until(lambda: not panel.table.is_busy)
    assert button.isVisible() and "Text was found in the picture" in panel.review.state.text
    row = panel.table.tree.topLevelItem(0).child(0)
    assert "Text was found in the picture" in row.toolTip(1)
    hands.click(button)
    assert [session.decision(one).redactions for one in (first, second)] == [(Redaction(seen[0]),)] * 2
    assert not button.isVisible() and panel.ui.undoButton.text == "Undo: Blank text"
    session.undo()
    assert session.text_in(first) == seen


@pytest.mark.parametrize("how", ["stopped", "wrong"])
def test_reading_that_is_stopped_or_fails_leaves_the_proposals_of_what_is_listed_coming(
    panel: Any, frame: Path, tmp_path: Path, how: str
) -> None:
    from pydicom import dcmread
    from slicer_runtime import hands

    dataset = dcmread(frame)
    del dataset.SequenceOfUltrasoundRegions
    dataset.save_as(tmp_path / "plain.dcm")
    panel.add([tmp_path / "plain.dcm"])
    wait_until(lambda: not panel.inputs.reading)
    panel.add([tmp_path / "nowhere"] if how == "wrong" else [frame])
    if how == "stopped":
        hands.click(panel.inputs.cancel_button)
    wait_until(lambda: not panel.inputs.reading)
    identity = panel.session.order[0]
    wait_until(lambda: panel.session.proposal(identity) is not None)
    assert len(panel.session.order) == 1
    assert ("exist" in panel.inputs.status.text) == (how == "wrong")
