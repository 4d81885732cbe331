"""Identifiers planted wherever a header can hold one: none may come out."""

from __future__ import annotations

import io
import struct
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from USDICOMizerLib.deidentify.profile import dictionary_vrs, profile_table

TEXT = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT")
WRITTEN_ANEW = {"PatientIdentityRemoved", "BurnedInAnnotation"}


def planted(vr: str, number: int) -> tuple[object, list[bytes]]:
    """A value that is valid for the VR, and the bytes that may not come out; none where they could stand for anything."""
    marker = f"PLANT{number:04d}"
    day = date(1911, 1, 1) + timedelta(days=number)
    if vr in TEXT:
        return marker, [marker.encode()]
    if vr == "PN":
        return f"{marker}^Given={marker}", [marker.encode()]
    if vr == "UR":
        return f"http://{marker}", [marker.encode()]
    if vr == "UI":
        return f"1.2.999.77.{number}", [f"1.2.999.77.{number}\0".encode()]
    if vr == "DA":
        return f"{day:%Y%m%d}", [f"{day:%Y%m%d}".encode()]
    if vr == "DT":
        return f"{day:%Y%m%d}101112", [f"{day:%Y%m%d}".encode()]
    if vr == "TM":
        return f"101112.{number:06d}", [f"101112.{number:06d}".encode()]
    if vr in ("DS", "IS"):
        return f"98765{number:04d}", [f"98765{number:04d}".encode()]
    if vr == "AS":
        return "071Y", [b"071Y"]
    if vr in ("OB", "OW", "UN", "OF", "OD", "OL", "OV"):
        data = marker.encode().ljust(16, b".")
        return data, [data]
    if vr in ("US", "SS"):
        return 20000 + number, []
    if vr in ("UL", "SL", "SV", "UV"):
        return 98765000 + number, [struct.pack("<L", 98765000 + number)]
    if vr in ("FL", "FD"):
        return 98765.0 + number, [struct.pack("<d", 98765.0 + number)]
    raise AssertionError(vr)


def plant_all() -> tuple[Dataset, list[bytes]]:
    """A data set with a value in every attribute of Table E.1-1 that can stand in one."""
    ds, markers = Dataset(), []
    for number, (tag, row) in enumerate(sorted(profile_table().rows.items())):
        if tag >> 16 < 8:
            continue
        vr = (sorted(dictionary_vrs(tag)) or [row.vr or "LO"])[0]
        if vr == "SQ":
            item = Dataset()
            value, hidden = planted("LO", number)
            item.add_new(tag_for_keyword("CodeMeaning"), "LO", value)
            ds.add(DataElement(tag, "SQ", Sequence([item])))
        else:
            value, hidden = planted(vr, number)
            ds.add(DataElement(tag, vr, value))
        markers += hidden
    assert len(ds) > 600
    return ds, markers


def nested_in_kept_sequences(innermost: Dataset) -> Dataset:
    """The data set at depth 4, in sequences that the profile keeps."""
    for keyword in ("PurposeOfReferenceCodeSequence", "AnatomicRegionModifierSequence", "AnatomicRegionSequence"):
        outer = Dataset()
        outer.CodeMeaning = "Femoral vein"
        outer.add_new(tag_for_keyword(keyword), "SQ", Sequence([innermost]))
        innermost = outer
    return innermost


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big-endian"])
def test_nothing_planted_in_any_listed_attribute_comes_out(ultrasound_header, as_file, from_file, deidentify, syntax):
    ds, markers = plant_all()
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        ds[keyword] = ultrasound_header[keyword]
    ds.file_meta = ultrasound_header.file_meta
    if syntax == "implicit":
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    elif syntax == "big-endian":
        ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    out = deidentify(from_file(ds)).dataset
    out.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data = as_file(out)
    assert [marker for marker in markers if marker in data] == []


def test_nothing_planted_at_depth_four_comes_out(ultrasound_header, as_file, from_file, deidentify):
    ds, markers = plant_all()
    for element in nested_in_kept_sequences(ds):
        ultrasound_header.add(element)
    data = as_file(deidentify(from_file(ultrasound_header)).dataset)
    assert [marker for marker in markers if marker in data] == []
    assert b"Femoral vein" in data


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00091001, "LO", "PLANT0001"),
        (0x7FE11010, "OB", b"PLANT0001."),
        (0x50003000, "OW", b"PLANT0001."),
        (0x50002500, "LO", "PLANT0001"),
        (0x60003000, "OW", b"PLANT0001."),
        (0x60004000, "LT", "PLANT0001"),
        (0x60220022, "LO", "PLANT0001"),
        (0xFFFCFFFC, "OB", b"PLANT0001."),
        (0x0008FFF0, "LO", "PLANT0001"),
        (0x00180000, "UN", b"PLANT0001."),
        (0x00181063, "LO", "PLANT0001"),  # Frame Time, a DS
        (0x00081090, "OB", b"PLANT0001."),  # Manufacturer's Model Name, an LO
        (0x00185010, "UN", b"PLANT0001."),  # Transducer Data, an LO
        (tag_for_keyword("EvaluatorName"), "PN", "PLANT0001"),
        (0x00181022, "LO", "PLANT0001\x00hidden"),
        (0x00280106, "OB", b"PLANT0001."),
        (0x00181023, "LO", "\ufffdPLANT0001"),
        (0x00404054, "DT", "19110101"),
        (0x00080114, "UC", "PLANT0001\x1b"),
    ],
)
def test_what_is_odd_unknown_or_private_is_not_carried_over(ultrasound_header, as_file, from_file, deidentify, tag, vr, value):
    item = Dataset()
    item.CodeMeaning = "Femoral vein"
    for level in (ultrasound_header, item):
        level.add(DataElement(tag, vr, value, validation_mode=0))
    ultrasound_header.AnatomicRegionSequence = [item]
    ultrasound_header.SpecificCharacterSet = "ISO_IR 192"
    out = deidentify(ultrasound_header).dataset
    assert Tag(tag) not in out
    assert Tag(tag) not in out.AnatomicRegionSequence[0]
    assert b"PLANT" not in as_file(out)


def raw_element(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    """An explicit little-endian element with a length of two bytes, whatever its VR says."""
    return struct.pack("<HH", group, element) + vr + struct.pack("<H", len(value)) + value


@pytest.mark.parametrize(
    "element",
    [
        raw_element(0x0020, 0x9999, b"LO", b"PLANT0001 "),
        raw_element(0x0028, 0x0008, b"IS", b"PLANT0001 "),
        raw_element(0x0028, 0x0009, b"AT", b"PLANT0001."),
        raw_element(0x0028, 0x0034, b"IS", b"4\\PLANT001"),
        raw_element(0x0028, 0x2110, b"CS", b"01\0PLANT01"),
        raw_element(0x0028, 0x1050, b"DS", b"PLANT0001 "),
        raw_element(0x0028, 0x0004, b"ZZ", b"PLANT0001 "),
        raw_element(0x0028, 0x0010, b"US", b"PLANT0001"),
        raw_element(0x0028, 0x0010, b"US", b"PLANT001"),
        raw_element(0x0028, 0x0014, b"US", b"PLANT001"),
    ],
)
def test_values_that_cannot_be_parsed_are_not_carried_over(ultrasound_header, as_file, deidentify, element):
    before = Dataset()
    before.file_meta = ultrasound_header.file_meta
    for tag in [tag for tag in ultrasound_header.keys() if tag < 0x00200060]:
        before.add(ultrasound_header[tag])
    header = dcmread(io.BytesIO(as_file(before) + element), stop_before_pixels=True)
    assert b"PLANT" not in as_file(deidentify(header).dataset)


def test_a_sequence_in_an_element_of_unknown_vr_is_entered_or_removed(ultrasound_header, as_file, deidentify):
    patient_name = struct.pack("<HHL", 0x0010, 0x0010, 10) + b"PLANT0001 "
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(patient_name)) + patient_name
    for keyword in ("ViewCodeSequence", "StageCodeSequence"):
        tag = tag_for_keyword(keyword)
        as_un = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"UN\0\0" + struct.pack("<L", len(item)) + item
        header = dcmread(io.BytesIO(as_file(ultrasound_header) + as_un))
        assert b"PLANT" not in as_file(deidentify(header).dataset)


def test_sequences_nested_beyond_any_use_are_removed(ultrasound_header, as_file, deidentify):
    inner = Dataset()
    inner.CodeMeaning = "Femoral vein"
    for _ in range(20):
        outer = Dataset()
        outer.EquivalentCodeSequence = [inner]
        inner = outer
    ultrasound_header.AnatomicRegionSequence = [inner]
    assert "AnatomicRegionSequence" not in deidentify(ultrasound_header).dataset
    as_file(ultrasound_header)


_PUBLIC_TEXT = [
    tag for tag, entry in DicomDictionary.items() if entry[0] in ("PN", "UI", "DA", "DT", "TM") and 8 <= tag >> 16 < 0xFFFA
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tag=st.sampled_from(_PUBLIC_TEXT), depth=st.integers(0, 5), number=st.integers(0, 9999))
def test_no_name_date_or_instance_uid_comes_out_of_any_attribute(
    ultrasound_header, as_file, from_file, deidentify, tag, depth, number
):
    vr = DicomDictionary[tag][0]
    value, markers = planted(vr, number)
    if "Class" in DicomDictionary[tag][4] or DicomDictionary[tag][4] in _KINDS:
        return
    level = Dataset()
    level.add(DataElement(tag, vr, value))
    for _ in range(depth):
        outer = Dataset()
        outer.EquivalentCodeSequence = [level]
        level = outer
    for element in level:
        ultrasound_header.add(element)
    if tag == 0x00080018:
        ultrasound_header.file_meta.MediaStorageSOPInstanceUID = value
    data = as_file(deidentify(from_file(ultrasound_header)).dataset)
    assert not any(marker in data for marker in markers)


# UIDs that name kinds of things, not instances.
_KINDS = {
    "CodingSchemeUID",
    "ContextUID",
    "MappingResourceUID",
    "ContextGroupExtensionCreatorUID",
    "StoredInstanceTransferSyntaxUID",
    "AvailableTransferSyntaxUID",
    "FlowTransferSyntaxUID",
    "MACCalculationTransferSyntaxUID",
    "EncryptedContentTransferSyntaxUID",
}
