"""Is a header what the standard asks of every image, and do the headers of an exam agree with one another?

A few rules, told in words; dciodvfy and dcentvfy know them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydicom.dataset import Dataset

from USDICOMizerLib.check_findings import CheckFinding, Kind
from USDICOMizerLib.deidentify.values import TEXT_VRS, is_known_character_set, text_of, texts_of
from USDICOMizerLib.elements import read_elements, read_keyword

# Type 1 in modules that every image has (PS3.3 C.12.1, C.7.2.1, C.7.3.1, C.7.6.3).
_WITH_VALUE = """
    SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality
    SamplesPerPixel PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation
""".split()
# Type 2 there (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.7.6.1).
_PRESENT = """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber
    SeriesNumber Manufacturer InstanceNumber
""".split()
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_LONGEST_UID = 64
_UIDS = "SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID SynchronizationFrameOfReferenceUID".split()
# What is one thing for all instances of a patient, study, series (PS3.3 A.1.2): by the UID that names it.
_SAME_IN = {
    "StudyInstanceUID": """
        PatientID PatientName PatientBirthDate PatientSex PatientAge PatientSize PatientWeight
        StudyDate StudyTime StudyID AccessionNumber StudyDescription ReferringPhysicianName
    """.split(),
    "SeriesInstanceUID": """
        Modality SeriesNumber SeriesDate SeriesTime SeriesDescription Laterality BodyPartExamined ProtocolName
        FrameOfReferenceUID SynchronizationFrameOfReferenceUID Manufacturer ManufacturerModelName DeviceSerialNumber
    """.split(),
}


def judge_basics(name: str, header: Dataset) -> Iterator[CheckFinding]:
    """What every image needs, and what is wrong with a value whatever the object."""

    def finding(message: str) -> CheckFinding:
        return CheckFinding(name, Kind.CONFORMANCE, message)

    for keyword in _WITH_VALUE:
        if not text_of(header, keyword):
            yield finding(f"{keyword} has no value (Type 1)")
    for keyword in _PRESENT:
        if keyword not in header:
            yield finding(f"{keyword} is missing (Type 2)")
    for keyword in _UIDS:
        uid = text_of(header, keyword)
        if uid and (len(uid) > _LONGEST_UID or not _UID.fullmatch(uid)):
            yield finding(f"{keyword} isn't a UID (PS3.5 9.1)")
    meta = getattr(header, "file_meta", None) or Dataset()
    for in_meta, keyword in (("MediaStorageSOPClassUID", "SOPClassUID"), ("MediaStorageSOPInstanceUID", "SOPInstanceUID")):
        if text_of(meta, in_meta) != text_of(header, keyword):
            yield finding(f"{in_meta} differs from {keyword} (PS3.10 7.1)")
    if not is_known_character_set(_values(header, "SpecificCharacterSet") or ["ISO_IR 6"]):
        yield finding("SpecificCharacterSet names one that isn't known")
    elif any(map(_is_undecoded, _texts(header, bool(_values(header, "SpecificCharacterSet"))))):
        yield finding("a text isn't in the character set that the header names (PS3.5 6.1)")
    pointers = read_keyword(header, "FrameIncrementPointer")
    if pointers is not None and pointers.value:
        tags = pointers.value if pointers.VM > 1 else [pointers.value]
        if any(tag not in header for tag in tags):
            yield finding("FrameIncrementPointer points to an attribute that isn't there (PS3.3 C.7.6.6)")
    yield from map(finding, _judge_regions(header))


def _judge_regions(header: Dataset) -> Iterator[str]:
    regions = read_keyword(header, "SequenceOfUltrasoundRegions")
    size = [text_of(header, keyword) for keyword in ("Columns", "Rows")]
    if regions is None or regions.VR != "SQ" or not all(map(str.isdigit, size)):
        return
    for number, item in enumerate(regions.value, start=1):
        for (low, high), length in zip((("MinX0", "MaxX1"), ("MinY0", "MaxY1")), map(int, size), strict=True):
            first, last = (text_of(item, f"RegionLocation{end}") for end in (low, high))
            if not (first.isdigit() and last.isdigit() and int(first) <= int(last) < length):
                yield f"ultrasound region {number} doesn't lie in the image (PS3.3 C.8.5.5.1.14)"
                break


def judge_identities(headers: Mapping[str, Dataset]) -> Iterator[CheckFinding]:
    """Whether each file is one instance, each series of one study, and each study of one patient."""
    seen: set[str] = set()
    patient_of_study: dict[str, tuple[str, str]] = {}
    study_of_series: dict[str, str] = {}
    for name, header in headers.items():
        instance, series, study = (
            text_of(header, keyword) for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        )
        if instance in seen:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file has the same SOP Instance UID")
        seen.add(instance)
        patient = (text_of(header, "PatientID"), text_of(header, "PatientName"))
        if patient_of_study.setdefault(study, patient) != patient:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file of the study has another patient")
        if study_of_series.setdefault(series, study) != study:
            yield CheckFinding(name, Kind.CONFORMANCE, "another file of the series belongs to another study")


def judge_agreement(headers: Mapping[str, Dataset]) -> Iterator[CheckFinding]:
    """Whether what is one thing for a study or a series, its frame of reference too, is the same in all of its files."""
    for scope, keywords in _SAME_IN.items():
        what = "study" if scope == "StudyInstanceUID" else "series"
        first: dict[tuple[str, str], list[str]] = {}
        told: set[tuple[str, str]] = set()
        for name, header in headers.items():
            for keyword in keywords:
                whose = text_of(header, scope), keyword
                if first.setdefault(whose, _values(header, keyword)) != _values(header, keyword) and whose not in told:
                    told.add(whose)
                    yield CheckFinding(name, Kind.CONFORMANCE, f"another file of the {what} has another {keyword} (PS3.3 A.1.2)")


def _values(header: Dataset, keyword: str) -> list[str]:
    element = read_keyword(header, keyword)
    return [text.strip() for text in texts_of(element)] if element is not None and element.VR != "SQ" else []


def _texts(dataset: Dataset, declared: bool) -> Iterator[tuple[str, bool]]:
    """Each text of a header, with whether a character set is declared for it."""
    for _, element in read_elements(dataset):
        if element is None:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item, declared or "SpecificCharacterSet" in item)
        elif element.VR in TEXT_VRS:
            yield from ((text, declared) for text in texts_of(element))


def _is_undecoded(text_and_declared: tuple[str, bool]) -> bool:
    text, declared = text_and_declared
    return "\ufffd" in text or any("\ud800" <= letter <= "\udfff" for letter in text) or not declared and not text.isascii()
