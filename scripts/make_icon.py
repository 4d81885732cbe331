"""Draw the extension's icon and the thumbnail of the sample exam, as PNG:

    python scripts/make_icon.py [FOLDER]        (default: USDICOMizer/Resources/Icons)

The icon is a fan of ultrasound inside the corners of a crop box, 128 x 128 pixels, drawn at eight times that size; the
thumbnail a frame of the sample exam with its box.
"""

from __future__ import annotations

import math
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
from PIL import Image, ImageDraw
from pydicom import dcmread

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from USDICOMizerLib.sample_exam import make_sample_exam  # noqa: E402

SIZE, OVERSAMPLING = 128, 8
_BACKGROUND, _FAN, _BOX = (24, 34, 48, 255), (96, 190, 220), (255, 196, 64, 255)


def fan_brightness(side: int) -> np.ndarray:
    """A fan with layers, as an ultrasound picture has them: (side, side) from 0 outside to 1."""
    rows, columns = np.mgrid[:side, :side] / side
    across, down = columns - 0.5, rows - 0.02
    radius, angle = np.hypot(across, down), np.abs(np.arctan2(across, down))
    inside = (radius > 0.2) & (radius < 0.8) & (angle < math.radians(30))
    layers = 0.62 + 0.38 * np.cos(radius * 46) * np.exp(-radius)
    vessel = np.hypot((across - 0.05) / 0.13, (down - 0.52) / 0.085) < 1
    return np.where(inside, np.where(vessel, 0.12, layers), 0)


def icon() -> Image.Image:
    """The icon with an alpha channel."""
    side = SIZE * OVERSAMPLING
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), side // 7, fill=_BACKGROUND)
    bright = fan_brightness(side)
    fan = np.zeros((side, side, 4), np.uint8)
    for channel, value in enumerate(_FAN):
        fan[..., channel] = np.clip(bright * value, 0, 255)
    fan[..., 3] = np.where(bright > 0, 255, 0)
    picture.alpha_composite(Image.fromarray(fan, "RGBA"))
    low, high, arm, width = side * 0.09, side * 0.91, side * 0.2, round(side * 0.045)
    for x, to_x in ((low, arm), (high, -arm)):
        for y, to_y in ((low, arm), (high, -arm)):
            draw.line([(x + to_x, y), (x, y), (x, y + to_y)], fill=_BOX, width=width, joint="curve")
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def thumbnail() -> Image.Image:
    """The first colour frame of the sample exam that is stored without compression, 260 pixels wide."""
    with TemporaryDirectory() as folder, ZipFile(make_sample_exam(Path(folder) / "exam.zip")) as archive:
        members = (dcmread(BytesIO(archive.read(name))) for name in sorted(archive.namelist()) if not name.endswith("/"))
        dataset = next(d for d in members if not d.file_meta.TransferSyntaxUID.is_compressed and d.get("NumberOfFrames", 1) == 1)
    pixels = dataset.pixel_array
    picture = Image.fromarray(pixels).convert("RGB")
    return picture.resize((260, round(260 * picture.height / picture.width)), Image.Resampling.LANCZOS)


def main(folder: Path) -> None:
    """Write both pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    icon().save(folder / "USDICOMizer.png", optimize=True)
    thumbnail().save(folder / "SampleExam.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "USDICOMizer" / "Resources" / "Icons")
