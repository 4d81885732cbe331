"""Text inside of the picture that would leave: where it is, and whether it may identify. It never calls a picture clean.

A small network of our own sees lines of text (text_network.py). Where the extra `ocr` is installed they are read as
well: then technical text is told from the rest, and what is read is compared with what the header says about the patient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from USDICOMizerLib.deidentify.needles import Needles
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.text_findings import TextBox, TextFindings, joined, overlap
from USDICOMizerLib.text_meaning import is_initials, is_one_line, is_short, is_technical, like_header
from USDICOMizerLib.text_network import CELL, text_likelihood
from USDICOMizerLib.text_reader import ReadLine, read_picture, read_places, reader_is_installed

SAMPLED_FRAMES = 16
"""How many frames of a cine are looked at: what stands in none of them is not seen."""

_SURE, _POSSIBLE = 0.97, 0.5  # a place holds one cell at least that is surely text, and all around it that may be
_LEAST_TEXT = 3.0  # cells: less than this in sum is a speck
_FILLED = 0.55  # of a box are cells with text: then it is one
_SMALLEST_PART = 3  # cells: no box is halved further
_MARK = 6  # cells: what is no wider and no higher than this may be a mark or a single letter
_CONTEXT = 40  # pixels: what the network sees around a cell
_READ_WELL = 0.8
_ROOM_FOR_TWO = 1.3  # heights: a place that is no longer holds no third letter
_EDGE = 3  # pixels: no further from the next letter
_COVERED = 0.7  # of a place's pixels are in a line: it isn't read a second time
_AS_BRIGHT = 40  # levels: no letter that can be seen is less brighter or darker than its ground
_GROUND = 6  # pixels around a word: its ground
_LONGEST_MARK = 2  # shapes: of a letter or two


@dataclass(frozen=True)
class _Look:
    """A picture that was looked at, or a part of one: where its corner is in the whole, and the places that were seen in it."""

    picture: np.ndarray
    places: tuple[TextBox, ...]
    corner: tuple[int, int] = (0, 0)


def sampled_frames(count: int) -> Sequence[int]:
    """Which of `count` frames are looked at, from 0: evenly spread, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, SAMPLED_FRAMES))})


def find_text(frame: Callable[[int], np.ndarray], count: int, needles: Needles = Needles()) -> TextFindings:
    """Look for text in `count` frames; `frame` gives one as a viewer shows it: uint8 RGB (rows, columns, 3), all of one size.

    Looked at are the first, the middle and the last of the sampled frames, and of several the darkest and the brightest
    value of each pixel: what stands still stands out of speckle that moves. Where text can be read, it is read where it was
    seen, and the darkest picture as a whole. To have the reader never makes less doubtful than all that the network sees,
    but what is read as technical. `needles`: what the source's header says about the patient.
    """
    darkest, *others = _looks(frame, sampled_frames(count))
    if not reader_is_installed():
        return TextFindings(tuple(joined(_in_the_whole([darkest, *others]))), read=False)
    found = _read(darkest, read_picture(darkest.picture), needles)
    for look in others:
        waiting = replace(look, places=tuple(one for one in look.places if not _is_as_in(darkest, look, one)))
        found += _read(waiting, [], needles)
    return TextFindings(tuple(joined(found)), read=True)


def _in_the_whole(looks: Iterable[_Look]) -> Iterator[TextBox]:
    return (place.moved(*look.corner) for look in looks for place in look.places)


def _looks(frame: Callable[[int], np.ndarray], sampled: Sequence[int]) -> list[_Look]:
    """First the darkest value of each pixel; of several frames also the first, the middle, the last, and parts of the brightest.

    What moves draws patterns over the brightest picture: what is seen there counts where it is seen in the frame that most
    of what stands out comes from too.
    """
    darkest = brightest = frame(sampled[0])
    looks = [_Look(darkest, tuple(seen_text(darkest)))]
    if len(sampled) == 1:
        return looks
    comes_from = np.zeros(darkest.shape[:2], np.uint8)
    for number, index in enumerate(sampled[1:], start=1):
        picture = frame(index)
        if number in (len(sampled) // 2, len(sampled) - 1):
            looks.append(_Look(picture, tuple(seen_text(picture))))
        comes_from[picture.max(axis=2) > brightest.max(axis=2)] = number
        darkest, brightest = np.minimum(darkest, picture), np.maximum(brightest, picture)
    for place in seen_text(brightest):
        within = _pixels(place.box)
        stands_out = (brightest[within] - darkest[within]).max(axis=2)
        numbers = np.bincount(comes_from[within].ravel(), weights=stands_out.ravel())
        around = place.box.expanded(_CONTEXT).clipped_to(darkest.shape[1], darkest.shape[0])
        part = frame(sampled[int(numbers.argmax())])[_pixels(around)]
        there = place.moved(-around.left, -around.top)
        if any(overlap(there.box, one.box) for one in seen_text(part)):
            looks.append(_Look(part, (there,), (around.left, around.top)))
    return [_Look(darkest, tuple(seen_text(darkest))), *looks]


def _is_as_in(darkest: _Look, look: _Look, place: TextBox) -> bool:
    """Whether a place of a look was seen in the darkest picture too, and no pixel of it is another there."""
    there = place.moved(*look.corner).box
    if not any(overlap(there, one.box) for one in darkest.places):
        return False
    difference = look.picture[_pixels(place.box)].astype(np.int16) - darkest.picture[_pixels(there)]
    return int(np.abs(difference).max()) <= _AS_BRIGHT


def _read(look: _Look, lines: list[ReadLine], needles: Needles) -> list[TextBox]:
    """What was seen in a look, and what is read of it, `lines` already, in pixels of the whole picture.

    A place is known to be technical when it looks empty once the technical lines that the reader found are taken out.
    """
    lines += read_places(look.picture, [one.box for one in look.places if not any(_covers(line, one.box) for line in lines)])
    judged = [(line, _judged(line, look.picture, needles)) for line in lines]
    technical = [line for line, place in judged if place.harmless]
    places = _not_explained(look, technical)
    places += [place for line, place in judged if line.found or place.identifies]
    return [place.moved(*look.corner) for place in places]


def _judged(line: ReadLine, picture: np.ndarray, needles: Needles) -> TextBox:
    place = TextBox(line.box, line.confidence)
    if kinds := like_header(line.text, needles):
        return replace(place, identifies=kinds)
    if not line.found or _is_cut(line.box, picture):
        return place
    is_read = line.confidence >= _READ_WELL and is_one_line(line.text, *line.sides)
    is_known = is_mark(line, picture) and not is_initials(line.text, needles) or is_read and is_technical(line.text)
    return replace(place, harmless=is_known)


def _is_cut(box: CropBox, picture: np.ndarray) -> bool:
    """Whether letters of a box lie at the picture's very edge: they may be what is left of something else."""
    rows, columns = picture.shape[:2]
    box = box.expanded(_EDGE).clipped_to(columns, rows) or box
    light = _standing_out(_grey(picture[_pixels(box)]))
    edges = [light[:_EDGE]] * (box.top == 0) + [light[-_EDGE:]] * (box.bottom == rows)
    edges += [light[:, :_EDGE]] * (box.left == 0) + [light[:, -_EDGE:]] * (box.right == columns)
    return any(edge.any() for edge in edges)


def is_mark(line: ReadLine, picture: np.ndarray) -> bool:
    """Whether a line is no more than the letter or two that scanners put beside the picture: P, V, LT.

    More shapes than letters, in a place that has room for more, are a word that the reader can't read.
    """
    length, height = line.sides
    if max(line.box.width, line.box.height) > _MARK * CELL or not is_short(line.text):
        return False
    return length <= _ROOM_FOR_TWO * height or _shapes_in(_grey(picture[_pixels(line.box)])) <= _LONGEST_MARK


def _not_explained(look: _Look, technical: Sequence[ReadLine]) -> list[TextBox]:
    """The places of a look in which something is still seen when the words that are technical are taken out of the picture."""
    rows, columns = look.picture.shape[:2]
    without = None
    left = []
    for place in look.places:
        around = place.box.expanded(_CONTEXT).clipped_to(columns, rows)
        if any(line.box.intersection(place.box) for line in technical):
            without = _without(look.picture, technical) if without is None else without
            there = place.moved(-around.left, -around.top).box
            if not any(one.box.intersection(there) for one in seen_text(without[_pixels(around)], _POSSIBLE)):
                continue
        left.append(place)
    return left


def _without(picture: np.ndarray, lines: Iterable[ReadLine]) -> np.ndarray:
    """The picture with the words of these lines filled with what is around them."""
    filled = picture.copy()
    for word in (word for line in lines for word in line.words):
        box, inside = word.pixels(picture.shape[1], picture.shape[0])
        around = box.expanded(_GROUND).clipped_to(picture.shape[1], picture.shape[0])
        ground = np.ones((around.height, around.width), bool)
        ground[_pixels(box.moved(-around.left, -around.top))] = False
        values = picture[_pixels(around)][ground]
        if len(values):
            filled[_pixels(box)][inside] = np.median(values, axis=0)
    return filled


def _covers(line: ReadLine, place: CropBox) -> bool:
    """Whether the line's box holds most of the place: then it was read."""
    common = line.box.intersection(place)
    return common is not None and common.width * common.height >= _COVERED * place.width * place.height


def _pixels(box: CropBox) -> tuple[slice, slice]:
    return slice(box.top, box.bottom), slice(box.left, box.right)


def seen_text(picture: np.ndarray, sure: float = _SURE) -> list[TextBox]:
    """The places of one picture, uint8 RGB (rows, columns, 3), that look like lines of text; nothing is read.

    Each holds a cell at least that is text with the likelihood `sure`.
    """
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
        if values.max() < sure or values.sum() < _LEAST_TEXT:
            continue
        pixels = grey[top * CELL : (top + height) * CELL, left * CELL : (left + width) * CELL]
        if max(width, height) > _MARK or _shapes_in(pixels) > _LONGEST_MARK:
            boxes = (box.moved(left * CELL, top * CELL).clipped_to(columns, rows) for box in _parts(cells))
            places += [TextBox(box, float(values.max())) for box in boxes]
    return places


def _shapes_in(pixels: np.ndarray) -> int:
    """How many shapes of 4 pixels or more stand out of their ground: letters, or the mark of the probe's side."""
    import SimpleITK as sitk

    shapes = _standing_out(pixels)
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(shapes.astype(np.uint8)), True))
    return int((np.bincount(labels.ravel())[1:] >= 4).sum())


def _standing_out(pixels: np.ndarray) -> np.ndarray:
    """Which pixels are letters, if there are any: the fewer of the light and the dark ones."""
    light = pixels > (int(pixels.min()) + int(pixels.max())) / 2
    return light if light.mean() < 0.5 else ~light


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
