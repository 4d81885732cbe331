"""One exam -> one ZIP, with exactly one outcome for every instance."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from USDICOMizerLib import __version__
from USDICOMizerLib.archive import Export, ManifestRow, contents_digest, export_exists, member_name, open_export
from USDICOMizerLib.burned_in_text import find_text
from USDICOMizerLib.check import Expectation, check_archive
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.deidentify.residue import find_in_text
from USDICOMizerLib.errors import ExportError, RefusedError, ReportError, USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.export_job import ExamResult, ExportJob, InstanceResult, Numbered, leave_receipt
from USDICOMizerLib.ledger import LedgerRecord, Made
from USDICOMizerLib.logs import log
from USDICOMizerLib.outcomes import Outcome, Problem
from USDICOMizerLib.prepare import PreparedInstance, prepare
from USDICOMizerLib.readiness import assess
from USDICOMizerLib.records import shallow
from USDICOMizerLib.report_record import is_about, remove_report, report_of
from USDICOMizerLib.resume import (
    fingerprint_of,
    is_finished,
    ledger_entry,
    record_of,
    require_nothing_lost,
    work_digest,
)
from USDICOMizerLib.tags import Tag
from USDICOMizerLib.text_findings import TextFindings
from USDICOMizerLib.text_reader import reader_is_installed

_STILL_THERE = "nothing of the exam leaves any more, but {} of an earlier run is still there: look why, and remove it"

OnInstance = Callable[[str, InstanceResult, int], None]
"""Called with the exam, how an instance of it ended, and how many instances the exam has."""


def export_exam(
    exam: Exam,
    decisions: Mapping[str, Decision],
    subject: str,
    job: ExportJob,
    on_instance: OnInstance,
    known: Sequence[LedgerRecord] = (),
) -> ExamResult:
    """Prepare what is ready and write the export; `decisions` are by the instances' identities.

    `known` is what the ledger says of the export, newest first, where the job is resumed. Errors of one instance are its
    outcome; an export that can't be written is the outcome of all that were ready.
    """
    exam_name = job.preparation.pseudonyms.exam(exam.study_uid)
    name = export_name(subject, exam_name)
    path = job.terms.output / name
    run = _ExamRun(exam, exam_name, subject, job, on_instance, in_plan_order(exam, decisions))
    is_read = reader_is_installed()
    works = {reads: _work_digest(run.numbered, subject, job, text_is_read=reads) for reads in (False, True)}
    try:
        if lost := _done_by_a_lost_process(path, exam_name, works.values(), job):
            run.take_over(lost, Outcome.PREPARED)
            return ExamResult(exam_name, subject, path, tuple(run.results))
        done = _what_is_done(path, run.entries, job, known)
        if done and is_finished(done, (works[is_read], works[True])):
            run.take_over(done, Outcome.UNCHANGED)
            run.leave_receipt(export=name)
            return ExamResult(exam_name, subject, path, tuple(run.results))
        with open_export(
            path,
            compression_level=job.terms.compression_level,
            replace=job.terms.overwrite or job.terms.resume,
            check=lambda stream: run.finish(stream, name, works[is_read]),
        ) as export:
            for number, instance, decision in run.numbered:
                run.take(number, instance, decision, export)
    except ExportError as problem:
        error = str(problem)
        log("export failed", level=logging.ERROR, exam=exam_name, error=problem)
        run.fail_all_ready(error)
        run.leave_receipt(error=error)
        return ExamResult(exam_name, subject, None, tuple(run.results), error)
    written = any(result.outcome is Outcome.PREPARED for result in run.results)
    still_there = "" if written or not path.exists() else _STILL_THERE.format(name)
    if not written:
        run.leave_receipt(error=still_there)
    log("exam ended", exam=exam_name, prepared=written)
    return ExamResult(exam_name, subject, path if written else None, tuple(run.results), still_there)


def done_before_it_was_lost(
    exam: Exam, decisions: Mapping[str, Decision], subject: str, job: ExportJob, on_instance: OnInstance
) -> ExamResult | None:
    """The result of an exam whose process is lost, or failed, after its export was there, whole; None if it isn't."""
    exam_name = job.preparation.pseudonyms.exam(exam.study_uid)
    path = job.terms.output / export_name(subject, exam_name)
    run = _ExamRun(exam, exam_name, subject, job, on_instance, in_plan_order(exam, decisions))
    works = {_work_digest(run.numbered, subject, job, text_is_read=reads) for reads in (False, True)}
    done = _done_by_a_lost_process(path, exam_name, works, job)
    if done is None:
        return None
    run.take_over(done, Outcome.PREPARED)
    return ExamResult(exam_name, subject, path, tuple(run.results))


def export_name(subject: str, exam_name: str) -> str:
    """The name of an exam's export in the output folder."""
    return f"{subject}_{exam_name}.zip"


def _done_by_a_lost_process(path: Path, exam_name: str, works: Collection[str], job: ExportJob) -> LedgerRecord | None:
    """What another process of this same run has finished, before it was lost on the way back; None if there is nothing."""
    receipt = job.terms.receipts.of(exam_name)
    if receipt and receipt.export and receipt.export.work in works and path.exists():
        return record_of(path, [receipt.export])
    return None


def _what_is_done(path: Path, entries: Sequence[str], job: ExportJob, known: Sequence[LedgerRecord]) -> LedgerRecord | None:
    """What is known of the export that is there already; None where it may be written, or replaced, as a whole.

    Raises ExportError where nothing may: it exists and wasn't to be touched, or resuming would lose what it holds.
    """
    if job.terms.overwrite or not path.exists():
        return None
    if not job.terms.resume:
        raise export_exists(path.name)
    return require_nothing_lost(path, record_of(path, known), entries)


class _ExamRun:
    """The instances of one exam on their way into its export, and their outcomes so far."""

    def __init__(
        self, exam: Exam, exam_name: str, subject: str, job: ExportJob, on_instance: OnInstance, numbered: list[Numbered]
    ):
        self.exam, self.exam_name, self.subject, self.job, self.numbered = exam, exam_name, subject, job, numbered
        self._on_instance = on_instance
        self.results: list[InstanceResult] = []
        self._text: TextFindings | None = None  # in the picture of the instance that is in hand
        self._uids: dict[str, str] = {}
        self.entries = [ledger_entry(job.preparation.pseudonyms.key, instance.identity) for _, instance, _ in numbered]
        """What stands in the ledger for each instance."""
        self._sides_are_tagged = any(decision.tag and decision.tag.side for _, _, decision in numbered)

    def take(self, number: int, instance: Instance, decision: Decision, export: Export) -> None:
        """Bring one instance to its outcome."""
        self._text = None
        try:
            result = self._prepared(number, instance, decision, export)
        except RefusedError as refusal:
            result = InstanceResult(number, Outcome.REFUSED, refusal.problem.value, refusal.detail, text=self._text)
        except ExportError:
            raise
        except Exception as error:  # one bad file never stops an exam
            result = InstanceResult(number, Outcome.FAILED, type(error).__name__, _words(error))
            log("instance failed", level=logging.ERROR, exam=self.exam_name, instance=number, error=error)
        self._add(result)

    def _add(self, result: InstanceResult) -> None:
        self.results.append(result)
        log("instance ended", exam=self.exam_name, instance=result.number, outcome=result.outcome, reason=result.reason)
        self._on_instance(self.exam_name, result, len(self.numbered))

    def take_over(self, done: LedgerRecord, prepared: Outcome) -> None:
        """All of it was done before: every outcome is what it was then, or `prepared` for what was prepared."""
        for (number, _, _), entry in zip(self.numbered, self.entries, strict=True):
            outcome, reason = done.outcomes[entry]
            made = shallow(done.made.get(entry, Made()))
            self._add(InstanceResult(number, prepared if outcome == Outcome.PREPARED else Outcome(outcome), reason, **made))

    def _prepared(self, number: int, instance: Instance, decision: Decision, export: Export) -> InstanceResult:
        if not decision.include:
            return InstanceResult(number, Outcome.EXCLUDED)
        findings = assess(instance, decision, self.job.terms.policy, self.exam)
        if findings:
            raise RefusedError(findings[0].problem, findings[0].detail)
        with prepare(instance, decision, self.subject, self.job.preparation, sides_are_tagged=self._sides_are_tagged) as prepared:
            name = export.free_name(self._member_name(number, instance, decision.tag))
            if found := find_in_text(name, prepared.needles):
                detail = f"its name in the export would hold a value of the source's {', '.join(sorted(found))}; change file_name"
                raise RefusedError(Problem.RESIDUE, f"{detail} in [export] of the settings")
            self._look_for_text(prepared)
            row = manifest_row(name, prepared, decision)
            export.add(row, prepared.write, size=prepared.size, compress=not prepared.pixels.description.encapsulated)
            self._uids.update(prepared.header.uid_map)
        return InstanceResult(
            number,
            Outcome.PREPARED,
            file=name,
            box=str(prepared.box),
            how=prepared.pixels.strategy,
            reviewed=prepared.dataset.BurnedInAnnotation == "NO",
            actions={action.value: count for action, count in prepared.header.counts.items()},
            warnings=(*instance.warnings, *prepared.warnings),
            text=self._text,
        )

    def _look_for_text(self, prepared: PreparedInstance) -> None:
        """Refuse a picture in which there is text that nobody has seen, or that is like what the header says of the patient."""
        reviewed = prepared.dataset.BurnedInAnnotation == "NO"
        if not self.job.terms.policy.require_text_check or reviewed and not reader_is_installed():
            return
        shown = partial(prepared.pixels.display_frame, whole_range=True)
        found = find_text(shown, prepared.pixels.description.frames, prepared.needles)
        self._text = found = found.moved(prepared.box.left, prepared.box.top)
        if found.identifies or found.doubtful and not reviewed:
            words = str(found)
            raise RefusedError(Problem.TEXT_IN_IMAGE, f"{words[0].upper()}{words[1:]}.")

    def _member_name(self, number: int, instance: Instance, tag: Tag | None) -> str:
        values = {
            "subject": self.subject,
            "exam": self.exam_name,
            "order": number,
            "site": tag.site if tag else "",
            "side": tag.side if tag else "",
            "purpose": tag.purpose if tag else "",
            "kind": "cine" if instance.frames > 1 else "frame",
            "frames": instance.frames,
            "rows": instance.rows,
            "columns": instance.columns,
        }
        return member_name(self.job.terms.file_name, values)

    def finish(self, stream: IO[bytes], name: str, work: str) -> None:
        """The export is complete and not yet there: check it, and write what ties it to originals. Raises ExportError."""
        findings = check_archive(stream, Expectation(rules=self.job.preparation.rules))
        if findings:
            log("export did not pass its check", level=logging.ERROR, exam=self.exam_name, findings=len(findings))
            raise ExportError(f"the finished export did not pass its own check ({findings[0].message}); it was not kept")
        results = dict(zip(self.entries, self.results, strict=True))
        outcomes = {entry: (result.outcome.value, result.reason) for entry, result in results.items()}
        made = {entry: _made(result) for entry, result in results.items() if result.outcome is Outcome.PREPARED}
        contents = contents_digest(stream)
        try:
            self.leave_receipt(export=name, record=LedgerRecord(name, work, contents, outcomes, made))
        except OSError as error:
            raise ExportError(f"the linkage can't be written ({error.strerror}); the export was not kept") from error
        page = report_of(self.job.terms.output / name)
        if not is_about(page, contents):
            with contextlib.suppress(ReportError):  # told when its own is written
                remove_report(page)  # now, as it may show what this export was made to hide, and a kill may come

    def leave_receipt(self, *, export: str = "", error: str = "", record: LedgerRecord | None = None) -> None:
        """Say which file each instance number stands for and how it ended, and what ties the export to its originals."""
        ended = list(zip(self.numbered, self.results, strict=True))
        leave_receipt(self.job, self.exam_name, self.subject, ended, export=export, error=error, record=record, uids=self._uids)

    def fail_all_ready(self, error: str) -> None:
        """The export could not be written: what was prepared for it, and what was still to come, has failed."""
        ended = {result.number: result for result in self.results if result.outcome is not Outcome.PREPARED}
        for number, _, decision in self.numbered[len(self.results) :]:
            if not decision.include:
                ended[number] = InstanceResult(number, Outcome.EXCLUDED)
        self.results = [
            ended.get(number) or InstanceResult(number, Outcome.FAILED, ExportError.__name__, error)
            for number, _, _ in self.numbered
        ]


def _made(result: InstanceResult) -> Made:
    return Made(result.box, result.how, result.actions, result.warnings)


def _words(error: Exception) -> str:
    """What may be said of an error: the words of other libraries may quote the header, so they stay unsaid."""
    if isinstance(error, USDICOMizerError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"the source could not be read, or a temporary file not be written: {error.strerror}"
    return "the file could not be processed; the log says where"


def manifest_row(name: str, prepared: PreparedInstance, decision: Decision) -> ManifestRow:
    """Describe a prepared instance for manifest.csv."""
    dataset, description = prepared.dataset, prepared.pixels.description
    spacing = dataset.get("PixelSpacing") or ()
    tag = decision.tag or Tag("")
    return ManifestRow(
        file=name,
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        rows=description.rows,
        columns=description.columns,
        frames=description.frames,
        frame_time=str(dataset.get("FrameTime") or ""),
        pixel_spacing=" ".join(map(str, spacing)),
        depth=str(dataset.get("DepthOfScanField") or ""),
        photometric_interpretation=description.photometric_interpretation,
        transfer_syntax=description.transfer_syntax_uid,
        manufacturer=str(dataset.get("Manufacturer") or ""),
        model=str(dataset.get("ManufacturerModelName") or ""),
        crop_size=f"{prepared.box.width}x{prepared.box.height}",
        sector=str(decision.sector.moved(-prepared.box.left, -prepared.box.top)) if decision.mask is Mask.SECTOR else "",
        site=tag.site,
        side=tag.side,
        purpose=tag.purpose,
        reviewed="yes" if dataset.BurnedInAnnotation == "NO" else "no",
    )


def in_plan_order(exam: Exam, decisions: Mapping[str, Decision]) -> list[Numbered]:
    """Number the instances in the order of the plan; ties, and those without an order at the end, by acquisition."""

    def place(instance: Instance) -> tuple[bool, int]:
        order = decisions[instance.identity].order
        return (order is None, order or 0)

    ordered = sorted(exam.instances, key=place)
    return [(number, instance, decisions[instance.identity]) for number, instance in enumerate(ordered, start=1)]


def _work_digest(numbered: list[Numbered], subject: str, job: ExportJob, *, text_is_read: bool) -> str:
    """A digest of all that decides the bytes of an export, and whether it comes to be.

    Where text is looked for, what was only seen is looked at again by a reader that came later, and never the other way round.
    """
    parts = [__version__, subject, job.settings_digest]
    if job.terms.policy.require_text_check:
        parts.append("text is read" if text_is_read else "text is seen")
    for number, instance, decision in numbered:
        parts += [str(number), *fingerprint_of(instance), repr(decision)]
    return work_digest(job.preparation.pseudonyms.key, parts)
