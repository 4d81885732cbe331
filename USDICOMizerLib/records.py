"""Many records in little time and room: as dictionaries of their fields, and with one object for equal values.

dataclasses.asdict copies all that is in a record, at any depth: of what a run says of so many instances, that took half of
the time of the process that divides the work.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

Shared = TypeVar("Shared", bound=Hashable)


def shallow(record: object) -> dict[str, object]:
    """The fields of a dataclass by name, what they hold as it is. Raises TypeError for anything else."""
    return {name: getattr(record, name) for name in _names(type(record))}


def as_json(value: object) -> str:
    """A value as JSON; dataclasses in it, at any depth, as objects of their fields. Raises what json.dumps raises."""
    return json.dumps(value, default=shallow)


class Sharing:
    """Keeps one object for equal values: what comes from files and other processes is made anew for each record."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Any] = {}

    def one(self, value: Shared) -> Shared:
        """The first value that was equal to this one, which can be hashed."""
        return self._held.setdefault(value, value)

    def one_mapping(self, value: Mapping) -> Mapping:
        """The first mapping that was equal to this one, in the same order, whose values can be hashed."""
        return self._held.setdefault((Mapping, tuple(value.items())), value)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
