"""Units of work: an exam with all that its preparation needs, to be done in this process, in another, or elsewhere.

The project key is not among it: a process reads the key from its file, and never makes one.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.errors import KeyFileError
from USDICOMizerLib.exam import Exam, Source
from USDICOMizerLib.export import OnInstance, done_before_it_was_lost, export_exam, in_plan_order
from USDICOMizerLib.export_job import ExamResult, ExportJob, ExportTerms, InstanceResult, leave_receipt
from USDICOMizerLib.ledger import LedgerRecord
from USDICOMizerLib.logs import LogLine, collected, log
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.plan import make_plan
from USDICOMizerLib.plan_file import write_plan
from USDICOMizerLib.prepare import Preparation
from USDICOMizerLib.report import reported, without_its_report

KEY_VARIABLE = "USDICOMIZER_KEY"
"""The environment variable by which a worker on another machine finds the file of the project key in another place."""


@dataclass(frozen=True)
class Unit:
    """One exam. `name` is its pseudonym, `known` what the ledger says of its export, where the run is resumed."""

    name: str
    subject: str
    exam: Exam = field(repr=False)
    decisions: Mapping[str, Decision] = field(repr=False)
    known: tuple[LedgerRecord, ...] = field(default=(), repr=False)

    def with_whole_paths(self) -> Unit:
        """The same with sources that another process finds, whatever folder it works in."""
        instances = (replace(one, source=Source(one.source.path.absolute(), one.source.member)) for one in self.exam.instances)
        return replace(self, exam=Exam(self.exam.study_uid, tuple(instances)))


@dataclass(frozen=True)
class Order:
    """What an `ExportJob` is made from in another process; `key_fingerprint` is that of the key which has to be there."""

    key_file: Path
    key_fingerprint: str
    rules: Rules
    transfer_syntax: OutputSyntax
    jpeg_quality: int
    workers: int
    terms: ExportTerms

    @classmethod
    def of(cls, job: ExportJob, key_file: Path, workers: int) -> Order:
        """The order for a job; `workers` is how many frames of an instance are worked on at once."""
        return cls(
            key_file=key_file.absolute(),
            key_fingerprint=job.preparation.pseudonyms.fingerprint,
            rules=job.preparation.rules,
            transfer_syntax=job.preparation.transfer_syntax,
            jpeg_quality=job.preparation.jpeg_quality,
            workers=workers,
            terms=job.terms.with_whole_paths(),
        )

    def job(self) -> ExportJob:
        """The job, with the key of this machine. Raises KeyFileError where it is missing, or another one."""
        key = _key(Path(os.environ.get(KEY_VARIABLE) or self.key_file))
        if key.fingerprint != self.key_fingerprint:
            raise KeyFileError(
                f"The project key that the worker found has the fingerprint {key.fingerprint}, and not that of the run, "
                f"{self.key_fingerprint}. Set {KEY_VARIABLE} to the right file where the workers are started."
            )
        preparation = Preparation(self.rules, Pseudonyms(key), self.transfer_syntax, self.jpeg_quality, self.workers)
        return ExportJob(preparation, self.terms)


@dataclass(frozen=True)
class Answer:
    """What comes back: the result, or in words why there is none; and the lines of the log."""

    result: ExamResult | None
    why_not: str = ""
    log_lines: tuple[LogLine, ...] = ()


def work_on(order: Order, unit: Unit) -> Answer:
    """Prepare an exam in a process that isn't the run's own; never raises."""
    with collected() as lines:
        try:
            result, why_not = prepare_unit(unit, order.job(), _not_heard), ""
        except KeyFileError as error:
            result, why_not = None, f"{KeyFileError.__name__}: {error}"
        except Exception as error:  # its words may quote a header
            log("worker failed", level=logging.ERROR, exam=unit.name, error=error)
            result, why_not = None, f"{type(error).__name__} in a worker; the log says where"
    return Answer(result, why_not, tuple(lines))


def prepare_unit(unit: Unit, job: ExportJob, on_instance: OnInstance) -> ExamResult:
    """Export an exam, and keep the plan that it was done by. What goes wrong with all of it is its result, and no error."""
    try:
        executed = make_plan([unit.exam], unit.decisions, for_review=False)
        write_plan(executed, job.terms.plans / f"{unit.name}.csv")
        result = export_exam(unit.exam, unit.decisions, unit.subject, job, on_instance, unit.known)
    except Exception as error:
        log("exam failed", level=logging.ERROR, exam=unit.name, error=error)
        words = f"the exam could not be exported ({type(error).__name__}); nothing of it was kept. The log says where"
        return failed(unit, job, type(error).__name__, words)
    return reported(result, unit.exam, unit.decisions, job)


def failed(unit: Unit, job: ExportJob, reason: str, words: str) -> ExamResult:
    """The result of an exam that failed as a whole, with its receipt.

    An export that was there before its process ended stays, and so does the receipt that ties it to its originals: then the
    result tells what was prepared, and that the report is missing.
    """
    try:
        if done := done_before_it_was_lost(unit.exam, unit.decisions, unit.subject, job, _not_heard):
            return without_its_report(done, job)
    except Exception as error:  # its words may quote a header
        log("export of a lost process not taken over", level=logging.ERROR, exam=unit.name, error=error)
    ended = [
        (numbered, InstanceResult(numbered[0], Outcome.FAILED, reason, words))
        for numbered in in_plan_order(unit.exam, unit.decisions)
    ]
    with contextlib.suppress(OSError):  # it may be the linkage that can't be written
        leave_receipt(job, unit.name, unit.subject, ended, error=reason)
    return ExamResult(unit.name, unit.subject, None, tuple(result for _, result in ended), words)


@lru_cache(maxsize=1)
def _key(path: Path) -> ProjectKey:
    return ProjectKey.load(path)


def _not_heard(_exam: str, _result: InstanceResult, _total: int) -> None:
    """Results go back together."""
