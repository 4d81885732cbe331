"""Whether a needle is in a text, however it is written there. Texts are as `spellings.folded` gives them."""

from __future__ import annotations

import re
from functools import lru_cache

from USDICOMizerLib.deidentify.dates_in_text import days_in
from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength, told_length
from USDICOMizerLib.deidentify.romanised import has_cyrillic, romanised, slavic_key
from USDICOMizerLib.deidentify.spellings import compact, folded, simplified

WORD = re.compile(r"[^\W_]+")
HYPHENATED_WORD = re.compile(r"[^\W_]+(?:[-.][^\W_]+)*")  # S5-1 and 1.0 don't hold the word 1
_INTEGER = re.compile(r"\+?0*(\d+?)(?:\.0*)?")
_LETTERS = re.compile(r"[^\W\d_]+")
_GLUED_NAME = re.compile(r"(?:\d{2,})?([^\W\d_]{3,})(?:\d{2,})?")  # "doe123" holds the word doe; "s5" doesn't hold s
_SHORTEST_NAME = 4  # letters; a shorter one is in many words
_SHORTEST_COMPACT = 8
_SHORTEST_SPREAD, _SHORTEST_SPREAD_NUMBER = 4, 6  # characters; fewer digits with something between may be any measures
_SHORTEST_NUMBER_IN_A_WORD = 4


def readings(texts: tuple[str, ...]) -> list[str]:
    """The texts folded, and in Latin letters where they have others: a name may be written in either."""
    plain = list(map(folded, texts))
    return [*plain, *{romanised(text) for text in plain}.difference(plain)]


def present(needles: Needles, texts: list[str]) -> list[Needle]:
    """The needles that are anywhere in the texts, with whatever between their letters: only they are looked for closely."""
    plain, letters, simple = ("\n".join(map(made, texts)) for made in (str, compact, simplified))
    is_cyrillic = has_cyrillic(plain)
    slavic = slavic_key(plain) if is_cyrillic or any(has_cyrillic(needle.text) for needle in needles.values) else ""
    days = frozenset().union(*map(days_in, texts))
    return [
        needle
        for needle in sorted(needles.values, key=lambda one: (one.kind, one.text))
        if needle.text in plain
        or compact(needle.text) in letters
        or simplified(needle.text) in simple
        or is_day_of(needle, days)
        or (is_cyrillic or has_cyrillic(needle.text))
        and slavic_key(needle.text) in slavic
    ]


def is_number(needle: Needle, text: str) -> bool:
    """Whether a number is the needle, with or without zeros before it or behind its point."""
    written = _INTEGER.fullmatch(text)
    return needle.text == text or bool(written) and needle.text in (written[1], text.lstrip("+"))


def is_day_of(needle: Needle, days: frozenset[str], *, is_year_told: bool = False) -> bool:
    """Whether the needle is one of the days of a text; `is_year_told` leaves out those with a year of two digits."""
    if needle.kind is not Kind.DATE:
        return False
    return needle.text in days or not is_year_told and needle.text[2:] in days


def is_glued_name(needle: Needle, text: str) -> bool:
    """Whether the words of a name are there, with numbers at them or in another spelling of their accented letters."""
    return needle.kind is Kind.NAME and has_words(simplified(text), simplified(needle.text), _LETTERS)


def is_glued_word(needle: Needle, text: str) -> bool:
    """Whether a short name is a word with a number at it."""
    glued = _GLUED_NAME.fullmatch
    return needle.kind is Kind.NAME and any((found := glued(word)) and found[1] == needle.text for word in WORD.findall(text))


def is_in_compact(needle: Needle, text: str) -> bool:
    """Whether the letters and digits are there with other separators."""
    return told_length(sought := compact(needle.text)) >= _SHORTEST_COMPACT and sought in compact(text)


def is_in_simplified(needle: Needle, text: str) -> bool:
    """Whether a name, or a long identifier with letters, is there in another spelling of its accented letters."""
    if needle.kind not in (Kind.NAME, Kind.IDENTIFIER):
        return False
    shortest = _SHORTEST_NAME if needle.kind is Kind.NAME else _SHORTEST_COMPACT
    return len(sought := simplified(needle.text)) >= shortest and sought in simplified(text)


def is_in_other_script(needle: Needle, text: str) -> bool:
    """Whether the words of a name are there, of which either has Cyrillic letters, by whatever table they are romanised."""
    if needle.kind is not Kind.NAME or not (has_cyrillic(needle.text) or has_cyrillic(text)):
        return False
    return len(sought := slavic_key(needle.text)) >= _SHORTEST_NAME and has_words(slavic_key(text), sought, _LETTERS)


def is_spread(needle: Needle, text: str) -> bool:
    """Whether the characters of an identifier that is too short for `is_in_compact` are there with separators between."""
    pattern = _spread(needle.text) if needle.kind is Kind.IDENTIFIER and needle.strength is Strength.TEXT else None
    return bool(pattern and pattern.search(text))


@lru_cache(maxsize=2**12)
def _spread(identifier: str) -> re.Pattern | None:
    letters = compact(identifier)
    if len(letters) < (_SHORTEST_SPREAD_NUMBER if letters.isdigit() else _SHORTEST_SPREAD):
        return None
    spread = r"[\W_]{0,2}".join(map(re.escape, letters))
    return re.compile(rf"(?<![^\W_]){spread}(?![^\W_])")


def is_part_of_word(needle: Needle, text: str) -> bool:
    """Whether an identifier with a digit is there, inside of a word perhaps, but not inside of a number."""
    if needle.kind is not Kind.IDENTIFIER or not any(map(str.isdigit, needle.text)):
        return False
    return needle.text in text and bool(_apart_from_digits(needle.text).search(text))


def is_number_in_word(needle: Needle, text: str) -> bool:
    """Whether a number too short for the rest is there beside letters: "MRN12345". A fraction is no such number."""
    is_sought = needle.kind is Kind.IDENTIFIER and needle.text.isdigit() and len(needle.text) >= _SHORTEST_NUMBER_IN_A_WORD
    return is_sought and needle.text in text and bool(_apart_from_digits(needle.text).search(text))


@lru_cache(maxsize=2**12)
def _apart_from_digits(sought: str) -> re.Pattern:
    before = r"(?<!\d)(?<!\d[.,])" if sought[0].isdigit() else ""
    behind = r"(?!\d)(?![.,]\d)" if sought[-1].isdigit() else ""
    return re.compile(before + re.escape(sought) + behind)


def has_words(text: str, sought: str, word: re.Pattern) -> bool:
    words, wanted = word.findall(text), word.findall(sought)
    return bool(wanted) and any(words[start : start + len(wanted)] == wanted for start in range(len(words)))
