"""A losslessly compressed frame is decoded again: it leaves only where every sample is what it was.

An encoder can fail silently: OpenJPH did, see `encode.py`.
"""

from __future__ import annotations

import numpy as np

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.decode import decode_frame
from USDICOMizerLib.pixels.encode import Encoder, Picture
from USDICOMizerLib.pixels.layout import PixelLayout


def require_same_samples(frame: bytes, samples: np.ndarray, picture: Picture, encoder: Encoder) -> None:
    """Decode `frame`, which `encoder` made of `samples` (rows, columns, samples), and compare.

    Raises RefusedError (unsupported-transfer-syntax) where one sample differs, or the frame can't be decoded.
    """
    layout = PixelLayout(
        rows=picture.rows,
        columns=picture.columns,
        frames=1,
        samples_per_pixel=picture.samples_per_pixel,
        photometric_interpretation=encoder.photometric(picture),
        bits_allocated=picture.bits_allocated,
        bits_stored=picture.bits_stored,
        high_bit=picture.bits_stored - 1,
        signed=picture.signed,
        planar_configuration=0,
        transfer_syntax=str(encoder.transfer_syntax_uid),
    )
    try:
        same = np.array_equal(decode_frame(frame, layout, lambda sentence: None), samples)
    except RefusedError:
        same = False
    if not same:
        raise RefusedError(
            Problem.UNSUPPORTED_TRANSFER_SYNTAX,
            f"a frame that was encoded as {encoder.name} doesn't decode to the pixels it was made of, so it wasn't exported; "
            "choose --transfer-syntax explicit-little-endian",
        )
