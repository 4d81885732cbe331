"""What leaves, on the screen: exactly what the export holds, and a review knows what of it was seen."""

from __future__ import annotations

import numpy as np
import pytest
from panel_rooms import Rooms, press_mode, rooms, settle_until, shown_in, write_instance

from USDICOMizerLib.decision import Mask, review_digest
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.header_comparison import preparation_to_show
from USDICOMizerLib.opened import open_instance
from USDICOMizerLib.prepare import prepare
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.sources import discover


def _tick(made: Rooms) -> None:
    """Click the check box of all frames in one, where a person would: on the box."""
    import qt
    from slicer_runtime.hands import click

    click(made.viewer.in_one, position=qt.QPoint(8, made.viewer.in_one.height // 2))


@pytest.mark.parametrize("mask", [Mask.NONE, Mask.RECTANGLE])
@pytest.mark.parametrize("kind", [SampleKind.RGB_FRAME, SampleKind.JPEG_CINE])
def test_after_is_exactly_what_the_export_holds(slice_view, tmp_path, kind, mask):
    write_instance(tmp_path / "exam", kind, frames=3 if kind.is_cine else None)
    with rooms(tmp_path / "exam", tmp_path) as made:
        identity = made.session.current
        made.session.change([identity], "Crop", crop=CropBox(101, 67, 643, 521), mask=mask)
        made.viewer.in_one.checked = False
        press_mode(made, "after")
        shown = []
        for index in range(made.viewer.opened.frames):
            made.viewer.step(index - made.viewer.index)
            shown.append(shown_in(slice_view).copy())
        instance, decision = made.session.instance(identity), made.session.decision(identity)
        reviewed = decision.replaced(reviewed=True, review_digest=review_digest(instance, decision))
        preparation = preparation_to_show(made.session.settings, made.session.choices)
        with prepare(instance, reviewed, "S-1", preparation) as prepared, (tmp_path / "out.dcm").open("w+b") as stream:
            prepared.write(stream)
    (exported,) = discover([tmp_path / "out.dcm"]).instances
    opened = open_instance(exported)
    for index, picture in enumerate(shown):
        assert np.array_equal(picture, opened.before(index))
    opened.close()


def test_the_after_image_of_a_frame_counts_as_seen_and_an_edit_shows_it_anew(slice_view, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        identity = made.session.current
        assert not made.session.can_confirm(identity)
        press_mode(made, "after")
        assert made.session.can_confirm(identity)
        made.session.change([identity], "Crop", crop=CropBox(200, 100, 500, 400))
        settle_until(lambda: shown_in(slice_view).shape == (300, 300, 3))
        assert made.session.can_confirm(identity)


def test_of_a_cine_every_frame_has_to_be_seen_alone_or_in_one(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=4)
    with rooms(tmp_path / "exam", tmp_path) as made:
        identity = made.session.current
        _tick(made)
        press_mode(made, "after")
        for _frame in range(2):
            made.viewer.step(1)
        assert not made.session.can_confirm(identity)
        made.viewer.step(1)
        assert made.session.can_confirm(identity)
        made.session.change([identity], "Crop", crop=CropBox(200, 100, 500, 400))
        assert not made.session.can_confirm(identity)
        _tick(made)
        settle_until(lambda: made.session.can_confirm(identity))


def test_all_frames_in_one_shows_what_stands_in_a_single_frame(slice_view, tmp_path):
    pixels = np.full((6, 200, 320, 3), 60, np.uint8)
    pixels[3, 150:160, 100:140] = 240
    pixels[4, 170:180, 100:140] = 2
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, pixels=pixels)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.session.change(made.session.order, "Crop", crop=CropBox(0, 100, 320, 200))
        press_mode(made, "after")
        settle_until(lambda: made.session.can_confirm(made.session.current))
        picture = shown_in(slice_view)
        assert picture[55, 120].tolist() == [240] * 3
        assert picture[75, 320 + 8 + 120].tolist() == [2] * 3


def test_no_picture_of_another_instance_stays_while_all_frames_are_looked_through(slice_view, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, "0")
    write_instance(tmp_path / "exam", SampleKind.JPEG_CINE, "1", frames=40)
    with rooms(tmp_path / "exam", tmp_path) as made:
        frame, cine = sorted(made.session.order, key=lambda one: made.session.instance(one).source.path.name)
        made.session.select(frame)
        press_mode(made, "after")
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID()
        made.session.select(cine)
        assert not made.session.can_confirm(cine)
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
        settle_until(lambda: made.session.can_confirm(cine))
        assert shown_in(slice_view).any()
        press_mode(made, "before")
        made.viewer.set_mode(type(made.viewer.mode).AFTER)
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
        settle_until(lambda: slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID())


def test_without_a_crop_box_after_says_what_to_do(slice_view, tmp_path):
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    del dataset.SequenceOfUltrasoundRegions
    (tmp_path / "instance").write_bytes(dicom_bytes(dataset))
    with rooms(tmp_path / "instance", tmp_path) as made:
        press_mode(made, "after")
        assert "drag the crop box" in made.viewer.message.text
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
        assert not made.session.can_confirm(made.session.current)
        press_mode(made, "before")
        assert shown_in(slice_view).any()
