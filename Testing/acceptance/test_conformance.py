"""An exam of several series has no error of the standard that its source did not have, and no more than images leave."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from judges import dcentvfy_errors, dciodvfy_errors
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from USDICOMizerLib.sample_exam import SampleKind, sample_dataset


def unpacked(folder: Path, into: Path) -> list[Path]:
    """The DICOM files of all exports in a folder."""
    files = []
    for export in sorted(folder.glob("*.zip")):
        with ZipFile(export) as archive:
            files += [Path(archive.extract(name, into / export.stem)) for name in archive.namelist() if name.endswith(".dcm")]
    return files


def several_series(folder: Path, *, character_set: str = "ISO_IR 100") -> list[Path]:
    """An exam of three series, the last of two instances, each with a frame of reference and its own laterality."""
    folder.mkdir()
    kinds = [SampleKind.RGB_FRAME, SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE, SampleKind.MONOCHROME_FRAME]
    frame_of_reference = [generate_uid(entropy_srcs=[f"frame of reference {number}"]) for number in range(3)]
    series = [generate_uid(entropy_srcs=[f"series {number}"]) for number in range(3)]
    paths = []
    for number, kind in enumerate(kinds):
        dataset = sample_dataset(kind, number=number + 1, frames=3 if kind.is_cine else None)
        which = min(number, 2)
        dataset.SpecificCharacterSet = character_set
        dataset.SeriesInstanceUID, dataset.SeriesNumber = series[which], which + 1
        dataset.FrameOfReferenceUID = frame_of_reference[which]
        dataset.SynchronizationFrameOfReferenceUID = frame_of_reference[0]
        dataset.Laterality, dataset.SeriesTime = "LR"[which % 2], "090307"
        dataset.PatientName, dataset.StageName = "Åström^Jörg", "Öppen"
        path = folder / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


@pytest.mark.parametrize("character_set", ["ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 100"])
def test_an_exam_of_several_series_agrees_as_well_as_its_source(usdicomizer, tmp_path, character_set):
    sources = several_series(tmp_path / "in", character_set=character_set)
    ran = usdicomizer("prepare", tmp_path / "in", "--output", tmp_path / "out", "--accept-unreviewed", "--tag", "CFV-L")
    assert ran.status == 0, ran.stderr
    outputs = unpacked(tmp_path / "out", tmp_path / "unpacked")
    assert len(outputs) == len(sources)
    assert dcentvfy_errors(outputs) <= dcentvfy_errors(sources)
    allowed = set().union(*map(dciodvfy_errors, sources))
    assert [error for output in outputs for error in dciodvfy_errors(output) if error not in allowed] == []
    headers = [dcmread(output, stop_before_pixels=True) for output in outputs]
    assert len({header.StudyInstanceUID for header in headers}) == 1
    assert len({header.SynchronizationFrameOfReferenceUID for header in headers}) == 1
    by_series = {(header.SeriesInstanceUID, header.FrameOfReferenceUID, header.SeriesNumber) for header in headers}
    assert len(by_series) == len({series for series, _, _ in by_series}) == 3
    assert {header.StageName for header in headers} == {"Öppen"}
    assert {header.SpecificCharacterSet for header in headers} == {"ISO_IR 192"}
    (export,) = (tmp_path / "out").glob("*.zip")
    assert usdicomizer("check", export).status == 0


def test_the_judge_of_exams_would_find_a_contradiction(tmp_path):
    sources = several_series(tmp_path / "in")
    dataset = dcmread(sources[3])
    dataset.SeriesNumber = 77  # in the same series as sources[2]
    dataset.save_as(sources[3])
    assert dcentvfy_errors(sources) - dcentvfy_errors(sources[:3])


def companions(folder: Path) -> None:
    """What accompanies the images of an exam: a report, a waveform, a volume, raw data."""
    kinds = (("88.33", "SR"), ("9.1.1", "ECG"), ("6.2", "US"), ("66", "US"))
    for number, (sop_class, modality) in enumerate(kinds):
        dataset = sample_dataset(SampleKind.MONOCHROME_FRAME, number=50 + number)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = f"1.2.840.10008.5.1.4.1.1.{sop_class}"
        dataset.Modality = modality
        del dataset.PixelData
        dataset.save_as(folder / f"companion {number}.dcm", enforce_file_format=True)


def test_reports_waveforms_and_volumes_are_refused_by_name_and_counted(usdicomizer, tmp_path):
    several_series(tmp_path / "in")
    companions(tmp_path / "in")
    ran = usdicomizer("prepare", tmp_path / "in", "--output", tmp_path / "out", "--accept-unreviewed", "--json")
    assert ran.status == 1
    assert (ran.result["outcomes"]["prepared"], ran.result["outcomes"]["refused"]) == (4, 4)
    refused = [one for exam in ran.result["exams"] for one in exam["instances"] if one["outcome"] == "refused"]
    assert {one["reason"] for one in refused} == {"unsupported-object"}
    named = " ".join(one["detail"] for one in refused)
    for name in ("Comprehensive SR", "12-lead ECG Waveform", "Enhanced US Volume", "Raw Data"):
        assert name in named
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        images = [dcmread(BytesIO(archive.read(name)), stop_before_pixels=True) for name in archive.namelist()[:-1]]
    assert all(image.SOPClassUID.name.startswith("Ultrasound") for image in images)


def test_a_dataset_of_nothing_has_errors(tmp_path):
    path = tmp_path / "nothing.dcm"
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME)
    bare = Dataset()
    bare.file_meta, bare.SOPClassUID, bare.SOPInstanceUID = dataset.file_meta, dataset.SOPClassUID, dataset.SOPInstanceUID
    bare.save_as(path, enforce_file_format=True)
    assert dciodvfy_errors(path)
