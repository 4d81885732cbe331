"""The real ultrasound files of the installed packages, judged by decoders that the library does not use."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels import iter_pixels
from real_files import NAMES, real_bytes

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, open_pixels

BOX = CropBox(11, 9, 75, 57)


def judged(file: bytes, frames: int) -> np.ndarray:
    """The first frames by pydicom, with GDCM in place of the decoders that the library uses; YBR as RGB where JPEG."""
    dataset = dcmread(io.BytesIO(file))
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    plugin = {"decoding_plugin": "gdcm"} if compressed and "RLE" not in dataset.file_meta.TransferSyntaxUID.name else {}
    found = list(iter_pixels(dataset, indices=range(frames), raw=not compressed, **plugin))
    return np.stack([frame if frame.ndim == 3 else frame[..., np.newaxis] for frame in found])


@pytest.mark.parametrize("name", NAMES)
def test_real_files_come_out_right(files, name):
    file = real_bytes(name)
    source = files.opened(file)
    frames = min(2, source.layout.frames)
    expected = judged(file, frames)[:, BOX.top : BOX.bottom, BOX.left : BOX.right].astype(int)
    # GDCM hands out YBR, which pydicom turns into RGB with its own rounding: one step of a shade.
    tolerance = 2 if source.layout.photometric_interpretation.startswith("YBR_FULL") else 0
    tolerance = max(tolerance, 1 if source.layout.photometric_interpretation == "YBR_ICT" else 0)
    found = np.stack([source.pixels(index, BOX) for index in range(frames)]).astype(int)
    assert np.abs(found - expected).max() <= tolerance
    assert source.warnings == ()
    explicit = convert(source, PixelRequest(BOX, transfer_syntax=OutputSyntax.EXPLICIT_LITTLE_ENDIAN))
    for frame, samples in zip(explicit.frames(), found, strict=False):
        stored = np.frombuffer(frame, dtype=source.layout.dtype)
        if explicit.description.planar_configuration == 1:
            stored = stored.reshape(3, BOX.height, BOX.width).transpose(1, 2, 0)
        assert np.array_equal(stored.reshape(samples.shape), samples)


def test_a_zip_member_is_read_as_a_stream(files, tmp_path):
    file = real_bytes("OBXXXX1A_rle_2frame.dcm")
    with zipfile.ZipFile(tmp_path / "exam.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", file)
    header = dcmread(io.BytesIO(file), stop_before_pixels=True)
    with zipfile.ZipFile(tmp_path / "exam.zip") as archive, archive.open("a") as stream:
        frames = list(convert(open_pixels(stream, header), PixelRequest(BOX)).frames())
    assert frames == list(convert(files.opened(file), PixelRequest(BOX)).frames())
