"""A header as the bytes of a DICOM file (PS3.10 section 7), in Explicit VR Little Endian, up to its pixel data.

The bytes are those that `pydicom.dcmwrite` gives. Most elements of an exam are the same in each of its instances: what they
became is remembered.
"""

from __future__ import annotations

import io
import struct

from pydicom import dcmwrite
from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from USDICOMizerLib.elements import sorted_tags

_MOST_REMEMBERED = 2**13
_LONGEST_REMEMBERED = 512  # values of an element, or bytes of one
_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
_GROUP_LENGTH = struct.Struct("<HH2sHL")

_Encodings = str | tuple[str, ...]
_written: dict[tuple[object, ...], bytes] = {}


class _NotPlainError(Exception):
    """An element whose VR is still to be settled, which pydicom does with all of a data set."""


def file_up_to_pixel_data(dataset: Dataset) -> bytes:
    """Preamble, file meta information and data set of a header that has all its file meta information, and no pixel data."""
    try:
        meta = b"".join(_element(element, default_encoding) for element in dataset.file_meta if element.tag.element)
        body = _data_set(dataset, default_encoding)
    except _NotPlainError:
        stream = io.BytesIO()
        dcmwrite(stream, dataset, enforce_file_format=True)
        return stream.getvalue()
    return bytes(128) + b"DICM" + _GROUP_LENGTH.pack(2, 0, b"UL", 4, len(meta)) + meta + body


def _data_set(dataset: Dataset, inherited: _Encodings) -> bytes:
    named = dataset.get("SpecificCharacterSet", inherited)
    encodings = named if isinstance(named, str) else tuple(named or ())
    return b"".join(_element(dataset[tag], encodings) for tag in sorted_tags(dataset))


def _element(element: DataElement, encodings: _Encodings) -> bytes:
    if len(element.VR) != 2:
        raise _NotPlainError
    if element.VR == "SQ":
        return _sequence(element, encodings)
    key = _key(element, encodings)
    known = _written.get(key) if key else None
    if known is None:
        known = _as_pydicom_writes(element, encodings)
        if key:
            if len(_written) >= _MOST_REMEMBERED:
                _written.clear()
            _written[key] = known
    return known


def _sequence(element: DataElement, encodings: _Encodings) -> bytes:
    """A sequence and its items with their lengths (PS3.5 7.5)."""
    if element.is_undefined_length or any(getattr(item, "is_undefined_length_sequence_item", False) for item in element.value):
        return _as_pydicom_writes(element, encodings)
    items = [_data_set(item, encodings) for item in element.value]
    value = b"".join(_ITEM + struct.pack("<L", len(item)) + item for item in items)
    return struct.pack("<HH2sHL", element.tag.group, element.tag.element, b"SQ", 0, len(value)) + value


def _key(element: DataElement, encodings: _Encodings) -> tuple[object, ...] | None:
    """All that decides the bytes of an element; None where that would be much."""
    value = element.value
    if isinstance(value, bytes | str):
        said: object = value
        size = len(value)
    elif isinstance(value, list) or hasattr(value, "__iter__") and not hasattr(value, "components"):
        said = tuple(map(_spelled, value))
        size = len(said)
    else:
        said, size = _spelled(value), 0
    return (int(element.tag), element.VR, type(value), said, encodings) if size <= _LONGEST_REMEMBERED else None


def _spelled(value: object) -> tuple[type, str]:
    """A value as pydicom would write it: a number as its file spelled it, where it comes from one."""
    original = getattr(value, "original_string", None)
    return type(value), original if isinstance(original, str) else str(value)


def _as_pydicom_writes(element: DataElement, encodings: _Encodings) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = False, True
    write_data_element(stream, element, encodings if isinstance(encodings, str) else list(encodings))
    return stream.getvalue()
