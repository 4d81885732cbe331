"""The main window: module panel on the left, slice views in the middle, layouts as far as they show slice views."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from slicer_runtime.ctk_widgets import ctkCollapsibleButton, stand_in, stored
from slicer_runtime.slice_view import qMRMLSliceWidget

_NAMES = ("Red", "Yellow", "Green")


def _shown(layout: int) -> tuple[str, ...]:
    node = slicer.vtkMRMLLayoutNode
    one = {
        node.SlicerLayoutOneUpRedSliceView: ("Red",),
        node.SlicerLayoutOneUpYellowSliceView: ("Yellow",),
        node.SlicerLayoutOneUpGreenSliceView: ("Green",),
        node.SlicerLayoutSideBySideView: ("Red", "Yellow"),
    }
    return one.get(layout, _NAMES)


@stand_in
class qSlicerLayoutManager(QtCore.QObject):
    """slicer.app.layoutManager()."""

    STANDS_FOR = "slicer.qSlicerLayoutManager"
    layoutChanged = QtCore.Signal(int)
    threeDViewCount = QtCore.Property(int, lambda self: 0)
    tableViewCount = QtCore.Property(int, lambda self: 0)
    plotViewCount = QtCore.Property(int, lambda self: 0)

    def __init__(self, viewport: QtWidgets.QWidget) -> None:
        super().__init__(viewport)
        # A bare layout node: the layout logic would make slice nodes of its own.
        node = slicer.mrmlScene.AddNode(slicer.vtkMRMLLayoutNode())
        row = QtWidgets.QHBoxLayout(viewport)
        row.setContentsMargins(0, 0, 0, 0)
        widgets = {name: qMRMLSliceWidget(name, viewport) for name in _NAMES}
        for widget in widgets.values():
            row.addWidget(widget, 1)
        self.__dict__.update(_node=node, _widgets=widgets, _viewport=viewport)
        self._arrange(node.SlicerLayoutConventionalView)

    def _arrange(self, layout: int) -> None:
        self.__dict__["_layout"] = layout
        for name, widget in self.__dict__["_widgets"].items():
            shown = name in _shown(layout)
            widget.setVisible(shown)
            widget.mrmlSliceNode().SetMappedInLayout(int(shown))

    def setLayout(self, layout: int) -> None:
        node = self.__dict__["_node"]
        if not node.IsLayoutDescription(layout):
            node.AddLayoutDescription(layout, '<layout type="horizontal"/>')
        node.SetViewArrangement(layout)
        self._arrange(layout)
        self.layoutChanged.emit(layout)

    layout = QtCore.Property(int, lambda self: self.__dict__["_layout"], lambda self, layout: self.setLayout(layout))

    def viewport(self) -> QtWidgets.QWidget:
        return self.__dict__["_viewport"]

    def sliceViewNames(self) -> tuple[str, ...]:
        return _NAMES

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self.__dict__["_widgets"].get(name)

    def mrmlSliceLogics(self) -> Any:
        return slicer.app.applicationLogic().GetSliceLogics()

    def resetSliceViews(self) -> None:
        for widget in self.__dict__["_widgets"].values():
            widget.fitSliceToBackground()


@stand_in
class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """Chooses the module that the panel shows; leaving and entering as in the application."""

    STANDS_FOR = "slicer.qSlicerModuleSelectorToolBar"
    moduleSelected = QtCore.Signal(str)
    selectedModule = stored(str, "selectedModule", "")

    def selectModule(self, name: str) -> None:
        panel = self.__dict__["_panel"]
        current = panel.widget()
        entered = getattr(slicer.modules, name.lower()).widgetRepresentation() if name else None
        if current is not None:
            panel.takeWidget()
            current.hide()
            current.exit()
        self.__dict__["_selectedModule"] = name
        if entered is not None:
            panel.setWidget(entered)
            entered.show()
            entered.enter()
        self.moduleSelected.emit(name)


@stand_in
class qSlicerMainWindow(QtWidgets.QMainWindow):
    """slicer.util.mainWindow()."""

    STANDS_FOR = "slicer.qSlicerMainWindow"

    def moduleSelector(self) -> qSlicerModuleSelectorToolBar:
        return self.__dict__["_selector"]


def show(size: tuple[int, int] = (1280, 800)) -> qSlicerMainWindow:
    """Make and show the main window; the layout manager and module selector come with it."""
    window = qSlicerMainWindow()
    window.objectName = "qSlicerMainWindow"
    window.windowTitle = "3D Slicer 5.12 (test runtime)"
    viewport = QtWidgets.QWidget()
    window.setCentralWidget(viewport)
    slicer.app.__dict__["_layout_manager"] = qSlicerLayoutManager(viewport)
    panel = QtWidgets.QScrollArea()
    panel.setWidgetResizable(True)
    dock = QtWidgets.QDockWidget("Module panel")
    dock.objectName = "PanelDockWidget"
    dock.setWidget(panel)
    dock.setMinimumWidth(480)
    window.addDockWidget(QtCore.Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    selector = qSlicerModuleSelectorToolBar(window)
    selector.objectName = "ModuleSelectorToolBar"
    selector.__dict__["_panel"] = panel
    selector.hide()  # it has nothing to show
    window.__dict__["_selector"] = selector
    probe = ctkCollapsibleButton(window)
    probe.objectName = "DataProbeCollapsibleWidget"
    probe.hide()
    window.setStatusBar(QtWidgets.QStatusBar())
    window.resize(*size)
    window.show()
    window.activateWindow()
    slicer.app.processEvents()
    return window
