"""The HTML report of an output folder: counts, gaps, duplicates, size and time.

It tells of the exams of the run, and of those of earlier runs that have a report beside an export that is still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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


@dataclass(frozen=True, slots=True)
class ExamRow:
    """An exam on the page: what is kept of its record when its instances are counted, so that memory holds no instances."""

    subject: str
    exam: str
    left: int
    stayed: int
    unreviewed: int
    size: int
    devices: tuple[str, ...]
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    error: str
    has_report: bool

    @classmethod
    def of(cls, record: ExamRecord) -> ExamRow:
        """The row of an exam."""
        return cls(
            subject=record.subject,
            exam=record.exam,
            left=len(record.left),
            stayed=len(record.stayed),
            unreviewed=record.unreviewed,
            size=record.size,
            devices=tuple(dict.fromkeys(filter(None, (one.device for one in record.left)))),
            missing=record.missing,
            reasons=tuple(dict.fromkeys(filter(None, (one.reason for one in record.stayed)))),
            error=record.error,
            has_report=bool(record.settings and not record.error),
        )


def write_cohort_report(output: Path, result: RunResult, seconds: float, job: ExportJob) -> Path:
    """Write report.html into the output folder, from the reports that lie there and what this run has to add.

    Raises ReportError.
    """
    known: set[str] = set()

    def records() -> Iterator[ExamRecord]:
        for record in records_in(output):
            known.add(record.exam)
            yield record
        yield from (_without_report(exam, job) for exam in result.exams if exam.exam not in known)

    path = output / COHORT_REPORT
    write_page(path, cohort_page(records(), _run(result, seconds)))
    return path


def cohort_page(records: Iterable[ExamRecord], run: Run) -> str:
    """The page as HTML. The records are counted one by one."""
    rows: list[ExamRow] = []
    counts: dict[str, Counter[str]] = {title: Counter() for title in _TABLES}
    reasons, expected, missing = Counter(), Counter(), Counter()
    kept, settings, keys = set(), set(), set()
    for record in records:
        rows.append(ExamRow.of(record))
        for one in record.left:
            for title, value in _TABLES.items():
                counts[title][value(one)] += 1
        reasons.update(one.reason or one.outcome for one in record.stayed)
        expected.update(record.expected)
        missing.update(record.missing)
        kept.update(record.kept)
        settings.add(record.settings)
        keys.add(record.key)
    left = sum(row.left for row in rows)
    return render(
        "cohort.html",
        rows=sorted(rows, key=lambda row: (row.subject, row.exam)),
        run=run,
        version=__version__,
        instances=left + sum(row.stayed for row in rows),
        left=left,
        unreviewed=sum(row.unreviewed for row in rows),
        subjects=len({row.subject for row in rows}),
        size=sum(row.size for row in rows),
        kept=sorted(kept),
        settings=len(settings),
        keys=sorted(keys),
        tables=[CountTable(title, tuple(sorted(found.items(), key=_commonest))) for title, found in counts.items()],
        reasons=[Reason(reason, _advice(reason), count) for reason, count in reasons.most_common()],
        gaps=[(view, missing[view], exams) for view, exams in expected.items()],
    )


_TABLES: dict[str, Callable[[InstanceRecord], str]] = {
    "Device": lambda one: one.device or "not named",
    "Site": lambda one: str(one.manifest.get("site") or _NO_TAG),
    "Side": lambda one: str(one.manifest.get("side") or "none"),
    "Purpose": lambda one: str(one.manifest.get("purpose") or "none"),
    "Kind": lambda one: "cine" if int(one.manifest.get("frames") or 1) > 1 else "image",
}
"""What is counted of the instances that left, by the title of its table."""


def _commonest(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _advice(reason: str) -> str:
    if reason == Outcome.EXCLUDED:
        return "Nothing: the plan says so."
    return (
        Problem(reason).advice if reason in list(Problem) else "The log says where it failed. Copy the file again, or report it."
    )


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
