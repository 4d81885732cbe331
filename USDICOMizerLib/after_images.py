"""Pictures of instances as they would leave, for a person to review: all frames of a cine in one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from USDICOMizerLib.decision import Decision, blanking, output_box
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.files import make_private_folder, written_whole
from USDICOMizerLib.logs import log
from USDICOMizerLib.pixels import ConvertedPixels, PixelRequest, PixelSource, convert, open_pixels
from USDICOMizerLib.sources import read_header, verify

_GAP = 8


@contextmanager
def as_reviewed(instance: Instance, decision: Decision) -> Iterator[ConvertedPixels]:
    """The frames as they leave once a person has reviewed them, in any transfer syntax; the source is open meanwhile.

    JPEG lies on the grid of its blocks even where it will be decoded: nothing leaves that the review didn't show.
    Raises RefusedError where the crop or the pixels are not to be had, SourceError where the file is damaged.
    """
    verify(instance.source)
    header = read_header(instance.source)
    with instance.source.open() as stream:
        yield pixels_as_reviewed(open_pixels(stream, header), instance, decision)


def pixels_as_reviewed(source: PixelSource, instance: Instance, decision: Decision) -> ConvertedPixels:
    """As `as_reviewed`, of pixels that are open already and whose bytes are known to be whole."""
    box, keep = output_box(instance, decision), blanking(instance, decision)
    return convert(source, PixelRequest(box, keep, decision.redactions, on_jpeg_grid=True))


def after_image(instance: Instance, decision: Decision) -> np.ndarray:
    """The instance as it would leave: uint8 (rows, columns, 3).

    Of a cine two pictures side by side: the brightest and the darkest value that each pixel has in any frame, so that
    what is written anywhere in it shows, in light or dark letters (DESIGN: a review sees every frame, or its temporal
    maximum). Raises RefusedError where crop or pixels are not to be had, SourceError where the file is damaged.
    """
    frames = AllFrames()
    with as_reviewed(instance, decision) as pixels:
        for frame in pixels.display_frames(whole_range=True):
            frames.add(frame)
    return frames.picture()


class AllFrames:
    """All frames of a cine in one picture, made of one frame after the other: see `after_image`."""

    def __init__(self) -> None:
        self.count = 0
        self._brightest = self._darkest = np.zeros((0, 0, 3), np.uint8)

    def add(self, frame: np.ndarray) -> None:
        """Take in the next frame: uint8 (rows, columns, 3), all of one size."""
        if self.count == 0:
            self._brightest, self._darkest = frame.copy(), frame.copy()
        else:
            np.maximum(self._brightest, frame, out=self._brightest)
            np.minimum(self._darkest, frame, out=self._darkest)
        self.count += 1

    def picture(self) -> np.ndarray:
        """The only frame; or the brightest and the darkest values of several, side by side."""
        if self.count == 1:
            return self._brightest
        return np.hstack([self._brightest, np.full((len(self._brightest), _GAP, 3), 255, np.uint8), self._darkest])


def write_after_images(exams: Sequence[Exam], decisions: Mapping[str, Decision], folder: Path) -> dict[str, str]:
    """Write exam1_001.png and so on into a private folder, numbered as the plan orders them.

    Pictures of an earlier plan go. Returns what can't be shown: its name without suffix, and why.
    """
    make_private_folder(folder)
    for old in folder.glob("exam*_*.png"):
        old.unlink()
    failed = {}
    for exam_number, exam in enumerate(exams, start=1):
        for number, instance in enumerate(exam.instances, start=1):
            decision = decisions[instance.identity]
            name = f"exam{exam_number}_{decision.order or number:03d}"
            try:
                picture = Image.fromarray(after_image(instance, decision))
            except USDICOMizerError as error:
                failed[name] = str(error)
                continue
            except Exception as error:  # one bad file never stops the others; its words may quote the header
                failed[name] = type(error).__name__
                log("picture failed", level=logging.ERROR, exam=exam_number, instance=number, error=error)
                continue
            with written_whole(folder / f"{name}.png", replace=True, private=True) as stream:
                picture.save(stream, "PNG")
    return failed
