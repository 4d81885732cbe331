"""The facts that decide what is done with an attribute, read from ps315_table_e1_1.json (scripts/build_profile_table.py).

PS3.15 Table E.1-1 (attributes) and Table E.3.4-1 (content items) with their options, and the Type of each attribute in the
IODs that are prepared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR, keyword_for_tag

_DATA_FILE = "ps315_table_e1_1.json"
DEFAULT_IOD = "ultrasound-image"
_IOD_OF_SOP_CLASS = {
    "1.2.840.10008.5.1.4.1.1.6": "ultrasound-image",  # retired
    "1.2.840.10008.5.1.4.1.1.6.1": "ultrasound-image",
    "1.2.840.10008.5.1.4.1.1.3": "ultrasound-multi-frame-image",  # retired
    "1.2.840.10008.5.1.4.1.1.3.1": "ultrasound-multi-frame-image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary-capture-image",
    "1.2.840.10008.5.1.4.1.1.7.1": "multi-frame-single-bit-secondary-capture-image",
    "1.2.840.10008.5.1.4.1.1.7.2": "multi-frame-grayscale-byte-secondary-capture-image",
    "1.2.840.10008.5.1.4.1.1.7.3": "multi-frame-grayscale-word-secondary-capture-image",
    "1.2.840.10008.5.1.4.1.1.7.4": "multi-frame-true-color-secondary-capture-image",
}


@dataclass(frozen=True)
class Row:
    """One row of Table E.1-1. `options` has the actions of the options that change it, by option name."""

    tag: str
    keyword: str
    vr: str
    basic: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class ProfileTable:
    """The published table with its edition, and the Types by IOD."""

    edition: str
    rows: Mapping[int, Row]
    types: Mapping[str, Mapping[str, str]]


@cache
def load_profile_data() -> dict[str, Any]:
    """The file as it is, read once."""
    return json.loads(files(__package__).joinpath(_DATA_FILE).read_text(encoding="utf-8"))


@cache
def profile_table() -> ProfileTable:
    """The table, read once. Repeating groups and private elements have rows too; `answer_for` knows them by group."""
    data = load_profile_data()
    rows = {}
    for tag, keyword, vr, basic, cells in data["attributes"]:
        if "x" not in tag and tag != "PRIVATE":
            options = {option: cell for option, cell in zip(data["options"], cells, strict=True) if cell != "-"}
            rows[int(tag, 16)] = Row(tag, keyword, vr, basic, options)
    return ProfileTable(data["source"]["edition"], rows, data["types"])


def iod_of(sop_class_uid: str) -> str:
    """The IOD whose Types apply; Ultrasound Image for a class that isn't among those prepared."""
    return _IOD_OF_SOP_CLASS.get(sop_class_uid, DEFAULT_IOD)


def attribute_type(path: Sequence[int], iod: str = DEFAULT_IOD) -> str:
    """Type "1", "1C", "2", "2C" or "3" (PS3.5 7.4) of the last tag of `path`, whose others are the sequences around it."""
    key = ".".join(f"{tag:08X}" for tag in path[-2:])
    types = profile_table().types
    return types[iod].get(key) or types[DEFAULT_IOD].get(key, "3")


def place_of(path: Sequence[int]) -> str:
    """The path in words: keywords joined by dots, bare numbers for what has none."""
    return ".".join(keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in path)


@lru_cache(maxsize=2**14)
def dictionary_vrs(tag: int) -> frozenset[str]:
    """The VRs that the data dictionary allows for a public attribute; empty where it doesn't know the attribute."""
    if not dictionary_has_tag(tag) and not _is_repeating(tag):
        return frozenset()
    return frozenset(dictionary_VR(tag).split(" or "))


def _is_repeating(tag: int) -> bool:
    try:
        return bool(dictionary_keyword(tag))
    except KeyError:
        return False
