"""The rooms of the panel that show the picture, wired as the module wires them, on the test runtime."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from repository import REPOSITORY

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.session import Session
from USDICOMizerLib.settings import default_settings_text, load_settings
from USDICOMizerLib.sources import discover


class Rooms:
    """A session with viewer, drawing rooms and header table in a panel beside the slice views."""

    def __init__(self, sources: Path, folder: Path):
        import ctk
        import qt
        import slicer
        from USDICOMizerGUI.drawing import Drawing
        from USDICOMizerGUI.header_table import HeaderTable
        from USDICOMizerGUI.viewer import Viewer

        self.settings_path = folder / "settings.ini"
        self.settings_path.write_text(default_settings_text(), encoding="utf-8")
        self.session = Session(load_settings(self.settings_path))
        self.panel = qt.QWidget()
        self.panel.setLayout(qt.QVBoxLayout())
        self.sections = {}
        for title in ("View and crop", "Header"):
            section = ctk.ctkCollapsibleButton(self.panel)
            section.text = title
            section.setLayout(qt.QVBoxLayout())
            self.panel.layout().addWidget(section)
            self.sections[title] = section
        self.panel.layout().addStretch(1)
        self.viewer = Viewer(self.session, self.sections["View and crop"])
        self.drawing = Drawing(self.session, self.sections["View and crop"], self.viewer, self.settings_path)
        self.crop = self.drawing.crop
        self.header = HeaderTable(self.session, self.sections["Header"], self.viewer)
        self.sections["Header"].collapsed = True
        self._dock = slicer.util.mainWindow().findChild(qt.QDockWidget, "PanelDockWidget")
        self._dock.widget().setWidget(self.panel)
        self.panel.show()
        self.viewer.enter()
        self.session.add(discover([sources]))
        settle_until(lambda: self.viewer.identity is not None or self.viewer.message.text)

    def close(self) -> None:
        """Clean up as the module does."""
        self.header.cleanup()
        self.drawing.cleanup()
        self.viewer.cleanup()
        panel = self._dock.widget().takeWidget()
        panel.deleteLater()


@contextmanager
def rooms(sources: Path, folder: Path) -> Iterator[Rooms]:
    """The rooms on what is found in `sources`; `folder` is for their files."""
    module = str(REPOSITORY / "USDICOMizer")
    sys.path.insert(0, module)
    made = Rooms(sources, folder)
    try:
        yield made
    finally:
        made.close()
        sys.path.remove(module)


def settle_until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Let the event loop run until something holds."""
    import slicer

    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise AssertionError("it didn't come to hold in time")
        slicer.app.processEvents()
    slicer.app.processEvents()


def shown_in(view: Any) -> np.ndarray:
    """The pixels of the volume in a view, as they are in the scene: (rows, columns, 3)."""
    import slicer

    composite = view.widget.mrmlSliceCompositeNode()
    return slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()))[0]


def press_mode(made: Rooms, mode: str) -> None:
    """Press the button of a way to look: before, after, side_by_side."""
    import qt
    from slicer_runtime.hands import click

    click(made.panel.findChild(qt.QPushButton, f"{mode}Button"))


def type_number(spin_box: Any, text: str) -> None:
    """Type a number into a spin box, over the one that is there, and press Return."""
    import qt
    from slicer_runtime.hands import press_key, type_text

    spin_box.setFocus()
    spin_box.selectAll()
    type_text(spin_box, text)
    press_key(qt.Qt.Key_Return, widget=spin_box)


def corner(column: float, row: float) -> tuple[float, float]:
    """The pixel, for `SliceView`, at a corner of pixels: half a pixel before the centre of the one it belongs to."""
    return column - 0.5, row - 0.5


def write_instance(folder: Path, kind: SampleKind, name: str = "", **facts: Any) -> Path:
    """Write one instance of the sample exam; `facts` are attributes to change."""
    frames, pixels = facts.pop("frames", None), facts.pop("pixels", None)
    dataset = sample_dataset(kind, frames=frames, pixels=pixels)
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{kind.value}-{secrets.token_hex(3)}")
    path.write_bytes(dicom_bytes(dataset))
    return path


def counted_frames(count: int, rows: int = 96, columns: int = 128) -> np.ndarray:
    """Pictures that can be told apart: frame n is of one shade that says n, with a bright first row and column."""
    pixels = np.zeros((count, rows, columns, 3), np.uint8)
    for number in range(count):
        pixels[number] = 20 + number % 200
    pixels[:, 0, :] = 250
    pixels[:, :, 0] = 250
    return pixels
