"""Where the first pixel lies in the patient or the volume, after a crop: top level and functional groups.

Image Position is that of the first pixel's centre (PS3.3 C.7.6.2.1.1). What can't be moved for certain goes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from USDICOMizerLib.geometry import CropBox

_LONGEST_DS = 16
_GROUPS = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
# Position and orientation macros (PS3.3 C.7.6.16.2.3, .4, .21, .22): sequence and attribute of each.
_PLANES = (
    ("PlanePositionSequence", "ImagePositionPatient", "PlaneOrientationSequence", "ImageOrientationPatient"),
    ("PlanePositionVolumeSequence", "ImagePositionVolume", "PlaneOrientationVolumeSequence", "ImageOrientationVolume"),
)


def move_planes(dataset: Dataset, box: CropBox) -> None:
    """Make every position that belongs to the first pixel that of the box's first pixel, in place."""
    if "ImagePositionPatient" in dataset:
        moved = _moved(dataset, "ImagePositionPatient", dataset, "ImageOrientationPatient", dataset, box)
        if moved is None:
            _remove(dataset, ("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation"))
        else:
            dataset.ImagePositionPatient = moved
    shared = next(iter(_items(dataset, _GROUPS[0])), Dataset())
    for group in [*_items(dataset, _GROUPS[0]), *_items(dataset, _GROUPS[1])]:
        _remove(group, ("FrameDisplayShutterSequence",))  # its edges count from the old corner
        for position, attribute, orientation, directions in _PLANES:
            if not (place := _only(group, position)):
                continue
            orientation_item = _only(group, orientation) or _only(shared, orientation) or Dataset()
            measures = _only(group, "PixelMeasuresSequence") or _only(shared, "PixelMeasuresSequence") or Dataset()
            moved = _moved(place, attribute, orientation_item, directions, measures, box)
            if moved is None:
                _remove(group, (position,))
            else:
                setattr(place, attribute, moved)


def keep_groups_of_frames(dataset: Dataset, frames: int) -> None:
    """Per-frame functional groups as many as frames; without a group for each frame, none can be trusted."""
    groups = _items(dataset, _GROUPS[1])
    if len(groups) > frames:
        dataset.PerFrameFunctionalGroupsSequence = list(groups)[:frames]
    elif len(groups) < frames:
        _remove(dataset, (_GROUPS[1],))


def _moved(place: Dataset, position: str, orientation: Dataset, directions: str, measures: Dataset, box: CropBox) -> list | None:
    start = numbers(place.get(position), 3)
    if start is not None and box.left == box.top == 0:
        return list(place[position].value)  # the first pixel is the one that it was
    axes = numbers(orientation.get(directions), 6)
    spacing = numbers(measures.get("PixelSpacing"), 2)
    if start is None or axes is None or spacing is None:
        return None
    moved = start + box.left * spacing[1] * axes[:3] + box.top * spacing[0] * axes[3:]
    decimal = place[position].VR == "DS"
    return [_decimal(value) if decimal else float(value) for value in moved]


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    return list(dataset.get(keyword) or ())


def _only(dataset: Dataset, keyword: str) -> Dataset | None:
    return next(iter(_items(dataset, keyword)), None)


def _remove(dataset: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword in dataset:
            del dataset[keyword]


def numbers(value: object, count: int) -> np.ndarray | None:
    """The values as so many finite numbers; None where they are not that."""
    try:
        read = np.array([float(one) for one in value]) if isinstance(value, MultiValue | list) else None
    except (TypeError, ValueError):
        return None
    return read if read is not None and read.shape == (count,) and np.isfinite(read).all() else None


def _decimal(number: float) -> str:
    """A decimal string of 16 characters at most (PS3.5 6.2)."""
    digits = 12
    while len(text := f"{number:.{digits}g}") > _LONGEST_DS:
        digits -= 1
    return text
