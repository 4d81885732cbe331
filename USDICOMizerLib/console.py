"""What the command line says: results, progress, tables. It holds no decision."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from USDICOMizerLib.batch import Pace, RunResult
from USDICOMizerLib.check import CheckFinding
from USDICOMizerLib.export_job import ExamResult, InstanceResult
from USDICOMizerLib.inspection import ExamFacts, Explanation
from USDICOMizerLib.outcomes import Outcome, Problem
from USDICOMizerLib.records import as_json
from USDICOMizerLib.sources import SourceOutcome

_IN_WORDS = [
    Outcome.PREPARED,
    Outcome.UNCHANGED,
    Outcome.EXCLUDED,
    Outcome.SKIPPED,
    Outcome.REFUSED,
    Outcome.FAILED,
]


class Console:
    """Results on stdout, everything else on stderr; as words, or as JSON where a program reads."""

    def __init__(self, *, as_json: bool = False, progress: str | None = None):
        self._as_json = as_json
        self._json_progress = progress == "json"
        self._bar = None if as_json or self._json_progress else _progress_bar()

    def error(self, text: str) -> None:
        """Say why the command ended."""
        self._close_bar()
        print(f"usdicomizer: {text}", file=sys.stderr)

    def note(self, text: str) -> None:
        """Say something that a person should know beside the result."""
        print(text, file=sys.stderr)

    def say(self, text: str = "") -> None:
        """Print a line of the result; nothing where a program reads JSON."""
        if not self._as_json and not self._json_progress:
            print(text)

    def json(self, value: object) -> None:
        """Print the result as one JSON object, where JSON is wanted."""
        if self._as_json:
            print(as_json(value))

    def started(self) -> None:
        """Progress: the process that a program signals to end this run; a launcher may stand between the two."""
        self._event("started", pid=os.getpid())

    def found(self, instances: int) -> None:
        """Progress: how many files and members of ZIPs have been looked at so far."""
        self._event("found", files=instances)
        if self._bar:
            self._bar.found(instances)

    def instance_ended(self, exam: str, result: InstanceResult, total: int) -> None:
        """Progress: one instance has come to its outcome."""
        self._event("instance", exam=exam, instance=result.number, of=total, outcome=result.outcome.value, reason=result.reason)
        if self._bar:
            self._bar.ended(exam, result, total)

    def exam_ended(self, result: ExamResult, pace: Pace) -> None:
        """Progress: an exam is done; how far the run has come, its rate and the time that is left."""
        self._event(
            "exam",
            exam=result.exam,
            done=pace.done,
            of=pace.total,
            per_hour=round(pace.per_hour, 1),
            seconds_left=round(pace.seconds_left, 1),
        )
        if self._bar and pace.total > 1:
            self._bar.exam_ended(result.exam, pace)

    def stopping(self) -> None:
        """A person has interrupted the run."""
        self.note("Stopping: the exams in hand are finished first. Press Ctrl-C again to stop at once.")

    def run_ended(self, result: RunResult) -> None:
        """The result of `prepare`: what was exported where, what was not and why, what to do next."""
        self._close_bar()
        self.json(_run_as_json(result))
        for exam in result.exams:
            self._exam(exam)
        counts = result.counts
        summary = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _IN_WORDS if counts[outcome])
        self.say(f"{counts.total()} found: {summary or 'nothing to do'}. Pseudonyms by the key {result.key_fingerprint}.")
        self._not_exported(result)
        self._reports(result)
        if result.not_filed:
            self.note(
                f"The tables of the linkage folder could not take what {result.not_filed} exams have to say. It is kept there in "
                "receipts, and filed by the next run: make room, and see that the folder can be written to."
            )
        if result.left:
            self.note(f"{result.left} exams were not begun. The same command with --resume goes on.")

    def _reports(self, result: RunResult) -> None:
        for exam in result.exams:
            if exam.report_error:
                self.note(f"{exam.exam}: {exam.report_error}")
        if result.report_error:
            self.note(result.report_error)
        if result.report:
            self.say(f"What left and what didn't, with pictures: {result.report}")

    def _exam(self, exam: ExamResult) -> None:
        done = [result for result in exam.instances if result.outcome in (Outcome.PREPARED, Outcome.UNCHANGED)]
        self.say(f"{exam.exam}: {len(done)} of {len(exam.instances)} exported" + (f" to {exam.path}" if exam.path else ""))
        new = [result for result in done if result.outcome is Outcome.PREPARED]
        for how in sorted({result.how for result in new if result.how}):
            numbers = [f"{result.number:03d}" for result in new if result.how == how]
            self.say(f"    {', '.join(numbers)}: {how}")
        for result in new:
            for warning in result.warnings:
                self.say(f"    {result.number:03d}: warning: {warning}")

    def _not_exported(self, result: RunResult) -> None:
        problems: dict[str, None] = {}
        for exam in result.exams:
            for instance in exam.instances:
                if instance.outcome in (Outcome.REFUSED, Outcome.FAILED):
                    self.note(_line(f"{exam.exam}:{instance.number:03d}", instance.outcome, instance.reason, instance.detail))
                    problems[instance.reason] = None
        self.others_failed(result.others)
        problems |= {other.reason: None for other in result.others if other.outcome is not Outcome.SKIPPED}
        advices = [Problem(reason) for reason in problems if reason in list(Problem)]
        for problem in advices:
            self.note(f"\n{problem}: {problem.advice}")
        if problems:
            self.note("\nWhich file each number stands for is in sources.csv in the linkage folder.")

    def others_failed(self, others: Sequence[SourceOutcome]) -> None:
        """Name what could not be read, by its number among the inputs that are no instances, and why."""
        for number, other in enumerate(others, start=1):
            if other.outcome is not Outcome.SKIPPED:
                self.note(_line(f"input {number}", other.outcome, other.reason, other.detail))

    def check_ended(self, findings: Sequence[CheckFinding], files: str) -> None:
        """The result of `check`."""
        self.json({"well": not findings, "findings": findings})
        for finding in findings:
            self.say(f"{finding.file or files}: {finding.kind}: {finding.message}")
        self.say(
            f"{files}: {len(findings)} finding{'s' if len(findings) != 1 else ''}; don't hand it on."
            if findings
            else f"{files}: nothing found that should not be there."
        )

    def inspected(self, exams: Sequence[ExamFacts], others: Sequence[SourceOutcome], explanations: Sequence[Explanation]) -> None:
        """The result of `inspect`: in the table, doubtful crop boxes come first."""
        self._close_bar()
        self.json(
            {
                "exams": exams,
                "others": [_other_as_json(number, other) for number, other in enumerate(others, start=1)],
                "attributes": explanations,
            }
        )
        columns = ("No.", "Kind", "Size", "Stored as", "Colours", "Device", "Crop", "From", "Sure", "State")
        for number, exam in enumerate(exams, start=1):
            rows = [
                (
                    f"{facts.number:03d}",
                    facts.kind,
                    facts.size,
                    facts.transfer_syntax,
                    facts.photometric_interpretation,
                    facts.device,
                    f"{facts.crop} (JPEG: {facts.jpeg_crop})" if facts.jpeg_crop else facts.crop,
                    facts.proposal.split(" ")[0],
                    facts.confidence,
                    ", ".join(facts.problems) or "ready",
                )
                for facts in sorted(exam.instances, key=lambda facts: not facts.doubtful)
            ]
            self._table(f"Exam {number} of {len(exams)}: {len(exam.instances)} instances", columns, rows)
            for facts in exam.instances:
                if facts.doubtful:
                    self.say(f"{facts.number:03d} is doubtful: {facts.doubtful}")
            if exam.missing:
                self.say(f"The protocol also expects: {', '.join(exam.missing)}")
        self.others_failed(others)
        reasons = Counter(f"{other.outcome}: {other.reason}" for other in others)
        for reason, count in reasons.items():
            self.say(f"{count} {reason}")
        if explanations:
            columns = ("Attribute", "Places", "Is", "By", "Option", "Because")
            rows = [(one.attribute, str(one.places), one.action, one.rule, one.option, one.why) for one in explanations]
            self._table("What would happen to each attribute", columns, rows)

    def _table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table that a person can read: with rich where it is installed, in aligned columns otherwise."""
        if self._as_json:
            return
        rows = [[_printable(cell) for cell in row] for row in rows]
        try:
            from rich.console import Console as RichConsole
            from rich.table import Table
        except ImportError:
            self.say(title)
            widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
            for row in [columns, *rows]:
                self.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
            return
        table = Table(*columns, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        # Not a terminal: as wide as the table needs, since nobody can widen a pipe.
        RichConsole(width=None if sys.stdout.isatty() else 200, markup=False).print(table)

    def _event(self, event: str, **facts: object) -> None:
        if self._json_progress:
            print(json.dumps({"event": event, **facts}), flush=True)

    def _close_bar(self) -> None:
        if self._bar:
            self._bar.close()


def _printable(text: str) -> str:
    """What a header holds, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _line(which: str, outcome: Outcome, reason: str, detail: str) -> str:
    return f"{which} {outcome}: {reason}" + (f": {detail}" if detail else "")


def _run_as_json(result: RunResult) -> dict:
    return {
        "event": "result",
        "key_fingerprint": result.key_fingerprint,
        "left": result.left,
        "report": str(result.report) if result.report else None,
        "outcomes": {outcome.value: result.counts[outcome] for outcome in Outcome},
        "exams": [
            {
                "exam": exam.exam,
                "subject": exam.subject,
                "path": str(exam.path) if exam.path else None,
                "error": exam.error,
                "report_error": exam.report_error,
                "instances": exam.instances,
            }
            for exam in result.exams
        ],
        "others": [_other_as_json(number, other) for number, other in enumerate(result.others, start=1)],
    }


def _other_as_json(number: int, other: SourceOutcome) -> dict:
    return {"number": number, "outcome": other.outcome, "reason": other.reason, "detail": other.detail}


def _pace(pace: Pace) -> str:
    left = timedelta(seconds=round(pace.seconds_left))
    return f"{pace.done} of {pace.total} exams, {pace.per_hour:.0f} an hour, {left} left"


class _PlainProgress:
    """Progress as plain lines: for a file, a scheduler's log, a terminal without rich."""

    def found(self, instances: int) -> None:
        """Nothing to say yet: one line an instance follows."""

    def ended(self, exam: str, result: InstanceResult, total: int) -> None:
        """One line an instance."""
        print(f"{exam}: {result.number} of {total} {result.outcome}", file=sys.stderr)

    def exam_ended(self, exam: str, pace: Pace) -> None:
        """One line an exam."""
        print(f"{exam}: done. {_pace(pace)}", file=sys.stderr)

    def close(self) -> None:
        """Nothing is open."""


class _RichProgress:
    """Progress as a bar that moves on a terminal."""

    def __init__(self, progress):
        self._progress = progress
        self._finding = None
        self._exams: dict[str, object] = {}
        self._all = None

    def found(self, instances: int) -> None:
        """The number of instances found counts up."""
        self._progress.start()
        if self._finding is None:
            self._finding = self._progress.add_task("reading headers", total=None)
        self._progress.update(self._finding, completed=instances, description=f"{instances} files read")

    def ended(self, exam: str, result: InstanceResult, total: int) -> None:
        """The exam's bar moves on by one."""
        self._progress.start()
        if exam not in self._exams:
            self._exams[exam] = self._progress.add_task(exam, total=total)
        self._progress.advance(self._exams[exam])

    def exam_ended(self, exam: str, pace: Pace) -> None:
        """The exam's bar goes, that of all exams moves on."""
        self._progress.start()
        if exam in self._exams:
            self._progress.remove_task(self._exams.pop(exam))
        if self._all is None:
            self._all = self._progress.add_task("exams", total=pace.total)
        self._progress.update(self._all, completed=pace.done, description=_pace(pace))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


def _progress_bar() -> _PlainProgress | _RichProgress:
    if sys.stderr.isatty():
        try:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        except ImportError:
            return _PlainProgress()
        return _RichProgress(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=RichConsole(stderr=True),
                transient=True,
            )
        )
    return _PlainProgress()
