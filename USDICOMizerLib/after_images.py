"""Pictures of instances as they would leave, for a person to review: all frames of a cine in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

import numpy as np
from PIL import Image

from USDICOMizerLib.decision import Decision, blanking, output_box
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.files import make_private_folder
from USDICOMizerLib.pixels import ConvertedPixels, PixelRequest, convert, open_pixels
from USDICOMizerLib.sources import read_header


@contextmanager
def as_reviewed(instance: Instance, decision: Decision) -> Iterator[ConvertedPixels]:
    """The frames as they leave once a person has reviewed them, in any transfer syntax; the source is open meanwhile.

    JPEG lies on the grid of its blocks even where it will be decoded: nothing leaves that the review didn't show.
    Raises RefusedError where the crop or the pixels are not to be had.
    """
    box, keep = output_box(instance, decision), blanking(instance, decision)
    header = read_header(instance.source)
    with instance.source.open() as stream:
        yield convert(open_pixels(stream, header), PixelRequest(box, keep, decision.redactions, on_jpeg_grid=True))


def after_image(instance: Instance, decision: Decision) -> np.ndarray:
    """The brightest value that each pixel has in any frame as it would leave: uint8 (rows, columns, 3).

    What is written anywhere in the cine shows in it (DESIGN: a review sees every frame, or its temporal maximum).
    Raises RefusedError where the crop or the pixels are not to be had.
    """
    with as_reviewed(instance, decision) as pixels:
        return reduce(np.maximum, pixels.display_frames())


def write_after_images(exams: Sequence[Exam], decisions: Mapping[str, Decision], folder: Path) -> int:
    """Write exam1_001.png and so on into a private folder, numbered as the plan orders them; return how many can't be shown."""
    make_private_folder(folder)
    failed = 0
    for exam_number, exam in enumerate(exams, start=1):
        for number, instance in enumerate(exam.instances, start=1):
            decision = decisions[instance.identity]
            try:
                picture = after_image(instance, decision)
            except USDICOMizerError:
                failed += 1
                continue
            Image.fromarray(picture).save(folder / f"exam{exam_number}_{decision.order or number:03d}.png")
    return failed
