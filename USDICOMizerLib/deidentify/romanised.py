"""Names of the Greek and Cyrillic scripts in Latin letters, as passports have them and as people write them.

ELOT 743 and ICAO 9303 for Greek, ICAO 9303 for Cyrillic. Every text here is in small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_CYRILLIC = dict(zip("абвгдезийклмнопрстуфыэё", "abvgdeziiklmnoprstufyee", strict=True)) | {
    **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ь": "", "ю": "iu", "я": "ia"},
    **{"і": "i", "ї": "i", "є": "ie", "ґ": "g", "ў": "u", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "ђ": "dj", "џ": "dz"},
}
_GREEK = dict(zip("αβγδεζηικλμνξοπρσςτυφωϊϋ", "avgdeziiklmnxoprsstyfoiy", strict=True)) | {"θ": "th", "χ": "ch", "ψ": "ps"}
_LETTERS = str.maketrans(_CYRILLIC | _GREEK)
_IS_THEIRS = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f]")
_DIAERESIS = "\u0308"  # says that two vowels are two
_PARTS_OF_LETTERS = _DIAERESIS + "\u0306"  # й is no accented и
_VOICED = "αβγδεζηικλμνορυω".replace("κ", "")
# What two letters are together (ELOT 743, table 2), from the start of a word on.
_TOGETHER = (
    (re.compile(rf"ου(?!{_DIAERESIS})"), "ou"),
    (re.compile(rf"αυ(?=[{_VOICED}])"), "av"),
    (re.compile(rf"ευ(?=[{_VOICED}])"), "ev"),
    (re.compile(rf"ηυ(?=[{_VOICED}])"), "iv"),
    (re.compile(rf"αυ(?!{_DIAERESIS})"), "af"),
    (re.compile(rf"ευ(?!{_DIAERESIS})"), "ef"),
    (re.compile(rf"ηυ(?!{_DIAERESIS})"), "if"),
    (re.compile("γγ"), "ng"),
    (re.compile("γξ"), "nx"),
    (re.compile("γχ"), "nch"),
    (re.compile(r"\bμπ|μπ\b"), "b"),
)
# What people write instead, each beside the standard's: the letters, and theirs.
_AS_PEOPLE_DO = (
    *(("χ", "h"), ("χ", "kh"), ("φ", "ph"), ("υ", "i"), ("υ", "u"), ("η", "e"), ("β", "b"), ("ξ", "ks"), ("γι", "y"), ("γ", "y")),
    *(
        ("μπ", "b"),
        ("μπ", "mp"),
        ("ντ", "d"),
        ("γκ", "g"),
        ("γγ", "gg"),
        ("αυ", "au"),
        ("ευ", "eu"),
        ("ου", "u"),
        ("ω", "w"),
        ("κ", "c"),
    ),
    *(("х", "h"), ("й", "y"), ("й", "j"), ("ю", "yu"), ("я", "ya"), ("ё", "yo"), ("щ", "sch"), ("ц", "c"), ("ж", "j")),
)
_IS_CYRILLIC = re.compile(r"[\u0400-\u052f]")
# What the many tables for Cyrillic letters differ in, made the same.
_ALIKE = (("x", "ks"), ("tch", "ch"), ("kh", "h"), ("w", "v"), (r"c(?!h)", "k"), (r"[iyj]+", "i"), ("ie", "e"))
_SAME = tuple((re.compile(written), common) for written, common in _ALIKE)


def romanised(text: str) -> str:
    """A text in small letters with its Greek and Cyrillic letters in Latin ones, as in a passport; without any, as it is."""
    if not _IS_THEIRS.search(text):
        return text
    letters = unicodedata.normalize("NFD", _without_accents(text))
    for together, latin in _TOGETHER:
        letters = together.sub(latin, letters)
    return unicodedata.normalize("NFC", letters).translate(_LETTERS)


def romanisations(text: str) -> Iterator[str]:
    """`romanised`, letter by letter, and with one of the liberties that people take; nothing where all is Latin."""
    if not _IS_THEIRS.search(text):
        return
    yield romanised(text)
    plain = _without_accents(text)
    yield plain.translate(_LETTERS)
    for letters, latin in _AS_PEOPLE_DO:
        if letters in plain:
            yield romanised(plain.replace(letters, latin))


def _without_accents(text: str) -> str:
    kept = (one for one in unicodedata.normalize("NFD", text) if one in _PARTS_OF_LETTERS or not unicodedata.combining(one))
    return unicodedata.normalize("NFC", "".join(kept))


def has_cyrillic(text: str) -> bool:
    """Whether any letter is a Cyrillic one."""
    return bool(_IS_CYRILLIC.search(text))


@lru_cache(maxsize=2**14)
def slavic_key(text: str) -> str:
    """What all romanisations of a Cyrillic text have in common: Юлия, Iuliia, Yulia and Julia are all "iulia".

    For comparing a name of the one script with a text of the other; within one script it would make other names alike.
    """
    key = romanised(text)
    for written, common in _SAME:
        key = written.sub(common, key)
    return key
