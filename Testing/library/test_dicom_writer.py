"""Headers written from remembered elements are, to the byte, what pydicom writes."""

import io

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from real_files import real_bytes

from USDICOMizerLib.dicom_writer import file_up_to_pixel_data
from USDICOMizerLib.sample_exam import SampleKind, sample_dataset

NAMES = ("examples_rgb_color.dcm", "examples_ybr_color.dcm", "US1_J2KI.dcm", "gdcm-US-ALOKA-16.dcm", "examples_palette.dcm")


def by_pydicom(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def sample(kind: SampleKind) -> Dataset:
    """A sample header with all of its file meta information, which pydicom would add while it writes."""
    dataset = sample_dataset(kind)
    del dataset.PixelData
    dataset.file_meta = dcmread(io.BytesIO(by_pydicom(dataset))).file_meta
    return dataset


def as_written_here(dataset: Dataset) -> Dataset:
    """A header as de-identification makes it: every value decoded, explicit little-endian, no preamble of its own."""
    made = Dataset()
    for element in dataset:
        if element.VR != "SQ" and element.tag.group != 0x7FE0 and element.tag.element:
            made.add_new(element.tag, element.VR, element.value)
    made.file_meta = dataset.file_meta
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.preamble = bytes(128)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_real_headers_are_written_as_pydicom_writes_them(name):
    dataset = as_written_here(dcmread(io.BytesIO(real_bytes(name)), stop_before_pixels=True))
    expected = by_pydicom(dataset)
    assert file_up_to_pixel_data(dataset) == expected
    assert file_up_to_pixel_data(dataset) == expected, "from what is remembered now"


@pytest.mark.parametrize("kind", list(SampleKind))
def test_sequences_are_written_as_pydicom_writes_them(kind):
    dataset = sample(kind)
    assert file_up_to_pixel_data(dataset) == by_pydicom(dataset)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (dict(PatientWeight="70"), dict(PatientWeight="70.0")),
        (dict(FrameTime=40), dict(FrameTime="40.0")),
        (dict(ImageType=["A", "B"]), dict(ImageType=["A", "C"])),
        (
            dict(PatientName="Müller", SpecificCharacterSet="ISO_IR 192"),
            dict(PatientName="Müller", SpecificCharacterSet="ISO_IR 100"),
        ),
        (dict(PatientName=""), dict(PatientName=None)),
        (dict(PhysicalDeltaX=0.0), dict(PhysicalDeltaX=-0.0)),
        (dict(PhysicalDeltaX=1.0), dict(PhysicalDeltaX=1)),
    ],
)
def test_values_that_are_nearly_the_same_are_not_taken_for_one_another(first, second):
    for values in (first, second, first):
        dataset = sample(SampleKind.MONOCHROME_FRAME)
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        assert file_up_to_pixel_data(dataset) == by_pydicom(dataset)


def test_a_vr_that_is_not_settled_is_left_to_pydicom():
    dataset = sample(SampleKind.MONOCHROME_FRAME)
    dataset.SmallestImagePixelValue = 3
    assert dataset["SmallestImagePixelValue"].VR == "US or SS"
    assert file_up_to_pixel_data(dataset) == by_pydicom(dataset)
