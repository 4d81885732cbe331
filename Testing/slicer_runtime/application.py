"""`slicer.app`, `slicer.modules`, `slicer.mrmlScene`: the application around the real MRML and logics of slicer-core."""

from __future__ import annotations

import os
import tempfile
import types
from pathlib import Path
from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

Signal = QtCore.Signal

# Logics of the loadable modules that the panel works with; "Data" makes a removed markup take its display node along.
_LOGICS = {
    "Markups": "vtkSlicerMarkupsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
}


class Module(types.SimpleNamespace):
    """One entry of `slicer.modules`: qSlicerScriptedLoadableModule or a loadable module."""

    def __init__(self, name: str, path: str = "", logic: Any = None) -> None:
        super().__init__(
            name=name,
            path=path,
            title=name,
            categories=[],
            dependencies=[],
            contributors=[],
            helpText="",
            acknowledgementText="",
            associatedNodeTypes=[],
            hidden=False,
            icon=None,
            widgetRepresentationCreationEnabled=True,
        )
        self._logic, self._representation = logic, None

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        """The widget of the module, made when it is first asked for."""
        from slicer_runtime import scripted_modules

        if self._representation is None and self.path:
            self._representation = scripted_modules.make_representation(self)
        return self._representation


class ModuleManager(QtCore.QObject):
    """slicer.app.moduleManager()."""

    STANDS_FOR = "slicer.qSlicerModuleManager"
    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)
    moduleUnloaded = Signal(str)

    def module(self, name: str) -> Module | None:
        return getattr(slicer.modules, name.lower(), None)

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(vars(slicer.moduleNames))


class CommandOptions(QtCore.QObject):
    """slicer.app.commandOptions()."""

    STANDS_FOR = "slicer.qSlicerCommandOptions"
    runPythonAndExit = QtCore.Property(bool, lambda self: False, lambda self, value: None)


class Application(QtWidgets.QApplication):
    """qSlicerApplication as far as scripts use it; settings and temporary files stay in `home`."""

    STANDS_FOR = "slicer.qSlicerApplication"
    SIGNATURES = ("mrmlSceneChanged(vtkMRMLScene*)",)
    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    applicationVersion = QtCore.Property(str, lambda self: "5.12.0")
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 12)
    releaseType = QtCore.Property(str, lambda self: "Stable")
    revision = QtCore.Property(str, lambda self: "34000")
    os = QtCore.Property(str, lambda self: {"nt": "win", "posix": "linux"}.get(os.name, "linux"))
    slicerHome = QtCore.Property(str, lambda self: str(self.__dict__["_home"]))
    launcherExecutableFilePath = QtCore.Property(str, lambda self: str(self.__dict__["_home"] / "Slicer"))
    temporaryPath = QtCore.Property(str, lambda self: str(self.__dict__["_home"] / "temporary"))
    documentationBaseUrl = QtCore.Property(str, lambda self: "https://slicer.readthedocs.io/en/5.12/")

    def __init__(self, home: Path, testing: bool) -> None:
        super().__init__(["Slicer"])
        (home / "temporary").mkdir(parents=True, exist_ok=True)
        self.__dict__.update(_home=home, _testing=testing, _manager=ModuleManager(), _layout_manager=None)
        self.__dict__["_options"] = CommandOptions(self)
        self.setApplicationName("Slicer")
        self.setOrganizationName("slicer-runtime")
        settings = QtCore.QSettings
        settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(home / "settings"))
        settings.setDefaultFormat(settings.Format.IniFormat)

    def applicationLogic(self) -> Any:
        return _application_logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def moduleManager(self) -> ModuleManager:
        return self.__dict__["_manager"]

    def moduleLogic(self, name: str) -> Any:
        return getattr(slicer.modules, name.lower()).logic()

    def layoutManager(self) -> Any:
        return self.__dict__["_layout_manager"]

    def dicomDatabase(self) -> Any:
        return getattr(slicer, "dicomDatabase", None)

    def commandOptions(self) -> CommandOptions:
        return self.__dict__["_options"]

    def testingEnabled(self) -> bool:
        return self.__dict__["_testing"]

    def settings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    userSettings = revisionUserSettings = settings

    def startupEnvironment(self) -> QtCore.QProcessEnvironment:
        return QtCore.QProcessEnvironment.systemEnvironment()

    def environment(self) -> QtCore.QProcessEnvironment:
        return QtCore.QProcessEnvironment.systemEnvironment()

    def translate(self, _: str, text: str) -> str:
        return text

    def pauseRender(self) -> None:
        self.__dict__["_paused"] = self.__dict__.get("_paused", 0) + 1

    def resumeRender(self) -> None:
        self.__dict__["_paused"] = max(0, self.__dict__.get("_paused", 0) - 1)

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"https://slicer.readthedocs.io/en/5.12/user_guide/modules/{name.lower()}.html"


_application_logic: Any = None


def boot(home: Path | None = None, *, testing: bool = True) -> Application:
    """Make the application, an empty scene and the logics; the second call returns the first one's application."""
    global _application_logic
    if getattr(slicer, "app", None) is not None:
        return slicer.app
    slicer.app = Application(home or Path(tempfile.mkdtemp(prefix="slicer-runtime-")), testing)
    scene = slicer.mrmlScene = slicer.vtkMRMLScene()
    logic = _application_logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    for singleton in (slicer.vtkMRMLSelectionNode(), slicer.vtkMRMLInteractionNode()):
        scene.AddNode(singleton)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    slicer.modules, slicer.moduleNames = types.SimpleNamespace(), types.SimpleNamespace()
    slicer.modules.dicomPlugins = {}
    for name, class_name in _LOGICS.items():
        module_logic = getattr(slicer, class_name)()
        module_logic.SetMRMLScene(scene)
        module_logic.SetMRMLApplicationLogic(logic)
        logic.SetModuleLogic(name, module_logic)
        register(Module(name, logic=module_logic))
    return slicer.app


def register(module: Module) -> None:
    """Make a module known as slicer.modules.name and slicer.moduleNames.Name."""
    setattr(slicer.modules, module.name.lower(), module)
    setattr(slicer.moduleNames, module.name, module.name)
