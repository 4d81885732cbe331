"""What to search an export for: the values of a source that can identify, each as hard to find by chance as it is long.

A value of 8 characters or more is searched everywhere, the bytes of the pixels included; one of 4 to 7 characters in
text; a shorter one, and a number of fewer than 6 digits, only as a whole word of free text: an ID of "1" or a name of
"US" would otherwise be found in every file.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.profile import WRITTEN, Action, Rules, answer_for, dictionary_vrs, iod_of, profile_table
from USDICOMizerLib.deidentify.pseudonyms import is_registered
from USDICOMizerLib.deidentify.values import TEXT_VRS, is_dummy, read_element, searched_texts, text_of

_SHORT, _LONG = 4, 8
_SHORT_NUMBER = 6
_SEPARATORS = re.compile(r"[\s^=,;\\]+")
_SAID_OF_NOBODY = frozenset({"anonymous", "anonymized", "anonymised", "anonymization", "unknown", "unspecified", "none"})
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_NAME_COMPONENTS = 3  # family, given, middle; prefix and suffix are titles (PS3.5 6.2.1)
_MAKES = frozenset(map(tag_for_keyword, ("Manufacturer", "ManufacturerModelName")))
_PLACES = frozenset(map(tag_for_keyword, ("InstitutionName", "StationName", "StationAETitle", "RetrieveAETitle")))
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


def folded(text: str) -> str:
    """Lower case, no accents, one space for any separator of names or lines: what looks alike compares alike."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", plain.casefold()).strip(" \0")


def compact(text: str) -> str:
    """Letters and digits only: "12-345 678" is "12345678"."""
    return "".join(filter(str.isalnum, text))


def identifying_values(header: Dataset, rules: Rules = Rules()) -> Needles:
    """The values of a source's header that must not be found in what is made of it.

    These are the values of all that the profile and the settings take away, at every level. What the settings keep is
    exempt, but not a name inside of a description that they keep. A place named after the make or model of the scanner,
    as a vendor's demonstration files have it, is exempt too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        public_texts = list(_public_texts(header, ()))
    found: set[Needle] = set()
    originals: dict[int, set[str]] = {}
    exempt: set[str] = set()
    iod = iod_of(text_of(header, "SOPClassUID"))
    makes = "\n".join(compact(folded(text)) for path, _, texts in public_texts if path[-1] in _MAKES for text in texts)
    for path, vr, texts in public_texts:
        answer = answer_for(path, iod=iod, rules=rules)
        if answer.action is Action.KEEP:
            if path[-1] in rules.attributes_to_keep:
                exempt.update(map(folded, texts))
                exempt.update(needle.text for text in texts for needle in _needles_of(path[-1], vr, text))
        elif identifies(path[-1], rules):
            originals.setdefault(path[-1], set()).update(map(folded, texts))
            for text in texts:
                if path[-1] not in _PLACES or compact(folded(text)) not in makes:
                    found.update(_needles_of(path[-1], vr, text))
    return Needles(
        frozenset(needle for needle in found if needle.text not in exempt),
        {tag: frozenset(texts - exempt) for tag, texts in originals.items()},
    )


def identifies(tag: int, rules: Rules = Rules()) -> bool:
    """Whether an attribute's original value must not come back: listed by the profile, a name, or deleted by the settings."""
    if tag in profile_table().rows or tag in rules.attributes_to_delete:
        return True
    return tag not in WRITTEN and answer_for((tag,)).action is not Action.KEEP


def _public_texts(dataset: Dataset, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str, tuple[str, ...]]]:
    """(path, VR of the dictionary, values as text) of each public element with a readable value, at every level."""
    for tag in sorted(dataset.keys()):
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


def _needles_of(tag: int, vr: str, text: str) -> Iterator[Needle]:
    if is_dummy(text) or folded(text) in _SAID_OF_NOBODY:
        return
    if vr == "PN":
        yield from _name_needles(text)
    elif vr == "UI":
        if not is_registered(text) and len(text) >= _LONG:
            yield Needle(folded(text), text, Kind.UID, Strength.ANYWHERE)
    elif vr in ("DA", "DT"):
        yield from _date_needles(text)
    elif vr in TEXT_VRS or vr in ("AE", "UR"):
        describing = bool(_DESCRIBING.search(_keyword(tag)))
        if describing and len(folded(text)) >= _LONG:
            yield Needle(folded(text), text, Kind.TEXT, Strength.TEXT)
        elif not describing:
            yield from _needle(text, Kind.IDENTIFIER)


def _keyword(tag: int) -> str:
    row = profile_table().rows.get(tag)
    return row.keyword if row else ""


def _needle(spelled: str, kind: Kind) -> Iterator[Needle]:
    text = folded(spelled)
    if not text or text in _SAID_OF_NOBODY:
        return
    length = _told_length(text)
    if length >= _LONG:
        strength = Strength.ANYWHERE
    elif length < _SHORT or text.isdigit() and length < _SHORT_NUMBER:
        strength = Strength.WORD
    else:
        strength = Strength.TEXT
    yield Needle(text, _SEPARATORS.sub(" ", spelled).strip(" \0"), kind, strength)


def _told_length(text: str) -> int:
    """The length, counted in letters: an ideograph or syllable of East Asia tells as much as three."""
    return sum(3 if ord(letter) >= 0x2E80 else 1 for letter in text)


def _name_needles(text: str) -> Iterator[Needle]:
    """The whole name and each of its words, in every representation: alphabetic, ideographic, phonetic."""
    for group in text.split("="):
        components = group.split("^")[:_NAME_COMPONENTS]
        yield from _needle(" ".join(components), Kind.NAME)
        for word in _SEPARATORS.split(" ".join(components)):
            if len(word) > 1 or not word.isascii():
                yield from _needle(word, Kind.NAME)


def _date_needles(text: str) -> Iterator[Needle]:
    """A date as DICOM writes it, and as people do."""
    written = _DATE.match(text)
    if not written or written[0] == "19000101":
        return
    year, month, day = written.groups()
    yield Needle(written[0], written[0], Kind.DATE, Strength.ANYWHERE)
    for form in (f"{year}-{month}-{day}", f"{day}.{month}.{year}", f"{day}/{month}/{year}", f"{month}/{day}/{year}"):
        yield Needle(form, form, Kind.DATE, Strength.ANYWHERE)
