"""What the process beside the window tells it: boxes and text in the pictures, as they come and as they are asked for again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import add, wait_until


def test_boxes_told_from_the_picture_come_from_the_process_beside_and_again_with_new_settings(
    panel: Any, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydicom import dcmread

    from USDICOMizerLib import proposals
    from USDICOMizerLib.settings import load_settings

    def look(_instance: object) -> None:
        raise AssertionError("the window read pixels to propose a box")

    monkeypatch.setattr(proposals, "_picture_of", look)
    dataset = dcmread(files[0])
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
    from USDICOMizerLib.session_text import SeenText

    add(panel, sample)
    session, button = panel.session, panel.review.blank_button
    first, second = session.order[:2]
    assert not button.isVisible()
    seen = SeenText("text was found", (CropBox(120, 80, 220, 100),))
    for identity in (first, second):
        session.learn_text(identity, session.decision(identity).crop, seen)
    session.set_selected([first, second])
    wait_until(lambda: not panel.table.is_busy)
    assert button.isVisible() and "Text was found in the picture" in panel.review.state.text
    row = panel.table.tree.topLevelItem(0).child(0)
    assert "Text was found in the picture" in row.toolTip(1)
    hands.click(button)
    assert [session.decision(one).redactions for one in (first, second)] == [(Redaction(seen.boxes[0]),)] * 2
    assert not button.isVisible() and panel.ui.undoButton.text == "Undo: Blank text"
    session.undo()
    assert session.text_in(first) == seen


@pytest.mark.parametrize("how", ["stopped", "wrong"])
def test_reading_that_is_stopped_or_fails_leaves_the_proposals_of_what_is_listed_coming(
    panel: Any, files: list[Path], tmp_path: Path, how: str
) -> None:
    from pydicom import dcmread
    from slicer_runtime import hands

    dataset = dcmread(files[0])
    del dataset.SequenceOfUltrasoundRegions
    dataset.save_as(tmp_path / "plain.dcm")
    panel.add([tmp_path / "plain.dcm"])
    wait_until(lambda: not panel.inputs.reading)
    panel.add([tmp_path / "nowhere"] if how == "wrong" else [files[0]])
    if how == "stopped":
        hands.click(panel.inputs.cancel_button)
    wait_until(lambda: not panel.inputs.reading)
    identity = panel.session.order[0]
    wait_until(lambda: panel.session.proposal(identity) is not None)
    assert len(panel.session.order) == 1
    assert ("exist" in panel.inputs.status.text) == (how == "wrong")
