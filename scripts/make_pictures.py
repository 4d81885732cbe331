"""Make the pictures of the README from the sample exam: python scripts/make_pictures.py docs/images

It needs what the tests need: their browser takes the picture of the report.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from USDICOMizerLib.after_images import after_image
from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.cli import main as usdicomizer
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Testing" / "support"))
from browser import open_page  # noqa: E402

GAP = 24
REPORT_SIZE = 1180, 860
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


def report(exam: Path, folder: Path) -> Image.Image:
    """The top of the report of the exam's export; all that is written lies in `folder`."""
    os.environ["USDICOMIZER_HOME"] = str(folder / "home")
    usdicomizer(["prepare", str(exam), "--output", str(folder / "out"), "--accept-unreviewed", "--tag", "CFV-L"])
    (page,) = (path for path in (folder / "out").glob("*.html") if path.name != "report.html")
    open_page(page, [], screenshot=folder / "report.png", size=REPORT_SIZE)
    return Image.open(folder / "report.png").convert("RGB")


def main(folder: Path) -> None:
    """Write the pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        exam = make_sample_exam(Path(temporary) / "exam.zip")
        before_and_after(exam).save(folder / "before_after.png", optimize=True)
        report(exam, Path(temporary)).save(folder / "report.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
