"""The picture is found in synthetic screens of every layout, with the text of the patient bar outside."""

from __future__ import annotations

import numpy as np
import pytest
from layouts import LAYOUTS, make_screen

from USDICOMizerLib.content.picture import find_picture
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.proposals import DOUBTFUL, MOST_OF_CONTENT, overlap

SINGLE, CINE = 3, 4  # seeds; each third screen is a single frame


@pytest.mark.parametrize("number, layout", list(enumerate(LAYOUTS)))
def test_the_box_is_that_of_the_picture_or_doubtful_and_no_text_of_the_bar_is_in_it(number: int, layout: str) -> None:
    screen = make_screen(layout, (SINGLE, CINE)[number % 2])
    picture = find_picture(screen.frames)
    doubtful = MOST_OF_CONTENT * picture.confidence < DOUBTFUL
    assert overlap(picture.box, screen.box) >= 0.93 or doubtful
    assert not any(picture.box.intersection(text) for text in screen.outside)


def test_the_sector_follows_the_edges_of_a_fan_to_a_pixel() -> None:
    screen = make_screen("curved", CINE)
    kept = find_picture(screen.frames).sector.mask(*screen.picture.shape)
    assert np.count_nonzero(kept ^ screen.picture) < 0.02 * np.count_nonzero(screen.picture)


@pytest.mark.parametrize("value", [0, 77])
def test_nothing_is_found_in_a_frame_of_one_colour(value: int) -> None:
    assert find_picture(np.full((1, 300, 400, 3), value, np.uint8)) is None


def test_a_page_of_text_is_no_picture() -> None:
    screen = make_screen("curved", SINGLE)
    frames = screen.frames.copy()
    frames[:, screen.picture] = 0
    assert find_picture(frames) is None


def test_the_same_frames_give_the_same_picture() -> None:
    screen = make_screen("phased", CINE)
    assert find_picture(screen.frames) == find_picture(screen.frames.copy())


def test_a_picture_half_of_which_is_hidden_is_less_sure() -> None:
    screen = make_screen("linear", CINE)
    box: CropBox = screen.box
    whole = find_picture(screen.frames).confidence
    holed = screen.frames.copy()
    rng = np.random.default_rng(1)
    for _ in range(60):
        x, y = rng.integers(box.left, box.right), rng.integers(box.top, box.bottom)
        holed[:, y : y + 70, x : x + 70] = 0
    found = find_picture(holed)
    assert found is None or found.confidence < whole
