"""Which pieces of what was seen are picture, which belong together, and what lies beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from USDICOMizerLib.content.edges import edge_support, faded_out, unseen_cuts
from USDICOMizerLib.content.evidence import Screen, box_mean, look_at
from USDICOMizerLib.content.outline import Kind, Outline
from USDICOMizerLib.content.parts import has_grain, is_one_picture
from USDICOMizerLib.content.picture import find_picture

ROWS, COLUMNS = 300, 400


def speckle(rows: int, columns: int, level: float = 100, spread: float = 12, seed: int = 1) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(level, spread, (rows, columns)), 0, 255).astype(np.uint8)


def screen_of(grey: np.ndarray) -> Screen:
    return look_at(grey[None, ..., None].repeat(3, axis=-1))


def rectangle(left: float, top: float, right: float, bottom: float, **more: float) -> Outline:
    return Outline(Kind.RECTANGLE, top, bottom, left, left, right, right, top, bottom, **more)


def fan(top: float = 40, bottom: float = 260, **more: float) -> Outline:
    kind = Kind.CUT_FAN if more else Kind.FAN
    return Outline(kind, 40, 260, 160, 60, 240, 340, top, bottom, **more)


def held(outline: Outline) -> np.ndarray:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] + 0.5
    return outline.holds(x, y)


def test_speckle_has_grain() -> None:
    grey = np.zeros((ROWS, COLUMNS), np.uint8)
    grey[100:150, 200:300] = speckle(50, 100)
    piece = np.zeros((ROWS // 2, COLUMNS // 2), bool)
    piece[50:75, 100:150] = True
    assert has_grain(piece, grey)


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "lying"])
def test_a_grey_bar_has_no_grain_however_it_lies(turned: bool) -> None:
    grey = np.zeros((ROWS, ROWS), np.uint8)
    grey[100:228, 200:211] = np.linspace(250, 0, 128).astype(np.uint8)[:, None]
    piece = np.zeros((ROWS // 2, ROWS // 2), bool)
    piece[50:114, 100:106] = True  # half a pixel of the map lies beside the bar
    assert not has_grain(piece.T if turned else piece, grey.T.copy() if turned else grey)


def test_a_flat_button_has_no_grain() -> None:
    grey = np.full((ROWS, COLUMNS), 20, np.uint8)
    grey[10:40, 10:100] = 180
    piece = grey > 100
    assert not has_grain(piece, grey)


def test_what_lies_in_an_outline_and_ends_where_it_ends_is_one_picture() -> None:
    outline = rectangle(50, 40, 350, 260)
    seen = held(outline)
    seen[100:200] = False  # a dark layer
    assert is_one_picture(outline, seen)
    seen[:, 180:] = False
    assert not is_one_picture(outline, seen)


def test_edges_that_part_something_from_nothing_support_an_outline_wholly_and_others_less() -> None:
    outline = fan()
    assert edge_support(outline, held(outline)) > 0.95
    assert edge_support(outline.moved(bottom=-15), held(outline)) < 0.85


def test_a_window_that_cuts_a_fan_is_seen_where_the_evidence_ends_at_it() -> None:
    cut = fan(window_left=100, window_right=300)
    assert max(unseen_cuts(cut, held(cut))) < 0.1
    assert min(unseen_cuts(cut, held(fan()))) > 0.5
    assert unseen_cuts(fan(), held(fan())) == []
    evidence = held(cut)
    evidence[120:, 200:] = False  # a shadow
    left, right = unseen_cuts(cut, evidence)
    assert left < 0.1 and right > 0.5
    assert unseen_cuts(fan(window_left=0, window_right=300), evidence) == [right]  # the left side cuts nothing


@pytest.mark.parametrize("outline", [rectangle(50, 40, 350, 200), fan(bottom=200)], ids=["rectangle", "fan"])
def test_an_outline_goes_on_as_deep_as_faint_speckle_does(outline: Outline) -> None:
    grey = np.zeros((ROWS, COLUMNS), np.uint8)
    there = held(outline.moved(bottom=30))
    grey[there] = (speckle(ROWS, COLUMNS, 2, 3) * (np.random.default_rng(2).random((ROWS, COLUMNS)) < 0.4))[there]
    grey[held(outline)] = speckle(ROWS, COLUMNS, 40, 5)[held(outline)]
    assert faded_out(outline, screen_of(grey)).bottom == pytest.approx(outline.bottom + 30, abs=4)


def test_an_outline_ends_at_an_edge_with_nothing_but_the_traces_of_jpeg_below() -> None:
    outline = rectangle(50, 40, 350, 200)
    grey = np.zeros((ROWS, COLUMNS), np.uint8)
    grey[200:207, 50:350] = speckle(7, 300, 4, 2)
    grey[held(outline)] = speckle(ROWS, COLUMNS, 40, 5)[held(outline)]
    assert faded_out(outline, screen_of(grey)) == outline


def test_an_outline_does_not_go_on_into_text() -> None:
    outline = rectangle(50, 40, 350, 200)
    grey = np.zeros((ROWS, COLUMNS), np.uint8)
    grey[204:230, 60:340:3] = 230
    grey[held(outline)] = speckle(ROWS, COLUMNS, 40, 5)[held(outline)]
    assert faded_out(outline, screen_of(grey)) == outline


@settings(max_examples=30, deadline=None)
@given(size=st.sampled_from([3, 5, 9, 17]), rows=st.integers(20, 50), columns=st.integers(20, 50), seed=st.integers(0, 99))
def test_a_mean_around_a_pixel_is_that_of_the_square_around_it(size: int, rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 255, (rows, columns)).astype(np.float32)
    y, x, radius = rows // 2, columns // 2, size // 2
    square = values[y - radius : y + radius + 1, x - radius : x + radius + 1]
    assert box_mean(values, size)[y, x] == pytest.approx(square.mean(), rel=1e-4)
    assert box_mean(np.full((rows, columns), 7, np.uint8), size) == pytest.approx(7)


def test_a_fan_with_a_dark_layer_across_it_is_one_picture() -> None:
    whole = fan()
    y, x = np.mgrid[0:ROWS, 0:COLUMNS] + 0.5
    apex = whole.apex
    radius = np.hypot(x - apex[0], y - apex[1])
    grey = np.where(held(whole) & ~((radius > 190) & (radius < 250)), speckle(ROWS, COLUMNS), 0).astype(np.uint8)
    found = find_picture(grey[None, ..., None].repeat(3, axis=-1))
    assert [outline.kind for outline in found.outlines] == [Kind.FAN]
    wanted = held(whole)
    kept = found.sector.mask(ROWS, COLUMNS)
    assert np.count_nonzero(kept & wanted) > 0.96 * np.count_nonzero(kept | wanted)


def test_two_fans_beside_each_other_stay_two() -> None:
    left = Outline(Kind.FAN, 40, 200, 80, 20, 120, 180, 40, 200)
    right = left.moved(left_above=200, left_below=200, right_above=200, right_below=200)
    there = held(left) | held(right)
    grey = np.where(there, speckle(ROWS, COLUMNS), 0).astype(np.uint8)
    found = find_picture(grey[None, ..., None].repeat(3, axis=-1))
    assert [outline.kind for outline in found.outlines] == [Kind.FAN, Kind.FAN]


def test_speckle_that_is_left_out_makes_the_picture_doubtful_and_a_bar_does_not() -> None:
    grey = np.zeros((ROWS, COLUMNS), np.uint8)
    grey[120:280, 40:300] = speckle(160, 260)
    alone = find_picture(grey[None, ..., None].repeat(3, axis=-1))
    bar, more = grey.copy(), grey.copy()
    bar[40:170, 350:361] = np.linspace(250, 0, 130).astype(np.uint8)[:, None]
    more[60:72, 60:280] = speckle(12, 220)  # too thin for a part of its own
    with_bar, with_more = (find_picture(one[None, ..., None].repeat(3, axis=-1)) for one in (bar, more))
    assert alone.box == with_bar.box and with_bar.confidence == pytest.approx(alone.confidence, abs=0.02)
    assert with_more.confidence < 0.6 * alone.confidence
    assert "lies outside" in with_more.note and "lies outside" not in with_bar.note
