"""The options of the profile from the command line to the export: what leaves, what is claimed, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from judges import dciodvfy_errors
from planted import Plants, make_planted_exam
from pydicom import dcmread
from pydicom.dataset import Dataset
from real_files import real_file

from USDICOMizerLib.sample_exam import SAMPLE_PATIENT, SampleKind, dicom_bytes, make_sample_exam, sample_dataset

CHOICES = {
    "modified": ["--keep-dates", "modified", "--options", "retain-patient-characteristics,clean-descriptors"],
    "full": ["--keep-dates", "full", "--options", "retain-device-identity,retain-institution-identity"],
    "uids": ["--options", "retain-uids,clean-structured-content,clean-graphics"],
}


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


def headers(folder: Path) -> list[Dataset]:
    found = []
    for export in sorted(folder.glob("*.zip")):
        with ZipFile(export) as archive:
            members = [name for name in sorted(archive.namelist()) if name.endswith(".dcm")]
            found += [dcmread(BytesIO(archive.read(name)), stop_before_pixels=True) for name in members]
    return found


def codes(header: Dataset) -> Sequence[str]:
    return [item.CodeValue for item in header.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize("choice", CHOICES)
def test_an_export_with_options_passes_its_own_check_with_and_without_its_source(usdicomizer, exam, tmp_path, choice):
    out = tmp_path / "out"
    ran = usdicomizer("prepare", exam, "--output", out, "--accept-unreviewed", "--tag", "CFV-L", *CHOICES[choice])
    assert ran.status == 0, ran.stderr
    (export,) = out.glob("*.zip")
    assert usdicomizer("check", export).status == 0
    ran = usdicomizer("check", export, "--against", exam)
    assert ran.status == 0, ran.stdout
    family = SAMPLE_PATIENT.name.split("^")[0].encode()
    with ZipFile(export) as archive:
        assert not any(family in archive.read(name).upper() for name in archive.namelist())


def test_what_is_chosen_leaves_and_is_claimed_and_nothing_else(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", *CHOICES["modified"])
    assert "with: clean-descriptors, retain-longitudinal-modified-dates, retain-patient-characteristics" in ran.stderr
    for header in headers(tmp_path / "out"):
        assert codes(header) == ["113100", "113105", "113107", "113108"]
        assert header.LongitudinalTemporalInformationModified == "MODIFIED"
        assert (header.PatientSex, header.PatientAge, header.PatientWeight) == ("F", "063Y", 71)
        assert header.StudyTime == "090012" and header.StudyDate not in ("", "20240311")
        assert header.StudyDate == header.SeriesDate == header.ContentDate
        assert "StudyDescription" not in header, "it names the patient"
        assert "StationName" not in header and "InstitutionName" not in header
        assert header.PatientBirthDate in (None, "")


def test_what_was_cut_is_counted_and_not_quoted(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--options", "clean-descriptors")
    assert "descriptive texts were cut" in ran.stdout
    assert "duplex" not in (ran.stdout + ran.stderr).casefold()


def two_visits(folder: Path) -> tuple[Path, Path]:
    """Two exams of one person 41 days apart, over the end of a February with a leap day, under two Patient IDs."""
    paths = []
    for number, (day, patient_id) in enumerate([("20240201", "MRN-1"), ("20240313", "old-1")], start=1):
        dataset = sample_dataset(SampleKind.MONOCHROME_FRAME, number=number)
        for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate"):
            setattr(dataset, keyword, day)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, keyword, f"{dataset[keyword].value[:-4]}{number}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PatientID = dataset.OtherPatientIDsSequence[0].PatientID = patient_id
        paths.append(folder / f"visit{number}.dcm")
        paths[-1].write_bytes(dicom_bytes(dataset))
    return paths[0], paths[1]


def test_the_days_between_two_exams_of_one_person_survive(usdicomizer, tmp_path):
    visits = two_visits(tmp_path)
    subjects = tmp_path / "subjects.csv"
    subjects.write_text("id_old,id_new\nMRN-1,P-01\nold-1,P-01\n", encoding="utf-8")
    options = ["--accept-unreviewed", "--keep-dates", "modified", "--subjects", subjects]
    ran = usdicomizer("prepare", *visits, "--output", tmp_path / "out", *options)
    assert ran.status == 0, ran.stderr
    days = sorted(date.fromisoformat(header.StudyDate) for header in headers(tmp_path / "out"))
    assert (days[1] - days[0]).days == 41
    assert not {date(2024, 2, 1), date(2024, 3, 13)} & set(days)

    ran = usdicomizer("prepare", *visits, "--output", tmp_path / "again", *options)
    assert ran.status == 0, ran.stderr
    assert sorted(date.fromisoformat(header.StudyDate) for header in headers(tmp_path / "again")) == days
    private = ["--key", tmp_path / "other.key", "--linkage", tmp_path / "other linkage"]
    ran = usdicomizer("prepare", *visits, "--output", tmp_path / "other", *options, *private)
    assert ran.status == 0, ran.stderr
    others = sorted(date.fromisoformat(header.StudyDate) for header in headers(tmp_path / "other"))
    assert others != days and (others[1] - others[0]).days == 41


def test_a_check_against_both_visits_takes_no_shifted_date_for_a_leak(usdicomizer, tmp_path):
    """The shifted date of one visit may be the true date of another."""
    visits = two_visits(tmp_path)
    usdicomizer("prepare", visits[1], "--output", tmp_path / "out", "--accept-unreviewed", "--keep-dates", "modified")
    (export,) = (tmp_path / "out").glob("*.zip")
    (header,) = headers(tmp_path / "out")
    earlier = dcmread(visits[0])
    for element in earlier:
        if element.VR == "DA" and element.keyword != "PatientBirthDate":
            element.value = header.StudyDate
    earlier.save_as(visits[0])
    assert usdicomizer("check", export, "--against", *visits).status == 0


PLANTS = "clean-descriptors,clean-structured-content,clean-graphics"


def test_no_planted_identifier_survives_the_options_that_clean(usdicomizer, tmp_path):
    plants = Plants()
    source = make_planted_exam(tmp_path / "input", plants)
    out = tmp_path / "out"
    ran = usdicomizer("prepare", source, "--output", out, "--accept-unreviewed", "--options", PLANTS, "--keep-dates", "modified")
    assert ran.status == 0, ran.stderr
    (export,) = out.glob("*.zip")
    with ZipFile(export) as archive:
        content = b"".join(archive.read(name).lower() for name in archive.namelist())
    # Times of day stay, and among so many dates the shifted one of one attribute is the true one of another.
    told = {
        value: place for value, place in plants.places.items() if not value.replace(".", "").isdigit() or value.startswith("1.2.")
    }
    assert len(told) > 400
    assert sorted(place for value, place in told.items() if value.lower().encode() in content) == []


EVERY = "retain-patient-characteristics,retain-device-identity,retain-institution-identity,clean-descriptors"


@pytest.mark.parametrize("name", ["GREYSCALE_IMAGE", "JPGLosslessP14SV1_1s_1f_8b", "OBXXXX1A_2frame", "RGB_IMAGE"])
@pytest.mark.parametrize("chosen", [["--options", EVERY, "--keep-dates", "modified"], ["--options", "retain-uids"]])
def test_options_add_no_conformance_error_to_a_real_file(usdicomizer, tmp_path, name, chosen):
    source = real_file(name, tmp_path)
    ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--accept-unreviewed", "--crop", "0,60,200,200", *chosen)
    assert ran.status == 0, ran.stderr
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith(".dcm"))
        file = Path(archive.extract(member, tmp_path / "unpacked"))
    assert dciodvfy_errors(file) <= dciodvfy_errors(source)
    before, after = (dcmread(path, stop_before_pixels=True) for path in (source, file))
    assert (before.SOPInstanceUID == after.SOPInstanceUID) is ("retain-uids" in chosen)
    assert after.StudyDate != before.StudyDate and bool(after.StudyDate) is ("modified" in chosen)
    ran = usdicomizer("check", export, "--against", source)
    assert ran.status == 0, ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--options", "retain-uid"], "did you mean retain-uids"),
        (["--options", "clean-recognizable-visual-features"], "doesn't apply to ultrasound"),
        (["--options", "retain-safe-private"], "[safe_private]"),
        (["--options", "clean-pixel-data"], "hasn't reviewed"),
        (["--options", "retain-uids", "--keep-dates", "modified"], "don't go together"),
        (["--keep-dates", "some"], "invalid choice"),
        (["--profile", "none"], "invalid choice"),
    ],
)
def test_a_mistake_in_the_options_is_named_and_nothing_is_done(usdicomizer, exam, tmp_path, arguments, said):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", *arguments)
    assert ran.status == 2
    assert said in ran.stderr
    assert not (tmp_path / "out").exists()


def test_explain_shows_the_option_of_each_answer(usdicomizer, exam, tmp_path):
    ran = usdicomizer("inspect", exam, "--explain", "--json", *CHOICES["modified"])
    answers = {one["attribute"]: (one["action"], one["option"]) for one in ran.result["attributes"]}
    assert answers["StudyDate"] == ("shifted", "retain-longitudinal-modified-dates")
    assert answers["PatientAge"] == ("kept", "retain-patient-characteristics")
    assert answers["StudyDescription"] == ("cleaned", "clean-descriptors")
    assert answers["RequestAttributesSequence.RequestedProcedureID"] == ("removed", "")
    assert answers["InstitutionName"] == ("removed", "")


def test_other_options_are_other_work_for_resume(usdicomizer, exam, tmp_path):
    command = ["prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--resume", "--json"]
    assert usdicomizer(*command).result["outcomes"]["prepared"] == 4
    assert usdicomizer(*command).result["outcomes"]["unchanged"] == 4
    assert usdicomizer(*command, "--keep-dates", "modified").result["outcomes"]["prepared"] == 4
