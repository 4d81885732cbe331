"""Headers on their way from the search for instances to their preparation, so that none is parsed twice.

A header is handed on once, and only while the file is in the state in which it was read: size, times and number.
"""

from __future__ import annotations

import os
from collections import OrderedDict

from USDICOMizerLib.exam import Source
from USDICOMizerLib.source_header import ParsedHeader

_MOST_KEPT = 256  # of about 50 kB each
_LONGEST_KEPT = 64 * 2**10  # bytes up to the pixel data

_State = tuple[int, ...]
_kept: OrderedDict[Source, tuple[_State, ParsedHeader]] = OrderedDict()


def keep(source: Source, parsed: ParsedHeader, state: _State | None) -> None:
    """Keep a header that was read while the file was in this state; the oldest go where there are too many."""
    if state is None or parsed.pixel_data_at is None or parsed.pixel_data_at > _LONGEST_KEPT:
        return
    _kept[source] = (state, parsed)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)


def take(source: Source) -> ParsedHeader | None:
    """The header, which is the caller's alone from now on; None where none is kept, or the file isn't as it was."""
    state, parsed = _kept.pop(source, (None, None))
    return parsed if parsed is not None and state == state_of(source) else None


def state_of(source: Source) -> _State | None:
    """What changes when a file does; None for one that has gone."""
    try:
        status = os.stat(source.path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
