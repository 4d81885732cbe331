"""One exam -> one ZIP, with exactly one outcome for every instance."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

from USDICOMizerLib import __version__
from USDICOMizerLib.archive import Export, ManifestRow, contents_digest, export_exists, is_as_it_was, member_name, open_export
from USDICOMizerLib.audit import AuditedInstance, audit_record
from USDICOMizerLib.check import Expectation, check_archive
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.deidentify.residue import find_in_text
from USDICOMizerLib.errors import ExportError, RefusedError, USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.linkage import UIDS, ExportRecord, Linkage, SourceRow
from USDICOMizerLib.logs import log
from USDICOMizerLib.outcomes import Outcome, Problem
from USDICOMizerLib.plan import source_text
from USDICOMizerLib.prepare import Preparation, PreparedInstance, prepare
from USDICOMizerLib.readiness import Policy, assess
from USDICOMizerLib.tags import Tag


@dataclass(frozen=True)
class InstanceResult:
    """How one instance of an exam ended. `number` is its place in the exam; everything else is pseudonymous too."""

    number: int
    outcome: Outcome
    reason: str = ""  # a Problem's value, or the name of an error
    detail: str = ""
    file: str = ""
    box: str = ""  # the crop box as it was cut
    how: str = ""  # how the pixels went from source to export, in words
    reviewed: bool = False
    actions: Mapping[str, int] = field(default_factory=dict)  # how many elements of the header were kept, removed ...
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExamResult:
    """How one exam ended. `path` is the export, None where there was nothing to export."""

    exam: str
    subject: str
    path: Path | None
    instances: tuple[InstanceResult, ...]
    error: str = ""
    report_error: str = ""  # why its report could not be written


@dataclass(frozen=True)
class ExportJob:
    """What is the same for all exams of a run."""

    preparation: Preparation
    policy: Policy
    output: Path
    linkage: Linkage
    file_name: str
    compression_level: int
    overwrite: bool = False
    resume: bool = False
    reports: Path | None = None  # the private folder of the reviewer's copies; None where no reports are written
    expected: tuple[Tag, ...] = ()  # the tags of the protocol, whose gaps the report tells
    run: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    @property
    def settings_digest(self) -> str:
        """A digest of the settings and options that decide what becomes of an instance: equal where they are."""
        parts = [repr(self.preparation.rules), self.preparation.transfer_syntax, repr(self.policy), self.file_name]
        parts += [str(self.compression_level), str(self.preparation.jpeg_quality)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


Numbered = tuple[int, Instance, Decision]
"""An instance with its number in the exam (from 1, in the order of the plan) and its decision."""

OnInstance = Callable[[str, InstanceResult, int], None]
"""Called with the exam, how an instance of it ended, and how many instances the exam has."""


def export_exam(
    exam: Exam, decisions: Mapping[str, Decision], subject: str, job: ExportJob, on_instance: OnInstance
) -> ExamResult:
    """Prepare what is ready and write the export; `decisions` are by the instances' identities.

    Errors of one instance are its outcome; an export that can't be written is the outcome of all that were ready.
    """
    exam_name = job.preparation.pseudonyms.exam(exam.study_uid)
    name = f"{subject}_{exam_name}.zip"
    path = job.output / name
    run = _ExamRun(exam, exam_name, subject, job, on_instance, in_plan_order(exam, decisions))
    work = _work_digest(run.numbered, subject, job)
    try:
        done = _what_is_done(path, run.numbered, job)
        if done and done.work == work:
            run.take_over(done)
            run.record(export=name)
            return ExamResult(exam_name, subject, path, tuple(run.results))
        with open_export(
            path,
            compression_level=job.compression_level,
            replace=job.overwrite or job.resume,
            check=lambda stream: run.finish(stream, name, work),
        ) as export:
            for number, instance, decision in run.numbered:
                run.take(number, instance, decision, export)
    except ExportError as problem:
        error = str(problem)
        log("export failed", level=logging.ERROR, exam=exam_name, error=problem)
        run.fail_all_ready(error)
        run.record(error=error)
        return ExamResult(exam_name, subject, None, tuple(run.results), error)
    written = any(result.outcome is Outcome.PREPARED for result in run.results)
    if not written:
        run.record()
    log("exam ended", exam=exam_name, prepared=written)
    return ExamResult(exam_name, subject, path if written else None, tuple(run.results))


def _what_is_done(path: Path, numbered: Sequence[Numbered], job: ExportJob) -> ExportRecord | None:
    """What is known of the export that is there already; None where it may be written, or replaced, as a whole.

    Raises ExportError where nothing may: it exists and wasn't to be touched, or resuming would lose what it holds.
    """
    if job.overwrite or not path.exists():
        return None
    if not job.resume:
        raise export_exists(path.name)
    try:
        record = job.linkage.export_of(path.name, contents_digest(path))
    except (OSError, BadZipFile):
        record = None
    if record is None or not is_as_it_was(path, record.contents):
        raise ExportError(
            f"{path.name} exists, but the linkage doesn't know it as it is: it was changed, or made with another linkage. "
            "Move it away, or add --overwrite to replace it"
        )
    here = {instance.identity for _, instance, _ in numbered}
    lost = sum(outcome == Outcome.PREPARED and identity not in here for identity, (outcome, _) in record.outcomes.items())
    if lost:
        raise ExportError(
            f"{path.name} holds {lost} instances that this input doesn't: resuming would lose them. Give all files of the "
            "exam as INPUT, or add --overwrite to replace the export by what is given now"
        )
    return record


def audit(
    job: ExportJob, exam: str, subject: str, results: Sequence[InstanceResult], *, export: str = "", error: str = ""
) -> None:
    """Write the exam's line of the audit log."""
    instances = [
        AuditedInstance(one.number, one.outcome.value, one.reason, dict(one.actions), one.how, one.box, one.reviewed)
        for one in results
    ]
    job.linkage.add_audit(
        audit_record(
            settings=job.settings_digest,
            key=job.preparation.pseudonyms.fingerprint,
            exam=exam,
            subject=subject,
            export=export,
            instances=instances,
            error=error,
        )
    )


class _ExamRun:
    """The instances of one exam on their way into its export, and their outcomes so far."""

    def __init__(
        self, exam: Exam, exam_name: str, subject: str, job: ExportJob, on_instance: OnInstance, numbered: list[Numbered]
    ):
        self.exam, self.exam_name, self.subject, self.job, self.numbered = exam, exam_name, subject, job, numbered
        self._on_instance = on_instance
        self.results: list[InstanceResult] = []
        self._uids: dict[str, str] = {}
        self._sides_are_tagged = any(decision.tag and decision.tag.side for _, _, decision in numbered)

    def take(self, number: int, instance: Instance, decision: Decision, export: Export) -> None:
        """Bring one instance to its outcome."""
        try:
            result = self._prepared(number, instance, decision, export)
        except RefusedError as refusal:
            result = InstanceResult(number, Outcome.REFUSED, refusal.problem.value, refusal.detail)
        except ExportError:
            raise
        except Exception as error:  # one bad file never stops an exam; its words may quote the header, so they stay unsaid
            detail = str(error) if isinstance(error, USDICOMizerError) else "the file could not be processed; the log says where"
            result = InstanceResult(number, Outcome.FAILED, type(error).__name__, detail)
            log("instance failed", level=logging.ERROR, exam=self.exam_name, instance=number, error=error)
        self._add(result)

    def _add(self, result: InstanceResult) -> None:
        self.results.append(result)
        log("instance ended", exam=self.exam_name, instance=result.number, outcome=result.outcome, reason=result.reason)
        self._on_instance(self.exam_name, result, len(self.numbered))

    def take_over(self, done: ExportRecord) -> None:
        """All of it was done before: every outcome is what it was then."""
        for number, instance, _ in self.numbered:
            outcome, reason = done.outcomes[instance.identity]
            self._add(InstanceResult(number, Outcome.UNCHANGED if outcome == Outcome.PREPARED else Outcome(outcome), reason))

    def _prepared(self, number: int, instance: Instance, decision: Decision, export: Export) -> InstanceResult:
        if not decision.include:
            return InstanceResult(number, Outcome.EXCLUDED)
        findings = assess(instance, decision, self.job.policy, self.exam)
        if findings:
            raise RefusedError(findings[0].problem, findings[0].detail)
        with prepare(instance, decision, self.subject, self.job.preparation, sides_are_tagged=self._sides_are_tagged) as prepared:
            name = export.free_name(self._member_name(number, instance, decision.tag))
            if found := find_in_text(name, prepared.needles):
                detail = f"its name in the export would hold a value of the source's {', '.join(sorted(found))}; change file_name"
                raise RefusedError(Problem.RESIDUE, f"{detail} in [export] of the settings")
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
        )

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
        return member_name(self.job.file_name, values)

    def finish(self, stream: IO[bytes], name: str, work: str) -> None:
        """The export is complete and not yet there: check it, and write what ties it to originals. Raises ExportError."""
        findings = check_archive(stream, Expectation(rules=self.job.preparation.rules))
        if findings:
            log("export did not pass its check", level=logging.ERROR, exam=self.exam_name, findings=len(findings))
            raise ExportError(f"the finished export did not pass its own check ({findings[0].message}); it was not kept")
        outcomes = {
            instance.identity: (result.outcome.value, result.reason)
            for (_, instance, _), result in zip(self.numbered, self.results, strict=True)
        }
        try:
            self.job.linkage.add_to_mapping(UIDS, self._uids.items())
            self.job.linkage.add_export(ExportRecord(name, work, contents_digest(stream), outcomes))
            self.record(export=name)
        except OSError as error:
            raise ExportError(f"the linkage can't be written ({error.strerror}); the export was not kept") from error

    def record(self, *, export: str = "", error: str = "") -> None:
        """Write which file each instance number stands for and how it ended, and the exam's line of the audit log."""
        self.job.linkage.add_sources(
            SourceRow(self.job.run, self.exam_name, number, source_text(instance.source), result.outcome, result.reason)
            for (number, instance, _), result in zip(self.numbered, self.results, strict=True)
        )
        audit(self.job, self.exam_name, self.subject, self.results, export=export, error=error)

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


def _work_digest(numbered: list[Numbered], subject: str, job: ExportJob) -> str:
    """A digest of all that decides the bytes of an export."""
    preparation = job.preparation
    parts = [
        __version__,
        subject,
        preparation.pseudonyms.fingerprint,
        job.settings_digest,
    ]
    for number, instance, decision in numbered:
        parts += [str(number), instance.identity, instance.source.member, *_state(instance.source.path)]
        parts.append(repr(decision))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _state(path: Path) -> tuple[str, str]:
    """Size and time of a file; empty for one that has gone, which fails when it is read."""
    try:
        status = path.stat()
    except OSError:
        return "", ""
    return str(status.st_size), str(status.st_mtime_ns)
