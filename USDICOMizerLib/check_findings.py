"""What a check of an export finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a finding is about."""

    RESIDUE = "residue"
    CONFORMANCE = "conformance"
    COUNTS = "counts"


@dataclass(frozen=True)
class CheckFinding:
    """One thing wrong with an export: in which file, of what kind, and in words. Never holds the value found."""

    file: str
    kind: Kind
    message: str
