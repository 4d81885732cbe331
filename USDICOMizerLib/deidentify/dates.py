"""Dates shifted by whole days: DA, and the date of DT (PS3.5 6.2). Times of day stay as they are.

A date that names no day of the calendar can't be shifted, and one that is no date may hide anything: both are no date here.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_CLOCK = r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?"
_TIME = re.compile(_CLOCK, re.ASCII)
_DATE_OR_DATETIME = {
    "DA": re.compile(r"(\d{4})(\d\d)(\d\d)()()", re.ASCII),
    "DT": re.compile(rf"(\d{{4}})(\d\d)(\d\d)({_CLOCK})?([+-](?:0\d|1[0-4])[0-5]\d)?", re.ASCII),
}


def is_valid(vr: str, text: str) -> bool:
    """Whether a value of VR DA, DT or TM is a day of the calendar, with a time of day where it has one."""
    if vr == "TM":
        return bool(_TIME.fullmatch(text.rstrip(" \0")))
    return shifted(vr, text, 0) is not None


def shifted(vr: str, text: str, days: int) -> str | None:
    """A DA or DT value that many days later; None where it names no day, or the new one is before year 1 or after 9999.

    The offset from UTC at the end of a DT goes, unless nothing is shifted: summer time would tell the season.
    """
    written = _DATE_OR_DATETIME[vr].fullmatch(text.rstrip(" \0"))
    if not written:
        return None
    year, month, day, time, offset = written.groups(default="")
    try:
        new = date(int(year), int(month), int(day)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{new.year:04d}{new.month:02d}{new.day:02d}{time}{'' if days else offset}"
