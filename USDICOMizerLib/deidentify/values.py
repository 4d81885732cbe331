"""Values: reading them without trust, dummies for what is replaced, and whether what stays is what its VR allows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import inf

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VM
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from USDICOMizerLib.elements import read_keyword

DUMMY_TEXT = "ANONYMIZED"
DUMMY_DATE = "19000101"
_DUMMIES: dict[str, object] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), DUMMY_TEXT),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("AT", "SL", "SS", "SV", "UL", "US", "UV"), 0),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), bytes(8)),
    "AS": "000D",
    "DA": DUMMY_DATE,
    "DT": DUMMY_DATE + "000000",
    "TM": "000000",
    "UR": "http://anonymized.invalid",
}

_SINGLE_LINE_VRS = frozenset({"SH", "LO", "PN", "UC"})
_LINES_VRS = frozenset({"ST", "LT", "UT"})
TEXT_VRS = _SINGLE_LINE_VRS | _LINES_VRS
# PS3.5 6.2; a code string may be written in lower case or with punctuation, as real scanners do, and a number may be long.
_PATTERNS = {
    "AE": re.compile(r"[\x20-\x5b\x5d-\x7e]{0,16}"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Za-z0-9 _./,:;+&#()-]{0,16}"),
    "DA": re.compile(r"\d{8}"),
    "DS": re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*"),
    "DT": re.compile(r"\d{4}(\d\d){0,5}(\.\d{1,6})?([+-]\d{4})?"),
    "IS": re.compile(r"\s*[+-]?\d{1,12}\s*"),
    "TM": re.compile(r"(\d\d){1,3}(\.\d{1,6})?"),
    "UI": re.compile(r"\d+(\.\d+)*"),
    "UR": re.compile(r"[\x21-\x5b\x5d-\x7e]*"),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
_NUMBER_VRS = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
_LONGEST_HIDDEN_TEXT = 1024
_WORD_SIZES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def text_of(dataset: Dataset, keyword: str) -> str:
    """The first value of an attribute as text; "" where there is none, or none that can be read."""
    element = read_keyword(dataset, keyword)
    return (texts_of(element) or ("",))[0] if element is not None else ""


def dummy_value(vr: str) -> object:
    """A valid value that says nothing, for any VR but SQ and UI."""
    return _DUMMIES[vr]


def is_dummy(text: str) -> bool:
    """Whether a value, written as text, is one that `dummy_value` gives."""
    return text in _DUMMY_TEXTS


_DUMMY_TEXTS = frozenset(str(value) for value in _DUMMIES.values() if isinstance(value, str))


def texts_of(element: DataElement) -> tuple[str, ...]:
    """The values of an element that isn't a sequence, each as text; none for bytes, and none where there is no value."""
    value = element.value
    if value is None or isinstance(value, bytes | bytearray):
        return ()
    values = value if isinstance(value, MultiValue | list | tuple) else (value,)
    return tuple(text for text in map(_as_written, values) if text)


def _as_written(value: object) -> str:
    """A number as the file spells it, anything else as text."""
    original = getattr(value, "original_string", None)
    return original if isinstance(original, str) else str(value)


def searched_texts(element: DataElement) -> tuple[str, ...]:
    """As `texts_of`, and for bytes the text that they may be: it can stand where bytes are expected, or with a wrong VR."""
    if not isinstance(element.value, bytes | bytearray):
        return texts_of(element)
    text = bytes(element.value[:_LONGEST_HIDDEN_TEXT]).decode("latin-1").strip(" \0")
    return (text,) if text.isprintable() and text else ()


def is_sound(element: DataElement, *, character_set_known: bool) -> bool:
    """Whether the value is what its VR allows (PS3.5 6.2), so that it hides nothing and can be written again.

    `character_set_known` is whether the data set declares a character set that can be decoded; without one, text is ASCII.
    """
    texts = texts_of(element)
    if pattern := _PATTERNS.get(element.VR):
        return not isinstance(element.value, bytes) and all(pattern.fullmatch(text.rstrip(" \0")) for text in texts)
    if element.VR in TEXT_VRS:
        forbidden = _CONTROL_BUT_LINES if element.VR in _LINES_VRS else _CONTROL
        readable = character_set_known or all(map(str.isascii, texts))
        return not isinstance(element.value, bytes) and readable and not any(map(forbidden.search, texts))
    if element.VR == "AT" and not all(map(dictionary_has_tag, _tags_of(element))):
        return False
    return element.VR not in _NUMBER_VRS or _most_values(element.tag) >= element.VM


def _tags_of(element: DataElement) -> list[BaseTag]:
    value = element.value
    return list(value) if isinstance(value, MultiValue | list) else [] if value is None else [value]


def _most_values(tag: BaseTag) -> float:
    """The greatest value multiplicity that the dictionary allows: a row of numbers may spell a name in ASCII."""
    if tag.is_private:
        return inf
    greatest = dictionary_VM(tag).rpartition("-")[2]
    return int(greatest) if greatest.isdigit() else inf


def is_known_character_set(terms: Iterable[str]) -> bool:
    """Whether every term of Specific Character Set (0008,0005) is one that can be decoded, and there is one."""
    terms = [term.strip() for term in terms]
    return any(terms) and all(term in python_encoding for term in terms)


def little_endian(value: bytes, vr: str) -> bytes:
    """Swap the bytes of the words of a big-endian value; what is no whole number of words is returned as it is."""
    size = _WORD_SIZES.get(vr, 1)
    if size == 1 or len(value) % size:
        return value
    swapped = bytearray(len(value))
    for place in range(size):
        swapped[place::size] = value[size - 1 - place :: size]
    return bytes(swapped)
