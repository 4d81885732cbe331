"""`check` judges any export: each way in which one can be wrong is found, and told without the value."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from USDICOMizerLib.sample_exam import SAMPLE_PATIENT, make_sample_exam


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


@pytest.fixture
def export(usdicomizer, exam, tmp_path) -> Path:
    assert usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--tag", "CFV-L").status == 0
    (path,) = (tmp_path / "out").glob("*.zip")
    return path


def rewritten(export: Path, target: Path, change: Callable[[dict[str, bytes]], None], comment: bytes = b"") -> Path:
    """A copy of the export in which `change` has edited the members."""
    with ZipFile(export) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with ZipFile(target, "w") as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def edited(edit: Callable[[Dataset], object]) -> Callable[[dict[str, bytes]], None]:
    """A change of the first instance's header."""

    def change(members: dict[str, bytes]) -> None:
        name = next(iter(members))
        dataset = dcmread(BytesIO(members[name]))
        edit(dataset)
        stream = BytesIO()
        dataset.save_as(stream)
        members[name] = stream.getvalue()

    return change


def truncated(members: dict[str, bytes]) -> None:
    name = next(iter(members))
    members[name] = members[name][:-5000]


def renamed(members: dict[str, bytes]) -> None:
    members["other.dcm"] = members.pop(next(iter(members)))


CHANGES = {
    "a birth date": (edited(lambda dataset: setattr(dataset, "PatientBirthDate", "19610214")), "residue"),
    "a private element": (edited(lambda ds: ds.private_block(0x0009, "ACME", create=True).add_new(1, "LO", "x")), "residue"),
    "no word that it was de-identified": (edited(lambda dataset: dataset.__delattr__("PatientIdentityRemoved")), "residue"),
    "another patient": (edited(lambda dataset: setattr(dataset, "PatientID", "S-OTHER")), "another patient"),
    "another size": (edited(lambda dataset: setattr(dataset, "Rows", 7)), "conformance"),
    "truncated pixels": (truncated, "conformance"),
    "a file that the manifest doesn't list": (renamed, "counts"),
    "no instance at all": (lambda members: members.clear(), "counts"),
    "text for DICOM": (lambda members: members.update({"x.dcm": b"Dear colleague"}), "conformance"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_fault_is_found(usdicomizer, export, tmp_path, change):
    edit, said = CHANGES[change]
    ran = usdicomizer("check", rewritten(export, tmp_path / "changed.zip", edit))
    assert ran.status == 1
    assert said in ran.stdout


def test_an_untouched_copy_has_no_fault(usdicomizer, export, tmp_path):
    assert usdicomizer("check", rewritten(export, tmp_path / "copy.zip", lambda members: None)).status == 0


def test_a_comment_of_the_zip_is_found(usdicomizer, export, tmp_path):
    copy = rewritten(export, tmp_path / "copy.zip", lambda members: None, comment=b"from ward 7")
    assert usdicomizer("check", copy).status == 1


def test_a_folder_is_checked_like_a_zip(usdicomizer, export, tmp_path):
    with ZipFile(export) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert usdicomizer("check", tmp_path / "unpacked").status == 0
    next((tmp_path / "unpacked").rglob("*.dcm")).unlink()
    assert usdicomizer("check", tmp_path / "unpacked").status == 1


def test_a_name_that_came_back_is_found_only_with_the_source_to_compare_and_is_not_repeated(usdicomizer, export, exam, tmp_path):
    family_name = SAMPLE_PATIENT.name.split("^")[0]
    leak = edited(lambda dataset: setattr(dataset, "TransducerData", [f"probe of {family_name}", "", ""]))
    changed = rewritten(export, tmp_path / "changed.zip", leak)
    ran = usdicomizer("check", changed, "--against", exam)
    assert ran.status == 1
    assert "TransducerData" in ran.stdout
    assert family_name.casefold() not in (ran.stdout + ran.stderr).casefold()


def test_what_is_no_export_is_a_wrong_command(usdicomizer, tmp_path):
    assert usdicomizer("check", tmp_path / "nothing.zip").status == 2
