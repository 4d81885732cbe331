"""Every kind of lossless picture in every syntax that can hold it, cut at every edge: what leaves is what was there.

The sources are written, and the output read, by pydicom, its plug-ins and imagecodecs' encoder; what was there is known.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread, dcmwrite, uid
from pydicom.encaps import encapsulate

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import PixelRequest, convert

ROWS, COLUMNS = 37, 43
BOXES = (
    CropBox(0, 0, COLUMNS, ROWS),
    *(CropBox(left, top, left + 34, top + 33) for left, top in itertools.product((0, 9), (0, 4))),
    CropBox(3, 1, 36, 34),
)
NATIVE = {
    "implicit": uid.ImplicitVRLittleEndian,
    "explicit": uid.ExplicitVRLittleEndian,
    "deflated": uid.DeflatedExplicitVRLittleEndian,
    "big-endian": uid.ExplicitVRBigEndian,
}
BY_PYDICOM = {
    "rle": (uid.RLELossless, "pylibjpeg"),
    "jpeg-ls": (uid.JPEGLSLossless, "pyjpegls"),
    "jpeg-2000": (uid.JPEG2000Lossless, "pylibjpeg"),
}


@dataclass(frozen=True)
class Kind:
    """A kind of picture."""

    photometric: str
    bits: int = 8
    signed: bool = False
    planar: int = 0

    def __str__(self) -> str:
        return f"{self.photometric}-{'s' if self.signed else 'u'}{self.bits}-{self.planar}"

    @property
    def samples(self) -> int:
        return 1 if self.photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else 3


GREY = [Kind(grey, bits, signed) for grey in ("MONOCHROME1", "MONOCHROME2") for bits in (8, 12, 16) for signed in (False, True)]
COLOUR = [Kind(colour, planar=planar) for colour in ("RGB", "YBR_FULL") for planar in (0, 1)]
KINDS = [*GREY, *COLOUR, Kind("PALETTE COLOR"), Kind("PALETTE COLOR", 16)]


def native(files, kind: Kind, pixels: np.ndarray, syntax: str = uid.ExplicitVRLittleEndian) -> bytes:
    allocated = 8 if kind.bits == 8 else 16
    described = dict(BitsAllocated=allocated, BitsStored=kind.bits, HighBit=kind.bits - 1, PixelRepresentation=int(kind.signed))
    described |= dict(PlanarConfiguration=kind.planar) if kind.samples == 3 else {}
    described |= files.palette() if kind.photometric == "PALETTE COLOR" else {}
    stored = pixels.transpose(0, 3, 1, 2) if kind.planar else pixels
    little = syntax if syntax != uid.ExplicitVRBigEndian else uid.ExplicitVRLittleEndian
    file = files.make(stored.tobytes(), little, pixels.shape, kind.photometric, **described)
    return file if little == syntax else files.big_endian(file)


def compressed(files, kind: Kind, pixels: np.ndarray, name: str) -> bytes:
    dataset = dcmread(io.BytesIO(native(files, kind, pixels)))
    if name == "htj2k":
        plain = pixels[..., 0] if kind.samples == 1 else pixels
        frames = [imagecodecs.htj2k_encode(np.ascontiguousarray(frame), reversible=True, rgb=False) for frame in plain]
        dataset.PixelData = encapsulate(frames)
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = uid.HTJ2KLossless
    else:
        syntax, plugin = BY_PYDICOM[name]
        dataset.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def cases() -> list:
    made = [(kind, name) for kind in KINDS for name in NATIVE]
    made += [(kind, name) for kind in KINDS for name in (*BY_PYDICOM, "htj2k") if not kind.planar]
    # HTJ2K is written with whole bytes only.
    made = [(kind, name) for kind, name in made if not (name == "htj2k" and kind.bits == 12)]
    return [pytest.param(kind, name, id=f"{kind}-{name}") for kind, name in made]


@pytest.mark.parametrize(("kind", "name"), cases())
def test_what_leaves_is_what_was_there(files, kind, name):
    for frames in (1, 3):
        pixels = files.speckle(frames, ROWS, COLUMNS, kind.samples, kind.bits, kind.signed)
        file = native(files, kind, pixels, NATIVE[name]) if name in NATIVE else compressed(files, kind, pixels, name)
        source = files.opened(file)
        for box in BOXES:
            converted = convert(source, PixelRequest(box))
            palette = files.palette() if kind.photometric == "PALETTE COLOR" else {}
            written = files.pydicom_pixels(files.written(converted, **palette))
            assert np.array_equal(written, pixels[:, box.top : box.bottom, box.left : box.right]), (frames, box)
