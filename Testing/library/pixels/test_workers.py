"""Several frames at once: the same frames in the same order, few of them in memory, errors in their place."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert
from USDICOMizerLib.pixels.workers import available_cores, in_order


def task(number: int, seconds: float = 0.0):
    def work() -> int:
        time.sleep(seconds)
        return number

    return work


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(workers):
    slow_first = [task(number, seconds=0.02 if number % 3 == 0 else 0) for number in range(12)]
    assert list(in_order(slow_first, workers)) == list(range(12))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_tasks_are_taken_in_one_thread_and_no_more_than_the_workers_ahead(workers):
    taken, here = [], threading.get_ident()

    def tasks():
        for number in range(20):
            assert threading.get_ident() == here
            taken.append(number)
            yield task(number)

    for result in in_order(tasks(), workers):
        assert len(taken) <= result + 1 + workers


def test_tasks_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=20)
    assert list(in_order([lambda: barrier.wait() >= 0] * 3, 3)) == [True] * 3


@pytest.mark.parametrize("workers", [1, 3])
def test_an_error_comes_in_the_place_of_its_result(workers):
    def fail() -> int:
        raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "this one")

    def tasks():
        yield task(0, 0.02)
        yield fail
        yield task(2)
        raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "a later one")

    results = in_order(tasks(), workers)
    assert next(results) == 0
    with pytest.raises(RefusedError, match="this one"):
        next(results)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_frame_that_cant_be_read_leaves_those_before_it(workers):
    def tasks():
        yield from (task(0, 0.02), task(1))
        raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "the file ends")

    results = in_order(tasks(), workers)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(RefusedError, match="the file ends"):
        next(results)


def test_whoever_stops_asking_ends_the_threads():
    before = threading.active_count()
    results = in_order((task(number) for number in range(100)), 3)
    next(results)
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("syntax", list(OutputSyntax))
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
def test_the_bytes_do_not_depend_on_the_number_of_workers(files, syntax, photometric):
    pixels = files.speckle(9, 29, 47, 1 if photometric == "MONOCHROME2" else 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric))
    keep = np.ones((29, 47), dtype=bool)
    keep[:9] = False
    requests = [PixelRequest(CropBox(6, 3, 40, 25), keep, (), syntax, workers=workers) for workers in (1, 2, 4)]
    one, two, four = [list(convert(source, request).frames()) for request in requests]
    assert one == two == four
    assert len(set(one)) == 9


def test_there_is_at_least_one_core():
    assert available_cores() >= 1
