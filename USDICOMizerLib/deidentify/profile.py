"""What is done with an attribute, by which rule, and why: one function answers for any element.

The facts are data (ps315_table_e1_1.json, made by scripts/build_profile_table.py): PS3.15 Table E.1-1, and the Type of
each attribute in the IODs that are prepared, which decides the compound codes of the table: removed where the attribute
is Type 3, emptied where Type 2, replaced by a dummy where Type 1. What neither the table nor the data dictionary knows is
removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR, keyword_for_tag, tag_for_keyword

_DATA_FILE = "ps315_table_e1_1.json"
_DEFAULT_IOD = "ultrasound-image"
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


class Action(StrEnum):
    """What is done with an element."""

    KEEP = "kept"  # a sequence is entered, and each nested element answered for by itself
    REMOVE = "removed"
    REMOVE_ITEM = "item removed"  # the sequence item that holds it goes, as it would be invalid without it
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    UID = "replaced by a pseudonymous UID"
    WRITE = "written by this program"


@dataclass(frozen=True)
class Answer:
    """What is done with an element, the rule that says so, and why, in words that hold no value."""

    action: Action
    rule: str
    why: str


@dataclass(frozen=True)
class Rules:
    """What the settings add to the Basic Profile; an attribute in both lists is deleted."""

    attributes_to_delete: Sequence[int] = ()
    attributes_to_keep: Sequence[int] = ()


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
def profile_table() -> ProfileTable:
    """The table, read once. Repeating groups and private elements have rows too; `answer_for` knows them by group."""
    data = json.loads(files(__package__).joinpath(_DATA_FILE).read_text(encoding="utf-8"))
    rows = {}
    for tag, keyword, vr, basic, cells in data["attributes"]:
        if "x" not in tag and tag != "PRIVATE":
            options = {option: cell for option, cell in zip(data["options"], cells, strict=True) if cell != "-"}
            rows[int(tag, 16)] = Row(tag, keyword, vr, basic, options)
    return ProfileTable(data["source"]["edition"], rows, data["types"])


def iod_of(sop_class_uid: str) -> str:
    """The IOD whose Types apply; Ultrasound Image for a class that isn't among those prepared."""
    return _IOD_OF_SOP_CLASS.get(sop_class_uid, _DEFAULT_IOD)


def attribute_type(path: Sequence[int], iod: str = _DEFAULT_IOD) -> str:
    """Type "1", "1C", "2", "2C" or "3" (PS3.5 7.4) of the last tag of `path`, whose others are the sequences around it."""
    key = ".".join(f"{tag:08X}" for tag in path[-2:])
    types = profile_table().types
    return types[iod].get(key) or types[_DEFAULT_IOD].get(key, "3")


def place_of(path: Sequence[int]) -> str:
    """The path in words: keywords joined by dots, bare numbers for what has none."""
    return ".".join(keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in path)


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


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag_for_keyword(keyword) for keyword in keywords.split())


WRITTEN = _tags("""
    SpecificCharacterSet PatientName PatientID PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence BurnedInAnnotation LongitudinalTemporalInformationModified
""")
"""What this program writes into every output, whatever the source says."""

# UI attributes that name kinds of things; every other UID that isn't in DICOM's registry is taken for an identifier.
_CLASS_UIDS = _tags("""
    SOPClassUID RelatedGeneralSOPClassUID OriginalSpecializedSOPClassUID SOPClassesInStudy SOPClassesSupported
    ReferencedSOPClassUID PertinentSOPClassesInStudy PertinentSOPClassesInSeries
    CodingSchemeUID ContextGroupExtensionCreatorUID ContextUID MappingResourceUID
    StoredInstanceTransferSyntaxUID AvailableTransferSyntaxUID FlowTransferSyntaxUID
    MACCalculationTransferSyntaxUID EncryptedContentTransferSyntaxUID
""")
_CHARACTER_SET = tag_for_keyword("SpecificCharacterSet")
_SUBJECT = _tags("PatientName PatientID")
_ICON = tag_for_keyword("IconImageSequence")
_PIXEL_GROUP = 0x0028
_TEXT_VRS = frozenset({"SH", "LO", "ST", "LT", "UT", "UC"})
_OPAQUE_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_IDENTIFYING_VRS = {
    "PN": "a person's name",
    "DA": "a date",
    "DT": "a date",
    "TM": "a time",
    "UR": "an address",
    "AE": "a network node",
}


def answer_for(path: Sequence[int], vr: str = "", *, iod: str = _DEFAULT_IOD, rules: Rules = Rules()) -> Answer:
    """Say what is done with an element.

    Parameters
    ----------
    path
        Its tag, preceded by the tags of the sequences that hold it, outermost first.
    vr
        Its VR as found; "" where only the attribute is asked about.
    iod
        See `iod_of`.
    rules
        What the settings add to the profile.
    """
    tag = path[-1]
    kind = attribute_type(path, iod)
    return (
        _never_carried_over(tag)
        or _written(path, rules)
        or _deleted(path, kind, rules)
        or _kept(tag, rules)
        or _listed(tag, kind)
        or _unlisted(tag, vr, kind)
    )


def _never_carried_over(tag: int) -> Answer | None:
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1:
        return Answer(Action.REMOVE, "Table E.1-1, private", "only its vendor knows what a private element holds")
    if group < 0x0008:
        return Answer(Action.REMOVE, "PS3.10 7.1", "file meta information is written anew, and has no place in the data set")
    if element == 0x0000:
        return Answer(Action.REMOVE, "PS3.5 7.2", "group lengths are retired, and wrong after any change")
    if group & 0xFF00 in (0x5000, 0x6000):
        return Answer(Action.REMOVE, "Table E.1-1, curves and overlays", "it can show text, and no crop box reaches it")
    if tag == _ICON:
        return Answer(Action.REMOVE, "Table E.1-1", "the icon shows the picture as it was")
    if group == 0x7FE0:
        return Answer(Action.REMOVE, "pixels", "the pixel data is written anew")
    if group >= 0xFFFA:
        return Answer(Action.REMOVE, "Table E.1-1", "signatures no longer hold, and padding can hide anything")
    return None


def _written(path: Sequence[int], rules: Rules) -> Answer | None:
    tag = path[-1]
    if tag == _CHARACTER_SET:
        return Answer(Action.WRITE, "PS3.5 6.1", "it names the character set of the text that remains")
    if len(path) > 1 or tag not in WRITTEN or tag in _SUBJECT and tag in rules.attributes_to_keep:
        return None
    return Answer(Action.WRITE, "PS3.15 E.1.1", "it says who the subject is now, or how the instance was de-identified")


def _deleted(path: Sequence[int], kind: str, rules: Rules) -> Answer | None:
    if path[-1] not in rules.attributes_to_delete:
        return None
    nested = len(path) > 1
    if kind in ("2", "2C"):
        action, why = Action.EMPTY, "the settings say so; Type 2 stays without a value"
    elif nested and kind in ("1", "1C"):
        action, why = Action.REMOVE_ITEM, "the settings say so; the sequence item would be invalid without it"
    elif kind == "1":
        action = Action.UID if dictionary_vrs(path[-1]) == {"UI"} else Action.DUMMY
        why = "the settings say so; Type 1 needs a value"
    else:
        action, why = Action.REMOVE, "the settings say so"
    return Answer(action, "[attributes_to_del]", why)


def _kept(tag: int, rules: Rules) -> Answer | None:
    if tag not in rules.attributes_to_keep:
        return None
    return Answer(Action.KEEP, "[attributes_to_keep]", "the settings say so, against the profile")


def _listed(tag: int, kind: str) -> Answer | None:
    row = profile_table().rows.get(tag)
    if row is None:
        return None
    return Answer(_resolved(row.basic, kind), f"Table E.1-1, {row.basic}", f"it can identify, and is Type {kind} here")


def _resolved(codes: str, kind: str) -> Action:
    """The action of a code of Table E.1-1 for an attribute of this Type.

    Where the table has an attribute removed that must be there, it is emptied (Type 2) or becomes a dummy (Type 1): that
    tells as little, and the instance stays valid.
    """
    allowed = codes.split("/")
    if "U" in allowed:
        return Action.UID
    if "U*" in allowed:  # a sequence of references: entered, so that its UIDs are replaced, only where it must have items
        return {"3": Action.REMOVE, "2": Action.EMPTY, "2C": Action.EMPTY}.get(kind, Action.KEEP)
    if kind in ("2", "2C") and allowed != ["D"]:
        return Action.EMPTY
    if kind == "1":
        return Action.DUMMY
    preferred = "DZX" if kind == "1C" else "XZD"
    code = next(code for code in preferred if code in allowed)
    return {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY}[code]


def _unlisted(tag: int, vr: str, kind: str) -> Answer:
    known = dictionary_vrs(tag)
    if not known:
        return Answer(Action.REMOVE, "unknown", "the data dictionary doesn't know it")
    if vr and not vr_fits(tag, vr):
        return Answer(_cleared(kind), "VR", "its value representation is not that of the standard")
    if known == {"UI"} and tag not in _CLASS_UIDS:
        return Answer(Action.UID, "UIDs", "a UID that may name an instance")
    for suspect, what in _IDENTIFYING_VRS.items():
        if suspect in known:
            return Answer(_resolved("X/Z/D", kind), f"VR {suspect}", f"it is {what}")
    if known & _OPAQUE_VRS and (vr or "OB") in _OPAQUE_VRS and tag >> 16 != _PIXEL_GROUP:
        return Answer(_cleared(kind), "binary", "it is binary data that nobody can look into")
    return Answer(Action.KEEP, "not in Table E.1-1", "the standard doesn't list it as identifying")


def vr_fits(tag: int, vr: str) -> bool:
    """Whether a VR as found is that of the dictionary; the VRs of free text stand for one another."""
    known = dictionary_vrs(tag)
    return set(vr.split(" or ")) <= known or vr in _TEXT_VRS and bool(known & _TEXT_VRS)


def _cleared(kind: str) -> Action:
    return Action.EMPTY if kind in ("2", "2C") else Action.REMOVE


def cleared_answer(path: Sequence[int], iod: str, why: str) -> Answer:
    """The answer for an element whose value can't be trusted: emptied where it is Type 2, else removed."""
    return Answer(_cleared(attribute_type(path, iod)), "value", why)


CODE_OF_OPTION = {
    "clean_graphics": "113103",
    "clean_structured_content": "113104",
    "clean_descriptors": "113105",
    "retain_longitudinal_full_dates": "113106",
    "retain_longitudinal_modified_dates": "113107",
    "retain_patient_characteristics": "113108",
    "retain_device_identity": "113109",
    "retain_uids": "113110",
    "retain_safe_private": "113111",
    "retain_institution_identity": "113112",
}
"""The code of CID 7050 by which an instance says that an option was applied to it (PS3.16)."""
