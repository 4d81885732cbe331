"""Scripted modules: the base classes of slicer.ScriptedLoadableModule, and loading and showing a module as Slicer does."""

from __future__ import annotations

import importlib.util
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from slicer_runtime import application, qt_errors
from slicer_runtime.ctk_widgets import stand_in
from slicer_runtime.mrml_widgets import qMRMLWidget


class ScriptedLoadableModule:
    """What a module tells of itself."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        for extension in (".svg", ".png"):
            icon = Path(self.resourcePath("Icons")) / f"{self.moduleName}{extension}"
            if icon.is_file():
                parent.icon = QtGui.QIcon(str(icon))
                break
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        url = slicer.app.documentationBaseUrl + docPage if docPage else slicer.app.moduleDocumentationUrl(self.moduleName)
        return f'<p>For more information see the <a href="{url}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **arguments: Any) -> None:
        case = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")()
        case.messageDelay = msec
        case.runTest(**arguments)


class ScriptedLoadableModuleWidget:
    """The panel of a module."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        alone = parent is None
        if alone:
            parent = slicer.qMRMLWidget()
            parent.setLayout(QtWidgets.QVBoxLayout())
            parent.setMRMLScene(slicer.mrmlScene)
        self.parent, self.layout = parent, parent.layout()
        if alone:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """The developer section ("Reload && Test") is the application's; a test reloads through slicer.util."""

    def cleanup(self) -> None:
        """Called before the module is unloaded or reloaded."""

    def onReload(self) -> None:
        """The application's button "Reload"."""
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """The logic of a module, with its parameter node."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        nodes = self.getAllParameterNodes()
        return nodes[0] if nodes else slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The self-test of a module."""

    messageDelay = 50

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        print(message)
        slicer.app.processEvents()

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(0)

    def runTest(self, **_: Any) -> None:
        self.setUp()


class ScriptedModule(application.Module):
    """qSlicerScriptedLoadableModule."""


@stand_in
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The frame that Slicer makes for a scripted widget."""

    STANDS_FOR = "slicer.qSlicerScriptedLoadableModuleWidget"

    def __init__(self, module: ScriptedModule) -> None:
        super().__init__()
        self.__dict__.update(_module=module, _widget=None)
        self.setLayout(QtWidgets.QVBoxLayout())
        self.setMRMLScene(slicer.mrmlScene)
        self.reload()

    def self(self) -> Any:
        return self.__dict__["_widget"]

    def reload(self) -> None:
        """Make the Python widget (anew) and set it up, as `setup` and `reload` of the C++ class do."""
        module = self.__dict__["_module"]
        widget = getattr(sys.modules[module.name], f"{module.name}Widget")(self)
        self.__dict__["_widget"] = widget
        setattr(slicer.modules, f"{module.name}Widget", widget)
        widget.setup()
        self.layout().addStretch(1)

    def enter(self) -> None:
        getattr(self.self(), "enter", lambda: None)()

    def exit(self) -> None:
        getattr(self.self(), "exit", lambda: None)()


def make_representation(module: ScriptedModule) -> qSlicerScriptedLoadableModuleWidget:
    return qSlicerScriptedLoadableModuleWidget(module)


def load(path: Path) -> ScriptedModule:
    """Import a module's file and register it; the module's folder goes on sys.path, as in the application."""
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    python_module = importlib.util.module_from_spec(spec)
    sys.modules[name] = python_module
    spec.loader.exec_module(python_module)
    module = ScriptedModule(name, str(path))
    application.register(module)
    setattr(slicer.modules, f"{name}Instance", getattr(python_module, name)(module))
    return module


def unload(module: ScriptedModule) -> None:
    """What the application does when it ends: the widget cleans up, then its frame goes."""
    slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(module.name)
    frame = module._representation
    if frame is not None:
        module._representation = None
        frame.setParent(None)
        frame.deleteLater()
        slicer.app.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete.value)
    for name in (module.name.lower(), f"{module.name}Widget", f"{module.name}Instance"):
        vars(slicer.modules).pop(name, None)
    sys.modules.pop(module.name, None)


def install() -> None:
    """Make `slicer.ScriptedLoadableModule` importable."""
    public = [ScriptedLoadableModule, ScriptedLoadableModuleWidget, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest]
    module = types.ModuleType("slicer.ScriptedLoadableModule")
    module.__all__ = [cls.__name__ for cls in public]
    for cls in public:
        setattr(module, cls.__name__, cls)
    sys.modules[module.__name__] = slicer.ScriptedLoadableModule = module
    slicer.qSlicerScriptedLoadableModule = ScriptedModule
    slicer.qSlicerScriptedLoadableModuleWidget = qSlicerScriptedLoadableModuleWidget
    slicer.qSlicerModuleManager = application.ModuleManager
    qt_errors.take()
