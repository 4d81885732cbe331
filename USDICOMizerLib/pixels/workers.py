"""Work on several frames at once, handed out in the order of the frames.

Threads gain where a codec lets the interpreter go on meanwhile: Pillow's JPEG and all of imagecodecs do; pyjpegls,
pylibjpeg-openjpeg and Pillow's JPEG 2000 don't.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

_IN_HAND = 96 * 2**20  # bytes


def available_cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def affordable(workers: int, frame_bytes: int) -> int:
    """How many of the workers may be busy with frames that take so many bytes each, so that memory stays within bounds."""
    return max(1, min(workers, _IN_HAND // max(1, frame_bytes)))


def in_order(tasks: Iterable[Callable[[], Result]], workers: int) -> Iterator[Result]:
    """The results of the tasks, in their order, whatever the number of threads that run them.

    The tasks are taken in the calling thread, one after the other, and never more than `workers` ahead of the result
    that is asked for: so frames are read in the order of the file, and few of them are in memory. An error comes in
    the place of its result, as it would with one worker.
    """
    if workers <= 1:
        for task in tasks:
            yield task()
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="frame") as pool:
        try:
            for future in _submitted(tasks, pool):
                pending.append(future)
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _submitted(tasks: Iterable[Callable[[], Result]], pool: ThreadPoolExecutor) -> Iterator[Future[Result]]:
    """The tasks on their way; where the next one can't be had, that error as the last result."""
    try:
        for task in tasks:
            yield pool.submit(task)
    except Exception as error:  # a frame that can't be read: those before it come first
        failed: Future[Result] = Future()
        failed.set_exception(error)
        yield failed
