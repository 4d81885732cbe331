"""Text inside of the picture that would leave: where it is, and whether it may identify. It never calls a picture clean.

A small network of our own sees lines of text (text_network.py). Where the extra `ocr` is installed they are read as
well: then technical text is told from the rest, and what is read is compared with what the header says about the patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from USDICOMizerLib.deidentify.needles import Kind, Needle, Needles, Strength
from USDICOMizerLib.deidentify.spellings import compact, folded
from USDICOMizerLib.deidentify.words import is_descriptive
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.text_network import CELL, text_likelihood
from USDICOMizerLib.text_reader import ReadLine, read_lines, reader_is_installed

SAMPLED_FRAMES = 16
"""How many frames of a cine are looked at: what stands in none of them is not seen."""

_SURE, _POSSIBLE = 0.97, 0.5  # a place holds one cell at least that is surely text, and all around it that may be
_LEAST_TEXT = 3.0  # cells: less than this in sum is a speck
_FILLED = 0.55  # of a box are cells with text: then it is one
_SMALLEST_PART = 3  # cells: no box is halved further
_MARK = 6  # cells: what is no wider and no higher than this may be a mark or a single letter
_CONTEXT = 40  # pixels: what the network sees around a cell
_READ_WELL = 0.8
_READ_OF_PLACE = 0.5  # of a place's pixels: cells reach out of the letters that the reader's boxes enclose
_LONGEST_MARK = 2  # letters: P, V, LT beside the picture
_TECHNICAL_NUMBER = re.compile(r"(?=.)([-+]?\d{1,3}([.,]\d{1,2})?)?(%|mm|cm|dB|[kM]?Hz|s|ms|fps|m/s|cm/s)?", re.IGNORECASE)
_ON_SCREENS = frozenset("fr frq wf dr pwr persist".split())  # abbreviations that are nobody's name
_LETTERS_ALIKE = str.maketrans("01259683lq", "oizsgbbeig")
_LEAST_COMPARED = 4


@dataclass(frozen=True)
class TextBox:
    """A place that holds text, in pixels of the picture that was looked at; `confidence` 0 to 1.

    `harmless`: it was read, and is technical. `identifies`: what of the header it is like, as kinds of values.
    """

    box: CropBox
    confidence: float
    harmless: bool = False
    identifies: frozenset[Kind] = frozenset()


@dataclass(frozen=True)
class TextFindings:
    """What was found in one instance. `read`: whether the text was read, or only seen."""

    boxes: tuple[TextBox, ...]
    read: bool

    @property
    def doubtful(self) -> tuple[TextBox, ...]:
        """What may identify, the surest first: all that isn't known to be technical."""
        return tuple(sorted((one for one in self.boxes if not one.harmless), key=lambda one: -one.confidence))

    @property
    def identifies(self) -> frozenset[Kind]:
        """The kinds of values of the header that the text is like."""
        return frozenset().union(*(one.identifies for one in self.boxes))

    def moved(self, dx: int, dy: int) -> TextFindings:
        """The same in the pixels of a picture of which this one was cut, `dx` and `dy` from its corner."""
        return replace(self, boxes=tuple(replace(one, box=one.box.moved(dx, dy)) for one in self.boxes))

    def __str__(self) -> str:
        """For people: how many places, where the surest is, and what the header says that it is like."""
        if self.identifies:
            return f"text in the picture is like the source's {', '.join(sorted(self.identifies))}"
        places = self.doubtful
        if not places:
            return ""
        more = f", and in {len(places) - 1} more places" if len(places) > 1 else ""
        return f"text was found at {places[0].box} of the picture ({places[0].confidence:.0%} sure){more}"


def sampled_frames(count: int) -> Sequence[int]:
    """Which of `count` frames are looked at, from 0: evenly spread, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, SAMPLED_FRAMES))})


def find_text(frame: Callable[[int], np.ndarray], count: int, needles: Needles = Needles()) -> TextFindings:
    """Look for text in `count` frames; `frame` gives one as a viewer shows it: uint8 RGB (rows, columns, 3), all of one size.

    Looked at are the first, the middle and the last of the sampled frames, and of several the darkest and the brightest
    value of each pixel: what stands still stands out of speckle that moves. Read is the darkest; what can't be read there
    is doubtful. `needles`: what the source's header says about the patient.
    """
    still, found = _seen_in_all(frame, sampled_frames(count))
    if not reader_is_installed():
        return TextFindings(tuple(_joined(found)), read=False)
    read = read_lines(still, [one.box for one in _joined(found)])
    judged = [_judged(line, needles) for line in read]
    unread = [one for one in found if not _is_read(one.box, read)]
    return TextFindings(tuple(_joined([*judged, *unread])), read=True)


def _seen_in_all(frame: Callable[[int], np.ndarray], sampled: Sequence[int]) -> tuple[np.ndarray, list[TextBox]]:
    """The darkest value of each pixel, and the text in it, in the brightest, and in the first, middle and last frame.

    What moves draws patterns over the brightest picture: what is seen there counts where it is seen in the frame that most
    of what stands out comes from too.
    """
    darkest = brightest = frame(sampled[0])
    seen = seen_text(darkest)
    if len(sampled) == 1:
        return darkest, seen
    comes_from = np.zeros(darkest.shape[:2], np.uint8)
    for number, index in enumerate(sampled[1:], start=1):
        picture = frame(index)
        if number in (len(sampled) // 2, len(sampled) - 1):
            seen += seen_text(picture)
        comes_from[picture.max(axis=2) > brightest.max(axis=2)] = number
        darkest, brightest = np.minimum(darkest, picture), np.maximum(brightest, picture)
    seen += seen_text(darkest)
    for place in seen_text(brightest):
        box = place.box
        within = (slice(box.top, box.bottom), slice(box.left, box.right))
        stands_out = (brightest[within] - darkest[within]).max(axis=2)
        numbers = np.bincount(comes_from[within].ravel(), weights=stands_out.ravel())
        around = box.expanded(_CONTEXT).clipped_to(darkest.shape[1], darkest.shape[0])
        part = frame(sampled[int(numbers.argmax())])[around.top : around.bottom, around.left : around.right]
        again = (one.box.moved(around.left, around.top) for one in seen_text(part))
        seen += [place] if any(_overlaps(box, one) for one in again) else []
    return darkest, seen


def seen_text(picture: np.ndarray) -> list[TextBox]:
    """The places of one picture, uint8 RGB (rows, columns, 3), that look like lines of text; nothing is read."""
    import SimpleITK as sitk  # not before it is needed: it takes its time to load

    rows, columns = picture.shape[:2]
    grey = _grey(picture)
    likely = text_likelihood(grey)
    labels = sitk.ConnectedComponent(sitk.GetImageFromArray((likely > _POSSIBLE).astype(np.uint8)), True)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(labels)
    labels = sitk.GetArrayFromImage(labels)
    places = []
    for label in shapes.GetLabels():
        left, top, width, height = shapes.GetBoundingBox(label)
        within = (slice(top, top + height), slice(left, left + width))
        cells = labels[within] == label
        values = likely[within][cells]
        if values.max() < _SURE or values.sum() < _LEAST_TEXT:
            continue
        pixels = grey[top * CELL : (top + height) * CELL, left * CELL : (left + width) * CELL]
        if max(width, height) > _MARK or _shapes_in(pixels) > _LONGEST_MARK:
            boxes = (box.moved(left * CELL, top * CELL).clipped_to(columns, rows) for box in _parts(cells))
            places += [TextBox(box, float(values.max())) for box in boxes]
    return places


def _shapes_in(pixels: np.ndarray) -> int:
    """How many shapes of 4 pixels or more stand out of their ground: letters, or the mark of the probe's side."""
    import SimpleITK as sitk

    light = pixels > (int(pixels.min()) + int(pixels.max())) / 2
    shapes = light if light.mean() < 0.5 else ~light
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(shapes.astype(np.uint8)), True))
    return int((np.bincount(labels.ravel())[1:] >= 4).sum())


def _parts(cells: np.ndarray) -> list[CropBox]:
    """The boxes, in pixels, of what hangs together: one where the cells fill most of it, else those of its halves.

    So lines that touch, or one that is turned, are not one box with all that lies between.
    """
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not len(rows):
        return []
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    within = cells[top:bottom, left:right]
    if within.mean() >= _FILLED or max(within.shape) <= _SMALLEST_PART:
        return [CropBox(left * CELL, top * CELL, right * CELL, bottom * CELL)]
    halves = np.array_split(within, 2, axis=int(within.shape[1] > within.shape[0]))
    offsets = (0, 0), (halves[0].shape[1], 0) if within.shape[1] > within.shape[0] else (0, halves[0].shape[0])
    return [
        box.moved((left + x) * CELL, (top + y) * CELL)
        for half, (x, y) in zip(halves, offsets, strict=True)
        for box in _parts(half)
    ]


def _grey(picture: np.ndarray) -> np.ndarray:
    """Brightness in which coloured text stands out too: the mean of luminance and the brightest channel."""
    red, green, blue = (picture[..., channel].astype(np.uint16) for channel in range(3))
    luminance = (77 * red + 150 * green + 29 * blue) >> 8
    return ((luminance + np.maximum(np.maximum(red, green), blue)) // 2).astype(np.uint8)


def _joined(places: Iterable[TextBox]) -> list[TextBox]:
    """Places that overlap are one: as sure as the surest, harmless only where all are."""
    joined: list[TextBox] = []
    for place in places:
        apart = []
        for other in joined:
            if _overlaps(place.box, other.box):
                place = TextBox(
                    place.box.union(other.box),
                    max(place.confidence, other.confidence),
                    place.harmless and other.harmless,
                    place.identifies | other.identifies,
                )
            else:
                apart.append(other)
        joined = [*apart, place]
    return joined


def _overlaps(one: CropBox, other: CropBox) -> bool:
    common = one.intersection(other)
    return common is not None and 2 * common.width * common.height >= min(one.width * one.height, other.width * other.height)


def _is_read(place: CropBox, lines: Sequence[ReadLine]) -> bool:
    """Whether lines that were read hold most of a place: a word of a line tells nothing about the rest of it."""
    left = np.ones((place.height, place.width), bool)
    for line in lines:
        if common := line.box.intersection(place):
            common = common.moved(-place.left, -place.top)
            left[common.top : common.bottom, common.left : common.right] = False
    return left.mean() <= 1 - _READ_OF_PLACE


def _judged(line: ReadLine, needles: Needles) -> TextBox:
    place = TextBox(line.box, line.confidence)
    if kinds := like_header(line.text, needles):
        return replace(place, identifies=kinds)
    return replace(place, harmless=is_mark(line) or line.confidence >= _READ_WELL and is_technical(line.text))


def is_mark(line: ReadLine) -> bool:
    """Whether it is no more than the letter or two that scanners put beside the picture: P, V, LT.

    A long line of which the reader makes but two letters is one that it can't read.
    """
    is_small = max(line.box.width, line.box.height) <= _MARK * CELL
    return is_small and len(compact(folded(line.text))) <= _LONGEST_MARK


def is_technical(text: str) -> bool:
    """Whether a line that was read says nothing about anybody: depth marks, gain, frame rate, known words; no date."""
    return all(
        _TECHNICAL_NUMBER.fullmatch(word) or word.casefold() in _ON_SCREENS or is_descriptive(word) for word in text.split()
    )


def like_header(text: str, needles: Needles) -> frozenset[Kind]:
    """The kinds of values of the header that a line of read text is like, its words reordered or a letter misread.

    Times are left out: every scanner's screen shows the clock.
    """
    words = {_alike(word) for word in re.split(r"[\s^,;:/]+", text)}
    line = _alike(text)
    return frozenset(
        needle.kind for needle in needles.values if needle.kind not in (Kind.TIME, Kind.TEXT) and _is_like(needle, words, line)
    )


def _is_like(needle: Needle, words: set[str], line: str) -> bool:
    wanted = _alike(needle.text)
    if len(wanted) < 2:
        return False
    if needle.strength is Strength.WORD or len(wanted) < _LEAST_COMPARED:
        return wanted in words
    misread = len(wanted) // 5  # one letter in five
    return any(
        sum(a != b for a, b in zip(wanted, line[start : start + len(wanted)], strict=True)) <= misread
        for start in range(len(line) - len(wanted) + 1)
    )


def _alike(text: str) -> str:
    """Letters and digits only, those that look alike as one: what a reader confuses compares equal."""
    return compact(folded(text)).translate(_LETTERS_ALIKE)
