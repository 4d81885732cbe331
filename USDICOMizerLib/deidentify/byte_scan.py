"""Searching bytes for many values in one pass, whatever their number.

Every value is 8 bytes or longer, so wherever it begins, it holds a four-byte word that starts at a multiple of four. The
words of the data are looked up in a table of the values' words; only where one is met are the values compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength

_WORD = 4
_SHORTEST = 2 * _WORD - 1
_LOWER_CASE = 0x20202020
_RUN_OF_DIGITS = re.compile(rb"[0-9.]*\Z"), re.compile(rb"[0-9.]*")
_OWN_UID_ROOT = b"2.25."
_CONTEXT = 80
_BLOCK = 2**15  # words at a time: they and what is made of them stay in the processor's cache
# Those of PS3.3 C.12.1.1.2, and the two that computers add; what is ASCII is the same in all but the last.
_ENCODINGS = (
    *("utf-8", "latin-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "tis-620"),
    *("shift_jis", "iso2022_jp", "iso2022_jp_2", "euc_jp", "euc_kr", "gb18030", "big5"),
)
_WIDE_ENCODINGS = ("utf-16-le", "utf-16-be")
_TELLING_UID = 20  # characters from which a UID is an identifier wherever it stands; a shorter one may begin others


def scan_bytes(chunks: Iterable[bytes], needles: Needles) -> frozenset[Kind]:
    """Search a stream of bytes for the needles of 8 characters or more; returns the kinds of what was found.

    All chunks are consumed, also after a find. A value is found in upper or lower case, with the separators of names
    written as "^" or " ", in the encodings of `_ENCODINGS`, and across chunks.
    """
    search = _search_for(needles.values)
    found: set[Kind] = set()
    before = b""
    for chunk in chunks:
        if search.patterns:
            data = before + bytes(chunk)
            found.update(search.kinds_in(data))
            before = data[-search.overlap :]
    return frozenset(found)


class _Search:
    """The patterns of one set of needles, and the table of their words."""

    def __init__(self, values: frozenset[Needle]):
        self.patterns: dict[bytes, Kind] = {}
        for needle in sorted(values, key=lambda value: (value.text, value.spelled, value.kind)):
            if needle.strength is Strength.ANYWHERE and not _is_ramp(needle.text):
                self.patterns.update((pattern, needle.kind) for pattern in _patterns_of(needle))
        self.overlap = max(map(len, self.patterns), default=1) + _CONTEXT
        self._words = np.zeros(2**16, dtype=bool)
        self._by_word: dict[int, list[tuple[bytes, int]]] = {}
        for pattern in self.patterns:
            for start in range(_WORD):
                word = int.from_bytes(pattern[start : start + _WORD], "little") | _LOWER_CASE
                self._words[_hashed(np.array([word], dtype=np.uint32))] = True
                self._by_word.setdefault(word, []).append((pattern, start))

    def kinds_in(self, data: bytes) -> Iterator[Kind]:
        """The kinds of the needles that are in the data; one comes as often as it is met."""
        words = np.frombuffer(data, dtype="<u4", count=len(data) // _WORD)
        for first in range(0, len(words), _BLOCK):
            block = words[first : first + _BLOCK] | np.uint32(_LOWER_CASE)
            for index in np.flatnonzero(self._words[_hashed(block)]):
                for pattern, start in self._by_word.get(int(block[index]), ()):
                    begin = (first + int(index)) * _WORD - start
                    if begin >= 0 and _stands_at(data, begin, pattern):
                        yield self.patterns[pattern]


@lru_cache(maxsize=4)
def _search_for(values: frozenset[Needle]) -> _Search:
    return _Search(values)


def _hashed(words: np.ndarray) -> np.ndarray:
    return (words ^ (words >> np.uint32(15))) & np.uint32(0xFFFF)


def _patterns_of(needle: Needle) -> Iterator[bytes]:
    """The needle as it may be written. Bytes compare in lower case, which only folds ASCII: other capitals are spelled out."""
    spellings = {needle.text, needle.spelled, needle.spelled.lower(), needle.spelled.upper()}
    for written in spellings | {spelling.replace(" ", "^") for spelling in spellings}:
        for encoding in (*(_ENCODINGS[:1] if written.isascii() else _ENCODINGS), *_WIDE_ENCODINGS):
            try:
                encoded = written.encode(encoding).lower()
            except UnicodeEncodeError:
                continue
            if len(encoded) > _SHORTEST:
                yield encoded


def _is_ramp(text: str) -> bool:
    """Whether the bytes rise or fall evenly, as "12345678" and the pixels of a grey scale do: a find would mean nothing."""
    return len(set(np.diff(np.frombuffer(text.encode("utf-8"), dtype=np.uint8).astype(int)))) <= 1


def _stands_at(data: bytes, begin: int, pattern: bytes) -> bool:
    met = data[begin : begin + len(pattern)].lower()
    return met == pattern and not _is_part_of_another_number(data, begin, pattern)


def _is_part_of_another_number(data: bytes, begin: int, pattern: bytes) -> bool:
    """Whether a find made of digits and dots only lies inside a longer UID: a pseudonymous one, or one that it begins like."""
    if pattern.strip(b"0123456789."):
        return False
    end = begin + len(pattern)
    left, right = _RUN_OF_DIGITS
    run_begin = left.search(data, max(begin - _CONTEXT, 0), begin).start()
    run = data[run_begin : right.match(data, end, end + _CONTEXT).end()]
    is_uid = b"." in pattern
    if run.startswith(_OWN_UID_ROOT) and not pattern.startswith(_OWN_UID_ROOT):
        return True
    return is_uid and len(pattern) < _TELLING_UID and len(run.strip(b".")) > len(pattern)
