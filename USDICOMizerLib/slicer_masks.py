"""Sectors as the JSON files that SlicerUltrasound's modules keep beside an image: one file an instance.

Its keys: SOPInstanceUID; mask_type fan or rectangle (a fan where it is missing); image_size_rows, image_size_cols; of a fan
center_rows_px, center_cols_px, radius1, radius2 in pixels and angle1, angle2 in degrees clockwise from the right; of a
rectangle rectangle_left, _right, _top, _bottom. Positions there are numbers of pixels, whose middle is half a pixel further
in the coordinates of geometry.py; readers take whole numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.files import make_private_folder, written_whole
from USDICOMizerLib.geometry import CropBox, Fan, RectangleSector, Sector

_LARGEST_FILE = 16 * 2**20


@dataclass(frozen=True)
class SlicerMask:
    """A sector of one instance, for images of a size (columns, rows); None where the file doesn't say."""

    sop_instance_uid: str
    sector: Sector
    size: tuple[int, int] | None


def read_masks(folder: Path) -> list[SlicerMask]:
    """The masks of all JSON files in a folder and below; files that hold no mask are passed over.

    Raises CommandError where there is no mask at all, or one is wrong: it names the file.
    """
    if not folder.is_dir():
        raise CommandError("The folder of --sectors-from doesn't exist. Name the one where SlicerUltrasound put its JSON files.")
    masks = []
    for path in sorted(folder.rglob("*.json")):
        try:
            if path.stat().st_size > _LARGEST_FILE:
                continue
            values = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(values, dict) and ("mask_type" in values or "radius2" in values):
            try:
                masks.append(mask_from_json(values))
            except (KeyError, TypeError, ValueError) as error:
                missing = f"{error.args[0]} is missing" if isinstance(error, KeyError) else "a number is wrong"
                raise CommandError(f"The mask in {path.name} can't be used: {missing}. Mend the file, or take it out.") from None
    if not masks:
        raise CommandError("The folder of --sectors-from holds no JSON file with a mask (key mask_type).")
    return masks


def mask_from_json(values: Mapping[str, object]) -> SlicerMask:
    """One file's mask. Raises KeyError, TypeError or ValueError where it is incomplete or wrong."""
    size = None
    if "image_size_rows" in values and "image_size_cols" in values:
        size = int(values["image_size_cols"]), int(values["image_size_rows"])
    kind = str(values.get("mask_type", "fan"))
    if kind == "rectangle":
        edges = (int(round(float(values[f"rectangle_{side}"]))) for side in ("left", "top", "right", "bottom"))
        # Its tools disagree whether the last pixel is included; the smaller reading lets nothing out.
        sector: Sector = RectangleSector(CropBox(*edges))
    elif kind == "fan":
        angles = sorted((float(values["angle1"]), float(values["angle2"])))
        radii = sorted((float(values["radius1"]), float(values["radius2"])))
        middle = float(values["center_cols_px"]) + 0.5, float(values["center_rows_px"]) + 0.5
        sector = Fan(*middle, *radii, *angles)
    else:
        raise ValueError(kind)
    return SlicerMask(str(values.get("SOPInstanceUID") or ""), sector, size)


def mask_to_json(instance: Instance, sector: Sector) -> dict[str, object] | None:
    """The file of an instance; None for a polygon, for which there is no form.

    In whole pixels: a fan's radii are rounded inwards, and by as much more as rounding moves its apex; its sides move with
    that by less than a pixel.
    """
    values: dict[str, object] = {"SOPInstanceUID": instance.sop_instance_uid}
    if isinstance(sector, RectangleSector):
        box = sector.box
        values |= {"mask_type": "rectangle", "rectangle_left": box.left, "rectangle_right": box.right}
        values |= {"rectangle_top": box.top, "rectangle_bottom": box.bottom}
    elif isinstance(sector, Fan):
        row, column = round(sector.apex_y - 0.5), round(sector.apex_x - 0.5)
        moved = math.hypot(row + 0.5 - sector.apex_y, column + 0.5 - sector.apex_x)
        values |= {"mask_type": "fan", "angle1": sector.end_angle, "angle2": sector.start_angle}
        values |= {"center_rows_px": row, "center_cols_px": column}
        values |= {"radius1": math.ceil(sector.inner_radius + moved), "radius2": math.floor(sector.outer_radius - moved)}
    else:
        return None
    return values | {"image_size_rows": instance.rows, "image_size_cols": instance.columns}


def with_masks(exams: Iterable[Exam], decisions: Mapping[str, Decision], masks: Iterable[SlicerMask]) -> tuple[dict, int]:
    """The decisions with the sector of each instance that has a mask, its crop box cut to it; and how many masks fit none.

    Such a sector was drawn by a person: no confidence, not reviewed. A mask for another image size fits none.
    """
    by_uid = {mask.sop_instance_uid: mask for mask in masks}
    made, used = dict(decisions), set()
    for exam in exams:
        for instance in exam.instances:
            mask = by_uid.get(instance.sop_instance_uid)
            if mask is None or mask.size not in (None, (instance.columns, instance.rows)):
                continue
            box = _box_of(mask.sector, instance)
            if box is None:
                continue
            used.add(mask.sop_instance_uid)
            made[instance.identity] = made[instance.identity].replaced(
                crop=box,
                whole_frame=False,
                mask=Mask.SECTOR,
                sector=mask.sector,
                reviewed=False,
                proposal="SlicerUltrasound",
                confidence=None,
                note="The sector is the mask of SlicerUltrasound.",
            )
    return made, len(by_uid.keys() - used)


def write_masks(exams: Iterable[Exam], decisions: Mapping[str, Decision], folder: Path) -> tuple[int, int]:
    """Write a file for each instance with a sector, named by exam and number; readable by its owner only (POSIX).

    They hold original UIDs. Returns how many were written, and how many sectors have no form there.
    """
    make_private_folder(folder)
    written = without_form = 0
    for exam_number, exam in enumerate(exams, start=1):
        for number, instance in enumerate(exam.instances, start=1):
            decision = decisions[instance.identity]
            if decision.sector is None or decision.mask is not Mask.SECTOR:
                continue
            values = mask_to_json(instance, decision.sector)
            if values is None:
                without_form += 1
                continue
            with written_whole(
                folder / f"exam{exam_number}_{decision.order or number:03d}.json", replace=True, private=True
            ) as stream:
                stream.write(json.dumps(values, indent=1).encode("utf-8"))
            written += 1
    return written, without_form


def _box_of(sector: Sector, instance: Instance) -> CropBox | None:
    """The smallest box around what a sector keeps of an image; None where that is nothing."""
    kept = sector.mask(instance.rows, instance.columns)
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    return CropBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1) if rows.size else None
