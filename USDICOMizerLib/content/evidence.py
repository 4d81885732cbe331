"""Frames -> maps of where something is that may be picture: what changes, what isn't background, what is rough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

_LEAST_FRAMES = 3  # fewer don't tell what changes
_MODE_SHARE = 0.03  # a colour that fills more than this of the image can be its background
_EDGE_SHARE = 0.015  # of the image's width: a bar's colour reaches both edges
_ROUGH_SIZE = 5


@dataclass(frozen=True)
class Evidence:
    """Where a picture may be: `map` is boolean (rows, columns), `name` says by what it was told."""

    name: str
    map: np.ndarray


def brightness(frames: np.ndarray) -> np.ndarray:
    """(frames, rows, columns, 3) -> the brightest of the three colours, uint8 (frames, rows, columns)."""
    return frames.max(axis=-1)


def find_evidence(frames: np.ndarray) -> Iterator[Evidence]:
    """The maps of a few frames, uint8 RGB (frames, rows, columns, 3), most telling first."""
    grey = brightness(frames)
    brightest, darkest = grey.max(axis=0), grey.min(axis=0)
    if len(grey) >= _LEAST_FRAMES:
        change = brightest - darkest
        for least in (2, 12):
            yield Evidence(f"change {least}", change > least)
    background = _darkest_mode(brightest)
    if background is not None:
        apart = np.abs(brightest.astype(np.int16) - background)
        bars = _bars(brightest, background)
        for least in (0, 3, 12):
            yield Evidence(f"not background {least}", (apart > least) & ~bars)
    for least in (1.0, 4.0):
        yield Evidence(f"rough {least}", _roughness(grey[len(grey) // 2]) > least)


def _darkest_mode(grey: np.ndarray) -> int | None:
    """The darkest of the values that fill much of the image; None where none does."""
    counts = np.bincount(grey.ravel(), minlength=256)
    common = np.flatnonzero(counts > _MODE_SHARE * grey.size)
    return int(common[0]) if common.size else None


def _bars(grey: np.ndarray, background: int) -> np.ndarray:
    """The rows above and below whose colour at both edges isn't the background's: patient bars, button bars."""
    rows, columns = grey.shape
    edge = max(2, round(_EDGE_SHARE * columns))
    is_bar = np.zeros(rows, bool)
    for side in (grey[:, :edge], grey[:, -edge:]):
        is_bar |= np.median(side, axis=1) > background + 12
    both = is_bar & (np.median(grey[:, :edge], axis=1) > background + 4) & (np.median(grey[:, -edge:], axis=1) > background + 4)
    return np.repeat(both[:, None], columns, axis=1)


def _roughness(grey: np.ndarray) -> np.ndarray:
    """The standard deviation around each pixel; strokes of text and lines, which are rougher than speckle, count too."""
    values = grey.astype(np.float32)
    mean = box_mean(values, _ROUGH_SIZE)
    return np.sqrt(np.maximum(0, box_mean(values * values, _ROUGH_SIZE) - mean * mean))


def box_mean(values: np.ndarray, size: int) -> np.ndarray:
    """The mean in a square around each pixel; at the image's edges of what of the square is there."""
    radius = size // 2
    sums = np.pad(values.astype(np.float64), ((radius + 1, radius), (radius + 1, radius))).cumsum(0).cumsum(1)
    counts = np.pad(np.ones(values.shape), ((radius + 1, radius), (radius + 1, radius))).cumsum(0).cumsum(1)

    def total(table: np.ndarray) -> np.ndarray:
        return table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size]

    return (total(sums) / total(counts)).astype(np.float32)


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


def components(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts of a mask, largest first."""
    labelled = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    labels = sitk.GetArrayFromImage(labelled)
    return [labels == number for number in range(1, int(labels.max()) + 1)]
