"""Make the pictures of crop proposals: python scripts/make_proposal_pictures.py docs/images

They show synthetic screens. `--real FOLDER` writes, for yourself, one of each real file that the test packages bring, with
what is proposed for it; no real picture is in this repository.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Testing" / "support"))

from layouts import LAYOUTS, make_screen  # noqa: E402
from real_files import NAMES, real_file  # noqa: E402

from USDICOMizerLib.after_images import after_image  # noqa: E402
from USDICOMizerLib.choices import Choices, decide  # noqa: E402
from USDICOMizerLib.content.picture import find_picture  # noqa: E402
from USDICOMizerLib.decision import Decision  # noqa: E402
from USDICOMizerLib.settings import Settings  # noqa: E402
from USDICOMizerLib.sources import discover  # noqa: E402

RED, YELLOW = (235, 60, 50), (250, 210, 60)
SCREEN_SEED, SCREEN_COLUMNS, TILE = 7, 4, (320, 240)


def proposals_on_screens() -> Image.Image:
    """A synthetic screen of each layout with the outline and the box that its content proposes."""
    tiles = []
    for layout in LAYOUTS:
        screen = make_screen(layout, SCREEN_SEED)
        picture = find_picture(screen.frames)
        tile = Image.fromarray(screen.frames[0])
        pen = ImageDraw.Draw(tile)
        for outline in picture.outlines if picture else ():
            corners = [tuple(point) for point in outline.corners()]
            pen.line([*corners, corners[0]], fill=YELLOW, width=3)
        if picture:
            box = picture.box
            pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=RED, width=2)
        tiles.append(tile.resize(TILE, Image.Resampling.LANCZOS))
    sheet = Image.new("RGB", (SCREEN_COLUMNS * (TILE[0] + 4) - 4, -(-len(tiles) // SCREEN_COLUMNS) * (TILE[1] + 4) - 4), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % SCREEN_COLUMNS * (TILE[0] + 4), number // SCREEN_COLUMNS * (TILE[1] + 4)))
    return sheet


def proposal_on_real_file(path: Path) -> Image.Image:
    """All frames of a real file in one, with the box that is proposed for it."""
    instance = discover([path]).instances[0]
    decision = decide(instance, Choices(), Settings())
    image = Image.fromarray(after_image(instance, Decision(whole_frame=True))[:, : instance.columns])
    if decision.crop:
        box = decision.crop
        colour = YELLOW if decision.is_doubtful else RED
        ImageDraw.Draw(image).rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=colour, width=2)
    return image


def write_real_files(folder: Path) -> None:
    """A picture of each real file of the test packages, with its proposal: red, or yellow where it is doubtful."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        for name in NAMES:
            proposal_on_real_file(real_file(name, Path(temporary))).save(folder / f"{Path(name).stem}.png")


def main(arguments: Sequence[str]) -> None:
    """Write the pictures into the folders that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="where the README's pictures go")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="where pictures of the real files go")
    options = parser.parse_args(arguments)
    if options.real:
        write_real_files(options.real)
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        proposals_on_screens().save(options.folder / "content_proposals.jpg", quality=80)


if __name__ == "__main__":
    main(sys.argv[1:])
