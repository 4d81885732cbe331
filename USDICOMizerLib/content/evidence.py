"""Frames -> maps of where something is that may be picture: what changes, what isn't background, what is rough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk

_LEAST_FRAMES = 3  # fewer don't tell what changes
_MODE_SHARE = 0.03  # a colour that fills more than this of the image can be its background
_NEARLY_BLACK, _BLACK_SHARE = 4, 0.01
_EDGE_SHARE = 0.015  # of the image's width: a bar's colour reaches both edges
_ROUGH_SIZE = 5
_SEAM = 0.045  # of the rows: how far around a seam of JPEG may lie
_SEAM_SHARE = 0.28
_FEW = 9  # rows
_COARSE = 3
_NOISE = 1  # grey values
_BRIGHT = 60  # likewise: text, graphics, and a picture that doesn't fade
_TRACES = 17  # pixels: around what is bright
_BAR_SHARE = 0.45  # of a bar's row has the colour that it has at the image's edges


@dataclass(frozen=True)
class Evidence:
    """Where a picture may be: `map` is boolean (rows, columns), `name` says by what it was told."""

    name: str
    map: np.ndarray


@dataclass(frozen=True)
class Screen:
    """What the frames of an instance show together; all of shape (rows, columns).

    `grey` is the frame in the middle, `brightest` and `darkest` are over all frames, each the brightest of the three
    colours. `furniture` is boolean: bars and windows.
    """

    grey: np.ndarray
    brightest: np.ndarray
    darkest: np.ndarray
    furniture: np.ndarray
    roughness: np.ndarray
    background: int
    is_cine: bool

    @cached_property
    def change(self) -> np.ndarray:
        """How much each pixel varies over the frames: uint8."""
        return self.brightest - self.darkest

    @cached_property
    def faint(self) -> np.ndarray:
        """Boolean: what differs from the background at all."""
        return (np.abs(self.brightest.astype(np.int16) - self.background) > _NOISE) & ~self.furniture

    @cached_property
    def beside_bright(self) -> np.ndarray:
        """Boolean: what lies so near to something bright that JPEG, or its strokes, can have left traces there."""
        return box_mean(np.abs(self.brightest.astype(np.int16) - self.background) > _BRIGHT, _TRACES) > 1e-4


def look_at(frames: np.ndarray) -> Screen:
    """A few frames, uint8 RGB (frames, rows, columns, 3), seen together."""
    grey = brightness(frames)
    brightest, darkest = grey.max(axis=0), grey.min(axis=0)
    middle = grey[len(grey) // 2]
    roughness = _roughness(middle)
    background = _darkest_mode(brightest)
    furniture = _furniture(brightest, roughness, background)
    return Screen(middle, brightest, darkest, furniture, roughness, background, len(grey) >= _LEAST_FRAMES)


def brightness(frames: np.ndarray) -> np.ndarray:
    """(frames, rows, columns, 3) -> the brightest of the three colours, uint8 (frames, rows, columns)."""
    return np.maximum(np.maximum(frames[..., 0], frames[..., 1]), frames[..., 2])


def find_evidence(screen: Screen) -> Iterator[tuple[Evidence, ...]]:
    """The maps of what the frames show, most telling first: the next ones are for screens on which these show nothing that fits.

    The last need no background.
    """

    def changes(least: int) -> Evidence:
        return Evidence(f"change {least}", _stands_out(screen.change * ~screen.furniture, least))

    apart = np.abs(screen.brightest.astype(np.float32) - screen.background) * ~screen.furniture

    def stands_apart(least: int) -> Evidence:
        return Evidence(f"not background {least}", _stands_out(apart, least))

    if screen.is_cine:
        yield changes(2), stands_apart(3)
        yield changes(12), stands_apart(0), stands_apart(12)
    else:
        yield stands_apart(0), stands_apart(3)
        yield (stands_apart(12),)
    yield tuple(Evidence(f"rough {least}", _stands_out(screen.roughness * ~screen.furniture, least)) for least in (1, 4))


def _stands_out(strength: np.ndarray, least: float) -> np.ndarray:
    """Where it is more than `least`, and not far less than around: JPEG leaves a faint seam around what is bright."""
    rows, columns = strength.shape
    coarse = strength[::_COARSE, ::_COARSE].astype(np.float32)
    size = 2 * round(_SEAM * len(coarse) / 2) + 1
    around = box_mean(coarse * coarse, size) / np.maximum(box_mean(coarse, size), 1e-3)
    return (strength > least) & (strength > _SEAM_SHARE * around.repeat(_COARSE, 0).repeat(_COARSE, 1)[:rows, :columns])


def _darkest_mode(grey: np.ndarray) -> int:
    """Black, where there is some of it; else the darkest of the values that fill much of the image; black without one."""
    counts = np.bincount(grey.ravel(), minlength=256)
    if counts[:_NEARLY_BLACK].sum() > _BLACK_SHARE * grey.size:
        return 0
    common = np.flatnonzero(counts > _MODE_SHARE * grey.size)
    return int(common[0]) if common.size else 0


def _furniture(grey: np.ndarray, roughness: np.ndarray, background: int) -> np.ndarray:
    """What isn't background, nor picture: bars whose colour reaches both edges, and flat colour around the picture's window."""
    rows, columns = grey.shape
    edge = max(2, round(_EDGE_SHARE * columns))
    ends = [np.median(side, axis=1) for side in (grey[:, :edge], grey[:, -edge:])]
    is_bar = (np.minimum(*ends) > background + 4) & (np.maximum(*ends) > background + 12)
    is_bar &= (np.abs(grey - np.minimum(*ends)[:, None]) < 12).mean(axis=1) > _BAR_SHARE
    flat = (roughness < 1) & (grey > background + 12)
    labelled = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(flat.astype(np.uint8))))
    counts = np.bincount(labelled.ravel())
    at_edge = np.unique(np.concatenate([labelled[0], labelled[-1], labelled[:, 0], labelled[:, -1]]))
    around = [label for label in at_edge if label and counts[label] > _MODE_SHARE * grey.size]
    surrounding = np.isin(labelled, around)
    if surrounding.any():  # with the seam that the roughness of its edges left out
        surrounding = box_mean(surrounding, _ROUGH_SIZE) > 0
        surrounding |= _islands(~surrounding)
    return surrounding | is_bar[:, None]


def _islands(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask that are too small for a picture: text and buttons on a window."""
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    small = np.bincount(labels.ravel()) < _MODE_SHARE / 2 * mask.size
    small[0] = False
    return small[labels]


def _roughness(grey: np.ndarray) -> np.ndarray:
    """The standard deviation around each pixel; strokes of text and lines, which are rougher than speckle, count too."""
    values = grey.astype(np.float32)
    mean = box_mean(values, _ROUGH_SIZE)
    return np.sqrt(np.maximum(0, box_mean(values * values, _ROUGH_SIZE) - mean * mean))


def box_mean(values: np.ndarray, size: int) -> np.ndarray:
    """The mean in a square around each pixel, float32; the image's edges count on beyond it. `size` is odd."""
    if size <= _FEW:  # adding rows up is faster than the general filter
        return _mean_of_rows(_mean_of_rows(values.astype(np.float32), size).T, size).T
    radius = size // 2
    return sitk.GetArrayFromImage(sitk.BoxMean(sitk.GetImageFromArray(values.astype(np.float32)), [radius, radius]))


def _mean_of_rows(values: np.ndarray, size: int) -> np.ndarray:
    radius, rows = size // 2, len(values)
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="edge")
    total = padded[:rows].copy()
    for step in range(1, size):
        total += padded[step : step + rows]
    return total / np.float32(size)


def reduced(values: np.ndarray, factor: int) -> np.ndarray:
    """The mean of each square of `factor` pixels; what is left over on the right and below is dropped."""
    rows, columns = (length // factor * factor for length in values.shape)
    squares = values[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    return squares.mean(axis=(1, 3), dtype=np.float32)


def opened(mask: np.ndarray, radius: float) -> np.ndarray:
    """What of a mask a disc of this radius fits into: no text, no scale, no thin bar."""
    padded = np.pad(mask, 1)  # the image's edge is an edge
    inner = _distance_inside(padded) >= radius
    if not inner.any():
        return np.zeros_like(mask)
    return ~(_distance_inside(~inner) > radius)[1:-1, 1:-1]


def thickness(mask: np.ndarray) -> float:
    """The radius of the largest disc in a mask."""
    return float(_distance_inside(np.pad(mask, 1)).max())


def _distance_inside(mask: np.ndarray) -> np.ndarray:
    """The distance of each True pixel to the nearest False one."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=False)
    return np.maximum(0, sitk.GetArrayFromImage(distance)) * mask


def components(mask: np.ndarray, most: int) -> list[np.ndarray]:
    """The connected parts of a mask, largest first, at most so many."""
    labelled = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    labels = sitk.GetArrayFromImage(labelled)
    return [labels == number for number in range(1, min(most, int(labels.max())) + 1)]
