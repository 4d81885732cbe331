"""Wherever it is cut, a header keeps its clinical values, and a pixel its place in the body."""

from __future__ import annotations

import numpy as np
import pytest
from clinical import add_clinical_values, lost_clinical_values
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset

from USDICOMizerLib.cropped_header import describe_pixels
from USDICOMizerLib.deidentify.header import deidentify_header
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import PixelDescription
from USDICOMizerLib.sample_exam import SampleKind, sample_dataset

PSEUDONYMS = Pseudonyms(ProjectKey(bytes(range(32))))


def cut_and_cleaned(header: Dataset, box: CropBox, frames: int = 1) -> Dataset:
    out = deidentify_header(header, Rules(), PSEUDONYMS, "S-1", reviewed=True).dataset
    description = PixelDescription(
        rows=box.height,
        columns=box.width,
        frames=frames,
        samples_per_pixel=header.SamplesPerPixel,
        photometric_interpretation=header.PhotometricInterpretation,
        planar_configuration=header.get("PlanarConfiguration"),
        bits_allocated=8,
        bits_stored=8,
        high_bit=7,
        pixel_representation=0,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        lossy_step=None,
    )
    describe_pixels(out, description, box, masked=False, source_header=header)
    return out


def boxes(columns: int, rows: int):
    sides = st.tuples(st.integers(0, columns - 20), st.integers(0, rows - 20))
    return sides.flatmap(
        lambda corner: st.builds(
            CropBox, *map(st.just, corner), st.integers(corner[0] + 16, columns), st.integers(corner[1] + 16, rows)
        )
    )


@pytest.fixture(scope="module")
def doppler_header() -> Dataset:
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    del dataset.PixelData
    add_clinical_values(dataset)
    return dataset


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_clinical_value_is_lost_wherever_the_frame_is_cut(doppler_header, data):
    box = data.draw(boxes(doppler_header.Columns, doppler_header.Rows))
    for region in doppler_header.SequenceOfUltrasoundRegions:
        left, top = data.draw(st.integers(-40, 600)), data.draw(st.integers(-40, 400))
        # Real files have regions that reach out of the image, on the right and below; UL allows no negative corner.
        region.RegionLocationMinX0, region.RegionLocationMinY0 = max(left, 0), max(top, 0)
        region.RegionLocationMaxX1 = max(left, 0) + data.draw(st.integers(0, 700))
        region.RegionLocationMaxY1 = max(top, 0) + data.draw(st.integers(0, 500))
        region.ReferencePixelX0, region.ReferencePixelY0 = data.draw(st.integers(-900, 900)), data.draw(st.integers(-900, 900))
    after = cut_and_cleaned(doppler_header, box)
    assert lost_clinical_values(doppler_header, after, (box.left, box.top, box.right, box.bottom)) == []


def secondary_capture(frames: int = 3, *, per_frame: int | None = None) -> Dataset:
    """A multi-frame Secondary Capture of ultrasound with functional groups, as an enhanced workstation writes it."""

    def group(**sequences: Dataset) -> Dataset:
        made = Dataset()
        for keyword, item in sequences.items():
            setattr(made, keyword, [item])
        return made

    def item(**values: object) -> Dataset:
        made = Dataset()
        for keyword, value in values.items():
            setattr(made, keyword, value)
        return made

    ds = sample_dataset(SampleKind.MONOCHROME_CINE, frames=frames)
    del ds.PixelData
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    ds.SharedFunctionalGroupsSequence = [
        group(
            PixelMeasuresSequence=item(PixelSpacing=[0.5, 0.25]),
            PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]),
            FrameDisplayShutterSequence=item(ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=3),
        )
    ]
    ds.PerFrameFunctionalGroupsSequence = [
        group(
            PlanePositionSequence=item(ImagePositionPatient=[10, 20 + number, 30]),
            FrameContentSequence=item(FrameAcquisitionDateTime="20240311101112", FrameAcquisitionNumber=number),
        )
        for number in range(frames if per_frame is None else per_frame)
    ]
    ds.file_meta = FileMetaDataset()
    return ds


def test_the_planes_of_functional_groups_move_with_the_crop():
    out = cut_and_cleaned(secondary_capture(), CropBox(100, 40, 400, 300), frames=3)
    positions = [list(g.PlanePositionSequence[0].ImagePositionPatient) for g in out.PerFrameFunctionalGroupsSequence]
    assert positions == [[10 + 100 * 0.25, 20 + number, 30 - 40 * 0.5] for number in range(3)]
    assert "FrameDisplayShutterSequence" not in out.SharedFunctionalGroupsSequence[0]
    assert list(out.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing) == [0.5, 0.25]
    assert "20240311" not in str(out)


def in_body(position, axes, spacing, column: int, row: int) -> np.ndarray:
    """Where a pixel's centre is, in mm: PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1."""
    start, along_row, down_column = (np.array(list(map(float, one))) for one in (position, axes[:3], axes[3:]))
    return start + along_row * float(spacing[1]) * column + down_column * float(spacing[0]) * row


_TURNS = st.tuples(*[st.floats(-3.1, 3.1)] * 3)
_MM = st.floats(-500, 500)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    turns=_TURNS,
    start=st.tuples(_MM, _MM, _MM),
    spacing=st.tuples(st.floats(0.01, 2), st.floats(0.01, 2)),
    of_volume=st.booleans(),
)
def test_a_pixel_stays_where_it_is_in_the_body_wherever_the_frame_is_cut(data, turns, start, spacing, of_volume):
    (a, b, c), cos, sin = turns, np.cos, np.sin
    turned = np.array([[cos(a), -sin(a), 0], [sin(a), cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, cos(b), -sin(b)], [0, sin(b), cos(b)]]
    )
    turned = turned @ np.array([[cos(c), 0, sin(c)], [0, 1, 0], [-sin(c), 0, cos(c)]])
    axes = [float(f"{one:.10f}") for one in (*turned[0], *turned[1])]
    source = secondary_capture()
    spaced = [f"{one:.8g}" for one in spacing]
    source.PixelSpacing = source.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = spaced
    source.ImagePositionPatient, source.ImageOrientationPatient = [f"{one:.9g}" for one in start], axes
    names = ("PlanePositionVolumeSequence", "ImagePositionVolume", "PlaneOrientationVolumeSequence", "ImageOrientationVolume")
    if not of_volume:
        names = tuple(name.replace("VolumeSequence", "Sequence").replace("Volume", "Patient") for name in names)
    position, place, orientation, directions = names
    oriented = Dataset()
    setattr(oriented, directions, axes)
    setattr(source.SharedFunctionalGroupsSequence[0], orientation, [oriented])
    for group in source.PerFrameFunctionalGroupsSequence:
        placed = Dataset()
        setattr(placed, place, [float(f"{one:.9g}") for one in start])
        setattr(group, position, [placed])
    box = data.draw(boxes(source.Columns, source.Rows))
    out = cut_and_cleaned(source, box, frames=3)
    column, row = data.draw(st.integers(box.left, box.right - 1)), data.draw(st.integers(box.top, box.bottom - 1))
    there = in_body(source.ImagePositionPatient, axes, spaced, column, row)
    assert np.allclose(
        in_body(out.ImagePositionPatient, out.ImageOrientationPatient, out.PixelSpacing, column - box.left, row - box.top),
        there,
        atol=1e-6,
    )
    for group in out.PerFrameFunctionalGroupsSequence:
        moved = getattr(getattr(group, position)[0], place)
        assert np.allclose(in_body(moved, axes, spaced, column - box.left, row - box.top), there, atol=1e-6)


def test_planes_that_cannot_be_moved_go():
    source = secondary_capture()
    del source.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    out = cut_and_cleaned(source, CropBox(100, 40, 400, 300), frames=3)
    assert not any("PlanePositionSequence" in group for group in out.PerFrameFunctionalGroupsSequence)


def test_planes_stay_where_nothing_is_cut():
    source = secondary_capture()
    out = cut_and_cleaned(source, CropBox(0, 0, source.Columns, source.Rows), frames=3)
    assert list(out.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0].ImagePositionPatient) == [10, 22, 30]
    assert "FrameDisplayShutterSequence" in out.SharedFunctionalGroupsSequence[0]


@pytest.mark.parametrize(("held", "kept"), [(3, 3), (5, 3), (2, None), (0, None)])
def test_there_is_a_functional_group_for_each_frame_or_none(held, kept):
    out = cut_and_cleaned(secondary_capture(per_frame=held), CropBox(100, 40, 400, 300), frames=3)
    assert len(out.get("PerFrameFunctionalGroupsSequence") or ()) == (kept or 0)
