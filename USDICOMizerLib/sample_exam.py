"""A synthetic ultrasound exam that names its patient wherever real exams do: for the demo, Slicer Sample Data and tests.

Everybody and everything in it is invented. The name, the number, the dates, the people and the places stand in the
header, nested and private, in the JPEG comments, in member names, and burned into the patient bar of every picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from PIL import Image
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from USDICOMizerLib import sample_pictures
from USDICOMizerLib.exam import Patient
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.sample_pictures import BarText

SAMPLE_PATIENT = Patient(id="MRN-48151623", issuer="NORTHFIELD-ADT", name="FENWICK^ROSALIND^TESS", birth_date="19610214")

_STUDY_DATE = "20240311"
_ACCESSION, _STUDY_ID, _REQUEST = "ACC-7741902", "ST-30417", "RP-660218"
_INSTITUTION, _ADDRESS = "Northfield Harbour Hospital", "12 Quayside Lane, Northfield"
_REFERRING, _READING, _OPERATOR = "OKONKWO^DAVID", "LINDQVIST^ASTRID", "BARDOLPH^HOLLY"
_HOME = "3 Weir Cottages, Northfield"
_STATION, _SERIAL, _AE_TITLE, _PHONE = "NHH-USROOM3", "SN-55A20917", "NHHSTORE3", "+44 1632 960713"
_PRIVATE_CREATOR = "SAMPLE SCANNER 1.0"


class SampleKind(StrEnum):
    """What an instance of the sample exam is; `make_sample_exam` takes all but the last."""

    RGB_FRAME = "rgb-frame"  # native, with colour flow and a second region
    MONOCHROME_FRAME = "monochrome-frame"  # native MONOCHROME2
    MONOCHROME_CINE = "monochrome-cine"  # native MONOCHROME2
    JPEG_CINE = "jpeg-cine"  # JPEG Baseline, YBR_FULL_422
    RGB_CINE = "rgb-cine"  # native; 1.4 MB a frame

    @property
    def is_cine(self) -> bool:
        """Whether it is a multi-frame instance."""
        return self in (SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE, SampleKind.RGB_CINE)

    @property
    def photometric_interpretation(self) -> str:
        """Photometric Interpretation (0028,0004) of the stored pixels."""
        if self is SampleKind.JPEG_CINE:
            return "YBR_FULL_422"
        return "MONOCHROME2" if self in (SampleKind.MONOCHROME_FRAME, SampleKind.MONOCHROME_CINE) else "RGB"


def _uid(what: str) -> UID:
    return UID(f"2.25.{uuid5(NAMESPACE_URL, f'urn:usdicomizer:sample-exam:{what}').int}")


SAMPLE_STUDY_UID = _uid("study")

PLANTED: tuple[str, ...] = (
    *SAMPLE_PATIENT.name.split("^")[:2],
    SAMPLE_PATIENT.id,
    SAMPLE_PATIENT.issuer,
    SAMPLE_PATIENT.birth_date,
    _STUDY_DATE,
    _ACCESSION,
    _STUDY_ID,
    _REQUEST,
    _INSTITUTION,
    _ADDRESS,
    _HOME,
    *(part for name in (_REFERRING, _READING, _OPERATOR) for part in name.split("^")),
    _STATION,
    _SERIAL,
    _AE_TITLE,
    _PHONE,
    str(SAMPLE_STUDY_UID),
    *(str(_uid(f"{what} {kind}")) for kind in SampleKind for what in ("series", "instance")),
    str(_uid("earlier study")),
)
"""Every identifying text in the sample exam. None of it may be in an export, in capitals or in small letters."""


def make_sample_exam(path: Path) -> Path:
    """Write the sample exam as a ZIP (about 8 MB) and return its path; what is there is replaced.

    Four instances without file extensions (two single frames, two cines of 30 frames) and a text file, in folders
    named after the patient. The same versions of numpy, Pillow and pydicom make the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = f"{SAMPLE_PATIENT.name.replace('^', '_')}/{_STUDY_DATE}"
    with ZipFile(path, "w") as archive:
        for number, kind in enumerate(list(SampleKind)[:4], start=1):
            compression = ZIP_STORED if kind is SampleKind.JPEG_CINE else ZIP_DEFLATED
            _add(archive, f"{folder}/IM_{number:04d}", dicom_bytes(sample_dataset(kind, number=number)), compression)
        note = f"{_INSTITUTION}\nImages of {SAMPLE_PATIENT.name}, {SAMPLE_PATIENT.id}\nCopied for the patient on request.\n"
        _add(archive, f"{folder}/README.TXT", note.encode("ascii"), ZIP_DEFLATED)
    return path


def _add(archive: ZipFile, name: str, content: bytes, compression: int) -> None:
    member = ZipInfo(name, date_time=(2024, 3, 11, 9, 41, 28))
    member.compress_type = compression
    member.external_attr = 0o644 << 16
    archive.writestr(member, content, compresslevel=1)


def dicom_bytes(dataset: Dataset) -> bytes:
    """The dataset as a DICOM file (PS3.10), in the transfer syntax of its file meta information."""
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def sample_dataset(kind: SampleKind, *, number: int = 1, frames: int | None = None, pixels: np.ndarray | None = None) -> Dataset:
    """Build one instance of the sample exam, complete with file meta information.

    Parameters
    ----------
    kind : SampleKind
        What to make. Each kind has a Series and a SOP Instance UID of its own, the same at each call.
    number : int
        Instance Number; also the minute of its time.
    frames : int, optional
        How many frames a cine has: 30 unless told. A single frame has one.
    pixels : numpy.ndarray, optional
        The pictures to store instead of the drawn ones: uint8 RGB of shape (frames, rows, columns, 3). The regions
        are scaled to their size, so that they still leave out the top.
    """
    count = 1 if not kind.is_cine else frames or 30
    if pixels is not None:
        count = len(pixels)
        pictures: Iterator[np.ndarray] = iter(pixels)
    else:
        pictures = (
            sample_pictures.draw_frame(_bar_text(number), index, count, colour_flow=kind is SampleKind.RGB_FRAME)
            for index in range(count)
        )
    dataset = Dataset()
    _add_identity(dataset, kind, number)
    _add_equipment(dataset, kind)
    _add_nested_identity(dataset)
    _add_private_identity(dataset)
    _add_pixels(dataset, kind, list(pictures))
    _add_regions(dataset, kind)
    if kind.is_cine:
        _add_cine(dataset)
    dataset.file_meta = _file_meta(dataset, kind)
    return dataset


def _bar_text(number: int) -> BarText:
    family, given, middle = SAMPLE_PATIENT.name.split("^")
    return BarText(
        left=(f"{family}, {given} {middle[0]}", f"{SAMPLE_PATIENT.id}   14 Feb 1961   F   {_ACCESSION}"),
        right=(_INSTITUTION, f"11 Mar 2024  09:{number:02d}:27"),
    )


def _add_identity(dataset: Dataset, kind: SampleKind, number: int) -> None:
    """Patient, study and series as a worklist fills them in, and what people typed into the free text."""
    time = f"09{number:02d}27"
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage if kind.is_cine else UltrasoundImageStorage
    dataset.SOPInstanceUID = _uid(f"instance {kind}")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = SAMPLE_STUDY_UID, _uid(f"series {kind}")
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate"):
        setattr(dataset, keyword, _STUDY_DATE)
    dataset.StudyTime = "090012"
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = dataset.InstanceCreationTime = time
    dataset.PatientName, dataset.PatientID = SAMPLE_PATIENT.name, SAMPLE_PATIENT.id
    dataset.IssuerOfPatientID, dataset.PatientBirthDate = SAMPLE_PATIENT.issuer, SAMPLE_PATIENT.birth_date
    dataset.PatientSex, dataset.PatientAge, dataset.PatientWeight = "F", "063Y", "71"
    dataset.PatientAddress, dataset.PatientTelephoneNumbers = _HOME, _PHONE
    dataset.AccessionNumber, dataset.StudyID = _ACCESSION, _STUDY_ID
    dataset.ReferringPhysicianName, dataset.NameOfPhysiciansReadingStudy = _REFERRING, _READING
    dataset.PerformingPhysicianName = dataset.OperatorsName = _OPERATOR
    dataset.StudyDescription = "Venous duplex, R. Fenwick"
    dataset.SeriesDescription = f"Deep veins left, {_INSTITUTION}"
    dataset.ImageComments = f"Discussed with {_REFERRING.split('^')[0]} on {_PHONE}"
    dataset.SeriesNumber, dataset.InstanceNumber = 1 + list(SampleKind).index(kind), number
    dataset.PatientOrientation = ""
    dataset.Laterality = "L"


def _add_equipment(dataset: Dataset, kind: SampleKind) -> None:
    dataset.Modality = "US"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Example Ultrasound Ltd", "SonoSample 5"
    dataset.SoftwareVersions, dataset.DeviceSerialNumber, dataset.StationName = "4.2.1", _SERIAL, _STATION
    dataset.InstitutionName, dataset.InstitutionAddress = _INSTITUTION, _ADDRESS
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VASCULAR", "0011" if kind is SampleKind.RGB_FRAME else "0001"]
    dataset.TransducerType, dataset.TransducerData = "CURVED LINEAR", ["C5-2", "", ""]
    dataset.MechanicalIndex, dataset.SoftTissueThermalIndex = "1.1", "0.4"
    dataset.UltrasoundColorDataPresent = int(kind is SampleKind.RGB_FRAME)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _add_nested_identity(dataset: Dataset) -> None:
    """Identifiers inside sequences of the standard, to the third level."""
    institution = Dataset()
    institution.InstitutionName, institution.InstitutionAddress = _INSTITUTION, _ADDRESS
    institution.PersonIdentificationCodeSequence = [_code("HB-2207", "99NORTHFIELD", _OPERATOR.split("^")[0])]
    dataset.OperatorIdentificationSequence = [institution]
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = SAMPLE_PATIENT.id, SAMPLE_PATIENT.issuer, "TEXT"
    dataset.OtherPatientIDsSequence = [other]
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = _REQUEST, _REQUEST
    request.RequestedProcedureDescription = f"Exclude DVT in {SAMPLE_PATIENT.name}"
    request.AccessionNumber = _ACCESSION
    request.StudyInstanceUID = _uid("earlier study")
    dataset.RequestAttributesSequence = [request]


def _add_private_identity(dataset: Dataset) -> None:
    """Private elements of a text, a sequence that holds a name, and bytes that nobody can read but a search finds."""
    block = dataset.private_block(0x0009, _PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "LO", f"{SAMPLE_PATIENT.name} {SAMPLE_PATIENT.id}")
    item = Dataset()
    item.PatientName = SAMPLE_PATIENT.name
    item.private_block(0x0009, _PRIVATE_CREATOR, create=True).add_new(0x02, "LT", f"{_READING} {_PHONE}")
    block.add_new(0x03, "SQ", [item])
    block.add_new(0x04, "OB", f"\x00\x01{SAMPLE_PATIENT.id}\x00".encode("ascii"))


def _add_pixels(dataset: Dataset, kind: SampleKind, pictures: list[np.ndarray]) -> None:
    """Image Pixel Module (PS3.3 C.7.6.3) and the pixel data; a JPEG also tells its lossy history (C.7.6.1.1.5)."""
    colour = kind.photometric_interpretation != "MONOCHROME2"
    dataset.Rows, dataset.Columns = pictures[0].shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = kind.photometric_interpretation
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.BurnedInAnnotation = "YES"
    dataset.LossyImageCompression = "00"
    if kind.is_cine:
        dataset.NumberOfFrames = len(pictures)
    if kind is not SampleKind.JPEG_CINE:
        stored = b"".join(_native(picture, colour) for picture in pictures)
        dataset.PixelData = stored + b"\0" * (len(stored) % 2)
        dataset["PixelData"].VR = "OB"
        return
    compressed = [_jpeg(picture) for picture in pictures]
    dataset.PixelData = encapsulate(compressed, has_bot=True)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = f"{sum(p.nbytes for p in pictures) / sum(map(len, compressed)):.1f}"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"


def _native(picture: np.ndarray, colour: bool) -> bytes:
    return picture.tobytes() if colour else Image.fromarray(picture).convert("L").tobytes()


def _jpeg(picture: np.ndarray) -> bytes:
    """JPEG Baseline with the chrominance at half width, as YBR_FULL_422 says, and the patient in its comment marker."""
    stream = BytesIO()
    comment = f"{SAMPLE_PATIENT.name} {SAMPLE_PATIENT.id}".encode("ascii")
    Image.fromarray(picture).save(stream, "JPEG", quality=90, subsampling="4:2:2", comment=comment)
    return stream.getvalue()


def _add_regions(dataset: Dataset, kind: SampleKind) -> None:
    """US Region Calibration Module (PS3.3 C.8.5.5): the picture beneath the patient bar, and the colour box in it."""
    regions = [_region(dataset, sample_pictures.PICTURE, data_type=1, flags=2)]
    if kind is SampleKind.RGB_FRAME:
        regions.append(_region(dataset, sample_pictures.COLOUR_BOX, data_type=2, flags=3))
    private = regions[0].private_block(0x0009, _PRIVATE_CREATOR, create=True)
    private.add_new(0x05, "LO", f"{_STATION} {SAMPLE_PATIENT.id}")
    dataset.SequenceOfUltrasoundRegions = regions


def _region(dataset: Dataset, box: CropBox, data_type: int, flags: int) -> Dataset:
    across, down = dataset.Columns / sample_pictures.COLUMNS, dataset.Rows / sample_pictures.ROWS
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, data_type, flags
    region.RegionLocationMinX0, region.RegionLocationMinY0 = round(box.left * across), round(box.top * down)
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = round(box.right * across) - 1, round(box.bottom * down) - 1
    region.ReferencePixelX0 = round((sample_pictures.PROBE[0] - box.left) * across)
    region.ReferencePixelY0 = round((sample_pictures.PROBE[1] - box.top) * down)
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # cm
    region.ReferencePixelPhysicalValueX = region.ReferencePixelPhysicalValueY = 0.0
    region.PhysicalDeltaX = sample_pictures.CENTIMETRES_PER_PIXEL / across
    region.PhysicalDeltaY = sample_pictures.CENTIMETRES_PER_PIXEL / down
    region.TransducerFrequency = 3500
    return region


def _add_cine(dataset: Dataset) -> None:
    """Cine and Multi-frame Modules (PS3.3 C.7.6.5, C.7.6.6), 29 frames a second; and which still was taken before."""
    dataset.FrameTime, dataset.CineRate, dataset.RecommendedDisplayFrameRate = "34.5", 29, 29
    dataset.FrameIncrementPointer = 0x00181063
    dataset.StartTrim, dataset.StopTrim = 1, dataset.NumberOfFrames
    still = Dataset()
    still.ReferencedSOPClassUID = UltrasoundImageStorage
    still.ReferencedSOPInstanceUID = _uid(f"instance {SampleKind.MONOCHROME_FRAME}")
    dataset.ReferencedImageSequence = [still]


def _file_meta(dataset: Dataset, kind: SampleKind) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = JPEGBaseline8Bit if kind is SampleKind.JPEG_CINE else ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = _uid("scanner"), "SONOSAMPLE_5"
    meta.SourceApplicationEntityTitle = _AE_TITLE
    return meta
