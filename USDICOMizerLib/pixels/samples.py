"""What a codec gives -> samples of the type that the header says, or a refusal."""

from __future__ import annotations

import numpy as np

from USDICOMizerLib.pixels.frames import damaged
from USDICOMizerLib.pixels.layout import PixelLayout


def check_size(layout: PixelLayout, rows: int, columns: int, components: int) -> None:
    """Raise RefusedError (damaged-pixel-data) where a codestream is of another size than the header says."""
    if (rows, columns) != (layout.rows, layout.columns):
        raise damaged("the size of a codestream contradicts Rows and Columns")
    if components != layout.samples_per_pixel:
        raise damaged("the number of components of a codestream contradicts Samples per Pixel")


def as_stored(values: np.ndarray, precision: int, layout: PixelLayout) -> np.ndarray:
    """Decoded numbers as samples of the header's type: two's complement in Bits Stored where it says signed.

    `values` is of rows x columns x samples in any shape, `precision` the number of bits that the codestream gives them.
    JPEG and JPEG-LS code bit patterns, so that signed samples come out as unsigned numbers; JPEG 2000 knows signs, and
    its writers forget them. Raises RefusedError (damaged-pixel-data) for what Bits Stored has no room for.
    """
    values = values.reshape(layout.rows, layout.columns, -1)
    bits = layout.bits_stored
    if precision <= bits and (values.dtype.kind == "u") is not layout.signed:
        return values.astype(layout.dtype)
    coded_signed = values.dtype.kind != "u"
    wide = values.astype(np.int32 if max(precision, bits) < 31 else np.int64)
    if not coded_signed:
        bits = min(bits, precision)
    low = wide & ((1 << bits) - 1)
    if layout.signed:
        low -= (low >> (bits - 1)) << bits
    wide -= low
    # A sign may have been lost, or carried on into the bits above: what else stands there is no sample of this header.
    signs = (1 << bits, -(1 << bits), 1 << precision) if layout.signed or coded_signed else ()
    if not np.logical_or.reduce([wide == carried for carried in (0, *signs)]).all():
        raise damaged("a frame holds numbers that Bits Stored has no room for")
    return low.astype(layout.dtype)
