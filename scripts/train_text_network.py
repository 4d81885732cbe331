#!/usr/bin/env python3
"""Train the network that finds text in pictures, and write its weights: USDICOMizerLib/text_network.npz.

    python scripts/train_text_network.py --fonts /usr/share/fonts/truetype/dejavu
    python scripts/train_text_network.py --fonts /usr/share/fonts/truetype/dejavu --steps 800 --rate 8e-4 --seed 2 \
        --start USDICOMizerLib/text_network.npz

The second call polishes what the first one made. The weights in the repository are from both, the first one ended after
3000 of its 5000 steps.

NumPy alone. Half an hour or so on one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from text_training_pictures import SIDE, PictureMaker

from USDICOMizerLib.text_network import CELL, INPUTS, LAYERS, Layer, network_input, padded, patches

WEIGHTS = Path(__file__).resolve().parent.parent / "USDICOMizerLib" / "text_network.npz"
BATCH = 12
TEXT_COUNTS = 3.0  # how much more a cell with text counts than one without


class Trained:
    """The network's weights while they learn, by Adam (Kingma and Ba 2015)."""

    def __init__(self, seed: int, start: Path | None = None):
        random = np.random.default_rng(seed)
        self.weights: list[np.ndarray] = []
        channels = INPUTS
        for layer in LAYERS:
            inputs = layer.side**2 * channels
            self.weights.append((random.standard_normal((layer.channels, inputs)) * np.sqrt(2 / inputs)).astype(np.float32))
            self.weights.append(np.zeros(layer.channels, np.float32))
            channels = layer.channels
        self.weights[-1] -= 2  # most cells hold no text
        if start is not None:
            with np.load(start) as stored:
                names = [f"{what}{number}" for number in range(len(LAYERS)) for what in ("kernel", "bias")]
                self.weights = [stored[name].astype(np.float32) for name in names]
        self._mean = [np.zeros_like(weight) for weight in self.weights]
        self._square = [np.zeros_like(weight) for weight in self.weights]
        self._steps = 0

    def step(self, pictures: np.ndarray, truth: np.ndarray, counts: np.ndarray, rate: float) -> float:
        """Learn from (pictures, INPUTS, rows, columns) and the truth of their cells; returns the loss before."""
        seen, values = [], pictures
        for number, layer in enumerate(LAYERS):
            shape = values.shape
            rows, columns = shape[2] // layer.stride, shape[3] // layer.stride
            under = patches(padded(values, layer), layer, 0, rows, columns)
            values = self.weights[2 * number] @ under + self.weights[2 * number + 1][:, None]
            if layer.channels > 1:
                np.maximum(values, 0, out=values)
            seen.append((shape, under, values))
            values = values.reshape(shape[0], layer.channels, rows, columns)
        logit = values[:, 0]
        loss = float((counts * (np.logaddexp(0, logit) - truth * logit)).sum() / counts.sum())
        gradient = (counts * (1 / (1 + np.exp(-logit)) - truth) / counts.sum()).astype(np.float32)
        gradient = gradient.reshape(len(pictures), 1, -1)
        gradients: list[np.ndarray] = [None] * len(self.weights)
        for number in reversed(range(len(LAYERS))):
            layer = LAYERS[number]
            shape, under, values = seen[number]
            if layer.channels > 1:
                gradient = gradient * (values > 0)
            gradients[2 * number] = (gradient @ under.transpose(0, 2, 1)).sum(axis=0)
            gradients[2 * number + 1] = gradient.sum(axis=(0, 2))
            if number:
                gradient = _given_back(self.weights[2 * number].T @ gradient, layer, shape)
        self._learn(gradients, rate)
        return loss

    def _learn(self, gradients: list[np.ndarray], rate: float) -> None:
        self._steps += 1
        for weight, gradient, mean, square in zip(self.weights, gradients, self._mean, self._square, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            corrected = mean / (1 - 0.9**self._steps), square / (1 - 0.999**self._steps)
            weight -= rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)

    def save(self, path: Path) -> None:
        """Write the weights at half precision: they decide nothing finer."""
        arrays = {}
        for number in range(len(LAYERS)):
            arrays[f"kernel{number}"] = self.weights[2 * number].astype(np.float16)
            arrays[f"bias{number}"] = self.weights[2 * number + 1].astype(np.float16)
        np.savez_compressed(path, **arrays)


def _given_back(gradient: np.ndarray, layer: Layer, shape: tuple[int, ...]) -> np.ndarray:
    """What `patches` gathered, added up where it came from: (pictures, channels, rows x columns) of `shape`."""
    pictures, channels, rows, columns = shape
    reach, stride, side = layer.dilation * (layer.side // 2), layer.stride, layer.side
    around = np.zeros((pictures, channels, rows + 2 * reach + 1, columns + 2 * reach + 1), np.float32)
    gradient = gradient.reshape(pictures, side, side, channels, rows // stride, columns // stride)
    for row in range(side):
        for column in range(side):
            top, left = row * layer.dilation, column * layer.dilation
            around[:, :, top : top + rows : stride, left : left + columns : stride] += gradient[:, row, column]
    return around[:, :, reach : reach + rows, reach : reach + columns].reshape(pictures, channels, -1)


def _batch(maker: PictureMaker) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pictures, truths = [], []
    for _ in range(BATCH):
        picture, truth = maker.picture()
        pictures.append(network_input(picture))
        cells = truth.reshape(SIDE // CELL, CELL, SIDE // CELL, CELL).mean(axis=(1, 3))
        truths.append(cells)
    cells = np.stack(truths)
    truth = (cells >= 0.4).astype(np.float32)
    # Cells at the edge of a line are neither: they count nothing.
    counts = np.where(cells >= 0.4, TEXT_COUNTS, np.where(cells > 0.02, 0, 1)).astype(np.float32)
    return np.stack(pictures), truth, counts


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, required=True, help="a folder with the DejaVu fonts")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=2e-3, help="how fast it learns, at most")
    parser.add_argument("--start", type=Path, help="weights to go on from, instead of from chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    maker, network = PictureMaker(options.seed, options.fonts), Trained(options.seed, options.start)
    recent, start = 0.7, time.monotonic()
    for step in range(1, options.steps + 1):
        rate = options.rate * min(1, step / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / options.steps)))
        recent += 0.02 * (network.step(*_batch(maker), rate) - recent)
        if step % 200 == 0:
            print(f"{step} of {options.steps}: loss {recent:.4f}, {time.monotonic() - start:.0f} s", flush=True)
            network.save(options.output)
    network.save(options.output)


if __name__ == "__main__":
    main()
