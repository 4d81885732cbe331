"""The real ultrasound files of pydicom and pydicom-data: nothing identifying left, nothing else lost, nothing made invalid."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from real_files import NAMES, real_bytes

from USDICOMizerLib.deidentify.header import Rules, deidentify_header
from USDICOMizerLib.deidentify.profile import profile_table
from USDICOMizerLib.deidentify.residue import find_residue, identifying_values, judge_alone, scan_bytes

# One of each kind of header; the long cines have no other header than their single frames.
FILES = [
    name for name in NAMES if name.endswith(".dcm") and name not in ("color3d_jpeg_baseline.dcm", "ultrasound-multiframe.dcm")
]
SUBJECT = "S-3C4DF-7GHJK"


@pytest.fixture(params=FILES)
def file(request) -> bytes:
    """The bytes of a real file."""
    return real_bytes(request.param)


def outcome(file: bytes, pseudonyms):
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    return header, deidentify_header(header, Rules(), pseudonyms, SUBJECT, reviewed=False).dataset


def test_nothing_identifying_is_left(file, pseudonyms, as_file):
    header, out = outcome(file, pseudonyms)
    needles = identifying_values(header)
    assert needles.values
    assert find_residue(out, needles) == []
    out.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data = as_file(out)
    assert scan_bytes([data], needles) == frozenset()
    assert judge_alone(dcmread(io.BytesIO(data))) == []
    assert find_residue(header, needles)  # and the search would have found it


def test_what_does_not_identify_is_kept(file, pseudonyms):
    def lost(source, target, path=""):
        for element in source:
            tag = int(element.tag)
            if (
                element.tag.is_private
                or tag in profile_table().rows
                or not element.keyword
                or element.keyword == "BurnedInAnnotation"
            ):
                continue
            if element.tag not in target:
                yield path + element.keyword
            elif element.VR == "SQ":
                for item, kept in zip(element.value, target[element.tag].value, strict=False):
                    yield from lost(item, kept, f"{path}{element.keyword}.")
            elif element.VR != "OW" and (element.value or None) != (target[element.tag].value or None):
                yield path + element.keyword

    assert list(lost(*outcome(file, pseudonyms))) == []


def test_no_conformance_error_is_added(file, pseudonyms, as_file, conformance_errors):
    _, out = outcome(file, pseudonyms)
    pixels = dcmread(io.BytesIO(file))["PixelData"]
    if out.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.2":
        out.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    out.add(pixels)
    before = conformance_errors(file)
    assert [line for line in conformance_errors(as_file(out)) if line not in before] == []


def test_big_endian_palettes_come_out_little_endian(pseudonyms):
    def palette(name):
        return outcome(real_bytes(name), pseudonyms)[1].RedPaletteColorLookupTableData

    assert palette("OBXXXX1A_expb_2frame.dcm") == palette("OBXXXX1A_2frame.dcm")
