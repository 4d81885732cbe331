"""Proving a header clean: no value of the source in it, and nothing that the profile doesn't let out.

What is found is told by place and kind, never by value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.byte_scan import scan_bytes
from USDICOMizerLib.deidentify.dates_in_text import days_in, names_a_day
from USDICOMizerLib.deidentify.header import METHOD, METHOD_WITH_EXCEPTIONS
from USDICOMizerLib.deidentify.matching import (
    HYPHENATED_WORD,
    WORD,
    has_words,
    is_day_of,
    is_glued_name,
    is_glued_word,
    is_in_compact,
    is_in_other_script,
    is_in_simplified,
    is_number,
    is_number_in_word,
    is_part_of_word,
    is_spread,
    present,
    readings,
)
from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength, identifying_values
from USDICOMizerLib.deidentify.options import Option, options_claimed
from USDICOMizerLib.deidentify.profile import Action, Answers, Rules, answer_for, answers_under, iod_of, place_of, profile_table
from USDICOMizerLib.deidentify.spellings import folded
from USDICOMizerLib.deidentify.values import TEXT_VRS, is_dummy, searched_texts, text_of, texts_of
from USDICOMizerLib.deidentify.words import is_descriptive
from USDICOMizerLib.elements import read_element, read_elements, read_keyword, sorted_tags
from USDICOMizerLib.tags import PRIVATE_CREATOR, PRIVATE_GROUP, image_comment, tag_of

__all__ = [
    "Kind",
    "Needles",
    "Residue",
    "claimed_options",
    "find_in_text",
    "find_residue",
    "find_unmoved_dates",
    "identifying_values",
    "judge_alone",
    "scan_bytes",
]

_FREE_TEXT_VRS = TEXT_VRS | {"UR", "AE"}
_BYTES_VRS = frozenset({"OB", "OW", "UN"})
_NUMBER_VRS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "SV", "UV", "FL", "FD"})


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag_for_keyword(keyword) for keyword in keywords.split())


# Vocabularies in text VRs: what the vendor calls the scanner, its parts and presets; codes.
_TERMS = _tags("""
    Manufacturer ManufacturerModelName SoftwareVersions TransducerData ProcessingFunction
    CodeValue LongCodeValue CodeMeaning CodingSchemeDesignator CodingSchemeVersion
""")
_IMAGE_COMMENTS = tag_for_keyword("ImageComments")
_DESCRIPTION = tag_for_keyword("DerivationDescription")
_METHOD = tag_for_keyword("DeidentificationMethod")
_METHOD_CODES = tag_for_keyword("DeidentificationMethodCodeSequence")
_SUBJECT = frozenset({(tag_for_keyword("PatientName"),), (tag_for_keyword("PatientID"),)})
# Listed attributes that an export may hold because it was made: what was done to the picture, and the tag for people.
_WRITTEN_LATER = frozenset({_IMAGE_COMMENTS, _DESCRIPTION})
_UID_TEXT = re.compile(r"[012]\.\d+(?=[\d.]{15})(\.\d+)+")
_DICOM = "DCM"  # the standard's own coding scheme
_LAST_CREATOR = 0xFF  # element numbers up to this reserve blocks (PS3.5 7.8.1)
_OWN_METHOD = "USDICOMizer "
# The UIDs that scanners make begin like this: what a tool has left as it was can be told by it.
_MAKERS_ROOTS = (
    *("1.2.840.113619.", "1.2.840.113663.", "1.2.840.113680.", "1.2.840.114340.", "1.3.12.2.1107.", "1.3.46.670589."),
    "1.2.392.200036.",
)
_DATED_UID = re.compile(r"\.(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(\d{6}|\d{9})?(\.|\Z)")
_DATE_VRS = frozenset({"DA", "DT", "TM"})
_AGAINST = frozenset({Action.REMOVE, Action.REMOVE_ITEM, Action.EMPTY, Action.DUMMY})  # what a value can stand against
_TAG_ELEMENTS = range(1, 5)
_META_ALLOWED = frozenset({0x0000, 0x0001, 0x0002, 0x0003, 0x0010, 0x0012, 0x0013})


@dataclass(frozen=True)
class Residue:
    """Something that may identify and is still there: where, as a keyword path, and what, in words. Never the value."""

    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}"


def find_residue(dataset: Dataset, needles: Needles) -> list[Residue]:
    """Search a header, which may not be read from a file yet, for the identifying values of its source."""
    found: dict[Residue, None] = {}
    is_ours = _is_ours(dataset)
    searched = [
        (path, element, readings(searched_texts(element)) if element is not None and needles else [])
        for path, element in _elements(dataset, ())
        if not (is_ours and path[0] in (_METHOD, _METHOD_CODES))
    ]
    near = present(needles, [text for *_, texts in searched for text in texts])
    for path, element, texts in searched:
        if element is None:
            found[Residue(place_of(path), "its value can't be read")] = None
            continue
        if path[-1] not in _WRITTEN_LATER and any(
            text in needles.originals.get(path[-1], ()) and not is_dummy(text.upper()) for text in texts if text
        ):
            found[Residue(place_of(path), "the original value")] = None
        for needle in near:
            if any(_is_in(needle, text, path, element.VR) for text in texts):
                found[Residue(place_of(path), f"a value of the source's {needle.kind}")] = None
    return list(found)


def find_unmoved_dates(source: Dataset, dataset: Dataset, rules: Rules) -> list[Residue]:
    """The dates that the Modified Dates option should have moved, and that are what they were."""
    if Option.MODIFIED_DATES not in rules.options:
        return []
    unmoved = []
    for tag in dataset.keys():
        before, after = read_element(source, tag), read_element(dataset, tag)
        if before is None or after is None or after.VR not in ("DA", "DT") or not after.value:
            continue
        if answer_for((int(tag),), rules=rules).action is Action.SHIFT and texts_of(before)[:1] == texts_of(after)[:1]:
            unmoved.append(Residue(place_of((int(tag),)), "the original date"))
    return unmoved


def present_needles(needles: Needles, texts: Iterable[str]) -> Needles:
    """Those needles that may be in any of the texts: a search of each text alone need not look for the others."""
    return Needles(frozenset(present(needles, readings(tuple(texts)))))


def find_in_text(text: str, needles: Needles) -> frozenset[Kind]:
    """Search a short text outside of a header, a file name or a cell of a table; returns the kinds of what was found.

    The words of descriptions, and what is too short to mean anything there, are not searched.
    """
    text = folded(text)
    if _UID_TEXT.fullmatch(text):  # in so many digits, a date or a number stands by chance
        return frozenset(needle.kind for needle in needles.values if needle.kind is Kind.UID and needle.text == text)
    return frozenset(needle.kind for needle in needles.values if _is_in_name(needle, text))


def _is_in_name(needle: Needle, text: str) -> bool:
    if needle.kind is Kind.TEXT or needle.strength is Strength.WORD:
        return False
    if is_in_other_script(needle, text):
        return True
    if needle.strength is Strength.TEXT:
        return has_words(text, needle.text, WORD) or is_glued_name(needle, text)
    if is_day_of(needle, days_in(text)):
        return True
    return needle.text in text or is_in_compact(needle, text) or is_in_simplified(needle, text)


def _elements(dataset: Dataset, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], DataElement | None]]:
    """Every element that isn't a sequence, at every level, with its path; None for one that can't be read."""
    for tag, element in read_elements(dataset):
        here = (*path, int(tag))
        if element is not None and element.VR == "SQ":
            for item in element.value:
                yield from _elements(item, here)
        else:
            yield here, element


def _is_ours(dataset: Dataset) -> bool:
    """Whether the method is what this program writes, which holds no value of any source."""
    return tuple(texts_of(dataset[_METHOD])) in (METHOD, METHOD_WITH_EXCEPTIONS) if _METHOD in dataset else False


def _is_in(needle: Needle, text: str, path: tuple[int, ...], vr: str) -> bool:
    """Whether the needle is in a folded value, searched as far as its strength and the kind of the attribute allow."""
    tag = path[-1]
    if vr == "UI":
        return needle.kind is Kind.UID and needle.text == text
    if vr in _NUMBER_VRS:
        return needle.strength >= Strength.TEXT and is_number(needle, text)
    if needle.kind is Kind.TEXT and (tag in _TERMS or tag in _WRITTEN_LATER or vr not in _FREE_TEXT_VRS):
        return False
    if vr not in _FREE_TEXT_VRS | _BYTES_VRS | {"CS"}:
        return False  # dates, times and ages are compared with their own attribute's original
    if is_in_other_script(needle, text):
        return path not in _SUBJECT
    is_free = vr in _FREE_TEXT_VRS and tag not in _TERMS and not _is_written_here(path)
    if needle.strength is Strength.ANYWHERE:
        if is_day_of(needle, days_in(text), is_year_told=not is_free):
            return True
        return needle.text in text or is_in_compact(needle, text) or is_in_simplified(needle, text)
    if vr in _BYTES_VRS:
        return False
    if needle.strength is Strength.WORD:
        is_word = has_words(text, needle.text, HYPHENATED_WORD) or is_glued_word(needle, text) or is_number_in_word(needle, text)
        return is_free and path not in _SUBJECT and is_word
    if is_free:
        return needle.text in text or is_in_simplified(needle, text) or is_spread(needle, text)
    return has_words(text, needle.text, WORD) or is_glued_name(needle, text) or is_part_of_word(needle, text)


def _is_written_here(path: tuple[int, ...]) -> bool:
    """Whether this program writes its own words there: the tag, and what was done. A name may be part of one by chance."""
    return path[-1] in _WRITTEN_LATER or path[0] >> 16 == PRIVATE_GROUP


def judge_alone(dataset: Dataset, rules: Rules = Rules()) -> list[Residue]:
    """Judge a header that any tool made, without its source: what should not be there, and what should.

    `dataset` is as read from the file, with its file meta information and preamble. Options of PS3.15 that the
    De-identification Method Code Sequence claims are allowed what they allow.
    """
    found = [*_judge_file(dataset), *_judge_declarations(dataset, rules)]
    allowed = _claimed_columns(dataset)
    answers = answers_under(iod_of(text_of(dataset, "SOPClassUID")), rules)
    written = _WRITTEN_LATER if _was_made_here(dataset) else frozenset()
    found += _judge_level(dataset, (), answers, rules, allowed, written)
    return list(dict.fromkeys(found))


def _judge_file(dataset: Dataset) -> Iterator[Residue]:
    if (getattr(dataset, "preamble", None) or b"").strip(b"\0"):
        yield Residue("preamble", "it holds data")
    for tag in getattr(dataset, "file_meta", None) or ():
        if tag.tag.element not in _META_ALLOWED:
            yield Residue(place_of((int(tag.tag),)), "it should not be in the file meta information")


def _was_made_here(dataset: Dataset) -> bool:
    return text_of(dataset, "DeidentificationMethod").startswith(_OWN_METHOD)


def _judge_declarations(dataset: Dataset, rules: Rules) -> Iterator[Residue]:
    if _said(dataset, "PatientIdentityRemoved") != "YES":
        yield Residue("PatientIdentityRemoved", "it should be YES (PS3.15 E.1.1)")
    has_codes = bool(dataset.get("DeidentificationMethodCodeSequence"))
    if not has_codes and not _said(dataset, "DeidentificationMethod"):
        yield Residue("DeidentificationMethod", "it is missing, and so is its code sequence (PS3.15 E.1.1)")
    elif not has_codes and not rules.attributes_to_keep:
        yield Residue("DeidentificationMethodCodeSequence", "it is missing: no profile or option is claimed (CID 7050)")
    said = _said(dataset, "LongitudinalTemporalInformationModified")
    if not said:
        yield Residue("LongitudinalTemporalInformationModified", "it is missing (PS3.15 E.3.6)")
    elif said not in _said_of_dates(dataset):
        yield Residue("LongitudinalTemporalInformationModified", f"it says {said}, the claimed options otherwise (PS3.15 E.3.6)")
    if _said(dataset, "BurnedInAnnotation") not in ("YES", "NO"):
        yield Residue("BurnedInAnnotation", "it is missing")


def _said(dataset: Dataset, keyword: str) -> str:
    """All values of an attribute, joined as DICOM joins them."""
    element = read_keyword(dataset, keyword)
    return "\\".join(texts_of(element)) if element is not None else ""


def _said_of_dates(dataset: Dataset) -> tuple[str, ...]:
    claimed = claimed_options(dataset)
    if Option.MODIFIED_DATES in claimed:
        return ("MODIFIED",)
    return ("UNMODIFIED",) if Option.FULL_DATES in claimed else ("REMOVED", "UNMODIFIED", "MODIFIED")


def claimed_options(dataset: Dataset) -> tuple[Option, ...]:
    """The options that the De-identification Method Code Sequence claims, by the codes of the standard (CID 7050)."""
    items = dataset.get("DeidentificationMethodCodeSequence") or ()
    return options_claimed(text_of(item, "CodeValue") for item in items if text_of(item, "CodingSchemeDesignator") == _DICOM)


def _claimed_columns(dataset: Dataset) -> frozenset[str]:
    return frozenset(option.column for option in claimed_options(dataset))


def _judge_level(
    dataset: Dataset, path: tuple[int, ...], answers: Answers, rules: Rules, allowed: frozenset[str], written: frozenset[int]
) -> Iterator[Residue]:
    for tag in sorted_tags(dataset):
        here = (*path, int(tag))
        if tag.is_private:
            if _is_our_block(dataset, here):
                continue
            if "retain_safe_private" not in allowed:
                yield Residue(place_of(here), "a private element")
            elif not _is_listed_as_safe(dataset, int(tag), rules):
                yield Residue(place_of(here), "a private element that [safe_private] doesn't list")
            continue
        answer = answers(here)
        element = read_element(dataset, tag)
        if element is None:
            yield Residue(place_of(here), "its value can't be read")
            continue
        is_written = len(here) == 1 and int(tag) in written and (int(tag) != _IMAGE_COMMENTS or _is_tag_in_words(dataset))
        if _stands_against(answer.action, element, allowed) and not is_written:
            yield Residue(place_of(here), f"it should be {answer.action} ({answer.rule})")
        elif not is_written and _is_uncleaned(answer.action, element, rules, allowed):
            yield Residue(place_of(here), "its text isn't made of ultrasound words (PS3.15 E.3.5)")
        elif element.VR == "SQ":
            for item in element.value:
                yield from _judge_level(item, here, answers, rules, allowed, written)
        elif answer.action is Action.UID and "retain_uids" not in allowed and any(map(_looks_original, texts_of(element))):
            yield Residue(place_of(here), "a UID that a scanner seems to have made, or that holds a date")
        elif _may_say_anything(element, here, rules) and any(names_a_day(folded(text)) for text in texts_of(element)):
            yield Residue(place_of(here), "its text seems to hold a date")


def _looks_original(uid: str) -> bool:
    return uid.startswith(_MAKERS_ROOTS) or bool(_DATED_UID.search(uid))


def _may_say_anything(element: DataElement, path: tuple[int, ...], rules: Rules) -> bool:
    """Whether it is text that somebody typed, as against the vocabulary of a vendor or a code."""
    free = element.VR in TEXT_VRS and path[-1] not in _TERMS and path[0] not in (_METHOD, _METHOD_CODES)
    return free and path not in _SUBJECT and path[-1] not in rules.attributes_to_keep


def _stands_against(action: Action, element: DataElement, allowed: frozenset[str]) -> bool:
    if action not in _AGAINST:
        return False
    row = profile_table().rows.get(int(element.tag))
    if element.tag.element == 0 or element.tag.group == 0x7FE0:
        return False  # lengths and pixels hold no text
    if row and any(option in allowed for option in row.options):
        return False
    has_value = bool(element.value) if element.VR == "SQ" else element.value not in (None, "", b"") and element.VM > 0
    if action in (Action.REMOVE, Action.REMOVE_ITEM):
        # Elsewhere an empty value, or a dummy, says as little as none; but nothing may be there that no one knows.
        return has_value and not _is_nothing(element) or not row
    if action is Action.EMPTY:
        return has_value and not _is_nothing(element)
    if action is Action.DUMMY and element.VR in _DATE_VRS:
        return has_value and not _is_nothing(element)
    return False


def _is_uncleaned(action: Action, element: DataElement, rules: Rules, allowed: frozenset[str]) -> bool:
    """Whether a listed text that only the Clean Descriptors option lets stay says more than that option allows."""
    row = profile_table().rows.get(int(element.tag))
    if action is Action.KEEP or element.VR not in TEXT_VRS or not row:
        return False
    by_options = allowed.intersection(row.options)
    if by_options != {Option.CLEAN_DESCRIPTORS.column} or _is_nothing(element):
        return False
    return not all(is_descriptive(text, rules.allowed_words) for text in texts_of(element))


def _is_listed_as_safe(dataset: Dataset, tag: int, rules: Rules) -> bool:
    """Whether the settings list a private element, or one of the block that it reserves."""
    group, element = tag >> 16, tag & 0xFFFF
    reserved = element <= _LAST_CREATOR
    name = read_element(dataset, tag if reserved else group << 16 | element >> 8)
    creator = "".join(texts_of(name)) if name is not None else ""
    listed = [safe for safe in rules.safe_private if (safe.creator, safe.group) == (creator, group)]
    return bool(listed) if reserved else any(safe.element == element & 0xFF for safe in listed)


def _is_nothing(element: DataElement) -> bool:
    return element.VR != "SQ" and all(is_dummy(text) for text in texts_of(element)) and not isinstance(element.value, bytes)


def _is_tag_in_words(dataset: Dataset) -> bool:
    """Whether Image Comments are the sentence that `tags.apply_tag` writes."""
    tag = tag_of(dataset)
    return tag is not None and text_of(dataset, "ImageComments") in {image_comment(tag, kind) for kind in ("", "frame", "cine")}


def _is_our_block(dataset: Dataset, path: tuple[int, ...]) -> bool:
    """Whether it is the private block that holds the tag (PS3.5 7.8.1), which `tags.apply_tag` wrote."""
    group, element = path[-1] >> 16, path[-1] & 0xFFFF
    if len(path) > 1 or group != PRIVATE_GROUP:
        return False
    creator, own = (element, 1) if element <= 0xFF else (element >> 8, element & 0xFF)
    return own in _TAG_ELEMENTS and str(dataset.get((group, creator), None) and dataset[group, creator].value) == PRIVATE_CREATOR
