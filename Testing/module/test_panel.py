"""A person prepares an exam on the panel, by mouse and keys, and gets what the command line gives."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands_on_panel import add, many_copies, wait_until
from repository import REPOSITORY

from USDICOMizerLib.cli import main
from USDICOMizerLib.decision import Mask
from USDICOMizerLib.opened import open_instance
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.sources import discover
from USDICOMizerLib.tags import Tag

MODULE = REPOSITORY / "USDICOMizer" / "USDICOMizer.py"


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
    panel: Any, files: list[Path], keys: Callable[..., None], tmp_path: Path
) -> None:
    from slicer_runtime import hands

    exam = many_copies(files[0], tmp_path / "exam", 26)
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
    panel: Any, files: list[Path], keys: Callable[..., None], slice_view: Any, tmp_path: Path
) -> None:
    from slicer_runtime import hands

    exam = many_copies(files[0], tmp_path / "exam", 3)
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
    panel: Any, files: list[Path], keys: Callable[..., None], tmp_path: Path
) -> None:
    from pydicom import dcmread
    from slicer_runtime import hands

    dataset = dcmread(files[0])
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


def test_what_was_drawn_by_hand_is_black_in_the_export_and_in_the_plan(
    panel: Any, files: list[Path], keys: Callable[..., None], tmp_path: Path
) -> None:
    add(panel, files[0])
    session, identity = panel.session, panel.session.order[0]
    session.choose(destination=tmp_path / "exports")
    wait_until(lambda: session.sector_proposal(identity) is not None)
    keys("C", "R", "S", "Return", "Return")
    decision = session.decision(identity)
    assert decision.reviewed and decision.mask is Mask.SECTOR and len(decision.redactions) == 1
    keys("F9")
    wait_until(lambda: not panel.export.exporting)
    (export,) = (tmp_path / "exports").glob("*.zip")
    exported = open_instance(discover([export]).instances[0])
    stored = open_instance(session.instance(identity))
    crop, box = decision.crop, decision.redactions[0].box
    kept = decision.sector.mask(600, 800)
    kept[box.top : box.bottom, box.left : box.right] = False
    inside = (slice(crop.top, crop.bottom), slice(crop.left, crop.right))
    assert np.array_equal(exported.before(0), stored.before(0)[inside] * kept[inside][..., None])
    exported.close()
    stored.close()
    plan = session.save().read_text(encoding="utf-8")
    assert str(decision.sector) in plan and str(decision.redactions[0]) in plan
