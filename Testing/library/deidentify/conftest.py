"""A valid ultrasound header, and short ways to write, read and de-identify one."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from judges import dciodvfy_errors
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from USDICOMizerLib.deidentify.header import DeidentifiedHeader, Rules, deidentify_header
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms

SUBJECT = "S-3C4DF-7GHJK"


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(ProjectKey(bytes(range(32))))


@pytest.fixture
def ultrasound_header() -> Dataset:
    """A header without pixel data of a single-frame Ultrasound Image; it identifies somebody."""
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.3"
    ds.StudyDate = "20170302"
    ds.StudyTime = "142445"
    ds.Modality = "US"
    ds.Manufacturer = "Philips Medical Systems"
    ds.ManufacturerModelName = "EPIQ 5G"
    ds.PatientName = "Lindqvist^Annika"
    ds.PatientID = "MRN0047110"
    ds.PatientBirthDate = "19610917"
    ds.PatientSex = "F"
    ds.ReferringPhysicianName = "Okonkwo^Chidi"
    ds.AccessionNumber = "ACC9931177"
    ds.StudyID = "1"
    ds.SeriesNumber = "1"
    ds.InstanceNumber = "1"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SMALL PARTS"]
    ds.PatientOrientation = None
    ds.Laterality = None
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = 480
    ds.Columns = 640
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0
    region = Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 100, 50
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 539, 449
    region.ReferencePixelX0, region.ReferencePixelY0 = 220, 0
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.012
    ds.SequenceOfUltrasoundRegions = [region]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def written(ds: Dataset) -> bytes:
    """The file that holds a header."""
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def reread(ds: Dataset) -> Dataset:
    """The header as it comes out of a file: elements undecoded, as `sources.read_header` gives them."""
    return dcmread(io.BytesIO(written(ds)), stop_before_pixels=True)


@pytest.fixture
def as_file() -> Callable[[Dataset], bytes]:
    return written


@pytest.fixture
def from_file() -> Callable[[Dataset], Dataset]:
    return reread


@pytest.fixture
def deidentify(pseudonyms: Pseudonyms) -> Callable[..., DeidentifiedHeader]:
    def run(header: Dataset, rules: Rules = Rules(), *, reviewed: bool = False, subject: str = SUBJECT, **options):
        return deidentify_header(header, rules, pseudonyms, subject, reviewed=reviewed, **options)

    return run


@pytest.fixture
def conformance_errors(tmp_path: Path) -> Callable[[bytes], list[str]]:
    """The error lines of dciodvfy about a file."""

    def run(data: bytes) -> list[str]:
        file = tmp_path / "verified.dcm"
        file.write_bytes(data)
        return sorted(dciodvfy_errors(file))

    return run
