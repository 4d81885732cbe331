"""qMRML widgets that .ui files and the panel name, put into the package `slicer`."""

from __future__ import annotations

from typing import Any

import shiboken6
import slicer
from PySide6 import QtCore, QtWidgets

from slicer_runtime.ctk_widgets import ctkCollapsibleButton, ctkSliderWidget, stand_in, stored

Signal = QtCore.Signal


class SceneWidget:
    """A widget that is told the scene by `setMRMLScene` or by a connection of its .ui file."""

    STANDS_FOR = "slicer.qMRMLWidget"
    SIGNATURES = ("mrmlSceneChanged(vtkMRMLScene*)",)

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene
        self._scene_set(scene)
        self.mrmlSceneChanged.emit(scene)

    def _scene_set(self, scene: Any) -> None:
        """What a widget does with its new scene; nothing for a plain container."""


@stand_in
class qMRMLWidget(SceneWidget, QtWidgets.QWidget):
    STANDS_FOR = "slicer.qMRMLWidget"
    mrmlSceneChanged = Signal(object)


@stand_in
class qMRMLCollapsibleButton(SceneWidget, ctkCollapsibleButton):
    STANDS_FOR = "slicer.qMRMLCollapsibleButton"
    mrmlSceneChanged = Signal(object)


@stand_in
class qMRMLSliderWidget(SceneWidget, ctkSliderWidget):
    STANDS_FOR = "slicer.qMRMLSliderWidget"
    mrmlSceneChanged = Signal(object)


@stand_in
class qMRMLNodeComboBox(SceneWidget, QtWidgets.QComboBox):
    """A list of the scene's nodes of some classes."""

    STANDS_FOR = "slicer.qMRMLNodeComboBox"
    SIGNATURES = (
        "mrmlSceneChanged(vtkMRMLScene*)",
        "currentNodeChanged(vtkMRMLNode*)",
        "nodeAdded(vtkMRMLNode*)",
        "nodeAddedByUser(vtkMRMLNode*)",
    )
    mrmlSceneChanged, currentNodeChanged, nodeAdded, nodeAddedByUser = (Signal(object) for _ in range(4))
    currentNodeIDChanged = Signal(str)
    nodeTypes = stored("QStringList", "nodeTypes", [], lambda self, _: self._fill())
    noneEnabled = stored(bool, "noneEnabled", False, lambda self, _: self._fill())
    showHidden, showChildNodeTypes = stored(bool, "showHidden", False), stored(bool, "showChildNodeTypes", True)
    addEnabled, removeEnabled = stored(bool, "addEnabled", True), stored(bool, "removeEnabled", True)
    renameEnabled, editEnabled = stored(bool, "renameEnabled", False), stored(bool, "editEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    baseName, noneDisplay = stored(str, "baseName", ""), stored(str, "noneDisplay", "None")

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.__dict__.update(_ids=[], _last=None, _observed=[])
        self.connect("currentIndexChanged(int)", lambda _: self._announce())

    def _scene_set(self, scene: Any) -> None:
        for observed, tag in self.__dict__["_observed"]:
            observed.RemoveObserver(tag)
        events = (
            ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndBatchProcessEvent", "EndImportEvent") if scene else ()
        )
        self.__dict__["_observed"] = [(scene, scene.AddObserver(getattr(scene, event), self._fill)) for event in events]
        self._fill()

    def _shown(self, node: Any) -> bool:
        fits = any(node.IsA(kind) if self.showChildNodeTypes else node.GetClassName() == kind for kind in self.nodeTypes)
        return fits and (self.showHidden or not node.GetHideFromEditors())

    def _fill(self, *_: Any) -> None:
        if not shiboken6.isValid(self):  # the widget went with its panel, the scene stays
            for observed, tag in self.__dict__["_observed"]:
                observed.RemoveObserver(tag)
            return
        scene, kept = self.mrmlScene(), self._node_id()
        blocked = self.blockSignals(True)
        self.clear()
        nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())] if scene else []
        listed = [("", self.noneDisplay)] if self.noneEnabled else []
        listed += [(node.GetID(), node.GetName()) for node in nodes if self._shown(node)]
        for _, name in listed:
            self.addItem(name)
        ids = self.__dict__["_ids"] = [identity for identity, _ in listed]
        if kept in ids:
            self.setCurrentIndex(ids.index(kept))
        self.blockSignals(blocked)
        self._announce()

    def _announce(self) -> None:
        identity = self._node_id()
        if identity != self.__dict__["_last"]:
            self.__dict__["_last"] = identity
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(identity)

    def _node_id(self) -> str:
        row, ids = self.currentIndex, self.__dict__.get("_ids", [])
        return ids[row] if 0 <= row < len(ids) else ""

    def _choose(self, identity: str) -> None:
        ids = self.__dict__["_ids"]
        self.setCurrentIndex(ids.index(identity) if identity in ids else 0 if self.noneEnabled else -1)

    currentNodeID = QtCore.Property(str, lambda self: self._node_id(), lambda self, identity: self._choose(identity))

    def currentNode(self) -> Any:
        identity = self._node_id()
        return self.mrmlScene().GetNodeByID(identity) if self.mrmlScene() and identity else None

    def setCurrentNode(self, node: Any) -> None:
        self._choose(node if isinstance(node, str) else node.GetID() if node else "")

    def setCurrentNodeID(self, identity: str) -> None:
        self._choose(identity)

    def addNode(self, class_name: str | None = None) -> Any:
        node = self.mrmlScene().AddNewNodeByClass(class_name or self.nodeTypes[0], self.baseName)
        self.setCurrentNode(node)
        return node

    def nodeCount(self) -> int:
        return len([identity for identity in self.__dict__["_ids"] if identity])


def install() -> None:
    """Put the widgets into the package `slicer`."""
    for widget in (qMRMLWidget, qMRMLCollapsibleButton, qMRMLSliderWidget, qMRMLNodeComboBox):
        setattr(slicer, widget.__name__, widget)
