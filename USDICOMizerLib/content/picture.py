"""Frames -> the picture in them: its parts' outlines, the box around them, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations

import numpy as np

from USDICOMizerLib.content.evidence import Evidence, components, find_evidence, opened, reduced, thickness
from USDICOMizerLib.content.outline import Outline, polygon_of
from USDICOMizerLib.content.outline_fit import Fit, fit_outline, refine
from USDICOMizerLib.geometry import CropBox, Sector

_WORK_ROWS = 250  # fits are made in an image of about so many rows
_OPENING = 0.014  # of the rows: the radius of a disc that no text and no scale holds
_CRUMB_OPENING = 0.008
_MOST_CRUMBS = 3
_LEAST_AREA = 0.015  # of the image: a part of the picture
_LEAST_THICKNESS = 0.035  # of the rows: the radius of the largest disc in it
_MOST_PARTS = 4
_SAME_MAP = 0.002  # the mean difference of maps that needn't be looked at twice
_GOOD = 0.88  # a fit with this score needs no other map
_LEAST_CRUMB = 0.0025
_SAME_OUTLINE = 0.78  # share of the rows and columns of several pieces that end where one outline ends
_USUAL_CRUMBS = 0.04  # grey bars and logos, as a share of the picture
_CRUMBS_WEIGH = 2.5
_SPILLED = 0.02  # share of the pieces that may lie outside of it


@dataclass(frozen=True)
class Picture:
    """The picture on a screen: the outlines of its parts in pixels of the frame, and a confidence from 0 to 1."""

    outlines: tuple[Outline, ...]
    confidence: float
    note: str

    @property
    def box(self) -> CropBox:
        """The smallest box that holds all parts; it may reach out of the image."""
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
        if any(np.abs(small - other).mean() < _SAME_MAP for _, other, _ in seen):
            continue
        parts = _parts(small > 0.5)
        if parts.large:
            seen.append((evidence, small, parts))
    if not seen:
        return None
    thick = [np.logical_or.reduce(parts.large) for _, _, parts in seen]
    agreed = np.sum(thick, axis=0) >= min(2, len(thick))  # no map is trusted alone, where there are several
    # The maps that show most of it first; one that fits well spares the others.
    order = sorted(range(len(seen)), key=lambda index: -np.count_nonzero(thick[index] & agreed))
    best: _Judged | None = None
    for index in order:
        found = _judged(*seen[index], agreed)
        if found is not None and (best is None or found.score > best.score):
            best = found
        if best is not None and best.score >= _GOOD:
            break
    return best.picture(factor) if best else None


@dataclass(frozen=True)
class _Judged:
    """The fits to one map of evidence, in the reduced image, and how good they are: all from 0 to 1."""

    evidence: Evidence
    fits: tuple[Fit, ...]
    support: float  # of the weakest part's edges
    covered: float  # share of the agreed picture that lies inside
    beside: float  # crumbs that lie outside, as a share of what lies inside

    @property
    def score(self) -> float:
        return self.support * self.covered**4 * max(0.0, 1 - _CRUMBS_WEIGH * max(0.0, self.beside - _USUAL_CRUMBS))

    def picture(self, factor: int) -> Picture:
        """In full resolution."""
        fits = [refine(replace(fit, outline=fit.outline.scaled(factor)), self.evidence.map) for fit in self.fits]
        outlines = tuple(fit.outline for fit in fits)
        return Picture(outlines, self.score, f"Found in the picture: {' and '.join(outline.kind for outline in outlines)}.")


def _judged(evidence: Evidence, small: np.ndarray, parts: _Parts, agreed: np.ndarray) -> _Judged | None:
    fits = _fits(small, parts)
    if not fits:
        return None
    rows, columns = small.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inside = np.logical_or.reduce([fit.outline.holds(x, y) for fit in fits])
    covered = np.count_nonzero(inside & agreed) / max(1, np.count_nonzero(agreed))
    support = min(edge_support(fit.outline, small > 0.5) for fit in fits)
    crumbs = sum(np.count_nonzero(crumb & ~inside) for crumb in parts.crumbs)
    return _Judged(evidence, tuple(fits), support, covered, crumbs / max(1, np.count_nonzero(inside)))


@dataclass(frozen=True)
class _Parts:
    """What of a map may be picture: the large parts, and crumbs that shadows may have cut off them."""

    large: tuple[np.ndarray, ...]
    crumbs: tuple[np.ndarray, ...]


def _parts(mask: np.ndarray) -> _Parts:
    """The thick components, without a window's frame, which three edges of the image touch."""
    rows = len(mask)
    large = [piece for piece in _pieces(mask, _OPENING, _LEAST_AREA)[:_MOST_PARTS] if thickness(piece) >= _LEAST_THICKNESS * rows]
    known = np.logical_or.reduce(large) if large else np.zeros_like(mask)
    crumbs = [piece for piece in _pieces(mask & ~known, _CRUMB_OPENING, _LEAST_CRUMB) if not (piece & known).any()]
    return _Parts(tuple(large), tuple(crumbs[:_MOST_CRUMBS]))


def _pieces(mask: np.ndarray, opening: float, least_area: float) -> list[np.ndarray]:
    """The components that a disc fits into, largest first, without a window's frame, which three edges of the image touch."""
    thick = opened(mask, max(2.0, opening * len(mask)))
    pieces = [piece for piece in components(thick, 12) if piece.sum() >= least_area * mask.size]
    return [piece for piece in pieces if sum(edge.any() for edge in (piece[0], piece[-1], piece[:, 0], piece[:, -1])) < 3]


def _fits(evidence: np.ndarray, parts: _Parts) -> list[Fit]:
    """One fit where one outline explains several parts, else one for each."""
    groups = [[part] for part in parts.large]
    if len(groups) > 1 and _common_fit(evidence, list(parts.large)):
        groups = [list(parts.large)]
    for count in range(len(groups), 2, -1):  # one pair less a round
        pairs = combinations(range(count), 2)
        pair = next(((one, two) for one, two in pairs if _common_fit(evidence, groups[one] + groups[two])), None)
        if pair is None:
            break
        joined = groups[pair[0]] + groups[pair[1]]
        groups = [joined, *(group for number, group in enumerate(groups) if number not in pair)]
    for crumb in parts.crumbs:
        group = next((group for group in groups if _common_fit(evidence, [*group, crumb], crumb.any(axis=1))), None)
        if group is not None:
            group.append(crumb)
    fits = []
    for group in groups:
        others = [part for part in parts.large if not any(part is own for own in group)]
        elsewhere = np.logical_or.reduce(others) if others else np.zeros(evidence.shape, bool)
        if fit := fit_outline(evidence * ~elsewhere, np.logical_or.reduce(group)):
            fits.append(fit)
    return fits


def _common_fit(evidence: np.ndarray, pieces: list[np.ndarray], rows: np.ndarray | None = None) -> Fit | None:
    """The one outline of several pieces; None where they have none in common, in these rows in particular."""
    together = np.logical_or.reduce(pieces)
    fit = fit_outline(evidence, together, quickly=True)
    if fit is None or not is_one_picture(fit.outline, together):
        return None
    if rows is None:
        return fit
    y, x = np.mgrid[0 : len(together), 0 : together.shape[1]].astype(np.float32) + 0.5
    return fit if _ends_agree(together[rows], fit.outline.holds(x, y)[rows], _tolerance(together)) >= _SAME_OUTLINE else None


def is_one_picture(outline: Outline, seen: np.ndarray) -> bool:
    """Whether what was seen lies in the outline, and ends where it does: on both sides, and above or below.

    Above or below may be dark, and between the pieces it is.
    """
    rows, columns = seen.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inside = outline.holds(x, y)
    if np.count_nonzero(seen & ~inside) > _SPILLED * np.count_nonzero(seen):
        return False
    tolerance = _tolerance(seen)
    above, below = _agreement(seen.T, inside.T, tolerance), _agreement(seen.T[:, ::-1], inside.T[:, ::-1], tolerance)
    return min(_ends_agree(seen, inside, tolerance), max(above, below)) >= _SAME_OUTLINE


def _tolerance(seen: np.ndarray) -> float:
    return 0.012 * max(seen.any(axis=0).sum(), seen.any(axis=1).sum()) + 1.5


def _ends_agree(seen: np.ndarray, inside: np.ndarray, tolerance: float) -> float:
    """The share of the ends of rows, left and right, that agree."""
    left, right = _agreement(seen, inside, tolerance), _agreement(seen[:, ::-1], inside[:, ::-1], tolerance)
    return (left + right) / 2


def _agreement(seen: np.ndarray, inside: np.ndarray, tolerance: float) -> float:
    """The share of the rows with something seen, in which it begins where the outline begins."""
    there = seen.any(axis=1)
    apart = np.abs(seen[there].argmax(axis=1) - inside[there].argmax(axis=1))
    return float(((apart <= tolerance) & inside[there].any(axis=1)).mean())


def edge_support(outline: Outline, evidence: np.ndarray) -> float:
    """How well the outline's edges part evidence from nothing: the mean over its edges of what is inside less what is outside."""
    points = outline.corners()
    there = np.roll(points, -1, axis=0)
    along = there - points
    length = np.hypot(along[:, 0], along[:, 1])
    steps = np.concatenate([np.full(max(1, int(piece / 2)), number) for number, piece in enumerate(length)])
    share = np.concatenate([(np.arange(count := max(1, int(piece / 2))) + 0.5) / count for piece in length])
    at = points[steps] + along[steps] * share[:, None]
    normal = np.stack([along[steps, 1], -along[steps, 0]], axis=1) / np.maximum(length[steps], 1e-9)[:, None]  # outwards
    rows, columns = evidence.shape
    on_image = (at > 2).all(axis=1) & (at[:, 0] < columns - 2) & (at[:, 1] < rows - 2)  # where the image ends says nothing
    at, normal = at[on_image], normal[on_image]

    def seen(offsets: tuple[float, ...]) -> np.ndarray:
        values = []
        for offset in offsets:
            x, y = (np.floor(at[:, axis] + offset * normal[:, axis]).astype(int) for axis in (0, 1))
            held = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
            values.append(np.where(held, evidence[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)], False))
        return np.mean(values, axis=0)

    contrast = seen((-2, -3, -4, -5)) - seen((2, 3, 4, 5))
    edges = [np.clip(contrast[edge].mean(), 0, 1) for edge in _four_edges(normal) if edge.any()]
    return float(np.mean(edges)) if len(edges) > 1 else 0.0


def _four_edges(normal: np.ndarray) -> list[np.ndarray]:
    """Which samples belong to the left, upper, right and lower edge, by where they face."""
    flat = np.abs(normal[:, 1]) >= np.abs(normal[:, 0])
    return [~flat & (normal[:, 0] < 0), flat & (normal[:, 1] < 0), ~flat & (normal[:, 0] > 0), flat & (normal[:, 1] > 0)]
