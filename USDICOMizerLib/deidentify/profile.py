"""What is done with an attribute, by which rule, and why: one function answers for any element.

The facts are data (ps315_table_e1_1.json, made by scripts/build_profile_table.py): PS3.15 Table E.1-1, and the Type of
each attribute in the IODs that are prepared, which decides the compound codes of the table: removed where the attribute
is Type 3, emptied where Type 2, replaced by a dummy where Type 1. What neither the table nor the data dictionary knows is
removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pydicom.datadict import tag_for_keyword

from USDICOMizerLib.deidentify.content_items import CODE_ATTRIBUTES, HOLDERS, VALUE_TYPES, content_action
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile_table import (
    DEFAULT_IOD,
    Row,
    attribute_type,
    dictionary_vrs,
    iod_of,
    place_of,
    profile_table,
)
from USDICOMizerLib.deidentify.rules import Action, Answer, Rules, SafePrivate, Surroundings

__all__ = [
    "CLASS_UIDS",
    "WRITTEN",
    "Action",
    "Answer",
    "Answers",
    "Rules",
    "SafePrivate",
    "Surroundings",
    "answer_for",
    "answers_under",
    "attribute_type",
    "cleared_answer",
    "dictionary_vrs",
    "iod_of",
    "place_of",
    "profile_table",
    "vr_fits",
]


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag_for_keyword(keyword) for keyword in keywords.split())


WRITTEN = _tags("""
    SpecificCharacterSet PatientName PatientID PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence BurnedInAnnotation LongitudinalTemporalInformationModified
""")
"""What this program writes into every output, whatever the source says."""

# UI attributes that name kinds of things; every other UID that isn't in DICOM's registry is taken for an identifier.
CLASS_UIDS = _tags("""
    SOPClassUID RelatedGeneralSOPClassUID OriginalSpecializedSOPClassUID SOPClassesInStudy SOPClassesSupported
    ReferencedSOPClassUID PertinentSOPClassesInStudy PertinentSOPClassesInSeries
    CodingSchemeUID ContextGroupExtensionCreatorUID ContextUID MappingResourceUID
    StoredInstanceTransferSyntaxUID AvailableTransferSyntaxUID FlowTransferSyntaxUID
    MACCalculationTransferSyntaxUID EncryptedContentTransferSyntaxUID
""")
_MOST_REMEMBERED = 2**14
_CHARACTER_SET = tag_for_keyword("SpecificCharacterSet")
_SUBJECT = _tags("PatientName PatientID")
_GRAPHIC_ANNOTATION = tag_for_keyword("GraphicAnnotationSequence")
_ICON = tag_for_keyword("IconImageSequence")
_PIXEL_GROUP = 0x0028
_ICC_PROFILE = tag_for_keyword("ICCProfile")
_TEXT_VRS = frozenset({"SH", "LO", "ST", "LT", "UT", "UC"})
_OPAQUE_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_PLAIN_VRS = frozenset({"AS", "CS", "DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_DATES = frozenset({"DA", "DT"})
_CLEANED = "it stays where every word is known to describe ultrasound"
_SHIFTED = "it is moved by the subject's number of days"
_IDENTIFYING_VRS = {
    "PN": "a person's name",
    "DA": "a date",
    "DT": "a date",
    "TM": "a time",
    "UR": "an address",
    "AE": "a network node",
}


def answer_for(
    path: Sequence[int],
    vr: str = "",
    *,
    iod: str = DEFAULT_IOD,
    rules: Rules = Rules(),
    around: Surroundings = Surroundings(),
) -> Answer:
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
        What the settings and the command add to the profile.
    around
        Its private creator, or what its content item is about.
    """
    tag = path[-1]
    kind = attribute_type(path, iod)
    return (
        _private(tag, vr, rules, around)
        or _never_carried_over(tag, rules)
        or _written(path, rules)
        or _deleted(path, kind, rules)
        or _kept(tag, rules)
        or _content(path, rules, around)
        or _listed(tag, kind, rules)
        or _unlisted(path, vr, kind, rules)
    )


class Answers:
    """`answer_for` for one IOD under one set of rules, each answer worked out once: headers ask the same again and again."""

    def __init__(self, iod: str, rules: Rules):
        """Use `answers_under`."""
        self._iod, self._rules = iod, rules
        self._known: dict[tuple[object, ...], Answer] = {}

    def __call__(self, path: tuple[int, ...], vr: str = "", around: Surroundings = Surroundings()) -> Answer:
        key = path, vr, around.creator, around.concept
        answer = self._known.get(key)
        if answer is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            answer = self._known[key] = answer_for(path, vr, iod=self._iod, rules=self._rules, around=around)
        return answer


@lru_cache(maxsize=16)
def answers_under(iod: str, rules: Rules) -> Answers:
    """The answers for an IOD under these rules, with those remembered that were given before."""
    return Answers(iod, rules)


def _private(tag: int, vr: str, rules: Rules, around: Surroundings) -> Answer | None:
    group, element = tag >> 16, tag & 0xFFFF
    if not group & 1:
        return None
    rule = "Table E.1-1, private"
    is_listed = SafePrivate(around.creator, group, element & 0xFF) in rules.safe_private and element > 0xFF
    if Option.SAFE_PRIVATE not in rules.options or not is_listed:
        return Answer(Action.REMOVE, rule, "only its vendor knows what a private element holds")
    if vr in _TEXT_VRS:
        why = "[safe_private] lists it; its text stays where every word is known"
        return Answer(Action.CLEAN, rule, why, Option.SAFE_PRIVATE)
    if vr and vr not in _PLAIN_VRS:
        return Answer(Action.REMOVE, rule, "[safe_private] lists it, but it isn't a number, code or text", Option.SAFE_PRIVATE)
    return Answer(Action.KEEP, rule, "[safe_private] lists it", Option.SAFE_PRIVATE)


def _never_carried_over(tag: int, rules: Rules) -> Answer | None:
    group, element = tag >> 16, tag & 0xFFFF
    if group < 0x0008:
        return Answer(Action.REMOVE, "PS3.10 7.1", "file meta information is written anew, and has no place in the data set")
    if element == 0x0000:
        return Answer(Action.REMOVE, "PS3.5 7.2", "group lengths are retired, and wrong after any change")
    if group & 0xFF00 in (0x5000, 0x6000) or tag == _GRAPHIC_ANNOTATION and Option.CLEAN_GRAPHICS in rules.options:
        cleaned = Option.CLEAN_GRAPHICS if Option.CLEAN_GRAPHICS in rules.options else None
        why = "it can show text, and no crop box reaches it"
        return Answer(Action.REMOVE, "Table E.1-1, curves, overlays and graphics", why, cleaned)
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


def _content(path: Sequence[int], rules: Rules, around: Surroundings) -> Answer | None:
    """The answer for the value of a content item that Table E.3.4-1 lists."""
    tag = path[-1]
    if around.concept is None or tag not in VALUE_TYPES or path[-2] not in HOLDERS or not _cleaning_option(path, rules):
        return None
    listed = content_action(around.concept, tag, rules.options)
    if listed is None:
        return None
    cell, option = listed
    rule, vrs = f"Table E.3.4-1, {cell}", dictionary_vrs(tag)
    if cell == "K" or cell == "C" and vrs == {"TM"}:
        return Answer(Action.KEEP, rule, "the option keeps such a content item", option, Action.REMOVE_ITEM)
    if cell == "C":
        action, why = (Action.SHIFT, _SHIFTED) if vrs & _DATES else (Action.CLEAN, _CLEANED)
        return Answer(action, rule, why, option, Action.REMOVE_ITEM)
    if "X" in cell:
        return Answer(Action.REMOVE_ITEM, rule, "content items about this can identify", Option.CLEAN_STRUCTURED_CONTENT)
    action = {frozenset({"SQ"}): Action.KEEP, frozenset({"UI"}): Action.UID}.get(vrs, Action.DUMMY)
    why = "content items about this can identify: their references get new UIDs, their values a dummy"
    return Answer(action, rule, why, Option.CLEAN_STRUCTURED_CONTENT, Action.REMOVE_ITEM)


def _cleaning_option(path: Sequence[int], rules: Rules) -> Option | None:
    """The option under which one of the sequences around an element is cleaned, and so all that it holds."""
    for tag in path[:-1] if rules.options else ():
        answer = _listed(tag, "3", rules)
        if answer and answer.action is Action.CLEAN:
            return answer.option
    return None


def _listed(tag: int, kind: str, rules: Rules) -> Answer | None:
    row = profile_table().rows.get(tag)
    if row is None:
        return None
    basic = _resolved(row.basic, kind)
    for option, cell in _cells(row, rules.options):
        if answer := _by_option(row, dictionary_vrs(tag), option, cell, basic):
            return answer
    return Answer(basic, f"Table E.1-1, {row.basic}", f"it can identify, and is Type {kind} here")


def _cells(row: Row, options: Sequence[Option]) -> list[tuple[Option, str]]:
    """The cells of a row under the options: shifting dates first, as one date that stays would tell by how much; then
    keeping, then cleaning."""
    cells = [(option, row.options[option.column]) for option in options if option.column in row.options]
    return sorted(cells, key=lambda cell: (cell[0] is not Option.MODIFIED_DATES, cell[1] != "K"))


def _by_option(row: Row, vrs: frozenset[str], option: Option, cell: str, basic: Action) -> Answer | None:
    """The answer that an option gives; None where it can't change what the Basic Profile does.

    That is so for what the dictionary doesn't know, and for binary data, which nobody can look into.
    """
    rule = f"Table E.1-1, {cell}"
    if not vrs or vrs & _OPAQUE_VRS:
        return None
    if option is Option.MODIFIED_DATES:
        if vrs == {"TM"}:
            return Answer(Action.KEEP, rule, "times of day stay as they are: dates are shifted by whole days", option, basic)
        return Answer(Action.SHIFT, rule, _SHIFTED, option, basic) if vrs <= _DATES else None
    if cell == "K":
        return Answer(Action.KEEP, rule, "the option keeps it", option, basic)
    if vrs == {"SQ"}:
        return Answer(Action.CLEAN, rule, "its text, codes and content items are cleaned one by one", option, basic)
    return Answer(Action.CLEAN, rule, _CLEANED, option, basic) if vrs <= _TEXT_VRS | {"CS", "AE"} else None


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


def _unlisted(path: Sequence[int], vr: str, kind: str, rules: Rules) -> Answer:
    tag = path[-1]
    known = dictionary_vrs(tag)
    if not known:
        return Answer(Action.REMOVE, "unknown", "the data dictionary doesn't know it")
    if vr and not vr_fits(tag, vr):
        return Answer(_cleared(kind), "VR", "its value representation is not that of the standard")
    if known == {"UI"} and tag not in CLASS_UIDS:
        if Option.UIDS in rules.options:
            return Answer(Action.KEEP, "UIDs", "the option keeps all UIDs", Option.UIDS)
        return Answer(Action.UID, "UIDs", "a UID that may name an instance")
    for suspect, what in _IDENTIFYING_VRS.items():
        if suspect in known:
            return Answer(_resolved("X/Z/D", kind), f"VR {suspect}", f"it is {what}")
    if tag == _ICC_PROFILE:  # Type 3 in the Image Pixel Module, and its own module is optional (PS3.3 C.7.6.3, C.11.15)
        return Answer(Action.REMOVE, "binary", "it may name a device, a date or a place, and only changes how colours are shown")
    if known & _OPAQUE_VRS and (vr or "OB") in _OPAQUE_VRS and tag >> 16 != _PIXEL_GROUP:
        return Answer(_cleared(kind), "binary", "it is binary data that nobody can look into")
    if known <= _TEXT_VRS and (option := _cleaning_option(path, rules)):
        return _nested_text(path, kind, option)
    return Answer(Action.KEEP, "not in Table E.1-1", "the standard doesn't list it as identifying")


def _nested_text(path: Sequence[int], kind: str, option: Option) -> Answer:
    """The answer for text inside of a sequence that is cleaned."""
    if path[-1] in CODE_ATTRIBUTES:
        why = "a code stays where the standard uses it, or a published scheme has it and every word of its meaning is known"
        return Answer(Action.CLEAN, "in a cleaned sequence", why, option, Action.REMOVE_ITEM)
    if path[-1] in VALUE_TYPES or kind in ("1", "1C"):
        return Answer(Action.CLEAN, "in a cleaned sequence", _CLEANED, option, Action.REMOVE_ITEM)
    return Answer(Action.CLEAN, "in a cleaned sequence", _CLEANED, option, _cleared(kind))


def vr_fits(tag: int, vr: str) -> bool:
    """Whether a VR as found is that of the dictionary; the VRs of free text stand for one another."""
    known = dictionary_vrs(tag)
    return set(vr.split(" or ")) <= known or vr in _TEXT_VRS and bool(known & _TEXT_VRS)


def _cleared(kind: str) -> Action:
    return Action.EMPTY if kind in ("2", "2C") else Action.REMOVE


def cleared_answer(path: Sequence[int], iod: str, why: str) -> Answer:
    """The answer for an element whose value can't be trusted: emptied where it is Type 2, else removed."""
    return Answer(_cleared(attribute_type(path, iod)), "value", why)
