"""Samples -> JPEG Baseline frames: the one output that loses something, and only where it was asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from pydicom import uid

from USDICOMizerLib.pixels import turbojpeg
from USDICOMizerLib.pixels.encode import Encoder, Picture
from USDICOMizerLib.pixels.layout import Photometric

LOSSY_METHOD = "ISO_10918_1"  # Lossy Image Compression Method (0028,2114), PS3.3 C.7.6.1.1.5.1
_MODES = {Photometric.RGB: "RGB", Photometric.YBR_FULL: "YCbCr"}  # as Pillow calls them; all others are grey
_LONGEST_SIDE = 65500  # of libjpeg


def lossy_picture(picture: Picture) -> Picture:
    """What a picture is before it is encoded with loss: the entries of a palette have no order, so they become colours."""
    if picture.photometric is not Photometric.PALETTE_COLOR:
        return picture
    return replace(picture, samples_per_pixel=3, photometric=Photometric.RGB, bits_allocated=8, bits_stored=8, signed=False)


def jpeg_baseline(quality: int) -> Encoder:
    """The encoder of JPEG Baseline frames with a quality from 1 to 100, as libjpeg counts it.

    Colour is always 4:2:2: with full resolution it would be YBR_FULL, which ultrasound images have in planes only, and
    JPEG has none (PS3.3 C.8.5.6.1.2, C.8.5.6.1.12).
    """
    return Encoder(
        uid.JPEGBaseline8Bit,
        f"JPEG Baseline of quality {quality}",
        _obstacle,
        lambda samples, picture: _encode(samples, picture, quality),
        written_as=dict.fromkeys(_MODES, Photometric.YBR_FULL_422),
        lossy_method=LOSSY_METHOD,
    )


def _encode(samples: np.ndarray, picture: Picture, quality: int) -> bytes:
    """With libjpeg-turbo, in the package that copies least: the system's, imagecodecs, Pillow."""
    if picture.photometric is not Photometric.YBR_FULL and turbojpeg.library() is not None:
        encoded = turbojpeg.encode(samples, quality)
    elif picture.photometric is not Photometric.YBR_FULL and find_spec("imagecodecs"):
        import imagecodecs

        plain = samples[..., 0] if picture.samples_per_pixel == 1 else samples
        encoded = imagecodecs.jpeg8_encode(np.ascontiguousarray(plain), level=quality, subsampling="422")
    else:
        encoded = _with_pillow(samples, picture, quality)
    return encoded + b"\0" * (len(encoded) % 2)


def _with_pillow(samples: np.ndarray, picture: Picture, quality: int) -> bytes:
    from PIL import Image

    mode = _MODES.get(picture.photometric, "L")
    plain = np.ascontiguousarray(samples)
    image = Image.frombuffer(mode, (picture.columns, picture.rows), plain, "raw", mode, 0, 1)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, subsampling="4:2:2")
    return stream.getvalue()


def _obstacle(picture: Picture) -> str | None:
    if picture.bits_allocated != 8 or picture.bits_stored != 8 or picture.signed:
        return "JPEG Baseline holds 8 bits a sample without a sign; choose --transfer-syntax jpeg-ls or jpeg-2000"
    if max(picture.rows, picture.columns) > _LONGEST_SIDE:
        return f"JPEG holds up to {_LONGEST_SIDE} rows and columns; crop the picture, or choose --transfer-syntax jpeg-2000"
    return None
