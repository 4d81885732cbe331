"""`DICOMLib` as far as a plugin and its tests use it: plugin base class, loadables, importing, a temporary database."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore

from slicer_runtime.dicom_browser import SlicerDICOMBrowser
from slicer_runtime.dicom_database import ctkDICOMIndexer


class DICOMLoadable:
    """Something that can be loaded."""

    def __init__(self, qLoadable: Any = None) -> None:
        self.files: list[str] = list(qLoadable.files) if qLoadable else []
        self.name = qLoadable.name if qLoadable else "Unknown"
        self.tooltip = qLoadable.tooltip if qLoadable else "No further information available"
        self.warning = qLoadable.warning if qLoadable else ""
        self.selected = qLoadable.selected if qLoadable else False
        self.confidence = qLoadable.confidence if qLoadable else 0.5


class DICOMPlugin:
    """Base class of plugins: examines lists of files, with a cache by list."""

    def __init__(self) -> None:
        self.loadType = "Generic DICOM"
        self.loadableCache: dict[tuple[str, ...], list[DICOMLoadable]] = {}
        self.tags = {
            "seriesDescription": "0008,103E",
            "seriesNumber": "0020,0011",
            "frameOfReferenceUID": "0020,0052",
            "seriesInstanceUID": "0020,000E",
            "modality": "0008,0060",
            "instanceUID": "0008,0018",
            "sopClassUID": "0008,0016",
        }

    def getCachedLoadables(self, files: Sequence[str]) -> list[DICOMLoadable] | None:
        return self.loadableCache.get(tuple(files))

    def cacheLoadables(self, files: Sequence[str], loadables: list[DICOMLoadable]) -> None:
        self.loadableCache[tuple(files)] = loadables

    def examineForImport(self, fileLists: Sequence[Sequence[str]]) -> list[DICOMLoadable]:
        return []

    def examine(self, fileLists: Sequence[Sequence[str]]) -> list[DICOMLoadable]:
        return self.examineForImport(fileLists)

    def load(self, loadable: DICOMLoadable) -> Any:
        return True

    def examineForExport(self, subjectHierarchyItemID: int) -> list[Any]:
        return []


def importDicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
    """Import a folder."""
    indexer = ctkDICOMIndexer()
    indexer.addDirectory(dicomDatabase or slicer.dicomDatabase, str(dicomDataDir), copyFiles)
    indexer.waitForImportFinished()
    return True


def openDatabase(databaseDir: str) -> bool:
    slicer.dicomDatabase.closeDatabase()
    return slicer.dicomDatabase.openDatabase(f"{databaseDir}/ctkDICOM.sql")


def openTemporaryDatabase(directory: str | None = None) -> str:
    """Switch to another, empty database; returns the folder of the one before."""
    folder = Path(directory or "TempDICOMDatabase")
    folder = folder if folder.is_absolute() else Path(slicer.app.temporaryPath) / folder
    folder.mkdir(parents=True, exist_ok=True)
    original = QtCore.QSettings().value(slicer.dicomDatabaseDirectorySettingsKey)
    QtCore.QSettings().setValue(slicer.dicomDatabaseDirectorySettingsKey, str(folder))
    openDatabase(str(folder))
    slicer.dicomDatabase.initializeDatabase()
    return original


def closeTemporaryDatabase(originalDatabaseDir: str | None, cleanup: bool = True) -> bool:
    """Empty the temporary database and go back."""
    if cleanup:
        slicer.dicomDatabase.initializeDatabase()
    slicer.dicomDatabase.closeDatabase()
    if originalDatabaseDir is None:
        return True
    QtCore.QSettings().setValue(slicer.dicomDatabaseDirectorySettingsKey, originalDatabaseDir)
    return openDatabase(originalDatabaseDir)


class TemporaryDICOMDatabase:
    """Context: an empty database that is the application's while it lasts."""

    def __init__(self, directory: str | None = None) -> None:
        self.temporaryDatabaseDir, self.originalDatabaseDir = directory, None

    def __enter__(self) -> Any:
        self.originalDatabaseDir = openTemporaryDatabase(self.temporaryDatabaseDir)
        return slicer.dicomDatabase

    def __exit__(self, *_: Any) -> None:
        closeTemporaryDatabase(self.originalDatabaseDir)


def getLoadablesFromFileLists(
    fileLists: Sequence[Sequence[str]],
    pluginClassNames: Sequence[str] | None = None,
    messages: list[str] | None = None,
    progressCallback: Any = None,
    pluginInstances: dict[str, Any] | None = None,
) -> tuple[dict[Any, list[DICOMLoadable]], bool]:
    """Ask every registered plugin; (loadables by plugin, whether there are any)."""
    found = {}
    for name in pluginClassNames or slicer.modules.dicomPlugins:
        plugin = slicer.modules.dicomPlugins[name]()
        found[plugin] = plugin.examineForImport(fileLists)
    return found, any(found.values())


def install() -> None:
    """Make `import DICOMLib` and `from DICOMLib import DICOMUtils` work."""
    utilities = types.ModuleType("DICOMLib.DICOMUtils")
    for item in (
        importDicom,
        openDatabase,
        openTemporaryDatabase,
        closeTemporaryDatabase,
        TemporaryDICOMDatabase,
        getLoadablesFromFileLists,
    ):
        setattr(utilities, item.__name__, item)
    package = types.ModuleType("DICOMLib")
    package.__dict__.update({name: value for name, value in vars(utilities).items() if not name.startswith("_")})
    package.DICOMUtils, package.__path__ = utilities, []
    for item in (DICOMLoadable, DICOMPlugin, SlicerDICOMBrowser):
        setattr(package, item.__name__, item)
    sys.modules["DICOMLib"], sys.modules["DICOMLib.DICOMUtils"] = package, utilities
