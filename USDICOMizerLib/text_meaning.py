"""What a line that was read says: technical, like what the header says about the patient, or neither."""

from __future__ import annotations

import re
from itertools import groupby, pairwise

from USDICOMizerLib.deidentify.dates_in_text import days_in
from USDICOMizerLib.deidentify.matching import is_day_of
from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength
from USDICOMizerLib.deidentify.spellings import compact, folded
from USDICOMizerLib.deidentify.words import is_descriptive

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d{0,2})?(?<=\d)([.,]\d{1,2})?|[.,]\d{1,2}")
_WITH_UNIT = re.compile(r"([-+]?\d{1,3}([.,]\d{1,2})?)(%|mm|cm|dB|[kM]?Hz|s|ms|fps|m/s|cm/s)", re.IGNORECASE)
_UNIT = re.compile(r"%|mm|cm|dB|[kM]?Hz|s|ms|fps|m/s|cm/s", re.IGNORECASE)
_DIGITS_IN_A_ROW = 5  # of numbers that follow each other and are no scale: more may be somebody's number, written in groups
_ON_SCREENS = frozenset("fr frq wf dr pwr persist".split())  # abbreviations that are nobody's name
_NAMES_TOO = frozenset(
    "block bone child colon cross crown douglas early field foot gate gray grey hand hands head large late long mark max "
    "morison post power rest root short small still stone stones wall".split()
)  # words of screens that people are called by as well
_NARROW_LETTERS, _WIDE_LETTERS = frozenset("iljI1.,:;'|!()[]ft/ -"), frozenset("mwMW%@")
_NARROW, _USUAL, _WIDE = 0.3, 0.56, 0.85  # widths of letters, of the size of the font: condensed fonts only make doubt
_HEIGHT_OF_LINE, _MARGINS = 1.75, 0.65  # the reader's places are so many sizes high, and so many of their height are empty
_FILLS = 0.8  # single lines fill more: 0.83 and up in pictures with 9 to 27 pixels, two lines 0.7 and less
_LETTERS_ALIKE = str.maketrans("01259683lq", "oizsgbbeig")
_LEAST_COMPARED = 4
_LEAST_OF_A_WORD, _LEAST_OF_A_NAME = 3, 5  # letters of a shortened word of several, and of one that stands alone
_LONGEST_MARK = 2  # letters: P, V, LT beside the picture


def is_short(text: str) -> bool:
    """Whether it is no more than the letter or two that scanners put beside the picture: P, V, LT."""
    return len(compact(folded(text))) <= _LONGEST_MARK


def is_one_line(text: str, length: float, height: float) -> bool:
    """Whether a text fills its place, `length` by `height` pixels: what is too high for it holds another line as well."""
    letters = sum(_NARROW if letter in _NARROW_LETTERS else _WIDE if letter in _WIDE_LETTERS else _USUAL for letter in text)
    return length >= _FILLS * height * (letters / _HEIGHT_OF_LINE + _MARGINS)


def is_technical(text: str) -> bool:
    """Whether a line that was read says nothing about anybody: depth marks, gain, frame rate, known words; no date.

    Punctuation alone says nothing about what it was read from. Two words that people are called by as well
    may be a name. Numbers in a row are those of a scale, or too few digits to be anybody's.
    """
    words = text.split()
    if not any(letter.isalnum() for letter in text) or not all(map(_is_technical_word, words)):
        return False
    are_names = [compact(folded(word)) in _NAMES_TOO for word in words]
    if any(map(all, pairwise(are_names))):
        return False
    return all(_is_no_ones_number(list(row)) for is_number, row in groupby(words, _is_bare_number) if is_number)


def _is_technical_word(word: str) -> bool:
    is_number = _is_bare_number(word) or _WITH_UNIT.fullmatch(word) or _UNIT.fullmatch(word)
    return bool(is_number) or word.casefold() in _ON_SCREENS or is_descriptive(word)


def _is_bare_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word))


def _is_no_ones_number(row: list[str]) -> bool:
    """Whether bare numbers in a row are too few digits to be somebody's number or a date, or a scale: evenly spaced."""
    if len(row) == 1 or len(row) == 2 and sum(map(len, row)) <= _DIGITS_IN_A_ROW:
        return True
    values = [float(word.replace(",", ".")) for word in row]
    steps = {round(later - earlier, 2) for earlier, later in pairwise(values)}
    step = abs(steps.pop())
    return not steps and step > 0 and (step in (1, 2, 5) or step % 10 == 0 or step < 1 or max(values) < 100 and step % 5 == 0)


def like_header(text: str, needles: Needles) -> frozenset[Kind]:
    """The kinds of values of the header that a line of read text is like, its words reordered or a letter misread.

    Times are left out: every scanner's screen shows the clock.
    """
    words = re.split(r"[\s^,;:/]+", text)
    alike, of_ultrasound = set(map(_alike, words)), set(map(_alike, filter(is_descriptive, words)))
    line, days = _alike(text), days_in(folded(text))
    return frozenset(
        needle.kind
        for needle in needles.values
        if needle.kind not in (Kind.TIME, Kind.TEXT)
        and (is_day_of(needle, days) or _is_abbreviated(needle, alike, of_ultrasound) or _is_like(needle, alike, line))
    )


def is_initials(text: str, needles: Needles) -> bool:
    """Whether a mark may be somebody's initials: the first letters of two words of a name, in either order."""
    wanted = sorted(compact(folded(text)))
    names = (needle.text.split() for needle in needles.values if needle.kind is Kind.NAME)
    return any(len(words) > 1 and sorted(words[0][0] + words[1][0]) == wanted for words in names)


def _is_like(needle: Needle, words: set[str], line: str) -> bool:
    wanted = _alike(needle.text)
    if len(wanted) < 2:
        return False
    if needle.strength is Strength.WORD or len(wanted) < _LEAST_COMPARED:
        return wanted in words
    misread = len(wanted) // 5  # one letter in five
    return any(
        sum(a != b for a, b in zip(wanted, line[start : start + len(wanted)], strict=True)) <= misread
        for start in range(len(line) - len(wanted) + 1)
    )


def _is_abbreviated(needle: Needle, words: set[str], of_ultrasound: set[str]) -> bool:
    """Whether a name, of a person or place, is there in part: two of its words at least, shortened, in any order.

    A person's name of one word is shortened to five letters. Words of ultrasound alone, as on every screen, tell no place:
    they are in the names of many departments. A person's name may begin like one.
    """
    if needle.kind not in (Kind.NAME, Kind.IDENTIFIER):
        return False
    wanted = [_alike(word) for word in needle.text.split()]
    if len(wanted) == 1:
        return needle.kind is Kind.NAME and any(len(word) >= _LEAST_OF_A_NAME and wanted[0].startswith(word) for word in words)
    shortened = {word for word in words if len(word) >= _LEAST_OF_A_WORD and any(name.startswith(word) for name in wanted)}
    if needle.kind is Kind.IDENTIFIER and shortened <= of_ultrasound:
        return False
    begun = {name for name in wanted if name.startswith(tuple(shortened))}
    return len(begun) > 1 and 2 * len(begun) >= len(wanted)


def _alike(text: str) -> str:
    """Letters and digits only, those that look alike as one: what a reader confuses compares equal."""
    return compact(folded(text)).translate(_LETTERS_ALIKE)
