"""Boxes and sectors on the stored frame, and every conversion between their forms: pure arithmetic.

Coordinates are pixels of the stored frame: x is the column from the left, y the row from the top; pixel
(column, row) covers [column, column + 1) x [row, row + 1). Boxes are half-open. What can't be understood or
holds nothing is a ValueError, whose message says what would be right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A pixel that reaches outside of a sector by less than this is inside: so much may rounding differ between
# machines, and it is a millionth of a pixel.
_TOLERANCE = 1e-6

_SEPARATORS = re.compile(r"[,;\s]+")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_FRAMES = re.compile(r"([0-9]+)(?:\s*-\s*([0-9]+))?")


@dataclass(frozen=True)
class CropBox:
    """Columns left..right-1 and rows top..bottom-1 of the stored frame. Never empty, never inverted."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(f"the box {self} is empty: right must exceed left, and bottom must exceed top")

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.right},{self.bottom}"

    @classmethod
    def parse(cls, text: str) -> CropBox:
        """Read "L,T,R,B": four whole numbers with commas, semicolons or spaces between them.

        Raises ValueError for anything else, and for a box that is empty or starts left of or above the image.
        """
        parts = _split(text)
        if len(parts) == 1 and len(parts[0]) > 5 and parts[0].isdecimal():
            raise ValueError(
                "this is one number, and a box has four: if a spreadsheet joined them, write them with spaces "
                "(337 69 686 727) into a cell formatted as text"
            )
        if len(parts) != 4 or not all(re.fullmatch(r"-?[0-9]+", part) for part in parts):
            raise ValueError("this is not a box: give left, top, right, bottom in whole pixels (337,69,686,727)")
        box = cls(*map(int, parts))
        if box.left < 0 or box.top < 0:
            raise ValueError(f"the box {box} starts outside of any image: left and top are 0 or more")
        return box

    @property
    def width(self) -> int:
        """Columns that it holds."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows that it holds."""
        return self.bottom - self.top

    def fits(self, columns: int, rows: int) -> bool:
        """Whether it lies wholly in an image of this size."""
        return self.left >= 0 and self.top >= 0 and self.right <= columns and self.bottom <= rows

    def contains(self, other: CropBox) -> bool:
        """Whether every pixel of `other` is in this box."""
        return self.union(other) == self

    def intersection(self, other: CropBox) -> CropBox | None:
        """The pixels in both boxes; None when there are none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return CropBox(left, top, right, bottom) if left < right and top < bottom else None

    def clipped_to(self, columns: int, rows: int) -> CropBox | None:
        """The part of it in an image of this size; None when there is none."""
        return self.intersection(CropBox(0, 0, columns, rows)) if columns > 0 and rows > 0 else None

    def union(self, other: CropBox) -> CropBox:
        """The smallest box that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return CropBox(left, top, max(self.right, other.right), max(self.bottom, other.bottom))

    def moved(self, dx: int, dy: int) -> CropBox:
        """Shifted by whole pixels, to the right and down."""
        return CropBox(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def expanded(self, margin: int) -> CropBox:
        """Wider by `margin` pixels on all four sides (narrower when negative: ValueError when nothing would be left)."""
        return CropBox(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def snapped_inward(self, step_x: int, step_y: int, columns: int, rows: int) -> CropBox | None:
        """The largest box inside this one whose sides are multiples of the steps; None when there is none.

        The image's own right and bottom edges count as on the grid: the last block of an image may be incomplete.
        Inward on all four sides, so that a block that is partly to be cut is cut.
        """
        clipped = self.clipped_to(columns, rows)
        if clipped is None:
            return None
        left, top = -(-clipped.left // step_x) * step_x, -(-clipped.top // step_y) * step_y
        right = columns if clipped.right == columns else clipped.right // step_x * step_x
        bottom = rows if clipped.bottom == rows else clipped.bottom // step_y * step_y
        return CropBox(left, top, right, bottom) if left < right and top < bottom else None

    @classmethod
    def from_roi(cls, centre: tuple[float, float], size: tuple[float, float], spacing: tuple[float, float]) -> CropBox:
        """The box of a ROI on Slicer's slice view, its sides rounded to the nearest pixel edges; at least one pixel.

        `centre` is (R, A) and `size` the extent along R and A, in mm; `spacing` is (x, y) in mm. There column = -R / x
        and row = -A / y, with pixel edges at -0.5 and +0.5.
        """
        edges = []
        for middle, extent, step in zip(centre, size, spacing, strict=True):
            # The nearest edge to c is floor(c + 1/2), and edges are half a pixel before the centres that Slicer counts from.
            first = math.floor((-middle - extent / 2) / step + 1)
            edges.append((first, max(first + 1, math.floor((-middle + extent / 2) / step + 1))))
        (left, right), (top, bottom) = edges
        return cls(left, top, right, bottom)

    def to_roi(self, spacing: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ROI on Slicer's slice view that encloses the box exactly: ((R, A) of its centre, (R, A) extent), in mm."""
        x, y = spacing
        centre = (-(self.left + self.right - 1) / 2 * x, -(self.top + self.bottom - 1) / 2 * y)
        return centre, (self.width * x, self.height * y)


@dataclass(frozen=True)
class Redaction:
    """A box of the stored frame that is blanked, in all frames or in a range of them.

    `first_frame` and `last_frame` count from 1 as DICOM's frame numbers do, and are both included; None means all.
    """

    box: CropBox
    first_frame: int | None = None
    last_frame: int | None = None

    def __post_init__(self) -> None:
        if self.first_frame is None and self.last_frame is None:
            return
        if self.first_frame is None or self.last_frame is None or not 1 <= self.first_frame <= self.last_frame:
            raise ValueError("the frames of a redaction are a first and a last one, counted from 1: @ 1-10")

    def __str__(self) -> str:
        box = f"{self.box.left} {self.box.top} {self.box.right} {self.box.bottom}"
        return box if self.first_frame is None else f"{box} @ {self.first_frame}-{self.last_frame}"

    def covers(self, frame_number: int) -> bool:
        """Whether it applies to the frame with this number, counted from 1."""
        return self.first_frame is None or self.first_frame <= frame_number <= self.last_frame


def parse_redactions(text: str) -> tuple[Redaction, ...]:
    """Read the plan's form, "10 20 110 40 @ 1-10 | 0 0 50 20": boxes, each with a range of frames or without.

    An empty text is no redaction. Raises ValueError.
    """
    redactions = []
    for part in filter(str.strip, text.split("|")):
        box, at, frames = part.partition("@")
        first = last = None
        if at:
            match = _FRAMES.fullmatch(frames.strip())
            if match is None:
                raise ValueError("after @ comes a range of frames: @ 1-10, or @ 5 for one frame")
            first, last = int(match[1]), int(match[2] or match[1])
        redactions.append(Redaction(CropBox.parse(box), first, last))
    return tuple(redactions)


def format_redactions(redactions: Sequence[Redaction]) -> str:
    """The form that `parse_redactions` reads."""
    return " | ".join(map(str, redactions))


@dataclass(frozen=True)
class Fan:
    """The part of a ring between two rays from its centre: the picture of a curved or phased probe.

    The apex and the radii are in pixels; the angles in degrees, 0 to the right and 90 downwards, as the picture is
    seen clockwise, from `start_angle` to `end_angle`, at most 360 apart.
    """

    apex_x: float
    apex_y: float
    inner_radius: float
    outer_radius: float
    start_angle: float
    end_angle: float

    def __post_init__(self) -> None:
        _require_finite(*self._numbers())
        if not 0 <= self.inner_radius < self.outer_radius:
            raise ValueError("the radii of a fan are an inner one of 0 or more and a larger outer one")
        if not 0 < self.end_angle - self.start_angle <= 360 + _TOLERANCE:
            raise ValueError("a fan goes from its start angle clockwise to a larger end angle, by at most 360 degrees")

    def __str__(self) -> str:
        return " ".join(["fan", *map(_number_text, self._numbers())])

    def _numbers(self) -> tuple[float, ...]:
        return (self.apex_x, self.apex_y, self.inner_radius, self.outer_radius, self.start_angle, self.end_angle)

    def moved(self, dx: float, dy: float) -> Fan:
        """Shifted by so many pixels, to the right and down."""
        return Fan(self.apex_x + dx, self.apex_y + dy, *self._numbers()[2:])

    def mask(self, rows: int, columns: int) -> np.ndarray:
        """Boolean (rows, columns): True for the pixels that lie wholly inside."""
        left = np.arange(columns)[None, :] - self.apex_x
        top = np.arange(rows)[:, None] - self.apex_y
        right, bottom = left + 1, top + 1
        farthest = np.hypot(np.maximum(-left, right), np.maximum(-top, bottom))
        nearest = np.hypot(np.maximum(np.maximum(left, -right), 0), np.maximum(np.maximum(top, -bottom), 0))
        ring = (farthest <= self.outer_radius + _TOLERANCE) & (nearest >= self.inner_radius - _TOLERANCE)
        return ring & self._between_rays(left, top, right, bottom)

    def _between_rays(self, left: np.ndarray, top: np.ndarray, right: np.ndarray, bottom: np.ndarray) -> np.ndarray | bool:
        """Which pixels (given by their edges, relative to the apex) lie wholly between the two rays."""
        span = self.end_angle - self.start_angle
        if span >= 360:
            return True
        start, end = math.radians(self.start_angle), math.radians(self.end_angle)
        # Unit normals of the rays, pointing to the side that the fan is on.
        beyond_start = _lowest(-math.sin(start), math.cos(start), left, top, right, bottom) >= -_TOLERANCE
        before_end = _lowest(math.sin(end), -math.cos(end), left, top, right, bottom) >= -_TOLERANCE
        if span <= 180:
            return beyond_start & before_end
        # What is left out is a convex wedge: a pixel is clear of it when a side of the wedge or of the pixel separates them.
        clear = beyond_start | before_end
        for low, high, along in ((left, right, math.cos), (top, bottom, math.sin)):
            wedge = along(start), along(end)
            if min(wedge) >= 0:
                clear = clear | (high <= _TOLERANCE)
            if max(wedge) <= 0:
                clear = clear | (low >= -_TOLERANCE)
        return clear


@dataclass(frozen=True)
class Polygon:
    """The inside (by the even-odd rule) of a closed line through three or more (x, y) points, in pixels."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(set(self.points)) < 3:
            raise ValueError("a polygon has three points or more, each as x y")
        _require_finite(*(number for point in self.points for number in point))

    def __str__(self) -> str:
        return " ".join(["polygon", *(_number_text(number) for point in self.points for number in point)])

    def moved(self, dx: float, dy: float) -> Polygon:
        """Shifted by so many pixels, to the right and down."""
        return Polygon(tuple((x + dx, y + dy) for x, y in self.points))

    def mask(self, rows: int, columns: int) -> np.ndarray:
        """Boolean (rows, columns): True for the pixels that lie wholly inside."""
        inside = np.zeros((rows, columns), bool)
        crossed = np.zeros((rows, columns), bool)
        middle_x, middle_y = np.arange(columns) + 0.5, np.arange(rows) + 0.5
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:] + self.points[:1], strict=True):
            spanned = np.flatnonzero((y0 <= middle_y) != (y1 <= middle_y))
            if spanned.size:
                at = x0 + (middle_y[spanned] - y0) * (x1 - x0) / (y1 - y0)
                inside[spanned] ^= middle_x[None, :] < at[:, None]
            _mark_crossed(crossed, x0, y0, x1, y1)
        # The line passes through no pixel that remains, so its middle speaks for all of it.
        return inside & ~crossed


@dataclass(frozen=True)
class RectangleSector:
    """A rectangle outside of which pixels are blanked: the picture of a linear probe."""

    box: CropBox

    def __str__(self) -> str:
        return f"rectangle {self.box.left} {self.box.top} {self.box.right} {self.box.bottom}"

    def moved(self, dx: int, dy: int) -> RectangleSector:
        """Shifted by whole pixels, to the right and down."""
        return RectangleSector(self.box.moved(dx, dy))

    def mask(self, rows: int, columns: int) -> np.ndarray:
        """Boolean (rows, columns): True for the pixels inside."""
        mask = np.zeros((rows, columns), bool)
        clipped = self.box.clipped_to(columns, rows)
        if clipped is not None:
            mask[clipped.top : clipped.bottom, clipped.left : clipped.right] = True
        return mask


Sector = Fan | Polygon | RectangleSector


def parse_sector(text: str) -> Sector:
    """Read the plan's form: "fan X Y INNER OUTER START END", "polygon X Y X Y X Y ..." or "rectangle L T R B".

    Raises ValueError.
    """
    kind, _, rest = text.strip().partition(" ")
    if kind.lower() == "rectangle":
        return RectangleSector(CropBox.parse(rest))
    parts = _split(rest)
    if all(map(_NUMBER.fullmatch, parts)):
        numbers = [float(part) for part in parts]
        if kind.lower() == "fan" and len(numbers) == 6:
            return Fan(*numbers)
        if kind.lower() == "polygon" and len(numbers) % 2 == 0:
            return Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    raise ValueError(
        "this is not a sector: give fan X Y INNER OUTER START END (angles in degrees, 90 is down), "
        "polygon X Y X Y X Y ..., or rectangle L T R B, with decimal points"
    )


@dataclass(frozen=True)
class CroppedRegion:
    """Where an ultrasound region lies in the cropped frame.

    `left`, `top`, `right`, `bottom` are its new Region Location Min X0, Min Y0, Max X1, Max Y1: inclusive, from the
    crop's corner. `clipped_left` and `clipped_top` are the pixels that the crop took off the region itself: its
    reference pixel, which counts from the region's corner (PS3.3 C.8.5.5.1.16), moves by so many to the left and up.
    """

    left: int
    top: int
    right: int
    bottom: int
    clipped_left: int
    clipped_top: int


def crop_region(region: CropBox, box: CropBox) -> CroppedRegion | None:
    """Shift a region (half-open here, possibly larger than the image) to the crop and clip it; None if nothing of it remains."""
    kept = region.intersection(box)
    if kept is None:
        return None
    placed = kept.moved(-box.left, -box.top)
    clipped = (kept.left - region.left, kept.top - region.top)
    return CroppedRegion(placed.left, placed.top, placed.right - 1, placed.bottom - 1, *clipped)


def _split(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text) if part]


def _number_text(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(float(value))


def _require_finite(*numbers: float) -> None:
    if not all(map(math.isfinite, numbers)):
        raise ValueError("the numbers of a sector are finite")


def _lowest(
    normal_x: float, normal_y: float, left: np.ndarray, top: np.ndarray, right: np.ndarray, bottom: np.ndarray
) -> np.ndarray:
    """The smallest distance along a normal among the four corners of each pixel."""
    return normal_x * (left if normal_x > 0 else right) + normal_y * (top if normal_y > 0 else bottom)


def _mark_crossed(crossed: np.ndarray, x0: float, y0: float, x1: float, y1: float) -> None:
    """Set True where a line segment passes through the inside of a pixel; running along its edge doesn't count."""
    rows, columns = crossed.shape
    across, down = _pixels_between(x0, x1, columns), _pixels_between(y0, y1, rows)
    left = np.arange(columns)[None, across] + _TOLERANCE - x0
    top = np.arange(rows)[down, None] + _TOLERANCE - y0
    size = 1 - 2 * _TOLERANCE
    normal_x, normal_y = y0 - y1, x1 - x0
    lowest = _lowest(normal_x, normal_y, left, top, left + size, top + size)
    highest = -_lowest(-normal_x, -normal_y, left, top, left + size, top + size)
    crossed[down, across] |= (lowest < 0) & (highest > 0)


def _pixels_between(start: float, end: float, count: int) -> slice:
    """The pixels of an axis whose inside meets the interval between two coordinates."""
    first = min(max(0, math.floor(min(start, end) + _TOLERANCE)), count)
    return slice(first, max(first, min(count, math.ceil(max(start, end) - _TOLERANCE))))
