"""Searching bytes for many values in one pass, whatever their number.

Every value is 8 bytes or longer, so wherever it begins, it holds a four-byte word that starts at a multiple of four. The
first halves of the data's words are looked up in a table of the values' words, the second halves where that was a hit;
only where both are met are the values compared.
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
_BLOCK = 2**17  # half words at a time: they and what is made of them stay in the processor's cache
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
    search = _search_for(needles.values)
    found: set[Kind] = set()
    before = b""
    for chunk in chunks:
        if not search.patterns:
            continue
        # The seam is searched with what stands on both sides of it, so that a chunk need not be copied.
        seam = before + bytes(chunk[: search.overlap + _CONTEXT])
        found.update(search.kinds_in(seam))
        if len(chunk) > search.overlap + _CONTEXT:
            found.update(search.kinds_in(chunk, first=_CONTEXT))
            before = bytes(chunk[-search.overlap :])
        else:
            before = seam[-search.overlap :]
    return frozenset(found)


class _Search:
    """The patterns of one set of needles, and the tables of the halves of their words."""

    def __init__(self, values: frozenset[Needle]):
        self.patterns: dict[bytes, Kind] = {}
        for needle in sorted(values, key=lambda value: (value.text, value.spelled, value.kind)):
            if needle.strength is Strength.ANYWHERE:
                self.patterns.update((pattern, needle.kind) for pattern in _patterns_of(needle))
        self.overlap = max(map(len, self.patterns), default=1) + _CONTEXT
        self._first, self._second = np.zeros(2**16, dtype=bool), np.zeros(2**16, dtype=bool)
        self._by_word: dict[bytes, list[tuple[bytes, int]]] = {}
        for pattern in self.patterns:
            for start in range(_WORD):
                word = pattern[start : start + _WORD]
                self._by_word.setdefault(word, []).append((pattern, start))
        for word in self._by_word:
            self._first[list(_capitalizations(word[:2]))] = True
            self._second[list(_capitalizations(word[2:]))] = True

    def kinds_in(self, data: bytes | memoryview, first: int = 0) -> Iterator[Kind]:
        """The kinds of the needles that begin in the data at `first` or later; one comes as often as it is met."""
        halves = np.frombuffer(data, dtype=np.uint8)[: len(data) // _WORD * _WORD].view("<u2")
        for begin in range(0, len(halves), _BLOCK):
            block = halves[begin : begin + _BLOCK].reshape(-1, 2)
            # "wrap" spares the look at bounds: a half word is always within the table.
            hits = np.flatnonzero(self._first.take(block[:, 0], mode="wrap"))
            for index in hits[self._second.take(block[hits, 1], mode="wrap")]:
                place = begin * 2 + int(index) * _WORD
                for pattern, start in self._by_word.get(bytes(data[place : place + _WORD]).lower(), ()):
                    if place - start >= first and _stands_at(data, place - start, pattern):
                        yield self.patterns[pattern]


@lru_cache(maxsize=4)
def _search_for(values: frozenset[Needle]) -> _Search:
    return _Search(values)


@lru_cache(maxsize=2**16)
def _capitalizations(half: bytes) -> tuple[int, ...]:
    """The numbers that two bytes are as they stand, little-endian, in whatever case each is a letter."""
    return tuple({low | high << 8 for low in half[:1] + half[:1].upper() for high in half[1:] + half[1:].upper()})


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
