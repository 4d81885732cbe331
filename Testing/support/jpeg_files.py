"""JPEG frames in DICOM files, coded in every form, and the two ways that readers decode them."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import simplejpeg
from PIL import Image
from pydicom import uid

from USDICOMizerLib.geometry import CropBox

CODECS = ["turbojpeg", "jpeglib"]
ROWS, COLUMNS = 93, 117  # no multiple of any block
UNITS = {
    "grey": (8, 8),
    "4:4:4": (8, 8),
    "4:2:2": (16, 8),
    "4:2:0": (16, 16),
    "4:4:0": (8, 16),
    "4:1:1": (32, 8),
    "RGB": (8, 8),
}
BOXES = [
    CropBox(5, 3, 109, 90),  # touches no edge, lies on no grid
    CropBox(0, 0, COLUMNS, ROWS),
    CropBox(0, 11, 70, 71),
    CropBox(37, 0, 101, 60),
    CropBox(30, 17, COLUMNS, 77),
    CropBox(20, 31, 99, ROWS),
    CropBox(32, 16, 96, 64),  # on every grid
]


def coded(pixels: np.ndarray, form: str, **options) -> bytes:
    """One frame (rows, columns, samples) as JPEG with JFIF, or as RGB-coded with Adobe's marker."""
    if form == "RGB":
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=90, keep_rgb=True, **options)
        return stream.getvalue()
    if form == "grey":
        stream = io.BytesIO()
        Image.fromarray(pixels[..., 0]).save(stream, "JPEG", quality=90, **options)
        return stream.getvalue()
    if options:
        stream = io.BytesIO()
        subsampling = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}[form]
        Image.fromarray(pixels).save(stream, "JPEG", quality=90, subsampling=subsampling, **options)
        return stream.getvalue()
    return imagecodecs.jpeg8_encode(pixels, level=90, subsampling=form.replace(":", ""))


def photometric_of(form: str) -> str:
    return {"grey": "MONOCHROME2", "RGB": "RGB", "4:4:4": "YBR_FULL"}.get(form, "YBR_FULL_422")


def exam_file(files, frames: list[bytes], form: str, syntax=uid.JPEGBaseline8Bit, **attributes) -> bytes:
    samples = 1 if form == "grey" else 3
    photometric = attributes.pop("photometric", photometric_of(form))
    return files.make(frames, syntax, (len(frames), ROWS, COLUMNS, samples), photometric, **attributes)


def frames_of(files, form: str, count: int = 1, **options) -> list[bytes]:
    pixels = files.speckle(count, ROWS, COLUMNS, 1 if form == "grey" else 3)
    return [coded(frame, form, **options) for frame in pixels]


def plain(frame: bytes, form: str) -> np.ndarray:
    """Decoded with each chroma sample repeated."""
    return simplejpeg.decode_jpeg(frame, colorspace="GRAY" if form == "grey" else "RGB", fastdct=False, fastupsample=True)


def fancy(frame: bytes, form: str) -> np.ndarray:
    """Decoded with chroma interpolated between its samples, as most readers do."""
    return simplejpeg.decode_jpeg(frame, colorspace="GRAY" if form == "grey" else "RGB", fastdct=False, fastupsample=False)


def inside(box: CropBox, pixels: np.ndarray) -> np.ndarray:
    return pixels[box.top : box.bottom, box.left : box.right]
