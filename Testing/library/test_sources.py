"""Files and folders: what is an instance, what isn't and why, and what a header tells."""

import copy
import os
import struct
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from source_files import links, reasons_of, small_dataset, small_file, zip_of

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Source
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset
from USDICOMizerLib.source_header import instance_from_header, read_header_of
from USDICOMizerLib.sources import discover, read_header


def test_dicom_is_recognised_by_content_whatever_its_name(tmp_path):
    for number, name in enumerate(("IM_0001", "picture.jpg", ".hidden", "notes.txt", "exam.zip", "DICOMDIR")):
        (tmp_path / name).write_bytes(small_file(f"1.2.{number}"))
    (tmp_path / "real.dcm").write_text("no DICOM at all, but a long text " * 20)
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "picture.dcm").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    discovery = discover([tmp_path])
    assert len(discovery.instances) == 6
    assert reasons_of(discovery) == [("skipped", "not-dicom")] * 3


def test_folders_are_read_with_all_that_is_in_them_in_a_stable_order(tmp_path):
    for number, name in enumerate(("b/2", "b/10", "a/deep/er/1", "c")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(small_file(f"1.2.{number}"))
    found = [str(i.source.path.relative_to(tmp_path).as_posix()) for i in discover([tmp_path]).instances]
    assert found == ["c", "a/deep/er/1", "b/10", "b/2"]


def test_a_zip_gives_the_same_instances_as_its_unpacked_folder(tmp_path):
    archive = make_sample_exam(tmp_path / "exam.zip")
    with ZipFile(archive) as members:
        members.extractall(tmp_path / "unpacked")
    zipped, unpacked = discover([archive]), discover([tmp_path / "unpacked"])
    assert len(zipped.instances) == 4
    assert [i.identity for i in zipped.instances] == [i.identity for i in unpacked.instances]
    assert reasons_of(zipped) == reasons_of(unpacked) == [("skipped", "not-dicom")]
    assert str(zipped.instances[0].source).endswith("IM_0001") and "::" in str(zipped.instances[0].source)


def test_the_facts_of_the_header_are_told(tmp_path):
    path = tmp_path / "cine"
    path.write_bytes(dicom_bytes(sample_dataset(SampleKind.JPEG_CINE, frames=3, number=7)))
    (instance,) = discover([path]).instances
    assert (instance.rows, instance.columns, instance.frames) == (600, 800, 3)
    assert instance.photometric_interpretation == "YBR_FULL_422"
    assert instance.transfer_syntax == "1.2.840.10008.1.2.4.50"
    assert (instance.series_number, instance.instance_number) == (4, 7)
    assert instance.acquired == "20240311090727.000000"
    assert (instance.device.manufacturer, instance.device.model) == ("Example Ultrasound Ltd", "SonoSample 5")
    assert instance.patient.id == "MRN-48151623" and instance.patient.issuer == "NORTHFIELD-ADT"
    assert instance.regions[0].box.top == 44 and instance.regions[0].data_type == 1
    assert instance.has_pixel_data and instance.warnings == ()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_dataset_without_preamble_is_found_and_its_encoding_named(syntax, tmp_path):
    stream = BytesIO()
    dataset = small_dataset()
    del dataset.file_meta
    dataset["PixelData"].VR = "OW"
    dataset.save_as(stream, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    assert stream.getvalue()[128:132] != b"DICM"
    (tmp_path / "old").write_bytes(stream.getvalue())
    (instance,) = discover([tmp_path]).instances
    assert instance.transfer_syntax == syntax and instance.rows == 24
    assert read_header(instance.source).file_meta.TransferSyntaxUID == syntax


def test_a_deflated_dataset_is_inflated_as_far_as_its_header_goes(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (1, 1000, 1000, 3), np.uint8)
    dataset = sample_dataset(SampleKind.RGB_FRAME, pixels=pixels)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    stream = _CountingStream(dicom_bytes(dataset))
    header, has_pixel_data = read_header_of(stream)
    assert has_pixel_data and header.Rows == 1000 and "PixelData" not in header
    assert stream.bytes_read < 200_000


class _CountingStream(BytesIO):
    bytes_read = 0

    def readinto(self, buffer) -> int:
        count = super().readinto(buffer)
        self.bytes_read += count
        return count


def test_pixel_data_is_not_read():
    stream = _CountingStream(small_file(rows=60_000))
    header, has_pixel_data = read_header_of(stream)
    assert has_pixel_data and "PixelData" not in header and header.Rows == 60_000
    assert stream.bytes_read < 200_000


def test_a_header_knows_nothing_of_the_file_that_it_came_from(tmp_path):
    path = tmp_path / "FENWICK"
    path.write_bytes(small_file())
    header = read_header(Source(path))
    assert type(header) is Dataset
    assert "FENWICK" not in repr(vars(header).get("filename", ""))


def test_an_empty_pixel_data_element_is_no_pixel_data(tmp_path):
    dataset = small_dataset()
    dataset.PixelData = b""
    (tmp_path / "a").write_bytes(dicom_bytes(dataset))
    assert not discover([tmp_path]).instances[0].has_pixel_data


def test_an_object_without_image_is_an_instance_without_rows(tmp_path):
    dataset = small_dataset()
    for keyword in ("PixelData", "Rows", "Columns", "PhotometricInterpretation", "SequenceOfUltrasoundRegions"):
        delattr(dataset, keyword)
    (tmp_path / "report").write_bytes(dicom_bytes(dataset))
    (instance,) = discover([tmp_path]).instances
    assert (instance.rows, instance.columns, instance.frames, instance.has_pixel_data) == (0, 0, 1, False)


def test_a_dicomdir_is_skipped_by_its_content(tmp_path):
    directory = Dataset()
    directory.FileSetID = "EXAM"
    directory.DirectoryRecordSequence = []
    directory.file_meta = small_dataset().file_meta
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    (tmp_path / "any.name").write_bytes(dicom_bytes(directory))
    assert reasons_of(discover([tmp_path])) == [("skipped", "dicomdir")]


def test_an_input_that_does_not_exist_stops_the_command_without_its_path_being_said(tmp_path):
    (tmp_path / "there").write_bytes(small_file())
    with pytest.raises(CommandError, match="Input 2 of 2 doesn't exist") as caught:
        discover([tmp_path / "there", tmp_path / "FENWICK"])
    assert "FENWICK" not in str(caught.value)


def test_a_file_that_several_inputs_lead_to_counts_once(tmp_path):
    path = tmp_path / "folder" / "a"
    path.parent.mkdir()
    path.write_bytes(small_file())
    discovery = discover([path, tmp_path, path.parent, path])
    assert (len(discovery.instances), discovery.others) == (1, ())


def test_progress_counts_every_file_and_member(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    zip_of(tmp_path / "b.zip", {"1": small_file("1.1"), "2": b"text", "folder/": b""})
    counts: list[int] = []
    discovery = discover([tmp_path], on_progress=counts.append)
    assert counts == [1, 2, 3] and len(discovery.instances) + len(discovery.others) == 3


def test_the_same_bytes_twice_are_one_instance_and_a_duplicate(tmp_path):
    (tmp_path / "a").write_bytes(small_file())
    zip_of(tmp_path / "b.zip", {"copy": small_file()})
    discovery = discover([tmp_path])
    assert [i.source.path.name for i in discovery.instances] == ["a"]
    assert reasons_of(discovery) == [("skipped", "duplicate")]


def test_different_content_under_one_uid_is_kept_and_told_apart(tmp_path):
    for name, rows in (("a", 24), ("b", 32), ("c", 40), ("d", 32)):
        (tmp_path / name).write_bytes(small_file("1.2.3", rows))
    discovery = discover([tmp_path])
    assert [i.source.path.name for i in discovery.instances] == ["a", "b", "c"]
    identities = [i.identity for i in discovery.instances]
    assert identities[0] == "1.2.3" and len(set(identities)) == 3
    assert all(identity.startswith("1.2.3#") and len(identity) == 22 for identity in identities[1:])
    assert {i.sop_instance_uid for i in discovery.instances} == {"1.2.3"}
    assert [len(i.warnings) for i in discovery.instances] == [0, 1, 1]
    assert reasons_of(discovery) == [("skipped", "duplicate")]


def test_broken_values_count_as_missing_and_the_warning_does_not_quote_them(tmp_path):
    content = small_file()
    broken = content.replace(b"IS\x02\x002 ", b"IS\x02\x00Q!").replace(b"IS\x02\x001 ", b"IS\x02\x00Q!")
    assert broken != content
    (tmp_path / "a").write_bytes(broken)
    (instance,) = discover([tmp_path]).instances
    assert (instance.series_number, instance.instance_number, instance.rows) == (None, None, 24)
    assert len(instance.warnings) == 2 and "Q!" not in " ".join(instance.warnings)


def test_a_region_without_valid_location_is_left_out_with_a_warning(tmp_path):
    dataset = small_dataset()
    good = dataset.SequenceOfUltrasoundRegions[0]
    inverted, incomplete = copy.deepcopy(good), Dataset()
    inverted.RegionLocationMinX0, inverted.RegionLocationMaxX1 = 20, 10
    incomplete.RegionSpatialFormat = 1
    dataset.SequenceOfUltrasoundRegions = [inverted, good, incomplete]
    (tmp_path / "a").write_bytes(dicom_bytes(dataset))
    (instance,) = discover([tmp_path]).instances
    assert len(instance.regions) == 1 and len(instance.warnings) == 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"AcquisitionDateTime": "20240102030405.5+0100", "AcquisitionDate": "19990101"}, "20240102030405.500000"),
        ({"AcquisitionDate": "20240102", "AcquisitionTime": "0304"}, "20240102030400.000000"),
        ({"ContentDate": "20240102", "ContentTime": "030405.25"}, "20240102030405.250000"),
        ({"StudyDate": "2024.01.02", "StudyTime": "03:04:05"}, "20240102030405.000000"),
        ({"StudyTime": "030405"}, ""),
    ],
)
def test_the_time_of_acquisition_sorts_whatever_form_it_is_in(values, expected, tmp_path):
    dataset = small_dataset()
    for prefix in ("Acquisition", "Content", "Series", "Study"):
        for part in ("Date", "Time"):
            setattr(dataset, prefix + part, None)
    stream = BytesIO(dicom_bytes(dataset))
    header, _ = read_header_of(stream)
    for keyword, value in values.items():
        header.add_new(keyword, "LO", value)  # a VR that doesn't mind old forms
    assert instance_from_header(Source(tmp_path), header, has_pixel_data=True).acquired == expected


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_a_missing_uid_is_a_named_failure(keyword, tmp_path):
    header, _ = read_header_of(BytesIO(small_file()))
    delattr(header, keyword)
    header.file_meta.MediaStorageSOPClassUID = header.file_meta.MediaStorageSOPInstanceUID = "1.2"
    stream = BytesIO()
    header.save_as(stream, enforce_file_format=False)
    (tmp_path / "a").write_bytes(bytes(128) + b"DICM" + stream.getvalue().partition(b"DICM")[2])
    discovery = discover([tmp_path])
    assert reasons_of(discovery) == [("failed", "missing-uid")]
    assert keyword in discovery.others[0].detail


def test_an_absurd_length_in_the_header_is_a_named_failure_and_a_long_private_value_is_left_out(tmp_path):
    content = small_file()
    marker = struct.pack("<HH", 0x0008, 0x0008) + b"CS"
    absurd = struct.pack("<HH", 0x0008, 0x0001) + b"UN\0\0" + struct.pack("<L", 2**31)
    (tmp_path / "absurd").write_bytes(content.replace(marker, absurd + marker, 1))
    assert reasons_of(discover([tmp_path])) == [("failed", "damaged-header")]

    dataset = small_dataset()
    dataset.private_block(0x7FD1, "SAMPLE VOLUME", create=True).add_new(0x01, "OB", bytes(2**26 + 2))
    (tmp_path / "absurd").write_bytes(dicom_bytes(dataset))
    (instance,) = discover([tmp_path]).instances
    header = read_header(instance.source)
    assert instance.has_pixel_data and header[0x7FD10010].value == "SAMPLE VOLUME" and 0x7FD11001 not in header


@links
def test_symbolic_links_are_followed_out_of_the_folder_but_never_in_circles(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "sub").mkdir(parents=True)
    outside.mkdir()
    (inside / "sub" / "a").write_bytes(small_file("1.1"))
    (outside / "b").write_bytes(small_file("1.2"))
    (inside / "sub" / "up").symlink_to(inside)
    (inside / "above").symlink_to(tmp_path)
    (inside / "elsewhere").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    discovery = discover([inside])
    assert sorted(i.sop_instance_uid for i in discovery.instances) == ["1.1", "1.2"]
    assert reasons_of(discovery) == [("skipped", "duplicate")] * 3


@links
def test_a_link_to_itself_and_a_link_to_nowhere_are_named_failures_for_themselves_alone(tmp_path):
    (tmp_path / "a").write_bytes(small_file())
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    discovery = discover([tmp_path])
    assert len(discovery.instances) == 1
    assert reasons_of(discovery) == [("failed", "symbolic-link-loop"), ("failed", "unreadable")]
    assert reasons_of(discover([tmp_path / "circle"])) == [("failed", "symbolic-link-loop")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert reasons_of(discover([tmp_path])) == [("skipped", "not-dicom")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom rights stop")
def test_what_may_not_be_read_is_a_named_failure(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o000)
    (tmp_path / "secret").write_bytes(small_file())
    (tmp_path / "secret").chmod(0o000)
    assert reasons_of(discover([tmp_path])) == [("failed", "unreadable")] * 2
    (tmp_path / "locked").chmod(0o700)
