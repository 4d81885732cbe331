"""Pictures with planted lines of text, and clean ones, with the truth about both: what the text detector is measured on.

FROZEN: written before the detector. Whoever changes it changes what the published numbers mean, and says so there.
Fonts and speckle are others than those that the text network was trained with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from USDICOMizerLib.sample_pictures import PICTURE, BarText, draw_frame

ROWS, COLUMNS = 800, 1200
_LINES = (
    "DOE^JANE 14.02.1961",
    "Muster, Erika",
    "ID: 48151623",
    "St. Elsewhere Hospital",
    "Smith, John  M  62Y",
    "MRN-0042-77",
    "Dr. A. Papadopoulou",
    "12/03/2024 09:41:22",
    "Acc# A1029384",
    "GARCIA MARIA",
)


@dataclass(frozen=True)
class PlantedLine:
    """A line of text: its pixels as bool (ROWS, COLUMNS), the height of its letters, and how it stands out."""

    pixels: np.ndarray
    height: int
    contrast: float
    angle: float
    background: str


@dataclass(frozen=True)
class PlantedPicture:
    """A picture as uint8 RGB (ROWS, COLUMNS, 3), and what was written into it."""

    picture: np.ndarray
    background: str
    lines: tuple[PlantedLine, ...]


BACKGROUNDS = ("black", "curved", "linear", "colour", "m-mode", "spectrum")


def planted_pictures(count: int, seed: int = 20261122, *, lines: int = 4) -> Iterator[PlantedPicture]:
    """`count` pictures, the backgrounds in turn, each with that many lines (0: clean ones)."""
    for index in range(count):
        random = np.random.default_rng([seed, index, lines])
        background = BACKGROUNDS[index % len(BACKGROUNDS)]
        picture = _background(background, random)
        planted: list[PlantedLine] = []
        for _ in range(lines):
            picture = _with_line(picture, background, planted, random)
        picture = np.clip(picture + random.normal(0, random.uniform(0, 4), picture.shape), 0, 255).astype(np.uint8)
        yield PlantedPicture(picture, background, tuple(planted))


def _with_line(picture: np.ndarray, background: str, planted: list[PlantedLine], random: np.random.Generator) -> np.ndarray:
    height = int(random.integers(10, 25))
    angle = float(random.choice([0.0, 0.0, 0.0, 90.0, random.uniform(-40, 40)]))
    text = str(random.choice(_LINES))
    ink, belongs = _line(text, height, angle, pixelated=bool(random.random() < 0.3))
    rows, columns = ink.shape
    for _ in range(50):
        top, left = int(random.integers(0, ROWS - rows)), int(random.integers(0, COLUMNS - columns))
        place = (slice(top, top + rows), slice(left, left + columns))
        if any(line.pixels[place][belongs].any() for line in planted):
            continue
        level = picture[place][belongs].mean()
        contrast = random.uniform(0.25, 1)
        if level + 0.25 * 255 > 255:
            continue
        contrast = min(contrast, (255 - level) / 255)
        picture = picture.copy()
        part = picture[place]
        picture[place] = part * (1 - ink[..., None]) + (level + contrast * 255) * ink[..., None]
        pixels = np.zeros((ROWS, COLUMNS), bool)
        pixels[place] = belongs
        planted.append(PlantedLine(pixels, height, contrast, angle, background))
        return picture
    return picture


def _line(text: str, height: int, angle: float, *, pixelated: bool) -> tuple[np.ndarray, np.ndarray]:
    """How much ink each pixel gets (0 to 1), and which pixels belong to the line; letters of `height` pixels."""
    font = ImageFont.load_default() if pixelated else ImageFont.load_default(size=64)
    left, top, right, bottom = font.getbbox(text)
    _, capital_top, _, capital_bottom = font.getbbox("H")
    scale = height / (capital_bottom - capital_top)
    size = (int((right - left) * scale) + 2, int((bottom - top) * scale) + 2)
    ink = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(ink).text((1 - left, 1 - top), text, 255, font=font)
    ink = ink.resize(size, Image.Resampling.BICUBIC if pixelated else Image.Resampling.LANCZOS)
    whole = Image.new("L", size, 255)
    turned = [part.rotate(angle, Image.Resampling.BICUBIC, expand=True) for part in (ink, whole)]
    return np.asarray(turned[0], np.float32) / 255, np.asarray(turned[1]) > 127


def _background(kind: str, random: np.random.Generator) -> np.ndarray:
    """A picture without text, float32 RGB (ROWS, COLUMNS, 3), with the graphics that scanners draw."""
    if kind == "black":
        grey = np.zeros((ROWS, COLUMNS), np.float32)
    elif kind in ("curved", "colour"):
        return _with_graphics(_sample(random, colour=kind == "colour"), random)
    elif kind == "linear":
        grey = _tissue(random, sideways=random.uniform(1.5, 4), down=random.uniform(0.8, 2))
        grey[:, :100], grey[:, -100:] = 0, 0
    elif kind == "m-mode":
        grey = _tissue(random, sideways=random.uniform(15, 40), down=1.2)
        grey[: ROWS // 3] = _tissue(random, sideways=3, down=1.5)[: ROWS // 3]
    else:
        grey = _spectrum(random)
    return _with_graphics(np.repeat(grey[..., None], 3, axis=2), random)


def _sample(random: np.random.Generator, *, colour: bool) -> np.ndarray:
    """The fan of the sample exam, enlarged to the size of the picture."""
    frame = draw_frame(BarText(("", ""), ("", "")), int(random.integers(0, 30)), 30, colour_flow=colour)
    fan = frame[PICTURE.top + 4 : PICTURE.bottom - 40, PICTURE.left + 8 : PICTURE.right - 60]
    enlarged = Image.fromarray(fan).resize((COLUMNS, ROWS), Image.Resampling.BICUBIC)
    return np.asarray(enlarged, np.float32) * random.uniform(0.7, 1.1)


def _tissue(random: np.random.Generator, *, sideways: float, down: float) -> np.ndarray:
    """Rayleigh noise smoothed by boxes, over layers of uneven brightness."""
    real, imaginary = (_smoothed(random.standard_normal((ROWS, COLUMNS)), down, sideways) for _ in range(2))
    envelope = np.hypot(real, imaginary)
    envelope /= envelope.mean()
    layers = _smoothed(random.standard_normal((ROWS, COLUMNS)), 30, 200)
    layers /= layers.std()
    grey = 90 + 45 * np.log(envelope + 0.05) + 30 * layers
    return np.clip(grey * random.uniform(0.5, 1.1), 0, 255).astype(np.float32)


def _smoothed(field: np.ndarray, down: float, sideways: float) -> np.ndarray:
    """Three passes of a running mean along each axis: nearly a Gaussian of these widths."""
    for axis, width in ((0, down), (1, sideways)):
        side = max(round(width), 1)
        for _ in range(3 if side > 1 else 0):
            sums = np.cumsum(np.pad(field, [(side, 0) if axis == at else (0, 0) for at in (0, 1)], mode="wrap"), axis=axis)
            later, earlier = (sums[side:], sums[:-side]) if axis == 0 else (sums[:, side:], sums[:, :-side])
            field = (later - earlier) / side
    return field


def _spectrum(random: np.random.Generator) -> np.ndarray:
    """A spectral Doppler strip: beats over a baseline, noise below."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    beat = (x / random.uniform(150, 260)) % 1
    velocity = 0.55 * ROWS * (0.25 + 0.75 * np.exp(-((beat - 0.2) ** 2) / 0.01) + 0.2 * np.exp(-((beat - 0.55) ** 2) / 0.02))
    height = 0.85 * ROWS - y
    inside = (height > 0) & (height < velocity)
    noise = random.gamma(2, 0.5, (ROWS, COLUMNS)).astype(np.float32)
    return np.clip(inside * noise * (60 + 120 * height / (velocity + 1)) + noise * 6, 0, 255)


def _with_graphics(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Depth marks, calipers with their dots, a focus mark, a frame: what is no text."""
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    x, step = int(random.integers(COLUMNS - 120, COLUMNS - 20)), int(random.integers(15, 60))
    for number, y in enumerate(range(10, ROWS, step)):
        draw.line([x, y, x + (10 if number % 5 == 0 else 5), y], (200, 200, 200), 1)
    ends = [(int(random.integers(200, COLUMNS - 200)), int(random.integers(100, ROWS - 100))) for _ in range(2)]
    for u, v in ends:
        draw.line([u - 6, v, u + 6, v], (255, 255, 0), 1)
        draw.line([u, v - 6, u, v + 6], (255, 255, 0), 1)
    for part in np.linspace(0, 1, 40):
        draw.point([ends[0][0] + (ends[1][0] - ends[0][0]) * part, ends[0][1] + (ends[1][1] - ends[0][1]) * part], (255, 255, 0))
    y = int(random.integers(50, ROWS - 50))
    draw.polygon([(x + 14, y), (x + 24, y - 6), (x + 24, y + 6)], fill=(0, 200, 255))
    if random.random() < 0.5:
        corner = ends[0]
        draw.rectangle([corner[0], corner[1], corner[0] + 140, corner[1] + 110], outline=(0, 255, 0))
    return np.asarray(image, np.float32)
