"""What can be asked for, and what is answered: actions, answers, and the rules that the settings and the command give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from USDICOMizerLib.deidentify.content_items import Concept
from USDICOMizerLib.deidentify.options import Option

DEFAULT_DATE_SHIFT = (-3650, -30)
"""Days by which dates are moved under the Modified Dates option: into the past, by a month at least and ten years at most."""


class Action(StrEnum):
    """What is done with an element."""

    KEEP = "kept"  # a sequence is entered, and each nested element answered for by itself
    CLEAN = "cleaned"  # text stays where every word is known; a sequence is entered, its text and codes cleaned as well
    SHIFT = "shifted"  # a date, by the subject's number of days
    REMOVE = "removed"
    REMOVE_ITEM = "item removed"  # the sequence item that holds it goes, as it would be invalid without it
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    UID = "replaced by a pseudonymous UID"
    WRITE = "written by this program"


@dataclass(frozen=True)
class Answer:
    """What is done with an element, the row or rule that says so, and why, in words that hold no value.

    `option` is the option of PS3.15 that it is due to, if any; `otherwise` is what is done with a value that can't be
    cleaned, shifted or trusted.
    """

    action: Action
    rule: str
    why: str
    option: Option | None = None
    otherwise: Action = Action.REMOVE


@dataclass(frozen=True)
class SafePrivate:
    """A private element that its vendor, or the user, knows to be safe: creator, group, and the last byte of its number."""

    creator: str
    group: int
    element: int


@dataclass(frozen=True)
class Rules:
    """What the settings and the command add to the Basic Profile; an attribute in both lists is deleted.

    `allowed_words` are in the form of `words.word_form`, beside those of ultrasound; `date_shift_days` is the least and the
    greatest number of days by which the Modified Dates option moves dates.
    """

    attributes_to_delete: Sequence[int] = ()
    attributes_to_keep: Sequence[int] = ()
    options: tuple[Option, ...] = ()
    safe_private: tuple[SafePrivate, ...] = ()
    allowed_words: tuple[str, ...] = ()
    date_shift_days: tuple[int, int] = DEFAULT_DATE_SHIFT

    def __post_init__(self) -> None:
        """Hold tuples, so that answers can be remembered by the rules."""
        object.__setattr__(self, "attributes_to_delete", tuple(self.attributes_to_delete))
        object.__setattr__(self, "attributes_to_keep", tuple(self.attributes_to_keep))


@dataclass(frozen=True)
class Surroundings:
    """What must be known about where an element stands, beside its path.

    `creator` is the private creator of its block; `concept` what the content item that holds it is about.
    """

    creator: str = ""
    concept: Concept | None = None
