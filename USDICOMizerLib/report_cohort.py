"""The HTML report of all exams in an output folder, whichever runs they are of: counts, gaps, duplicates, size and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib import __version__
from USDICOMizerLib.batch import RunResult
from USDICOMizerLib.export import ExamResult, ExportJob
from USDICOMizerLib.outcomes import Outcome, Problem, Skip
from USDICOMizerLib.report import records_in, render, write_page
from USDICOMizerLib.report_record import ExamRecord, InstanceRecord

COHORT_REPORT = "report.html"
_NO_TAG = "no tag"


@dataclass(frozen=True)
class CountTable:
    """One table of counts: what is counted by, and how many instances each has."""

    title: str
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Reason:
    """A reason why instances stayed behind, what to do about it, and how many they are."""

    reason: str
    advice: str
    count: int


@dataclass(frozen=True)
class Run:
    """The run that ended when the report was written: how long it took, and the inputs that belong to no exam."""

    seconds: float
    exams: int
    bytes: int
    duplicates: int
    others: tuple[tuple[str, int], ...]
    errors: tuple[str, ...]

    @property
    def per_hour(self) -> int:
        """How many exams an hour that is."""
        return round(self.exams * 3600 / self.seconds) if self.seconds else 0


def write_cohort_report(output: Path, result: RunResult, seconds: float, job: ExportJob) -> Path:
    """Write report.html into the output folder, from the reports that lie there and what this run has to add.

    Raises ReportError.
    """
    records = records_in(output)
    known = {record.exam for record in records}
    unreported = [_without_report(exam, job) for exam in result.exams if exam.exam not in known]
    path = output / COHORT_REPORT
    write_page(path, cohort_page([*records, *unreported], _run(result, seconds)))
    return path


def cohort_page(records: Sequence[ExamRecord], run: Run) -> str:
    """The page as HTML."""
    left = [one for record in records for one in record.left]
    return render(
        "cohort.html",
        records=sorted(records, key=lambda record: (record.subject, record.exam)),
        run=run,
        version=__version__,
        instances=sum(len(record.instances) for record in records),
        left=len(left),
        unreviewed=sum(record.unreviewed for record in records),
        subjects=len({record.subject for record in records}),
        size=sum(record.size for record in records),
        kept=sorted({attribute for record in records for attribute in record.kept}),
        settings=len({record.settings for record in records}),
        keys=sorted({record.key for record in records}),
        tables=count_tables(left),
        reasons=reasons(records),
        gaps=gaps(records),
    )


def count_tables(left: Sequence[InstanceRecord]) -> list[CountTable]:
    """How many instances left, by device, site, side, purpose and kind; the commonest first."""
    return [
        _counted("Device", (one.device or "not named" for one in left)),
        _counted("Site", (str(one.manifest.get("site") or _NO_TAG) for one in left)),
        _counted("Side", (str(one.manifest.get("side") or "none") for one in left)),
        _counted("Purpose", (str(one.manifest.get("purpose") or "none") for one in left)),
        _counted("Kind", ("cine" if int(one.manifest.get("frames") or 1) > 1 else "image" for one in left)),
    ]


def _counted(title: str, values: Iterable[str]) -> CountTable:
    counts = Counter(values)
    return CountTable(title, tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def reasons(records: Sequence[ExamRecord]) -> list[Reason]:
    """Why instances stayed behind, the commonest first, with what to do."""
    counts = Counter(one.reason or one.outcome for record in records for one in record.stayed)
    return [Reason(reason, _advice(reason), count) for reason, count in counts.most_common()]


def _advice(reason: str) -> str:
    if reason == Outcome.EXCLUDED:
        return "Nothing: the plan says so."
    return (
        Problem(reason).advice if reason in list(Problem) else "The log says where it failed. Copy the file again, or report it."
    )


def gaps(records: Sequence[ExamRecord]) -> list[tuple[str, int, int]]:
    """For each view that the protocol expects: in how many exams it is missing, of how many that expect it."""
    expected = Counter(view for record in records for view in record.expected)
    missing = Counter(view for record in records for view in record.missing)
    return [(view, missing[view], expected[view]) for view in expected]


def _run(result: RunResult, seconds: float) -> Run:
    others = Counter(str(other.reason) for other in result.others)
    return Run(
        seconds=seconds,
        exams=len(result.exams),
        bytes=sum(exam.path.stat().st_size for exam in result.exams if exam.path and exam.path.exists()),
        duplicates=others.pop(Skip.DUPLICATE.value, 0),
        others=tuple(sorted(others.items())),
        errors=tuple(f"{exam.exam}: {exam.report_error}" for exam in result.exams if exam.report_error),
    )


def _without_report(result: ExamResult, job: ExportJob) -> ExamRecord:
    """What is known of an exam that has no report beside it."""
    instances = tuple(
        InstanceRecord(one.number, one.outcome.value, one.reason, one.detail, reviewed=one.reviewed) for one in result.instances
    )
    return ExamRecord(
        result.exam,
        result.subject,
        instances,
        export=result.path.name if result.path else "",
        error=result.error or result.report_error,
        key=job.preparation.pseudonyms.fingerprint,
        settings=job.settings_digest,
    )
