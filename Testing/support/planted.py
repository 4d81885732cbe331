"""An exam with an identifier planted in every place that can hold one. Each is different, so a survivor tells its place."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from pydicom import config, dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from USDICOMizerLib.deidentify.profile import profile_table
from USDICOMizerLib.sample_exam import SampleKind, sample_dataset

# Attributes that a file needs as they are to be read at all, or that the plants below treat on their own.
_NEEDED = {"SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SpecificCharacterSet", "Modality"}
_BYTES = {"OB", "OW", "UN", "OB or OW"}
_TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
# Binary numbers say nothing by themselves.
_SKIPPED_VRS = {"SQ", "US", "SS", "UL", "AT", "OV", "SV", "UV", "SL", "US or SS", "US or OW", "US or SS or OW"}


class Plants:
    """Makes planted values, and remembers where each was put. Texts begin with `head` and end with `tail`, 3 and 4 letters."""

    def __init__(self, head: str = "QZX", tail: str = "WVKJ") -> None:
        self.head, self.tail = head, tail
        self.places: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.patient_id = self.text("Patient ID")  # the same in all instances of an exam, or it would be refused
        self.issuer = self.text("issuer of the Patient ID")
        self.patient_name = f"{self.text('family name')}^{self.text('given name')}"

    def text(self, place: str) -> str:
        """A text of 12 letters and digits that occurs nowhere else; legal in every text VR, and in words of 2 or 4 bytes."""
        value = f"{self.head}{next(self._numbers):05d}{self.tail}"
        self.places[value] = place
        return value

    def value(self, vr: str, place: str) -> object:
        """A planted value that is legal in the VR."""
        number = next(self._numbers)
        match vr:
            case "DA":
                value = f"{1700 + number % 90:04d}{1 + number // 28 % 12:02d}{1 + number % 28:02d}"
            case "TM":
                value = f"{number % 24:02d}5957.{870000 + number:06d}"
            case "DT":
                value = f"1651{1 + number // 28 % 12:02d}{1 + number % 28:02d}11{number % 60:02d}57.{770000 + number:06d}"
            case "UI":
                value = f"1.2.826.0.1.9999.{70000 + number}.31337"
            case "IS":
                value = str(770000000 + number)
            case "DS":
                value = f"{number}.31337159"
            case "AS":
                value = f"{100 + number % 800:03d}Y"
                return value  # too short to tell where it is from: judged by its attribute
            case "FD" | "FL":
                return float(number)  # binary numbers are judged by their attribute
            case vr if vr in _BYTES:
                return self.text(place).encode()
            case "OD" | "OF" | "OL":
                return (self.text(place) * 8)[:64].encode()
            case _:
                return self.text(place)
        self.places[value] = place
        return value


def listed_attributes() -> Iterator[tuple[int, str]]:
    """Tag and VR of the attributes of PS3.15 Table E.1-1 that pydicom knows."""
    for tag in sorted(profile_table().rows):
        try:
            yield tag, dictionary_VR(tag)
        except KeyError:
            continue


def plant_everywhere(dataset: Dataset, plants: Plants) -> None:
    """Plant in every listed attribute, in private blocks, and nested four deep; the picture stays readable."""
    with _lenient():
        _plant_listed(dataset, plants, "top level")
        _plant_private(dataset, plants, "top level")
        item = dataset
        for depth in range(1, 5):
            nested = Dataset()
            _plant_listed(nested, plants, f"depth {depth}", only_texts=depth < 4)
            _plant_private(nested, plants, f"depth {depth}")
            item.add(DataElement(0x00081140 if depth % 2 else 0x00400275, "SQ", Sequence([nested])))
            item = nested
        for number, region in enumerate(dataset.SequenceOfUltrasoundRegions):
            _plant_private(region, plants, f"region {number}")
            region.add(DataElement(0x00104000, "LT", plants.text(f"region {number} comments")))
        icon = Dataset()
        icon.Rows, icon.Columns, icon.BitsAllocated, icon.SamplesPerPixel = 4, 16, 8, 1
        icon.PixelData = (plants.text("icon") * 8).encode()[:64]
        icon["PixelData"].VR = "OB"
        dataset.IconImageSequence = [icon]
        dataset.add(DataElement(0x60000010, "US", 8))
        dataset.add(DataElement(0x60000011, "US", 64))
        dataset.add(DataElement(0x60003000, "OW", (plants.text("overlay") * 8).encode()[:64]))
        dataset.add(DataElement(0x60000022, "LO", plants.text("overlay description")))
        dataset.add(DataElement(0x60004000, "LT", plants.text("overlay comments")))
        dataset.add(DataElement(0x50003000, "OW", (plants.text("curve") * 8).encode()[:64]))
        dataset.add(DataElement(0xFFFCFFFC, "OB", plants.text("trailing padding").encode()))


def _plant_listed(dataset: Dataset, plants: Plants, where: str, *, only_texts: bool = False) -> None:
    from pydicom.datadict import keyword_for_tag

    for tag, vr in listed_attributes():
        keyword = keyword_for_tag(tag)
        if keyword in _NEEDED or vr in _SKIPPED_VRS or tag >> 16 in (0x0000, 0x0002, 0x5000, 0x6000, 0x7FE0):
            continue
        if only_texts and vr not in _TEXTS:
            continue
        dataset.add(DataElement(tag, "OB" if vr == "OB or OW" else vr, plants.value(vr, f"{where} {keyword or Tag(tag)}")))


def _plant_private(dataset: Dataset, plants: Plants, where: str) -> None:
    for group in (0x0009, 0x0011, 0x0029, 0x200D):
        block = dataset.private_block(group, plants.text(f"{where} private creator {group:04X}"), create=True)
        for element, vr in enumerate(("LO", "OB", "UN", "PN", "UT", "DA", "UI", "DS"), start=1):
            block.add_new(element, vr, plants.value(vr, f"{where} private {group:04X} {vr}"))
        nested = Dataset()
        nested.PatientName = plants.text(f"{where} private {group:04X} sequence")
        block.add_new(0x20, "SQ", Sequence([nested]))


def planted_bytes(kind: SampleKind, plants: Plants, *, number: int = 1) -> bytes:
    """A DICOM file with plants in the preamble, the file meta, the header and, in a JPEG, in a comment and an APP marker."""
    dataset = sample_dataset(kind, number=number, frames=3 if kind.is_cine else None)
    plant_everywhere(dataset, plants)
    if kind is SampleKind.JPEG_CINE:
        frames = list(generate_frames(dataset.PixelData, number_of_frames=3))
        dataset.PixelData = encapsulate([_with_markers(frame, plants) for frame in frames])
        dataset["PixelData"].is_undefined_length = True
    dataset.PatientID, dataset.IssuerOfPatientID, dataset.PatientName = plants.patient_id, plants.issuer, plants.patient_name
    dataset.file_meta.SourceApplicationEntityTitle = plants.text("source AE title")
    dataset.file_meta.SendingApplicationEntityTitle = plants.text("sending AE title")
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.826.0.1.9999.1.31337"
    plants.places["1.2.826.0.1.9999.1.31337"] = "private information creator"
    dataset.file_meta.PrivateInformation = plants.text("private information").encode()
    dataset.preamble = (plants.text("preamble") * 12).encode()[:128]
    stream = BytesIO()
    with _lenient():
        dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _with_markers(jpeg: bytes, plants: Plants) -> bytes:
    comment = plants.text("JPEG comment").encode()
    application = b"Exif\0\0" + plants.text("JPEG application marker").encode()
    segments = b"".join(
        marker + struct.pack(">H", len(content) + 2) + content
        for marker, content in ((b"\xff\xfe", comment), (b"\xff\xe5", application))
    )
    marked = jpeg[:2] + segments + jpeg[2:]
    return marked + b"\0" * (len(marked) % 2)


def make_planted_exam(folder: Path, plants: Plants) -> Path:
    """A folder, itself named with a plant, with a loose file and a ZIP, their names planted too. Returns the folder."""
    place = folder / plants.text("folder name")
    place.mkdir(parents=True)
    (place / plants.text("file name")).write_bytes(planted_bytes(SampleKind.RGB_FRAME, plants, number=1))
    with ZipFile(place / f"{plants.text('ZIP name')}.zip", "w") as archive:
        archive.comment = plants.text("ZIP comment").encode()
        for number, kind in enumerate((SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE), start=2):
            archive.writestr(f"{plants.text('ZIP member name')}/{number}", planted_bytes(kind, plants, number=number))
        archive.writestr(f"{plants.text('text member name')}.txt", plants.text("stray text file"))
    return place


class _lenient:
    """Values that are odd on purpose are written without pydicom's complaints."""

    def __enter__(self) -> None:
        self._mode = config.settings.writing_validation_mode
        config.settings.writing_validation_mode = config.IGNORE

    def __exit__(self, *_: object) -> None:
        config.settings.writing_validation_mode = self._mode
