"""What Slicer's DICOM database and the scene hold of ultrasound: studies, the browser's selection, files of loaded data.

Nothing here reads a file: the database answers from its own tables. It has two kinds of UID: a study's is DICOM's, a
patient's is the database's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer

_ULTRASOUND = ("US", "IVUS")
_INSTANCES = "DICOM.instanceUIDs"  # what Slicer writes on every volume and sequence it loads from DICOM


@dataclass(frozen=True, slots=True)
class DatabaseStudy:
    """One study with ultrasound series, as the database lists it."""

    uid: str
    patient_uid: str
    patient: str
    date: str
    description: str
    series: tuple[str, ...]


def ultrasound_studies(database: Any) -> Iterator[DatabaseStudy]:
    """Studies that hold ultrasound, patient by patient; one by one, so that a long list can be filled in slices."""
    for patient in database.patients():
        name, identity = database.nameForPatient(patient), database.fieldForPatient("PatientID", patient)
        label = f"{name} ({identity})" if name and identity else name or identity or "?"
        for study in database.studiesForPatient(patient):
            series = tuple(
                uid for uid in database.seriesForStudy(study) if database.fieldForSeries("Modality", uid) in _ULTRASOUND
            )
            if series:
                date = database.fieldForStudy("StudyDate", study)
                yield DatabaseStudy(study, patient, label, date, database.descriptionForStudy(study), series)


def files_of(database: Any, study: DatabaseStudy) -> tuple[Path, ...]:
    """The files of a study's ultrasound series."""
    return tuple(Path(name) for series in study.series for name in database.filesForSeries(series))


def selected_studies(database: Any) -> frozenset[str]:
    """The studies that are selected in the DICOM browser, in whichever of its two forms is in use; empty when it is closed."""
    browser = getattr(getattr(slicer.modules, "DICOMInstance", None), "browserWidget", None)
    if browser is None:
        return frozenset()
    if getattr(browser, "useVisualDICOMBrowser", False):
        view = browser.dicomVisualBrowser.patientView()
        patients, studies, series = view.selectedPatientUIDs(), (), view.selectedSeriesInstanceUIDs()
    else:
        tables = browser.dicomBrowser.dicomTableManager()
        patients, studies = tables.currentPatientsSelection(), tables.currentStudiesSelection()
        series = tables.currentSeriesSelection()
    # The finest selection is meant: whoever clicks a series has its study and patient selected too.
    if series:
        return frozenset(study for study in (database.studyForSeries(uid) for uid in series) if study)
    if studies:
        return frozenset(studies)
    return frozenset(study for patient in patients for study in database.studiesForPatient(patient))


def loaded_files(database: Any, scene: Any) -> tuple[tuple[Path, ...], int]:
    """Files of the volumes and sequences in the scene that came from DICOM, and of how many instances there is no file."""
    wanted: dict[str, None] = {}
    for index in range(scene.GetNumberOfNodes()):
        wanted.update(dict.fromkeys((scene.GetNthNode(index).GetAttribute(_INSTANCES) or "").split()))
    files = {uid: database.fileForInstance(uid) for uid in wanted}
    found = tuple(dict.fromkeys(Path(name) for name in files.values() if name))
    return found, sum(not name for name in files.values())
