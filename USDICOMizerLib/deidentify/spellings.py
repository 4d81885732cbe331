"""How else a name, a number or a date may be written: what people and systems make of it on its way through them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from USDICOMizerLib.deidentify.romanised import romanisations

_SEPARATORS = re.compile(r"[\s^=,;\\]+")
# What Unicode doesn't take apart into a letter and an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t", "ĸ": "k"}
)
# An accented letter that people without the key for it write as two.
_AS_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_TWO_FOR_ONE = re.compile("(?:(?<=[ao])e|(?<=u)e|(?<=a)a)")
_MONTHS = tuple("January February March April May June July August September October November December".lower().split())
_NUMBER = re.compile(r"\d{6,}")  # six digits or more: a shorter one is in too many texts
_NUMBERS_AND_DOTS = re.compile(r"\d+(\.\d+){3,}")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_UUID_ROOT = "2.25."


@lru_cache(maxsize=2**14)  # the values of an exam's headers are the same ones again and again
def folded(text: str) -> str:
    """Lower case, no accents, one space for any separator of names or lines: what looks alike compares alike."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", plain.casefold().translate(_LETTERS)).strip(" \0")


@lru_cache(maxsize=2**14)
def compact(text: str) -> str:
    """Letters and digits only: "12-345 678" is "12345678"."""
    return "".join(filter(str.isalnum, text))


@lru_cache(maxsize=2**14)
def simplified(text: str) -> str:
    """Folded text with the two letters for an accented one as one: Müller, Mueller and Muller are all "muller"."""
    return _TWO_FOR_ONE.sub("", text)


def spellings_of_name(spelled: str) -> Iterator[str]:
    """Other ways to write a name, or a word of one: accents as two letters or none, in Latin letters, in one word."""
    lower = unicodedata.normalize("NFC", spelled).casefold()
    yield from (lower.translate(_AS_TWO), simplified(folded(spelled)))
    yield from romanisations(lower)
    yield re.sub(r"(?<=\w)['’`´-](?=\w)", "", lower)  # O'Brien, Anne-Marie


def spellings_of_identifier(spelled: str) -> Iterator[str]:
    """Other ways to write a number: without separators, without leading zeros, without the letters around it."""
    yield compact(spelled)
    yield _LEADING_ZEROS.sub("", spelled)
    if not _NUMBERS_AND_DOTS.fullmatch(spelled):  # the parts of what is formed like a UID are registered to companies
        for number in _NUMBER.findall(f"{spelled} {compact(spelled)}"):
            yield from (number, number.lstrip("0"))


def spellings_of_uid(uid: str) -> Iterator[str]:
    """The UUID in a UID made of one (PS3.5 B.2), with hyphens and without."""
    digits = uid.removeprefix(_UUID_ROOT)
    if uid.startswith(_UUID_ROOT) and digits.isdigit() and int(digits) < 2**128:
        uuid = UUID(int=int(digits))
        yield from (str(uuid), uuid.hex)


def spellings_of_date(year: str, month: str, day: str) -> Iterator[str]:
    """A date as DICOM writes it, and as people do in English, for bytes; none that a version number is likely to look like.

    What else a text may call it, `dates_in_text.days_in` reads.
    """
    yield year + month + day
    d, m = day.lstrip("0"), month.lstrip("0")
    yield from (f"{year}{separator}{month}{separator}{day}" for separator in "-/.")
    for separator in "-/.":
        yield from (f"{day}{separator}{month}{separator}{year}", f"{month}{separator}{day}{separator}{year}")
        yield from (f"{d}{separator}{m}{separator}{year}", f"{m}{separator}{d}{separator}{year}")
    if month.isdigit() and 1 <= int(month) <= 12:
        whole = _MONTHS[int(month) - 1]
        yield from (f"{day}{separator}{whole[:3]}{separator}{year}" for separator in ("-", " ", ". ", ""))
        for name in dict.fromkeys((whole[:3], whole)):
            yield from (f"{name} {d} {year}", f"{name} {d}, {year}", f"{name} {day}, {year}", f"{d} {name} {year}")
