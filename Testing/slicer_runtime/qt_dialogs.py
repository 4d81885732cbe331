"""Dialogs whose static functions return plain values in PythonQt: "" or None when they were left."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets


class QFileDialog(QtWidgets.QFileDialog):
    """File dialogs return a path (or a tuple of paths), not PySide's pair of path and filter."""

    STANDS_FOR = "qt.QFileDialog"

    @staticmethod
    def getOpenFileName(*arguments: Any) -> str:
        return QtWidgets.QFileDialog.getOpenFileName(*arguments)[0]

    @staticmethod
    def getOpenFileNames(*arguments: Any) -> tuple[str, ...]:
        return tuple(QtWidgets.QFileDialog.getOpenFileNames(*arguments)[0])

    @staticmethod
    def getSaveFileName(*arguments: Any) -> str:
        return QtWidgets.QFileDialog.getSaveFileName(*arguments)[0]


class QInputDialog(QtWidgets.QInputDialog):
    """Input dialogs return the value: "" or 0 when they were cancelled."""

    STANDS_FOR = "qt.QInputDialog"

    @staticmethod
    def getText(*arguments: Any) -> str:
        text, accepted = QtWidgets.QInputDialog.getText(*arguments)
        return text if accepted else ""

    @staticmethod
    def getItem(*arguments: Any) -> str:
        text, accepted = QtWidgets.QInputDialog.getItem(*arguments)
        return text if accepted else ""

    @staticmethod
    def getInt(*arguments: Any) -> int:
        return QtWidgets.QInputDialog.getInt(*arguments)[0]

    @staticmethod
    def getDouble(*arguments: Any) -> float:
        return QtWidgets.QInputDialog.getDouble(*arguments)[0]


REPLACED = {"QFileDialog": QFileDialog, "QInputDialog": QInputDialog}
