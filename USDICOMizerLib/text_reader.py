"""Reads text in pictures with RapidOCR, where the extra `ocr` is installed: its models come inside of its package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from USDICOMizerLib.geometry import CropBox

INSTALL = 'install the extra "ocr": pip install "USDICOMizerLib[ocr]"'
_SEARCHED_SIDE = 576  # pixels: whole pictures are searched at this size; places, and what is found, are read at their own
_HIGHEST_LINE = 72  # pixels: what is higher and wider is the picture itself, taken for a letter
_AROUND = 16  # pixels: letters are found where there is ground around them
_READ_SURELY = 0.8  # what is read with less may stand on its head
_SMALLEST_SIDE, _LONGEST_SHAPE = 48, 16  # pixels, and length of the other side in it: smaller and longer than the reader takes
_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


@dataclass(frozen=True)
class Quad:
    """A rectangle that may be turned: its corners (x, y) in pixels, clockwise from the upper left of what is written in it."""

    corners: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, box: CropBox) -> Quad:
        """A box as it is."""
        return cls(((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)))

    @property
    def sides(self) -> tuple[float, float]:
        """The longer and the shorter side, in pixels."""
        first, second, third = np.array(self.corners[:3])
        sides = float(np.hypot(*(second - first))), float(np.hypot(*(third - second)))
        return max(sides), min(sides)

    def box(self, columns: int, rows: int) -> CropBox | None:
        """What encloses it, of a picture of that size; None where it lies outside."""
        (left, top), (right, bottom) = np.floor(np.min(self.corners, axis=0)), np.ceil(np.max(self.corners, axis=0))
        around = CropBox(int(left), int(top), max(int(right), int(left) + 1), max(int(bottom), int(top) + 1))
        return around.clipped_to(columns, rows)

    def pixels(self, columns: int, rows: int) -> tuple[CropBox, np.ndarray]:
        """The box that encloses it, and which of its pixels lie inside: bool (height, width)."""
        box = self.box(columns, rows) or CropBox(0, 0, 1, 1)
        y, x = np.mgrid[box.top : box.bottom, box.left : box.right] + 0.5
        inside = np.ones(x.shape, bool)
        following = (*self.corners[1:], self.corners[0])
        for (x0, y0), (x1, y1) in zip(self.corners, following, strict=True):
            inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= -0.5 * np.hypot(x1 - x0, y1 - y0)
        return box, inside

    def moved(self, dx: float, dy: float) -> Quad:
        """The same, moved."""
        return Quad(tuple((x + dx, y + dy) for x, y in self.corners))


@dataclass(frozen=True)
class ReadLine:
    """A line of text in a picture. What it says stays out of logs and messages: it may be a name.

    `quad` is where it stands, None where that is its box; `words` is where its words stand. `found`: the reader itself saw
    a line there; else what it says is no more than what a place looks like that something else saw, or that was turned.
    """

    box: CropBox
    text: str = field(repr=False)
    confidence: float
    words: tuple[Quad, ...] = ()
    found: bool = True
    quad: Quad | None = None

    @property
    def sides(self) -> tuple[float, float]:
        """The longer and the shorter side, in pixels."""
        return (self.quad or Quad.of(self.box)).sides

    def moved(self, dx: int, dy: int) -> ReadLine:
        """The same in the pixels of a picture of which this one was cut, `dx` and `dy` from its corner."""
        words = tuple(word.moved(dx, dy) for word in self.words)
        quad = self.quad and self.quad.moved(dx, dy)
        return replace(self, box=self.box.moved(dx, dy), words=words, quad=quad)


@cache
def reader_is_installed() -> bool:
    """Whether text can be read here, without fetching anything."""
    try:
        import onnxruntime  # noqa: F401
        import rapidocr
    except ImportError:
        return False
    return all((_models_of(rapidocr) / name).is_file() for name in _MODELS.values())


def read_picture(picture: np.ndarray) -> list[ReadLine]:
    """The lines of text that the reader finds in a picture, uint8 RGB (rows, columns, 3), however unsure it reads them.

    What it reads unsurely is read upside down as well. Call it only where `reader_is_installed`.
    """
    lines = list(_found_lines(picture))
    for line in [line for line in lines if line.confidence < _READ_SURELY]:
        around = line.box.expanded(_AROUND).clipped_to(picture.shape[1], picture.shape[0])
        turned = _found_lines(np.rot90(_part(picture, around), 2))
        lines += [ReadLine(line.box, other.text, other.confidence, found=False) for other in turned]
    return lines


def read_places(picture: np.ndarray, places: Sequence[CropBox]) -> list[ReadLine]:
    """The lines of text in these places of a picture, searched at its own size.

    Where no line is found at all, the place is read as if it were one, upright and turned.
    """
    lines: list[ReadLine] = []
    for place in places:
        around = place.expanded(_AROUND).clipped_to(picture.shape[1], picture.shape[0])
        if around is None:
            continue
        part = _part(picture, around)
        found = [line.moved(around.left, around.top) for line in read_picture(part)]
        here = [line for line in found if line.box.intersection(place)]
        lines += here or [ReadLine(place, text, sure, found=False) for text, sure in _read_as_lines(part)]
    return lines


def _found_lines(picture: np.ndarray) -> Iterator[ReadLine]:
    rows, columns = picture.shape[:2]
    read = _engine()(_as_it_takes(picture), use_det=True, use_cls=False, use_rec=True, return_word_box=True)
    if not getattr(read, "txts", None):
        return
    words_of = read.word_results or ()
    if len(words_of) != len(read.txts):  # which words are whose isn't known
        words_of = ((),) * len(read.txts)
    for corners, text, confidence, words in zip(read.boxes, read.txts, read.scores, words_of, strict=True):
        quad = _quad(corners)
        box = quad.box(columns, rows)
        if box and text.strip() and quad.sides[1] <= _HIGHEST_LINE:
            yield ReadLine(box, text, float(confidence), tuple(_quad(word[2]) for word in words), quad=quad)


def _read_as_lines(part: np.ndarray) -> Iterator[tuple[str, float]]:
    turns = (0, 2) if part.shape[1] >= part.shape[0] else (0, 1, 3)
    for turn in turns:
        read = _engine()(_as_it_takes(np.rot90(part, turn)), use_det=False, use_cls=False, use_rec=True, return_word_box=False)
        if getattr(read, "txts", None) and read.txts[0].strip():
            yield read.txts[0], float(read.scores[0])


def _as_it_takes(picture: np.ndarray) -> np.ndarray:
    """The picture as the reader takes it: blue first, and gone on at its right and bottom where it is too small or too long."""
    rows, columns = picture.shape[:2]
    least = max(_SMALLEST_SIDE, -(-max(rows, columns) // _LONGEST_SHAPE))
    missing = ((0, max(least - rows, 0)), (0, max(least - columns, 0)), (0, 0))
    return np.ascontiguousarray(np.pad(picture[..., ::-1], missing, mode="edge"))


def _part(picture: np.ndarray, box: CropBox) -> np.ndarray:
    return picture[box.top : box.bottom, box.left : box.right]


def _quad(corners: Sequence[Sequence[float]]) -> Quad:
    return Quad(tuple((float(x), float(y)) for x, y in corners))


@cache
def _engine():
    """The reader, with its own models by their paths: one that is missing is an error, and never fetched."""
    import rapidocr

    settings = {
        "Global.log_level": "critical",
        "Global.text_score": 0.0,  # what it found and can't read is as doubtful as anything
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # exams are prepared side by side: threads that wait cost as much
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Det.limit_type": "max",
        "Det.limit_side_len": _SEARCHED_SIDE,
        **{key: str(_models_of(rapidocr) / name) for key, name in _MODELS.items()},
    }
    return rapidocr.RapidOCR(params=settings)


def _models_of(package) -> Path:
    return Path(package.__file__).parent / "models"
