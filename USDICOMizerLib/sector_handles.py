"""Sectors as a person draws them: points to take hold of, what pulling one does, and the line to draw.

Coordinates are those of geometry.py: x from the left, y from the top, pixel edges at whole numbers.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from enum import StrEnum

from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector, Sector

Point = tuple[float, float]

_ARC_STEPS = 40
_OUTER_POINTS, _INNER_POINTS = 7, 5  # of a polygon that stands for a fan
_LEAST = 1.0  # pixels between the radii, and degrees between the rays, that a pull leaves
_UNMOVED = 0.005  # pixels: a handle that was only clicked at
_DECIMALS = 2  # of what a person draws, in pixels and degrees
_WIDEST_START = 60.0  # degrees to each side
MOST_POINTS = 12
"""A polygon of more points isn't drawn point by point: its corners stretch it as a whole."""


class Shape(StrEnum):
    """What a sector can be drawn as."""

    FAN = "fan"
    RECTANGLE = "rectangle"
    POLYGON = "polygon"


def shape_of(sector: Sector) -> Shape:
    """What a sector is drawn as."""
    return {Fan: Shape.FAN, RectangleSector: Shape.RECTANGLE, Polygon: Shape.POLYGON}[type(sector)]


def as_shape(sector: Sector, shape: Shape, columns: int, rows: int) -> Sector:
    """A sector of another shape in about the same place of an image of this size; itself where it has the shape already."""
    if shape_of(sector) is shape:
        return sector
    if shape is Shape.POLYGON and len(set(_corners_of(sector))) > 2:
        return Polygon(_corners_of(sector))
    box = _around(_bounds(sector)).clipped_to(columns, rows) or CropBox(0, 0, columns, rows)
    if shape is Shape.POLYGON:
        return Polygon(_box_corners((box.left, box.top, box.right, box.bottom)))
    return RectangleSector(box) if shape is Shape.RECTANGLE else starting_fan(box)


def starting_fan(box: CropBox) -> Fan:
    """A fan that stands in a box, its apex in the middle above: what a person begins with where nothing is known."""
    half = math.degrees(math.asin(min(1.0, box.width / 2 / box.height)))
    half = round(min(half, _WIDEST_START), _DECIMALS)
    return Fan((box.left + box.right) / 2, box.top, 0, box.height, 90 - half, 90 + half)


def handles(sector: Sector) -> tuple[Point, ...]:
    """The points to take hold of; the last one, in the middle, moves the whole.

    Of a fan: the apex, then the ends of the inner arc and those of the outer one, each beginning with the start angle.
    Of a rectangle or a polygon of many points: the corners of the box around it, clockwise from the top left. Of another
    polygon: its points.
    """
    match sector:
        case Fan():
            ends = [
                _at(sector, radius, angle)
                for radius in (sector.inner_radius, sector.outer_radius)
                for angle in (sector.start_angle, sector.end_angle)
            ]
            middle = _at(sector, (sector.inner_radius + sector.outer_radius) / 2, (sector.start_angle + sector.end_angle) / 2)
            return ((sector.apex_x, sector.apex_y), *ends, middle)
        case Polygon() if len(sector.points) <= MOST_POINTS:
            return (*sector.points, _middle(sector))
    return (*_box_corners(_bounds(sector)), _middle(sector))


def shown_handles(sector: Sector) -> tuple[bool, ...]:
    """Which of the handles lie apart from each other: the inner arc's don't where a fan begins in its apex."""
    count = len(handles(sector))
    if isinstance(sector, Fan) and sector.inner_radius < _LEAST:
        return (True, False, False, *[True] * (count - 3))
    return (True,) * count


def pulled(sector: Sector, handle: int, to: Point, columns: int, rows: int) -> Sector:
    """The sector after one of its handles was pulled to a point, in an image of this size; unchanged where none would be left.

    An end of an arc takes its radius and its ray along. The apex leaves the ends of the outer arc where they are, about.
    A rectangle keeps to whole pixels inside of the image.
    """
    if math.dist(handles(sector)[handle], to) < _UNMOVED:
        return sector
    try:
        if handle == len(handles(sector)) - 1:
            middle = handles(sector)[-1]
            return _moved(sector, to[0] - middle[0], to[1] - middle[1], columns, rows)
        match sector:
            case Fan():
                return _pulled_fan(sector, handle, to)
            case RectangleSector():
                return _in_image(_pulled_bounds(_bounds(sector), handle, to), columns, rows) or sector
        return _pulled_polygon(sector, handle, to)
    except ValueError:  # nothing of it would be left
        return sector


def with_number(fan: Fan, name: str, value: float) -> Fan:
    """The fan with one of its numbers changed, as far as the others let it: a radius stays beyond the other one, and so on."""
    bounds = {
        "inner_radius": (0.0, fan.outer_radius - _LEAST),
        "outer_radius": (fan.inner_radius + _LEAST, math.inf),
        "start_angle": (fan.end_angle - 360, fan.end_angle - _LEAST),
        "end_angle": (fan.start_angle + _LEAST, fan.start_angle + 360),
    }
    lowest, highest = bounds.get(name, (-math.inf, math.inf))
    return replace(fan, **{name: max(lowest, min(highest, value))})


def outline(sector: Sector) -> tuple[Point, ...]:
    """The closed line around the sector, the arcs in short steps."""
    match sector:
        case Fan():
            angles = _angles(sector, _ARC_STEPS)
            outer = [_at(sector, sector.outer_radius, angle) for angle in angles]
            inner = [_at(sector, sector.inner_radius, angle) for angle in reversed(angles)]
            return (*outer, *(inner if sector.inner_radius else inner[:1]))
        case Polygon():
            return sector.points
    return _box_corners(_bounds(sector))


def _at(fan: Fan, radius: float, angle: float) -> Point:
    turned = math.radians(angle)
    return fan.apex_x + radius * math.cos(turned), fan.apex_y + radius * math.sin(turned)


def _angles(fan: Fan, steps: int) -> list[float]:
    span = fan.end_angle - fan.start_angle
    return [fan.start_angle + span * step / steps for step in range(steps + 1)]


def _pulled_fan(fan: Fan, handle: int, to: Point) -> Fan:
    if handle == 0:
        return _with_apex(fan, to)
    radius = math.hypot(to[0] - fan.apex_x, to[1] - fan.apex_y)
    angle = _angle((fan.apex_x, fan.apex_y), to)
    is_start = handle in (1, 3)
    name = "start_angle" if is_start else "end_angle"
    now = getattr(fan, name)
    nearest = now + (angle - now + 180) % 360 - 180
    turned = with_number(fan, name, nearest)
    return _rounded(with_number(turned, "inner_radius" if handle < 3 else "outer_radius", radius))


def _with_apex(fan: Fan, apex: Point) -> Fan:
    _apex, near_start, near_end, start, end, _middle_of_it = handles(fan)
    first = _angle(apex, start)
    outer = (math.dist(apex, start) + math.dist(apex, end)) / 2
    inner = (math.dist(apex, near_start) + math.dist(apex, near_end)) / 2 if fan.inner_radius else 0.0
    span = (_angle(apex, end) - first) % 360
    return _rounded(Fan(*apex, min(inner, max(outer - _LEAST, 0)), outer, first, first + span))


def _angle(apex: Point, to: Point) -> float:
    return math.degrees(math.atan2(to[1] - apex[1], to[0] - apex[0]))


def _rounded(fan: Fan) -> Fan:
    return Fan(*(round(getattr(fan, field.name), _DECIMALS) for field in fields(fan)))


def _pulled_polygon(polygon: Polygon, handle: int, to: Point) -> Polygon:
    if len(polygon.points) <= MOST_POINTS:
        points = list(polygon.points)
        points[handle] = _rounded_point(to)
        return Polygon(tuple(points))
    old = _bounds(polygon)
    new = _pulled_bounds(old, handle, to)
    if old[0] == old[2] or old[1] == old[3]:
        return polygon  # it is a line, which can't be stretched
    across, down = (new[2] - new[0]) / (old[2] - old[0]), (new[3] - new[1]) / (old[3] - old[1])
    if min(across, down) <= 0:
        return polygon
    stretched = ((new[0] + (x - old[0]) * across, new[1] + (y - old[1]) * down) for x, y in polygon.points)
    return Polygon(tuple(map(_rounded_point, stretched)))


def _rounded_point(point: Point) -> Point:
    return round(point[0], _DECIMALS), round(point[1], _DECIMALS)


def _moved(sector: Sector, dx: float, dy: float, columns: int, rows: int) -> Sector:
    if isinstance(sector, RectangleSector):
        box = sector.box
        dx = min(max(round(dx), -box.left), max(columns - box.right, -box.left))
        dy = min(max(round(dy), -box.top), max(rows - box.bottom, -box.top))
        return sector.moved(dx, dy)
    moved = sector.moved(dx, dy)
    return _rounded(moved) if isinstance(moved, Fan) else Polygon(tuple(map(_rounded_point, moved.points)))


Bounds = tuple[float, float, float, float]


def _bounds(sector: Sector) -> Bounds:
    """Left, top, right and bottom of the box around a sector; of a fan as it is drawn."""
    if isinstance(sector, RectangleSector):
        return sector.box.left, sector.box.top, sector.box.right, sector.box.bottom
    across, down = zip(*outline(sector), strict=True)
    return min(across), min(down), max(across), max(down)


def _middle(sector: Sector) -> Point:
    left, top, right, bottom = _bounds(sector)
    return (left + right) / 2, (top + bottom) / 2


def _box_corners(bounds: Bounds) -> tuple[Point, ...]:
    left, top, right, bottom = bounds
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _pulled_bounds(bounds: Bounds, corner: int, to: Point) -> Bounds:
    left, top, right, bottom = bounds
    if corner in (0, 3):
        left = to[0]
    else:
        right = to[0]
    if corner in (0, 1):
        top = to[1]
    else:
        bottom = to[1]
    return left, top, right, bottom


def _around(bounds: Bounds) -> CropBox:
    """The smallest box of whole pixels around it."""
    left, top = math.floor(bounds[0]), math.floor(bounds[1])
    return CropBox(left, top, max(left + 1, math.ceil(bounds[2])), max(top + 1, math.ceil(bounds[3])))


def _in_image(bounds: Bounds, columns: int, rows: int) -> RectangleSector | None:
    """The nearest whole pixels, as far as the image reaches; ValueError or None where nothing is left."""
    box = CropBox(*(round(number) for number in bounds)).clipped_to(columns, rows)
    return RectangleSector(box) if box else None


def _corners_of(sector: Sector) -> tuple[Point, ...]:
    """Few points that stand for a sector: of a fan some on its arcs, of anything else the corners of the box around it."""
    if not isinstance(sector, Fan):
        return _box_corners(_bounds(sector))
    outer = [_at(sector, sector.outer_radius, angle) for angle in _angles(sector, _OUTER_POINTS - 1)]
    inner = [_at(sector, sector.inner_radius, angle) for angle in reversed(_angles(sector, _INNER_POINTS - 1))]
    return tuple(map(_rounded_point, (*outer, *(inner if sector.inner_radius else inner[:1]))))
