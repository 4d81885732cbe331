"""Synthetic pictures with and without text, and where the text is: what the text network learns from.

Nothing here comes from a patient or a scanner. Speckle is filtered complex noise, compressed as scanners do; around
and inside it stand what must not be taken for text: calipers, depth marks, traces, frames, bars. The fonts are those
of the DejaVu family, which the tests and the benchmark don't use.
"""

from __future__ import annotations

import io
import string
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 192
"""Rows and columns of a picture."""

_WORDS = (
    "DOE JANE JOHN SMITH MUELLER GARCIA PAPADOPOULOS NGUYEN IVANOV ROSSI ID MRN DOB F M HOSPITAL GENERAL CLINIC UNIVERSITY "
    "RADIOLOGY VASCULAR LAB DR MD PHD Name Patient Abdomen Venous Carotid Left Right LT RT CFV GSV POP Thyroid Renal Liver "
    "cm mm dB Hz MHz kHz Gain DR FR MI TI TIS Depth Frq PRF WF Gen Map Persist SV Angle Dist Area Vol sec AM PM "
    "Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec"
).split()
_NUMBERS = ("##", "###", "#.#", "##.#", "##/##/####", "##.##.##", "##:##:##", "#######", "##-##-##", "##%")


class PictureMaker:
    """Makes pictures one after the other; the same seed and fonts make the same."""

    def __init__(self, seed: int, fonts: Path):
        self._random = np.random.default_rng(seed)
        self._fonts = sorted(fonts.glob("DejaVu*.ttf"))
        if not self._fonts:
            raise FileNotFoundError(f"{fonts} holds no DejaVu fonts")

    def picture(self) -> tuple[np.ndarray, np.ndarray]:
        """A picture as uint8 (SIDE, SIDE), and how much of each pixel belongs to a line of text, float32 (SIDE, SIDE)."""
        random = self._random
        picture = self._background()
        truth = np.zeros((SIDE, SIDE), np.float32)
        if random.random() < 0.5:
            picture = self._with_graphics(picture)
        if random.random() < 0.75:
            for _ in range(random.integers(1, 5)):
                picture, truth = self._with_line(picture, truth)
        return self._as_stored(picture), truth

    def _background(self) -> np.ndarray:
        random = self._random
        kind = random.random()
        if kind < 0.12:
            return np.full((SIDE, SIDE), random.choice([0, 0, 0, 8, 30, 60, 120, 200, 255]), np.float32)
        if kind < 0.20:
            return self._panels()
        if kind < 0.34:
            return self._spectrum()
        picture = self._speckle()
        if kind < 0.58:
            picture *= self._fan()
        return picture

    def _speckle(self) -> np.ndarray:
        """Log-compressed speckle over tissue of uneven brightness, its grain turned by any angle."""
        random = self._random
        small, large = 10 ** random.uniform(-0.1, 0.45), 10 ** random.uniform(0.1, 0.9)
        if random.random() < 0.12:  # M-mode and spectra: drawn out in one direction
            small, large = random.uniform(0.3, 1), random.uniform(8, 40)
        angle = random.uniform(0, np.pi)
        y, x = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij")
        along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        filter_ = np.exp(-2 * np.pi**2 * ((along * large) ** 2 + (across * small) ** 2))
        noise = random.standard_normal((SIDE, SIDE)) + 1j * random.standard_normal((SIDE, SIDE))
        field = np.fft.ifft2(np.fft.fft2(noise) * filter_)
        if random.random() < 0.3:
            field = field.real
        envelope = np.abs(field) / np.sqrt(np.mean(np.abs(field) ** 2))
        decibel = 20 * np.log10(envelope + 1e-3) + self._smooth(random.uniform(8, 60)) * random.uniform(2, 14)
        dynamic_range = random.uniform(35, 80)
        picture = 255 * np.clip((decibel + random.uniform(15, 60)) / dynamic_range, 0, 1) ** random.uniform(0.8, 1.6)
        picture *= random.uniform(0.4, 1)
        if random.random() < 0.35:
            picture = _blurred(picture, random.uniform(0.5, 1.5))
        return picture.astype(np.float32)

    def _spectrum(self) -> np.ndarray:
        """Noise below an outline that beats, as the spectra of Doppler are drawn; either way up, on weak noise."""
        random = self._random
        outline = np.abs(
            np.cumsum(random.normal(0, 3, SIDE)) + random.uniform(10, 120) * np.sin(np.arange(SIDE) / random.uniform(4, 30))
        )
        height = np.arange(SIDE)[:, None] - random.uniform(0, SIDE)
        inside = (height > 0) & (height < outline[None] + 5)
        noise = random.gamma(random.uniform(0.6, 4), 0.5, (SIDE, SIDE))
        if random.random() < 0.5:
            noise = _blurred(noise, random.uniform(0.3, 1))
        picture = noise * (inside * random.uniform(40, 200) * random.uniform(0.3, 1, SIDE) + random.uniform(0, 12))
        return np.clip(picture if random.random() < 0.5 else picture[::-1], 0, 255).astype(np.float32)

    def _smooth(self, grain: float) -> np.ndarray:
        random = self._random
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
        field = np.fft.ifft2(
            np.fft.fft2(random.standard_normal((SIDE, SIDE))) * np.exp(-2 * (np.pi * frequency * grain) ** 2)
        ).real
        return (field / (field.std() + 1e-9)).astype(np.float32)

    def _fan(self) -> np.ndarray:
        """1 inside of a half plane, a circle or both, else 0: the edges of sectors."""
        random = self._random
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        inside = np.ones((SIDE, SIDE), bool)
        for _ in range(random.integers(1, 3)):
            if random.random() < 0.5:
                angle = random.uniform(0, 2 * np.pi)
                offset = random.uniform(-0.3, 0.4) * SIDE
                inside &= (x - SIDE / 2) * np.cos(angle) + (y - SIDE / 2) * np.sin(angle) < offset
            else:
                radius = random.uniform(0.7, 4) * SIDE
                centre = SIDE / 2 + (radius + random.uniform(-0.4, 0.3) * SIDE) * np.array(_direction(random))
                circle = np.hypot(x - centre[0], y - centre[1]) < radius
                inside &= circle if random.random() < 0.5 else ~circle
        return inside.astype(np.float32)

    def _panels(self) -> np.ndarray:
        """The panels, buttons and bars of a user interface."""
        random = self._random
        image = Image.new("L", (SIDE, SIDE), int(random.choice([0, 20, 50, 200, 240, 255])))
        draw = ImageDraw.Draw(image)
        for _ in range(random.integers(1, 7)):
            left, top = random.integers(-40, SIDE, 2)
            box = [int(left), int(top), int(left + random.integers(10, 160)), int(top + random.integers(8, 120))]
            outline = int(random.integers(0, 256)) if random.random() < 0.5 else None
            draw.rectangle(box, fill=int(random.integers(0, 256)), outline=outline, width=int(random.integers(1, 3)))
        return np.asarray(image, np.float32)

    def _with_graphics(self, picture: np.ndarray) -> np.ndarray:
        """What scanners draw that is no text."""
        random = self._random
        image = Image.fromarray(picture.astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(random.integers(1, 5)):
            tone = int(random.integers(90, 256))
            x, y = (int(value) for value in random.integers(0, SIDE, 2))
            kind = random.integers(0, 9)
            width = int(random.integers(1, 3))
            if kind == 0:  # a depth scale
                step, length = int(random.integers(6, 40)), int(random.integers(2, 9))
                for position in range(y % step, SIDE, step):
                    draw.line([x, position, x + length * (2 if position // step % 5 == 0 else 1), position], tone, width)
            elif kind == 1:  # the same lying down
                step, length = int(random.integers(6, 40)), int(random.integers(2, 9))
                for position in range(x % step, SIDE, step):
                    draw.line([position, y, position, y + length], tone, width)
            elif kind == 2:  # calipers and the dots between them
                other = [int(value) for value in random.integers(0, SIDE, 2)]
                arm = int(random.integers(3, 9))
                for u, v in ((x, y), other):
                    draw.line([u - arm, v, u + arm, v], tone, width)
                    draw.line([u, v - arm, u, v + arm], tone, width)
                for part in np.linspace(0, 1, int(random.integers(4, 40))):
                    u, v = x + (other[0] - x) * part, y + (other[1] - y) * part
                    draw.point([int(u), int(v)], tone)
            elif kind == 3:  # a trace: ECG, the envelope of a spectrum
                values = y + np.cumsum(random.standard_normal(SIDE)) * random.uniform(0.3, 2.5)
                if random.random() < 0.5:
                    values[:: int(random.integers(20, 60))] -= random.uniform(8, 40)
                draw.line([(u, float(v)) for u, v in enumerate(values)], tone, width)
            elif kind == 4:  # lines: fascia, needles, gates
                other = [int(value) for value in random.integers(0, SIDE, 2)]
                draw.line([x, y, *other], tone, int(random.integers(1, 5)))
            elif kind == 5:  # boxes and circles
                box = [x, y, x + int(random.integers(6, 120)), y + int(random.integers(6, 120))]
                (draw.rectangle if random.random() < 0.5 else draw.ellipse)(box, outline=tone, width=width)
            elif kind == 6:  # a grey or colour bar
                length, thickness = int(random.integers(40, 160)), int(random.integers(6, 20))
                ramp = np.linspace(255, 0, length).astype(np.uint8)[:, None].repeat(thickness, axis=1)
                image.paste(Image.fromarray(ramp), (x, y))
                draw = ImageDraw.Draw(image)
            elif kind == 7:  # focus marks, arrows
                size = int(random.integers(4, 14))
                draw.polygon([(x, y), (x + size, y - size // 2), (x + size, y + size // 2)], fill=tone)
            else:  # bright spots, as needles and calcifications are
                for _ in range(int(random.integers(1, 12))):
                    u, v = x + random.normal(0, 25), y + random.normal(0, 25)
                    radius = random.uniform(0.7, 6)
                    draw.ellipse([u - radius * random.uniform(1, 3), v - radius, u + radius * 2, v + radius], fill=tone)
        return np.asarray(image, np.float32)

    def _with_line(self, picture: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A line of text drawn somewhere, light or dark, standing out by a tenth of the range or more."""
        random = self._random
        glyphs, line = self._line()
        rows, columns = glyphs.shape
        top, left = (int(random.integers(-size // 3, SIDE - size // 2)) for size in (rows, columns))
        ink, belongs = (_placed(part, top, left) for part in (glyphs, line))
        under = picture[belongs > 0.5]
        if under.size < 40 or (truth[belongs > 0.1] > 0.05).any():
            return picture, truth
        level = under.mean()
        contrast = max(random.uniform(0.15, 1), random.uniform(0.15, 1)) * 255
        dark = level > 90 and random.random() < (0.75 if level > 170 else 0.2)
        tone = np.clip(level - contrast if dark else level + contrast, 0, 255)
        if abs(tone - level) < 0.12 * 255:
            return picture, truth
        if random.random() < 0.15:  # on a bar of its own
            picture = picture * (1 - belongs) + belongs * np.clip(level + random.uniform(-30, 30), 0, 255)
        if random.random() < 0.15:  # with a shadow
            picture = picture * (1 - 0.9 * _placed(glyphs, top + 1, left + 1))
        return picture * (1 - ink) + tone * ink, np.maximum(truth, belongs)

    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        """How much ink each pixel has, and how much of it belongs to the line: float32 0 to 1, turned as one."""
        random = self._random
        height = int(round(9 * 2 ** random.uniform(0, 1.9)))
        font = ImageFont.truetype(str(random.choice(self._fonts)), height)
        text = self._text()
        left, top, right, bottom = font.getbbox(text)
        size = (right - left + 8, bottom - top + 8)
        glyphs, line = Image.new("L", size), Image.new("L", size)
        ImageDraw.Draw(glyphs).text((4 - left, 4 - top), text, 255, font=font, stroke_width=int(random.random() < 0.08))
        ImageDraw.Draw(line).rectangle([4, 4, size[0] - 5, size[1] - 5], fill=255)
        if random.random() < 0.3:  # the letters of a screen that knows no grey
            glyphs = glyphs.point(lambda value: 255 if value > 110 else 0)
        stretch = random.uniform(0.75, 1.3)
        size = (max(int(size[0] * stretch), 4), size[1])
        angle = 0.0
        if random.random() < 0.3:
            angle = random.choice([90.0, 270.0, random.uniform(-45, 45), random.uniform(-12, 12), random.uniform(0, 360)])
        return tuple(
            np.asarray(
                part.resize(size, Image.Resampling.BILINEAR).rotate(angle, Image.Resampling.BICUBIC, expand=True), np.float32
            )
            / 255
            for part in (glyphs, line)
        )

    def _text(self) -> str:
        random = self._random
        parts = []
        for _ in range(random.integers(1, 5)):
            kind = random.random()
            if kind < 0.45:
                parts.append(str(random.choice(_WORDS)))
            elif kind < 0.75:
                pattern = random.choice(
                    ["##", "###", "#.#", "##.#", "##/##/####", "##.##.##", "##:##:##", "#######", "##-##-##", "##%"]
                )
                parts.append("".join(str(random.integers(0, 10)) if sign == "#" else sign for sign in pattern))
            else:
                letters = string.ascii_letters + string.digits
                parts.append("".join(random.choice(list(letters), random.integers(2, 10))))
        text = str(random.choice([" ", " ", ", ", "^", ": "])).join(parts)
        if len(text) < 3:
            text += "ABC"
        return text.upper() if random.random() < 0.3 else text

    def _as_stored(self, picture: np.ndarray) -> np.ndarray:
        """Noise, blur and JPEG, as pictures meet them on their way."""
        random = self._random
        if random.random() < 0.2:
            picture = _blurred(picture, random.uniform(0.3, 0.9))
        if random.random() < 0.3:
            picture = picture + random.normal(0, random.uniform(1, 8), picture.shape)
        stored = np.clip(picture, 0, 255).astype(np.uint8)
        if random.random() < 0.4:
            stream = io.BytesIO()
            Image.fromarray(stored).save(stream, "JPEG", quality=int(random.integers(35, 96)))
            stored = np.asarray(Image.open(stream))
        return stored


def _direction(random: np.random.Generator) -> tuple[float, float]:
    angle = random.uniform(0, 2 * np.pi)
    return float(np.cos(angle)), float(np.sin(angle))


def _placed(part: np.ndarray, top: int, left: int) -> np.ndarray:
    """The part of a drawing that falls on the picture, at its place."""
    picture = np.zeros((SIDE, SIDE), np.float32)
    rows, columns = part.shape
    first_row, first_column = max(-top, 0), max(-left, 0)
    last_row, last_column = min(rows, SIDE - top), min(columns, SIDE - left)
    if last_row > first_row and last_column > first_column:
        picture[top + first_row : top + last_row, left + first_column : left + last_column] = part[
            first_row:last_row, first_column:last_column
        ]
    return picture


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    kernel = _gauss(round(sigma, 1))
    for axis in (0, 1):
        picture = np.apply_along_axis(np.convolve, axis, picture, kernel, mode="same")
    return picture


@cache
def _gauss(sigma: float) -> np.ndarray:
    reach = max(int(3 * sigma), 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return kernel / kernel.sum()
