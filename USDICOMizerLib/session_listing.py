"""How a session lists its instances: exam by exam, each exam as the user has it; and which of them a decision is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from USDICOMizerLib.exam import Instance


class Scope(StrEnum):
    """Which instances a decision is applied to, seen from one of them."""

    THIS = "this"
    SELECTED = "selected"
    SAME_DEVICE_AND_SIZE = "same device and size"
    ALL = "all"


def kept_together(identities: Iterable[str], instances: Mapping[str, Instance]) -> tuple[str, ...]:
    """The identities, each once; exams as they are first met, and the instances of each behind each other."""
    return tuple(identity for members in _by_exam(identities, instances).values() for identity in members)


def moved(identities: Iterable[str], instances: Mapping[str, Instance], which: set[str], by: int) -> tuple[str, ...]:
    """The identities with some of them as many places further down (up, where negative), each as far as its exam goes."""
    exams = _by_exam(identities, instances)
    return tuple(identity for members in exams.values() for identity in _moved(list(members), which, by))


def placed(identities: Iterable[str], instances: Mapping[str, Instance], which: set[str], before: str | None) -> tuple[str, ...]:
    """The identities with some of them together before another one of their exam; at its end where that is None.

    Those of other exams stay where they are.
    """
    exams = _by_exam(identities, instances)
    target = instances[before].study_uid if before else None
    return tuple(
        identity
        for study, members in exams.items()
        for identity in (_placed(list(members), which, before) if target in (None, study) else members)
    )


def numbered(identities: Iterable[str], instances: Mapping[str, Instance]) -> dict[str, int]:
    """The place of each in its exam, from 1."""
    exams = _by_exam(identities, instances).values()
    return {identity: number for members in exams for number, identity in enumerate(members, start=1)}


def _by_exam(identities: Iterable[str], instances: Mapping[str, Instance]) -> dict[str, dict[str, None]]:
    exams: dict[str, dict[str, None]] = {}
    for identity in identities:
        exams.setdefault(instances[identity].study_uid, {})[identity] = None
    return exams


def _moved(members: list[str], which: set[str], by: int) -> list[str]:
    step = 1 if by > 0 else -1
    for _ in range(min(abs(by), len(members))):
        places = range(len(members) - 2, -1, -1) if step > 0 else range(1, len(members))
        for at in places:
            if members[at] in which and members[at + step] not in which:
                members[at], members[at + step] = members[at + step], members[at]
    return members


def _placed(members: list[str], which: set[str], before: str | None) -> Sequence[str]:
    own = [identity for identity in members if identity in which]
    if before in which:  # dropped on one of themselves: they gather before the next that isn't
        following = [identity for identity in members[members.index(before) :] if identity not in which]
        before = following[0] if following else None
    rest = [identity for identity in members if identity not in which]
    at = rest.index(before) if before else len(rest)
    return [*rest[:at], *own, *rest[at:]]
