"""The Slicer module on the test runtime: booted once a process, offscreen; every exception in a slot fails its test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import unpacked, wait_until
from repository import REPOSITORY
from slicer_runtime import start

from USDICOMizerLib.sample_exam import make_sample_exam

# slicer-core has no wheels for Linux on ARM and Intel Macs: there the module is not tested. In CI that is an error.
if find_spec("slicer_core") is None and "CI" not in os.environ:
    collect_ignore_glob = ["*"]

MODULE = REPOSITORY / "USDICOMizer" / "USDICOMizer.py"


@pytest.fixture(scope="session")
def slicer_app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """slicer.app: `import slicer, qt, ctk` work from here on, with a main window of three slice views."""
    return start(tmp_path_factory.mktemp("slicer-home"))


@pytest.fixture
def clean_application(slicer_app: Any) -> Iterator[Any]:
    """The application with an empty scene and empty settings, before and after; fails on what a slot raised."""
    import slicer
    from slicer_runtime import qt_errors, reset

    reset()
    slicer.util.mainWindow().activateWindow()
    yield slicer_app
    slicer_app.processEvents()
    raised = qt_errors.take()
    assert not raised, f"slots raised {raised!r}"


@pytest.fixture
def module_widget(clean_application: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The widget of USDICOMizer, entered; left, cleaned up and unloaded afterwards. Its data folder is the test's own."""
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    from slicer_runtime.hands import loaded

    with loaded(MODULE) as widget:
        yield widget


@pytest.fixture
def panel(module_widget: Any) -> Any:
    """The rooms of USDICOMizer, wired: `USDICOMizerGUI.panel.Panel`."""
    return module_widget.panel


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample exam as a ZIP."""
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam.zip")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the sample exam, 1.dcm and so on, in a folder of their own."""
    folder = tmp_path_factory.mktemp("sample")
    return unpacked(make_sample_exam(folder / "exam.zip"), folder / "exam")


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


@pytest.fixture
def slice_view(clean_application: Any) -> Any:
    """The Red slice view as a person has it: see `slicer_runtime.hands.SliceView`."""
    from slicer_runtime.hands import SliceView

    return SliceView("Red")


@pytest.fixture
def slice_views(clean_application: Any) -> Callable[[str], Any]:
    """Any slice view by its name, for layouts side by side."""
    from slicer_runtime.hands import SliceView

    return SliceView


@pytest.fixture
def panel_screenshot(clean_application: Any, tmp_path: Path) -> Callable[[str], Path]:
    """Call with a name: the main window as a PNG; written to the folder $USDICOMIZER_SCREENSHOTS when that is set."""
    from slicer_runtime.hands import screenshot

    return lambda name: screenshot(name, tmp_path)
