"""The outline of one ultrasound picture, as a probe draws it: two side lines, two arcs or flat ends, and a window that cuts.

Coordinates are those of geometry.py: x from the left, y from the top, pixel edges at whole numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector, Sector

_ARC_STEPS = 32
_PARALLEL = 0.02  # side lines that differ less in slope never meet in a useful apex


class Kind(StrEnum):
    """What a probe's picture can be."""

    RECTANGLE = "rectangle"
    FAN = "fan"
    CUT_FAN = "cut fan"  # its sides are cut by the window
    FLAT_TOPPED = "flat-topped fan"  # a linear probe that steers outwards
    TRAPEZOID = "trapezoid"


_ARC_ABOVE = frozenset({Kind.FAN, Kind.CUT_FAN})
_ARC_BELOW = frozenset({Kind.FAN, Kind.CUT_FAN, Kind.FLAT_TOPPED})


@dataclass(frozen=True)
class Outline:
    """One picture's outline.

    The left side line passes through (left_above, above) and (left_below, below), the right one likewise. `top` and
    `bottom` are where the ends are in the column of the apex: of arcs around it, or of flat ends. The window
    cuts a CUT_FAN on its left, its right and below.
    """

    kind: Kind
    above: float
    below: float
    left_above: float
    left_below: float
    right_above: float
    right_below: float
    top: float
    bottom: float
    window_left: float = -math.inf
    window_right: float = math.inf
    window_bottom: float = math.inf

    @property
    def apex(self) -> tuple[float, float] | None:
        """Where the side lines meet; None where they (nearly) don't, or below the picture."""
        slope_left = (self.left_below - self.left_above) / (self.below - self.above)
        slope_right = (self.right_below - self.right_above) / (self.below - self.above)
        if slope_right - slope_left < _PARALLEL:
            return None
        down = (self.left_above - self.right_above) / (slope_right - slope_left)
        return self.left_above + slope_left * down, self.above + down

    @property
    def is_possible(self) -> bool:
        """Whether the numbers describe a picture at all."""
        if not self.bottom > self.top or not self.right_below > self.left_below or self.right_above < self.left_above - 1:
            return False
        if self.kind is Kind.RECTANGLE or self.kind is Kind.TRAPEZOID:
            return True
        apex = self.apex
        if apex is None or (self.kind in _ARC_ABOVE and apex[1] > self.top + 0.5):
            return False
        return apex[1] < self.bottom

    def moved(self, **by: float) -> Outline:
        """The same with some of its numbers larger by so much."""
        return replace(self, **{name: getattr(self, name) + step for name, step in by.items()})

    def scaled(self, factor: float) -> Outline:
        """The same in an image that is larger by a factor."""
        names = [name for name in self.__dataclass_fields__ if name != "kind"]
        return replace(self, **{name: getattr(self, name) * factor for name in names})

    def sides(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns of the side lines, cut by the window, in rows."""
        share = (y - self.above) / (self.below - self.above)
        left = self.left_above + (self.left_below - self.left_above) * share
        right = self.right_above + (self.right_below - self.right_above) * share
        return np.maximum(left, self.window_left), np.minimum(right, self.window_right)

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie inside: boolean, of the shape of x and y."""
        left, right = self.sides(y)
        inside = (x >= left) & (x <= right) & (y <= self.window_bottom)
        apex = self.apex
        radius = None
        if self.kind in _ARC_BELOW and apex is not None:
            radius = (x - apex[0]) ** 2 + (y - apex[1]) ** 2
            inside &= (radius <= (self.bottom - apex[1]) ** 2) & (y >= apex[1])
        else:
            inside &= y <= self.bottom
        if self.kind in _ARC_ABOVE and radius is not None:
            inside &= radius >= max(0.0, self.top - apex[1]) ** 2
        else:
            inside &= y >= self.top
        return inside

    def depth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How far down the lower end would have to be to pass through points, as `bottom` counts."""
        apex = self.apex
        if self.kind not in _ARC_BELOW or apex is None or math.isfinite(self.window_bottom):
            return y
        return np.hypot(x - apex[0], y - apex[1]) + apex[1]

    def corners(self) -> np.ndarray:
        """Points around the outline, clockwise from the upper left, (n, 2) as x, y; arcs in short straight pieces."""
        lower = self._end(self.bottom, arc=self.kind in _ARC_BELOW)
        upper = self._end(self.top, arc=self.kind in _ARC_ABOVE)
        points = np.concatenate([upper, lower[::-1]])
        for axis, at, keep in ((0, self.window_left, 1), (0, self.window_right, -1), (1, self.window_bottom, -1)):
            points = _cut(points, axis, at, keep)
        return points

    def _end(self, y: float, *, arc: bool) -> np.ndarray:
        """The upper or lower end from left to right."""
        apex = self.apex
        if not arc or apex is None:
            share = (y - self.above) / (self.below - self.above)
            left = self.left_above + (self.left_below - self.left_above) * share
            right = self.right_above + (self.right_below - self.right_above) * share
            return np.array([(left, y), (right, y)])
        radius = max(0.0, y - apex[1])
        start, end = self._angles(apex)
        angles = np.linspace(start, end, _ARC_STEPS)
        return np.stack([apex[0] + radius * np.sin(angles), apex[1] + radius * np.cos(angles)], axis=1)

    def _angles(self, apex: tuple[float, float]) -> tuple[float, float]:
        """The angles of the side lines from straight down, positive to the right, in radians."""
        far = self.below if self.below > apex[1] + 1 else apex[1] + 100
        left, right = (float(side) for side in replace(self, window_left=-math.inf, window_right=math.inf).sides(np.float64(far)))
        return math.atan2(left - apex[0], far - apex[1]), math.atan2(right - apex[0], far - apex[1])

    def box(self) -> CropBox:
        """The smallest crop box that holds it, in whole pixels; half a pixel over is none."""
        points = self.corners()
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        apex = self.apex
        if self.kind in _ARC_BELOW and apex is not None and points[:, 0].min() <= apex[0] <= points[:, 0].max():
            bottom = min(self.bottom, self.window_bottom)
        edges = [max(0, math.floor(value + 0.5)) for value in (left, top, right, bottom)]
        return CropBox(edges[0], edges[1], max(edges[0] + 1, edges[2]), max(edges[1] + 1, edges[3]))

    def sector(self) -> Sector:
        """As a sector of the plan, in hundredths of a pixel."""
        if self.kind is Kind.RECTANGLE:
            return RectangleSector(self.box())
        apex = self.apex
        if self.kind is Kind.FAN and apex is not None:
            start, end = (90 - math.degrees(angle) for angle in reversed(self._angles(apex)))
            radii = max(0.0, self.top - apex[1]), self.bottom - apex[1]
            return Fan(*(round(float(number), 2) for number in (*apex, *radii, start, end)))
        return polygon_of([self])


def polygon_of(outlines: list[Outline]) -> Polygon:
    """One polygon around several outlines: a line of no width leads from each to the next and back."""
    first, *others = (outline.corners() for outline in outlines)
    points = [*first, first[0]] if others else list(first)
    for corners in others:
        points += [*corners, corners[0], first[0]]
    return Polygon(tuple((round(float(x), 2), round(float(y), 2)) for x, y in points))


def _cut(points: np.ndarray, axis: int, at: float, keep: int) -> np.ndarray:
    """The part of a polygon beyond (`keep` 1) or before (-1) a column (axis 0) or a row (1)."""
    if not math.isfinite(at):
        return points
    kept = []
    for here, there in zip(points, np.roll(points, -1, axis=0), strict=True):
        is_in, next_is_in = keep * (here[axis] - at) >= 0, keep * (there[axis] - at) >= 0
        if is_in:
            kept.append(here)
        if is_in != next_is_in:
            share = (at - here[axis]) / (there[axis] - here[axis])
            kept.append(here + share * (there - here))
    return np.array(kept) if len(kept) >= 3 else points
