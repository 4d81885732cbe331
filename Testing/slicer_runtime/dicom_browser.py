"""The DICOM browser's selection in both of its forms: the table browser and the visual one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer
from PySide6 import QtWidgets

from slicer_runtime.application import Module, register
from slicer_runtime.ctk_widgets import stand_in


@stand_in
class ctkDICOMTableManager(QtWidgets.QWidget):
    """Three tables: patients, studies, series."""

    STANDS_FOR = "ctk.ctkDICOMTableManager"

    def _selection(self, level: str) -> tuple[str, ...]:
        return self.__dict__.get(f"_{level}", ())

    def currentPatientsSelection(self) -> tuple[str, ...]:
        return self._selection("patients")

    def currentStudiesSelection(self) -> tuple[str, ...]:
        return self._selection("studies")

    def currentSeriesSelection(self) -> tuple[str, ...]:
        return self._selection("series")


@stand_in
class ctkDICOMBrowser(QtWidgets.QWidget):
    STANDS_FOR = "ctk.ctkDICOMBrowser"

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.__dict__["_tables"] = ctkDICOMTableManager(self)

    def dicomTableManager(self) -> ctkDICOMTableManager:
        return self.__dict__["_tables"]


@stand_in
class ctkDICOMPatientView(QtWidgets.QListView):
    """Cards of patients with thumbnails of their series."""

    STANDS_FOR = "ctk.ctkDICOMPatientView"

    def selectedPatientUIDs(self) -> tuple[str, ...]:
        return self.__dict__.get("_patients", ())

    def selectedSeriesInstanceUIDs(self) -> tuple[str, ...]:
        return self.__dict__.get("_series", ())

    def selectPatientUIDs(self, uids: Iterable[str]) -> None:
        self.__dict__["_patients"] = tuple(uids)

    def selectSeriesInstanceUIDs(self, uids: Iterable[str]) -> None:
        self.__dict__["_series"] = tuple(uids)


@stand_in
class ctkDICOMVisualBrowserWidget(QtWidgets.QWidget):
    STANDS_FOR = "ctk.ctkDICOMVisualBrowserWidget"

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.__dict__["_view"] = ctkDICOMPatientView(self)

    def patientView(self) -> ctkDICOMPatientView:
        return self.__dict__["_view"]


class SlicerDICOMBrowser(QtWidgets.QWidget):
    """DICOMLib.SlicerDICOMBrowser: holds both browsers and shows one."""

    def __init__(self) -> None:
        super().__init__()
        self.useVisualDICOMBrowser = False
        self.dicomBrowser = ctkDICOMBrowser(self)
        self.dicomVisualBrowser = ctkDICOMVisualBrowserWidget(self)

    def toggleBrowsers(self, visual: bool) -> None:
        self.useVisualDICOMBrowser = visual
        self.dicomVisualBrowser.visible = visual
        self.dicomBrowser.visible = not visual

    def select(self, level: str, *uids: str) -> None:
        """What a person's clicks do, for tests: level is patients, studies or series."""
        if self.useVisualDICOMBrowser:
            view = self.dicomVisualBrowser.patientView()
            {"patients": view.selectPatientUIDs, "series": view.selectSeriesInstanceUIDs}[level](uids)
        else:
            self.dicomBrowser.dicomTableManager().__dict__[f"_{level}"] = uids


class DICOM:
    """slicer.modules.DICOMInstance; its browser is made when the DICOM module is first opened."""

    def __init__(self) -> None:
        self.browserWidget: Any = None

    def open(self) -> SlicerDICOMBrowser:
        """What selecting the DICOM module does."""
        self.browserWidget = SlicerDICOMBrowser()
        return self.browserWidget


def install() -> None:
    """Register the DICOM module, its browser not yet made."""
    register(Module("DICOM"))
    slicer.modules.DICOMInstance = DICOM()
