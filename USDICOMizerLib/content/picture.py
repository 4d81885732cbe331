"""Frames -> the picture in them: its parts' outlines, the box around them, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from USDICOMizerLib.content.edges import edge_support, faded_out, stray_speckle, unseen_cuts
from USDICOMizerLib.content.evidence import Evidence, Screen, components, find_evidence, look_at, opened, reduced
from USDICOMizerLib.content.outline import Kind, Outline, polygon_of
from USDICOMizerLib.content.outline_fit import Fit, refine
from USDICOMizerLib.content.parts import Parts, find_parts, fit_parts, has_grain
from USDICOMizerLib.geometry import CropBox, Sector

_WORK_ROWS = 250  # fits are made in an image of about so many rows
_AS_GOOD = 0.05
_GOOD = 0.88  # a fit with this score needs no other map
_FAIR = 0.7  # and one with this no map that is the last resort
_USUAL_SPILL = 0.003  # of the picture: the outline's rim
_SPILL_WEIGHS = 30
_UNSEEN_WEIGHS = 0.6  # of the support of a fan one of whose cuts is seen nowhere: a shadow may end there, and the picture go on
_ASKEW = 0.8  # probes look straight ahead
_STRAY_WEIGHS = 12
_TELLING = 0.9  # of the confidence is left where nothing need be said
_MOST_PIECES = 8
_RIM = 2.0  # pixels of the reduced image


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
    screen = look_at(frames)
    found: list[_Judged] = []
    seen: list[_Seen] = []
    for maps, enough in zip(find_evidence(screen), (_GOOD, _FAIR, 0.0), strict=True):
        new = [look for look in (_Seen.of(evidence, screen, factor) for evidence in maps) if look.parts.large]
        seen += new
        found += _readings(new, seen)
        if found and max(judged.score for judged in found) >= enough:
            break
    if not found:
        return None
    # Of readings that are about as good, the one that loses least.
    best = max(judged.score for judged in found)
    return max((judged for judged in found if judged.score > best - _AS_GOOD), key=lambda judged: judged.area).picture(
        screen, seen
    )


def _readings(looks: list[_Seen], seen: list[_Seen]) -> Iterator[_Judged]:
    """The fits to maps, those that show most of the picture first; one that fits well spares the others."""
    if not looks:
        return
    agreed = np.sum([look.thick for look in seen], axis=0) >= min(2, len(seen))  # no map is trusted alone, if there are several
    for look in sorted(looks, key=lambda look: -np.count_nonzero(look.thick & agreed)):
        judged = _judged(look, agreed)
        if judged is not None:
            yield judged
            if judged.score >= _GOOD:
                return


@dataclass(frozen=True)
class _Seen:
    """A map of evidence, reduced to shares from 0 to 1, and its parts."""

    evidence: Evidence
    small: np.ndarray
    parts: Parts

    @classmethod
    def of(cls, evidence: Evidence, screen: Screen, factor: int) -> _Seen:
        small = reduced(evidence.map, factor)
        return cls(evidence, small, find_parts(small > 0.5, screen))

    @cached_property
    def thick(self) -> np.ndarray:
        """All large parts."""
        return np.logical_or.reduce(self.parts.large)


@dataclass(frozen=True)
class _Judged:
    """The fits to one map of evidence, in the reduced image, and how good they are: all from 0 to 1."""

    evidence: Evidence
    fits: tuple[Fit, ...]
    support: float  # of the weakest part's edges
    covered: float  # share of the agreed picture that lies inside
    area: int  # pixels of the reduced image
    spilled: float  # what of this map's parts lies outside, as a share of what lies inside

    @property
    def score(self) -> float:
        return self.support * self.covered**4 * _sureness(self.spilled, _SPILL_WEIGHS)

    def picture(self, screen: Screen, seen: list[_Seen]) -> Picture:
        """In full resolution, less sure where any map shows more than the outlines hold."""
        rows, columns = seen[0].small.shape
        factor = len(screen.grey) // rows
        fits = [refine(replace(fit, outline=fit.outline.scaled(factor)), self.evidence.map) for fit in self.fits]
        outlines = [faded_out(fit.outline, screen) for fit in fits]
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
        inside = np.logical_or.reduce([outline.scaled(1 / factor).holds(x, y) for outline in outlines])
        area = max(1, np.count_nonzero(inside))
        left_out = max(_speckle_outside(look.parts, inside, screen) for look in seen) / area
        stray = np.count_nonzero(stray_speckle(inside, screen, factor)) / area
        confidence = self.support * self.covered**4 * _sureness(left_out, _SPILL_WEIGHS) * _sureness(stray, _STRAY_WEIGHS)
        note = f"Found in the picture: {' and '.join(outline.kind for outline in outlines)}."
        if confidence < self.support * self.covered**4 * _TELLING:
            note += " More that looks like a picture lies outside of it."
        return Picture(tuple(outlines), confidence, note)


def _speckle_outside(parts: Parts, inside: np.ndarray, screen: Screen) -> int:
    """How many pixels of the reduced image lie outside of the picture, and look like one."""
    pieces = components(opened(parts.all & ~inside, _RIM), _MOST_PIECES)
    return sum(np.count_nonzero(piece) for piece in pieces if has_grain(piece, screen.grey))


def _sureness(outside: float, weight: float) -> float:
    """What is left of a confidence where so much of the picture may lie outside, as a share of what is inside."""
    return max(0.0, 1 - weight * max(0.0, outside - _USUAL_SPILL))


def _judged(look: _Seen, agreed: np.ndarray) -> _Judged | None:
    fits = fit_parts(look.small, look.parts)
    if not fits:
        return None
    rows, columns = look.small.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) + 0.5
    inside = np.logical_or.reduce([fit.outline.holds(x, y) for fit in fits])
    covered = np.count_nonzero(inside & agreed) / max(1, np.count_nonzero(agreed))
    support = min(_support(fit, look.small > 0.5) for fit in fits)
    outside = np.logical_or.reduce([*look.parts.large, *look.parts.crumbs]) & ~inside
    area = np.count_nonzero(inside)
    spilled = np.count_nonzero(opened(outside, _RIM)) / max(1, area)
    return _Judged(look.evidence, tuple(fits), support, covered, area, spilled)


def _support(fit: Fit, evidence: np.ndarray) -> float:
    """How well the edges of a fit are seen, less where it leans to one side, or is cut where no window is seen."""
    straight = fit.symmetric or fit.outline.kind is Kind.RECTANGLE
    unseen = max(unseen_cuts(fit.outline, evidence), default=0.0)
    return edge_support(fit.outline, evidence) * (1 if straight else _ASKEW) * (1 - _UNSEEN_WEIGHS * unseen)
