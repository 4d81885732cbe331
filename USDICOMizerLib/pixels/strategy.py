"""What is done with the frames of an instance: one table, read from the top."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.encode import ENCODERS, Encoder, OutputSyntax, Picture
from USDICOMizerLib.pixels.layout import Family, PixelLayout
from USDICOMizerLib.pixels.lossy import jpeg_baseline


class Method(StrEnum):
    """How the frames get from the source to the output."""

    NATIVE_SLICE = "native slice"  # bytes are cut out where they stand, in their own photometric interpretation
    JPEG_CUT = "lossless JPEG crop"  # coefficients are carried over as they stand, in the frame's own photometric interpretation
    RECODE = "decode and encode losslessly"
    LOSSY = "encode with loss"  # asked for by name


@dataclass(frozen=True)
class Strategy:
    """The method, the encoder (None where frames are cut as they are coded), and both in words for the report."""

    method: Method
    encoder: Encoder | None
    words: str


_SAME, _EXPLICIT, _RLE = OutputSyntax.SAME, OutputSyntax.EXPLICIT_LITTLE_ENDIAN, OutputSyntax.RLE
_JPEG_LS, _JPEG_2000, _HTJ2K = OutputSyntax.JPEG_LS, OutputSyntax.JPEG_2000, OutputSyntax.HTJ2K
_JPEG_BASELINE = OutputSyntax.JPEG_BASELINE

# Where a family has no lossless encoder: the smallest that every installation has, then what never fails.
_ANY_LOSSLESS = (_JPEG_LS, _RLE, _EXPLICIT)

# source family, wanted -> method, and the outputs to try in this order. A wanted syntax that is not in the
# table is written as such or refused: only `same` leaves a choice.
_TABLE = (
    (Family.NATIVE, _SAME, Method.NATIVE_SLICE, (_EXPLICIT,)),
    (Family.NATIVE, _EXPLICIT, Method.NATIVE_SLICE, (_EXPLICIT,)),
    (Family.RLE, _SAME, Method.RECODE, (_RLE,)),
    (Family.JPEG_LS, _SAME, Method.RECODE, _ANY_LOSSLESS),
    (Family.JPEG_LOSSLESS, _SAME, Method.RECODE, _ANY_LOSSLESS),
    (Family.JPEG_2000, _SAME, Method.RECODE, (_JPEG_2000, *_ANY_LOSSLESS)),
    (Family.HTJ2K, _SAME, Method.RECODE, (_HTJ2K, _JPEG_2000, *_ANY_LOSSLESS)),
    (Family.JPEG, _SAME, Method.JPEG_CUT, _ANY_LOSSLESS),  # the outputs where it can't be cut as it is coded
    (Family.JPEG_XL, _SAME, Method.RECODE, _ANY_LOSSLESS),
    # A second generation would lose more and gain nothing: as `same` where it is JPEG Baseline already.
    (Family.JPEG, _JPEG_BASELINE, Method.JPEG_CUT, (_JPEG_BASELINE,)),
    *((family, _JPEG_BASELINE, Method.LOSSY, (_JPEG_BASELINE,)) for family in Family if family is not Family.JPEG),
)


def choose_strategy(
    source: PixelLayout, picture: Picture, wanted: OutputSyntax, jpeg_quality: int, jpeg_obstacle: str = ""
) -> Strategy:
    """The strategy for frames of `source` that become `picture`; `jpeg_quality` (1 to 100) is that of jpeg-baseline.

    `jpeg_obstacle` says why JPEG frames can't be cut without decoding; empty where they can.

    Raises RefusedError (unsupported-transfer-syntax) where the wanted syntax can't be written; the detail says why.
    """
    method, outputs = Method.RECODE, (wanted,)
    for family, asked, table_method, table_outputs in _TABLE:
        if (family, asked) == (source.family, wanted):
            method, outputs = table_method, table_outputs
    reason = ""
    if method is Method.JPEG_CUT:
        is_lossy = wanted is _JPEG_BASELINE
        if is_lossy and source.transfer_syntax != uid.JPEGBaseline8Bit:
            jpeg_obstacle = "the frames are JPEG Extended"
        if not jpeg_obstacle:
            return Strategy(method, None, f"JPEG cut without decoding{', in its own quality' if is_lossy else ''}")
        method, reason = Method.LOSSY if is_lossy else Method.RECODE, f" ({jpeg_obstacle})"
    obstacle = None
    for output in outputs:
        encoder = jpeg_baseline(jpeg_quality) if output is _JPEG_BASELINE else ENCODERS[output]
        obstacle = encoder.obstacle(picture)
        if obstacle is None:
            return Strategy(method, encoder, _words(source.family, method, encoder) + reason)
    raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, str(obstacle))


def _words(family: Family, method: Method, encoder: Encoder) -> str:
    if method is Method.NATIVE_SLICE:
        return f"cut out of the stored bytes, written as {encoder.name}"
    if method is Method.LOSSY:
        first = "cut out of the stored bytes" if family is Family.NATIVE else f"{family} decoded, cut"
        return f"{first}, encoded with loss as {encoder.name}, as asked"
    if family is Family.NATIVE:
        return f"cut out of the stored bytes, encoded losslessly as {encoder.name}"
    verb = "written" if encoder is ENCODERS[OutputSyntax.EXPLICIT_LITTLE_ENDIAN] else "encoded losslessly"
    loss = ", so that nothing more is lost" if family is Family.JPEG else ""
    return f"{family} decoded, cut and {verb} as {encoder.name}{loss}"
