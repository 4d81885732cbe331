"""Exams from Slicer's DICOM database: the dialog, what is loaded, and the plugin of the DICOM module."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from repository import REPOSITORY

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample exam as files, an exam of a second patient, and a CT of someone else."""
    folder = tmp_path_factory.mktemp("files")
    with ZipFile(make_sample_exam(folder.parent / "sample.zip")) as archive:
        archive.extractall(folder)
    for name, uid, modality, description in (("ct.dcm", "2.25.1", "CT", "Head"), ("second.dcm", "2.25.3", "US", "Thyroid")):
        dataset = sample_dataset(next(iter(SampleKind)), number=int(uid[-1]))
        dataset.PatientID, dataset.PatientName, dataset.Modality, dataset.StudyDescription = uid, name, modality, description
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid, f"2.25.{int(uid[-1]) + 1}"
        (folder / name).write_bytes(dicom_bytes(dataset))
    return folder


@pytest.fixture
def database(clean_application: Any, folder: Path, tmp_path: Path) -> Iterator[Any]:
    """A DICOM database with that folder."""
    from DICOMLib import DICOMUtils

    with DICOMUtils.TemporaryDICOMDatabase(str(tmp_path / "database")) as temporary:
        assert DICOMUtils.importDicom(str(folder), temporary)
        yield temporary


@pytest.fixture
def dialog(database: Any, module_path: None) -> Iterator[Any]:
    """The dialog, filled; `dialog.added` is what it gave to the panel."""
    import slicer
    from USDICOMizerGUI.dicom_database import DatabaseDialog

    added: list[Path] = []
    made = DatabaseDialog(slicer.util.mainWindow(), database, added.extend)
    made.added = added
    yield made
    made.cleanup()


@pytest.fixture
def module_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "USDICOMizer"))


def opened(dialog: Any) -> Any:
    import slicer

    dialog.open()
    until = time.monotonic() + 10
    while dialog._work.is_busy:
        assert time.monotonic() < until
        slicer.app.processEvents()
    return dialog


def files_of_exam(database: Any) -> set[Path]:
    return {Path(name) for name in database.allFiles() if Path(name).name not in ("ct.dcm", "second.dcm")}


def test_only_studies_with_ultrasound_are_offered(dialog: Any) -> None:
    opened(dialog)
    assert {study.description for study in dialog._studies.values()} >= {"Thyroid"}
    assert "2.25.1" not in dialog._studies
    assert len(dialog._studies) == 2
    assert not dialog.add_button.enabled


@pytest.mark.parametrize("visual", [False, True], ids=["table browser", "visual browser"])
@pytest.mark.parametrize("level", ["patients", "studies", "series"])
def test_the_selection_of_the_browser_is_checked_already(dialog: Any, database: Any, visual: bool, level: str) -> None:
    import slicer

    if visual and level == "studies":
        pytest.skip("the visual browser selects patients and series")
    browser = slicer.modules.DICOMInstance.open()
    browser.toggleBrowsers(visual)
    uids = {"patients": database.patientForStudy("2.25.3"), "studies": "2.25.3", "series": "2.25.4"}
    browser.select(level, uids[level])
    opened(dialog)
    assert [study.uid for study in dialog.checked()] == ["2.25.3"]
    assert dialog.add_button.enabled


def test_a_series_selected_within_a_patient_means_its_study_only(dialog: Any, database: Any) -> None:
    import slicer

    browser = slicer.modules.DICOMInstance.open()
    browser.select("patients", *database.patients())
    browser.select("series", "2.25.4")
    opened(dialog)
    assert [study.uid for study in dialog.checked()] == ["2.25.3"]


def test_checking_a_study_and_add_hands_its_files_over(dialog: Any, database: Any) -> None:
    from PySide6 import QtCore
    from slicer_runtime import hands

    opened(dialog)
    item = next(item for item in dialog._items() if item.text(0) != "Thyroid")
    box = dialog.tree.visualItemRect(item)
    hands.click(dialog.tree.viewport(), position=QtCore.QPoint(box.left() + 10, box.center().y()))
    hands.click(dialog.add_button)
    assert set(dialog.added) == files_of_exam(database)
    assert not dialog.dialog.visible


def test_searching_hides_what_does_not_match(dialog: Any) -> None:
    from slicer_runtime import hands

    opened(dialog)
    hands.type_text(dialog.search, "thyr")
    assert [item.text(0) for item in dialog._items() if not item.isHidden()] == ["Thyroid"]


def test_a_database_without_ultrasound_says_what_to_do(clean_application: Any, module_path: None) -> None:
    import slicer
    from USDICOMizerGUI.dicom_database import DatabaseDialog

    dialog = DatabaseDialog(slicer.util.mainWindow(), slicer.dicomDatabase, print)
    opened(dialog)
    assert "no ultrasound" in dialog.words.text
    dialog.cleanup()


def test_what_is_loaded_is_added_by_its_files(database: Any, module_path: None) -> None:
    import qt
    import slicer
    from USDICOMizerGUI.dicom_database import DatabaseInputs

    added, said = [], []
    row = qt.QHBoxLayout()
    inputs = DatabaseInputs(row, added.extend, said.append)
    inputs.add_loaded()
    assert added == [] and "Nothing that is loaded" in said[-1]
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
    instances = [database.instanceForFile(str(path)) for path in sorted(files_of_exam(database))]
    sequence.SetAttribute("DICOM.instanceUIDs", " ".join(instances[:2]))
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    volume.SetAttribute("DICOM.instanceUIDs", f"{instances[1]} 1.2.3")
    inputs.add_loaded()
    assert added == [Path(database.fileForInstance(uid)) for uid in instances[:2]]
    assert "1 loaded" in said[-1]
    inputs.cleanup()


@pytest.fixture
def plugin(database: Any, module_path: None) -> Any:
    import slicer
    from slicer_runtime import application, scripted_modules

    path = REPOSITORY / "USDICOMizer" / "USDICOMizerPlugin.py"
    scripted_modules.load(path)
    yield slicer.modules.dicomPlugins["USDICOMizerPlugin"]()
    scripted_modules.unload(application.Module("USDICOMizerPlugin"))


def test_the_plugin_offers_a_study_once_and_never_in_the_place_of_another(plugin: Any, database: Any) -> None:
    lists = [
        database.filesForSeries(uid)
        for study in database.studiesForPatient(database.patients()[0])
        for uid in database.seriesForStudy(study)
    ]
    loadables = plugin.examineForImport([*lists, database.filesForSeries("2.25.2"), database.filesForSeries("2.25.4"), ()])
    assert len(loadables) == 2
    assert {len(loadable.files) for loadable in loadables} == {1, sum(len(files) for files in lists)}
    assert all(loadable.confidence < 0.5 and not loadable.selected for loadable in loadables)


def test_loading_opens_the_module_with_the_exam(module_widget: Any, plugin: Any, database: Any) -> None:
    import slicer

    (loadable,) = plugin.examineForImport([database.filesForSeries("2.25.4")])
    assert plugin.load(loadable)
    until = time.monotonic() + 60
    while not module_widget.panel.session.order:
        assert time.monotonic() < until
        slicer.app.processEvents()
        time.sleep(0.01)
    assert len(module_widget.panel.session.order) == 1
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0  # nothing is loaded as Slicer loads it
