"""What every image needs, and what must agree over an exam."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from USDICOMizerLib.consistency import judge_agreement, judge_basics, judge_identities
from USDICOMizerLib.sample_exam import SampleKind, sample_dataset


@pytest.fixture
def header() -> Dataset:
    dataset = sample_dataset(SampleKind.MONOCHROME_CINE, frames=3)
    del dataset.PixelData
    return dataset


def messages(findings) -> list[str]:
    return [finding.message for finding in findings]


def changed(header: Dataset, **values: object) -> Dataset:
    for keyword, value in values.items():
        if value is None:
            del header[keyword]
        else:
            setattr(header, keyword, value)
    return header


def test_a_sound_header_has_no_finding(header):
    assert messages(judge_basics("1.dcm", header)) == []
    assert messages(judge_identities({"1.dcm": header})) == messages(judge_agreement({"1.dcm": header})) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"Modality": ""}, "Modality has no value"),
        ({"Modality": None}, "Modality has no value"),
        ({"AccessionNumber": None}, "AccessionNumber is missing"),
        ({"FrameOfReferenceUID": "1.2.x"}, "FrameOfReferenceUID isn't a UID"),
        ({"FrameOfReferenceUID": "1.02.3"}, "FrameOfReferenceUID isn't a UID"),
        ({"FrameOfReferenceUID": "1." + "2" * 63}, "FrameOfReferenceUID isn't a UID"),
        ({"SOPInstanceUID": "2.25.77"}, "MediaStorageSOPInstanceUID differs"),
        ({"FrameTime": None}, "FrameIncrementPointer points"),
        ({"SpecificCharacterSet": "ISO_IR 7777"}, "SpecificCharacterSet names one"),
        ({"SpecificCharacterSet": None, "StageName": "Ström"}, "a text isn't in the character set"),
        ({"SpecificCharacterSet": "ISO_IR 192", "StageName": "Str\ufffdm"}, "a text isn't in the character set"),
    ],
)
def test_each_fault_of_a_header_is_told(header, values, said):
    header.SpecificCharacterSet = "ISO_IR 100"
    header.FrameOfReferenceUID = "1.2.3"
    (message,) = messages(judge_basics("1.dcm", changed(header, **values)))
    assert message.startswith(said)


@pytest.mark.parametrize("location", [{"MaxX1": 5000}, {"MaxY1": 480}, {"MinX0": 600}])
def test_a_region_that_does_not_lie_in_the_image_is_told(header, location):
    header.Rows, header.Columns = 480, 640
    region = header.SequenceOfUltrasoundRegions[0]
    (region.RegionLocationMinX0, region.RegionLocationMinY0) = (10, 10)
    (region.RegionLocationMaxX1, region.RegionLocationMaxY1) = (500, 400)
    assert messages(judge_basics("1.dcm", header)) == []
    for end, value in location.items():
        setattr(region, f"RegionLocation{end}", value)
    assert len(messages(judge_basics("1.dcm", header))) == 1


def image(number: int, *, series: str = "2.25.1", study: str = "2.25.2", **values: object) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = f"2.25.10{number}", series, study
    ds.PatientID = ds.PatientName = "S-1"
    return changed(ds, **values)


@pytest.mark.parametrize(
    "keyword", ["FrameOfReferenceUID", "SeriesNumber", "Laterality", "Modality", "SynchronizationFrameOfReferenceUID"]
)
def test_what_is_one_thing_in_a_series_is_the_same_in_all_of_its_files(keyword):
    value, other = ("2.25.7", "2.25.8") if keyword.endswith("UID") else ("1", "2")
    headers = {"1": image(1, **{keyword: value}), "2": image(2, **{keyword: other}), "3": image(3, **{keyword: other})}
    assert messages(judge_agreement(headers)) == [f"another file of the series has another {keyword} (PS3.3 A.1.2)"]
    headers = {"1": image(1, **{keyword: value}), "2": image(2, series="2.25.3", **{keyword: other})}
    assert messages(judge_agreement(headers)) == []


@pytest.mark.parametrize("keyword", ["StudyDate", "StudyID", "PatientSex", "AccessionNumber"])
def test_what_is_one_thing_in_a_study_is_the_same_in_all_of_its_series(keyword):
    headers = {"1": image(1, **{keyword: "1"}), "2": image(2, series="2.25.3", **{keyword: "2"})}
    assert messages(judge_agreement(headers)) == [f"another file of the study has another {keyword} (PS3.3 A.1.2)"]
    headers = {"1": image(1, **{keyword: "1"}), "2": image(2, series="2.25.3", study="2.25.4", **{keyword: "2"})}
    assert messages(judge_agreement(headers)) == []


def test_identities_that_contradict_one_another_are_told():
    assert messages(judge_identities({"1": image(1), "2": image(1)})) == ["another file has the same SOP Instance UID"]
    assert messages(judge_identities({"1": image(1), "2": image(2, PatientID="S-2")})) == [
        "another file of the study has another patient"
    ]
    assert messages(judge_identities({"1": image(1), "2": image(2, study="2.25.9")})) == [
        "another file of the series belongs to another study"
    ]
