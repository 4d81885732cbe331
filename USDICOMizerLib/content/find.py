"""The picture of an instance, by its content: a few of its frames are read, looked at once, and remembered."""

from __future__ import annotations

import logging
from functools import lru_cache

import numpy as np

from USDICOMizerLib.content.picture import Picture, find_picture
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Instance, Source
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.logs import log
from USDICOMizerLib.pixels import open_pixels
from USDICOMizerLib.sources import read_header, verify

MOST_FRAMES = 12
_LARGEST_PIXELS = 64_000_000  # of all frames together that are looked at: 12 of 2000 x 2600
_SMALLEST_SIDE = 100  # less is a part of a picture, or an icon


def is_worth_a_look(instance: Instance) -> bool:
    """Whether `picture_of` reads the pixels: there are some, of the size of a picture."""
    return instance.has_pixel_data and min(instance.rows, instance.columns) >= _SMALLEST_SIDE and instance.frames >= 1


def picture_of(instance: Instance) -> Picture | None:
    """The picture that the instance's frames show; None where none is found, or the pixels can't be read.

    Up to 12 frames, spread over the cine, are decoded. The answer is remembered as long as the file isn't touched.
    """
    if not is_worth_a_look(instance):
        return None
    try:
        state = instance.source.path.stat()
    except OSError:
        return None
    return _found(instance.source, state.st_size, state.st_mtime_ns, instance.rows, instance.columns)


@lru_cache(maxsize=4096)
def _found(source: Source, _size: int, _modified: int, rows: int, columns: int) -> Picture | None:
    try:
        frames = sampled_frames(source, rows * columns)
    except USDICOMizerError:
        return None  # preparing says what is wrong
    except Exception as error:  # a damaged file can break any codec; its words may quote the header
        log("no content proposal", level=logging.WARNING, error=error)
        return None
    return find_picture(frames) if frames.shape[1:3] == (rows, columns) else None


def sampled_frames(source: Source, pixels_each: int) -> np.ndarray:
    """Frames spread over the cine, as shown: uint8 RGB (frames, rows, columns, 3). Raises what reading pixels raises."""
    verify(source)
    header = read_header(source)
    with source.open() as stream:
        pixels = open_pixels(stream, header)
        count = min(MOST_FRAMES, pixels.layout.frames, max(1, _LARGEST_PIXELS // max(1, pixels_each)))
        chosen = np.unique(np.linspace(0, pixels.layout.frames - 1, count).astype(int))
        whole = CropBox(0, 0, pixels.layout.columns, pixels.layout.rows)
        return np.stack([pixels.display.show(pixels.pixels(int(index), whole), whole_range=True) for index in chosen])
