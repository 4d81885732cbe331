"""The outline of a probe's picture: what it holds, and the box and sector that it becomes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.content.outline import Kind, Outline, polygon_of
from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector

ROWS, COLUMNS = 300, 400


def fan(apex_x: float, apex_y: float, inner: float, outer: float, half: float, **window: float) -> Outline:
    """A fan that looks down, `half` degrees to each side."""
    above, below, slope = apex_y + inner, apex_y + outer, math.tan(math.radians(half))
    kind = Kind.CUT_FAN if window else Kind.FAN
    sides = apex_x - slope * inner, apex_x - slope * outer, apex_x + slope * inner, apex_x + slope * outer
    return Outline(kind, above, below, *sides, above, below, **window)


def rectangle(left: float, top: float, right: float, bottom: float) -> Outline:
    return Outline(Kind.RECTANGLE, top, bottom, left, left, right, right, top, bottom)


def held(outline: Outline) -> np.ndarray:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] + 0.5
    return outline.holds(x, y)


fans = st.builds(fan, st.floats(150, 250), st.floats(5, 40), st.floats(10, 60), st.floats(100, 240), st.floats(15, 42))


@given(fans)
def test_the_sector_of_a_fan_keeps_what_its_outline_holds_but_for_the_pixels_on_its_edge(outline: Outline) -> None:
    sector = outline.sector()
    assert isinstance(sector, Fan)
    inside, kept = held(outline), sector.mask(ROWS, COLUMNS)
    assert not (kept & ~inside).any()
    assert np.count_nonzero(inside & ~kept) < 2.5 * (ROWS + COLUMNS)


@given(fans)
def test_the_box_of_a_fan_holds_it_and_no_row_or_column_more(outline: Outline) -> None:
    inside = held(outline)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = outline.box().clipped_to(COLUMNS, ROWS)
    tight = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert np.abs(np.subtract(tight, (box.left, box.top, box.right, box.bottom))).max() <= 1


def test_a_window_cuts_a_fan_on_its_sides_and_below() -> None:
    outline = fan(200, 10, 30, 250, 40, window_left=100, window_right=310, window_bottom=240)
    assert outline.box() == CropBox(100, 33, 310, 240)
    assert isinstance(outline.sector(), Polygon)
    assert not held(outline)[:, :100].any()
    assert not held(outline)[241:].any()


def test_a_rectangle_is_a_rectangle() -> None:
    assert rectangle(10.2, 20.4, 99.6, 80.0).sector() == RectangleSector(CropBox(10, 20, 100, 80))


def test_one_polygon_holds_two_pictures_and_nothing_between_them() -> None:
    two = [rectangle(20, 30, 180, 200), fan(300, 10, 30, 200, 25)]
    kept = polygon_of(two).mask(ROWS, COLUMNS)
    inside = held(two[0]) | held(two[1])
    assert not (kept & ~inside).any()
    assert np.count_nonzero(kept) > 0.97 * np.count_nonzero(inside)


@pytest.mark.parametrize(
    "impossible",
    [rectangle(20, 100, 180, 90), rectangle(180, 30, 20, 200), fan(200, 10, 30, 200, 25).moved(top=-40)],
    ids=["ends above its top", "inside out", "begins above its apex"],
)
def test_numbers_that_describe_no_picture_are_known(impossible: Outline) -> None:
    assert not impossible.is_possible
