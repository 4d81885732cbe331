"""What to search an export for: the values of a source that can identify, each as hard to find by chance as it is long.

A value of 8 characters or more is searched everywhere, the bytes of the pixels included; one of 4 to 7 characters in
text; a shorter one, and a number of fewer than 6 digits, only as a whole word of free text, or beside letters from 4
digits on: an ID of "1" or a name of "US" would otherwise be found in every file.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import lru_cache

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.profile import (
    WRITTEN,
    Action,
    Rules,
    answer_for,
    answers_under,
    dictionary_vrs,
    iod_of,
    profile_table,
)
from USDICOMizerLib.deidentify.pseudonyms import is_registered
from USDICOMizerLib.deidentify.spellings import (
    compact,
    folded,
    simplified,
    spellings_of_date,
    spellings_of_identifier,
    spellings_of_name,
    spellings_of_uid,
)
from USDICOMizerLib.deidentify.values import DUMMY_DATE, TEXT_VRS, is_dummy, searched_texts, text_of, texts_of
from USDICOMizerLib.deidentify.words import is_descriptive
from USDICOMizerLib.elements import read_element, read_elements, sorted_tags

_SHORT, _LONG = 4, 8
_SHORT_NUMBER = 6
_SHORTEST_JOINED = 6  # letters of a whole name in one word, to look for it inside of others
_SEPARATORS = re.compile(r"[\s^=,;\\]+")
_WORD = re.compile(r"[^\W_]+")
_SAID_OF_NOBODY = frozenset({"anonymous", "anonymized", "anonymised", "anonymization", "unknown", "unspecified", "none"})
_PARTS_OF_WORD = re.compile(r"[-'’]")
_DATE = re.compile(r"(\d{4})[.]?(\d\d)[.]?(\d\d)")  # with dots in the ACR-NEMA form that PS3.5 6.2 asks readers to know
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\.\d{1,6})?")
_NAME_COMPONENTS = 3  # family, given, middle; prefix and suffix are titles (PS3.5 6.2.1)
_MAKES = frozenset(map(tag_for_keyword, ("Manufacturer", "ManufacturerModelName")))
_PLACES = frozenset(map(tag_for_keyword, ("InstitutionName", "StationName", "StationAETitle", "RetrieveAETitle")))
_NETWORK_NAMES = tuple(tag_for_keyword(f"{role}ApplicationEntityTitle") for role in ("Source", "Sending", "Receiving"))
_FILE_UID = tag_for_keyword("MediaStorageSOPInstanceUID")
_PATIENT_GROUP = 0x0010
_ISSUER = tag_for_keyword("IssuerOfPatientID")  # names a hospital
_ORDERS = frozenset(map(tag_for_keyword, ("AccessionNumber", "StudyID", "AdmissionID")))
# Listed text that describes rather than names: the same words may stand elsewhere in any exam.
_DESCRIBING = re.compile(
    r"Description|Comments|Reason|History|Protocol(Name)?$|Agent|Occupation|Allergies|Alerts|State$|Remarks|Label$"
)


class Kind(StrEnum):
    """What a searched value is, in words for a report."""

    NAME = "names"
    IDENTIFIER = "identifiers"
    UID = "UIDs"
    DATE = "dates"
    TIME = "times"
    TEXT = "descriptions"


class Strength(IntEnum):
    """How surely a find is no chance."""

    WORD = 1  # only as a whole word of free text
    TEXT = 2  # anywhere in free text, as a whole word elsewhere
    ANYWHERE = 3


@dataclass(frozen=True)
class Needle:
    """One value to search for: folded as `folded` does, and as it was spelled."""

    text: str = field(repr=False)
    spelled: str = field(repr=False)
    kind: Kind
    strength: Strength


@dataclass(frozen=True)
class Needles:
    """What one or more headers say that must not be found. `originals` has the values of each listed attribute."""

    values: frozenset[Needle] = frozenset()
    originals: Mapping[int, frozenset[str]] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.values or self.originals)

    @classmethod
    def merged(cls, parts: Iterable[Needles]) -> Needles:
        """Those of several headers together."""
        values: set[Needle] = set()
        originals: dict[int, frozenset[str]] = {}
        for part in parts:
            values |= part.values
            for tag, texts in part.originals.items():
                originals[tag] = originals.get(tag, frozenset()) | texts
        return cls(frozenset(values), originals)

    def without_dates_of(self, dataset: Dataset) -> Needles:
        """These without the dates that the date attributes of a data set hold.

        A date that was shifted, or that an option keeps, may equal another one that was taken away, or begin a number.
        Attribute by attribute the dates are compared elsewhere; among bytes they could not be told apart.
        """
        held = set(_held_dates(dataset))
        values = frozenset(needle for needle in self.values if needle.text not in held)
        return Needles(values, self.originals) if len(values) < len(self.values) else self


def _held_dates(dataset: Dataset) -> Iterator[str]:
    for _, element in read_elements(dataset):
        if element is not None and element.VR == "SQ":
            for item in element.value:
                yield from _held_dates(item)
        elif element is not None and element.VR in ("DA", "DT"):
            yield from (text[:8] for text in texts_of(element))


def identifying_values(header: Dataset, rules: Rules = Rules()) -> Needles:
    """The values of a source's header that must not be found in what is made of it.

    These are the values of all that the profile and the settings take away, at every level. What the settings keep is
    exempt, but not a name inside of a description that they keep. What an option keeps is exempt where it is not about the
    patient; so is text that is made of ultrasound words, under the option that keeps those. A place named after the make or
    model of the scanner, as a vendor's demonstration files have it, is exempt too. Beside them stand the UID and
    the network names of the file meta information, these where they name more than ultrasound.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        public_texts = list(_public_texts(header, ()))
    found: set[Needle] = set()
    originals: dict[int, set[str]] = {}
    exempt: set[str] = set()
    by_option: set[str] = set()  # what options keep, as text
    of_patient: set[Needle] = set()
    answers = answers_under(iod_of(text_of(header, "SOPClassUID")), rules)
    makes = "\n".join(compact(folded(text)) for path, _, texts in public_texts if path[-1] in _MAKES for text in texts)
    for path, vr, texts in public_texts:
        answer = answers(path)
        if answer.action is Action.KEEP:
            if answer.option:
                by_option.update(map(folded, texts))
            elif path[-1] in rules.attributes_to_keep:
                exempt.update(map(folded, texts))
                exempt.update(needle.text for text in texts for needle in _needles_of(path[-1], vr, text))
        elif answer.action is Action.CLEAN and all(is_descriptive(text, rules.allowed_words) for text in texts):
            continue
        elif identifies(path[-1], rules):
            if answer.action is not Action.SHIFT:  # a shifted date may equal another original of the same attribute
                originals.setdefault(path[-1], set()).update(map(folded, texts))
            for text in texts:
                if path[-1] not in _PLACES or compact(folded(text)) not in makes:
                    found.update(_needles_of(path[-1], vr, text))
                    if path[-1] >> 16 == _PATIENT_GROUP and path[-1] != _ISSUER or path[-1] in _ORDERS:
                        of_patient.update(_needles_of(path[-1], vr, text))
    for vr, text in _file_texts(header):
        if vr == "UI" or not is_descriptive(text, rules.allowed_words) and compact(folded(text)) not in makes:
            found.update(_needles_of(_NETWORK_NAMES[0], vr, text))
    kept_text = "\n".join([*by_option, *map(compact, by_option)])
    found -= {needle for needle in found - of_patient if needle.kind is not Kind.NAME and _stands_in(needle, kept_text)}
    return Needles(
        frozenset(needle for needle in found if needle.text not in exempt),
        {tag: frozenset(texts - exempt) for tag, texts in originals.items()},
    )


def _file_texts(header: Dataset) -> Iterator[tuple[str, str]]:
    """VR and text of network names and UID of the file meta information (PS3.10 7.1) of a header that was read from a file."""
    meta = getattr(header, "file_meta", None)
    for tag in (*_NETWORK_NAMES, _FILE_UID) if meta is not None else ():
        if tag in meta and (element := read_element(meta, tag)) is not None:
            yield from (("UI" if tag == _FILE_UID else "AE", text) for text in searched_texts(element))


def _stands_in(needle: Needle, text: str) -> bool:
    squeezed = compact(needle.text)
    return needle.text in text or len(squeezed) >= _LONG and squeezed in text


def mentions(text: str, needles: Needles) -> bool:
    """Whether a text holds any of the values: one that could be met by chance as a word, any other anywhere."""
    plain = folded(text)
    words = _WORD.findall(plain)
    for needle in needles.values:
        if needle.strength is Strength.WORD:
            wanted = _WORD.findall(needle.text)
            met = any(words[start : start + len(wanted)] == wanted for start in range(len(words))) if wanted else False
        else:
            met = needle.text in plain or compact(needle.text) in compact(plain) or simplified(needle.text) in simplified(plain)
        if met:
            return True
    return False


def identifies(tag: int, rules: Rules = Rules()) -> bool:
    """Whether an attribute's original value must not come back: listed by the profile, a name, or deleted by the settings."""
    return _identifies_by_profile(tag) or tag in rules.attributes_to_delete


@lru_cache(maxsize=2**14)
def _identifies_by_profile(tag: int) -> bool:
    return tag in profile_table().rows or tag not in WRITTEN and answer_for((tag,)).action is not Action.KEEP


def _public_texts(dataset: Dataset, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str, tuple[str, ...]]]:
    """(path, VR of the dictionary, values as text) of each public element with a readable value, at every level."""
    for tag in sorted_tags(dataset):
        vrs = dictionary_vrs(int(tag)) or ({"LO"} if int(tag) in profile_table().rows else frozenset())
        if not vrs or tag.is_private:
            continue
        element = read_element(dataset, tag)
        if element is None:
            continue  # what can't be read isn't carried over either
        if element.VR == "SQ":
            for item in element.value:
                yield from _public_texts(item, (*path, int(tag)))
        elif texts := searched_texts(element):
            yield (*path, int(tag)), sorted(vrs)[0], texts


@lru_cache(maxsize=2**12)  # the same values stand in every instance of an exam
def _needles_of(tag: int, vr: str, text: str) -> tuple[Needle, ...]:
    return tuple(_made_of(tag, vr, text))


def _made_of(tag: int, vr: str, text: str) -> Iterator[Needle]:
    if is_dummy(text) or folded(text) in _SAID_OF_NOBODY:
        return
    if vr == "PN":
        yield from _name_needles(text)
    elif vr == "UI":
        if not is_registered(text) and len(text) >= _LONG:
            yield Needle(folded(text), text, Kind.UID, Strength.ANYWHERE)
            for spelling in spellings_of_uid(text):
                yield Needle(spelling, spelling, Kind.UID, Strength.ANYWHERE)
    elif vr in ("DA", "DT"):
        yield from _date_needles(text)
    elif vr == "TM":
        yield from _time_needles(text)
    elif vr in TEXT_VRS or vr in ("AE", "UR"):
        describing = bool(_DESCRIBING.search(_keyword(tag)))
        if describing and len(folded(text)) >= _LONG:
            yield Needle(folded(text), text, Kind.TEXT, Strength.TEXT)
        elif not describing:
            # A hospital's name is spelled in as many ways as a person's.
            in_letters = spellings_of_name(text) if any(map(str.isalpha, text)) else ()
            for spelling in dict.fromkeys([text, *spellings_of_identifier(text), *in_letters]):
                yield from _needle(spelling, Kind.IDENTIFIER)


def _keyword(tag: int) -> str:
    row = profile_table().rows.get(tag)
    return row.keyword if row else ""


def _needle(spelled: str, kind: Kind) -> Iterator[Needle]:
    text = folded(spelled)
    if not text or text in _SAID_OF_NOBODY:
        return
    length = told_length(text)
    if length >= _LONG:
        strength = Strength.ANYWHERE
    elif length < _SHORT or text.isdigit() and length < _SHORT_NUMBER:
        strength = Strength.WORD
    else:
        strength = Strength.TEXT
    yield Needle(text, _SEPARATORS.sub(" ", spelled).strip(" \0"), kind, strength)


@lru_cache(maxsize=2**14)
def told_length(text: str) -> int:
    """The length, counted in letters: an ideograph or syllable of East Asia tells as much as three."""
    return sum(3 if ord(letter) >= 0x2E80 else 1 for letter in text)


def _name_needles(text: str) -> Iterator[Needle]:
    """The whole name in both orders and each of its words, in every representation: alphabetic, ideographic, phonetic."""
    for group in text.split("="):
        family, *given = components = group.split("^")[:_NAME_COMPONENTS]
        yield from _spelled_needles(" ".join(components))
        yield from _spelled_needles(" ".join([*given, family]))
        for ordered in ([family, *given], [*given, family], [family, *given[:1]], [*given[:1], family]):
            yield from _joined_needles(ordered)
        for word in _SEPARATORS.split(" ".join(components)):
            if len(word) > 1 or not word.isascii():
                yield from _spelled_needles(word)
            parts = _PARTS_OF_WORD.split(word)
            if len(parts) > 1:
                yield from (needle for part in parts if len(part) >= _SHORT for needle in _spelled_needles(part))


def _joined_needles(components: list[str]) -> Iterator[Needle]:
    """The names in one word: "JANEDOE". A short one may be a part of other words, as Ng Li is of "English"."""
    joined = _SEPARATORS.sub("", "".join(components))
    for needle in _spelled_needles(joined) if all(components) and len(components) > 1 else ():
        if told_length(needle.text) >= _SHORT:
            is_short = told_length(needle.text) < _SHORTEST_JOINED
            yield replace(needle, strength=Strength.WORD) if is_short else needle


def _spelled_needles(name: str) -> Iterator[Needle]:
    for spelling in dict.fromkeys([name, *spellings_of_name(name)]):
        yield from _needle(spelling, Kind.NAME)


def _date_needles(text: str) -> Iterator[Needle]:
    written = _DATE.match(text)
    if not written or written[0] == DUMMY_DATE:
        return
    for form in spellings_of_date(*written.groups()):
        yield Needle(folded(form), form, Kind.DATE, Strength.ANYWHERE)


def _time_needles(text: str) -> Iterator[Needle]:
    """A time to the second as people write it, and one to a fraction as DICOM does; whole hours and minutes tell too little."""
    written = _TIME.match(text)
    if not written or written[3] == "00":
        return
    hour, minute, second, fraction = written.groups()
    clock = f"{hour}:{minute}:{second}"
    yield Needle(clock, clock, Kind.TIME, Strength.TEXT)
    if fraction and fraction.strip(".0"):
        exact = f"{hour}{minute}{second}{fraction.rstrip('0')}"
        yield Needle(exact, exact, Kind.TIME, Strength.ANYWHERE)
