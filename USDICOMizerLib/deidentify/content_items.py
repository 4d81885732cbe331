"""Clean Structured Content (PS3.15 E.3.4): content items inside an image, by Table E.3.4-1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile_table import load_profile_data
from USDICOMizerLib.deidentify.values import text_of
from USDICOMizerLib.elements import read_keyword


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag_for_keyword(keyword) for keyword in keywords.split())


HOLDERS = _tags(
    "ContentSequence AcquisitionContextSequence SpecimenPreparationStepContentItemSequence WaveformAnnotationSequence"
)
"""The sequences whose items are content items."""

VALUE_TYPES = {
    tag_for_keyword(keyword): value_type
    for keyword, value_type in {
        "TextValue": "TEXT",
        "UnformattedTextValue": "TEXT",
        "PersonName": "PNAME",
        "Date": "DATE",
        "Time": "TIME",
        "DateTime": "DATETIME",
        "UID": "UIDREF",
        "ConceptCodeSequence": "CODE",
        "NumericValue": "NUM",
        "MeasuredValueSequence": "NUM",
        "ReferencedSOPSequence": "IMAGE",
    }.items()
}
"""The attributes that hold the value of a content item, and the Value Type (0040,A040) that they go with."""

_REFERENCES = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM"})

CODE_ATTRIBUTES = _tags("CodeValue LongCodeValue URNCodeValue CodingSchemeDesignator CodeMeaning")
"""What makes a code (PS3.3 8.8): it stays or goes as a whole."""

# Coding schemes whose codes anybody can look up (PS3.16 8), and the form of their codes; others may be a hospital's own.
_SNOMED, _LETTER_AND_NUMBER = re.compile(r"\d{6,18}"), re.compile(r"[A-Z]\d{2}(\.\d{1,4})?")
_PUBLIC_SCHEMES = {
    "SCT": _SNOMED,
    "SRT": re.compile(r"[A-Z]\d?-[0-9A-F]{5}"),
    "SNM3": re.compile(r"[A-Z]\d?-[0-9A-F]{5}"),
    "LN": re.compile(r"\d{3,6}-\d"),
    "DCM": re.compile(r"\d{6}"),
    "UCUM": re.compile(r"[a-z]{1,3}\d?(/[a-z]{1,3}\d?)?"),
    "I9": re.compile(r"\d{3}(\.\d{1,2})?"),
    "I9C": re.compile(r"\d{3}(\.\d{1,2})?"),
    "I10": _LETTER_AND_NUMBER,
    "I10C": _LETTER_AND_NUMBER,
    "RADLEX": re.compile(r"RID\d{1,6}"),
    "FMA": re.compile(r"\d{3,6}"),
    "UMLS": re.compile(r"C\d{7}"),
    "NCIt": re.compile(r"C\d{3,6}"),
}


@dataclass(frozen=True)
class Concept:
    """What a content item is about: its concept name, and the type of its value where it says so."""

    scheme: str
    code: str
    value_type: str


@cache
def _content_table() -> Mapping[tuple[str, str], Mapping[str, tuple[str, Mapping[str, str]]]]:
    """Table E.3.4-1: (scheme, code) -> value type -> (basic action, the actions of the options that change it)."""
    data = load_profile_data()
    table: dict[tuple[str, str], dict[str, tuple[str, Mapping[str, str]]]] = {}
    for scheme, code, value_type, basic, cells in data["content_items"]:
        options = {option: cell for option, cell in zip(data["content_options"], cells, strict=True) if cell != "-"}
        table.setdefault((scheme, code), {})[value_type] = (basic, options)
    return table


def content_action(concept: Concept, tag: int, options: Sequence[Option]) -> tuple[str, Option | None] | None:
    """The action of Table E.3.4-1 for the value `tag` of a content item, and the option that it is due to.

    None where the table doesn't list the concept with such a value.
    """
    value_type = VALUE_TYPES[tag]
    rows = _content_table().get((concept.scheme, concept.code), {})
    if value_type == "IMAGE":
        value_type = concept.value_type if concept.value_type in _REFERENCES else next(iter(_REFERENCES & rows.keys()), "IMAGE")
    if value_type not in rows:
        return None
    basic, cells = rows[value_type]
    for cell in ("K", "C"):
        for option in options:
            if cells.get(option.column) == cell:
                return cell, option
    return basic, None


def concept_of(item: Dataset) -> Concept:
    """The concept of a content item; empty where it names none."""
    element = read_keyword(item, "ConceptNameCodeSequence")
    name = element.value[0] if element is not None and element.VR == "SQ" and element.value else Dataset()
    scheme = text_of(name, "CodingSchemeDesignator").strip()
    return Concept(scheme, text_of(name, "CodeValue").strip(), text_of(item, "ValueType").strip())


@cache
def _known_codes(scheme: str) -> Mapping[str, str]:
    """Code -> meaning of the codes of a scheme that the standard uses (PS3.16), as pydicom has them."""
    try:
        return {code.value: code.meaning for code in getattr(codes, scheme).concepts.values()}
    except (AttributeError, KeyError):
        return {}


def standard_meaning(item: Dataset) -> str:
    """The meaning that the standard gives to the code of an item; "" for a code that it doesn't use."""
    scheme, code = text_of(item, "CodingSchemeDesignator").strip(), text_of(item, "CodeValue").strip()
    return _known_codes(scheme).get(code, "") if scheme in _PUBLIC_SCHEMES else ""


def is_public_code(item: Dataset) -> bool:
    """Whether the code of an item is one of a published scheme, by its form."""
    form = _PUBLIC_SCHEMES.get(text_of(item, "CodingSchemeDesignator").strip())
    code = text_of(item, "CodeValue").strip()
    return bool(form and code.isascii() and form.fullmatch(code))
