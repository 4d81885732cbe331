"""Lossless output is as small as what the reference encoders write: CharLS in dcmtk, OpenJPH in imagecodecs."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from codestreams import dcmtk
from pydicom import dcmread
from pydicom.encaps import generate_frames

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert

ROWS, COLUMNS = 200, 320
KINDS = [("MONOCHROME2", 1, 8), ("MONOCHROME2", 1, 16), ("RGB", 3, 8)]
MOST = 1.05


def speckle(files, photometric: str, samples: int, bits: int) -> tuple[np.ndarray, bytes]:
    pixels = files.speckle(1, ROWS, COLUMNS, samples, bits)
    described = dict(BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1)
    return pixels, files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric, **described)


def our_size(files, file: bytes, syntax: OutputSyntax) -> int:
    converted = convert(files.opened(file), PixelRequest(CropBox(0, 0, COLUMNS, ROWS), transfer_syntax=syntax))
    return sum(map(len, converted.frames()))


@pytest.mark.parametrize("hidden", [(), ("imagecodecs",)], ids=["imagecodecs", "pyjpegls"])
@pytest.mark.parametrize(("photometric", "samples", "bits"), KINDS)
def test_jpeg_ls_is_as_small_as_charls_makes_it(files, without, monkeypatch, tmp_path, hidden, photometric, samples, bits):
    _, file = speckle(files, photometric, samples, bits)
    reference = dcmread(io.BytesIO(dcmtk("dcmcjpls", file, tmp_path)))
    (frame,) = generate_frames(reference.PixelData, number_of_frames=1)
    if hidden:
        without(*hidden)
        monkeypatch.setattr("USDICOMizerLib.pixels.encode.find_spec", lambda name: None if name in hidden else True)
    assert our_size(files, file, OutputSyntax.JPEG_LS) <= MOST * len(frame)


@pytest.mark.parametrize(("photometric", "samples", "bits"), KINDS)
def test_htj2k_is_as_small_as_openjph_makes_it(files, photometric, samples, bits):
    pixels, file = speckle(files, photometric, samples, bits)
    plain = np.ascontiguousarray(pixels[0] if samples == 3 else pixels[0, ..., 0])
    transforms = (True, False) if samples == 3 else (False,)
    reference = min(len(imagecodecs.htj2k_encode(plain, reversible=True, rgb=rgb)) for rgb in transforms)
    assert our_size(files, file, OutputSyntax.HTJ2K) <= MOST * reference
