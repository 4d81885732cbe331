"""A crop box that is given to other instances: to those that are selected, of the same device and size, or to all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from panel_rooms import rooms, type_number, write_instance
from pydicom.uid import generate_uid

from USDICOMizerLib.decision import Mask
from USDICOMizerLib.geometry import CropBox, Fan
from USDICOMizerLib.sample_exam import SampleKind, make_sample_exam
from USDICOMizerLib.session_listing import Scope
from USDICOMizerLib.session_state import CropState

PROPOSED = CropBox(88, 44, 744, 572)  # by the regions of the sample frames of 800 x 600
FAN = Fan(400, 20, 60, 500, 50, 130)


def _exam_of_two_sizes(folder: Path) -> Path:
    for number, kind in enumerate((SampleKind.RGB_FRAME, SampleKind.MONOCHROME_FRAME)):
        write_instance(folder, kind, f"{number}", InstanceNumber=number)
    small = np.full((1, 300, 400, 3), 80, np.uint8)
    write_instance(folder, SampleKind.RGB_FRAME, "2", pixels=small, SOPInstanceUID=generate_uid(), InstanceNumber=2)
    return folder


def test_a_box_is_applied_to_same_device_and_size_in_one_step(clean_application, tmp_path):
    from slicer_runtime.hands import click

    with rooms(_exam_of_two_sizes(tmp_path / "exam"), tmp_path) as made:
        first, second, small = sorted(made.session.order, key=lambda one: made.session.instance(one).instance_number)
        made.session.select(first)
        type_number(made.crop.spin_boxes["left"], "120")
        before = made.session.decision(small).crop
        click(made.crop.buttons[Scope.SAME_DEVICE_AND_SIZE])
        assert (
            made.session.decision(second).crop == made.session.decision(made.session.current).crop == CropBox(120, 44, 744, 572)
        )
        assert made.session.decision(small).crop == before
        assert made.session.state(second).crop is CropState.EDITED
        made.session.undo()
        assert made.session.decision(second).crop == PROPOSED


def test_a_box_is_applied_to_all_that_it_fits_in_and_the_others_are_counted(clean_application, tmp_path):
    from slicer_runtime.hands import click

    with rooms(_exam_of_two_sizes(tmp_path / "exam"), tmp_path) as made:
        first, second, small = sorted(made.session.order, key=lambda one: made.session.instance(one).instance_number)
        made.session.select(first)
        before = made.session.decision(small).crop
        click(made.crop.buttons[Scope.ALL])
        assert made.session.decision(second).crop == PROPOSED
        assert made.session.decision(small).crop == before
        assert "Applied to 2" in made.crop.message.text and "1 is smaller" in made.crop.message.text


def test_a_box_that_is_given_takes_no_sector_away_and_gives_none(clean_application, tmp_path):
    from slicer_runtime.hands import click

    with rooms(_exam_of_two_sizes(tmp_path / "exam"), tmp_path) as made:
        session = made.session
        first, second, small = sorted(session.order, key=lambda one: session.instance(one).instance_number)
        session.select(first)
        type_number(made.crop.spin_boxes["left"], "120")
        session.change([second], "Sector", mask=Mask.SECTOR, sector=FAN, proposal="content sector", confidence=0.2)
        click(made.crop.buttons[Scope.SAME_DEVICE_AND_SIZE])
        given = session.decision(second)
        assert (given.crop, given.mask, given.sector) == (CropBox(120, 44, 744, 572), Mask.SECTOR, FAN)
        assert given.is_doubtful, "nobody has said anything about the sector"
        session.change([first], "Sector", mask=Mask.SECTOR, sector=FAN, crop=CropBox(90, 50, 300, 200))
        session.change([second], "Rest", mask=Mask.NONE, sector=None)
        click(made.crop.buttons[Scope.ALL])
        for other in (second, small):
            made_of_it = session.decision(other)
            assert (made_of_it.crop, made_of_it.mask) == (CropBox(90, 50, 300, 200), Mask.NONE)
            assert made_of_it.sector is None
        session.change([first], "Rest", mask=Mask.RECTANGLE, sector=None)
        click(made.crop.buttons[Scope.ALL])
        assert {session.decision(other).mask for other in (second, small)} == {Mask.RECTANGLE}


def test_only_those_that_are_selected_get_the_box(clean_application, tmp_path):
    from slicer_runtime.hands import click

    with rooms(make_sample_exam(tmp_path / "exam.zip"), tmp_path) as made:
        first, second, *others = made.session.order
        made.session.select(first)
        assert not made.crop.buttons[Scope.SELECTED].enabled
        made.session.set_selected([first, second])
        type_number(made.crop.spin_boxes["top"], "60")
        click(made.crop.buttons[Scope.SELECTED])
        assert made.session.decision(second).crop.top == 60
        assert {made.session.decision(other).crop.top for other in others} == {44}
