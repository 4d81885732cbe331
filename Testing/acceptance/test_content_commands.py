"""Content from the command line: crop boxes and sectors, presets that are learned, masks that are exchanged."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from layouts import make_screen
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from synthetic_screen import Screen

CURVED = 4


def write_exam(folder: Path, screen: Screen, count: int = 1) -> Path:
    """An exam of a scanner that writes no ultrasound regions."""
    folder.mkdir()
    study, series = generate_uid(), generate_uid()
    frames, rows, columns, _ = screen.frames.shape
    for number in range(1, count + 1):
        header = Dataset()
        header.file_meta = FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = UltrasoundMultiFrameImageStorage
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
        header.StudyInstanceUID, header.SeriesInstanceUID, header.InstanceNumber = study, series, number
        header.PatientID, header.PatientName, header.Modality = "P-4711", "Doe^Jane", "US"
        header.Manufacturer, header.ManufacturerModelName = "ACME", "Echo 3"
        header.NumberOfFrames, header.Rows, header.Columns = frames, rows, columns
        header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
        header.BitsAllocated = header.BitsStored = 8
        header.HighBit, header.PixelRepresentation = 7, 0
        header.PixelData = screen.frames.tobytes() + b"\0" * (screen.frames.size % 2)
        header.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture(scope="module")
def screen() -> Screen:
    return make_screen("curved", CURVED)


@pytest.fixture
def exam(tmp_path: Path, screen: Screen) -> Path:
    return write_exam(tmp_path / "exam", screen)


def rows_of(plan: Path) -> list[dict[str, str]]:
    with plan.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_picture_without_regions_leaves_with_its_outline_and_black_around(
    usdicomizer, exam: Path, screen: Screen, tmp_path: Path
):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--mask", "sector", "--accept-unreviewed")
    assert ran.status == 0, ran.stderr
    (archive,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(archive) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dcm"))
        opened.extract(name, tmp_path)
        manifest = opened.read(next(name for name in opened.namelist() if name.endswith("manifest.csv"))).decode()
    pixels = dcmread(tmp_path / name).pixel_array
    box = screen.box
    assert np.abs(np.subtract(pixels.shape[1:3], (box.height, box.width))).max() <= 4
    inside = screen.picture[box.top : box.bottom, box.left : box.right]
    corner = ~inside[: pixels.shape[1] // 8, : pixels.shape[2] // 8]
    assert corner.all() and not pixels[:, : corner.shape[0], : corner.shape[1]].any()
    assert "fan " in manifest


def test_a_reviewed_plan_teaches_a_preset_that_the_next_exam_follows(usdicomizer, exam: Path, tmp_path: Path, own_home: Path):
    plan = tmp_path / "private" / "plan.csv"
    assert usdicomizer("plan", exam, "--output", plan).status == 0
    (row,) = rows_of(plan)
    assert row["proposal"].startswith("content ")
    plan.write_text(plan.read_text(encoding="utf-8-sig").replace(",no,", ",yes,"), encoding="utf-8")
    ran = usdicomizer("plan", exam, "--plan", plan, "--learn")
    assert ran.status == 0, ran.stderr
    assert "# Settings of USDICOMizer." in (own_home / "settings.ini").read_text(encoding="utf-8")
    assert usdicomizer("plan", exam, "--output", tmp_path / "private" / "next.csv").status == 0
    (next_row,) = rows_of(tmp_path / "private" / "next.csv")
    assert next_row["proposal"].startswith("preset echo-3-")
    assert next_row["crop"] == row["crop"]


def test_learning_needs_a_plan_and_says_so(usdicomizer, exam: Path):
    ran = usdicomizer("plan", exam, "--learn")
    assert ran.status == 2
    assert "--plan FILE" in ran.stderr


def test_masks_of_slicer_ultrasound_go_out_and_come_in(usdicomizer, exam: Path, tmp_path: Path):
    private = tmp_path / "private"
    first = usdicomizer("plan", exam, "--mask", "sector", "--output", private / "plan.csv", "--sectors-to", private / "masks")
    assert first.status == 0, first.stderr
    (path,) = (private / "masks").iterdir()
    mask = json.loads(path.read_text())
    assert mask["mask_type"] == "fan"
    path.write_text(json.dumps(mask | {"radius2": mask["radius2"] - 40}))
    second = usdicomizer("plan", exam, "--output", private / "plan2.csv", "--sectors-from", private / "masks")
    assert second.status == 0, second.stderr
    (row,) = rows_of(private / "plan2.csv")
    assert (row["mask"], row["confidence"], row["proposal"]) == ("sector", "", "SlicerUltrasound")
    assert row["sector"].split()[4] == str(mask["radius2"] - 40)


def test_inspect_shows_doubtful_boxes_first_and_why(usdicomizer, tmp_path: Path, screen: Screen):
    folder = write_exam(tmp_path / "exam", screen, count=3)
    odd = dcmread(folder / "2.dcm")
    frames = np.frombuffer(odd.PixelData, np.uint8, screen.frames.size).reshape(screen.frames.shape)
    odd.PixelData = np.where(screen.picture[None, ..., None], 0, frames).astype(np.uint8).tobytes() + b"\0" * (frames.size % 2)
    odd.save_as(folder / "2.dcm")
    ran = usdicomizer("inspect", folder)
    assert ran.status == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if "cine of" in line]
    assert "002" in lines[0] and "doubtful-proposal" in ran.stdout
    assert "002 is doubtful: " in ran.stdout
