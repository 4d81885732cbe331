"""Many exams: each is a unit of work, done here, in processes of this machine, or on a cluster; and the counts add up."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.export_job import ExamResult, ExportJob, InstanceResult
from USDICOMizerLib.files import remove_abandoned_parts
from USDICOMizerLib.interrupts import Stopping
from USDICOMizerLib.linkage import Linkage
from USDICOMizerLib.logs import log, pass_on
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.plan import source_text
from USDICOMizerLib.processes import Lost, in_processes
from USDICOMizerLib.receipts import SourceRow
from USDICOMizerLib.records import Sharing
from USDICOMizerLib.sources import SourceOutcome
from USDICOMizerLib.units import Answer, Order, Unit, failed, prepare_unit, work_on

_LOST = "LostProcess"
_LOST_WORDS = (
    "the process that prepared it ended without an answer, twice; nothing of it was kept. It may need more memory than there "
    "is: try again with fewer --jobs"
)


@dataclass(frozen=True)
class RunResult:
    """How a run ended: a result for each exam, and the inputs that belong to none.

    `left` is how many exams weren't begun, because a person interrupted the run. `not_filed` is how many receipts the
    linkage's tables could not take; they stay, and the next run files them. `report` is that of all exams in the folder.
    """

    exams: tuple[ExamResult, ...]
    others: tuple[SourceOutcome, ...]
    key_fingerprint: str = ""  # that of the project key: two sites can see whether they used the same
    left: int = 0
    not_filed: int = 0
    report: Path | None = None
    report_error: str = ""

    @property
    def counts(self) -> Counter[Outcome]:
        """How many inputs ended in each outcome; their sum is the number of inputs found, but for those of exams left."""
        ended = [result.outcome for exam in self.exams for result in exam.instances]
        return Counter(ended + [other.outcome for other in self.others])

    @property
    def all_well(self) -> bool:
        """Whether nothing was refused, nothing failed, and each report could be written."""
        unreported = self.report_error or any(exam.report_error for exam in self.exams)
        return not (self.counts[Outcome.REFUSED] or self.counts[Outcome.FAILED] or self.not_filed or unreported)


@dataclass(frozen=True)
class Pace:
    """How far a run has come, and how fast."""

    done: int
    total: int
    seconds: float

    @property
    def per_hour(self) -> float:
        """Exams an hour so far."""
        return 3600 * self.done / max(self.seconds, 1e-3)

    @property
    def seconds_left(self) -> float:
        """How long the rest takes if it goes on like this."""
        return (self.total - self.done) * self.seconds / max(self.done, 1)


class Progress(Protocol):
    """Who is told how a run goes on."""

    def instance_ended(self, exam: str, result: InstanceResult, total: int) -> None:
        """One of the `total` instances of an exam has come to its outcome."""

    def exam_ended(self, result: ExamResult, pace: Pace) -> None:
        """An exam has."""

    def stopping(self) -> None:
        """A person has interrupted: exams in hand are finished, no other is begun."""


Runner = Callable[[Iterable[Unit], Callable[[], bool]], Iterator[tuple[Unit, "ExamResult | Answer | Lost"]]]
"""Does units, as many at once as it can, until there are no more or the function says stop; results as they come."""


def in_this_process(job: ExportJob, progress: Progress) -> Runner:
    """One exam after the other, with the progress of each instance as it comes."""

    def run(units: Iterable[Unit], is_stopping: Callable[[], bool]) -> Iterator[tuple[Unit, ExamResult]]:
        for unit in units:
            yield unit, prepare_unit(unit, job, progress.instance_ended)
            if is_stopping():
                return

    return run


def in_local_processes(order: Order, processes: int) -> Runner:
    """So many exams at once, each in a process of its own."""

    def run(units: Iterable[Unit], is_stopping: Callable[[], bool]) -> Iterator[tuple[Unit, Answer | Lost]]:
        return in_processes(work_on, order, units, processes, is_stopping)

    return run


def prepare_exams(
    units: Iterable[Unit],
    total: int,
    others: Sequence[SourceOutcome],
    job: ExportJob,
    linkage: Linkage,
    runner: Runner,
    progress: Progress,
) -> RunResult:
    """Export each of the `total` exams, and file what it has to say to the linkage. One bad exam never stops the rest.

    With several exams, Ctrl-C finishes those in hand; pressed again, and with one exam, it raises KeyboardInterrupt.
    """
    remove_abandoned_parts(job.terms.output)
    linkage.add_sources(
        SourceRow(job.terms.run, "", number, source_text(other.source), other.outcome, other.reason)
        for number, other in enumerate(others, start=1)
    )
    places: dict[str, int] = {}
    results: list[ExamResult] = []
    sharing = Sharing()
    not_filed = 0
    began = time.monotonic()
    try:
        with Stopping(can_wait=total > 1, on_first=progress.stopping) as stopping:
            for unit, answer in runner(_placed(units, places), stopping.is_asked):
                result = _result(unit, answer, job, progress)
                not_filed += not _file(unit, job, linkage)
                results.append(result.shared(sharing))
                progress.exam_ended(result, Pace(len(results), total, time.monotonic() - began))
    finally:
        remove_abandoned_parts(job.terms.output)  # of processes that were ended at once
    results.sort(key=lambda result: places[result.exam])
    fingerprint = job.preparation.pseudonyms.fingerprint
    return RunResult(tuple(results), tuple(others), fingerprint, total - len(results), not_filed)


def _placed(units: Iterable[Unit], places: dict[str, int]) -> Iterator[Unit]:
    """The units; their places are noted, so that results can be told in the order of the input."""
    for place, unit in enumerate(units):
        places[unit.name] = place
        yield unit


def _result(unit: Unit, answer: ExamResult | Answer | Lost, job: ExportJob, progress: Progress) -> ExamResult:
    if isinstance(answer, ExamResult):
        return answer
    if isinstance(answer, Lost):
        log("worker lost", level=logging.ERROR, exam=unit.name)
        result = failed(unit, job, _LOST, _LOST_WORDS)
    else:
        pass_on(answer.log_lines)
        result = answer.result or failed(unit, job, answer.why_not.split(":")[0], answer.why_not)
    for instance in result.instances:
        progress.instance_ended(result.exam, instance, len(result.instances))
    return result


def _file(unit: Unit, job: ExportJob, linkage: Linkage) -> bool:
    """File the exam's receipt; False where that went wrong. Its export is there, and so is what ties it to its source."""
    try:
        if receipt := job.terms.receipts.of(unit.name):
            linkage.file(receipt)
    except (OSError, CommandError) as error:
        log("receipt not filed", level=logging.ERROR, exam=unit.name, error=error)
        return False
    return True
