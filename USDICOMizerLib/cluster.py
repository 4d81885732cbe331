"""Exams on the workers of a running Dask scheduler. It is named by the user; nothing is started here.

Sources, output, linkage and key file lie on a file system that all share. A worker reads the key from its file; what it
prepared comes back as a receipt in the linkage, which the run files as it does with those of this machine.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from USDICOMizerLib.errors import CommandError, ExportError
from USDICOMizerLib.processes import Lost
from USDICOMizerLib.units import Answer, Order, Unit, work_on

_UNITS_A_THREAD = 2
_SECONDS_TO_CONNECT = "30s"


@dataclass(frozen=True)
class Sealed:
    """An order or a unit on its way. Dask shows a task's arguments where it logs: of this there is nothing to see."""

    content: bytes = field(repr=False)

    @classmethod
    def of(cls, value: object) -> Sealed:
        """Seal a value."""
        return cls(pickle.dumps(value))


def work_on_sealed(order: Sealed, unit: Sealed) -> Sealed:
    """The task of a worker: prepare an exam; never raises."""
    try:
        answer = work_on(pickle.loads(order.content), pickle.loads(unit.content))
    except Exception as error:  # another version of this library on the worker, whose classes have other fields
        answer = Answer(None, f"{type(error).__name__} in a worker: it has to have the same version of USDICOMizer")
    return Sealed.of(answer)


IsStopping = Callable[[], bool]
Answers = Iterator[tuple[Unit, Answer | Lost]]


def on_cluster(address: str, order: Order) -> Callable[[Iterable[Unit], IsStopping], Answers]:
    """A runner (see batch) that hands units to the scheduler at `address`, two for each thread of its workers ahead.

    Raises CommandError where Dask isn't installed, or no scheduler answers; the runner raises ExportError where the scheduler
    goes later.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CommandError(
            '--scheduler needs the package distributed of Dask: pip install ".[cluster]" here and on the workers.'
        ) from None
    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CommandError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}). Start one (dask scheduler); it says its address."
        ) from None

    def run(units: Iterable[Unit], is_stopping: IsStopping) -> Answers:
        with client:
            yield from _submitted(client, address, Sealed.of(order), units, is_stopping)

    return run


@contextlib.contextmanager
def _reached(address: str) -> Iterator[None]:
    """Around each word with the scheduler. Raises ExportError where that isn't there any more."""
    from distributed.client import ClosedClientError

    cancelled = asyncio.CancelledError, concurrent.futures.CancelledError  # Dask cancels all tasks of a lost connection
    try:
        yield
    except (OSError, ClosedClientError, *cancelled) as error:
        raise ExportError(
            f"The Dask scheduler at {address} can't be reached any more ({type(error).__name__}). The exams that were done are "
            "kept. Start a scheduler, and run the same command with --resume and its address."
        ) from None


def _submitted(client, address: str, order: Sealed, units: Iterable[Unit], is_stopping: IsStopping) -> Answers:
    from distributed import as_completed

    run = pickle.loads(order.content).terms.receipts.run
    waiting = iter(units)
    pending: dict[str, Unit] = {}
    done = as_completed(loop=client.loop)

    def fill() -> None:
        with _reached(address):
            room = _UNITS_A_THREAD * max(1, sum(client.nthreads().values())) - len(pending)
        while room > 0 and not is_stopping() and (unit := next(waiting, None)):
            # What has to do with the outside isn't pure: a later run with the same arguments is another task.
            sealed = Sealed.of(unit.with_whole_paths())
            with _reached(address):
                future = client.submit(work_on_sealed, order, sealed, key=f"{unit.name}-{run}", pure=False)
                done.add(future)
            pending[future.key] = unit
            room -= 1

    fill()
    while pending:
        with _reached(address):
            future = next(done)
            answered = future.result() if future.status != "error" else None
        unit = pending.pop(future.key)
        # Dask gives a task whose worker was lost to another one, up to its allowed-failures; then the future has an error.
        answer = pickle.loads(answered.content) if answered else Lost()
        future.release()
        yield unit, answer
        fill()
