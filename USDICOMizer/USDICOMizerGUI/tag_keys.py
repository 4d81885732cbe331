"""Which key tags which site: letters from the vocabulary's own names, as far as they are free."""

from __future__ import annotations

from collections.abc import Iterable

from USDICOMizerLib.tags import Tag, TagVocabulary

_LETTERS = "QWERTYUIOPASDFGHJKLZXCVBNM"
_MODIFIERS = ("", "Shift+", "Ctrl+Shift+")
"""The site's letter alone tags its first side, with Shift the second, with Ctrl and Shift the third."""


def site_keys(vocabulary: TagVocabulary, reserved: Iterable[str]) -> dict[str, str]:
    """A letter for each site, as long as there are letters: the first of its name that is free, else any.

    Short names choose first: FV is F before FV-D is D. `reserved` are letters with another meaning in the panel.
    """
    taken = {letter.upper() for letter in reserved}
    keys: dict[str, str] = {}
    for site in sorted(vocabulary.sites, key=len):
        own = [letter for letter in site.upper() if letter in _LETTERS]
        letter = next((letter for letter in (*own, *_LETTERS) if letter not in taken), "")
        if letter:
            taken.add(letter)
            keys[site] = letter
    return keys


def tag_keys(vocabulary: TagVocabulary, reserved: Iterable[str]) -> dict[str, Tag]:
    """The key sequence of each site and side, as far as there are keys; and digits from 1 for the purposes."""
    keys: dict[str, Tag] = {}
    for site, letter in site_keys(vocabulary, reserved).items():
        for modifier, side in zip(_MODIFIERS, vocabulary.sides or ("",), strict=False):
            keys[modifier + letter] = Tag(site, side)
    return keys


def purpose_keys(vocabulary: TagVocabulary) -> dict[str, str]:
    """The digit of each purpose, from 1; those beyond 9 have none."""
    return {str(number): purpose for number, purpose in enumerate(vocabulary.purposes[:9], start=1)}
