"""The self-test inside the application: the whole job on the sample exam, in a panel and a data folder of its own.

It needs what no test outside of the application has: PythonQt itself, the real layout manager, the installed extension.
Run it with Reload & Test, or `Slicer --testing --python-script`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import slicer

_HOME = "USDICOMIZER_HOME"  # where the library keeps settings, key and linkage
_SECONDS = 120


def run_whole_job(test: Any) -> None:
    """Add, tag, look, confirm, export and read back. `test` is the unittest.TestCase that reports."""
    from USDICOMizerLib.sample_exam import SAMPLE_PATIENT, make_sample_exam

    with TemporaryDirectory() as name, _data_folder(Path(name) / "home"), _other_panel_left():
        folder = Path(name)
        sample = make_sample_exam(folder / "exam.zip")
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        widget = _new_widget()
        try:
            test.delayDisplay("The panel is built")
            export = _prepare(test, widget.panel, sample, folder / "exports")
        finally:
            widget.exit()
            widget.cleanup()
            widget.parent.deleteLater()
        test.assertLessEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes + _SINGLETONS, "the module left nodes in the scene")
        _read_back(test, export, folder / "read", [part.encode() for part in SAMPLE_PATIENT.name.split("^") if part])
    test.delayDisplay("The whole job works")


# Slice composite and display nodes that the application makes when it first shows a volume, and keeps.
_SINGLETONS = 8


def _prepare(test: Any, panel: Any, sample: Path, destination: Path) -> Path:
    """The job by the panel's own buttons; returns the export."""
    from USDICOMizerLib.session_state import CropState
    from USDICOMizerLib.tags import Tag

    session = panel.session
    panel.add([sample])
    _wait(lambda: not panel.inputs.reading and len(session.order) > 0)
    test.delayDisplay(f"{len(session.order)} instances are listed")
    session.choose(destination=destination)
    vocabulary = session.settings.tags
    for number, identity in enumerate(session.order):
        session.select(identity)
        panel.tags.tag(Tag(vocabulary.sites[number], vocabulary.sides[0]))
        panel.review.button.click()  # shows what would leave
        _wait(lambda identity=identity: session.can_confirm(identity))
        session.select(identity)
        panel.review.button.click()  # confirms it
        test.assertIs(session.state(identity).crop, CropState.APPLIED)
    test.assertTrue(panel.export.export_button.isEnabled(), panel.export.readiness.text)
    panel.export.export_button.click()
    _wait(lambda: not panel.export.exporting)
    exports = sorted(destination.glob("*.zip"))
    test.assertEqual(len(exports), 1, panel.export.message.text)
    test.delayDisplay(panel.export.message.text)
    return exports[0]


def _read_back(test: Any, export: Path, folder: Path, names: list[bytes]) -> None:
    """Slicer's own reader reads every file, and none holds the patient's name."""
    with ZipFile(export) as archive:
        archive.extractall(folder)
    files = sorted(folder.rglob("*.dcm"))
    test.assertGreater(len(files), 0)
    for path in files:
        content = path.read_bytes()
        test.assertFalse(any(name in content for name in names), f"{path.name} names its patient")
        picture = read_by_slicer(path)
        test.assertIsNotNone(picture, f"Slicer can't read {path.name}")
        test.assertGreater(picture.GetNumberOfPoints(), 0)


def read_by_slicer(path: Path) -> Any:
    """The picture in a file, vtkImageData, as Slicer's own DICOM reader reads it; None where it can't."""
    is_grey = b"MONOCHROME" in path.read_bytes()
    reader = slicer.vtkITKArchetypeImageSeriesScalarReader() if is_grey else slicer.vtkITKArchetypeImageSeriesVectorReaderFile()
    reader.SetArchetype(str(path))
    reader.AddFileName(str(path))
    reader.SetSingleFile(True)
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.SetUseNativeOriginOn()
    reader.SetDICOMImageIOApproachToGDCM()
    reader.Update()
    return None if reader.GetErrorCode() else reader.GetOutput()


def _new_widget() -> Any:
    from USDICOMizer import USDICOMizerWidget

    widget = USDICOMizerWidget()  # without a parent it is a window of its own, and set up
    if widget.panel is None:
        raise AssertionError("the panel could not be built: a Python package is missing")
    widget.enter()
    return widget


def _wait(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not happened():
        if time.monotonic() > until:
            raise AssertionError("it took too long")
        slicer.app.processEvents()
        time.sleep(0.005)


@contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    """Settings, key and linkage of the test's own: the user's stay untouched."""
    before = os.environ.get(_HOME)
    os.environ[_HOME] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_HOME]
        else:
            os.environ[_HOME] = before


@contextmanager
def _other_panel_left() -> Iterator[None]:
    """The module's own panel, when it is open, lets go of the keys and slice views meanwhile."""
    widget = getattr(slicer.modules, "USDICOMizerWidget", None)
    panel = widget.panel if widget else None
    if panel is None:
        yield
        return
    panel.exit()
    try:
        yield
    finally:
        panel.enter()
