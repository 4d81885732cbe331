"""Reads text in pictures with RapidOCR, where the extra `ocr` is installed: its models come inside of its package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from USDICOMizerLib.geometry import CropBox

INSTALL = 'install the extra "ocr": pip install "USDICOMizerLib[ocr]"'
_DETECTION_SIDE = 736  # pixels: pictures are searched at this size, and read at their own
_HIGHEST_LINE = 72  # pixels: what is higher and wider is the picture itself, taken for a letter
_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


@dataclass(frozen=True)
class ReadLine:
    """A line of text in a picture. What it says stays out of logs and messages: it may be a name."""

    box: CropBox
    text: str = field(repr=False)
    confidence: float


@cache
def reader_is_installed() -> bool:
    """Whether text can be read here, without fetching anything."""
    try:
        import onnxruntime  # noqa: F401
        import rapidocr
    except ImportError:
        return False
    return all((_models_of(rapidocr) / name).is_file() for name in _MODELS.values())


def read_lines(picture: np.ndarray, places: Sequence[CropBox] = ()) -> list[ReadLine]:
    """The lines of text in a picture, uint8 RGB (rows, columns, 3): where the reader finds some, and at `places`.

    A place that is higher than wide is read turned as well. Call it only where `reader_is_installed`.
    """
    rows, columns = picture.shape[:2]
    read = _engine()(np.ascontiguousarray(picture[..., ::-1]), use_det=True, use_cls=False, use_rec=True)
    lines = []
    if getattr(read, "txts", None):
        for corners, text, confidence in zip(read.boxes, read.txts, read.scores, strict=True):
            if min(np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[1]))) > _HIGHEST_LINE:
                continue
            (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
            box = CropBox(int(left), int(top), max(int(right), int(left) + 1), max(int(bottom), int(top) + 1))
            lines += _within(box, text, confidence, columns, rows)
    for place in places:
        if any(_covers(line.box, place) for line in lines):
            continue
        clipped = place.expanded(4).clipped_to(columns, rows)
        if clipped is not None:
            lines += _read_at(picture, clipped)
    return lines


def _read_at(picture: np.ndarray, place: CropBox) -> list[ReadLine]:
    part = picture[place.top : place.bottom, place.left : place.right, ::-1]
    ways = [part] if place.width >= place.height else [part, np.rot90(part), np.rot90(part, 3)]
    best = None
    for way in ways:
        read = _engine()(np.ascontiguousarray(way), use_det=False, use_cls=False, use_rec=True)
        if getattr(read, "txts", None) and read.txts[0].strip() and (best is None or read.scores[0] > best.confidence):
            best = ReadLine(place, read.txts[0], float(read.scores[0]))
    return [best] if best else []


def _within(box: CropBox, text: str, confidence: float, columns: int, rows: int) -> list[ReadLine]:
    clipped = box.clipped_to(columns, rows)
    return [ReadLine(clipped, text, float(confidence))] if clipped and text.strip() else []


def _covers(box: CropBox, place: CropBox) -> bool:
    """Whether the box holds most of the place."""
    common = box.intersection(place)
    return common is not None and common.width * common.height >= 0.7 * place.width * place.height


@cache
def _engine():
    """The reader, with its own models by their paths: one that is missing is an error, and never fetched."""
    import rapidocr

    settings = {
        "Global.log_level": "critical",
        "Global.text_score": 0.3,
        "Det.limit_type": "max",
        "Det.limit_side_len": _DETECTION_SIDE,
        **{key: str(_models_of(rapidocr) / name) for key, name in _MODELS.items()},
    }
    return rapidocr.RapidOCR(params=settings)


def _models_of(package) -> Path:
    return Path(package.__file__).parent / "models"
