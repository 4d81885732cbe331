"""Sectors go to SlicerUltrasound's JSON files and come back from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector
from USDICOMizerLib.slicer_masks import mask_from_json, mask_to_json, read_masks, with_masks, write_masks

MakeInstance = Callable[..., Instance]

FAN = Fan(320.5, 40.5, 60, 400, 55, 125)
# As SlicerUltrasound writes it: the left side's angle first, whole pixels.
FILE = {
    "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.1",
    "GrayscaleConversion": False,
    "mask_type": "fan",
    "angle1": 125.0,
    "angle2": 55.0,
    "center_rows_px": 40,
    "center_cols_px": 320,
    "radius1": 60,
    "radius2": 400,
    "image_size_rows": 480,
    "image_size_cols": 640,
    "AnnotationLabels": [],
}


def test_a_fan_of_slicer_ultrasound_is_read() -> None:
    mask = mask_from_json(FILE)
    assert (mask.sector, mask.size, mask.sop_instance_uid) == (FAN, (640, 480), FILE["SOPInstanceUID"])


def test_an_older_file_without_a_type_holds_a_fan() -> None:
    assert mask_from_json({key: value for key, value in FILE.items() if key != "mask_type"}).sector == FAN


def test_a_fan_goes_there_and_back(make_instance: MakeInstance) -> None:
    written = mask_to_json(make_instance(), FAN)
    assert {key: written[key] for key in FILE if key in written} == {key: FILE[key] for key in FILE if key in written}
    assert mask_from_json(written).sector == FAN


def test_a_fan_between_pixels_is_rounded_inwards(make_instance: MakeInstance) -> None:
    written = mask_to_json(make_instance(), Fan(320.5, 40.5, 60.2, 399.7, 55, 125))
    assert (written["radius1"], written["radius2"]) == (61, 399)


def test_a_rectangle_goes_there_and_back(make_instance: MakeInstance) -> None:
    sector = RectangleSector(CropBox(100, 60, 500, 400))
    assert mask_from_json(mask_to_json(make_instance(), sector)).sector == sector


def test_a_polygon_has_no_form_there(make_instance: MakeInstance) -> None:
    assert mask_to_json(make_instance(), Polygon(((0, 0), (9, 0), (9, 9)))) is None


def test_masks_become_decisions_that_a_person_made(make_instance: MakeInstance) -> None:
    instance, other = make_instance(1), make_instance(2)
    found = {one.identity: Decision(crop=CropBox(0, 0, 50, 50), confidence=0.4, proposal="content") for one in (instance, other)}
    made, unused = with_masks([Exam("1.2", (instance, other))], found, [mask_from_json(FILE)])
    decision = made[instance.identity]
    assert (decision.mask, decision.sector, decision.is_doubtful, decision.reviewed) == (Mask.SECTOR, FAN, False, False)
    kept = FAN.mask(480, 640)
    box = decision.crop
    assert kept[box.top : box.bottom, box.left : box.right].sum() == kept.sum()
    assert np.array([kept[box.top].any(), kept[box.bottom - 1].any(), kept[:, box.left].any()]).all()
    assert (made[other.identity], unused) == (found[other.identity], 0)


def test_a_mask_for_another_size_fits_none(make_instance: MakeInstance) -> None:
    instance = make_instance(1)
    mask = mask_from_json(FILE | {"image_size_rows": 600})
    made, unused = with_masks([Exam("1.2", (instance,))], {instance.identity: Decision()}, [mask])
    assert (made[instance.identity], unused) == (Decision(), 1)


def test_files_are_written_for_their_owner_and_read_again(make_instance: MakeInstance, tmp_path: Path) -> None:
    instance = make_instance(1)
    decisions = {instance.identity: Decision(mask=Mask.SECTOR, sector=FAN)}
    assert write_masks([Exam("1.2", (instance,))], decisions, tmp_path / "masks") == (1, 0)
    (path,) = (tmp_path / "masks").iterdir()
    assert path.name == "exam1_001.json"
    assert read_masks(tmp_path / "masks") == [mask_from_json(FILE)]


def test_files_that_are_no_masks_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "header.json").write_text(json.dumps({"Patient Name": "x"}))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "mask.json").write_text(json.dumps(FILE))
    assert len(read_masks(tmp_path)) == 1


def test_a_folder_without_masks_and_a_mask_that_lacks_a_number_are_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no JSON file with a mask"):
        read_masks(tmp_path)
    (tmp_path / "mask.json").write_text(json.dumps({key: value for key, value in FILE.items() if key != "radius1"}))
    with pytest.raises(CommandError, match="mask.json.*radius1 is missing"):
        read_masks(tmp_path)
