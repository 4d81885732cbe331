"""What a person does to the application: keys, clicks and drags through Qt's events, and what they see.

Events go to the widget under the pixel as QTest sends them, so that shortcuts, focus and the slice view's interactor take part.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtTest

from slicer_runtime import scripted_modules

_LEFT = QtCore.Qt.MouseButton.LeftButton
NO_KEYS = QtCore.Qt.KeyboardModifier.NoModifier

# Input events since the start of the process, for tests that count them: a click or a drag is one, a key is one.
events = 0


def _count() -> None:
    global events
    events += 1


def settle() -> None:
    """Let the event loop run until nothing is waiting."""
    for _ in range(3):
        slicer.app.processEvents()


def click(widget: Any, *, position: QtCore.QPoint | None = None, keys: Any = NO_KEYS) -> None:
    """Click a widget (a point of its own, its middle otherwise); it has to be visible and enabled, as for a person."""
    if not widget.visible or not widget.enabled:
        raise AssertionError(f"{widget.objectName or widget.className()} can't be clicked: it is hidden or disabled")
    _count()
    QtTest.QTest.mouseClick(widget, _LEFT, keys, position or widget.rect.center())
    settle()


def press_key(key: Any, modifiers: Any = NO_KEYS, widget: Any = None) -> None:
    """Press a key: on a widget, or wherever the focus of the main window is."""
    _count()
    window = slicer.util.mainWindow()
    window.activateWindow()
    QtTest.QTest.keyClick(widget or slicer.app.focusWidget() or window, key, modifiers)
    settle()


def type_text(widget: Any, text: str) -> None:
    """Type into a widget that takes text, over what is selected there."""
    for character in text:
        _count()
        QtTest.QTest.keyClicks(widget, character)
    settle()


class loaded:
    """Context: a scripted module loaded from its file and shown in the panel; `as` its Python widget."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        self.module = scripted_modules.load(self.path)
        slicer.util.selectModule(self.path.stem)
        slicer.app.processEvents()
        return getattr(slicer.modules, f"{self.path.stem}Widget")

    def __exit__(self, *_: Any) -> None:
        slicer.util.moduleSelector().selectModule("")
        scripted_modules.unload(self.module)
        for name in [name for name in sys.modules if name.split(".")[0] == f"{self.path.stem}GUI"]:
            del sys.modules[name]


class SliceView:
    """One slice view: pixels of the frame that it shows, mouse events at them, and what is drawn.

    A pixel is (column, row) of the background volume's stored frame; (0, 0) is the centre of the first pixel.
    """

    def __init__(self, name: str) -> None:
        self.widget = slicer.app.layoutManager().sliceWidget(name)
        self.view = self.widget.sliceView()

    def position(self, column: float, row: float) -> QtCore.QPoint:
        """Where a pixel of the frame is in the view's widget."""
        identity = self.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()
        if identity is None:
            raise AssertionError("the slice view shows no volume")
        volume = slicer.mrmlScene.GetNodeByID(identity)
        to_ras, to_view = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(to_ras)
        to_view.DeepCopy(self.widget.mrmlSliceNode().GetXYToRAS())
        to_view.Invert()
        x, y = to_view.MultiplyPoint(to_ras.MultiplyPoint((column, row, 0, 1)))[:2]
        return QtCore.QPoint(round(x), round(self.view.height - 1 - y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        """Press the left button at a pixel, move in steps, and release."""
        _count()
        first, last = self.position(*start), self.position(*end)
        test = QtTest.QTest
        # The pointer has to arrive first: markups pick their handle on movement.
        for where in (first + QtCore.QPoint(1, 1), first):
            test.mouseMove(self.view, where)
            self._move(where)
        test.mousePress(self.view, _LEFT, NO_KEYS, first)
        for step in range(1, steps + 1):
            part = step / steps
            where = QtCore.QPoint(
                round(first.x() + (last.x() - first.x()) * part), round(first.y() + (last.y() - first.y()) * part)
            )
            self._move(where, pressed=True)
        test.mouseRelease(self.view, _LEFT, NO_KEYS, last)
        settle()

    def click(self, column: float, row: float) -> None:
        """Click at a pixel."""
        _count()
        where = self.position(column, row)
        self._move(where)
        QtTest.QTest.mouseClick(self.view, _LEFT, NO_KEYS, where)
        settle()

    def _move(self, where: QtCore.QPoint, *, pressed: bool = False) -> None:
        button = _LEFT if pressed else QtCore.Qt.MouseButton.NoButton
        local = QtCore.QPointF(where)
        event = QtGui.QMouseEvent(
            QtCore.QEvent.Type.MouseMove,
            local,
            QtCore.QPointF(self.view.mapToGlobal(where)),
            QtCore.Qt.MouseButton.NoButton,
            button,
            NO_KEYS,
        )
        slicer.app.sendEvent(self.view, event)
        slicer.app.processEvents()

    def pixels(self) -> np.ndarray:
        """The view as it is drawn now: (height, width, 3) bytes, first row at the top."""
        slicer.app.processEvents()
        return self.view.__dict__["_rendering"].pixels()

    def drawn(self, column: float, row: float) -> tuple[int, int, int]:
        """The colour drawn at a pixel of the frame."""
        where = self.position(column, row)
        return tuple(int(value) for value in self.pixels()[where.y(), where.x()])


def screenshot(name: str, folder: Path) -> Path:
    """The main window as PNG, in $USDICOMIZER_SCREENSHOTS or `folder`."""
    settle()
    target = Path(os.environ.get("USDICOMIZER_SCREENSHOTS") or folder)
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{name}.png"
    if not slicer.util.mainWindow().grab().save(str(path)):
        raise AssertionError(f"{path} was not written")
    return path
