"""Members of ZIPs: read as streams, hostile or damaged ones for themselves alone."""

import struct
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pytest
from source_files import reasons_of, small_file, zip_of

from USDICOMizerLib.exam import Source
from USDICOMizerLib.sample_exam import PLANTED, SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.sources import Limits, SourceError, SourceFailure, discover, read_header, verify


def test_names_that_lead_out_of_a_zip_are_read_and_write_nothing(tmp_path):
    names = ("../../escaped", "/absolute", "C:\\drive")
    archive = zip_of(tmp_path / "exam.zip", {name: small_file(f"1.{number}") for number, name in enumerate(names)})
    before = sorted(tmp_path.rglob("*"))
    discovery = discover([archive])
    assert len(discovery.instances) == 3
    assert all(read_header(i.source).Rows == 24 for i in discovery.instances)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_in_a_zip_fails_alone_and_an_office_document_is_just_not_dicom(tmp_path):
    inner = zip_of(tmp_path / "inner", {"a": small_file()}).read_bytes()
    document = zip_of(tmp_path / "document", {"[Content_Types].xml": b"<xml/>", "word/document.xml": b"<xml/>"}).read_bytes()
    archive = zip_of(tmp_path / "outer", {"1.zip": inner, "2.docx": document, "3": small_file()})
    discovery = discover([archive])
    assert len(discovery.instances) == 1
    assert reasons_of(discovery) == [("failed", "nested-zip"), ("skipped", "not-dicom")]
    assert reasons_of(discover([tmp_path / "document"])) == [("skipped", "not-dicom")] * 2


def test_an_empty_zip_is_not_dicom(tmp_path):
    assert reasons_of(discover([zip_of(tmp_path / "empty", {})])) == [("skipped", "not-dicom")]


def _changed_directory(path: Path, offset: int, value: bytes, member: int = 0) -> None:
    """Overwrite bytes of a member's entry in the ZIP's directory (APPNOTE 4.3.12)."""
    content = bytearray(path.read_bytes())
    at = -1
    for _ in range(member + 1):
        at = content.index(b"PK\x01\x02", at + 1)
    content[at + offset : at + offset + len(value)] = value
    path.write_bytes(content)


def test_an_encrypted_member_fails_alone(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file("1.1"), "2": small_file("1.2")})
    _changed_directory(archive, 8, b"\x01")
    discovery = discover([archive])
    assert [i.source.member for i in discovery.instances] == ["2"]
    assert reasons_of(discovery) == [("failed", "encrypted-member")]


def test_a_member_in_a_compression_that_python_cannot_read_fails_alone(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file("1.1"), "2": small_file("1.2")})
    _changed_directory(archive, 10, struct.pack("<H", 9))  # Deflate64, as Windows makes it of large files
    discovery = discover([archive])
    assert len(discovery.instances) == 1
    assert reasons_of(discovery) == [("failed", "unsupported-compression")]


def test_a_member_above_the_limit_or_with_an_absurd_ratio_fails_alone(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file("1.1"), "2": small_file("1.2", rows=40_000), "3": bytes(3 * 2**20)})
    discovery = discover([archive], Limits(member_bytes=2**21, ratio=50, ratio_from_bytes=2**14))
    assert [i.source.member for i in discovery.instances] == ["1"]
    assert reasons_of(discovery) == [("failed", "absurd-compression"), ("failed", "member-too-large")]
    assert len(discover([archive]).instances) == 2


def test_a_member_that_another_of_the_same_name_hides_is_a_named_failure(tmp_path):
    with ZipFile(tmp_path / "exam.zip", "w") as archive:
        archive.writestr("same", small_file("1.1"))
        with pytest.warns(UserWarning):
            archive.writestr("same", small_file("1.2"))
    discovery = discover([tmp_path])
    assert [i.sop_instance_uid for i in discovery.instances] == ["1.2"]
    assert read_header(discovery.instances[0].source).SOPInstanceUID == "1.2"
    assert reasons_of(discovery) == [("failed", "hidden-member")]


def test_a_damaged_zip_is_a_named_failure(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file()})
    archive.write_bytes(archive.read_bytes()[:-40])
    assert reasons_of(discover([tmp_path])) == [("failed", "damaged-zip")]


def test_a_member_with_a_damaged_beginning_fails_alone(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file("1.1"), "2": small_file("1.2")})
    with ZipFile(archive) as members:
        at = members.getinfo("2").header_offset + 31
    content = bytearray(archive.read_bytes())
    content[at : at + 20] = b"\xff" * 20
    archive.write_bytes(content)
    discovery = discover([archive])
    assert [i.source.member for i in discovery.instances] == ["1"]
    assert reasons_of(discovery) == [("failed", "damaged-member")]


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
def test_damage_behind_the_header_is_found_when_the_member_is_verified(compression, tmp_path):
    noise = np.random.default_rng(2).integers(0, 256, (1, 400, 400, 3), np.uint8)
    whole = dicom_bytes(sample_dataset(SampleKind.RGB_FRAME, pixels=noise))
    archive = zip_of(tmp_path / "exam.zip", {"1": whole}, compression)
    (instance,) = discover([archive]).instances
    verify(instance.source)
    content = bytearray(archive.read_bytes())
    content[len(content) - 1000] ^= 0x10
    archive.write_bytes(content)
    (instance,) = discover([archive]).instances
    with pytest.raises(SourceError) as caught:
        verify(instance.source)
    assert caught.value.failure is SourceFailure.DAMAGED_MEMBER


def test_reading_a_source_that_vanished_is_a_named_error_without_its_path(tmp_path):
    with pytest.raises(SourceError) as caught:
        read_header(Source(tmp_path / "FENWICK"))
    assert caught.value.failure is SourceFailure.UNREADABLE
    assert "FENWICK" not in str(caught.value)


def test_damage_anywhere_in_a_header_ends_in_one_outcome_that_quotes_nothing(tmp_path):
    content = small_file(rows=2)
    generator = np.random.default_rng(3)
    planted = [text.casefold() for text in PLANTED]
    path = tmp_path / "a"
    for _ in range(300):
        damaged = bytearray(content)
        for at in generator.integers(132, len(content), 4):
            damaged[at] = generator.integers(0, 256)
        if generator.random() < 0.3:
            del damaged[generator.integers(132, len(content)) :]
        path.write_bytes(damaged)
        discovery = discover([path])
        assert len(discovery.instances) + len(discovery.others) == 1
        words = " ".join([o.detail for o in discovery.others] + [w for i in discovery.instances for w in i.warnings]).casefold()
        assert not any(text in words for text in planted)


def test_damage_anywhere_in_a_zip_loses_no_other_member_silently(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file("1.1", 2), "2": small_file("1.2", 2)})
    content = archive.read_bytes()
    generator = np.random.default_rng(4)
    for _ in range(150):
        damaged = bytearray(content)
        damaged[generator.integers(4, len(content))] ^= 1 << generator.integers(0, 8)
        archive.write_bytes(damaged)
        discovery = discover([archive])
        failed_as_a_whole = reasons_of(discovery) == [("failed", "damaged-zip")]
        assert len(discovery.instances) + len(discovery.others) == 2 or failed_as_a_whole


def test_a_member_is_never_unpacked_beyond_what_the_directory_promises(tmp_path):
    archive = zip_of(tmp_path / "exam.zip", {"1": small_file() + bytes(4 * 2**20)})
    _changed_directory(archive, 24, struct.pack("<L", 100_000))  # the unpacked size
    (instance,) = discover([archive]).instances
    with instance.source.open() as stream:
        assert len(stream.read(90_000)) == 90_000
    with pytest.raises(SourceError) as caught:
        verify(instance.source)
    assert caught.value.failure is SourceFailure.DAMAGED_MEMBER


def test_a_zip_member_named_like_a_folder_but_with_content_is_counted(tmp_path):
    with ZipFile(tmp_path / "exam.zip", "w") as archive:
        archive.writestr("IM1/", dicom_bytes(sample_dataset(SampleKind.RGB_FRAME, pixels=np.zeros((1, 16, 16, 3), np.uint8))))
        archive.writestr("empty folder/", b"")
    found = discover([tmp_path / "exam.zip"])
    assert len(found.instances) + len(found.others) == 1
