"""One patient, one subject: over runs, tables and issuers, and with runs at the same time."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from USDICOMizerLib.sample_exam import SAMPLE_PATIENT, SampleKind, dicom_bytes, sample_dataset


def visit(folder: Path, number: int, patient_id: str = SAMPLE_PATIENT.id, issuer: str = "", name: str = "") -> Path:
    """An exam of its own: one frame of a patient."""
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, keyword, f"{dataset[keyword].value[:-4]}{number + 1000}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PatientID, dataset.IssuerOfPatientID = patient_id, issuer or SAMPLE_PATIENT.issuer
    dataset.PatientName = name or dataset.PatientName
    path = folder / f"visit{number}.dcm"
    path.write_bytes(dicom_bytes(dataset))
    return path


def subjects_in(folder: Path) -> set[str]:
    return {path.stem.split("_")[0] for path in folder.glob("*.zip")}


def table(path: Path, **rows: str) -> Path:
    path.write_text("".join(["id_old,id_new\n", *(f"{old},{new}\n" for old, new in rows.items())]), encoding="utf-8")
    return path


def test_a_patient_keeps_the_subject_of_an_earlier_run(usdicomizer, tmp_path):
    out = tmp_path / "out"
    first, second = visit(tmp_path, 1, "MRN1"), visit(tmp_path, 2, "MRN1")
    listed = table(tmp_path / "subjects.csv", MRN1="P-01")
    ran = usdicomizer("prepare", first, "--output", out, "--accept-unreviewed", "--subjects", listed)
    assert ran.status == 0, ran.stderr
    others = table(tmp_path / "others.csv", MRN2="P-02")
    for options in (["--subjects", others], [], ["--subject", "P-09"]):
        ran = usdicomizer("prepare", second, "--output", out, "--accept-unreviewed", *options)
        assert ran.status == 2, ran.stdout
        assert "One patient would be two subjects" in ran.stderr and "P-01" in ran.stderr and "--subject" in ran.stderr
        assert "MRN1" not in ran.stderr
        assert len(list(out.glob("*.zip"))) == 1
    ran = usdicomizer("prepare", second, "--output", out, "--accept-unreviewed", "--subject", "P-01")
    assert ran.status == 0, ran.stderr
    assert subjects_in(out) == {"P-01"}


def test_a_run_that_refuses_all_of_an_exam_gives_nobody_a_subject(usdicomizer, tmp_path):
    """So that the second of the two ways on may name one."""
    exam, out = visit(tmp_path, 1), tmp_path / "out"
    assert usdicomizer("prepare", exam, "--output", out).status == 1
    ran = usdicomizer("prepare", exam, "--output", out, "--accept-unreviewed", "--subject", "STUDY-007")
    assert ran.status == 0, ran.stderr
    assert subjects_in(out) == {"STUDY-007"}


def test_one_id_of_two_issuers_is_of_two_patients(usdicomizer, tmp_path):
    exams = [
        visit(tmp_path, 1, "7001", "WARD A", "ROE^ANN"),
        visit(tmp_path, 2, "7001", "WARD B", "POE^SUE"),
    ]
    ran = usdicomizer("prepare", *exams, "--output", tmp_path / "out", "--accept-unreviewed")
    assert ran.status == 0, ran.stderr
    assert len(subjects_in(tmp_path / "out")) == 2
    again = usdicomizer("prepare", exams[1], "--output", tmp_path / "again", "--accept-unreviewed")
    assert again.status == 0, again.stderr
    assert subjects_in(tmp_path / "again") < subjects_in(tmp_path / "out")
    shared = table(tmp_path / "subjects.csv", **{"7001": "P-01"})
    ran = usdicomizer("prepare", *exams, "--output", tmp_path / "out", "--accept-unreviewed", "--subjects", shared)
    assert ran.status == 2 and "leave that row out" in ran.stderr


@pytest.mark.parametrize(("listed", "warned"), [("MRN-9", True), (SAMPLE_PATIENT.id, False)])
def test_a_table_that_names_no_patient_of_the_input_is_warned_of(usdicomizer, tmp_path, listed, warned):
    subjects = table(tmp_path / "subjects.csv", **{listed: "P-01"})
    exam = visit(tmp_path, 1)
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--subjects", subjects)
    assert ran.status == 0, ran.stderr
    assert ("names no patient" in ran.stderr) is warned


def test_runs_at_the_same_time_into_one_linkage_lose_no_row(tmp_path, own_home):
    count = 4
    exams = [visit(tmp_path, number, f"MRN{number}", name=f"PATIENT{number}^TEST") for number in range(count)]
    settings = [sys.executable, "-m", "USDICOMizerLib", "settings", "--new-key", own_home / "project.key"]
    environment = {**os.environ, "USDICOMIZER_HOME": str(own_home)}
    subprocess.run(settings, env=environment, check=True, capture_output=True)
    common = ["--key", own_home / "project.key", "--linkage", tmp_path / "linkage", "--accept-unreviewed", "--jobs", "1"]
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "USDICOMizerLib", "prepare", exam, "--output", tmp_path / f"out{number}", *common],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number, exam in enumerate(exams)
    ]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * count, said

    def rows(name: str) -> list[list[str]]:
        with (tmp_path / "linkage" / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.reader(stream))[1:]

    assert sorted(old for old, _ in rows("patid_mapping.csv")) == [f"MRN{number}" for number in range(count)]
    assert len(rows("exam_mapping.csv")) == len(rows("issuer_mapping.csv")) == len(rows("sources.csv")) == count
    audit = [json.loads(line) for line in (tmp_path / "linkage" / "audit.jsonl").read_text().splitlines()]
    assert sorted(line["export"] for line in audit) == sorted(path.name for path in tmp_path.glob("out*/*.zip"))
    uids = [old for old, _ in rows("uid_mapping.csv")]
    assert len(uids) == len(set(uids)) > count
