"""Boxes, sectors and redactions: their conversions lose nothing, and their masks keep no pixel that is partly outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.geometry import (
    CropBox,
    CroppedRegion,
    Fan,
    Polygon,
    RectangleSector,
    Redaction,
    crop_region,
    format_redactions,
    parse_redactions,
    parse_sector,
)

COLUMNS, ROWS = 40, 30


@st.composite
def boxes(draw: st.DrawFn, columns: int = 60, rows: int = 50) -> CropBox:
    left, top = draw(st.integers(0, columns - 1)), draw(st.integers(0, rows - 1))
    return CropBox(left, top, draw(st.integers(left + 1, columns)), draw(st.integers(top + 1, rows)))


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


@st.composite
def fans(draw: st.DrawFn) -> Fan:
    inner = draw(numbers(0, 30))
    start = draw(numbers(-360, 360))
    span = draw(st.one_of(numbers(1, 359), st.sampled_from([90.0, 180.0, 270.0, 360.0])))
    return Fan(draw(numbers(-20, 60)), draw(numbers(-20, 50)), inner, inner + draw(numbers(1, 40)), start, start + span)


polygons = st.lists(st.tuples(numbers(-10, 50), numbers(-10, 40)), min_size=3, max_size=8, unique=True).map(
    lambda points: Polygon(tuple(points))
)
redactions = st.builds(
    lambda box, frames: Redaction(box, *sorted(frames)) if frames else Redaction(box),
    boxes(),
    st.none() | st.tuples(st.integers(1, 300), st.integers(1, 300)),
)


def pixels(box: CropBox) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.left, box.right) for y in range(box.top, box.bottom)}


@given(boxes(), st.sampled_from([",", ";", " ", ", ", " ; ", "\t"]))
def test_a_box_is_read_back_with_any_separator(box: CropBox, separator: str) -> None:
    assert CropBox.parse(str(box).replace(",", separator)) == box
    assert CropBox.parse(f"  {box} ") == box


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "1.5,2,3,4", "a,b,c,d", "5,0,5,9", "0,9,5,8", "-1,0,5,5", "0 -2 5 5", "١ ٢ ٣ ٤"]
)
def test_what_is_not_a_box_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError):
        CropBox.parse(text)


def test_a_box_that_a_spreadsheet_made_one_number_says_so() -> None:
    with pytest.raises(ValueError, match="spreadsheet"):
        CropBox.parse("33769686727")


@given(boxes(), boxes())
def test_intersection_union_and_contains_agree_with_sets_of_pixels(one: CropBox, other: CropBox) -> None:
    common = one.intersection(other)
    assert (pixels(common) if common else set()) == pixels(one) & pixels(other)
    assert one.union(other).contains(one) and one.union(other).contains(other)
    assert one.contains(other) == (pixels(other) <= pixels(one))


@given(boxes(), st.integers(1, 60), st.integers(1, 50))
def test_clipping_keeps_exactly_the_pixels_in_the_image(box: CropBox, columns: int, rows: int) -> None:
    clipped = box.clipped_to(columns, rows)
    assert (pixels(clipped) if clipped else set()) == pixels(box) & pixels(CropBox(0, 0, columns, rows))
    assert box.fits(columns, rows) == (clipped == box)


@given(boxes(), st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 9))
def test_moving_and_expanding_can_be_taken_back(box: CropBox, dx: int, dy: int, margin: int) -> None:
    assert box.moved(dx, dy).moved(-dx, -dy) == box
    assert box.expanded(margin).expanded(-margin) == box
    assert box.expanded(margin).width == box.width + 2 * margin


@given(boxes(), st.sampled_from([(1, 1), (2, 1), (8, 8), (16, 8), (16, 16)]))
def test_snapping_keeps_exactly_the_blocks_that_lie_wholly_inside(box: CropBox, step: tuple[int, int]) -> None:
    columns, rows = 59, 45  # the last blocks are incomplete
    clipped = box.clipped_to(columns, rows)
    whole_blocks: set[tuple[int, int]] = set()
    for left in range(0, columns, step[0]):
        for top in range(0, rows, step[1]):
            block = CropBox(left, top, min(left + step[0], columns), min(top + step[1], rows))
            if clipped and clipped.contains(block):
                whole_blocks |= pixels(block)
    snapped = box.snapped_inward(*step, columns, rows)
    assert (pixels(snapped) if snapped else set()) == whole_blocks


@given(boxes(2000, 1500), numbers(0.01, 5), numbers(0.01, 5))
def test_a_box_survives_the_way_through_a_roi(box: CropBox, x: float, y: float) -> None:
    centre, size = box.to_roi((x, y))
    assert CropBox.from_roi(centre, size, (x, y)) == box


def test_a_roi_counts_right_and_anterior_negative_and_pixel_edges_from_minus_one_half() -> None:
    assert CropBox(0, 0, 1, 1).to_roi((0.5, 2.0)) == ((0, 0), (0.5, 2.0))
    assert CropBox(10, 20, 14, 22).to_roi((0.5, 2.0)) == ((-5.75, -41.0), (2.0, 4.0))


def test_a_roi_thinner_than_a_pixel_gives_one_pixel() -> None:
    box = CropBox.from_roi((-10.0, -5.0), (0.01, 0.01), (1.0, 1.0))
    assert (box.width, box.height) == (1, 1)


@given(st.lists(redactions, max_size=4))
def test_redactions_are_read_back(some: list[Redaction]) -> None:
    assert parse_redactions(format_redactions(some)) == tuple(some)


def test_a_redaction_covers_its_frames_from_the_first_to_the_last_counted_from_1() -> None:
    ranged, always = parse_redactions("1,2,3,4 @ 2 - 3 | 5;6;7;8")
    assert [ranged.covers(number) for number in (1, 2, 3, 4)] == [False, True, True, False]
    assert all(always.covers(number) for number in (1, 300))
    assert parse_redactions("1 2 3 4 @ 7") == (Redaction(CropBox(1, 2, 3, 4), 7, 7),)


@pytest.mark.parametrize("text", ["1 2 3", "1 2 3 4 @", "1 2 3 4 @ 0-3", "1 2 3 4 @ 5-2", "1 2 3 4 @ all", "1 2 3 4 5 6 7 8"])
def test_what_is_not_a_redaction_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError):
        parse_redactions(text)


@given(st.one_of(fans(), polygons, boxes().map(RectangleSector)))
def test_a_sector_is_read_back_exactly(sector: Fan | Polygon | RectangleSector) -> None:
    assert parse_sector(str(sector)) == sector


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fan",
        "fan 1 2 3 4 5",
        "fan 0 0 5 4 0 90",
        "fan 0 0 -1 4 0 90",
        "fan 0 0 1 4 90 90",
        "fan 0 0 1 4 0 361",
        "fan 0 0 0 1e999 0 90",
        "fan nan 0 1 4 0 90",
        "polygon 0 0 1 1",
        "polygon 0 0 1 1 2 2 3",
        "polygon 0 0 0 0 0 0",
        "rectangle 1 2 3",
        "circle 1 2 3",
    ],
)
def test_what_is_not_a_sector_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError):
        parse_sector(text)


def points_of_pixels(count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Sample points of each pixel, its corners drawn in by a hair: x and y as (count, count, ROWS, COLUMNS)."""
    steps = np.linspace(1e-4, 1 - 1e-4, count)
    x = np.arange(COLUMNS)[None, None, None, :] + steps[:, None, None, None]
    y = np.arange(ROWS)[None, None, :, None] + steps[None, :, None, None]
    return np.broadcast_arrays(x, y)


def inside_fan(fan: Fan, x: np.ndarray, y: np.ndarray, slack: float) -> np.ndarray:
    """Which points lie in the fan; with slack, in one that is so many pixels larger on all sides (smaller if negative)."""
    dx, dy = x - fan.apex_x, y - fan.apex_y
    radius = np.hypot(dx, dy)
    ring = (radius <= fan.outer_radius + slack) & (radius >= fan.inner_radius - slack)
    span = fan.end_angle - fan.start_angle
    if span == 360:
        return ring
    turned = (np.degrees(np.arctan2(dy, dx)) - fan.start_angle) % 360
    past_end, before_start = turned - span, 360 - turned
    distance = np.where(turned <= span, 0.0, radius * np.sin(np.radians(np.minimum(np.minimum(past_end, before_start), 90))))
    if slack >= 0:
        return ring & (distance <= slack)
    inward = radius * np.sin(np.radians(np.clip(np.minimum(turned, span - turned), 0, 90)))
    return ring & (turned <= span) & (inward >= -slack)


@given(fans())
def test_a_fan_keeps_no_pixel_that_has_a_point_outside(fan: Fan) -> None:
    x, y = points_of_pixels()
    wholly_inside = inside_fan(fan, x, y, 1e-3).all(axis=(0, 1))
    assert not (fan.mask(ROWS, COLUMNS) & ~wholly_inside).any()


@given(fans())
def test_a_fan_keeps_every_pixel_that_lies_clearly_inside(fan: Fan) -> None:
    x, y = points_of_pixels(5)
    # A point further inside than a pixel's diagonal has its pixel inside.
    clearly_inside = inside_fan(fan, x, y, -1.5).all(axis=(0, 1))
    assert not (clearly_inside & ~fan.mask(ROWS, COLUMNS)).any()


def test_a_fan_of_a_half_and_of_three_quarters_of_a_turn_keep_the_pixels_along_their_straight_sides() -> None:
    half = Fan(20, 10, 0, 100, 0, 180).mask(ROWS, COLUMNS)
    assert half[10:].all() and not half[:10].any()
    three_quarters = Fan(20, 10, 0, 100, -90, 180).mask(ROWS, COLUMNS)
    assert three_quarters[10:].all() and three_quarters[:10, 20:].all() and not three_quarters[:10, :20].any()


def test_a_pixel_across_the_tip_of_a_left_out_wedge_is_kept_on_the_side_that_the_wedge_turns_away_from() -> None:
    up, down = Fan(20.5, 15, 0, 100, -80, 260), Fan(20.5, 15, 0, 100, 100, 440)
    assert up.mask(ROWS, COLUMNS)[[14, 15], 20].tolist() == [False, True]
    assert down.mask(ROWS, COLUMNS)[[14, 15], 20].tolist() == [True, False]
    left, right = Fan(20, 15.5, 0, 100, -170, 170), Fan(20, 15.5, 0, 100, 10, 350)
    assert left.mask(ROWS, COLUMNS)[15, [19, 20]].tolist() == [False, True]
    assert right.mask(ROWS, COLUMNS)[15, [19, 20]].tolist() == [True, False]


def test_a_whole_ring_spares_the_pixels_that_touch_its_hole() -> None:
    ring = Fan(20, 15, 3, 10, 0, 360).mask(ROWS, COLUMNS)
    assert ring[15, 23] and not ring[15, 22] and ring[15, 16] and not ring[15, 17]


@given(polygons)
def test_a_polygon_keeps_no_pixel_that_has_a_point_outside(polygon: Polygon) -> None:
    x, y = points_of_pixels()
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon.points, polygon.points[1:] + polygon.points[:1], strict=True):
        if y0 != y1:
            with np.errstate(over="ignore"):
                inside ^= ((y0 <= y) != (y1 <= y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    partly_outside = ~inside.all(axis=(0, 1))
    assert not (polygon.mask(ROWS, COLUMNS) & partly_outside).any()


@given(boxes(COLUMNS, ROWS))
def test_a_polygon_along_the_pixel_edges_is_the_box(box: CropBox) -> None:
    corners = ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))
    assert np.array_equal(Polygon(corners).mask(ROWS, COLUMNS), RectangleSector(box).mask(ROWS, COLUMNS))


@given(boxes())
def test_a_rectangle_keeps_exactly_its_box(box: CropBox) -> None:
    mask = RectangleSector(box).mask(ROWS, COLUMNS)
    assert {(x, y) for y, x in np.argwhere(mask).tolist()} == pixels(box) & pixels(CropBox(0, 0, COLUMNS, ROWS))


@pytest.mark.parametrize(
    "sector", [Fan(20, 2, 3, 18, 40, 140), Polygon(((10, 5), (30, 9), (18, 22))), RectangleSector(CropBox(10, 8, 25, 20))]
)
def test_a_moved_sector_masks_the_moved_picture(sector: Fan | Polygon | RectangleSector) -> None:
    moved = sector.moved(-6, -4).mask(ROWS - 4, COLUMNS - 6)
    assert np.array_equal(moved, sector.mask(ROWS, COLUMNS)[4:, 6:])


def test_a_fan_points_down_at_90_degrees() -> None:
    rows, columns = np.nonzero(Fan(20, 0, 5, 20, 60, 120).mask(ROWS, COLUMNS))
    assert rows.min() >= math.floor(5 * math.sin(math.radians(60))) and abs(columns.mean() + 0.5 - 20) < 0.1


@given(boxes(), boxes())
def test_a_cropped_region_covers_the_same_pixels_of_the_picture(area: CropBox, crop: CropBox) -> None:
    cropped = crop_region(area, crop)
    kept = pixels(area) & pixels(crop)
    if cropped is None:
        assert not kept
        return
    inclusive = CropBox(cropped.left, cropped.top, cropped.right + 1, cropped.bottom + 1)
    assert pixels(inclusive.moved(crop.left, crop.top)) == kept
    assert inclusive.fits(crop.width, crop.height)
    assert cropped.left + crop.left - cropped.clipped_left == area.left
    assert cropped.top + crop.top - cropped.clipped_top == area.top


def test_a_region_larger_than_the_image_is_clipped_to_the_crop() -> None:
    assert crop_region(CropBox(84, 31, 596, 415), CropBox(100, 20, 320, 240)) == CroppedRegion(0, 11, 219, 219, 16, 0)
