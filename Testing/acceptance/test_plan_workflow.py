"""From a proposed plan through a spreadsheet to the export."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


def rows_of(plan: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(plan.read_text(encoding="utf-8-sig"), newline="")))


def save_as_spreadsheet(plan: Path, rows: list[dict[str, str]], *, delimiter: str = ";", encoding: str = "cp1252") -> None:
    """Save as Excel does in a country with a decimal comma: semicolons, Windows encoding, no byte order mark."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, rows[0].keys(), delimiter=delimiter)
    table.writeheader()
    table.writerows({**row, "confidence": row["confidence"].replace(".", ",")} for row in rows)
    plan.write_bytes(text.getvalue().encode(encoding))


def manifest_of(folder: Path) -> list[dict[str, str]]:
    (export,) = folder.glob("*.zip")
    with ZipFile(export) as archive:
        return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode(), newline="")))


def test_a_reviewed_and_edited_plan_is_executed(usdicomizer, exam, tmp_path):
    plan, pictures = tmp_path / "plan.csv", tmp_path / "pictures"
    ran = usdicomizer("plan", exam, "--output", plan, "--images", pictures)
    assert ran.status == 0, ran.stderr
    rows = rows_of(plan)
    assert len(rows) == 4
    assert len(list(pictures.glob("*.png"))) == 4
    for row in rows:
        row.update(reviewed="yes", site="CFV", side="L")
    rows[0]["include"] = "no"
    rows[3]["order"], rows[1]["order"] = rows[1]["order"], rows[3]["order"]
    save_as_spreadsheet(plan, rows)
    ran = usdicomizer("prepare", exam, "--plan", plan, "--output", tmp_path / "out", "--json")
    assert ran.status == 0, ran.stderr
    assert ran.result["outcomes"] | {"skipped": 0} == {
        "prepared": 3, "unchanged": 0, "excluded": 1, "skipped": 0, "refused": 0, "failed": 0,
    }  # fmt: skip
    manifest = manifest_of(tmp_path / "out")
    assert [row["reviewed"] for row in manifest] == ["yes"] * 3
    assert {(row["site"], row["side"]) for row in manifest} == {("CFV", "L")}
    assert [row["file"].rsplit("/", 1)[1] for row in manifest] == ["002_CFV-L.dcm", "003_CFV-L.dcm", "004_CFV-L.dcm"]


@pytest.mark.parametrize("syntax", ["same", "jpeg-ls"])
def test_a_reviewed_picture_leaves_in_the_size_that_was_shown(usdicomizer, exam, tmp_path, syntax):
    plan, pictures = tmp_path / "plan.csv", tmp_path / "pictures"
    usdicomizer("plan", exam, "--output", plan, "--images", pictures, "--crop", "100,120,400,420")
    shown = [Image.open(path).size for path in sorted(pictures.iterdir())]
    # A cine shows its brightest and its darkest side by side; the JPEG cine is cut on its grid of 16 x 8 pixels.
    assert sorted(shown) == [(300, 300), (300, 300), (584, 296), (608, 300)]
    rows = rows_of(plan)
    for row in rows:
        row.update(reviewed="yes")
    save_as_spreadsheet(plan, rows)
    ran = usdicomizer("prepare", exam, "--plan", plan, "--output", tmp_path / "out", "--transfer-syntax", syntax)
    assert ran.status == 0, ran.stderr
    left = [(int(row["columns"]), int(row["rows"]), int(row["frames"] or 1)) for row in manifest_of(tmp_path / "out")]
    assert [(columns * 2 + 8 if frames > 1 else columns, rows) for columns, rows, frames in left] == shown


def test_inspect_shows_where_jpeg_is_cut(usdicomizer, exam):
    ran = usdicomizer("inspect", exam, "--crop", "100,120,400,420", "--json")
    cut = {facts["transfer_syntax"]: facts["jpeg_crop"] for facts in ran.result["exams"][0]["instances"]}
    assert cut.pop("JPEG Baseline (Process 1)") == "112,120,400,416"
    assert set(cut.values()) == {""}
    assert "100,120,400,420 (JPEG: 112,120,400,416)" in usdicomizer("inspect", exam, "--crop", "100,120,400,420").stdout


def test_what_the_header_window_hides_shows_and_so_does_dark_writing_in_one_frame(usdicomizer, tmp_path):
    frames = np.full((3, 64, 64, 3), 200, np.uint8)
    frames[1, 30:34, 10:50] = 20
    dataset = sample_dataset(SampleKind.MONOCHROME_CINE, pixels=frames)
    dataset.WindowCenter, dataset.WindowWidth = "250", "2"
    (tmp_path / "cine.dcm").write_bytes(dicom_bytes(dataset))
    usdicomizer(
        "plan", tmp_path / "cine.dcm", "--output", tmp_path / "plan.csv", "--images", tmp_path / "pictures", "--crop", "none"
    )
    (path,) = (tmp_path / "pictures").iterdir()
    picture = np.asarray(Image.open(path))
    assert set(np.unique(picture[:, :64])) == {200}
    assert set(np.unique(picture[:, -64:])) == {20, 200}


def test_other_content_under_the_same_uid_does_not_leave_as_reviewed(usdicomizer, tmp_path):
    source, plan = tmp_path / "frame.dcm", tmp_path / "plan.csv"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.RGB_FRAME)))
    usdicomizer("plan", source, "--output", plan, "--crop", "none")
    rows = rows_of(plan)
    rows[0].update(reviewed="yes")
    save_as_spreadsheet(plan, rows)
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.RGB_FRAME, pixels=np.full((1, 600, 800, 3), 255, np.uint8))))
    ran = usdicomizer("prepare", source, "--plan", plan, "--output", tmp_path / "out")
    assert ran.status == 2
    assert "row 2" in ran.stderr
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("option", ["--output", "--images"])
def test_nothing_is_written_over_or_among_the_sources(usdicomizer, exam, tmp_path, option):
    folder = tmp_path / "sources"
    folder.mkdir()
    source = exam.rename(folder / "exam.zip")
    before = source.read_bytes()
    places = {"--output": tmp_path / "plan.csv", "--images": tmp_path / "pictures"}
    for wrong, given in ((source, source), (folder / "new", folder)):
        arguments = [part for pair in (places | {option: wrong}).items() for part in pair]
        ran = usdicomizer("plan", given, *arguments, "--overwrite")
        assert ran.status == 2, wrong
        assert source.read_bytes() == before
        assert [path.name for path in folder.iterdir()] == ["exam.zip"]


def test_an_edit_voids_the_review_and_is_reported_row_by_row(usdicomizer, exam, tmp_path):
    plan = tmp_path / "plan.csv"
    usdicomizer("plan", exam, "--output", plan)
    rows = rows_of(plan)
    rows[0].update(reviewed="yes", crop="100 120 400 420")
    rows[2].update(crop="0 0 9999 9999")
    rows[3].update(sop_instance_uid="1.2.3")
    save_as_spreadsheet(plan, rows)
    ran = usdicomizer("prepare", exam, "--plan", plan, "--output", tmp_path / "out")
    assert ran.status == 2
    assert "row 2" in ran.stderr
    assert "row 4" in ran.stderr
    assert "row 5" in ran.stderr
    assert not list(tmp_path.glob("out/*"))


def test_the_executed_plan_lies_in_the_linkage_and_not_beside_the_export(usdicomizer, exam, tmp_path):
    ran = usdicomizer(
        "prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--linkage", tmp_path / "linkage", "--json"
    )
    (exam_result,) = ran.result["exams"]
    assert len(rows_of(tmp_path / "linkage" / "plans" / f"{exam_result['exam']}.csv")) == 4
    assert {path.suffix for path in (tmp_path / "out").iterdir()} <= {".zip", ".jsonl"}
