"""`check` judges any export: each way in which one can be wrong is found, and told without the value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

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
            archive.writestr(ZipInfo(name), content)  # ZipInfo's own time is the earliest that a ZIP can tell
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


def extended(members: dict[str, bytes]) -> None:
    for name in [name for name in members if name.endswith(".dcm")]:
        members[name] += struct.pack("<HH", 0xFFFC, 0xFFFC) + b"OB\0\0" + struct.pack("<L", 12) + b"SMITH^JOHN  "


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
    "a date in a text": (edited(lambda dataset: setattr(dataset, "StageName", "rest 11.03.2024")), "residue: StageName"),
    "a scanner's own UID": (edited(lambda ds: setattr(ds, "SeriesInstanceUID", "1.2.840.113663.1500.1.7")), "residue: Series"),
    "a UID with a date": (edited(lambda ds: setattr(ds, "SeriesInstanceUID", "1.2.9.20240311142233.7")), "residue: Series"),
    "no code of a profile": (edited(lambda ds: ds.__delattr__("DeidentificationMethodCodeSequence")), "CID 7050"),
    "a comment that another tool left": (
        edited(lambda ds: (setattr(ds, "DeidentificationMethod", "Other"), setattr(ds, "ImageComments", "as discussed"))),
        "residue: ImageComments",
    ),
    "another study description": (edited(lambda ds: setattr(ds, "StudyDescription", "legs")), "another StudyDescription"),
    "a missing Type 2 attribute": (edited(lambda ds: ds.__delattr__("PatientSex")), "PatientSex is missing (Type 2)"),
    "a region outside": (
        edited(lambda ds: setattr(ds.SequenceOfUltrasoundRegions[0], "RegionLocationMaxX1", 9999)),
        "region 1 doesn't lie in the image",
    ),
    "no instance at all": (lambda members: members.clear(), "counts"),
    "no manifest": (lambda members: members.pop("manifest.csv"), "counts"),
    "other words in Image Comments": (edited(lambda dataset: setattr(dataset, "ImageComments", "Mr Smith, ward 7")), "residue"),
    "more in the private block": (edited(lambda ds: ds.private_block(0x0011, "USDICOMizer").add_new(0x77, "LO", "x")), "residue"),
    "something behind the pixels": (extended, "behind the pixel data"),
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


def test_what_a_zip_holds_beside_its_files_is_found(usdicomizer, export, tmp_path):
    def said(name: str, change: Callable[[ZipInfo], object] = lambda entry: None, before: bytes = b"") -> str:
        with ZipFile(export) as archive, (tmp_path / name).open("wb") as stream, ZipFile(stream, "w") as copy:
            for number, entry in enumerate(archive.namelist()):
                information = ZipInfo(entry)
                if number == 1:
                    change(information)
                    stream.write(before)
                    copy.start_dir += len(before)
                copy.writestr(information, archive.read(entry))
        ran = usdicomizer("check", tmp_path / name)
        assert ran.status == 1
        return ran.stdout

    assert "extra field" in said("extra.zip", lambda entry: setattr(entry, "extra", b"UT\5\0\1abcd"))
    assert "when the file was made" in said("time.zip", lambda entry: setattr(entry, "date_time", (2024, 3, 11, 14, 22, 34)))
    assert "comment" in said("comment.zip", lambda entry: setattr(entry, "comment", b"ward 7"))
    assert "belong to no file" in said("gap.zip", before=b"FENWICK^ROSALIND")


def test_a_file_name_that_holds_the_name_is_found_and_not_repeated(usdicomizer, export, exam, tmp_path):
    def rename(members: dict[str, bytes]) -> None:
        members["Fenwick_Rosalind/1.dcm"] = members.pop(next(iter(members)))

    ran = usdicomizer("check", rewritten(export, tmp_path / "named.zip", rename), "--against", exam)
    assert "the name holds a value of the source's names" in ran.stdout
    assert "fenwick" not in (ran.stdout + ran.stderr).casefold()


def test_a_comment_in_a_compressed_frame_is_found(usdicomizer, export, tmp_path):
    def plant(dataset: Dataset) -> None:
        from pydicom.encaps import encapsulate, generate_frames

        frames = list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames)))
        frames[0] = frames[0][:2] + b"\xff\xfe\x00\x0aFENWICK " + frames[0][2:]
        dataset.PixelData = encapsulate(frames)

    def change(members: dict[str, bytes]) -> None:
        for name, content in members.items():
            if (
                name.endswith(".dcm")
                and dcmread(BytesIO(content), stop_before_pixels=True).file_meta.TransferSyntaxUID.is_compressed
            ):
                dataset = dcmread(BytesIO(content))
                plant(dataset)
                stream = BytesIO()
                dataset.save_as(stream)
                members[name] = stream.getvalue()
                return
        raise AssertionError("the sample exam has a compressed cine")

    ran = usdicomizer("check", rewritten(export, tmp_path / "commented.zip", change))
    assert ran.status == 1
    assert "a compressed frame holds a JPEG comment" in ran.stdout


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
