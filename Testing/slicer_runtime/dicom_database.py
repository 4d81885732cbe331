"""`slicer.dicomDatabase`: ctkDICOMDatabase's method names over SQLite and pydicom.

As in CTK, patients have an internal UID that is no DICOM UID, tags are written "0008,0060", and what is not there is "".
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore

from slicer_runtime.ctk_widgets import stand_in, stored

Signal = QtCore.Signal

_SCHEMA = """
create table patients (uid integer primary key, patientid text, name text, birthdate text, unique (patientid, name, birthdate));
create table studies (uid text primary key, patient integer, date text, description text);
create table series (uid text primary key, study text, modality text, description text, number text);
create table images (uid text primary key, series text, file text, number integer);
"""
_FIELDS = {
    "patients": {"PatientsName": "name", "PatientID": "patientid", "PatientsBirthDate": "birthdate"},
    "studies": {"StudyDate": "date", "StudyDescription": "description"},
    "series": {"Modality": "modality", "SeriesDescription": "description", "SeriesNumber": "number"},
}


@stand_in
class ctkDICOMDatabase(QtCore.QObject):
    """A database of the files that were imported; they stay where they are."""

    STANDS_FOR = "ctk.ctkDICOMDatabase"
    databaseChanged, opened, closed = Signal(), Signal(), Signal()
    patientAdded = Signal(int, str, str, str)
    studyAdded, seriesAdded, instanceAdded = Signal(str), Signal(str), Signal(str)
    lastError = stored(str, "lastError", "")
    databaseFilename = stored(str, "databaseFilename", "")
    databaseDirectory = QtCore.Property(str, lambda self: str(Path(self.databaseFilename).parent))
    isOpen = QtCore.Property(bool, lambda self: self.__dict__.get("_connection") is not None)

    def openDatabase(self, path: str, connectionName: str = "") -> bool:
        fresh = not Path(path).exists() or Path(path).stat().st_size == 0
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.__dict__["_connection"] = sqlite3.connect(path)
        self.__dict__["_databaseFilename"] = path
        if fresh:
            self.__dict__["_connection"].executescript(_SCHEMA)
        self.opened.emit()
        return True

    def closeDatabase(self) -> None:
        if self.isOpen:
            self.__dict__["_connection"].close()
            self.__dict__["_connection"] = None
            self.closed.emit()

    def initializeDatabase(self) -> bool:
        for table in ("patients", "studies", "series", "images"):
            self.__dict__["_connection"].execute(f"delete from {table}")
        self.__dict__["_connection"].commit()
        self.databaseChanged.emit()
        return True

    def schemaVersion(self) -> str:
        return "0.8.0"

    schemaVersionLoaded = schemaVersion

    def _all(self, query: str, *values: Any) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self.__dict__["_connection"].execute(query, values))

    def _one(self, query: str, *values: Any) -> str:
        found = self._all(query, *values)
        return found[0] if found and found[0] != "None" else ""

    def insert(self, path: str, storeFile: bool = True, generateThumbnail: bool = True) -> None:
        from pydicom import dcmread
        from pydicom.errors import InvalidDicomError

        try:
            header = dcmread(path, stop_before_pixels=True)
        except (InvalidDicomError, OSError):
            return
        connection = self.__dict__["_connection"]

        def text(keyword: str) -> str:
            return str(header.get(keyword, ""))

        person = (text("PatientID"), text("PatientName"), text("PatientBirthDate"))
        connection.execute("insert or ignore into patients (patientid, name, birthdate) values (?, ?, ?)", person)
        query = "select uid from patients where patientid = ? and name = ? and birthdate = ?"
        patient = connection.execute(query, person).fetchone()[0]
        study = (header.StudyInstanceUID, patient, text("StudyDate"), text("StudyDescription"))
        connection.execute("insert or ignore into studies values (?, ?, ?, ?)", study)
        series = (header.SeriesInstanceUID, study[0], text("Modality"), text("SeriesDescription"), text("SeriesNumber"))
        connection.execute("insert or ignore into series values (?, ?, ?, ?, ?)", series)
        image = (header.SOPInstanceUID, series[0], str(path), int(header.get("InstanceNumber") or 0))
        connection.execute("insert or replace into images values (?, ?, ?, ?)", image)
        connection.commit()
        self.instanceAdded.emit(header.SOPInstanceUID)
        self.databaseChanged.emit()

    def patients(self) -> tuple[str, ...]:
        return self._all("select uid from patients")

    def studiesForPatient(self, patient: str) -> tuple[str, ...]:
        return self._all("select uid from studies where patient = ?", patient)

    def seriesForStudy(self, study: str) -> tuple[str, ...]:
        return self._all("select uid from series where study = ?", study)

    def instancesForSeries(self, series: str, hits: int = -1) -> tuple[str, ...]:
        return self._all("select uid from images where series = ? order by number limit ?", series, hits)

    def filesForSeries(self, series: str, hits: int = -1) -> tuple[str, ...]:
        return self._all("select file from images where series = ? order by number limit ?", series, hits)

    def allFiles(self) -> tuple[str, ...]:
        return self._all("select file from images")

    def studyForSeries(self, series: str) -> str:
        return self._one("select study from series where uid = ?", series)

    def patientForStudy(self, study: str) -> str:
        return self._one("select patient from studies where uid = ?", study)

    def fileForInstance(self, instance: str) -> str:
        return self._one("select file from images where uid = ?", instance)

    def instanceForFile(self, path: str) -> str:
        return self._one("select uid from images where file = ?", str(path))

    def seriesForFile(self, path: str) -> str:
        return self._one("select series from images where file = ?", str(path))

    def descriptionForStudy(self, study: str) -> str:
        return self.fieldForStudy("StudyDescription", study)

    def descriptionForSeries(self, series: str) -> str:
        return self.fieldForSeries("SeriesDescription", series)

    def nameForPatient(self, patient: str) -> str:
        return self.fieldForPatient("PatientsName", patient)

    displayedNameForPatient = nameForPatient

    def _field(self, table: str, field: str, uid: str) -> str:
        column = _FIELDS[table].get(field)
        return self._one(f"select {column} from {table} where uid = ?", uid) if column else ""

    def fieldForPatient(self, field: str, patient: str) -> str:
        return self._field("patients", field, patient)

    def fieldForStudy(self, field: str, study: str) -> str:
        return self._field("studies", field, study)

    def fieldForSeries(self, field: str, series: str) -> str:
        return self._field("series", field, series)

    def fileValue(self, path: str, tag: str) -> str:
        from pydicom import dcmread

        if not path:
            return ""
        element = dcmread(path, stop_before_pixels=True).get(int(tag.replace(",", ""), 16))
        return "" if element is None or element.value is None else str(element.value)

    def instanceValue(self, instance: str, tag: str) -> str:
        return self.fileValue(self.fileForInstance(instance), tag)

    def patientsCount(self) -> int:
        return len(self.patients())


@stand_in
class ctkDICOMIndexer(QtCore.QObject):
    """Imports folders and files."""

    STANDS_FOR = "ctk.ctkDICOMIndexer"

    def addDirectory(self, database: ctkDICOMDatabase, folder: str, copyFile: bool = False) -> None:
        self.addListOfFiles(database, sorted(str(path) for path in Path(folder).rglob("*") if path.is_file()), copyFile)

    def addListOfFiles(self, database: ctkDICOMDatabase, files: Iterable[str], copyFile: bool = False) -> None:
        for path in files:
            database.insert(path, False, False)

    def waitForImportFinished(self) -> None:
        """Importing has finished when it returns here."""


def open_main(home: Path) -> None:
    """Open the application's database, empty, as startup does."""
    slicer.dicomDatabaseDirectorySettingsKey = "DatabaseDirectory_0.8.0"
    if not hasattr(slicer, "dicomDatabase"):
        slicer.dicomDatabase = ctkDICOMDatabase()
    slicer.dicomDatabase.closeDatabase()
    slicer.dicomDatabase.openDatabase(str(home / "dicom" / "ctkDICOM.sql"))
    slicer.dicomDatabase.initializeDatabase()
    QtCore.QSettings().setValue(slicer.dicomDatabaseDirectorySettingsKey, str(home / "dicom"))
