"""dataset.json: all exports of a cohort as one list for training, divided by subject into training, validation and test.

The file is a MONAI data list: {"training": [{"image": ..., "label": ...}, ...], "validation": [...], "test": [...]}, and
each list is a table for pandas. `image` is the ZIP and its member, "exports/S-1_E-2.zip!S-1/E-2/001_CFV-L.dcm".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from USDICOMizerLib.archive import ManifestRow
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exports import ExportedExam
from USDICOMizerLib.tags import Tag

MEMBER_MARK = "!"
_RATIOS = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3})")


class Split(StrEnum):
    """The parts of a data set, as MONAI names them."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"


class Label(StrEnum):
    """What an instance is labelled with."""

    SITE = "site"
    SIDE = "side"
    PURPOSE = "purpose"
    TAG = "tag"


@dataclass(frozen=True)
class SplitChoice:
    """How subjects are divided: `ratios` in per cent, in the order of `Split`; the same seed divides alike."""

    ratios: tuple[int, int, int] = (70, 15, 15)
    seed: int = 0

    @classmethod
    def parse(cls, ratios: str, seed: int = 0) -> SplitChoice:
        """Read "70,15,15". Raises ValueError where that isn't three whole numbers that make 100."""
        read = _RATIOS.fullmatch(ratios.replace(" ", ""))
        parts = tuple(map(int, read.groups())) if read else ()
        if sum(parts) != 100:
            raise ValueError(f"{ratios!r} isn't three whole numbers that make 100, such as 70,15,15 (training, validation, test)")
        return cls(parts, seed)


def make_dataset(
    exams: Sequence[ExportedExam], folder: Path, choice: SplitChoice, label: Label, previous: Mapping[str, Split]
) -> dict:
    """The content of dataset.json; paths are relative to `folder`, the one that it will lie in.

    `previous` has the part that each subject of earlier data sets belongs to, where it stays. That of a subject whose
    exports aren't there now is carried on: were it forgotten, who comes back could change from training to test.
    """
    splits = divide(_features(exams), choice, previous)
    names = sorted({name for exam in exams for row in exam.rows if (name := _label(row, label))})
    items: dict[Split, list[dict]] = {split: [] for split in Split}
    for exam in exams:
        for row in exam.rows:
            items[splits[exam.subject]].append(_item(exam, row, folder, _label(row, label), names))
    return {
        "name": "ultrasound exams prepared by USDICOMizer",
        "modality": {"0": "US"},
        "labels": {str(number): name for number, name in enumerate(names)},
        "label_is": label.value,
        "seed": choice.seed,
        "ratios": list(choice.ratios),
        "subjects": {subject: split.value for subject, split in sorted(splits.items())},
        "absent_subjects": {subject: split.value for subject, split in sorted(previous.items()) if subject not in splits},
        **{f"num{split.value.capitalize()}": len(found) for split, found in items.items()},
        **{split.value: sorted(found, key=lambda item: item["image"]) for split, found in items.items()},
    }


def _item(exam: ExportedExam, row: ManifestRow, folder: Path, label: str, names: Sequence[str]) -> dict:
    return {
        "image": f"{_relative(exam.path, folder)}{MEMBER_MARK}{row.file}",
        "label": names.index(label) if label else None,
        "subject": exam.subject,
        "exam": exam.exam,
        "site": row.site,
        "side": row.side,
        "purpose": row.purpose,
        "frames": row.frames,
        "rows": row.rows,
        "columns": row.columns,
        "frame_time": float(row.frame_time) if row.frame_time else None,
        "manufacturer": row.manufacturer,
        "model": row.model,
        "reviewed": row.reviewed == "yes",
    }


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return path.resolve().as_posix()


def _label(row: ManifestRow, label: Label) -> str:
    return str(Tag(row.site, row.side, row.purpose)) if label is Label.TAG and row.site else getattr(row, label.value, "")


def _features(exams: Iterable[ExportedExam]) -> dict[str, frozenset[str]]:
    """What the parts should have alike, for each subject: its devices, and the sites that were looked at."""
    features: dict[str, set[str]] = {}
    for exam in exams:
        found = features.setdefault(exam.subject, set())
        for row in exam.rows:
            found.add(f"device {row.manufacturer} {row.model}")
            found.add(f"site {row.site}")
    return {subject: frozenset(found) for subject, found in features.items()}


def divide(
    features: Mapping[str, frozenset[str]], choice: SplitChoice, previous: Mapping[str, Split] | None = None
) -> dict[str, Split]:
    """The part of each subject: as many subjects with each feature as the ratios say, as near as whole people allow.

    Iterative stratification (Sechidis et al. 2011): subjects with the rarest feature first, each to the part that lacks
    most of it. Among equals a digest of seed and subject decides, so neither the order of the input nor chance does.
    """
    shares = {split: ratio / 100 for split, ratio in zip(Split, choice.ratios, strict=True)}
    splits = {subject: split for subject, split in (previous or {}).items() if subject in features}
    counts = Counter(feature for found in features.values() for feature in found)
    wanted = {(split, feature): share * counts[feature] for split, share in shares.items() for feature in counts}
    room = {split: share * len(features) for split, share in shares.items()}

    def place(subject: str, split: Split) -> None:
        splits[subject] = split
        room[split] -= 1
        for feature in features[subject]:
            wanted[split, feature] -= 1

    for subject, split in list(splits.items()):
        place(subject, split)
    waiting = sorted(features.keys() - splits.keys(), key=lambda subject: _draw(choice.seed, subject))
    while waiting:
        left = Counter(feature for subject in waiting for feature in features[subject])
        rarest = min(left, key=lambda feature: (left[feature], feature))
        for subject in [one for one in waiting if rarest in features[one]]:
            place(subject, max(shares, key=lambda split: (wanted[split, rarest], room[split], shares[split])))
        waiting = [subject for subject in waiting if subject not in splits]
    return splits


def _draw(seed: int, subject: str) -> str:
    return hashlib.sha256(f"usdicomizer split {seed} {subject}".encode()).hexdigest()


def read_previous(path: Path) -> dict[str, Split]:
    """The part of each subject that an earlier dataset.json knows, also of those that weren't in it themselves.

    Raises CommandError where that can't be read.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = [*said.get("absent_subjects", {}).items(), *said["subjects"].items()]
        return {str(subject): Split(split) for subject, split in known}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{path} is no dataset.json of this program ({type(error).__name__}).") from error
