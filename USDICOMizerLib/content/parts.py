"""A map of evidence -> the parts of the picture in it: which pieces are picture, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from USDICOMizerLib.content.evidence import Screen, components, opened, thickness
from USDICOMizerLib.content.outline import Kind, Outline
from USDICOMizerLib.content.outline_fit import Fit, fit_outline

_OPENING = 0.014  # of the rows: the radius of a disc that no text and no scale holds
_CRUMB_OPENING = 0.008
_MOST_CRUMBS = 4
_LEAST_AREA = 0.015  # of the image: a part of the picture
_LEAST_THICKNESS = 0.035  # of the rows: the radius of the largest disc in it
_LEAST_OF_SPECKLE = 0.028  # likewise, of what is speckle all over
_LEAST_CRUMB = 0.0025
_MOST_PARTS = 4
_SAME_OUTLINE = 0.78  # share of the rows and columns of several pieces that end where one outline ends
_ALONG_A_SIDE = 0.6  # likewise, of the rows of one piece: the others end where the layer begins
_SPILLED = 0.02  # share of the pieces that may lie outside of it
_STACKED = 0.5  # of the narrower piece's columns are the other's too
_DARK_BETWEEN = 0.03  # share of evidence that one outline around pieces side by side may explain less than one for each
_EXPLAINED = 0.75  # of the evidence of a piece: less, and it is no picture of its own
_ALONG = 0.05  # of a bar's spread is left when its rows, or its columns, are taken for constant
_GRAIN = 2.0  # grey values
_MOVES = 2.0  # grey values


@dataclass(frozen=True)
class Parts:
    """What of a map may be picture: the large parts, and crumbs that shadows may have cut off them.

    `still` are crumbs that look like the picture in a cine, but don't move: they are in no fit, and cast doubt.
    """

    large: tuple[np.ndarray, ...]
    crumbs: tuple[np.ndarray, ...]
    still: tuple[np.ndarray, ...] = ()

    @cached_property
    def all(self) -> np.ndarray:
        """Boolean, of the map's shape."""
        return np.logical_or.reduce([*self.large, *self.crumbs, *self.still])


def find_parts(mask: np.ndarray, screen: Screen) -> Parts:
    """The parts of a boolean map (rows, columns) of a screen that is larger by a whole factor."""
    rows = len(mask)
    large = []
    for piece in _pieces(mask, _OPENING, _LEAST_AREA)[:_MOST_PARTS]:
        radius = thickness(piece) / rows
        if radius >= _LEAST_THICKNESS or (
            radius >= _LEAST_OF_SPECKLE and _moves(piece, screen) and has_grain(piece, screen.grey)
        ):
            large.append(piece)
    known = np.logical_or.reduce(large) if large else np.zeros_like(mask)
    crumbs = [piece for piece in _pieces(mask & ~known, _CRUMB_OPENING, _LEAST_CRUMB) if not (piece & known).any()]
    crumbs = [piece for piece in crumbs if has_grain(piece, screen.grey)]
    moving = [piece for piece in crumbs if _moves(piece, screen)][:_MOST_CRUMBS]
    return Parts(tuple(large), tuple(moving), tuple(piece for piece in crumbs if not _moves(piece, screen)))


def _moves(piece: np.ndarray, screen: Screen) -> bool:
    """Whether a piece of a map changes over a cine; always in a single frame, of which nobody knows."""
    return not screen.is_cine or bool(_values(piece, screen.change)[1].mean() > _MOVES)


def _values(piece: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rectangle around a piece in an image that is larger by a whole factor, nan outside of the piece; and its numbers."""
    factor = len(image) // len(piece)
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    there = piece[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].repeat(factor, 0).repeat(factor, 1)
    values = image[rows[0] * factor :, columns[0] * factor :][: there.shape[0], : there.shape[1]].astype(np.float32)
    values[~there] = np.nan
    return values, values[there]


def has_grain(piece: np.ndarray, grey: np.ndarray) -> bool:
    """Whether a piece of a map is rough as speckle is: bars are the same along their rows or columns, icons are flat."""
    values, known = _values(piece, grey)
    for lines in (values, values.T):
        usual = np.array([np.median(kept) if (kept := line[~np.isnan(line)]).size else 0 for line in lines], np.float32)
        if np.nanmedian(np.abs(lines - usual[:, None])) < max(_GRAIN, _ALONG * float(known.std())):
            return False
    return True


def _pieces(mask: np.ndarray, opening: float, least_area: float) -> list[np.ndarray]:
    """The components that a disc fits into, largest first, without a window's frame, which three edges of the image touch."""
    thick = opened(mask, max(2.0, opening * len(mask)))
    pieces = [piece for piece in components(thick, 12) if piece.sum() >= least_area * mask.size]
    return [piece for piece in pieces if sum(edge.any() for edge in (piece[0], piece[-1], piece[:, 0], piece[:, -1])) < 3]


def fit_parts(evidence: np.ndarray, parts: Parts) -> list[Fit]:
    """One fit where one outline explains several parts, else one for each."""
    groups = _grouped(evidence, parts)
    fits = []
    for group in groups:
        others = [part for part in parts.large if not any(part is own for own in group)]
        elsewhere = np.logical_or.reduce(others) if others else np.zeros(evidence.shape, bool)
        if fit := fit_outline(evidence * ~elsewhere, np.logical_or.reduce(group)):
            fits.append(fit)
    return fits


def _grouped(evidence: np.ndarray, parts: Parts) -> list[list[np.ndarray]]:
    groups = [[part] for part in parts.large]
    if len(groups) > 2 and _are_one(evidence, groups):
        groups = [list(parts.large)]
    while (pair := next(_pairs_that_are_one(evidence, groups), None)) is not None:
        joined = groups[pair[0]] + groups[pair[1]]
        groups = [joined, *(group for number, group in enumerate(groups) if number not in pair)]
    for crumb in parts.crumbs:
        group = next((group for group in groups if _belongs(evidence, crumb, group)), None)
        if group is not None:
            group.append(crumb)
    return groups


def _pairs_that_are_one(evidence: np.ndarray, groups: list[list[np.ndarray]]) -> Iterator[tuple[int, int]]:
    return ((one, two) for one, two in combinations(range(len(groups)), 2) if _are_one(evidence, [groups[one], groups[two]]))


def _are_one(evidence: np.ndarray, groups: list[list[np.ndarray]]) -> bool:
    """Whether one outline explains groups of pieces, and each on its own explains not much more."""
    whole = [np.logical_or.reduce(group) for group in groups]
    together = np.logical_or.reduce(whole)
    fit = fit_outline(evidence, together, quickly=True)
    if fit is None:
        return False
    if len(whole) == 2 and _is_stacked(*whole):
        return _is_cut_across(fit.outline, whole)
    if is_one_picture(fit.outline, together):
        own = [fit_outline(evidence * ~(together & ~one), one, quickly=True) for one in whole]
        gains = [other.gain if other else 0.0 for other in own]
        usual = np.average(gains, weights=[np.count_nonzero(one) for one in whole])
        return min(gains) < _EXPLAINED or fit.gain > usual - _DARK_BETWEEN
    return False


def _is_stacked(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one lies above the other."""
    columns, more = one.any(axis=0), other.any(axis=0)
    rows, more_rows = one.any(axis=1), other.any(axis=1)
    beside = np.count_nonzero(rows & more_rows) > _STACKED * min(np.count_nonzero(rows), np.count_nonzero(more_rows))
    return not beside and np.count_nonzero(columns & more) > _STACKED * min(np.count_nonzero(columns), np.count_nonzero(more))


def _is_cut_across(outline: Outline, pieces: list[np.ndarray]) -> bool:
    """Whether pieces that lie one above the other are one picture, with a dark layer between them.

    Each follows at least one side of the outline; shadows may hide the other.
    """
    together = np.logical_or.reduce(pieces)
    if outline.kind is Kind.TRAPEZOID or _spilled(outline, together) > _SPILLED:
        return False
    y, x = _grid(together)
    inside = outline.holds(x, y)
    tolerance = _tolerance(together)
    for piece in pieces:
        rows = piece.any(axis=1)
        left = _agreement(piece[rows], inside[rows], tolerance)
        right = _agreement(piece[rows, ::-1], inside[rows, ::-1], tolerance)
        if max(left, right) < _ALONG_A_SIDE:
            return False
    return True


def _belongs(evidence: np.ndarray, crumb: np.ndarray, group: list[np.ndarray]) -> bool:
    """Whether one outline explains a crumb too, and ends where it ends in its rows."""
    together = np.logical_or.reduce([*group, crumb])
    fit = fit_outline(evidence, together, quickly=True)
    if fit is None:
        return False
    whole = np.logical_or.reduce(group)
    if _is_stacked(whole, crumb):
        return _is_cut_across(fit.outline, [whole, crumb])
    if not is_one_picture(fit.outline, together):
        return False
    rows = crumb.any(axis=1)
    y, x = _grid(together)
    return _ends_agree(together[rows], fit.outline.holds(x, y)[rows], _tolerance(together)) >= _SAME_OUTLINE


def is_one_picture(outline: Outline, seen: np.ndarray) -> bool:
    """Whether what was seen lies in the outline, and ends where it does: on both sides, and above or below.

    Above or below may be dark, and between the pieces it is.
    """
    if _spilled(outline, seen) > _SPILLED:
        return False
    y, x = _grid(seen)
    inside = outline.holds(x, y)
    tolerance = _tolerance(seen)
    above, below = _agreement(seen.T, inside.T, tolerance), _agreement(seen.T[:, ::-1], inside.T[:, ::-1], tolerance)
    return min(_ends_agree(seen, inside, tolerance), max(above, below)) >= _SAME_OUTLINE


def _spilled(outline: Outline, seen: np.ndarray) -> float:
    """The share of what was seen that lies outside."""
    y, x = _grid(seen)
    return np.count_nonzero(seen & ~outline.holds(x, y)) / max(1, np.count_nonzero(seen))


def _grid(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middles of the pixels: y, x."""
    y, x = np.mgrid[0 : len(mask), 0 : mask.shape[1]].astype(np.float32) + 0.5
    return y, x


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
