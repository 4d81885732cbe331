"""Clean Descriptors (PS3.15 E.3.5): free text stays only if every word of it is known to describe ultrasound."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from itertools import pairwise

_DATA_FILE = "ultrasound_words.txt"
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+\d[^\W_]*|[^\W\d_]+")
_SEPARATORS = re.compile(r"[\s.,;:/\\()\[\]+*&%_<>=~°²³'\"#|!?^-]*")
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?")
_UNITS = frozenset("mm cm m ml l cc mhz khz hz db s ms min sec fps bpm mmhg cms deg degrees percent px pixels d ch".split())
_SPELT = re.compile(r"\b\w \w \w \w\b")
_LONGEST_TEXT = 1024


@cache
def ultrasound_words() -> frozenset[str]:
    """The words of ultrasound_words.txt, in the form that `word_form` gives."""
    text = files(__package__).joinpath(_DATA_FILE).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def word_form(text: str) -> str:
    """Lower case without accents: how words are compared."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return plain.casefold()


def words_of(text: str) -> list[str]:
    """The words and numbers of a text, in `word_form`: "C5-2 (left)" has c5, 2 and left."""
    return _TOKEN.findall(word_form(text))


def is_descriptive(text: str, allowed: Collection[str] = ()) -> bool:
    """Whether a text is made of known words only: those of ultrasound and those of `allowed`, which are in `word_form`.

    A number counts as known where a unit follows it, or where it is a single digit without another number next to it; so
    no number that could be somebody's passes, and no date. Between words stands punctuation only, and single letters
    spell nothing.
    """
    if len(text) > _LONGEST_TEXT:
        return False
    if not _SEPARATORS.fullmatch(_TOKEN.sub("", word_form(text))):
        return False
    words = words_of(text)
    if _SPELT.search(" ".join(words)):
        return False
    return all(_is_known(word, follower, allowed) for word, follower in pairwise([*words, ""]))


def _is_known(word: str, follower: str, allowed: Collection[str]) -> bool:
    if word in ultrasound_words() or word in allowed:
        return True
    if not _NUMBER.fullmatch(word):
        return False
    return follower in _UNITS or len(word) == 1 and not follower[:1].isdigit()
