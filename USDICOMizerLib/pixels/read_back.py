"""Samples -> a frame that leaves: what was compressed losslessly is decoded again, and every sample has to be what it was.

An encoder can fail silently: OpenJPH did, see `encode.py`.
"""

from __future__ import annotations

import numpy as np
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.decode import decode_frame
from USDICOMizerLib.pixels.encode import Encoder, Picture
from USDICOMizerLib.pixels.layout import PixelLayout


def encoded(samples: np.ndarray, picture: Picture, encoder: Encoder) -> bytes:
    """The frame that `encoder` makes of `samples` (rows, columns, samples).

    Raises RefusedError (unsupported-transfer-syntax) where it can't make one, or one that doesn't decode to these samples.
    """
    try:
        frame = encoder.encode(samples, picture)
    except Exception as error:  # each codec has its own kinds of errors
        raise _refusal(f"the encoder of {encoder.name} can't write a frame ({type(error).__name__})") from error
    if encoder.lossy_method or not uid.UID(encoder.transfer_syntax_uid).is_compressed:
        return frame
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
    spoiled = _refusal(f"a frame that was encoded as {encoder.name} doesn't decode to the pixels it was made of")
    try:
        decoded = decode_frame(frame, layout, lambda sentence: None)
    except RefusedError as error:
        raise spoiled from error
    if not np.array_equal(decoded, samples):
        raise spoiled
    return frame


def _refusal(detail: str) -> RefusedError:
    advice = "choose --transfer-syntax explicit-little-endian"
    return RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, f"{detail}, so it wasn't exported; {advice}")
