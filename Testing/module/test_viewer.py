"""The viewer, driven as a person would: what is on the screen is what is stored, any frame of it, whatever it is."""

from __future__ import annotations

import gc
import time
import tracemalloc
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from panel_rooms import counted_frames, press_mode, rooms, settle_until, shown_in, write_instance
from pydicom import dcmread
from pydicom.uid import generate_uid

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.opened import open_instance
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset


def _blocks(rows: int = 200, columns: int = 320) -> np.ndarray:
    """One picture of coloured blocks, 40 pixels high and wide."""
    picture = np.zeros((1, rows, columns, 3), np.uint8)
    for row in range(0, rows, 40):
        for column in range(0, columns, 40):
            picture[0, row : row + 40, column : column + 40] = (row, 255 - column // 2, (row * 3 + column) % 256)
    return picture


def test_the_selected_instance_fills_the_red_view_in_its_own_colours(slice_view, tmp_path):
    picture = _blocks()
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, pixels=picture)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.session.change(made.session.order, "Crop", whole_frame=True, crop=None)
        settle_until(lambda: made.crop.box() == CropBox(0, 0, 320, 200))
        for column, row in ((60, 20), (140, 100), (300, 180)):
            assert np.abs(np.subtract(slice_view.drawn(column, row), picture[0, row, column], dtype=int)).max() <= 1
        left, right = slice_view.position(0, 0), slice_view.position(319, 199)
        assert left.x() >= 0 and right.x() < slice_view.view.width
        assert right.x() - left.x() > 0.9 * slice_view.view.width


def test_selecting_another_instance_shows_that_one(slice_view, tmp_path):
    exam = make_sample_exam(tmp_path / "exam.zip")
    with rooms(exam, tmp_path) as made:
        for identity in (*made.session.order, made.session.order[0]):
            made.session.select(identity)
            settle_until(lambda identity=identity: made.viewer.identity == identity)
            opened = open_instance(made.session.instance(identity))
            assert np.array_equal(shown_in(slice_view), opened.before(0))
            opened.close()


def _monochrome1(dataset):
    dataset.PhotometricInterpretation = "MONOCHROME1"


def _sixteen_bit(dataset):
    grey = np.frombuffer(dataset.PixelData, np.uint8).astype("<u2") * 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = grey.tobytes()
    dataset["PixelData"].VR = "OW"


def _palette(dataset):
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    ramp = np.arange(256, dtype="<u2") * 257
    for colour, table in (("Red", ramp), ("Green", ramp[::-1]), ("Blue", ramp)):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())


@pytest.mark.parametrize("changed", [_monochrome1, _sixteen_bit, _palette])
def test_every_kind_of_pixel_is_shown_as_the_library_shows_it(slice_view, tmp_path, changed):
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME)
    changed(dataset)
    (tmp_path / "instance").write_bytes(dicom_bytes(dataset))
    with rooms(tmp_path / "instance", tmp_path) as made:
        opened = open_instance(made.session.instance(made.session.current))
        assert made.viewer.message.text == ""
        assert np.array_equal(shown_in(slice_view), opened.before(0))
        assert shown_in(slice_view).max() > 100
        opened.close()


def test_a_huge_frame_is_shown_whole(slice_view, tmp_path):
    pixels = np.zeros((1, 3000, 4000, 3), np.uint8)
    pixels[0, 900:1100, 900:1100] = (10, 200, 90)
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, pixels=pixels)
    with rooms(tmp_path / "exam", tmp_path) as made:
        assert shown_in(slice_view).shape == (3000, 4000, 3)
        made.session.change(made.session.order, "Crop", whole_frame=True, crop=None)
        settle_until(lambda: np.abs(np.subtract(slice_view.drawn(1000, 1000), (10, 200, 90), dtype=int)).max() <= 2)


def test_the_slider_and_its_keys_show_the_frame_that_they_name(slice_view, tmp_path):
    import qt
    from slicer_runtime.hands import press_key, type_text

    pixels = counted_frames(12)
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, pixels=pixels)
    with rooms(tmp_path / "exam", tmp_path) as made:
        box = made.viewer.bar.slider.findChild(qt.QDoubleSpinBox)
        box.setFocus()
        box.selectAll()
        type_text(box, "7")
        press_key(qt.Qt.Key_Return, widget=box)
        settle_until(lambda: np.array_equal(shown_in(slice_view), pixels[6]))
        press_key(qt.Qt.Key_Up, widget=box)
        settle_until(lambda: np.array_equal(shown_in(slice_view), pixels[7]))
        made.viewer.step(-100)
        assert np.array_equal(shown_in(slice_view), pixels[0])


def test_a_cine_is_played_at_its_real_rate_over_and_over_and_paused(slice_view, tmp_path):
    from slicer_runtime.hands import click

    pixels = counted_frames(5)
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, pixels=pixels, FrameTime="100")
    with rooms(tmp_path / "exam", tmp_path) as made:
        assert "of 5, 10/s" in made.viewer.bar.rate_label.text
        shown = []

        def note() -> None:
            if not shown or shown[-1][1] != made.viewer.index:
                shown.append((time.monotonic(), made.viewer.index))

        made.viewer.when_shown.append(note)
        click(made.viewer.bar.play_button)
        settle_until(lambda: len(shown) >= 12)
        seconds = shown[-1][0] - shown[0][0]
        frames = sum((later[1] - sooner[1]) % 5 for sooner, later in zip(shown, shown[1:], strict=False))
        assert frames / seconds == pytest.approx(10, rel=0.25)
        assert {index for _when, index in shown} == set(range(5))
        click(made.viewer.bar.play_button)
        index = made.viewer.index
        until = time.monotonic() + 0.4
        settle_until(lambda: time.monotonic() > until)
        assert made.viewer.index == index
        assert np.array_equal(shown_in(slice_view), pixels[index])


def test_a_single_frame_can_not_be_played(clean_application, tmp_path):
    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        assert not made.viewer.bar.play_button.enabled and not made.viewer.bar.slider.enabled
        made.viewer.toggle_play()
        assert not made.viewer.is_playing


def test_a_cine_of_300_frames_takes_the_memory_of_few(clean_application, tmp_path):
    pixels = counted_frames(300, 240, 320)
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, pixels=pixels)
    frame_bytes = pixels[0].nbytes
    del pixels
    gc.collect()
    tracemalloc.start()
    try:
        with rooms(tmp_path / "exam", tmp_path) as made:
            for _frame in range(299):
                made.viewer.step(1)
            assert made.viewer.index == 299
            press_mode(made, "after")
            settle_until(lambda: made.session.can_confirm(made.session.current))
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The header table, Qt's pictures and the all-in-one picture are in it too; 300 frames would be 69 MB.
    assert peak < 30 * frame_bytes


def test_damaged_pixel_data_is_told_in_the_panel_and_the_others_are_shown(slice_view, tmp_path, monkeypatch):
    import slicer

    for name in ("errorDisplay", "warningDisplay", "messageBox"):
        monkeypatch.setattr(slicer.util, name, lambda *a, name=name, **k: pytest.fail(f"{name} popped up"), raising=False)
    good = write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, name="1")
    bad = tmp_path / "exam" / "2"
    dataset = dcmread(good)
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    data = dicom_bytes(dataset)
    bad.write_bytes(data[: len(data) // 2])
    with rooms(tmp_path / "exam", tmp_path) as made:
        by_name = {made.session.instance(identity).source.path.name: identity for identity in made.session.order}
        made.session.select(by_name["2"])
        settle_until(lambda: made.viewer.message.visible)
        assert "pixel data" in made.viewer.message.text
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
        made.session.select(by_name["1"])
        settle_until(lambda: made.viewer.identity == by_name["1"])
        assert made.viewer.message.text == "" and shown_in(slice_view).any()


def test_no_picture_of_another_instance_stays_where_one_can_not_be_shown(slice_view, tmp_path):
    for number in range(2):
        write_instance(tmp_path / "exam", SampleKind.RGB_CINE, str(number), frames=3, SOPInstanceUID=generate_uid())
    damaged = tmp_path / "exam" / "1"
    data = damaged.read_bytes()
    with rooms(tmp_path / "exam", tmp_path) as made:
        good, bad = sorted(made.session.order, key=lambda one: made.session.instance(one).source.path.name)
        damaged.write_bytes(data[: len(data) // 2])
        made.session.select(good)
        press_mode(made, "after")
        settle_until(lambda: made.session.can_confirm(good))
        made.session.select(bad)
        settle_until(lambda: "pixel data" in made.viewer.message.text)
        assert slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None
        assert not made.session.can_confirm(bad)


def test_a_member_of_a_zip_is_unpacked_without_holding_the_window_up(slice_view, tmp_path):
    import slicer

    path = tmp_path / "exam.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for number, kind in enumerate((SampleKind.RGB_FRAME, SampleKind.RGB_CINE)):
            archive.writestr(f"IM_{number}", dicom_bytes(sample_dataset(kind, number=number + 1)))
    with rooms(path, tmp_path) as made:
        cine = made.session.order[1]
        start = time.monotonic()
        made.session.select(cine)
        longest = time.monotonic() - start
        assert made.viewer.identity is None and "unpacked" in made.viewer.message.text
        while made.viewer.identity is None:
            start = time.monotonic()
            slicer.app.processEvents()
            longest = max(longest, time.monotonic() - start)
        assert made.viewer.message.text == ""
        assert shown_in(slice_view).any()
        made.session.select(made.session.order[0])
        made.session.select(cine)
        made.session.select(made.session.order[0])  # left while it was being unpacked
        settle_until(lambda: made.viewer.identity == made.session.order[0])
    assert longest < 0.5  # twice a slow machine's; a slice is 18 ms, and the header and first frame are read in one go


def test_two_instances_of_different_size_are_fitted_each(slice_view, tmp_path):
    for number, (rows, columns) in enumerate(((100, 400), (600, 300))):
        pixels = np.full((1, rows, columns, 3), 90, np.uint8)
        write_instance(tmp_path / "exam", SampleKind.RGB_FRAME, str(number), pixels=pixels, SOPInstanceUID=generate_uid())
    with rooms(tmp_path / "exam", tmp_path) as made:
        assert len(made.session.order) == 2
        for identity in made.session.order:
            made.session.select(identity)
            settle_until(lambda identity=identity: made.viewer.identity == identity)
            rows, columns = shown_in(slice_view).shape[:2]
            first, last = slice_view.position(0, 0), slice_view.position(columns - 1, rows - 1)
            assert 0 <= first.x() < last.x() < slice_view.view.width
            assert 0 <= first.y() < last.y() < slice_view.view.height
            filled = max((last.x() - first.x()) / slice_view.view.width, (last.y() - first.y()) / slice_view.view.height)
            assert filled > 0.9


def test_pictures_of_the_viewer_for_people(slice_view, panel_screenshot, tmp_path):
    with rooms(make_sample_exam(tmp_path / "exam.zip"), tmp_path) as made:
        settle_until(lambda: made.viewer.identity is not None)
        pictures = [panel_screenshot("viewer_before")]
        made.session.select(made.session.order[3])
        press_mode(made, "after")
        settle_until(lambda: made.session.can_confirm(made.session.current))
        pictures.append(panel_screenshot("viewer_after_all_frames"))
        press_mode(made, "side_by_side")
        pictures.append(panel_screenshot("viewer_side_by_side"))
    assert all(Path(picture).stat().st_size > 10_000 for picture in pictures)
