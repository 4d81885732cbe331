"""The module `qt`: PySide6's classes under the names that PythonQt exposes, all others refused."""

from __future__ import annotations

import sys
import types
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtUiTools, QtWidgets

from slicer_runtime import names, qt_dialogs, qt_objects, qt_values, ui_files

_MODULES = (QtCore, QtGui, QtWidgets, QtNetwork, QtUiTools, QtSvg)
# PythonQt's own, beside Qt's classes.
_OWN = {"Signal": QtCore.Signal, "Slot": QtCore.Slot, "Property": QtCore.Property}


class Namespace:
    """`qt.Qt`: the enums of the namespace, without PySide's additions (`Qt.CTRL`, scoped enums)."""

    def __init__(self, qualified: str, holder: Any) -> None:
        self._qualified, self._holder = qualified, holder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in names.members(self._qualified):
            raise AttributeError(f"{self._qualified} has no {name!r} in PythonQt")
        return getattr(self._holder, name)


class QtModule(types.ModuleType):
    """Attribute access of the module `qt`."""

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            return _OWN[name]
        if not names.known(f"qt.{name}"):
            raise AttributeError(f"qt has no {name!r} in PythonQt")
        if name == "Qt":
            found = Namespace("qt.Qt", QtCore.Qt)
        else:
            found = qt_dialogs.REPLACED.get(name) or next((getattr(m, name) for m in _MODULES if hasattr(m, name)), None)
        if found is None:
            raise AttributeError(f"qt.{name} is gone in Qt 6")
        setattr(self, name, found)
        return found


def install() -> types.ModuleType:
    """Make `import qt` work in this process, with PythonQt's habits on every PySide6 class."""
    if "qt" not in sys.modules:
        qt_values.install()
        qt_objects.install()
        module = QtModule("qt", __doc__)
        sys.modules["qt"] = module
        module.QUiLoader = ui_files.QUiLoader
    return sys.modules["qt"]
