"""Where the Pixel Data element of a file is, found without reading its value."""

from __future__ import annotations

import struct
import tempfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator, read_dataset
from pydicom.tag import BaseTag

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem

UNDEFINED_LENGTH = 0xFFFFFFFF
_PIXEL_DATA = (0x7FE0, 0x0010)
_FLOAT_PIXELS = ((0x7FE0, 0x0008), (0x7FE0, 0x0009))
_LONG_FORM = (b"OB", b"OW", b"UN", b"OL", b"OF", b"OD", b"OV")
_ANY_TAG = 0x00080016  # reading one element only skips the values of all others
_CHUNK = 2**20
_PREAMBLE = 132
_LARGEST_HEADER = 64 * 2**20


@dataclass(frozen=True)
class PixelElement:
    """The value of Pixel Data (7FE0,0010): `length` bytes (None: undefined, so items) from `offset` in `stream`."""

    stream: BinaryIO
    offset: int
    length: int | None
    value_representation: str  # OB or OW; "" for implicit VR
    little_endian: bool
    transfer_syntax: str


def find_pixel_data(stream: BinaryIO, header: Dataset, largest: int, element_at: int | None = None) -> PixelElement:
    """Find the Pixel Data element (PS3.5 7.1) of the file in `stream`, which has to be seekable.

    `element_at` is where it begins, if that is known, so that nothing before it is read. A deflated dataset (PS3.5 A.5) is
    inflated into a temporary file, of at most `largest` bytes of pixels.

    Raises RefusedError: no-pixel-data, damaged-pixel-data.
    """
    transfer_syntax = str(getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID") or "")
    try:
        if transfer_syntax == uid.DeflatedExplicitVRLittleEndian:
            stream = _inflated(stream, largest + _LARGEST_HEADER)
            read_dataset(stream, False, True, stop_when=_at_pixel_data, specific_tags=[_ANY_TAG])
            implicit, little = False, True
        elif element_at is not None:
            stream.seek(element_at)
            implicit, little = header.original_encoding
        else:
            stream.seek(0)
            found = dcmread(stream, stop_before_pixels=True, specific_tags=[_ANY_TAG], force=True)
            implicit, little = found.original_encoding
    except RefusedError:
        raise
    except Exception as error:  # pydicom and zlib raise many kinds for a damaged file
        raise RefusedError(
            Problem.DAMAGED_PIXEL_DATA, f"the file can't be read as far as its pixel data ({type(error).__name__})"
        ) from None
    if not transfer_syntax:
        transfer_syntax = _plain_syntax(bool(implicit), bool(little))
    return _element_at(stream, bool(implicit), bool(little), transfer_syntax)


def _at_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag in (0x7FE00008, 0x7FE00009, 0x7FE00010)


def _plain_syntax(implicit: bool, little: bool) -> str:
    if not little:
        return uid.ExplicitVRBigEndian
    return uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian


def _element_at(stream: BinaryIO, implicit: bool, little: bool, transfer_syntax: str) -> PixelElement:
    """Read the element's own header at the position where the dataset was left."""
    order = "<" if little else ">"
    start = stream.read(8)
    if len(start) < 8:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the file ends before any pixel data")
    tag = struct.unpack(order + "HH", start[:4])
    if tag in _FLOAT_PIXELS:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the pixels are floating point numbers, which no ultrasound image has")
    if tag != _PIXEL_DATA:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the file has no Pixel Data element")
    # Some files are implicit VR although their transfer syntax is explicit; pydicom reads them, so does this.
    explicit = not implicit and start[4:6] in _LONG_FORM
    vr = start[4:6] if explicit else b""
    length_bytes = stream.read(4) if explicit else start[4:]
    if len(length_bytes) < 4:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the file ends before any pixel data")
    (length,) = struct.unpack(order + "L", length_bytes)
    if length == 0:
        raise RefusedError(Problem.NO_PIXEL_DATA, "the Pixel Data element is empty")
    return PixelElement(
        stream=stream,
        offset=stream.tell(),
        length=None if length == UNDEFINED_LENGTH else length,
        value_representation=vr.decode("ascii"),
        little_endian=little,
        transfer_syntax=transfer_syntax,
    )


def _inflated(stream: BinaryIO, largest: int) -> BinaryIO:
    """The inflated dataset as a temporary file: a deflate stream can't be read at a position."""
    stream.seek(_PREAMBLE)
    for _ in data_element_generator(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2):
        pass
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    spool = tempfile.TemporaryFile()
    size = 0
    pending = stream.read(_CHUNK)
    while pending and not inflater.eof:
        piece = inflater.decompress(pending, _CHUNK)
        size += len(piece)
        if size > largest:
            spool.close()
            raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "the dataset inflates to far more than its image needs")
        spool.write(piece)
        pending = inflater.unconsumed_tail or stream.read(_CHUNK)
    spool.write(inflater.flush())
    if not inflater.eof:
        spool.close()
        raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "the deflated dataset is truncated")
    spool.seek(0)
    return spool
