"""Frames -> the picture in them: its parts' outlines, the box around them, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from USDICOMizerLib.content.evidence import Evidence, components, find_evidence, opened, reduced, thickness
from USDICOMizerLib.content.outline import Outline, polygon_of
from USDICOMizerLib.content.outline_fit import Fit, fit_outline, refine
from USDICOMizerLib.geometry import CropBox, RectangleSector, Sector

_WORK_ROWS = 300  # fits are made in an image of about so many rows
_OPENING = 0.014  # of the rows: the radius of a disc that no text and no scale holds
_LEAST_AREA = 0.015  # of the image: a part of the picture
_LEAST_THICKNESS = 0.035  # of the rows: the radius of the largest disc in it
_MOST_PARTS = 4
_SAME_OUTLINE = 0.72  # share of the edges of two parts that one outline explains


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
    found = [picture for evidence in find_evidence(frames) if (picture := _judged(evidence, factor))]
    return max(found, key=lambda picture: picture.confidence) if found else None


def _judged(evidence: Evidence, factor: int) -> Picture | None:
    small = reduced(evidence.map, factor)
    parts = _parts(small > 0.5)
    if not parts:
        return None
    fits = _fits(small, parts)
    if not fits:
        return None
    fits = [refine(Fit(fit.outline.scaled(factor), fit.gain), evidence.map) for fit in fits]
    outlines = tuple(fit.outline for fit in fits)
    support = [edge_support(outline, evidence.map) for outline in outlines]
    return Picture(outlines, float(np.mean(support)), evidence.name)


def _parts(mask: np.ndarray) -> list[np.ndarray]:
    rows = len(mask)
    thick = opened(mask, max(2.0, _OPENING * rows))
    large = [part for part in components(thick)[: 2 * _MOST_PARTS] if part.sum() >= _LEAST_AREA * mask.size]
    return [part for part in large if thickness(part) >= _LEAST_THICKNESS * rows][:_MOST_PARTS]


def _fits(evidence: np.ndarray, parts: list[np.ndarray]) -> list[Fit]:
    """One fit for all parts where one outline explains the edges of all, else one for each that has none in common."""
    if len(parts) > 1:
        together = np.logical_or.reduce(parts)
        fit = fit_outline(evidence, together)
        if fit is not None and agreement(fit.outline, together) >= _SAME_OUTLINE:
            return [fit]
        if len(parts) > 2:
            for index in range(len(parts)):
                rest = parts[:index] + parts[index + 1 :]
                for other in range(index):
                    pair = parts[index] | parts[other]
                    fit = fit_outline(evidence * pair, pair)
                    if fit is not None and agreement(fit.outline, pair) >= _SAME_OUTLINE:
                        return _fits(evidence, [part if number != other else pair for number, part in enumerate(rest)])
    alone = []
    for part in parts:
        others = np.logical_or.reduce([other for other in parts if other is not part]) if len(parts) > 1 else None
        fit = fit_outline(evidence if others is None else evidence * ~others, part)
        if fit is not None:
            alone.append(fit)
    return alone


def agreement(outline: Outline, part: np.ndarray) -> float:
    """The share of the rows and columns that a part has, in which it ends where the outline ends."""
    rows, columns = part.shape
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    inside = outline.holds(x, y)
    tolerance = 0.012 * max(part.any(0).sum(), part.any(1).sum()) + 1.5
    ends = []
    for one, two in ((part, inside), (part.T, inside.T)):
        seen = one.any(axis=1) & two.any(axis=1)
        if not seen.any():
            return 0.0
        for mirrored in (slice(None), slice(None, None, -1)):
            ends.append(np.abs(one[seen][:, mirrored].argmax(1) - two[seen][:, mirrored].argmax(1)) <= tolerance)
    return float(np.concatenate(ends).mean())


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


def rectangle_sector(box: CropBox) -> RectangleSector:
    """The sector that a crop box is."""
    return RectangleSector(box)
