"""A small convolutional network that sees where a picture holds lines of text. NumPy alone, its weights in this package.

It was trained on synthetic pictures only (scripts/train_text_network.py): lines of text of 8 to 32 pixels, light and
dark, straight and turned, on black, on grey, on speckle; beside calipers, depth marks, traces and frames that are no
text. It tells text from picture and reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

CELL = 8
"""Side of a cell in pixels: the network answers for each cell of the picture."""

_STRIP = 2**18  # values: a strip of 1 MB
_SURROUNDINGS = 33  # pixels: what a pixel's brightness is compared with


@dataclass(frozen=True)
class Layer:
    """How a convolution steps over its input: side of the kernel, stride, dilation, and channels out."""

    side: int
    stride: int
    dilation: int
    channels: int


INPUTS = 2
LAYERS = (
    Layer(5, 2, 1, 12),
    Layer(3, 2, 1, 16),
    Layer(3, 1, 1, 16),
    Layer(3, 2, 1, 32),
    Layer(3, 1, 1, 32),
    Layer(3, 1, 2, 32),
    Layer(1, 1, 1, 1),
)


def text_likelihood(grey: np.ndarray) -> np.ndarray:
    """How likely it is that a cell holds text: float32 (rows / CELL, columns / CELL rounded up), 0 to 1.

    `grey` is uint8 (rows, columns).
    """
    values = network_input(grey)[None]
    for layer, (kernel, bias) in zip(LAYERS, _weights(), strict=True):
        values = convolved(values, kernel, bias, layer)
    return 1 / (1 + np.exp(-values[0, 0]))


def network_input(grey: np.ndarray) -> np.ndarray:
    """What the network looks at: float32 (2, rows, columns), the brightness, and how it stands out of its surroundings.

    Rows and columns are filled up to whole cells with what stands at the edge.
    """
    rows, columns = grey.shape
    grey = np.pad(grey, ((0, -rows % CELL), (0, -columns % CELL)), mode="edge")
    grey = grey.astype(np.float32)
    standing_out = np.clip((grey - _mean_around(grey)) / 64, -2, 2)
    return np.stack([grey / 128 - 1, standing_out])


def convolved(values: np.ndarray, kernel: np.ndarray, bias: np.ndarray, layer: Layer) -> np.ndarray:
    """The convolution of (pictures, channels, rows, columns) with `kernel` (channels out, side x side x channels).

    All but the last layer's are cut off at 0. Strips of rows are taken in turn, small enough for the processor's cache.
    """
    pictures, channels, rows, columns = values.shape
    rows, columns = rows // layer.stride, columns // layer.stride
    around = padded(values, layer)
    result = np.empty((pictures, layer.channels, rows, columns), np.float32)
    strip = max(_STRIP // (columns * layer.side**2 * channels), 1)
    for top in range(0, rows, strip):
        bottom = min(top + strip, rows)
        under = patches(around, layer, top, bottom, columns)
        part = kernel @ under + bias[:, None]
        if layer.channels > 1:
            np.maximum(part, 0, out=part)
        result[:, :, top:bottom] = part.reshape(pictures, layer.channels, bottom - top, columns)
    return result


def patches(around: np.ndarray, layer: Layer, top: int, bottom: int, columns: int) -> np.ndarray:
    """What lies under the kernel at its steps in rows top..bottom-1: (pictures, side x side x channels, steps).

    `around` is (pictures, channels, rows, columns) as `padded` makes it.
    """
    pictures, channels = around.shape[:2]
    stride, side, rows = layer.stride, layer.side, bottom - top
    seen = np.empty((pictures, side, side, channels, rows, columns), np.float32)
    for row in range(side):
        first = top * stride + row * layer.dilation
        for column in range(side):
            left = column * layer.dilation
            seen[:, row, column] = around[:, :, first : first + rows * stride : stride, left : left + columns * stride : stride]
    return seen.reshape(pictures, side * side * channels, rows * columns)


def padded(values: np.ndarray, layer: Layer) -> np.ndarray:
    """Gone on with zeros, so that a convolution of stride 1 keeps the size."""
    reach = layer.dilation * (layer.side // 2)
    # One step more at the end, which a stride's slices may name.
    return np.pad(values, ((0, 0), (0, 0), (reach, reach + 1), (reach, reach + 1))) if layer.side > 1 else values


def _mean_around(grey: np.ndarray) -> np.ndarray:
    """The mean of the square around each pixel, the edges going on as they are; float32."""
    reach = _SURROUNDINGS // 2
    sums = np.pad(grey, ((reach + 1, reach), (reach + 1, reach)), mode="edge")
    sums[0], sums[:, 0] = 0, 0
    side = _SURROUNDINGS
    sums = sums.cumsum(axis=0, dtype=np.uint32)
    sums = (sums[side:] - sums[:-side]).cumsum(axis=1, dtype=np.uint32)  # may run over: the differences remain right
    return (sums[:, side:] - sums[:, :-side]) * np.float32(1 / side**2)


@cache
def _weights() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Kernel and bias of each layer."""
    with resources.files("USDICOMizerLib").joinpath("text_network.npz").open("rb") as stream, np.load(stream) as stored:
        return tuple(
            (stored[f"kernel{number}"].astype(np.float32), stored[f"bias{number}"].astype(np.float32))
            for number in range(len(LAYERS))
        )
