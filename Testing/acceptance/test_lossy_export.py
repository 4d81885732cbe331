"""jpeg-baseline exports: valid, read by every judge, and a header that tells each generation of loss."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from judges import dciodvfy_errors, dcmtk_pixels, gdcm_pixels
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import JPEGExtended12Bit
from real_files import real_file

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset

BOX = (20, 70, 300, 230)


def exported(usdicomizer, source: Path, folder: Path, *options: object, box: tuple[int, ...] = BOX) -> Path:
    command = ["prepare", source, "--output", folder, "--crop", ",".join(map(str, box)), "--accept-unreviewed"]
    ran = usdicomizer(*command, "--transfer-syntax", "jpeg-baseline", *options)
    assert ran.status == 0, ran.stderr
    (export,) = folder.glob("*.zip")
    assert usdicomizer("check", export, "--against", source).status == 0
    with ZipFile(export) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(".dcm")]
        return Path(archive.extract(member, folder))


def values(dataset, keyword: str) -> list[str]:
    found = dataset.get(keyword)
    return [str(one) for one in (found if isinstance(found, list) or hasattr(found, "append") else [found])]


@pytest.mark.parametrize("kind", [SampleKind.RGB_CINE, SampleKind.MONOCHROME_CINE])
@pytest.mark.parametrize("quality", [85, 95])
def test_the_header_of_a_lossy_export_tells_the_truth(usdicomizer, tmp_path, kind, quality):
    source = tmp_path / "source.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(kind, frames=3)))
    before = dcmread(source)
    output = exported(usdicomizer, source, tmp_path / "out", "--quality", quality)
    dataset = dcmread(output)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=3))
    ratio = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * 3 / sum(map(len, frames))
    assert dataset.LossyImageCompression == "01"
    assert values(dataset, "LossyImageCompressionMethod") == ["ISO_10918_1"]
    (written,) = values(dataset, "LossyImageCompressionRatio")
    assert float(written) == pytest.approx(ratio, rel=1e-4)
    assert dataset.ImageType[0] == "DERIVED"
    assert "compressed with loss" in dataset.DerivationDescription
    is_grey = kind is SampleKind.MONOCHROME_CINE
    assert dataset.PhotometricInterpretation == ("MONOCHROME2" if is_grey else "YBR_FULL_422")
    assert not dciodvfy_errors(output) - dciodvfy_errors(source)
    left, top, right, bottom = BOX
    difference = np.abs(dataset.pixel_array.astype(int) - before.pixel_array[:, top:bottom, left:right])
    assert difference.mean() < 4


def test_what_is_jpeg_baseline_already_is_cut_as_it_stands(usdicomizer, tmp_path):
    source = tmp_path / "source.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.JPEG_CINE, frames=3)))
    cut = dcmread(exported(usdicomizer, source, tmp_path / "out", "--quality", 30))
    same = dcmread(exported(usdicomizer, source, tmp_path / "same", "--transfer-syntax", "same"))
    assert cut.PixelData == same.PixelData
    assert values(cut, "LossyImageCompressionMethod") == values(same, "LossyImageCompressionMethod") == ["ISO_10918_1"]


def test_each_generation_of_loss_is_told(usdicomizer, tmp_path):
    source = tmp_path / "source.dcm"
    dataset = sample_dataset(SampleKind.JPEG_CINE, frames=3)
    dataset.file_meta.TransferSyntaxUID = JPEGExtended12Bit  # which the same codestreams may be, and which isn't asked for
    source.write_bytes(dicom_bytes(dataset))
    written = dcmread(exported(usdicomizer, source, tmp_path / "out"))
    frames = list(generate_frames(written.PixelData, number_of_frames=3))
    assert values(written, "LossyImageCompressionMethod") == ["ISO_10918_1"] * 2
    first, second = values(written, "LossyImageCompressionRatio")
    assert first == str(dataset.LossyImageCompressionRatio)
    assert float(second) == pytest.approx(written.Rows * written.Columns * 9 / sum(map(len, frames)), rel=1e-4)


@pytest.mark.parametrize("name", ["examples_palette.dcm", "GREYSCALE_IMAGE.dcm", "US1_J2KI.dcm", "examples_ybr_color.dcm"])
def test_real_files_become_jpeg_that_every_reader_shows_alike(usdicomizer, tmp_path, name):
    output = exported(usdicomizer, real_file(name, tmp_path), tmp_path / "out", box=(11, 8, 71, 50))
    dataset = dcmread(output)
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert not [element for element in dataset if "Palette" in element.keyword]
    by_pydicom = dataset.pixel_array.astype(int).ravel()
    # Decoders round and upsample in ways of their own, and dcmtk and gdcm keep YCbCr: only luma is compared with them.
    if dataset.SamplesPerPixel == 1:
        assert np.abs(by_pydicom - gdcm_pixels(output).astype(int)[: by_pydicom.size]).max() <= 2
        assert np.abs(by_pydicom - dcmtk_pixels(output, tmp_path).astype(int)[: by_pydicom.size]).max() <= 2
    else:
        assert by_pydicom.size == dcmtk_pixels(output, tmp_path).size // 2 * 2


def test_quality_without_jpeg_baseline_is_a_wrong_command(usdicomizer, tmp_path):
    source = tmp_path / "source.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.RGB_FRAME)))
    for quality in (85, 0, 101):
        ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--accept-unreviewed", "--quality", quality)
        assert ran.status == 2
    assert not (tmp_path / "out").exists()


def test_the_settings_name_the_quality(usdicomizer, tmp_path):
    source = tmp_path / "source.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.RGB_CINE, frames=2)))
    sizes = {}
    for quality in (30, 95):
        settings = tmp_path / f"{quality}.ini"
        settings.write_text(f"[export]\njpeg_quality = {quality}\n")
        sizes[quality] = exported(usdicomizer, source, tmp_path / str(quality), "--settings", settings).stat().st_size
    assert sizes[30] < 0.7 * sizes[95]


def test_what_jpeg_cant_hold_is_refused_by_name_and_the_rest_is_done(usdicomizer, tmp_path):
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME)
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.Columns //= 2
    del dataset.SequenceOfUltrasoundRegions
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1").write_bytes(dicom_bytes(dataset))
    (tmp_path / "in" / "2").write_bytes(dicom_bytes(sample_dataset(SampleKind.RGB_FRAME, number=2)))
    command = ["prepare", tmp_path / "in", "--output", tmp_path / "out", "--crop", "20,70,300,230", "--accept-unreviewed"]
    ran = usdicomizer(*command, "--transfer-syntax", "jpeg-baseline", "--json")
    assert ran.status == 1
    assert (ran.result["outcomes"]["prepared"], ran.result["outcomes"]["refused"]) == (1, 1)
    assert "JPEG Baseline holds 8 bits" in ran.stderr
