"""JPEG XL sources: decoded exactly where imagecodecs is there, refused by the name of the package where not."""

from __future__ import annotations

import io
from functools import partial

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert

LOSSLESS, RECOMPRESSION, JPEG_XL = (f"1.2.840.10008.1.2.4.{number}" for number in (110, 111, 112))
BOX = CropBox(5, 3, 41, 25)
WHOLE = CropBox(0, 0, 47, 29)


def xl_file(files, frames: list[bytes], syntax: str, *shape_and_photometric, **attributes) -> bytes:
    """As `files.make`; pydicom 3.0 writes no syntax that it doesn't know, so another one's name is replaced."""
    file = files.make(frames, uid.HTJ2KLossless, *shape_and_photometric, **attributes)
    assert file.count(uid.HTJ2KLossless.encode()) == 1
    return file.replace(uid.HTJ2KLossless.encode(), syntax.encode())


def read(source, box: CropBox = BOX) -> np.ndarray:
    return np.stack([source.pixels(index, box) for index in range(source.layout.frames)])


def jpeg_file(files, syntax: str, pack) -> bytes:
    frames = []
    for frame in files.speckle(3, 29, 47, 3):
        stream = io.BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", quality=90, subsampling="4:2:2")
        frames.append(stream.getvalue())
    make = files.make if syntax == uid.JPEGBaseline8Bit else partial(xl_file, files)
    return make([pack(frame) for frame in frames], syntax, (3, 29, 47, 3), "YBR_FULL_422")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2", "RGB"])
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_frames_are_exact(files, photometric, bits):
    pixels = files.speckle(3, 29, 47, 3 if photometric == "RGB" else 1, bits)
    frames = [imagecodecs.jpegxl_encode(frame.squeeze(), lossless=True) for frame in pixels]
    file = xl_file(files, frames, LOSSLESS, pixels.shape, photometric, BitsAllocated=bits, BitsStored=bits)
    source = files.opened(file)
    assert np.array_equal(read(source), pixels[:, 3:25, 5:41])
    assert source.lossy_step is None
    assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == uid.JPEGLSLossless


def test_palette_indices_are_exact(files):
    pixels = files.speckle(1, 29, 47, 1)
    frame = imagecodecs.jpegxl_encode(pixels[0, ..., 0], lossless=True)
    source = files.opened(xl_file(files, [frame], LOSSLESS, pixels.shape, "PALETTE COLOR", **files.palette()))
    assert np.array_equal(read(source, WHOLE), pixels)


def test_a_packed_jpeg_is_decoded_as_the_jpeg_that_it_is(files):
    packed = jpeg_file(files, RECOMPRESSION, imagecodecs.jpegxl_encode_jpeg)
    plain = jpeg_file(files, uid.JPEGBaseline8Bit, bytes)
    source = files.opened(packed)
    assert np.array_equal(read(source), read(files.opened(plain)))
    assert source.lossy_step.method == "ISO_10918_1"


@pytest.mark.parametrize(("declared", "method"), [("00", None), ("01", "ISO_18181_1"), (None, "ISO_18181_1")])
def test_the_loss_of_a_syntax_that_allows_it_is_told_unless_the_header_denies_it(files, declared, method):
    pixels = files.speckle(1, 29, 47, 1)
    frame = imagecodecs.jpegxl_encode(pixels[0, ..., 0], lossless=True)
    more = {"LossyImageCompression": declared} if declared else {}
    step = files.opened(xl_file(files, [frame], JPEG_XL, pixels.shape, "MONOCHROME2", **more)).lossy_step
    assert (step and step.method) == method


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_frame_is_refused(files, keep):
    frame = imagecodecs.jpegxl_encode(files.speckle(1, 29, 47, 1)[0, ..., 0], lossless=True)
    cut = frame[: int(len(frame) * keep) // 2 * 2]
    with pytest.raises(RefusedError) as refused:
        read(files.opened(xl_file(files, [cut], LOSSLESS, (1, 29, 47, 1), "MONOCHROME2")))
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize("shape", [(1, 47, 29, 1), (1, 29, 47, 3)])
def test_a_frame_of_another_size_or_kind_is_refused(files, shape):
    frame = imagecodecs.jpegxl_encode(files.speckle(1, 29, 47, 1)[0, ..., 0], lossless=True)
    photometric = "RGB" if shape[3] == 3 else "MONOCHROME2"
    with pytest.raises(RefusedError) as refused:
        files.opened(xl_file(files, [frame], LOSSLESS, shape, photometric)).pixels(0, CropBox(0, 0, 9, 9))
    assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


@pytest.mark.parametrize(
    ("syntax", "photometric", "more", "problem"),
    [
        (LOSSLESS, "YBR_FULL", {}, Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION),
        (LOSSLESS, "MONOCHROME2", {"BitsAllocated": 16, "BitsStored": 12}, Problem.UNSUPPORTED_TRANSFER_SYNTAX),
        (LOSSLESS, "MONOCHROME2", {"PixelRepresentation": 1}, Problem.UNSUPPORTED_TRANSFER_SYNTAX),
        (LOSSLESS, "MONOCHROME2", {"BitsAllocated": 16, "BitsStored": 16}, Problem.DAMAGED_PIXEL_DATA),
        (RECOMPRESSION, "RGB", {}, Problem.DAMAGED_PIXEL_DATA),  # no JPEG is in it
    ],
)
def test_what_could_be_read_wrong_is_refused(files, syntax, photometric, more, problem):
    samples = 1 if photometric == "MONOCHROME2" else 3
    frame = imagecodecs.jpegxl_encode(files.speckle(1, 29, 47, samples)[0].squeeze(), lossless=True)
    with pytest.raises(RefusedError) as refused:
        read(files.opened(xl_file(files, [frame], syntax, (1, 29, 47, samples), photometric, **more)))
    assert refused.value.problem is problem


def test_without_the_package_it_is_refused_by_its_name(files, without):
    frame = imagecodecs.jpegxl_encode(files.speckle(1, 29, 47, 1)[0, ..., 0], lossless=True)
    source = files.opened(xl_file(files, [frame], LOSSLESS, (1, 29, 47, 1), "MONOCHROME2"))
    without("imagecodecs")
    with pytest.raises(RefusedError) as refused:
        read(source)
    assert refused.value.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert "imagecodecs" in refused.value.detail


def test_the_frames_of_a_cine_come_in_their_order(files):
    pixels = files.speckle(4, 29, 47, 1)
    frames = [imagecodecs.jpegxl_encode(frame[..., 0], lossless=True) for frame in pixels]
    source = files.opened(xl_file(files, frames, LOSSLESS, pixels.shape, "MONOCHROME2"))
    converted = convert(source, PixelRequest(WHOLE, transfer_syntax=OutputSyntax.EXPLICIT_LITTLE_ENDIAN))
    assert b"".join(converted.frames()) == pixels.tobytes()
