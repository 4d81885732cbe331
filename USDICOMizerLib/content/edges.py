"""How well an outline's edges are seen, and what is seen beyond them: what a confidence is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from USDICOMizerLib.content.evidence import Screen, box_mean, opened, reduced
from USDICOMizerLib.content.outline import Outline

_INWARDS, _OUTWARDS = (-2, -3, -4, -5), (2, 3, 4, 5)  # pixels from the edge at which it is looked for
_STEP = 2  # pixels between points along an outline
_LEAST_CUT = 0.04  # of the height: less of a window's side says nothing
_SEEN = 0.4  # contrast along a window's side: shadows may hide the rest
_BLOCK = 8  # JPEG leaves traces as far from an edge
_FADED = 0.08  # of the pixels along an edge still differ from the background
_REACH = 0.35  # of the picture's height: no picture fades for longer
_SMOOTH = 5
_ALL_OVER = 0.97  # a colour that fills everything is no faint speckle
_STRAY_SHARE = 0.12
_STRAY_OPENING = 0.02  # of the rows


@dataclass(frozen=True)
class _Around:
    """Points along an outline where the image has something on both sides: (n, 2) as x, y; normals point outwards."""

    at: np.ndarray
    normal: np.ndarray

    def contrast(self, evidence: np.ndarray) -> np.ndarray:
        """Evidence inside less evidence outside, from -1 to 1, for each point."""
        rows, columns = evidence.shape

        def seen(offsets: tuple[int, ...]) -> np.ndarray:
            values = []
            for offset in offsets:
                x, y = (np.floor(self.at[:, axis] + offset * self.normal[:, axis]).astype(int) for axis in (0, 1))
                held = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
                values.append(np.where(held, evidence[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)], 0))
            return np.mean(values, axis=0)

        return seen(_INWARDS) - seen(_OUTWARDS)


def _around(outline: Outline, shape: tuple[int, ...]) -> _Around:
    points = outline.corners()
    along = np.roll(points, -1, axis=0) - points
    length = np.hypot(along[:, 0], along[:, 1])
    counts = [max(1, int(piece / _STEP)) for piece in length]
    steps = np.repeat(np.arange(len(length)), counts)
    share = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    at = points[steps] + along[steps] * share[:, None]
    normal = np.stack([along[steps, 1], -along[steps, 0]], axis=1) / np.maximum(length[steps], 1e-9)[:, None]
    rows, columns = shape
    on_image = (at > 2).all(axis=1) & (at[:, 0] < columns - 2) & (at[:, 1] < rows - 2)  # where the image ends says nothing
    return _Around(at[on_image], normal[on_image])


def edge_support(outline: Outline, evidence: np.ndarray) -> float:
    """How well the outline's edges part evidence from nothing: the mean over its edges of what is inside less what is outside."""
    around = _around(outline, evidence.shape)
    contrast = around.contrast(evidence)
    edges = [np.clip(contrast[edge].mean(), 0, 1) for edge in _four_edges(around.normal) if edge.any()]
    return float(np.mean(edges)) if len(edges) > 1 else 0.0


def _four_edges(normal: np.ndarray) -> list[np.ndarray]:
    """Which samples belong to the left, upper, right and lower edge, by where they face."""
    flat = np.abs(normal[:, 1]) >= np.abs(normal[:, 0])
    return [~flat & (normal[:, 0] < 0), flat & (normal[:, 1] < 0), ~flat & (normal[:, 0] > 0), flat & (normal[:, 1] > 0)]


def unseen_cuts(outline: Outline, evidence: np.ndarray) -> list[float]:
    """How little is seen of each of a window's sides that cuts the outline: 0 enough, 1 nothing; empty where none does."""
    cuts = [at for at in (outline.window_left, outline.window_right) if math.isfinite(at)]
    if not cuts:
        return []
    around = _around(outline, evidence.shape)
    contrast = around.contrast(evidence)
    unseen = []
    for at in cuts:
        on_it = (np.abs(around.at[:, 0] - at) < 0.5) & (np.abs(around.normal[:, 0]) > 0.9)
        if np.count_nonzero(on_it) * _STEP >= _LEAST_CUT * (outline.bottom - outline.top):
            unseen.append(1 - float(np.clip(contrast[on_it].mean() / _SEEN, 0, 1)))
    return unseen


def faded_out(outline: Outline, screen: Screen) -> Outline:
    """The same as deep as faint speckle goes on: echoes from far away end in noise, not at an edge.

    Where text or something else that is bright stands in the way, the outline stays.
    """
    bottom = min(outline.bottom, outline.window_bottom)
    reach = _REACH * (bottom - outline.top)
    rows, columns = screen.faint.shape
    deeper = replace(outline, bottom=outline.bottom + reach, window_bottom=math.inf)
    top, end = max(0, math.floor(bottom - reach)), min(rows, math.ceil(bottom + reach))
    if end - top < _BLOCK or not deeper.is_possible:
        return outline
    y, x = np.mgrid[top:end, 0:columns].astype(np.float32) + 0.5
    depth = outline.depth(x, y) - bottom
    beyond = deeper.holds(x, y) & (depth >= 0)
    at = depth[beyond].astype(int)
    steps = math.ceil(reach)
    faint, known = screen.faint[top:end][beyond], ~screen.beside_bright[top:end][beyond]
    counts = [np.bincount(at, what, minlength=steps)[:steps] for what in (np.ones(len(at)), known, faint & known)]
    everything, known, faint = (np.convolve(count, np.ones(_SMOOTH), "same") for count in counts)
    goes_on = (faint > _FADED * known) & (known > 0.5 * everything)
    depth_of_noise = (int(np.argmin(goes_on)) if not goes_on.all() else steps) - _SMOOTH // 2
    if depth_of_noise <= _BLOCK:
        return outline
    return replace(outline, bottom=outline.bottom + depth_of_noise, window_bottom=outline.window_bottom + depth_of_noise)


def stray_speckle(inside: np.ndarray, screen: Screen, factor: int) -> np.ndarray:
    """Where faint speckle lies outside of a picture: boolean, like `inside` of the image reduced by a factor."""
    share = reduced(screen.faint & ~screen.beside_bright, factor)
    clear = box_mean(inside, 2 * math.ceil(2 * _BLOCK / factor) + 1) == 0
    around = box_mean(share, 9)
    speckle = (around > _STRAY_SHARE) & (around < _ALL_OVER) & clear
    return opened(speckle, max(2.0, _STRAY_OPENING * len(inside)))
