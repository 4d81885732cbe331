"""One instance held open to be looked at: any frame, as it is stored and as it would leave, in any order.

Nothing is kept but the header and where the frames are: a cine takes the memory of the one frame that is asked for.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack
from typing import IO

import numpy as np
from pydicom.dataset import Dataset

from USDICOMizerLib.after_images import pixels_as_reviewed
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.exam import Instance, Source
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import ConvertedPixels, PixelSource, open_pixels
from USDICOMizerLib.source_header import read_header_of, source_error

USUAL_FRAME_RATE = 25.0
"""Frames a second where the header gives no time."""

_SLOWEST, _FASTEST = 0.5, 200.0
_PIECE = 2 * 2**20
_2D, _CENTIMETRES = 1, 3  # Region Spatial Format (0018,6012); Physical Units (0018,6024): PS3.3 C.8.5.5.1


class Opening:
    """Makes a source readable at any place, a piece at a time, so that a window can go on meanwhile.

    A file is readable as it is. A member of a ZIP is unpacked into a temporary file without a name, which goes when it
    is closed, and its checksum compared on the way.
    """

    def __init__(self, source: Source):
        self._source = source
        self._files = ExitStack()
        self._packed: IO[bytes] | None = None
        self._stream: IO[bytes] | None = None

    def step(self) -> bool:
        """Do the next piece; True once the whole is readable. Raises SourceError."""
        try:
            if self._stream is None:
                self._packed = self._files.enter_context(self._source.open())
                if not self._source.member:
                    self._stream = self._packed
                    return True
                self._stream = self._files.enter_context(tempfile.TemporaryFile())
            piece = self._packed.read(_PIECE)
            self._stream.write(piece)
            return not piece
        except Exception as error:  # zipfile raises nearly anything on damaged input
            self.close()
            raise source_error(error, is_member=bool(self._source.member)) from None

    def stream(self) -> IO[bytes]:
        """The source as a seekable stream, once `step` said True; closed by `close`."""
        return self._stream

    def close(self) -> None:
        """Close all files. Never raises."""
        self._files.close()


class OpenedInstance:
    """An instance whose file stays open. `close` it."""

    def __init__(self, instance: Instance, opening: Opening):
        """Use `open_instance`, or an opening that is done.

        Raises SourceError where the header is damaged, RefusedError where the pixels can't be shown.
        """
        self.instance = instance
        self._opening = opening
        self._after: tuple[Decision, ConvertedPixels] | None = None
        try:
            stream = opening.stream()
            stream.seek(0)
            self.header: Dataset = read_header_of(stream)[0]
        except Exception as error:  # pydicom raises nearly anything on damaged input
            opening.close()
            raise source_error(error, is_member=bool(instance.source.member)) from None
        try:
            self.pixels: PixelSource = open_pixels(stream, self.header)
        except Exception:
            opening.close()
            raise

    @property
    def frames(self) -> int:
        """How many frames are really there."""
        return self.pixels.layout.frames

    @property
    def frame_rate(self) -> float:
        """Frames a second, as the header gives them; `USUAL_FRAME_RATE` where it doesn't."""
        return frame_rate(self.header) or USUAL_FRAME_RATE

    def before(self, index: int) -> np.ndarray:
        """Frame `index` (from 0) as stored: (rows, columns, 3) uint8 RGB. Raises RefusedError."""
        layout = self.pixels.layout
        whole = CropBox(0, 0, layout.columns, layout.rows)
        return self.pixels.display.show(self.pixels.pixels(index, whole))

    def after(self, index: int, decision: Decision) -> np.ndarray:
        """Frame `index` (from 0) as it leaves once it is reviewed: cropped, blanked, on the grid of JPEG's blocks.

        (rows, columns, 3) uint8 RGB; grey over its whole range, so that nothing hides. Raises RefusedError.
        """
        return self.leaving(decision).display_frame(index, whole_range=True)

    def leaving(self, decision: Decision) -> ConvertedPixels:
        """The frames as they leave once they are reviewed; their `box` is what is really cut. Raises RefusedError."""
        if self._after is None or self._after[0] != decision:
            self._after = (decision, pixels_as_reviewed(self.pixels, self.instance, decision))
        return self._after[1]

    def close(self) -> None:
        """Close the file, and forget what was unpacked."""
        self._after = None
        self._opening.close()


def open_instance(instance: Instance) -> OpenedInstance:
    """Open an instance at once, however long its ZIP takes. Raises SourceError and RefusedError."""
    opening = Opening(instance.source)
    while not opening.step():
        pass
    return OpenedInstance(instance, opening)


def frame_rate(header: Dataset) -> float | None:
    """Frames a second: by Frame Time, Cine Rate, Recommended Display Frame Rate or Frame Time Vector; None without any.

    Cine Module, PS3.3 C.7.6.5; the times are in milliseconds, and the first of the vector is always 0.
    """
    time = _number(header, "FrameTime")
    rate = 1000 / time if time else _number(header, "CineRate") or _number(header, "RecommendedDisplayFrameRate")
    if not rate:
        times = _numbers(header, "FrameTimeVector")[1:]
        rate = 1000 * len(times) / sum(times) if times and sum(times) > 0 else None
    return min(max(rate, _SLOWEST), _FASTEST) if rate else None


def pixel_spacing(header: Dataset) -> tuple[float, float]:
    """Millimetres from pixel to pixel, to the right and down; (1, 1) where the header doesn't tell for the whole picture.

    Told by the only region of 2D kind, in centimetres (PS3.3 C.8.5.5), as Slicer's own reader of ultrasound takes it.
    """
    try:
        regions = [region for region in header.SequenceOfUltrasoundRegions if region.RegionSpatialFormat == _2D]
        (region,) = regions
        units = (region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection)
        x, y = (abs(float(value)) * 10 for value in (region.PhysicalDeltaX, region.PhysicalDeltaY))
    except (AttributeError, KeyError, TypeError, ValueError):
        return (1.0, 1.0)
    is_sane = units == (_CENTIMETRES, _CENTIMETRES) and all(0.001 < step < 10 for step in (x, y)) and 0.5 < x / y < 2
    return (x, y) if is_sane else (1.0, 1.0)


def _number(header: Dataset, keyword: str) -> float | None:
    """The first number of an attribute where it is positive; None for anything else."""
    return next((number for number in _numbers(header, keyword)[:1] if number > 0), None)


def _numbers(header: Dataset, keyword: str) -> list[float]:
    try:
        value = header.get(keyword)
        if value is None or value == "":
            return []
        values = [float(part) for part in ([value] if isinstance(value, (int, float)) else value)]
    except Exception:  # pydicom raises nearly anything for a damaged value
        return []
    return values if all(map(math.isfinite, values)) else []
