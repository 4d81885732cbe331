"""The report of an exam: what it tells, what it never holds, and that its pictures are those that left."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from USDICOMizerLib.deidentify.residue import identifying_values
from USDICOMizerLib.errors import ReportError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.report import Card, check_page, render, size_in_words, without_values, write_page
from USDICOMizerLib.report_cohort import Run, cohort_page
from USDICOMizerLib.report_pictures import LARGEST_SIDE, after_pictures, before_pictures
from USDICOMizerLib.report_record import ExamRecord, InstanceRecord, read_record
from USDICOMizerLib.sample_exam import SAMPLE_PATIENT, SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.sources import discover

MANIFEST = {"file": "001.dcm", "frames": 1, "rows": 8, "columns": 8, "manufacturer": "Make", "model": "Model", "reviewed": "yes"}
NO_RUN = Run(1.0, 0, 0, 0, (), ())
TEXTS = st.text(max_size=40)


def record_of(*instances: InstanceRecord, **more) -> ExamRecord:
    return ExamRecord("E-11111-22222", "S-11111-22222", instances, **more)


def page_of(record: ExamRecord, *, private: bool = False) -> str:
    return render("exam.html", record=record, cards=[Card(one) for one in record.instances], private=private)


def left(number: int = 1, **more) -> InstanceRecord:
    return InstanceRecord(number, "prepared", reviewed=True, manifest=MANIFEST | {"site": "CFV", "side": "L"}, **more)


@settings(deadline=None, max_examples=30)
@given(TEXTS, TEXTS, TEXTS)
def test_a_record_comes_back_from_its_page_whatever_its_texts_hold(tag, warning, detail):
    record = record_of(
        left(tag=tag, warnings=(warning,), actions={"kept": 3}, frame=(800, 600), box="1,2,3,4"),
        InstanceRecord(2, "refused", "no-crop", detail),
        export="x.zip",
        missing=("CFV-R",),
        expected=("CFV-L", "CFV-R"),
    )
    with TemporaryDirectory() as folder:
        write_page(Path(folder) / "page.html", page_of(record))
        assert read_record(Path(folder) / "page.html") == record


@settings(deadline=None, max_examples=30)
@given(TEXTS)
def test_no_text_becomes_markup(text):
    nasty = f"<script>alert(1)</script>{text}</script><img src=x onerror=alert(1)>"
    page = page_of(record_of(left(tag=nasty, warnings=(nasty,), how=nasty), InstanceRecord(2, "failed", "Error", nasty)))
    assert page.count("<script") == 2, "the record, and the page's own"
    assert "<img" not in page


def test_every_reason_comes_with_its_advice():
    page = page_of(record_of(*(InstanceRecord(n, "refused", problem.value) for n, problem in enumerate(Problem, start=1))))
    assert all(problem.value in page for problem in Problem)
    assert page.count("No crop box is known for this instance.") == 1


def test_what_is_not_reviewed_and_what_the_settings_keep_is_said_first():
    page = page_of(record_of(InstanceRecord(1, "prepared", manifest=MANIFEST), export="x.zip", kept=("PatientSex (0010,0040)",)))
    lead = page.split("<main>")[0].split("<body>")[1]
    assert "1 instance left that no person has looked at" in lead
    assert "PatientSex (0010,0040)" in lead
    assert "not claimed" in lead


def test_only_the_reviewers_copy_holds_the_picture_before():
    record = record_of(left())
    assert "Reviewer’s copy" not in page_of(record)
    assert "Reviewer’s copy" in page_of(record, private=True)


def test_a_page_allows_nothing_but_its_own_style_script_and_pictures():
    page = page_of(record_of(left()))
    policy = page.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert policy.startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
    assert "unsafe" not in policy
    assert "http" not in page.replace("http-equiv", "")


def test_a_text_that_holds_a_value_of_a_source_is_not_shown():
    needles = identifying_values(sample_dataset(SampleKind.RGB_FRAME))
    family = SAMPLE_PATIENT.name.split("^")[0]
    record = record_of(left(warnings=(f"seen by {family}", "all is well"), how="cut"))
    (one,) = without_values(record, needles).instances
    assert one.warnings[1] == "all is well"
    assert one.how == "cut"
    assert family not in one.warnings[0]


def test_a_page_with_a_value_of_a_source_is_not_written():
    needles = identifying_values(sample_dataset(SampleKind.RGB_FRAME))
    uid = str(sample_dataset(SampleKind.RGB_FRAME).StudyInstanceUID)
    check_page(page_of(record_of(left())), needles)
    with pytest.raises(ReportError, match="UIDs"):
        check_page(page_of(record_of(left(how=uid))), needles)


def test_a_name_that_is_a_word_of_every_page_keeps_no_report_back():
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    dataset.PatientName = "Instance^Attributes"
    check_page(page_of(record_of(left())), identifying_values(dataset))


def test_a_file_that_is_no_report_is_never_replaced(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("<html>somebody's own page</html>")
    with pytest.raises(ReportError, match="no report of this program"):
        write_page(path, page_of(record_of(left())))
    assert "somebody's own" in path.read_text()
    path.unlink()
    write_page(path, page_of(record_of(left())))
    write_page(path, page_of(record_of(left(), left(2))))
    assert len(read_record(path).instances) == 2


def test_a_damaged_or_foreign_page_has_no_record(tmp_path):
    path = tmp_path / "page.html"
    for content in ("", "<html>", '<script type="application/json" id="record">{"exam": 1}</script>', '<script id="record">'):
        path.write_text(content)
        assert read_record(path) is None
    assert read_record(tmp_path / "missing.html") is None


@pytest.mark.parametrize("kind", [SampleKind.MONOCHROME_CINE, SampleKind.RGB_CINE, SampleKind.JPEG_CINE, SampleKind.RGB_FRAME])
def test_the_pictures_are_the_brightest_and_the_darkest_of_all_frames(tmp_path, kind):
    dataset = sample_dataset(kind, frames=5 if kind.is_cine else None)
    with ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("001.dcm", dicom_bytes(dataset))
    stored = dataset.pixel_array.reshape(5 if kind.is_cine else 1, dataset.Rows, dataset.Columns, -1)
    with ZipFile(tmp_path / "export.zip") as archive:
        pictures = after_pictures(archive, "001.dcm", workers=2)
    assert len(pictures) == (2 if kind.is_cine else 1)
    for picture, expected in zip(pictures, (stored.max(axis=0), stored.min(axis=0)), strict=False):
        assert max(picture.width, picture.height) <= LARGEST_SIDE
        image = Image.fromarray(np.broadcast_to(expected, (*expected.shape[:2], 3)).astype(np.uint8))
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.uri.split(",")[1]))))
        assert np.abs(shown.astype(int) - np.asarray(image)).mean() < 6


@pytest.mark.parametrize(("frames", "shown"), [(1, [1]), (2, [1, 2]), (30, [1, 16, 30])])
def test_of_a_cine_the_first_the_middle_and_the_last_frame_before_are_shown(tmp_path, frames, shown):
    kind = SampleKind.RGB_CINE if frames > 1 else SampleKind.RGB_FRAME
    dataset = sample_dataset(kind, frames=frames)
    (tmp_path / "source").write_bytes(dicom_bytes(dataset))
    (instance,) = discover([tmp_path / "source"]).instances
    pictures = before_pictures(instance)
    assert [number for number, _ in pictures] == shown
    stored = dataset.pixel_array.reshape(frames, dataset.Rows, dataset.Columns, 3)
    for number, picture in pictures:
        image = Image.fromarray(stored[number - 1])
        image.thumbnail((picture.width, picture.height))
        seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.uri.split(",")[1]))))
        assert np.abs(seen.astype(int) - np.asarray(image)).mean() < 6


def test_a_flash_in_one_frame_of_many_is_in_the_picture(tmp_path):
    pixels = np.full((40, 600, 800, 1), 90, np.uint8)
    pixels[23, 100:120, 200:320] = 255
    pixels[7, 300:320, 200:320] = 0
    dataset = sample_dataset(SampleKind.MONOCHROME_CINE, frames=40, pixels=np.repeat(pixels, 3, axis=3))
    with ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("001.dcm", dicom_bytes(dataset))
    with ZipFile(tmp_path / "export.zip") as archive:
        brightest, darkest = (
            np.asarray(Image.open(io.BytesIO(base64.b64decode(one.uri.split(",")[1]))))
            for one in after_pictures(archive, "001.dcm", 1)
        )
    assert brightest[88, 208].mean() > 240
    assert darkest[248, 208].mean() < 15


def test_the_cohort_counts_what_left_and_why_the_rest_stayed():
    one = record_of(left(), left(2), InstanceRecord(3, "refused", "no-crop"), export="a.zip", size=2_000_000, expected=("CFV-L",))
    two = ExamRecord(
        "E-2", "S-2", (InstanceRecord(1, "excluded"), InstanceRecord(2, "failed", "ExportError")), missing=("CFV-L",)
    )
    page = cohort_page([one, two], Run(7.0, 2, 2_000_000, 3, (("not-dicom", 4),), ()))
    assert "<strong>2 of 5 instances</strong> (images and cines) of 2 exams left." in page
    assert '<th>Make Model</th><td class="count">2</td>' in page
    assert '<tr><td class="reason">no-crop</td><td class="count">1</td>' in page
    assert "2.0 MB" in page
    assert "<b>3</b>duplicates" in page
    assert "Other inputs: not-dicom" in page


def test_different_keys_and_settings_in_one_folder_are_warned_of():
    exams = [ExamRecord(f"E-{n}", f"S-{n}", (left(),), key=f"key {n}", settings=f"settings {n}") for n in (1, 2)]
    page = cohort_page(exams, NO_RUN)
    assert "2 different project keys" in page
    assert "2 different settings" in page
    assert "different project keys" not in cohort_page(exams[:1], NO_RUN)


def test_a_card_knows_its_crop_box():
    assert Card(left(box="1,2,30,40")).box == CropBox(1, 2, 30, 40)
    assert Card(left()).box is None


def test_sizes_are_said_as_people_say_them():
    assert [size_in_words(size) for size in (0, 999, 1400, 14_300_000, 2.5e9)] == [
        "0 bytes",
        "999 bytes",
        "1.4 kB",
        "14.3 MB",
        "2.5 GB",
    ]
