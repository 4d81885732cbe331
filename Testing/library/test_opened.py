"""An instance held open: any frame before and after, in any order, from a file or a ZIP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from pydicom.dataset import Dataset

from USDICOMizerLib.after_images import after_image, as_reviewed
from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.opened import Opening, frame_rate, open_instance, pixel_spacing
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import SourceError, discover


def _instance(folder: Path, kind: SampleKind, **options: object) -> Instance:
    path = folder / kind.value
    path.write_bytes(dicom_bytes(sample_dataset(kind, **options)))
    (instance,) = discover([path]).instances
    return instance


def _in_zip(folder: Path, kind: SampleKind) -> Path:
    path = folder / "exam.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("IM_0001", dicom_bytes(sample_dataset(kind, frames=3)))
    return path


@pytest.mark.parametrize("kind", [SampleKind.RGB_FRAME, SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE])
@pytest.mark.parametrize("mask", [Mask.NONE, Mask.RECTANGLE])
def test_any_frame_after_is_that_of_the_review_whatever_was_asked_for_before(tmp_path, kind, mask):
    instance = _instance(tmp_path, kind, frames=3 if kind.is_cine else None)
    redaction = Redaction(CropBox(300, 200, 340, 230), 1, 1)
    decision = decide(instance, Choices(mask=mask), Settings()).replaced(redactions=(redaction,))
    with as_reviewed(instance, decision) as pixels:
        expected = list(pixels.display_frames(whole_range=True))

    opened = open_instance(instance)
    for index in [len(expected) - 1, 0, *range(len(expected))]:
        assert np.array_equal(opened.after(index, decision), expected[index])
    opened.close()


def test_any_frame_before_is_the_stored_one(tmp_path):
    pixels = np.stack([np.full((64, 96, 3), 10 * number, np.uint8) for number in range(5)])
    opened = open_instance(_instance(tmp_path, SampleKind.RGB_CINE, pixels=pixels))
    for index in (4, 0, 3):
        assert np.array_equal(opened.before(index), pixels[index])
    assert opened.frames == 5
    opened.close()


def test_another_decision_shows_another_picture_at_once(tmp_path):
    opened = open_instance(_instance(tmp_path, SampleKind.RGB_FRAME))
    assert opened.after(0, Decision(crop=CropBox(10, 20, 110, 80))).shape == (60, 100, 3)
    assert opened.after(0, Decision(crop=CropBox(10, 20, 60, 80))).shape == (60, 50, 3)
    with pytest.raises(RefusedError):
        opened.after(0, Decision())
    opened.close()


def test_a_member_of_a_zip_is_unpacked_a_piece_at_a_time_and_gives_the_same_frames(tmp_path):
    (packed,) = discover([_in_zip(tmp_path, SampleKind.RGB_CINE)]).instances
    opening = Opening(packed.source)
    steps = 1
    while not opening.step():
        steps += 1
    assert steps > 2
    opening.close()

    opened = open_instance(packed)
    expected = _instance(tmp_path, SampleKind.RGB_CINE, frames=3)
    plain = open_instance(expected)
    assert np.array_equal(opened.before(2), plain.before(2))
    assert np.array_equal(opened.before(0), plain.before(0))
    opened.close()
    plain.close()


def test_closing_closes_the_file_and_leaves_nothing_of_a_zip_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (packed,) = discover([_in_zip(tmp_path, SampleKind.RGB_CINE)]).instances
    opening = Opening(packed.source)
    while not opening.step():
        pass
    stream = opening.stream()
    opening.close()
    assert stream.closed
    assert not list((tmp_path / "temporary").iterdir())


def test_the_headers_of_jpeg_frames_can_be_read_one_at_a_time_before_the_crop_asks_for_them(tmp_path, monkeypatch):
    instance = _instance(tmp_path, SampleKind.JPEG_CINE, frames=4)
    plain, opened = open_instance(instance), open_instance(instance)
    assert sum(1 for _ in opened.pixels.reading_jpeg_headers()) == 4
    monkeypatch.setattr(opened.pixels._frames, "read", lambda index: pytest.fail("a frame was read once more"))
    decision = decide(instance, Choices(), Settings())
    assert opened.leaving(decision).box == plain.leaving(decision).box
    assert str(opened.pixels.jpeg_grid) == str(plain.pixels.jpeg_grid)
    opened.close()
    plain.close()


def test_a_damaged_member_is_told_while_it_is_unpacked(tmp_path):
    path = _in_zip(tmp_path, SampleKind.RGB_FRAME)
    (packed,) = discover([path]).instances
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SourceError):
        open_instance(packed)


def test_a_truncated_file_refuses_the_frames_that_are_missing_and_shows_the_others(tmp_path):
    instance = _instance(tmp_path, SampleKind.RGB_CINE, frames=3)
    path = instance.source.path
    opened = open_instance(instance)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - 1000)
    opened.before(0)
    with pytest.raises(RefusedError, match="damaged"):
        opened.before(2)
    opened.close()


def test_all_frames_in_one_is_the_picture_of_the_library(tmp_path):
    from USDICOMizerLib.after_images import AllFrames

    instance = _instance(tmp_path, SampleKind.MONOCHROME_CINE, frames=3)
    decision = decide(instance, Choices(), Settings())
    opened, frames = open_instance(instance), AllFrames()
    for index in range(3):
        frames.add(opened.after(index, decision))
    assert np.array_equal(frames.picture(), after_image(instance, decision))
    opened.close()


@pytest.mark.parametrize(
    ("attributes", "rate"),
    [
        ({"FrameTime": "40"}, 25.0),
        ({"FrameTime": "40", "CineRate": 10}, 25.0),
        ({"CineRate": 12}, 12.0),
        ({"RecommendedDisplayFrameRate": 15}, 15.0),
        ({"FrameTimeVector": [0, 20, 30, 50]}, 30.0),
        ({"FrameTime": "0"}, None),
        ({"FrameTime": "-3", "CineRate": 0}, None),
        ({"FrameTime": "1e-9"}, 200.0),
        ({"FrameTimeVector": [0]}, None),
        ({}, None),
    ],
)
def test_the_frame_rate_is_the_headers(attributes, rate):
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    assert frame_rate(header) == (None if rate is None else pytest.approx(rate))


@pytest.mark.parametrize(
    ("regions", "spacing"),
    [
        ([(1, 3, 0.025, 0.04)], (0.25, 0.4)),
        ([(1, 3, 0.025, 0.025), (2, 4, 0.001, 0.02)], (0.25, 0.25)),  # the second isn't 2D
        ([(1, 3, 0.025, 0.025), (1, 3, 0.05, 0.05)], (1.0, 1.0)),  # which one?
        ([(1, 4, 0.025, 0.025)], (1.0, 1.0)),  # seconds
        ([(1, 3, 0.0, 0.025)], (1.0, 1.0)),
        ([(1, 3, 0.001, 0.9)], (1.0, 1.0)),  # absurd
        ([], (1.0, 1.0)),
    ],
)
def test_pixels_have_the_size_that_the_only_region_tells(regions, spacing):
    header = Dataset()
    items = []
    for kind, unit, x, y in regions:
        item = Dataset()
        item.RegionSpatialFormat, item.PhysicalDeltaX, item.PhysicalDeltaY = kind, x, y
        item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = unit
        items.append(item)
    if items:
        header.SequenceOfUltrasoundRegions = items
    assert pixel_spacing(header) == pytest.approx(spacing)
