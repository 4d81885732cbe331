"""A header is handed on once, and only while its file is what it was."""

import os

import pytest

from USDICOMizerLib import recent_headers
from USDICOMizerLib.elements import read_keyword
from USDICOMizerLib.recent_headers import take
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.sources import discover, read_header


@pytest.fixture
def found(tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    (instance,) = discover([path]).instances
    return instance


def test_what_was_found_is_handed_on_once(found):
    parsed = take(found.source)
    assert parsed.dataset == read_header(found.source)
    with found.source.open() as stream:
        stream.seek(parsed.pixel_data_at)
        assert stream.read(4) == b"\xe0\x7f\x10\x00"
    assert take(found.source) is None


def test_a_file_that_changed_is_not_what_was_found(found):
    changed = bytearray(found.source.path.read_bytes())
    times = os.stat(found.source.path)
    changed[-1] ^= 1
    found.source.path.write_bytes(changed)
    os.utime(found.source.path, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))  # file systems tell times by their ticks
    assert take(found.source) is None


def test_a_file_that_has_gone_is_not_what_was_found(found):
    found.source.path.unlink()
    assert take(found.source) is None


def test_the_oldest_headers_go(tmp_path, monkeypatch):
    monkeypatch.setattr(recent_headers, "_MOST_KEPT", 2)
    for number in range(1, 4):
        (tmp_path / f"{number}.dcm").write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME, number=number)))
    first, *others = discover([tmp_path]).instances
    assert take(first.source) is None
    assert all(take(other.source) for other in others)


def test_a_header_that_somebody_changes_changes_no_other(tmp_path):
    (tmp_path / "a.dcm").write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    (instance,) = discover([tmp_path]).instances
    one, other = read_header(instance.source), read_header(instance.source)
    before = str(read_keyword(one, "PatientID").value)
    one.PatientID = "changed"
    assert str(read_keyword(one, "PatientID").value) == "changed"
    assert (
        str(read_keyword(other, "PatientID").value)
        == before
        == str(read_keyword(read_header(instance.source), "PatientID").value)
    )
