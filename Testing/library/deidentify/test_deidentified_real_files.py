"""The real ultrasound files of pydicom and pydicom-data: nothing identifying left, nothing else lost, nothing made invalid."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from pydicom import dcmread

from USDICOMizerLib.deidentify.header import Rules, deidentify_header
from USDICOMizerLib.deidentify.profile import profile_table
from USDICOMizerLib.deidentify.residue import find_residue, identifying_values, judge_alone, scan_bytes

NAMES = (
    "examples_ybr_color.dcm",
    "examples_palette.dcm",
    "examples_jpeg2k.dcm",
    "examples_rgb_color.dcm",
    "ExplVR_BigEnd.dcm",
    "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_expb_2frame.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
)
SUBJECT = "S-3C4DF-7GHJK"


@pytest.fixture(params=NAMES)
def file(request) -> bytes:
    """The bytes of a real file, where the packages that bring it are installed."""
    folders = [Path(pydicom.__file__).parent]
    try:
        import data_store
    except ImportError:
        pass
    else:
        folders += map(Path, data_store.__path__)
    for folder in folders:
        for path in folder.rglob(request.param):
            return path.read_bytes()
    pytest.skip("pydicom-data is not installed")


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
    pytest.importorskip("data_store")
    import data_store

    def palette(name):
        (path,) = [path for folder in data_store.__path__ for path in Path(folder).rglob(name)]
        _, out = outcome(path.read_bytes(), pseudonyms)
        return out.RedPaletteColorLookupTableData

    assert palette("OBXXXX1A_expb_2frame.dcm") == palette("OBXXXX1A_2frame.dcm")
