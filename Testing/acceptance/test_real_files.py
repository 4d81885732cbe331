"""The real files of the packages, through whole commands."""

from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZipFile

import pytest
from judges import dciodvfy_errors
from pydicom import dcmread
from real_files import NAMES, real_file, real_files

# Fits in the smallest of them, which has 80 columns and 60 rows.
BOX = "10,8,70,50"

TYPE_2 = """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID
    SeriesNumber Manufacturer InstanceNumber
""".split()


def fingerprints() -> dict[Path, tuple[str, int]]:
    return {path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in real_files()}


def test_every_file_is_prepared_with_a_box_and_the_sources_stay_as_they_were(usdicomizer, tmp_path):
    before = fingerprints()
    ran = usdicomizer("prepare", *real_files(), "--output", tmp_path / "out", "--crop", BOX, "--accept-unreviewed", "--json")
    assert ran.status == 0, ran.stderr
    assert ran.result["outcomes"]["prepared"] == len(real_files())
    assert ran.result["outcomes"]["refused"] == ran.result["outcomes"]["failed"] == 0
    assert fingerprints() == before


def test_whole_frames_that_nobody_has_seen_are_all_refused(usdicomizer, tmp_path):
    ran = usdicomizer("prepare", *real_files(), "--output", tmp_path / "out", "--crop", "none", "--accept-unreviewed", "--json")
    assert ran.status == 1
    reasons = [instance["reason"] for exam in ran.result["exams"] for instance in exam["instances"]]
    assert reasons == ["not-reviewed"] * len(real_files())
    assert not list((tmp_path / "out").glob("*.zip"))


def test_automatic_crops_are_prepared_or_refused_for_a_reason_that_is_true(usdicomizer, tmp_path):
    ran = usdicomizer("prepare", *real_files(), "--output", tmp_path / "out", "--accept-unreviewed", "--json")
    instances = [instance for exam in ran.result["exams"] for instance in exam["instances"]]
    assert {(instance["outcome"], instance["reason"]) for instance in instances} <= {
        ("prepared", ""),
        ("refused", "no-crop"),
        ("refused", "doubtful-proposal"),
        ("refused", "not-reviewed"),
    }
    # Where the header has no region the content proposes, but for the one that is a part of a picture: 60 x 80 pixels.
    assert sum(instance["reason"] == "no-crop" for instance in instances) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_output_has_no_error_that_the_source_did_not_have_and_keeps_what_is_type_2(usdicomizer, tmp_path, name):
    source = real_file(name, tmp_path)
    ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--crop", BOX, "--accept-unreviewed", "--tag", "FV-D-L")
    assert ran.status == 0, ran.stderr
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        (member,) = [entry for entry in archive.namelist() if entry.endswith(".dcm")]
        output = Path(archive.extract(member, tmp_path / "unpacked"))
    assert dciodvfy_errors(output) <= dciodvfy_errors(source)
    header = dcmread(output, stop_before_pixels=True)
    assert [keyword for keyword in TYPE_2 if keyword not in header] == []
    header.decode()
    assert "\ufffd" not in str(header)
