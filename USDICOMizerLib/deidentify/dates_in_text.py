"""The days that a text names, however they are written: in digits, or with the month as a word.

A text is as `spellings.folded` gives it: lower case, without accents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from USDICOMizerLib.deidentify.spellings import folded

# English, German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian and Greek; the Greek also in the genitive, as in
# a date. A word may be cut short down to the number of letters before the bar.
_MONTHS = (
    "jan|uary jan|uar jan|vier jan|eiro jan|uari ene|ro gen|naio ιαν|ουαριος ιαν|ουαριου",
    "feb|ruary feb|ruar fev|rier fev|ereiro feb|ruari feb|rero feb|braio φεβ|ρουαριος φεβ|ρουαριου",
    "mar|ch mar|z maerz| mrz| mar|s mar|zo mar|co maart| mrt| mar|ts μαρ|τιος μαρ|τιου",
    "apr|il avr|il abr|il apr|ile απρ|ιλιος απρ|ιλιου",
    "may| mai| may|o mag|gio mai|o mei| maj| μαι|ος μαι|ου μαϊ|ος",
    "jun|e jun|i juin| jun|io giu|gno jun|ho ιουν|ιος ιουν|ιου",
    "jul|y jul|i juil|let jul|io lug|lio jul|ho ιουλ|ιος ιουλ|ιου",
    "aug|ust aout| ago|sto aug|ustus aug|usti αυγ|ουστος αυγ|ουστου",
    "sep|tember sep|tembre sep|tiembre set|iembre set|tembre set|embro σεπ|τεμβριος σεπ|τεμβριου",
    "oct|ober okt|ober oct|obre oct|ubre ott|obre out|ubro okt|ober οκτ|ωβριος οκτ|ωβριου",
    "nov|ember nov|embre nov|iembre nov|embro νοε|μβριος νοε|μβριου",
    "dec|ember dez|ember dec|embre dic|iembre dic|embre dez|embro des|ember δεκ|εμβριος δεκ|εμβριου",
)


def _short_forms(word: str) -> Iterator[str]:
    shortest, _, rest = word.partition("|")
    return accumulate(rest, initial=shortest)


_NUMBER_OF_MONTH = {
    folded(form): number for number, words in enumerate(_MONTHS, start=1) for word in words.split() for form in _short_forms(word)
}
# Between the parts: nothing, separators, or "of" as people say it.
_GAP = r"(?:[\W_]|\bde\b|\bdel\b|\bof\b|\bden\b|\bthe\b){0,5}"
# Rather no ending than the a of "août", which would leave "out", October in Portuguese.
_DAY, _YEAR = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|[aoηª])??", r"(?P<y>\d{4}|\d\d)"
_MONTH = f"(?P<m>{'|'.join(sorted(_NUMBER_OF_MONTH, key=len, reverse=True))})"
_IN_WORDS = (
    re.compile(rf"(?<!\d){_DAY}{_GAP}{_MONTH}{_GAP}{_YEAR}(?!\d)"),
    re.compile(rf"(?<![^\W\d_]){_MONTH}{_GAP}{_DAY}[\W_]{{1,5}}{_YEAR}(?!\d)"),
    re.compile(rf"(?<!\d)(?P<y>\d{{4}}){_GAP}{_MONTH}{_GAP}{_DAY}(?!\d)"),
)
_NO_DIGIT_BEFORE, _NO_DIGIT_BEHIND = r"(?<![\d.])", r"(?![\d.]?\d)"
_EAST_ASIAN = "".join(map(folded, "年月년월"))
_DIVIDER = rf"(?:\s*[-/.:_–—{_EAST_ASIAN}]+\s*|\s+)"
# Between numbers, a year of four digits makes a date of what is divided in any way; one of two digits needs more.
_FULL_YEAR = (
    re.compile(rf"{_NO_DIGIT_BEFORE}(\d{{4}}){_DIVIDER}(\d{{1,2}}){_DIVIDER}(\d{{1,2}}){_NO_DIGIT_BEHIND}"),
    re.compile(rf"{_NO_DIGIT_BEFORE}(\d{{1,2}}){_DIVIDER}(\d{{1,2}}){_DIVIDER}(\d{{4}}){_NO_DIGIT_BEHIND}"),
)
_SHORT_YEAR = re.compile(rf"{_NO_DIGIT_BEFORE}(\d{{1,2}})(\s?[-/]|\.)\s?(\d{{1,2}})\2\s?(\d\d?){_NO_DIGIT_BEHIND}")
_TWO_EACH = re.compile(rf"{_NO_DIGIT_BEFORE}(\d\d)([_–—])(\d\d)\2(\d\d){_NO_DIGIT_BEHIND}")
# What is clearly a date, without one to compare it with.
_CLEARLY = re.compile(
    rf"{_NO_DIGIT_BEFORE}(?:(?:19|20)\d\d([-/.])\d{{1,2}}\1\d{{1,2}}|\d{{1,2}}([-/.])\s?\d{{1,2}}\2\s?(?:19|20)\d\d"
    rf"|\d\d([-/.])\d\d\3\d\d){_NO_DIGIT_BEHIND}"
)
_TOGETHER = re.compile(r"(?<![\d.])((?:19|20)\d\d)(\d\d)(\d\d)(?![\d.]?\d)")


@lru_cache(maxsize=2**12)  # the texts of an exam's headers are the same ones again and again
def days_in(text: str) -> frozenset[str]:
    """The days that a folded text names: eight digits (year, month, day), or six where the year is written with two.

    Where either of two numbers may be the day, both readings are given. "2.3.17" may as well be a version: with dots and a
    year of two digits, it is read as day, month and year only, in either order of the first two, unless all have two digits.
    """
    return frozenset(_in_words(text)) | frozenset(_in_digits(text))


def names_a_day(text: str) -> bool:
    """Whether a folded text seems to hold a date of our days. There is nothing to compare it with: only what is clearly one."""
    written = (*_in_words(text), *(day for found in _TOGETHER.findall(text) for day in _day(*found)))
    if any(len(day) == 8 and day[:2] in ("19", "20") for day in written):
        return True
    return any(any(_in_digits(found[0])) for found in _CLEARLY.finditer(text))


def _in_words(text: str) -> Iterator[str]:
    for pattern in _IN_WORDS:
        for found in pattern.finditer(text):
            yield from _day(found["y"], str(_NUMBER_OF_MONTH[found["m"]]), found["d"])


def _in_digits(text: str) -> Iterator[str]:
    for written in _TOGETHER.findall(text):
        yield from _day(*written)
    year_first, year_last = _FULL_YEAR
    for year, month, day in year_first.findall(text):
        yield from _day(year, month, day)
    for first, second, year in year_last.findall(text):
        yield from (*_day(year, second, first), *_day(year, first, second))
    for first, divider, second, third in (*_SHORT_YEAR.findall(text), *_TWO_EACH.findall(text)):
        readings = [(third, second, first), (third, first, second)]
        if divider != "." or len(first) == len(second) == len(third) == 2:
            readings.append((first, second, third))
        for year, month, day in readings:
            if len(year) == 2:
                yield from _day(year, month, day)


def _day(year: str, month: str, day: str) -> Iterator[str]:
    if len(day) <= 2 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
        yield f"{int(year):0{len(year)}d}{int(month):02d}{int(day):02d}"
