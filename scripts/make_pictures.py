"""Make the pictures of the README from the sample exam: python scripts/make_pictures.py docs/images"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from USDICOMizerLib.after_images import after_image
from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover

GAP = 24
RED = (235, 60, 50)


def before_and_after(exam: Path) -> Image.Image:
    """The exam's first frame with its proposed crop box, and beside it what leaves."""
    instance = discover([exam]).instances[0]
    decision = decide(instance, Choices(), Settings())
    before = Image.fromarray(after_image(instance, Decision(whole_frame=True)))
    box = decision.crop
    ImageDraw.Draw(before).rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=RED, width=2)
    after = Image.fromarray(np.ascontiguousarray(after_image(instance, decision)))
    sheet = Image.new("RGB", (before.width + GAP + after.width, before.height), "white")
    sheet.paste(before, (0, 0))
    sheet.paste(after, (before.width + GAP, (before.height - after.height) // 2))
    return sheet


def main(folder: Path) -> None:
    """Write the pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        sheet = before_and_after(make_sample_exam(Path(temporary) / "exam.zip"))
    sheet.save(folder / "before_after.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
