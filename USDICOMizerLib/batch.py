"""Many exams, one after the other: each becomes an export, and the counts add up."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Exam
from USDICOMizerLib.export import ExamResult, ExportJob, InstanceResult, OnInstance, audit, export_exam
from USDICOMizerLib.files import remove_abandoned_parts
from USDICOMizerLib.linkage import SourceRow
from USDICOMizerLib.logs import log
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.plan import source_text
from USDICOMizerLib.report import reported
from USDICOMizerLib.sources import SourceOutcome


@dataclass(frozen=True)
class RunResult:
    """How a run ended: a result for each exam, and the inputs that belong to none."""

    exams: tuple[ExamResult, ...]
    others: tuple[SourceOutcome, ...]
    key_fingerprint: str = ""  # that of the project key: two sites can see whether they used the same

    @property
    def counts(self) -> Counter[Outcome]:
        """How many inputs ended in each outcome; their sum is the number of inputs found."""
        ended = [result.outcome for exam in self.exams for result in exam.instances]
        return Counter(ended + [other.outcome for other in self.others])

    @property
    def all_well(self) -> bool:
        """Whether nothing was refused, nothing failed, and each report could be written."""
        unreported = any(exam.report_error for exam in self.exams)
        return not (self.counts[Outcome.REFUSED] or self.counts[Outcome.FAILED] or unreported)


def prepare_exams(
    exams: Sequence[Exam],
    others: Sequence[SourceOutcome],
    decisions: Mapping[str, Decision],
    subjects: Mapping[str, str],
    job: ExportJob,
    on_instance: OnInstance,
) -> RunResult:
    """Export each exam; `decisions` are by identity, `subjects` by Study Instance UID. One bad exam never stops the rest."""
    remove_abandoned_parts(job.output)
    job.linkage.add_sources(
        SourceRow(job.run, "", number, source_text(other.source), other.outcome, other.reason)
        for number, other in enumerate(others, start=1)
    )
    results = []
    for exam in exams:
        subject = subjects[exam.study_uid]
        try:
            results.append(reported(export_exam(exam, decisions, subject, job, on_instance), exam, decisions, job))
        except Exception as error:  # a vanished source, a linkage that can't be written: this exam failed, the next may not
            results.append(_failed(exam, subject, job, error))
    return RunResult(tuple(results), tuple(others), job.preparation.pseudonyms.fingerprint)


def _failed(exam: Exam, subject: str, job: ExportJob, error: Exception) -> ExamResult:
    name = job.preparation.pseudonyms.exam(exam.study_uid)
    log("exam failed", level=logging.ERROR, exam=name, error=error)
    words = f"the exam could not be exported ({type(error).__name__}); nothing of it was kept. The log says where"
    failures = (
        InstanceResult(number, Outcome.FAILED, type(error).__name__, words) for number in range(1, len(exam.instances) + 1)
    )
    result = ExamResult(name, subject, None, tuple(failures), words)
    with contextlib.suppress(OSError, CommandError):  # it may be the linkage that can't be written
        audit(job, name, subject, result.instances, error=type(error).__name__)
    return result
