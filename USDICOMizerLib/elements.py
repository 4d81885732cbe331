"""Reading the elements of a header without trust, and without converting the same bytes twice.

Most elements of an exam say the same in each of its instances, and pydicom's conversion is the slowest step on a header's
way. So what bytes were converted to is remembered. The elements that are handed out
may be shared by headers, so they must not be changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from functools import cache

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

_LONGEST_REMEMBERED = 512  # bytes of a value
_MOST_REMEMBERED = 2**13
# What these become depends on other elements: on items, on a private creator, on Pixel Representation.
_BOUND_VRS = frozenset({"SQ", "UN"})

_Key = tuple[object, ...]
_converted: dict[_Key, DataElement] = {}


def read_element(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """The element decoded; None where it is absent or that isn't possible. pydicom's errors may quote the value: dropped."""
    try:
        stored = dataset.get_item(tag)
    except Exception:  # a value that is read when it is asked for
        return None
    return None if stored is None else _decoded(dataset, tag, stored)


def read_keyword(dataset: Dataset, keyword: str) -> DataElement | None:
    """As `read_element`, by keyword."""
    return read_element(dataset, _tag(keyword))


def read_elements(dataset: Dataset) -> Iterator[tuple[BaseTag, DataElement | None]]:
    """The tags of a level in ascending order, each with its element; None for one that can't be decoded."""
    for tag, stored in sorted(dataset.items(), key=_number):
        yield tag, _decoded(dataset, tag, stored)


def sorted_tags(dataset: Dataset) -> list[BaseTag]:
    """The tags of a level in ascending order."""
    return sorted(dataset.keys(), key=int)  # pydicom's own comparison is slow


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


def _number(item: tuple[BaseTag, object]) -> int:
    return int(item[0])


def _decoded(dataset: Dataset, tag: BaseTag, stored: DataElement | RawDataElement) -> DataElement | None:
    if isinstance(stored, DataElement) and len(stored.VR) == 2:
        return stored
    try:
        return _converted_once(dataset, tag, stored)
    except Exception:  # whatever a damaged value leads to, from ValueError to struct.error
        return None


def _converted_once(dataset: Dataset, tag: BaseTag, stored: DataElement | RawDataElement) -> DataElement:
    key = _key(dataset, stored) if isinstance(stored, RawDataElement) else None
    if key is None:
        return dataset[tag]
    element = _converted.get(key)
    if element is None:
        element = dataset[tag]
        if "or" not in element.VR and element.VR not in _BOUND_VRS:
            if len(_converted) >= _MOST_REMEMBERED:
                _converted.clear()
            _converted[key] = copy(element)  # that of the header changes when somebody changes the header
    return element


def _key(dataset: Dataset, raw: RawDataElement) -> _Key | None:
    """All that decides what becomes of a stored value; None where that is more than the value and its encoding."""
    value, vr = raw.value, raw.VR
    if not isinstance(value, bytes) or len(value) > _LONGEST_REMEMBERED or vr in _BOUND_VRS:
        return None
    number = int(raw.tag)
    character_set = dataset.original_character_set
    if not character_set or vr is None and number >> 16 & 1:
        return None
    terms = character_set if isinstance(character_set, str) else tuple(character_set)
    return number, vr, value, raw.is_implicit_VR, raw.is_little_endian, terms
