"""The options of PS3.15 Annex E.3: their names, the codes that claim them, and which can be chosen together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum


class Option(StrEnum):
    """An option that can be added to the Basic Profile, as the settings and the command line write it."""

    CLEAN_PIXEL_DATA = "clean-pixel-data"
    CLEAN_GRAPHICS = "clean-graphics"
    CLEAN_STRUCTURED_CONTENT = "clean-structured-content"
    CLEAN_DESCRIPTORS = "clean-descriptors"
    FULL_DATES = "retain-longitudinal-full-dates"
    MODIFIED_DATES = "retain-longitudinal-modified-dates"
    PATIENT_CHARACTERISTICS = "retain-patient-characteristics"
    DEVICE_IDENTITY = "retain-device-identity"
    UIDS = "retain-uids"
    SAFE_PRIVATE = "retain-safe-private"
    INSTITUTION_IDENTITY = "retain-institution-identity"

    @property
    def column(self) -> str:
        """The option's name among the columns of Table E.1-1 and Table E.3.4-1."""
        return self.value.replace("-", "_")

    @property
    def code(self) -> str:
        """The code of CID 7050 (PS3.16) by which an instance says that the option was applied to it."""
        return _CODES[self]


_CODES = {
    Option.CLEAN_PIXEL_DATA: "113101",
    Option.CLEAN_GRAPHICS: "113103",
    Option.CLEAN_STRUCTURED_CONTENT: "113104",
    Option.CLEAN_DESCRIPTORS: "113105",
    Option.FULL_DATES: "113106",
    Option.MODIFIED_DATES: "113107",
    Option.PATIENT_CHARACTERISTICS: "113108",
    Option.DEVICE_IDENTITY: "113109",
    Option.UIDS: "113110",
    Option.SAFE_PRIVATE: "113111",
    Option.INSTITUTION_IDENTITY: "113112",
}

KEPT_DATES = {"full": Option.FULL_DATES, "modified": Option.MODIFIED_DATES}
"""The two ways to keep dates, by the short name of --keep-dates."""

_NOT_APPLICABLE = {
    "clean-recognizable-visual-features": "it is about faces that a rendering of a head shows; the ultrasound images that are "
    "prepared here hold no volume to render one from",
}


def options_named(names: Iterable[str]) -> tuple[Option, ...]:
    """The options of these names, each once, in the order of the standard.

    Raises ValueError for a name that is none, for one that doesn't apply to ultrasound, and for both ways to keep dates.
    """
    chosen = set()
    for name in names:
        written = name.strip().casefold().replace("_", "-")
        if written in _NOT_APPLICABLE:
            raise ValueError(f"{written} doesn't apply to ultrasound: {_NOT_APPLICABLE[written]}. Take it out")
        if written not in list(Option):
            close = get_close_matches(written, list(Option), n=1, cutoff=0.6)
            meant = f"did you mean {close[0]}?" if close else f"the options are {', '.join(Option)}"
            raise ValueError(f"{name.strip()!r} is not an option of the profile; {meant}")
        if Option(written) in chosen:
            raise ValueError(f"{written} is named twice")
        chosen.add(Option(written))
    if chosen.issuperset(KEPT_DATES.values()):
        raise ValueError(f"dates are either kept or shifted: take out {Option.FULL_DATES} or {Option.MODIFIED_DATES}")
    return in_order(chosen)


def in_order(options: Iterable[Option]) -> tuple[Option, ...]:
    """The options in the order of the standard, so that the same choice always reads the same."""
    chosen = set(options)
    return tuple(option for option in Option if option in chosen)


def with_kept_dates(options: Sequence[Option], how: str) -> tuple[Option, ...]:
    """The options with the way to keep dates changed to "full" or "modified"."""
    return in_order([option for option in options if option not in KEPT_DATES.values()] + [KEPT_DATES[how]])


def options_claimed(codes: Iterable[str]) -> tuple[Option, ...]:
    """The options that the codes of a De-identification Method Code Sequence claim."""
    claimed = set(codes)
    return tuple(option for option in Option if option.code in claimed)
