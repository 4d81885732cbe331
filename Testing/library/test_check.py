"""What an export can tell beside its files."""

from __future__ import annotations

import io
import struct
from zipfile import ZipFile, ZipInfo

import pytest
from pydicom.dataset import Dataset

from USDICOMizerLib.archive import NO_TIME
from USDICOMizerLib.check import Expectation, check_archive, check_export
from USDICOMizerLib.deidentify.residue import identifying_values


@pytest.fixture
def expected() -> Expectation:
    source = Dataset()
    source.PatientName, source.PatientID = "Doe^Jane", "12345678"
    return Expectation(identifying_values(source))


def said(expected: Expectation, name: str, content: bytes = b"", extra: bytes = b"", *, large: bool = False) -> str:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        entry = ZipInfo(name, NO_TIME)
        entry.extra = extra
        with archive.open(entry, "w", force_zip64=large) as file:
            file.write(content)
    return "\n".join(f"{one.file} {one.message}" for one in check_archive(stream, expected))


def test_the_name_of_an_empty_folder_is_searched_and_not_repeated(expected, tmp_path):
    found = said(expected, "DOE_JANE_12345678/")
    assert "name of a folder" in found
    assert "JANE" not in found
    assert "name of a folder" not in said(expected, "frames/")
    (tmp_path / "export" / "DOE_JANE_12345678").mkdir(parents=True)
    assert any("name of a folder" in one.message for one in check_export(tmp_path / "export", expected))


@pytest.mark.parametrize(
    "extra",
    [struct.pack("<HH", 1, 32) + b"Doe^Jane 12345678 ".ljust(32), struct.pack("<HH", 1, 8) + b"Doe^Jane",
     struct.pack("<HH", 1, 2) + b"xy", struct.pack("<HHQQQL", 1, 28, 6, 6, 0, 7)],
)  # fmt: skip
def test_the_field_for_long_sizes_holds_nothing_else(expected, extra):
    assert "extra field" in said(expected, "manifest.csv", b"file\r\n", extra)


def test_long_sizes_are_no_finding(expected):
    assert "extra field" not in said(expected, "manifest.csv", b"file\r\n", large=True)
