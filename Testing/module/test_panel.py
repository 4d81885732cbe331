"""A person prepares an exam on the panel, by mouse and keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from USDICOMizerLib.sample_exam import make_sample_exam


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam.zip")


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    import slicer

    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it took too long"
        slicer.app.processEvents()
        time.sleep(0.005)


def test_smoke(module_widget: Any, sample: Path, panel_screenshot: Callable[[str], Path]) -> None:
    panel = module_widget.panel
    panel_screenshot("empty")
    panel.add([sample])
    wait_until(lambda: len(panel.session.order) == 4 and panel.inputs._process is None)
    print(panel_screenshot("listed"))


def test_smoke_review(module_widget: Any, sample: Path, panel_screenshot: Callable[[str], Path], tmp_path: Path) -> None:
    from PySide6 import QtCore
    from slicer_runtime import hands

    key = QtCore.Qt.Key
    panel = module_widget.panel
    panel.add([sample])
    wait_until(lambda: len(panel.session.order) == 4 and panel.inputs._process is None)
    panel_screenshot("1 listed")
    panel.session.choose(destination=tmp_path / "out")
    hands.press_key(key.Key_C)
    hands.press_key(key.Key_Return)
    panel_screenshot("2 after")
    for _ in range(12):
        hands.press_key(key.Key_Return)
        wait_until(lambda: True)
    panel_screenshot("3 confirmed")
    print([panel.session.state(i).words for i in panel.session.order])
    hands.press_key(key.Key_F9)
    wait_until(lambda: not panel.export.exporting)
    panel.ui.examSection.collapsed = True
    panel.ui.viewSection.collapsed = True
    panel_screenshot("4 exported")
    print(panel.export.message.text)
