"""Values between Python and Qt as PythonQt has them: enums, byte arrays, images, settings, timers, shortcuts."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from slicer_runtime import qt_errors

# What a QSettings file may hold; for everything else the next session's value() crashes the application.
_STORABLE = (str, int, float, bool)


def _refuse(words: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError(words)

    return refuse


def _enums_count_as_integers() -> None:
    """Let every enum of PySide compare, convert and hash as PythonQt's integers do."""

    def visit(holder: Any, seen: set[type]) -> None:
        for name in dir(holder):
            value = getattr(holder, name, None)
            if not isinstance(value, type) or value in seen or not value.__module__.startswith("PySide6"):
                continue
            seen.add(value)
            if not issubclass(value, enum.Enum):
                visit(value, seen)
            elif not issubclass(value, int):
                value.__eq__ = lambda a, b: a.value == (b.value if isinstance(b, enum.Enum) else b)
                value.__ne__ = lambda a, b: a.value != (b.value if isinstance(b, enum.Enum) else b)
                value.__hash__ = lambda a: hash(a.value)
                value.__int__ = value.__index__ = lambda a: int(a.value)

    seen: set[type] = set()
    for module in (QtCore, QtGui, QtWidgets, QtNetwork):
        visit(module, seen)


def _byte_arrays() -> None:
    advice = "a QByteArray has no {} in PythonQt: use .data() and .size()"
    QtCore.QByteArray.__len__ = _refuse(advice.format("len()"))
    QtCore.QByteArray.__getitem__ = _refuse(advice.format("[]"))
    QtCore.QByteArray.__bytes__ = _refuse(advice.format("bytes()"))


def _blockers() -> None:
    QtCore.QSignalBlocker.__enter__ = _refuse("a QSignalBlocker is no context manager: wasBlocked = w.blockSignals(True)")


def _images() -> None:
    plain_image, plain_pixmap = QtGui.QImage.__init__, QtGui.QPixmap.__init__

    def image(self: QtGui.QImage, *arguments: Any) -> None:
        if not arguments or isinstance(arguments[0], (int, str, QtCore.QSize, QtGui.QImage)):
            plain_image(self, *arguments)
            return
        data, *rest = arguments
        if not isinstance(data, bytes) or len(rest) != 3:
            raise ValueError("QImage takes (bytes, width, height, format), rows padded to 4 bytes; or use loadFromData")
        width, height, form = rest
        depth = {QtGui.QImage.Format.Format_RGB888: 24, QtGui.QImage.Format.Format_Grayscale8: 8}.get(form, 32)
        wanted = (width * depth + 31) // 32 * 4 * height
        if len(data) < wanted:
            raise ValueError(f"QImage needs {wanted} bytes for {width} x {height}, rows padded to 4 bytes, not {len(data)}")
        # PythonQt copies; PySide would go on reading memory that Python frees.
        borrowed = QtGui.QImage.__new__(QtGui.QImage)
        plain_image(borrowed, data, width, height, form)
        plain_image(self, borrowed.copy())

    def pixmap(self: QtGui.QPixmap, *arguments: Any) -> None:
        if arguments and isinstance(arguments[0], QtGui.QImage):
            raise ValueError("QPixmap does not take a QImage: qt.QPixmap.fromImage(image)")
        plain_pixmap(self, *arguments)

    QtGui.QImage.__init__, QtGui.QPixmap.__init__ = image, pixmap


def _shortcuts() -> None:
    plain = QtGui.QShortcut.__init__

    def shortcut(self: QtGui.QShortcut, *arguments: Any) -> None:
        if arguments and isinstance(arguments[0], str):
            raise ValueError(f"QShortcut takes qt.QKeySequence({arguments[0]!r}), not text")
        plain(self, *arguments)

    QtGui.QShortcut.__init__ = shortcut


def _settings() -> None:
    plain_set, plain_get = QtCore.QSettings.setValue, QtCore.QSettings.value

    def set_value(self: QtCore.QSettings, key: str, value: Any) -> None:
        items = value if isinstance(value, (list, tuple)) else (value,)
        if any(type(item) not in _STORABLE for item in items) or (items is value and not all(isinstance(i, str) for i in items)):
            raise TypeError(f"QSettings holds str, int, float, bool and lists of str; {value!r} crashes the next session")
        plain_set(self, key, list(value) if isinstance(value, tuple) else value)

    def get_value(self: QtCore.QSettings, key: str, default: Any = None, /) -> Any:
        found = plain_get(self, key, default)
        return tuple(found) if isinstance(found, list) else found

    QtCore.QSettings.setValue, QtCore.QSettings.value = set_value, get_value


def _timers() -> None:
    plain = QtCore.QTimer.singleShot

    def single_shot(milliseconds: int, *target: Any) -> None:
        """Keeps its slot, as PythonQt does (PySide holds a bound method weakly)."""
        slot = target[0] if callable(target[0]) else getattr(target[0], target[1].split("(")[0])
        plain(int(milliseconds), qt_errors.guarded(lambda: slot()))

    QtCore.QTimer.singleShot = staticmethod(single_shot)


def install() -> None:
    """Put these conversions on PySide6's classes; once a process."""
    for habit in (_enums_count_as_integers, _byte_arrays, _blockers, _images, _shortcuts, _settings, _timers):
        habit()
