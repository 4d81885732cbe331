"""Searching bytes for many values in one pass, whatever their number.

Every value is 8 bytes or longer, so wherever it begins, it holds a four-byte word that starts at a multiple of four. Such
words of the data, in one case, are looked up in a hash table of the values' words, where that was a hit in a second one, and
only where both have it are the values compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength

_WORD = 4
_SHORTEST = 2 * _WORD - 1
_RUN_OF_DIGITS = re.compile(rb"[0-9.]*\Z"), re.compile(rb"[0-9.]*")
_OWN_UID_ROOT = b"2.25."
_CONTEXT = 80
_CASE_BITS = np.uint32(0x20202020)  # set in small letters
_LETTER_BITS = np.uint32(0x40404040)  # set in letters, and in no digit
_MULTIPLIERS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B))  # odd, and without a pattern: words spread over a table
_HASH_BITS = 16
_BLOCK = 2**18  # bytes at a time: they and what is made of them stay in the processor's cache
_MOST_NOT_SOUGHT = 256  # needles of other instances that may stay in the tables
# Those of PS3.3 C.12.1.1.2, and the two that computers add; what is ASCII is the same in all but the last.
_ENCODINGS = (
    *("utf-8", "latin-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "tis-620"),
    *("shift_jis", "iso2022_jp", "iso2022_jp_2", "euc_jp", "euc_kr", "gb18030", "big5"),
)
_WIDE_ENCODINGS = ("utf-16-le", "utf-16-be")
_TELLING_UID = 20  # characters from which a UID is an identifier wherever it stands; a shorter one may begin others


def scan_bytes(chunks: Iterable[bytes | memoryview], needles: Needles) -> frozenset[Kind]:
    """Search a stream of bytes for the needles of 8 characters or more; returns the kinds of what was found.

    All chunks are consumed, also after a find. A value is found in upper or lower case, with the separators of names
    written as "^" or " ", in the encodings of `_ENCODINGS`, and across chunks.
    """
    sought = frozenset(needle for needle in needles.values if needle.strength is Strength.ANYWHERE)
    search = _search_for(sought)
    found: set[Kind] = set()
    before = b""
    for chunk in chunks:
        if not sought:
            continue
        # The seam is searched with what stands on both sides of it, so that a chunk need not be copied.
        seam = before + bytes(chunk[: search.overlap + _CONTEXT])
        found.update(search.kinds_in(seam, sought))
        if len(chunk) > search.overlap + _CONTEXT:
            found.update(search.kinds_in(chunk, sought, first=_CONTEXT))
            before = bytes(chunk[-search.overlap :])
        else:
            before = seam[-search.overlap :]
    return frozenset(found)


class _Search:
    """The patterns of needles, and the tables of their words. It can hold more needles than are sought."""

    def __init__(self) -> None:
        self.needles: set[Needle] = set()
        self.overlap = 1 + _CONTEXT
        self._owners: dict[bytes, list[Needle]] = {}  # by pattern
        self._by_word: dict[bytes, list[tuple[bytes, int]]] = {}
        self._tables = [np.zeros(2**_HASH_BITS, dtype=bool) for _ in _MULTIPLIERS]

    def add(self, needles: Iterable[Needle]) -> None:
        """Hold these needles too."""
        for needle in needles:
            self.needles.add(needle)
            for pattern in _patterns_of(needle):
                self._owners.setdefault(pattern, []).append(needle)
                if len(self._owners[pattern]) == 1:
                    self._register(pattern)

    def _register(self, pattern: bytes) -> None:
        self.overlap = max(self.overlap, len(pattern) + _CONTEXT)
        for start in range(_WORD):
            word = pattern[start : start + _WORD]
            places = self._by_word.setdefault(word, [])
            places.append((pattern, start))
            if len(places) == 1:
                for table, places_of in zip(self._tables, (_rough_places, _places), strict=True):
                    table[places_of(np.frombuffer(word, "<u4"))] = True

    def kinds_in(self, data: bytes | memoryview, sought: frozenset[Needle], first: int = 0) -> Iterator[Kind]:
        """The kinds of the needles sought that begin in the data at `first` or later; one comes as often as it is met."""
        octets = np.frombuffer(data, dtype=np.uint8)[: len(data) // _WORD * _WORD]
        for begin in range(0, len(octets), _BLOCK):
            block = octets[begin : begin + _BLOCK]
            for index in self._hits(block):
                place = begin + int(index) * _WORD
                for pattern, start in self._by_word.get(bytes(data[place : place + _WORD]).lower(), ()):
                    if place - start >= first and _stands_at(data, place - start, pattern):
                        yield from (needle.kind for needle in self._owners[pattern] if needle in sought)

    def _hits(self, block: np.ndarray) -> np.ndarray:
        """The numbers of the words that both tables have."""
        values = block.view("<u4")
        first, second = self._tables
        # "wrap" spares the look at bounds: a hash is always within the table.
        words = np.flatnonzero(first.take(_rough_places(values), mode="wrap"))
        return words[second.take(_places(values.take(words)), mode="wrap")]


def _rough_places(words: np.ndarray) -> np.ndarray:
    """(n) uint32 of four bytes each -> (n) uint32, their places in the first table, which is asked for every word.

    Not only capitals become small letters: dark pixels become digits.
    """
    return _hashes(words | _CASE_BITS, _MULTIPLIERS[0])


def _places(words: np.ndarray) -> np.ndarray:
    """(n) uint32 of four bytes each -> (n) uint32, their places in the second table; of letters the case makes no difference."""
    return _hashes(words | ((words & _LETTER_BITS) >> 1), _MULTIPLIERS[1])


def _hashes(words: np.ndarray, multiplier: np.uint32) -> np.ndarray:
    """The places of words in a table of 2 ** _HASH_BITS; changes `words` to them."""
    words *= multiplier
    words >>= 32 - _HASH_BITS
    return words


_current = _Search()


def _search_for(needles: frozenset[Needle]) -> _Search:
    """A search that holds these needles: that of the instance before, to which the few of this one's own are added."""
    global _current
    if len(_current.needles | needles) > _MOST_NOT_SOUGHT + len(needles):
        _current = _Search()
    _current.add(needles - _current.needles)
    return _current


@lru_cache(maxsize=4096)
def _patterns_of(needle: Needle) -> tuple[bytes, ...]:
    """The needle as it may be written. Bytes compare in lower case, which only folds ASCII: other capitals are spelled out."""
    if _is_ramp(needle.text):
        return ()
    patterns: dict[bytes, None] = {}
    spellings = {needle.text, needle.spelled, needle.spelled.lower(), needle.spelled.upper()}
    for written in spellings | {spelling.replace(" ", "^") for spelling in spellings}:
        for encoding in (*(_ENCODINGS[:1] if written.isascii() else _ENCODINGS), *_WIDE_ENCODINGS):
            try:
                encoded = written.encode(encoding).lower()
            except UnicodeEncodeError:
                continue
            if len(encoded) > _SHORTEST:
                patterns[encoded] = None
    return tuple(patterns)


def _is_ramp(text: str) -> bool:
    """Whether the bytes rise or fall evenly, as "12345678" and the pixels of a grey scale do: a find would mean nothing."""
    return len(set(np.diff(np.frombuffer(text.encode("utf-8"), dtype=np.uint8).astype(int)))) <= 1


def _stands_at(data: bytes | memoryview, begin: int, pattern: bytes) -> bool:
    met = bytes(data[begin : begin + len(pattern)]).lower()
    return met == pattern and not _is_part_of_another_number(data, begin, pattern)


def _is_part_of_another_number(data: bytes | memoryview, begin: int, pattern: bytes) -> bool:
    """Whether a find made of digits and dots only lies inside a longer UID: a pseudonymous one, or one that it begins like."""
    if pattern.strip(b"0123456789."):
        return False
    end = begin + len(pattern)
    left, right = _RUN_OF_DIGITS
    run_begin = left.search(data, max(begin - _CONTEXT, 0), begin).start()
    run = bytes(data[run_begin : right.match(data, end, end + _CONTEXT).end()])
    is_uid = b"." in pattern
    if run.startswith(_OWN_UID_ROOT) and not pattern.startswith(_OWN_UID_ROOT):
        return True
    return is_uid and len(pattern) < _TELLING_UID and len(run.strip(b".")) > len(pattern)
