"""Evidence -> the outline that fits it: first by the straight sides of its hull, then by what each edge gains when it moves.

The fit asks how much evidence an outline holds, less a share of its area. So an edge stays where a good part of its length is
seen, and shadows, cysts and dim corners don't pull it in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from USDICOMizerLib.content.edges import unseen_cuts
from USDICOMizerLib.content.outline import Kind, Outline

_SHARE = 0.4
"""An edge moves outwards as long as more than this share of the strip that it gains is evidence."""

_PART_WORTH = 0.8  # what is left out of a part weighs more than darkness that is held: shadows are dark, nothing else is speckle

_SIDE_POINTS = 48
_SIDE_TOLERANCE = 0.006  # of the picture's height: a point this near to a line is on it
_STEPS = (0.03, 0.012, 0.005, 0.002, 0.001)  # of the picture's height
# What a kind with more freedom has to gain, as a share of the area.
_COST = {Kind.RECTANGLE: 0.0, Kind.FAN: 0.01, Kind.TRAPEZOID: 0.012, Kind.FLAT_TOPPED: 0.03, Kind.CUT_FAN: 0.02}
_ASYMMETRY_COST = 0.08  # most probes look straight ahead; what looks askew is often a shadow on one side
_USUALLY_LOPSIDED = 0.08  # of the fan's width: a window's middle needn't be the fan's
_LOPSIDED_WEIGHS = 0.6
_WINDOW_STEP = 0.005  # of the picture's height
_UNSEEN_CUT_COST = 0.06  # a window's edge that is seen nowhere is a shadow's
_POINTS = 4_000
_POLISHED = 5  # of the outlines to begin with, so many are followed up


@dataclass(frozen=True)
class Fit:
    """An outline, and its gain: the share of the evidence that it explains, less what it holds beside that; at most 1.

    One that is symmetric was fitted so, and stays so.
    """

    outline: Outline
    gain: float
    symmetric: bool = False


@dataclass(frozen=True)
class _Sample:
    """The pixels that a fit is judged on: their middles, and what each is worth inside of an outline."""

    x: np.ndarray
    y: np.ndarray
    worth: np.ndarray
    best: float  # what could be gained
    due: float = 0.0  # of that, what an outline loses that holds none of the part

    def gain(self, outline: Outline) -> float:
        if not outline.is_possible:
            return -np.inf
        return (float(self.worth[outline.holds(self.x, self.y)].sum()) - self.due) / self.best


def fit_outline(evidence: np.ndarray, part: np.ndarray, *, quickly: bool = False) -> Fit | None:
    """The best outline of one part of the evidence, float (rows, columns) from 0 to 1; None where nothing fits.

    `part` is boolean: where the part lies; evidence elsewhere neither helps nor hinders. `quickly` is
    enough to see whether there is one outline at all.
    """
    sides = _sides(part)
    if sides is None:
        return None
    sample = _sample(evidence, part)
    best: dict[tuple[Kind, bool], tuple[float, Outline]] = {}
    for start, symmetric in _starts(part, sides):
        gain = sample.gain(start)
        if (start.kind, symmetric) not in best or gain > best[start.kind, symmetric][0]:
            best[start.kind, symmetric] = gain, start

    def cost(outline: Outline, symmetric: bool) -> float:
        askew = not symmetric and outline.kind is not Kind.RECTANGLE
        unseen = _UNSEEN_CUT_COST * min(unseen_cuts(outline, evidence), default=0)  # a side that is seen vouches for the other
        return _COST[outline.kind] + _ASYMMETRY_COST * askew + _lopsided(outline) + unseen

    begun = [(gain - cost(start, how[1]), start, how[1]) for how, (gain, start) in best.items() if np.isfinite(gain)]
    fits = []
    for _, start, symmetric in sorted(begun, key=lambda found: -found[0])[:_POLISHED]:
        outline = _polished(start, sample, _STEPS[:2], symmetric)
        fits.append((sample.gain(outline) - cost(outline, symmetric), outline, symmetric))
    if not fits:
        return None
    _, outline, symmetric = max(fits, key=lambda found: found[0])
    if not quickly:
        outline = _polished(outline, sample, _STEPS[2:], symmetric)
    return Fit(outline, sample.gain(outline), symmetric)


def _lopsided(outline: Outline) -> float:
    """The cost of a window that cuts one side of a fan much more than the other: that is a shadow rather."""
    if outline.kind is not Kind.CUT_FAN:
        return 0.0
    uncut = replace(outline, window_left=-np.inf, window_right=np.inf).corners()[:, 0]
    cut = max(0.0, outline.window_left - uncut.min()), max(0.0, uncut.max() - outline.window_right)
    difference = abs(cut[0] - cut[1]) / max(1.0, float(uncut.max() - uncut.min()))
    return _LOPSIDED_WEIGHS * max(0.0, difference - _USUALLY_LOPSIDED)


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
    return replace(fit, outline=_polished(outline, sample, _STEPS[2:], fit.symmetric))


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
    bonus = (np.float32(_PART_WORTH) * part[y, x]).ravel()
    points = (x + 0.5).ravel().astype(np.float32), (y + 0.5).ravel().astype(np.float32)
    return _Sample(*points, worth + bonus, max(1.0, float(worth[worth > 0].sum())), float(bonus.sum()))


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


def _starts(part: np.ndarray, sides: _Sides) -> Iterator[tuple[Outline, bool]]:
    """Outlines of each kind to begin with, and whether each is symmetric and to stay so."""
    above, below = sides.y[0] - 0.5, sides.y[-1] + 0.5
    far_left, far_right = float(np.percentile(sides.left, 1)), float(np.percentile(sides.right, 99))
    yield Outline(Kind.RECTANGLE, above, below, far_left, far_left, far_right, far_right, above, below), False
    lefts = list(_lines(sides.y, sides.left, sides.height, outwards=-1))
    rights = list(_lines(sides.y, sides.right, sides.height, outwards=1))
    pairs = [(left, right, False) for left in lefts for right in rights]
    # The mirror image of one side, as far out as the part reaches.
    pairs += [((_outermost(sides.left + right[1] * sides.y, 2), -right[1]), right, True) for right in rights]
    pairs += [(left, (_outermost(sides.right + left[1] * sides.y, 98), -left[1]), True) for left in lefts]
    for (left, left_slope), (right, right_slope), symmetric in pairs:
        slanted = Outline(
            Kind.TRAPEZOID,
            above,
            below,
            left + left_slope * above,
            left + left_slope * below,
            right + right_slope * above,
            right + right_slope * below,
            above,
            below,
        )
        yield slanted, symmetric
        apex = slanted.apex
        if apex is None or apex[1] >= below:
            continue
        axis = int(np.clip(round(apex[0]), 0, part.shape[1] - 1))
        column = np.flatnonzero(part[:, max(0, axis - 3) : axis + 4].any(axis=1))
        top = max(float(column[0]) if len(column) else above, apex[1])
        yield replace(slanted, kind=Kind.FLAT_TOPPED), symmetric
        yield replace(slanted, kind=Kind.FAN, top=top), symmetric
        window = {"window_left": far_left, "window_right": far_right, "window_bottom": below}
        yield replace(slanted, kind=Kind.CUT_FAN, top=top, **window), symmetric


def _outermost(values: np.ndarray, percentile: int) -> float:
    return float(np.percentile(values, percentile))


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
_SYMMETRIC_MOVES = (
    {"left_above": 1, "left_below": 1, "right_above": 1, "right_below": 1},
    {"left_above": 1, "left_below": 1, "right_above": -1, "right_below": -1},
    {"left_above": 1, "right_above": -1},
    {"left_below": 1, "right_below": -1},
)
_END_MOVES = ({"top": 1}, {"bottom": 1})
_WINDOW_MOVES = ({"window_left": 1}, {"window_right": 1}, {"window_bottom": 1})


def _moves(kind: Kind, symmetric: bool, share: float) -> tuple[dict[str, int], ...]:
    """The edges that may move, together in the directions of the signs, in steps of a share of the height.

    The window of a symmetric fan moves in small steps only, that it doesn't slide to the edge of a shadow.
    """
    if kind is Kind.RECTANGLE:
        return *_SIDE_MOVES[:2], *_END_MOVES
    sides = _SYMMETRIC_MOVES if symmetric else _SIDE_MOVES
    windows = _WINDOW_MOVES if kind is Kind.CUT_FAN and (not symmetric or share <= _WINDOW_STEP) else ()
    return *sides, *_END_MOVES, *windows


def _polished(outline: Outline, sample: _Sample, steps: tuple[float, ...], symmetric: bool) -> Outline:
    """Move one edge at a time as long as that gains, in ever smaller steps."""
    best = sample.gain(outline)
    height = outline.bottom - outline.top
    for share in steps:
        step = max(0.12, share * height)
        for _ in range(6):
            before = best
            for move in _moves(outline.kind, symmetric, share):
                for sign in (step, -step):
                    while (
                        gain := sample.gain(moved := outline.moved(**{name: sign * way for name, way in move.items()}))
                    ) > best:
                        outline, best = moved, gain
            if best <= before:
                break
    return outline
