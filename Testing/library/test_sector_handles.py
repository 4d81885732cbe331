"""Sectors as a person draws them: what each handle changes and what it leaves, whatever is pulled where."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector, Sector, parse_sector
from USDICOMizerLib.sector_handles import (
    MOST_POINTS,
    Shape,
    as_shape,
    handles,
    outline,
    pulled,
    shape_of,
    shown_handles,
    starting_fan,
    with_number,
)

FAN = Fan(400, -50, 120, 590, 57, 123)
RECTANGLE = RectangleSector(CropBox(100, 50, 700, 550))
TRAPEZOID = Polygon(((300, 40), (500, 40), (700, 500), (100, 500)))
ROUND = Polygon(tuple((400 + 200 * math.cos(step / 5), 300 + 200 * math.sin(step / 5)) for step in range(31)))
COLUMNS, ROWS = 800, 600

numbers = st.floats(-2000, 2000)
fans = st.builds(
    lambda x, y, inner, width, start, span: Fan(x, y, inner, inner + width, start, start + span),
    numbers, numbers, st.floats(0, 500), st.floats(2, 800), st.floats(-180, 180), st.floats(2, 360),
)  # fmt: skip
boxes = st.builds(
    lambda left, top, width, height: RectangleSector(CropBox(left, top, min(left + width, COLUMNS), min(top + height, ROWS))),
    st.integers(0, COLUMNS - 1), st.integers(0, ROWS - 1), st.integers(1, COLUMNS), st.integers(1, ROWS),
)  # fmt: skip
sectors = st.one_of(fans, boxes, st.sampled_from([TRAPEZOID, ROUND]))


def _pulled(sector: Sector, handle: int, to: tuple[float, float]) -> Sector:
    return pulled(sector, handle, to, COLUMNS, ROWS)


@given(sectors, st.integers(0, 5), st.tuples(numbers, numbers))
def test_whatever_is_pulled_anywhere_leaves_a_sector_that_a_plan_can_hold(sector, handle, to):
    made = _pulled(sector, handle % len(handles(sector)), to)
    assert shape_of(made) is shape_of(sector)
    assert parse_sector(str(made)) == made


@given(sectors)
def test_a_handle_that_is_clicked_at_changes_nothing_and_one_that_is_hardly_pulled_next_to_nothing(sector):
    for handle, (point, is_shown) in enumerate(zip(handles(sector), shown_handles(sector), strict=True)):
        assert _pulled(sector, handle, point) == sector
        is_fan = shape_of(sector) is Shape.FAN
        # Close to the apex, where a hair turns a side by degrees, there is no small pull.
        if not is_shown or is_fan and sector.inner_radius < 20:
            continue
        made = _pulled(sector, handle, (point[0] + 0.006, point[1]))
        # At the outer arc a side moves further than at the inner one, and by what rounding its angle makes of the radius.
        least = sector.outer_radius * (0.02 / sector.inner_radius + math.radians(0.01)) if is_fan else 0.02
        assert np.allclose(handles(made), handles(sector), atol=0.05 + least)


@given(sectors)
def test_a_sector_of_any_shape_can_be_made_one_of_another_and_holds_points_to_pull(sector):
    for shape in Shape:
        made = as_shape(sector, shape, COLUMNS, ROWS)
        assert shape_of(made) is shape
        assert len(handles(made)) == len(shown_handles(made)) >= 4
        assert parse_sector(str(made)) == made


@pytest.mark.parametrize(("handle", "changed"), [
    (1, {"inner_radius", "start_angle"}), (2, {"inner_radius", "end_angle"}),
    (3, {"outer_radius", "start_angle"}), (4, {"outer_radius", "end_angle"}), (5, {"apex_x", "apex_y"}),
])  # fmt: skip
def test_a_handle_of_a_fan_changes_what_it_stands_for_and_nothing_else(handle, changed):
    x, y = handles(FAN)[handle]
    made = _pulled(FAN, handle, (x + 12, y + 7))
    assert {name for name in vars(FAN) if getattr(made, name) != getattr(FAN, name)} == changed
    assert handles(made)[handle] == pytest.approx((x + 12, y + 7), abs=0.2)


def test_the_apex_of_a_fan_leaves_the_ends_of_its_outer_arc_about_where_they_are():
    made = _pulled(FAN, 0, (405, -120))
    assert (made.apex_x, made.apex_y) == (405, -120)
    for before, after in zip(handles(FAN)[3:5], handles(made)[3:5], strict=True):
        assert math.dist(before, after) < 6
    assert made.inner_radius > FAN.inner_radius


def test_the_apex_of_a_phased_fan_stays_its_tip():
    made = _pulled(Fan(400, 40, 0, 500, 50, 130), 0, (390, 20))
    assert made.inner_radius == 0 and made.apex_x == 390


def test_an_arc_can_not_be_pulled_past_the_other_one_nor_a_side_past_the_other():
    apex = (FAN.apex_x, FAN.apex_y)
    assert _pulled(FAN, 4, apex).outer_radius == FAN.inner_radius + 1
    assert _pulled(FAN, 1, (FAN.apex_x, 5000)).inner_radius == FAN.outer_radius - 1
    assert _pulled(FAN, 3, (-500, 200)).start_angle == FAN.end_angle - 1


def test_a_side_can_be_pulled_beyond_where_the_directions_begin_again():
    wide = Fan(400, 300, 0, 200, -170, 170)
    assert _pulled(wide, 3, (400 - 200, 300 + 5)).start_angle == pytest.approx(-181.4, abs=0.1)


def test_of_a_fan_that_begins_in_its_apex_the_inner_ends_are_not_shown():
    assert shown_handles(Fan(400, 40, 0, 500, 50, 130)) == (True, False, False, True, True, True)
    assert all(shown_handles(FAN))


def test_a_corner_of_a_rectangle_moves_two_edges_and_stays_in_the_image():
    assert _pulled(RECTANGLE, 2, (650.4, 480.6)) == RectangleSector(CropBox(100, 50, 650, 481))
    assert _pulled(RECTANGLE, 0, (-40, -3)) == RectangleSector(CropBox(0, 0, 700, 550))
    assert _pulled(RECTANGLE, 0, (900, 60)) == RECTANGLE, "nothing would be left"
    assert _pulled(RECTANGLE, 4, (900, 300)).box == CropBox(200, 50, 800, 550), "moved as far as the image reaches"


def test_a_point_of_a_polygon_moves_alone_and_its_middle_moves_all():
    assert _pulled(TRAPEZOID, 1, (520, 35)).points == ((300, 40), (520, 35), (700, 500), (100, 500))
    assert _pulled(TRAPEZOID, 4, (410, 275)).points == ((310, 45), (510, 45), (710, 505), (110, 505))


def test_a_polygon_of_many_points_is_stretched_by_the_corners_of_its_box():
    assert len(ROUND.points) > MOST_POINTS
    assert len(handles(ROUND)) == 5
    corner = handles(ROUND)[2]
    made = _pulled(ROUND, 2, (corner[0] + 40, corner[1] + 20))
    assert handles(made)[0] == pytest.approx(handles(ROUND)[0], abs=0.02)
    assert handles(made)[2] == pytest.approx((corner[0] + 40, corner[1] + 20), abs=0.02)


@given(st.sampled_from(sorted(vars(FAN))), st.floats(-3000, 3000))
def test_any_number_may_be_typed_and_the_others_stay(name, value):
    made = with_number(FAN, name, value)
    assert {other for other in vars(FAN) if getattr(made, other) != getattr(FAN, other)} <= {name}


@given(st.integers(1, 900), st.integers(1, 900))
def test_a_starting_fan_stands_in_its_box(width, height):
    box = CropBox(10, 20, 10 + width, 20 + height)
    across, down = zip(*outline(starting_fan(box)), strict=True)
    assert min(across) >= box.left - 0.2 and max(across) <= box.right + 0.2
    assert min(down) >= box.top - 0.2 and max(down) <= box.bottom + 0.2


@given(fans)
def test_the_line_around_a_fan_goes_along_its_arcs(fan):
    for x, y in outline(fan):
        distance = math.dist((x, y), (fan.apex_x, fan.apex_y))
        assert min(abs(distance - fan.inner_radius), abs(distance - fan.outer_radius)) < 1e-6


def test_a_polygon_made_of_a_fan_holds_nothing_that_the_fan_does_not_but_a_little_at_its_inner_arc():
    inside = as_shape(FAN, Shape.POLYGON, COLUMNS, ROWS).mask(ROWS, COLUMNS)
    fan = FAN.mask(ROWS, COLUMNS)
    assert (inside & fan).sum() > 0.95 * fan.sum()
    assert (inside & ~fan).sum() < 0.01 * fan.sum()
