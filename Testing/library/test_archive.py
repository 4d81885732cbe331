from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.archive import MANIFEST_COLUMNS, ManifestRow, member_name, open_export
from USDICOMizerLib.errors import ExportError

TEMPLATE = "{subject}/{exam}/{order:03d}_{site}-{side}.dcm"
_SYNTAX = "1.2.840.10008.1.2.1"
ROW = ManifestRow(
    "a.dcm", "1.2", "1.3", "1.4", 4, 5, 1, "", "0.1 0.1", "120", "RGB", _SYNTAX, "Acme", "One", "5x4", "", "FV", "L", "", "no"
)  # fmt: skip


def written(path, *, members, level=1, replace_it=False, check=lambda stream: None):
    with open_export(path, compression_level=level, replace=replace_it, check=check) as export:
        for name, content in members:
            export.add(replace(ROW, file=name), lambda stream, c=content: stream.write(c), size=len(content), compress=True)


def values(**changes):
    return {"subject": "S-1", "exam": "E-1", "order": 7, "site": "FV-D", "side": "L", "purpose": ""} | changes


def test_a_name_is_filled_from_the_template():
    assert member_name(TEMPLATE, values()) == "S-1/E-1/007_FV-D-L.dcm"


@pytest.mark.parametrize(
    ("changes", "name"),
    [({"site": "", "side": ""}, "007.dcm"), ({"side": ""}, "007_FV-D.dcm"), ({"site": ""}, "007_L.dcm")],
)
def test_separators_around_missing_values_go(changes, name):
    assert member_name(TEMPLATE, values(**changes)) == f"S-1/E-1/{name}"


@given(
    subject=st.text(),
    site=st.text(),
    template=st.sampled_from([TEMPLATE, "{site}.dcm", "../{site}/{subject}", "{subject}\\{site}"]),
)
def test_a_name_stays_in_the_archive_and_is_legal_everywhere(subject, site, template):
    name = member_name(template, values(subject=subject, site=site))
    parts = PurePosixPath(name).parts
    assert name.endswith(".dcm")
    assert not name.startswith("/")
    assert not {"..", "."} & set(parts)
    assert not set(name) & set('<>:"|?*\\\0')
    assert not PureWindowsPath(name).is_reserved() if hasattr(PureWindowsPath, "is_reserved") else True
    assert all(part == part.strip(" .") or part.endswith(".dcm") for part in parts)


def test_windows_device_names_are_avoided():
    assert member_name("{site}.dcm", values(site="con")) == "con_.dcm"


def test_equal_names_are_made_distinct_as_windows_compares_them(tmp_path):
    with open_export(tmp_path / "e.zip", compression_level=1, replace=False, check=lambda stream: None) as export:
        for wanted in ("x/a.dcm", "x/A.dcm", "x/a.dcm"):
            name = export.free_name(wanted)
            export.add(replace(ROW, file=name), lambda stream: stream.write(b"1"), size=1, compress=False)
    with ZipFile(tmp_path / "e.zip") as archive:
        assert archive.namelist() == ["x/a.dcm", "x/A_2.dcm", "x/a_3.dcm", "manifest.csv"]


def test_the_manifest_has_a_row_for_each_instance(tmp_path):
    written(tmp_path / "e.zip", members=[("a.dcm", b"1"), ("b.dcm", b"2")])
    with ZipFile(tmp_path / "e.zip") as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode(), newline="")))
    assert [row["file"] for row in rows] == ["a.dcm", "b.dcm"]
    assert tuple(rows[0]) == MANIFEST_COLUMNS


def test_a_member_that_fails_leaves_no_trace(tmp_path):
    def fail(stream):
        stream.write(b"half of a secret" * 1000)
        raise ValueError

    path = tmp_path / "e.zip"
    with open_export(path, compression_level=0, replace=False, check=lambda stream: None) as export:
        export.add(replace(ROW, file="a.dcm"), lambda stream: stream.write(b"one"), size=3, compress=True)
        with pytest.raises(ValueError):
            export.add(replace(ROW, file="b.dcm"), fail, size=3, compress=True)
        export.add(replace(ROW, file="b.dcm"), lambda stream: stream.write(b"two"), size=3, compress=True)
    assert b"secret" not in path.read_bytes()
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.dcm", "b.dcm", "manifest.csv"]
        assert archive.read("b.dcm") == b"two"


def test_the_archive_tells_no_time_and_no_system(tmp_path):
    written(tmp_path / "e.zip", members=[("a.dcm", b"1")])
    with ZipFile(tmp_path / "e.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.extra for entry in archive.infolist()} == {b""}


@pytest.mark.parametrize(("level", "method"), [(0, ZIP_STORED), (1, ZIP_DEFLATED)])
def test_the_compression_level_is_followed(tmp_path, level, method):
    written(tmp_path / "e.zip", members=[("a.dcm", bytes(1000))], level=level)
    with ZipFile(tmp_path / "e.zip") as archive:
        assert archive.getinfo("a.dcm").compress_type == method


def test_an_export_without_instances_is_not_written(tmp_path):
    written(tmp_path / "e.zip", members=[])
    assert list(tmp_path.iterdir()) == []


def test_an_existing_export_stays_unless_it_is_to_be_replaced(tmp_path):
    path = tmp_path / "e.zip"
    written(path, members=[("a.dcm", b"1")])
    before = path.read_bytes()
    with pytest.raises(ExportError, match="--overwrite"):
        written(path, members=[("b.dcm", b"2")])
    assert path.read_bytes() == before
    written(path, members=[("b.dcm", b"2")], replace_it=True)
    assert path.read_bytes() != before
    assert [found.name for found in tmp_path.iterdir()] == ["e.zip"]


def test_an_export_that_does_not_pass_its_check_is_not_kept(tmp_path):
    def check(stream):
        raise ExportError("no")

    with pytest.raises(ExportError):
        written(tmp_path / "e.zip", members=[("a.dcm", b"1")], check=check)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_named_error(tmp_path):
    with pytest.raises(ExportError, match="could not be written"):
        written(tmp_path / "no" / "e.zip", members=[("a.dcm", b"1")])


def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_not_one(tmp_path):
    with open_export(tmp_path / "e.zip", compression_level=1, replace=False, check=lambda stream: None) as export:
        row = replace(ROW, file="a.dcm", manufacturer='=HYPERLINK("x")')
        export.add(row, lambda stream: stream.write(b"1"), size=1, compress=False)
    with ZipFile(tmp_path / "e.zip") as archive:
        assert b"\"'=HYPERLINK" in archive.read("manifest.csv")
