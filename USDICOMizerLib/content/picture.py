"""Frames -> the picture in them: its parts' outlines, the box around them, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np

from USDICOMizerLib.content.evidence import Evidence, components, find_evidence, opened, reduced, thickness
from USDICOMizerLib.content.outline import Outline, polygon_of
from USDICOMizerLib.content.outline_fit import Fit, fit_outline, refine
from USDICOMizerLib.geometry import CropBox, RectangleSector, Sector

_WORK_ROWS = 250  # fits are made in an image of about so many rows
_OPENING = 0.014  # of the rows: the radius of a disc that no text and no scale holds
_LEAST_AREA = 0.015  # of the image: a part of the picture
_LEAST_THICKNESS = 0.035  # of the rows: the radius of the largest disc in it
_MOST_PARTS = 4
_LEAST_CRUMB = 0.0025
_SAME_OUTLINE = 0.78  # share of the rows and columns of several pieces that end where one outline ends
_SPILLED = 0.02  # share of the pieces that may lie outside of it


@dataclass(frozen=True)
class Picture:
    """The picture on a screen: the outlines of its parts in pixels of the frame, and a confidence from 0 to 1."""

    outlines: tuple[Outline, ...]
    confidence: float
    told_by: str
    note: str = ""

    @property
    def box(self) -> CropBox:
        """The smallest box that holds all parts."""
        return reduce(CropBox.union, (outline.box() for outline in self.outlines))

    @property
    def sector(self) -> Sector:
        """All parts as one sector."""
        return self.outlines[0].sector() if len(self.outlines) == 1 else polygon_of(list(self.outlines))


def find_picture(frames: np.ndarray) -> Picture | None:
    """The picture in a few frames of one instance, uint8 RGB (frames, rows, columns, 3); None where there is none to be seen."""
    factor = max(1, round(frames.shape[1] / _WORK_ROWS))
    seen = []
    for evidence in find_evidence(frames):
        small = reduced(evidence.map, factor)
        parts = _parts(small > 0.5)
        if parts.large:
            seen.append((evidence, small, parts))
    if not seen:
        return None
    thick = [np.logical_or.reduce(parts.large) for _, _, parts in seen]
    agreed = np.sum(thick, axis=0) >= min(2, len(thick))  # no map is trusted alone
    judged = [found for evidence, small, parts in seen if (found := _judged(evidence, small, parts, agreed))]
    if not judged:
        return None
    best = max(judged, key=lambda found: found.score)
    return best.picture(factor)


@dataclass(frozen=True)
class _Judged:
    """The fits to one map of evidence, in the reduced image, and how good they are: all from 0 to 1."""

    evidence: Evidence
    fits: tuple[Fit, ...]
    support: float  # of the weakest part's edges
    covered: float  # share of the agreed picture that lies inside

    @property
    def score(self) -> float:
        return self.support * self.covered**4

    def picture(self, factor: int) -> Picture:
        """In full resolution."""
        fits = [refine(Fit(fit.outline.scaled(factor), fit.gain), self.evidence.map) for fit in self.fits]
        return Picture(tuple(fit.outline for fit in fits), self.score, self.evidence.name)


def _judged(evidence: Evidence, small: np.ndarray, parts: _Parts, agreed: np.ndarray) -> _Judged | None:
    fits = _fits(small, parts)
    if not fits:
        return None
    rows, columns = small.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inside = np.logical_or.reduce([fit.outline.holds(x, y) for fit in fits])
    covered = np.count_nonzero(inside & agreed) / max(1, np.count_nonzero(agreed))
    support = min(edge_support(fit.outline, small > 0.5) for fit in fits)
    return _Judged(evidence, tuple(fits), support, covered)


@dataclass(frozen=True)
class _Parts:
    """What of a map may be picture: the large parts, and crumbs that shadows may have cut off them."""

    large: tuple[np.ndarray, ...]
    crumbs: tuple[np.ndarray, ...]


def _parts(mask: np.ndarray) -> _Parts:
    """The thick components, without a window's frame, which three edges of the image touch."""
    rows = len(mask)
    thick = opened(mask, max(2.0, _OPENING * rows))
    pieces = [piece for piece in components(thick)[: 2 * _MOST_PARTS] if piece.sum() >= _LEAST_CRUMB * mask.size]
    free = [piece for piece in pieces if sum(edge.any() for edge in (piece[0], piece[-1], piece[:, 0], piece[:, -1])) < 3]
    large = [piece for piece in free if piece.sum() >= _LEAST_AREA * mask.size and thickness(piece) >= _LEAST_THICKNESS * rows]
    crumbs = [piece for piece in free if not any(piece is other for other in large)]
    return _Parts(tuple(large[:_MOST_PARTS]), tuple(crumbs))


def _fits(evidence: np.ndarray, parts: _Parts) -> list[Fit]:
    """One fit where one outline explains several parts, else one for each."""
    pieces = [*parts.large, *parts.crumbs]
    for together in ([pieces, list(parts.large)] if parts.crumbs else [pieces]):
        if len(together) > 1 and (fit := _common_fit(evidence, together)):
            return [fit]
    groups = [[part] for part in parts.large]
    for count in range(len(groups), 2, -1):  # one pair less a round
        pair = next(((one, two) for one, two in combinations(range(count), 2) if _common_fit(evidence, groups[one] + groups[two])), None)
        if pair is None:
            break
        joined = groups[pair[0]] + groups[pair[1]]
        groups = [joined, *(group for number, group in enumerate(groups) if number not in pair)]
    fits = []
    for group in groups:
        others = [part for part in parts.large if not any(part is own for own in group)]
        elsewhere = np.logical_or.reduce(others) if others else np.zeros(evidence.shape, bool)
        if fit := fit_outline(evidence * ~elsewhere, np.logical_or.reduce(group)):
            fits.append(fit)
    return fits


def _common_fit(evidence: np.ndarray, pieces: list[np.ndarray]) -> Fit | None:
    """The one outline of several pieces; None where they have none in common."""
    together = np.logical_or.reduce(pieces)
    fit = fit_outline(evidence, together)
    return fit if fit is not None and is_one_picture(fit.outline, together) else None


def is_one_picture(outline: Outline, seen: np.ndarray) -> bool:
    """Whether what was seen lies in the outline, and ends where it does: on both sides, and above or below.

    Above or below may be dark, and between the pieces it is.
    """
    rows, columns = seen.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inside = outline.holds(x, y)
    if np.count_nonzero(seen & ~inside) > _SPILLED * np.count_nonzero(seen):
        return False
    tolerance = 0.012 * max(seen.any(0).sum(), seen.any(1).sum()) + 1.5

    def agreement(one: np.ndarray, two: np.ndarray) -> float:
        there = one.any(axis=1)
        apart = np.abs(one[there].argmax(1) - two[there].argmax(1))
        return float(((apart <= tolerance) & two[there].any(axis=1)).mean())

    left, right = agreement(seen, inside), agreement(seen[:, ::-1], inside[:, ::-1])
    above, below = agreement(seen.T, inside.T), agreement(seen.T[:, ::-1], inside.T[:, ::-1])
    return min((left + right) / 2, max(above, below)) >= _SAME_OUTLINE


def edge_support(outline: Outline, evidence: np.ndarray) -> float:
    """How well the outline's edges part evidence from nothing: the mean over its four edges, at most 1, of inside less outside."""
    points = outline.corners()
    there = np.roll(points, -1, axis=0)
    along = there - points
    length = np.hypot(along[:, 0], along[:, 1])
    steps = np.concatenate([np.full(max(1, int(piece / 2)), number) for number, piece in enumerate(length)])
    share = np.concatenate([(np.arange(count := max(1, int(piece / 2))) + 0.5) / count for piece in length])
    at = points[steps] + along[steps] * share[:, None]
    normal = np.stack([along[steps, 1], -along[steps, 0]], axis=1) / np.maximum(length[steps], 1e-9)[:, None]  # outwards
    rows, columns = evidence.shape

    def seen(offsets: tuple[float, ...]) -> np.ndarray:
        values = []
        for offset in offsets:
            x, y = (np.floor(at[:, axis] + offset * normal[:, axis]).astype(int) for axis in (0, 1))
            held = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
            values.append(np.where(held, evidence[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)], False))
        return np.mean(values, axis=0)

    contrast = seen((-2, -3, -4, -5)) - seen((2, 3, 4, 5))
    return float(np.mean([np.clip(contrast[edge].mean(), 0, 1) for edge in _four_edges(normal) if edge.any()]))


def _four_edges(normal: np.ndarray) -> list[np.ndarray]:
    """Which samples belong to the left, upper, right and lower edge, by where they face."""
    flat = np.abs(normal[:, 1]) >= np.abs(normal[:, 0])
    return [~flat & (normal[:, 0] < 0), flat & (normal[:, 1] < 0), ~flat & (normal[:, 0] > 0), flat & (normal[:, 1] > 0)]
