"""One DICOM header, read without its pixel data, and the facts of it that planning needs.

Headers of real files are wrong in many ways. What can't be read here is a named SourceError, or a fact that is
missing and a warning; it never is an exception of another library, whose words may quote the header.
"""

from __future__ import annotations

import errno
import io
import lzma
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import BinaryIO
from zipfile import BadZipFile

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import VR

from USDICOMizerLib.elements import read_keyword
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Device, Instance, Patient, Region, Source

LENGTH_OF_START = 132  # the preamble and its prefix (PS3.10 section 7.1)

_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONGEST_VALUE = 64 * 2**20  # a longer value before the pixel data is a private volume, or the length is damaged
_LONGEST_INFLATED_HEADER = 512 * 2**20
_KNOWN_VRS = frozenset(vr.value.encode("ascii") for vr in VR if len(vr.value) == 2)
_BUFFER = 64 * 2**10


class SourceFailure(StrEnum):
    """Why a file, or a member of a ZIP, could not be read. `advice` says what it means and what to do next."""

    UNREADABLE = "unreadable"
    SYMBOLIC_LINK_LOOP = "symbolic-link-loop"
    DAMAGED_ZIP = "damaged-zip"
    DAMAGED_MEMBER = "damaged-member"
    ENCRYPTED_MEMBER = "encrypted-member"
    NESTED_ZIP = "nested-zip"
    MEMBER_TOO_LARGE = "member-too-large"
    ABSURD_COMPRESSION = "absurd-compression"
    UNSUPPORTED_COMPRESSION = "unsupported-compression"
    HIDDEN_MEMBER = "hidden-member"
    DAMAGED_HEADER = "damaged-header"
    MISSING_UID = "missing-uid"

    @property
    def advice(self) -> str:
        """One or two sentences for people."""
        return _ADVICE[self]


_UNPACK = "Unpack the ZIP, and give the folder."

_ADVICE = {
    SourceFailure.UNREADABLE: "The operating system could not read it. Check that it exists and that you may read it.",
    SourceFailure.SYMBOLIC_LINK_LOOP: "The symbolic link leads to itself. Remove it, or let it lead to the file.",
    SourceFailure.DAMAGED_ZIP: "The ZIP is damaged or incomplete. Copy it again from its source.",
    SourceFailure.DAMAGED_MEMBER: "This member of the ZIP is damaged. Copy the ZIP again from its source.",
    SourceFailure.ENCRYPTED_MEMBER: "This member is encrypted. Unpack the ZIP with its password, and give the folder.",
    SourceFailure.NESTED_ZIP: "This member is a ZIP inside of the ZIP. Unpack the outer one, and give the folder.",
    SourceFailure.MEMBER_TOO_LARGE: f"This member of the ZIP would be too large if unpacked. {_UNPACK}",
    SourceFailure.ABSURD_COMPRESSION: f"This member claims to unpack to more than an image could. Do you trust it? {_UNPACK}",
    SourceFailure.UNSUPPORTED_COMPRESSION: f"Python can't read the compression of this member, such as Deflate64. {_UNPACK}",
    SourceFailure.HIDDEN_MEMBER: f"Another member of the ZIP has the same name and hides this one. {_UNPACK}",
    SourceFailure.DAMAGED_HEADER: "It begins like DICOM, but its header is damaged. Copy it again from the scanner or the PACS.",
    SourceFailure.MISSING_UID: "A UID is missing without which it belongs to no exam, or the header is cut short.",
}


class SourceError(USDICOMizerError):
    """A file or a member of a ZIP could not be read; the others are not affected."""

    def __init__(self, failure: SourceFailure, detail: str = ""):
        self.failure = failure
        super().__init__(f"{failure.advice} ({detail})" if detail else failure.advice)


def source_error(error: Exception, *, is_member: bool) -> SourceError:
    """The named error for what another library raised while reading; its own words are left out but for the class."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        failure = SourceFailure.SYMBOLIC_LINK_LOOP if error.errno == errno.ELOOP else SourceFailure.UNREADABLE
    elif is_member and isinstance(error, NotImplementedError):
        failure = SourceFailure.UNSUPPORTED_COMPRESSION
    elif is_member and isinstance(error, (BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)):
        failure = SourceFailure.DAMAGED_MEMBER
    else:
        failure = SourceFailure.DAMAGED_HEADER
    return SourceError(failure, type(error).__name__)


def begins_as_dicom_file(start: bytes) -> bool:
    """Whether a file that begins so is a DICOM file: the prefix after the preamble says it (PS3.10 section 7.1)."""
    return start[128:132] == b"DICM"


def begins_as_dataset(start: bytes) -> bool:
    """Whether a file that begins so may be a dataset without preamble, as scanners of the nineties write them.

    Such a file begins with group 0002 or 0008. Only a SOP Class UID in the header makes it DICOM in the end.
    """
    if len(start) < 8:
        return False
    group, element, length = struct.unpack("<HHL", start[:8])
    if start[4:6] in _KNOWN_VRS:
        return group in (0x0002, 0x0008, 0x0200, 0x0800)  # the last two are big-endian
    return group == 0x0008 and element < 0x0100 and length % 2 == 0 and length <= 1024


def read_header(source: Source) -> Dataset:
    """Read the dataset of a source up to its pixel data, with file meta information.

    The file meta information always has a Transfer Syntax UID: of a file that names none, the one it was found to be
    written in. Private values above 64 MiB are left out. Nothing after the pixel data is read.

    Raises SourceError.
    """
    try:
        with source.open() as stream:
            return read_header_of(stream)[0]
    except Exception as error:  # pydicom and zipfile raise nearly anything on damaged input
        raise source_error(error, is_member=bool(source.member)) from None


@dataclass(frozen=True)
class ParsedHeader:
    """A header as `read_header` gives it, and what follows it.

    `pixel_data_at` is where in the stream the element of the pixel data begins; None where it doesn't stand there for itself.
    """

    dataset: Dataset
    has_pixel_data: bool  # that isn't empty
    pixel_data_at: int | None


def read_header_of(stream: BinaryIO) -> tuple[Dataset, bool]:
    """As `read_header`, of an open stream; and whether pixel data that isn't empty follows. Raises as `parse_header` does."""
    parsed = parse_header(stream)
    return parsed.dataset, parsed.has_pixel_data


def parse_header(stream: BinaryIO) -> ParsedHeader:
    """Read a header from a stream of the whole file. Raises what pydicom and zipfile raise."""
    has_pixel_data, place = False, None

    def at_pixel_data(tag: BaseTag, _vr: str | None, length: int) -> bool:
        nonlocal has_pixel_data
        found = tag in _PIXEL_DATA
        has_pixel_data = has_pixel_data or (found and length > 0)
        return found

    # One buffer over the many small reads; a member of a ZIP would be slow without.
    buffered = io.BufferedReader(stream, _BUFFER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values
            meta = _file_meta(buffered)
            if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                inflated = _Inflated(buffered)
                dataset = read_dataset(inflated, False, True, stop_when=at_pixel_data, defer_size=_LONGEST_VALUE)
            else:
                buffered.seek(0)
                # pydicom would ask a BufferedReader for the name of its file, which a stream needn't have.
                nameless = SimpleNamespace(read=buffered.read, seek=buffered.seek, tell=buffered.tell)
                dataset = read_partial(nameless, at_pixel_data, _LONGEST_VALUE, force=True)
                meta, place = dataset.file_meta, buffered.tell()
    finally:
        buffered.detach()  # the stream is the caller's to close
    return ParsedHeader(_plain_header(dataset, meta), has_pixel_data, place)


def _file_meta(stream: BinaryIO) -> FileMetaDataset:
    """Read preamble and file meta information; the stream is left where the dataset begins."""
    read_preamble(stream, force=True)
    return FileMetaDataset(read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 0x0002))


def _plain_header(dataset: Dataset, meta: FileMetaDataset) -> Dataset:
    """The header without the name of its file, which pydicom keeps, and without values that were too long to read."""
    elements = {}
    for element in dataset.values():
        unread = isinstance(element, RawDataElement) and element.value is None and element.length > _LONGEST_VALUE
        if not unread:
            elements[element.tag] = element
        elif not element.tag.is_private:
            raise SourceError(SourceFailure.DAMAGED_HEADER, f"an absurd length at {element.tag}")
    header = Dataset(elements)
    is_implicit, is_little = dataset.original_encoding
    header.set_original_encoding(is_implicit, is_little, dataset.original_character_set)
    if "TransferSyntaxUID" not in meta:
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
    header.file_meta = meta
    return header


class _Inflated:
    """A deflated dataset (PS3.5 A.5) as a file, inflated as far as it is read and no further."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._known = bytearray()
        self._position = 0

    def read(self, size: int) -> bytes:
        end = self._position + size
        while len(self._known) < end and not self._inflater.eof:
            deflated = self._inflater.unconsumed_tail or self._stream.read(_BUFFER)
            if not deflated:
                break
            self._known += self._inflater.decompress(deflated, _BUFFER)
            if len(self._known) > _LONGEST_INFLATED_HEADER:
                raise SourceError(SourceFailure.DAMAGED_HEADER, "it inflates to more than a header could hold")
        value = bytes(self._known[self._position : end])
        self._position += len(value)
        return value

    def seek(self, offset: int) -> None:
        self._position = offset

    def tell(self) -> int:
        return self._position


def instance_from_header(source: Source, header: Dataset, *, has_pixel_data: bool) -> Instance:
    """The facts of a header. Broken values count as missing, with a warning where they matter.

    Raises SourceError where a UID is missing without which the instance belongs to no exam.
    """
    facts = _Facts()
    uids = {keyword: facts.text(header, keyword) for keyword in ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID")}
    missing = [keyword for keyword, uid in uids.items() if not uid]
    if missing:
        raise SourceError(SourceFailure.MISSING_UID, f"no {', '.join(missing)}")
    return Instance(
        source=source,
        identity=uids["SOPInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=uids["SOPClassUID"],
        study_uid=uids["StudyInstanceUID"],
        series_uid=facts.text(header, "SeriesInstanceUID"),
        patient=Patient(
            id=facts.text(header, "PatientID"),
            issuer=facts.text(header, "IssuerOfPatientID"),
            name=facts.text(header, "PatientName"),
            birth_date=facts.text(header, "PatientBirthDate"),
        ),
        modality=facts.text(header, "Modality"),
        transfer_syntax=facts.text(header.file_meta, "TransferSyntaxUID"),
        series_number=facts.number(header, "SeriesNumber"),
        instance_number=facts.number(header, "InstanceNumber"),
        acquired=_acquired(facts, header),
        rows=facts.number(header, "Rows") or 0,
        columns=facts.number(header, "Columns") or 0,
        frames=facts.number(header, "NumberOfFrames") or 1,
        photometric_interpretation=facts.text(header, "PhotometricInterpretation"),
        has_pixel_data=has_pixel_data,
        device=Device(
            manufacturer=facts.text(header, "Manufacturer"),
            model=facts.text(header, "ManufacturerModelName"),
            serial_number=facts.text(header, "DeviceSerialNumber"),
            software_version=facts.text(header, "SoftwareVersions"),
            station=facts.text(header, "StationName"),
        ),
        regions=_regions(facts, header),
        depth=facts.text(header, "DepthOfScanField"),
        warnings=tuple(facts.warnings),
    )


class _Facts:
    """Reads single values, and notes the keywords of those that can't be read."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def value(self, dataset: Dataset, keyword: str) -> object:
        element = read_keyword(dataset, keyword)
        if element is not None:
            return element.value
        if keyword in dataset:
            self._note(keyword)
        return None

    def text(self, dataset: Dataset, keyword: str) -> str:
        """The value as text, several of them joined as DICOM joins them; "" where it is missing."""
        value = self.value(dataset, keyword)
        if value is None:
            return ""
        return ("\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)).strip(" \0")

    def number(self, dataset: Dataset, keyword: str) -> int | None:
        """The value, or the first of several, as an integer of at least 0; None where it is missing or isn't one."""
        value = self.value(dataset, keyword)
        first = value[0] if isinstance(value, MultiValue) and len(value) else value
        if first is None or first == "" or isinstance(first, MultiValue):
            return None
        try:
            number = int(float(first))
        except (TypeError, ValueError, OverflowError):
            number = -1
        if number < 0:
            self._note(keyword)
            return None
        return number

    def _note(self, keyword: str) -> None:
        self.warnings.append(f"{keyword} can't be read and counts as missing")


def _acquired(facts: _Facts, header: Dataset) -> str:
    """Date and time as they sort (YYYYMMDDHHMMSS.FFFFFF), of the first that the header has; "" where it has none.

    ACR-NEMA's YYYY.MM.DD and HH:MM:SS are understood; a time zone is left out.
    """
    moment = re.split("[+-]", facts.text(header, "AcquisitionDateTime"))[0]
    date, time = moment[:8], moment[8:]
    for prefix in ("Acquisition", "Content", "Series", "Study"):
        if not date:
            date, time = facts.text(header, f"{prefix}Date"), facts.text(header, f"{prefix}Time")
    if not date:
        return ""
    whole, _, fraction = time.replace(":", "").partition(".")
    return f"{date.replace('.', ''):0<8.8}{whole:0<6.6}.{fraction:0<6.6}"


def _regions(facts: _Facts, header: Dataset) -> tuple[Region, ...]:
    """The ultrasound regions (PS3.3 C.8.5.5) whose location is a rectangle; of others a warning tells."""
    items = facts.value(header, "SequenceOfUltrasoundRegions")
    regions = []
    for item in items if items and all(isinstance(item, Dataset) for item in items) else ():
        edges = [facts.number(item, f"RegionLocation{edge}") for edge in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if None in edges or edges[2] < edges[0] or edges[3] < edges[1]:
            facts.warnings.append("an ultrasound region has no valid location and is left out")
            continue
        kind = [facts.number(item, keyword) or 0 for keyword in ("RegionSpatialFormat", "RegionDataType", "RegionFlags")]
        regions.append(Region(*edges, *kind))
    return tuple(regions)
