"""The pictures of a report: what is in the export, and for the reviewer's copy what the scanner stored."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zipfile import ZipFile

import numpy as np
from PIL import Image

from USDICOMizerLib.exam import Instance
from USDICOMizerLib.exports import exported_pixels
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import PixelSource, open_pixels
from USDICOMizerLib.pixels.layout import Photometric
from USDICOMizerLib.pixels.workers import in_order
from USDICOMizerLib.sources import read_header

LARGEST_SIDE = 640  # pixels of a picture in a report
LARGEST_SIDE_OF_SEVERAL = 400  # of each of the frames of a cine before
_JPEG_QUALITY = 82
_ONE_BY_ONE = (Photometric.RGB, Photometric.MONOCHROME1, Photometric.MONOCHROME2)


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI; `caption` says what it shows."""

    uri: str
    caption: str
    width: int
    height: int


def after_pictures(archive: ZipFile, name: str, workers: int) -> tuple[Picture, ...]:
    """A member as it is in the export; of a cine the brightest and the darkest value of each pixel over all frames.

    Grey is shown as it is stored, whatever window the header asks for. Raises what a damaged member raises.
    """
    with exported_pixels(archive, name) as (_, source):
        brightest, darkest = _extremes(source, workers)
        if source.layout.frames == 1:
            return (_picture(brightest, "As it left"),)
        over = f"over all {source.layout.frames} frames"
        return _picture(brightest, f"As it left: brightest {over}"), _picture(darkest, f"As it left: darkest {over}")


def before_pictures(instance: Instance) -> tuple[tuple[int, Picture], ...]:
    """The only frame of an instance as the scanner stored it; of a cine the first, middle and last, as text may come and go.

    Each with its number, counted from 1. Raises as `open_pixels` and its frames do.
    """
    header = read_header(instance.source)
    with instance.source.open() as stream:
        source = open_pixels(stream, header)
        count = source.layout.frames
        indices = sorted({0, count // 2, count - 1})
        side = LARGEST_SIDE if count == 1 else LARGEST_SIDE_OF_SEVERAL

        def picture(index: int) -> Picture:
            shown = source.display.show(source.pixels(index, _whole(source)), whole_range=True)
            return _picture(shown, f"Before: frame {index + 1} of {count}" if count > 1 else "Before", side)

        return tuple((index + 1, picture(index)) for index in indices)


def _extremes(source: PixelSource, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """The brightest and the darkest picture over all frames: (rows, columns, 3) uint8."""

    def shown(samples: np.ndarray) -> np.ndarray:
        return source.display.show(samples, whole_range=True)

    if source.layout.decoded_photometric not in _ONE_BY_ONE:
        return _over_frames(_frames(source, workers, shown))
    # What is shown rises or falls with each sample alone: the extremes are shown, instead of every frame.
    largest, smallest = map(shown, _over_frames(_frames(source, workers, lambda samples: samples)))
    return np.maximum(largest, smallest), np.minimum(largest, smallest)


def _frames(source: PixelSource, workers: int, finish: Callable[[np.ndarray], np.ndarray]) -> Iterator[np.ndarray]:
    """Frame after frame, read in their order and decoded by so many workers."""

    def tasks() -> Iterator[Callable[[], np.ndarray]]:
        for index in range(source.layout.frames):
            decode = source.stored(index, _whole(source))
            yield lambda decode=decode: finish(decode())

    return in_order(tasks(), workers)


def _over_frames(frames: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    first = next(frames)
    largest, smallest = np.array(first), np.array(first)
    for frame in frames:
        np.maximum(largest, frame, out=largest)
        np.minimum(smallest, frame, out=smallest)
    return largest, smallest


def _whole(source: PixelSource) -> CropBox:
    return CropBox(0, 0, source.layout.columns, source.layout.rows)


def _picture(frame: np.ndarray, caption: str, largest_side: int = LARGEST_SIDE) -> Picture:
    image = Image.fromarray(frame)
    image.thumbnail((largest_side, largest_side))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    uri = "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
    return Picture(uri, caption, image.width, image.height)
