"""A small scripted module that the tests of the runtime load: what Slicer's template shows, nothing of USDICOMizer."""

import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import *  # noqa: F403
from slicer.util import VTKObservationMixin


class ExampleModule(ScriptedLoadableModule):  # noqa: F405
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)  # noqa: F405
        parent.title = _("Example")
        parent.categories = ["Testing"]


class ExampleModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):  # noqa: F405
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)  # noqa: F405
        VTKObservationMixin.__init__(self)
        self.log = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)  # noqa: F405
        widget = slicer.util.loadUI(self.resourcePath("UI/ExampleModule.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.ui.runButton.connect("clicked(bool)", self.onRun)
        self.ui.anonCheck.connect("toggled(bool)", self.log.append)
        self.ui.outPath.connect("currentPathChanged(QString)", self.log.append)
        self.ui.roiSelector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node: self.log.append(node and node.GetName()))
        self.shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+Return"), slicer.util.mainWindow())
        self.shortcut.connect("activated()", self.onRun)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, lambda *_: self.log.append("closed"))

    def onRun(self, checked=False):
        self.ui.statusLabel.text = _("Done")
        self.log.append("run")

    def enter(self):
        self.log.append("entered")

    def exit(self):
        self.log.append("left")

    def cleanup(self):
        self.shortcut.setParent(None)
        self.removeObservers()
        self.log.append("cleaned up")
