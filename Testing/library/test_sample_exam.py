"""The sample exam: valid DICOM that looks like ultrasound and names its patient everywhere."""

import time
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pydicom
import pytest
from judges import dciodvfy_errors
from PIL import Image
from pydicom.encaps import generate_frames

from USDICOMizerLib import sample_pictures
from USDICOMizerLib.sample_exam import (
    PLANTED,
    SAMPLE_PATIENT,
    SampleKind,
    dicom_bytes,
    make_sample_exam,
    sample_dataset,
)


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam.zip")


@pytest.fixture(scope="module")
def instances(exam) -> dict[str, pydicom.Dataset]:
    with ZipFile(exam) as archive:
        names = [name for name in archive.namelist() if "IM_" in name]
        return {name.rpartition("/")[2]: pydicom.dcmread(BytesIO(archive.read(name))) for name in names}


def test_it_holds_single_frames_and_cines_in_rgb_monochrome_and_jpeg(instances):
    found = [
        (i.file_meta.TransferSyntaxUID.name, i.PhotometricInterpretation, i.get("NumberOfFrames")) for i in instances.values()
    ]
    assert found == [
        ("Explicit VR Little Endian", "RGB", None),
        ("Explicit VR Little Endian", "MONOCHROME2", None),
        ("Explicit VR Little Endian", "MONOCHROME2", 30),
        ("JPEG Baseline (Process 1)", "YBR_FULL_422", 30),
    ]


def test_it_is_one_study_of_one_patient_and_has_a_text_file_too(exam, instances):
    assert len({i.StudyInstanceUID for i in instances.values()}) == 1
    assert {i.PatientID for i in instances.values()} == {SAMPLE_PATIENT.id}
    assert len({i.SOPInstanceUID for i in instances.values()}) == 4
    with ZipFile(exam) as archive:
        assert archive.testzip() is None
        assert any(name.endswith("README.TXT") for name in archive.namelist())


def test_every_planted_identifier_is_in_it(exam):
    with ZipFile(exam) as archive:
        everything = b"".join(archive.read(name) + name.encode() for name in archive.namelist())
    rgb_cine = sample_dataset(SampleKind.RGB_CINE, pixels=np.zeros((1, 8, 8, 3), np.uint8))
    left_out = {rgb_cine.SOPInstanceUID, rgb_cine.SeriesInstanceUID}  # the kind that the exam doesn't hold
    assert [text for text in PLANTED if text.encode() not in everything and text not in left_out] == []


@pytest.mark.parametrize("kind", SampleKind)
def test_dciodvfy_finds_no_error_in_it(kind, tmp_path):
    path = tmp_path / "instance.dcm"
    path.write_bytes(dicom_bytes(sample_dataset(kind, frames=2)))
    assert dciodvfy_errors(path) == set()


def test_the_jpeg_frames_have_half_width_chrominance_as_the_header_says_and_a_comment_that_names_the_patient(instances):
    cine = instances["IM_0004"]
    frames = list(generate_frames(cine.PixelData, number_of_frames=30))
    assert len(frames) == 30
    with Image.open(BytesIO(frames[0])) as picture:
        sampling = [component[1:3] for component in picture.layer]
        assert sampling == [(2, 1), (1, 1), (1, 1)]
        assert SAMPLE_PATIENT.name.encode() in picture.info["comment"]
    assert cine.LossyImageCompression == "01" and float(cine.LossyImageCompressionRatio) > 3


def test_the_regions_leave_out_the_patient_bar_and_lie_in_the_image(instances):
    for instance in instances.values():
        for region in instance.SequenceOfUltrasoundRegions:
            assert region.RegionLocationMinY0 >= sample_pictures.BAR_HEIGHT
            assert 0 <= region.RegionLocationMinX0 < region.RegionLocationMaxX1 < instance.Columns
            assert region.RegionLocationMinY0 < region.RegionLocationMaxY1 < instance.Rows


def test_the_patient_bar_is_burned_in_and_nothing_of_it_is_inside_the_region(instances):
    picture = instances["IM_0001"].pixel_array
    bar = picture[: sample_pictures.BAR_HEIGHT].max(axis=2)
    assert (bar > 200).sum() > 500
    box = sample_pictures.PICTURE
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    without = sample_pictures.draw_frame(sample_pictures.BarText(("", ""), ("", "")), colour_flow=True)
    assert np.array_equal(picture[inside], without[inside])
    assert not np.array_equal(picture, without)


def test_the_fan_is_speckled_and_dark_outside():
    frame = sample_pictures.draw_frame(sample_pictures.BarText(("", ""), ("", "")), 0, 30)
    tissue, outside = frame[330:370, 380:480, 0], frame[100:300, 100:180]
    assert 12 < tissue.std() < 60
    assert outside.max() == 0


def test_the_vein_is_pressed_shut_in_the_middle_of_the_cine_and_open_at_its_ends(instances):
    cine = instances["IM_0003"].pixel_array
    vein = cine[:, 200:310, 400:500]
    dark = (vein < 20).mean(axis=(1, 2))
    assert dark[0] > 0.4 and dark[29] > 0.4
    assert dark[15] < 0.5 * dark[0]


def test_a_colour_box_shows_both_directions_of_flow(instances):
    picture = instances["IM_0001"].pixel_array.astype(int)
    red, blue = picture[..., 0] - picture[..., 2] > 80, picture[..., 2] - picture[..., 0] > 80
    assert red[200:300, 300:420].sum() > 500 and blue[200:320, 400:520].sum() > 500


def test_the_same_call_makes_the_same_bytes(exam, tmp_path):
    again = make_sample_exam(tmp_path / "new folder" / "again.zip")
    assert again.read_bytes() == exam.read_bytes()


def test_making_it_takes_seconds(tmp_path):
    start = time.process_time()
    make_sample_exam(tmp_path / "exam.zip")
    assert time.process_time() - start < 10


@pytest.mark.parametrize("kind", SampleKind)
def test_pictures_of_ones_own_take_the_place_of_the_drawn_ones_and_the_regions_scale_with_them(kind):
    pixels = np.full((2 if kind.is_cine else 1, 61, 81, 3), 77, np.uint8)
    dataset = pydicom.dcmread(BytesIO(dicom_bytes(sample_dataset(kind, pixels=pixels))))
    assert (dataset.Rows, dataset.Columns) == (61, 81)
    assert np.abs(dataset.pixel_array.astype(int)[..., :1] - 77).max() <= 1
    region = dataset.SequenceOfUltrasoundRegions[0]
    assert 0 < region.RegionLocationMinY0 < region.RegionLocationMaxY1 < 61 and region.RegionLocationMaxX1 < 81
