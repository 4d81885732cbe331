"""The audit log of the linkage folder: who prepared what, when, with which settings and key, and how it ended.

It holds numbers and pseudonyms only; sources.csv beside it tells which file each number stands for.
"""

from __future__ import annotations

import getpass
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from USDICOMizerLib import __version__


@dataclass(frozen=True)
class AuditedInstance:
    """What became of one instance: `actions` counts its header's elements by what was done with them."""

    number: int
    outcome: str
    reason: str
    actions: Mapping[str, int]
    pixels: str = ""  # how they went from source to export, in words
    box: str = ""  # the crop box as it was cut
    reviewed: bool = False
    text: str = ""  # what was found in the picture, in words that hold none of it; "" where text was not looked for


@dataclass(frozen=True)
class AuditRecord:
    """One line of audit.jsonl: one exam of one run, written before its export appears.

    An export that could not be finished after its line was written has a second line, which says so in `error`.
    """

    when: str  # UTC, ISO 8601
    who: str
    version: str
    settings: str  # a digest: equal where the same settings and options were in force
    key: str  # the fingerprint of the project key
    exam: str
    subject: str
    export: str
    outcomes: Mapping[str, int]
    instances: Sequence[AuditedInstance]
    error: str = ""


def audit_record(
    *, settings: str, key: str, exam: str, subject: str, export: str, instances: Sequence[AuditedInstance], error: str = ""
) -> AuditRecord:
    """The record of an exam that ends now, prepared by the user of this process."""
    return AuditRecord(
        when=datetime.now(UTC).isoformat(timespec="milliseconds"),
        who=_who(),
        version=__version__,
        settings=settings,
        key=key,
        exam=exam,
        subject=subject,
        export=export,
        outcomes=dict(Counter(instance.outcome for instance in instances)),
        instances=tuple(instances),
        error=error,
    )


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a process whose user the system doesn't know, as in some containers
        user = "unknown"
    return f"{user}@{platform.node()}"
