""".ui files: the loader of the application knows CTK's and MRML's widgets; this one gets their stand-ins."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtCore, QtUiTools, QtWidgets

# Class name -> stand-in, filled by ctk_widgets and mrml_widgets.
WIDGETS: dict[str, type[QtWidgets.QWidget]] = {}


def for_ui_files(cls: type) -> type:
    """Class decorator: let .ui files name this stand-in."""
    WIDGETS[cls.__name__] = cls
    return cls


class QUiLoader(QtUiTools.QUiLoader):
    """Loads a .ui file; a widget class without a stand-in is an error, and so is a connection to a missing widget."""

    STANDS_FOR = "qt.QUiLoader"

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        for cls in WIDGETS.values():
            QtUiTools.QUiLoader.registerCustomWidget(self, cls)

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget:
        path = device.fileName()
        tree = ElementTree.parse(path)
        self._refuse_unknown_widgets(tree, path)
        # PySide knows neither the signatures that name MRML classes nor the flags of the stand-ins: taken out, done below.
        connections, flags = _take_connections(tree), _take_flags(tree)
        content = QtCore.QBuffer()
        content.setData(ElementTree.tostring(tree.getroot()))
        content.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        QtUiTools.QUiLoader.setWorkingDirectory(self, QtCore.QFileInfo(path).absoluteDir())
        widget = QtUiTools.QUiLoader.load(self, content, parent)
        if widget is None:
            raise RuntimeError(f"{path} could not be loaded")

        def find(name: str | None) -> Any:
            found = widget if widget.objectName == name else widget.findChild(QtCore.QObject, name)
            if found is None:
                raise RuntimeError(f"{path}: a connection names {name}, which is not there")
            return found

        for connection in connections:
            receiver = getattr(find(connection["receiver"]), connection["slot"].split("(")[0])
            find(connection["sender"]).connect(connection["signal"], receiver)
        for name, attribute, value in flags:
            setattr(find(name), attribute, value)
        return widget

    def _refuse_unknown_widgets(self, tree: ElementTree.ElementTree, path: str) -> None:
        for element in tree.iter("widget"):
            name = element.get("class", "")
            if name not in WIDGETS and not hasattr(QtWidgets, name):
                raise RuntimeError(f"{path}: no stand-in for the widget class {name}; add one to Testing/slicer_runtime")


def _take_connections(tree: ElementTree.ElementTree) -> list[dict[str, str]]:
    """Remove the connections whose signal carries a MRML class, and return them."""
    taken = []
    for holder in tree.iter("connections"):
        for connection in list(holder):
            if "vtkMRML" in connection.findtext("signal", ""):
                holder.remove(connection)
                taken.append({key: connection.findtext(key, "") for key in ("sender", "signal", "receiver", "slot")})
    return taken


def _take_flags(tree: ElementTree.ElementTree) -> list[tuple[str, str, int]]:
    """Remove the set properties of stand-ins ("ctkPathLineEdit::Dirs|..."); widget name, property and value of each."""
    taken = []
    for element in tree.iter("widget"):
        stand_in = WIDGETS.get(element.get("class", ""))
        for item in [p for p in element.findall("property") if stand_in and p.findtext("set", "").startswith("ctk")]:
            element.remove(item)
            flags = [getattr(stand_in, flag.split("::")[-1]) for flag in item.findtext("set").split("|")]
            taken.append((element.get("name"), item.get("name"), sum(flags)))
    return taken
