"""A synthetic ultrasound screen: drawn furniture, and pictures of moving speckle in known places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from math import pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from USDICOMizerLib.geometry import CropBox

WHITE, YELLOW, GREY, GREEN = (235, 238, 240), (236, 208, 92), (150, 158, 164), (60, 200, 90)


@dataclass(frozen=True)
class Screen:
    """Frames as uint8 RGB (frames, rows, columns, 3), and the truth about them.

    `picture` is True on the pixels of the diagnostic picture, `box` the smallest crop box around it. `identifying` are the
    boxes of text that names the patient, `outside` those of them that no right crop box meets.
    """

    name: str
    frames: np.ndarray
    picture: np.ndarray
    identifying: tuple[CropBox, ...]

    @property
    def box(self) -> CropBox:
        """The smallest box around the picture."""
        rows, columns = np.flatnonzero(self.picture.any(1)), np.flatnonzero(self.picture.any(0))
        return CropBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)

    @property
    def outside(self) -> tuple[CropBox, ...]:
        """The identifying text that lies clear of the true box."""
        return tuple(text for text in self.identifying if text.intersection(self.box) is None)


@dataclass
class Part:
    """One picture on the screen: its pixels with depth and lateral position in pixels, and how it is painted."""

    mask: np.ndarray
    depth: np.ndarray
    lateral: np.ndarray
    flow: np.ndarray | None = None  # where colour is painted
    sweeping: bool = False  # an M-mode: lateral is time


@dataclass
class Canvas:
    """A screen while it is drawn: what stands still, the parts of the picture, and the dice."""

    columns: int
    rows: int
    rng: np.random.Generator
    background: tuple[int, int, int] = (0, 0, 0)
    still: Image.Image = field(init=False)
    over: Image.Image = field(init=False)  # drawn over the picture; black is transparent
    parts: list[Part] = field(default_factory=list)
    identifying: list[CropBox] = field(default_factory=list)
    moving: list[Callable[[ImageDraw.ImageDraw, float], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.still = Image.new("RGB", (self.columns, self.rows), self.background)
        self.over = Image.new("RGB", (self.columns, self.rows))
        self.unit = self.rows / 600  # all lengths below are those of a screen of 600 rows

    def u(self, length: float) -> int:
        return round(length * self.unit)

    def text(
        self, x: float, y: float, words: str, size: float = 13, colour=WHITE, *, names=False, over=False, right=False
    ) -> None:
        draw = ImageDraw.Draw(self.over if over else self.still)
        font = ImageFont.load_default(max(9, self.u(size)))
        if right:
            x -= draw.textlength(words, font=font)
        draw.text((x, y), words, fill=colour, font=font)
        if names:
            left, top, end, bottom = draw.textbbox((x, y), words, font=font)
            box = CropBox(int(left), int(top), int(end) + 1, int(bottom) + 1).clipped_to(self.columns, self.rows)
            self.identifying.append(box)


def render(canvas: Canvas, count: int) -> np.ndarray:
    rng = canvas.rng
    gain, attenuation, noise = rng.uniform(-14, 10), rng.uniform(4, 26), rng.uniform(0, 5)
    textures = [(_speckle(rng), _speckle(rng), _anatomy(rng)) for _ in canvas.parts]
    over = np.asarray(canvas.over)
    frames = []
    for index in range(count):
        phase = index / count
        image = canvas.still.copy()
        for draw_moving in canvas.moving:
            draw_moving(ImageDraw.Draw(image), phase)
        frame = np.array(image)
        for part, (one, two, anatomy) in zip(canvas.parts, textures, strict=True):
            depth, lateral = part.depth[part.mask], part.lateral[part.mask]
            moved = lateral + (index * 7 if part.sweeping else 3 * sin(2 * pi * phase))
            down = depth + 2 * sin(2 * pi * phase + 1)
            decibels = np.logaddexp(_sample(one, down, moved), _sample(two, down, moved + 5 * index) + 1 - 2 * abs(phase - 0.5))
            share = depth / max(1.0, depth.max())
            decibels = 3.2 * decibels + anatomy(share, lateral / max(1.0, np.abs(part.lateral).max()), phase)
            grey = 92 + 2.6 * (decibels + gain - attenuation * share) + rng.normal(0, noise, depth.size)
            shade = np.clip(grey, 0, 255).astype(np.uint8)
            frame[part.mask] = shade[:, None]
            if part.flow is not None:
                _paint_flow(frame, part, phase)
        shown = over.any(-1)
        frame[shown] = over[shown]
        frames.append(frame)
    return np.stack(frames)


def through_jpeg(frame: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    stream = BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(BytesIO(stream.getvalue())).convert("RGB"))


def _speckle(rng: np.random.Generator) -> np.ndarray:
    """Log envelope of band-limited noise on a (256, 256) grid that repeats."""
    noise = rng.standard_normal((256, 256)) + 1j * rng.standard_normal((256, 256))
    axial, side = np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None]
    spread = np.exp(-0.5 * (axial / 0.16) ** 2 - 0.5 * (side / rng.uniform(0.06, 0.12)) ** 2)
    envelope = np.abs(np.fft.ifft2(np.fft.fft2(noise) * spread))
    return np.log(envelope / envelope.mean() + 0.05)


def _sample(texture: np.ndarray, depth: np.ndarray, lateral: np.ndarray) -> np.ndarray:
    return texture[np.rint(depth).astype(int) % 256, np.rint(lateral).astype(int) % 256]


def _anatomy(rng: np.random.Generator) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray]:
    """Layers, a cyst without echo, a shadow: decibels over depth 0..1 and lateral -1..1."""
    layers, slope = rng.uniform(3, 9), rng.uniform(-1, 1)
    cyst = rng.uniform(0.3, 0.7), rng.uniform(-0.5, 0.5), rng.uniform(0.08, 0.22)
    shadow = rng.uniform(-0.8, 0.8), rng.uniform(0, 0.12), rng.uniform(0.2, 0.6)

    def decibels(depth: np.ndarray, lateral: np.ndarray, phase: float) -> np.ndarray:
        value = 5 * np.sin(2 * pi * (layers * depth + slope * lateral)) * np.exp(-2 * depth)
        beat = 1 + 0.08 * sin(2 * pi * phase)
        value = value - 40 * ((depth - cyst[0]) ** 2 + (0.6 * (lateral - cyst[1])) ** 2 < (cyst[2] * beat) ** 2)
        return value - 25 * ((np.abs(lateral - shadow[0]) < shadow[1]) & (depth > shadow[2]))

    return decibels


def _paint_flow(frame: np.ndarray, part: Part, phase: float) -> None:
    here = part.flow & (np.sin(part.depth / 17 + 4 * phase) + np.sin(part.lateral / 23) > 0.5)
    frame[here] = (205, 70, 30) if phase < 0.6 else (40, 80, 200)
