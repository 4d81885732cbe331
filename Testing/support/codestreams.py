"""Codestreams to test with, and what judges them: coded by Pillow, edited by hand, decoded by DCMTK."""

from __future__ import annotations

import io
import subprocess

import numpy as np
from judges import require_dcmtk
from PIL import Image

from USDICOMizerLib.geometry import CropBox

OPTIONAL = ("imagecodecs", "openjpeg", "libjpeg", "rle", "gdcm")
BOX = CropBox(5, 3, 41, 25)
GREY = [(8, False), (8, True), (12, False), (12, True), (16, False), (16, True)]


def jpeg(frame: np.ndarray, subsampling: int = 0, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(frame if frame.shape[2] == 3 else frame[..., 0]).save(
        stream, "JPEG", quality=95, subsampling=subsampling, **options
    )
    return stream.getvalue()


def without_markers(codestream: bytes, *kinds: int) -> bytes:
    """Drop application segments: 0xE0 JFIF, 0xEE Adobe."""
    out, position = codestream[:2], 2
    while codestream[position + 1] != 0xDA:
        length = int.from_bytes(codestream[position + 2 : position + 4], "big") + 2
        if codestream[position + 1] not in kinds:
            out += codestream[position : position + length]
        position += length
    return out + codestream[position:]


def adobe(codestream: bytes, transform: int) -> bytes:
    segment = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return codestream[:2] + segment + codestream[2:]


def with_ids(codestream: bytes, ids: bytes) -> bytes:
    """Rename the three components, in frame and scan header."""
    out = bytearray(codestream)
    for start, step in ((out.find(b"\xff\xc0") + 10, 3), (out.find(b"\xff\xda") + 5, 2)):
        for index, identifier in enumerate(ids):
            out[start + step * index] = identifier
    return bytes(out)


def bits_of(bits: int, signed: bool) -> dict:
    return {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "PixelRepresentation": int(signed)}


def patterns(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement in `bits`, unsigned: how codecs without signs take signed samples."""
    return (pixels.astype(np.int64) & ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")


def pixels_of(source, box: CropBox = BOX) -> np.ndarray:
    return np.stack([source.pixels(index, box) for index in range(source.layout.frames)])


def cut(pixels: np.ndarray, box: CropBox = BOX) -> np.ndarray:
    return pixels[:, box.top : box.bottom, box.left : box.right]


def dcmtk(tool: str, file: bytes, folder, *options: str) -> bytes:
    require_dcmtk()
    (folder / "in.dcm").write_bytes(file)
    subprocess.run([tool, *options, str(folder / "in.dcm"), str(folder / "out.dcm")], check=True, capture_output=True)
    return (folder / "out.dcm").read_bytes()
