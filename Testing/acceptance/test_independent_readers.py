"""pydicom, dcmtk, gdcm and SimpleITK (Slicer's reader) each read every output whose syntax they know, with the same pixels."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from judges import dcmtk_pixels, gdcm_pixels, simpleitk_pixels
from pydicom import dcmread
from pydicom.pixels.processing import convert_color_space
from real_files import NAMES, real_file

BOX = (10, 8, 71, 51)
SYNTAXES = ("same", "explicit-little-endian", "rle", "jpeg-ls", "jpeg-2000", "htj2k")
JPEG = "1.2.840.10008.1.2.4.50"
HTJ2K = "1.2.840.10008.1.2.4.201"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def export_of(usdicomizer, source: Path, syntax: str, folder: Path) -> tuple[Path, tuple[int, ...]]:
    """Prepare one file and unpack the result; and the box that was really cut."""
    box = ",".join(map(str, BOX))
    ran = usdicomizer(
        "prepare",
        source,
        "--output",
        folder / syntax,
        "--crop",
        box,
        "--accept-unreviewed",
        "--transfer-syntax",
        syntax,
        "--json",
    )
    assert ran.status == 0, ran.stderr
    ((result,),) = [exam["instances"] for exam in ran.result["exams"]]
    (export,) = (folder / syntax).glob("*.zip")
    with ZipFile(export) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(".dcm")]
        return Path(archive.extract(member, folder / syntax)), tuple(map(int, result["box"].split(",")))


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_sees_the_same_pixels_and_those_of_the_source(usdicomizer, tmp_path, name):
    source = real_file(name, tmp_path)
    header = dcmread(source, stop_before_pixels=True)
    lossy = header.file_meta.TransferSyntaxUID in ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91")
    # The long cines are decoded once in each family: a syntax more takes a minute, and tells nothing new.
    for syntax in SYNTAXES if int(header.get("NumberOfFrames") or 1) <= 2 else ("same", "jpeg-ls"):
        output, box = export_of(usdicomizer, source, syntax, tmp_path)
        dataset = dcmread(output)
        by_pydicom = np.ascontiguousarray(dataset.pixel_array).ravel()
        written = dataset.file_meta.TransferSyntaxUID
        if written != HTJ2K:
            by_gdcm = in_pixel_order(gdcm_pixels(output), dataset)
            if written == JPEG:  # gdcm leaves it in YCbCr
                by_gdcm = convert_color_space(by_gdcm.reshape(-1, 1, 3), "YBR_FULL", "RGB").ravel()
            assert np.array_equal(by_pydicom.view(np.uint8), by_gdcm), f"gdcm, {syntax}"
            if dataset.PhotometricInterpretation != "PALETTE COLOR":  # ITK applies the palette
                assert np.array_equal(by_pydicom, simpleitk_pixels(output).ravel()), f"SimpleITK, {syntax}"
        if written not in (HTJ2K, JPEG_2000):
            by_dcmtk = in_pixel_order(dcmtk_pixels(output, tmp_path).view(np.uint8), dataset)
            assert np.array_equal(by_pydicom.view(np.uint8), by_dcmtk[: by_pydicom.nbytes]), f"dcmtk, {syntax}"
        difference = np.abs(by_pydicom.astype(int) - cropped_reference(source, box).astype(int))
        if written == JPEG:  # cut without decoding: chroma is interpolated between its samples, of which the outermost lost one
            frames = difference.reshape(-1, dataset.Rows, dataset.Columns, 3)
            assert box != BOX and frames.max() <= 40
            difference = frames[:, 1:-1, 1:-1]
        allowed = 3 if lossy and written != JPEG else 0
        assert difference.max() <= allowed, f"{syntax}: what left is not what the scanner stored"


def cropped_reference(source: Path, box: tuple[int, ...]) -> np.ndarray:
    """The source's pixels inside the box, decoded by pydicom with its own plug-ins, flat; colour as RGB."""
    left, top, right, bottom = box
    pixels = dcmread(source).pixel_array
    header = dcmread(source, stop_before_pixels=True)
    if int(header.get("NumberOfFrames") or 1) == 1:
        pixels = pixels[None]
    return pixels[:, top:bottom, left:right].ravel()


def in_pixel_order(samples: np.ndarray, dataset) -> np.ndarray:
    """Samples as stored -> R G B of each pixel together: undoes a planar configuration of 1, which readers keep."""
    if dataset.SamplesPerPixel == 1 or dataset.PlanarConfiguration == 0:
        return samples
    frames, size = int(dataset.get("NumberOfFrames") or 1), dataset.Rows * dataset.Columns
    return samples[: frames * 3 * size].reshape(frames, 3, size).transpose(0, 2, 1).ravel()
