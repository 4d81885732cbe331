"""Evidence -> the outline that fits it: first by the straight sides of its hull, then by what each edge gains when it moves.

The fit asks how much evidence an outline holds, less a share of its area. So an edge stays where a good part of its length is
seen, and shadows, cysts and dim corners don't pull it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from USDICOMizerLib.content.outline import Kind, Outline

_SHARE = 0.4
"""An edge moves outwards as long as more than this share of the strip that it gains is evidence."""

_SIDE_POINTS = 48
_SIDE_TOLERANCE = 0.006  # of the picture's height: a point this near to a line is on it
_STEPS = (0.03, 0.012, 0.005, 0.002, 0.001)  # of the picture's height
# What a kind with more freedom has to gain, as a share of the area.
_COST = {Kind.RECTANGLE: 0.0, Kind.FAN: 0.01, Kind.TRAPEZOID: 0.025, Kind.FLAT_TOPPED: 0.03, Kind.CUT_FAN: 0.035}
_POINTS = 6_000


@dataclass(frozen=True)
class Fit:
    """An outline, and its gain: the share of the evidence's hull that it explains, at most 1."""

    outline: Outline
    gain: float


@dataclass(frozen=True)
class _Sample:
    """The pixels that a fit is judged on: their middles, and what each is worth inside of an outline."""

    x: np.ndarray
    y: np.ndarray
    worth: np.ndarray
    best: float  # what could be gained

    def gain(self, outline: Outline) -> float:
        if not outline.is_possible:
            return -np.inf
        return float(self.worth[outline.holds(self.x, self.y)].sum()) / self.best


def fit_outline(evidence: np.ndarray, part: np.ndarray, *, quickly: bool = False) -> Fit | None:
    """The best outline of one part of the evidence, float (rows, columns) from 0 to 1; None where nothing fits.

    `part` is boolean: where the part lies; evidence elsewhere neither helps nor hinders. `quickly` is
    enough to see whether there is one outline at all.
    """
    sides = _sides(part)
    if sides is None:
        return None
    sample = _sample(evidence, part)
    best: dict[Kind, tuple[float, Outline]] = {}
    for start in _starts(part, sides):
        gain = sample.gain(start)
        if start.kind not in best or gain > best[start.kind][0]:
            best[start.kind] = gain, start
    fits = []
    for gain, start in best.values():
        if np.isfinite(gain):
            outline = _polished(start, sample, _STEPS[:2])
            fits.append((sample.gain(outline) - _COST[outline.kind], outline))
    if not fits:
        return None
    _, outline = max(fits, key=lambda found: found[0])
    if not quickly:
        outline = _polished(outline, sample, _STEPS[2:])
    return Fit(outline, sample.gain(outline))


def refine(fit: Fit, evidence: np.ndarray) -> Fit:
    """The same outline, polished on evidence in full resolution, of which only the surroundings of its edges are looked at."""
    rows, columns = evidence.shape
    outline = fit.outline
    reach = 0.02 * (outline.bottom - outline.top) + 3
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inner, outer = _grown(outline, -reach), _grown(outline, reach)
    near = outer.holds(x, y)
    if inner.is_possible:
        near &= ~inner.holds(x, y)
    chosen = np.flatnonzero(near)
    chosen = chosen[:: max(1, len(chosen) // (3 * _POINTS))]
    sample = _Sample(x.ravel()[chosen], y.ravel()[chosen], evidence.ravel()[chosen] - np.float32(_SHARE), max(1.0, len(chosen)))
    return Fit(_polished(outline, sample, _STEPS[2:]), fit.gain)


def _grown(outline: Outline, by: float) -> Outline:
    changes = {"left_above": -by, "left_below": -by, "right_above": by, "right_below": by, "top": -by, "bottom": by}
    if np.isfinite(outline.window_left):
        changes |= {"window_left": -by, "window_right": by, "window_bottom": by}
    grown = outline.moved(**changes)
    if outline.kind in (Kind.FAN, Kind.CUT_FAN) and grown.apex is not None and grown.apex[1] > grown.top:
        grown = replace(grown, top=grown.apex[1])
    return grown


def _sample(evidence: np.ndarray, part: np.ndarray) -> _Sample:
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    margin = 0.08 * max(rows[-1] - rows[0], columns[-1] - columns[0]) + 2
    top, bottom = max(0, int(rows[0] - margin)), min(len(part), int(rows[-1] + margin) + 1)
    left, right = max(0, int(columns[0] - margin)), min(part.shape[1], int(columns[-1] + margin) + 1)
    step = max(1, round(((bottom - top) * (right - left) / _POINTS) ** 0.5))
    y, x = np.mgrid[top:bottom:step, left:right:step]
    worth = (evidence[y, x] - np.float32(_SHARE)).ravel().astype(np.float32)
    return _Sample(
        (x + 0.5).ravel().astype(np.float32), (y + 0.5).ravel().astype(np.float32), worth, max(1.0, float(worth[worth > 0].sum()))
    )


@dataclass(frozen=True)
class _Sides:
    """The outermost pixels of a part in each row that it has, and its extent."""

    y: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def height(self) -> float:
        return float(self.y[-1] - self.y[0] + 1)


def _sides(part: np.ndarray) -> _Sides | None:
    rows = np.flatnonzero(part.any(axis=1))
    if len(rows) < 8:
        return None
    left = part[rows].argmax(axis=1).astype(float)
    right = part.shape[1] - part[rows, ::-1].argmax(axis=1).astype(float)
    return _Sides(rows + 0.5, left, right)


def _starts(part: np.ndarray, sides: _Sides) -> Iterator[Outline]:
    """Outlines of each kind to begin with."""
    above, below = sides.y[0] - 0.5, sides.y[-1] + 0.5
    far_left, far_right = float(np.percentile(sides.left, 3)), float(np.percentile(sides.right, 97))
    yield Outline(Kind.RECTANGLE, above, below, far_left, far_left, far_right, far_right, above, below)
    lefts = list(_lines(sides.y, sides.left, sides.height, outwards=-1))
    rights = list(_lines(sides.y, sides.right, sides.height, outwards=1))
    for left_above, left_slope in lefts:
        for right_above, right_slope in rights:
            slanted = Outline(
                Kind.TRAPEZOID,
                above,
                below,
                left_above + left_slope * above,
                left_above + left_slope * below,
                right_above + right_slope * above,
                right_above + right_slope * below,
                above,
                below,
            )
            yield slanted
            apex = slanted.apex
            if apex is None or apex[1] >= below:
                continue
            axis = int(np.clip(round(apex[0]), 0, part.shape[1] - 1))
            column = np.flatnonzero(part[:, max(0, axis - 3) : axis + 4].any(axis=1))
            top = max(float(column[0]) if len(column) else above, apex[1])
            # The arc's deepest point is below the apex, also where the picture is dark there.
            flat_top = replace(slanted, kind=Kind.FLAT_TOPPED)
            yield flat_top
            yield replace(slanted, kind=Kind.FAN, top=top)
            yield replace(slanted, kind=Kind.CUT_FAN, top=top, window_left=far_left, window_right=far_right, window_bottom=below)


def _lines(y: np.ndarray, x: np.ndarray, height: float, *, outwards: int) -> Iterator[tuple[float, float]]:
    """The straight lines that most of a side lies on, as x = offset + slope * y: the best, and the best that slants.

    A line with points outside of it is none of the picture's side.
    """
    chosen = np.unique(np.linspace(0, len(y) - 1, _SIDE_POINTS).astype(int))
    ys, xs = y[chosen], x[chosen]
    tolerance = max(1.0, _SIDE_TOLERANCE * height)
    pairs = np.array([pair for pair in combinations(range(len(ys)), 2) if pair[1] - pair[0] >= 4])
    if not len(pairs):
        return
    slope = (xs[pairs[:, 1]] - xs[pairs[:, 0]]) / (ys[pairs[:, 1]] - ys[pairs[:, 0]])
    offset = xs[pairs[:, 0]] - slope * ys[pairs[:, 0]]
    apart = outwards * (xs[None] - offset[:, None] - slope[:, None] * ys[None])
    score = (np.abs(apart) <= tolerance).sum(axis=1) - 1.2 * (apart > 3 * tolerance).sum(axis=1)
    taken: list[tuple[float, float]] = []
    for best in np.argsort(-score)[:200]:
        if score[best] < 6:
            break
        line = float(offset[best]), float(slope[best])
        if all(abs(line[1] - other[1]) > 0.08 for other in taken):
            taken.append(_settled(y, x, line, tolerance))
        if len(taken) == 3:
            break
    yield from taken


def _settled(y: np.ndarray, x: np.ndarray, line: tuple[float, float], tolerance: float) -> tuple[float, float]:
    """The line of least squares through all points near a line."""
    near = np.abs(x - line[0] - line[1] * y) <= tolerance
    if near.sum() < 6:
        return line
    slope, offset = np.polyfit(y[near], x[near], 1)
    return float(offset), float(slope)


_MOVES: dict[Kind, tuple[dict[str, int], ...]] = {}
_SIDE_MOVES = (
    {"left_above": 1, "left_below": 1},
    {"right_above": 1, "right_below": 1},
    {"left_above": 1},
    {"left_below": 1},
    {"right_above": 1},
    {"right_below": 1},
    {"left_above": 1, "right_above": -1},
    {"left_below": 1, "right_below": -1},
)
_END_MOVES = ({"top": 1}, {"bottom": 1})
_MOVES[Kind.RECTANGLE] = (*_SIDE_MOVES[:2], *_END_MOVES)
_MOVES[Kind.TRAPEZOID] = _MOVES[Kind.FAN] = _MOVES[Kind.FLAT_TOPPED] = (*_SIDE_MOVES, *_END_MOVES)
_MOVES[Kind.CUT_FAN] = (*_SIDE_MOVES, *_END_MOVES, {"window_left": 1}, {"window_right": 1}, {"window_bottom": 1})


def _polished(outline: Outline, sample: _Sample, steps: tuple[float, ...]) -> Outline:
    """Move one edge at a time as long as that gains, in ever smaller steps."""
    best = sample.gain(outline)
    height = outline.bottom - outline.top
    for share in steps:
        step = max(0.12, share * height)
        for _ in range(6):
            before = best
            for move in _MOVES[outline.kind]:
                for sign in (step, -step):
                    while (
                        gain := sample.gain(moved := outline.moved(**{name: sign * way for name, way in move.items()}))
                    ) > best:
                        outline, best = moved, gain
            if best <= before:
                break
    return outline
