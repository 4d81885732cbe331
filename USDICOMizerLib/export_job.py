"""What a run asks of each exam, how an exam ended, and the receipt that says so to the linkage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from USDICOMizerLib.agreement import named_patients
from USDICOMizerLib.audit import AuditedInstance, AuditRecord, audit_record
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.ledger import LedgerRecord
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.plan import source_text
from USDICOMizerLib.prepare import Preparation
from USDICOMizerLib.readiness import Policy
from USDICOMizerLib.receipts import Receipt, Receipts, SourceRow
from USDICOMizerLib.records import Sharing
from USDICOMizerLib.tags import Tag
from USDICOMizerLib.text_findings import TextFindings


@dataclass(frozen=True, slots=True)
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
    text: TextFindings | None = None  # in pixels of the stored frame; None where text was not looked for

    def shared(self, sharing: Sharing) -> InstanceResult:
        """The same, with one object for what many instances have in common."""
        texts = {name: sharing.one(getattr(self, name)) for name in ("reason", "detail", "box", "how", "warnings")}
        return replace(self, actions=sharing.one_mapping(self.actions), **texts)


@dataclass(frozen=True)
class ExamResult:
    """How one exam ended. `path` is the export, None where there was nothing to export."""

    exam: str
    subject: str
    path: Path | None
    instances: tuple[InstanceResult, ...]
    error: str = ""
    report_error: str = ""  # why its report could not be written

    def shared(self, sharing: Sharing) -> ExamResult:
        """The same, with one object for what many instances have in common."""
        return replace(self, instances=tuple(one.shared(sharing) for one in self.instances))


@dataclass(frozen=True, kw_only=True)
class ExportTerms:
    """What is the same for all exams of a run, in whatever process they are prepared."""

    policy: Policy
    output: Path
    receipts: Receipts
    plans: Path
    file_name: str
    compression_level: int
    overwrite: bool = False
    resume: bool = False
    reports: Path | None = None  # the private folder of the reviewer's copies; None where no reports are written
    expected: tuple[Tag, ...] = ()  # the tags of the protocol, whose gaps the report tells
    run: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def with_whole_paths(self) -> ExportTerms:
        """The same with folders that another process finds, whatever folder it works in."""
        return replace(
            self,
            output=self.output.absolute(),
            receipts=replace(self.receipts, folder=self.receipts.folder.absolute()),
            plans=self.plans.absolute(),
            reports=self.reports and self.reports.absolute(),
        )


@dataclass(frozen=True)
class ExportJob:
    """What a process needs to prepare the exams of a run."""

    preparation: Preparation
    terms: ExportTerms

    @property
    def settings_digest(self) -> str:
        """A digest of the settings and options that decide what becomes of an instance: equal where they are."""
        preparation, terms = self.preparation, self.terms
        parts = [repr(preparation.rules), preparation.transfer_syntax, repr(terms.policy), terms.file_name]
        parts += [str(terms.compression_level), str(preparation.jpeg_quality)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


Numbered = tuple[int, Instance, Decision]
"""An instance with its number in the exam (from 1, in the order of the plan) and its decision."""


def leave_receipt(
    job: ExportJob,
    exam: str,
    subject: str,
    ended: Sequence[tuple[Numbered, InstanceResult]],
    *,
    export: str = "",
    error: str = "",
    record: LedgerRecord | None = None,
    uids: Mapping[str, str] | None = None,
) -> None:
    """Leave the receipt of an exam; with `record` and `uids` where an export is about to appear. Raises OSError.

    Where an earlier attempt of this run left a receipt with an export, and a file of its name is there, what ties that one
    to its originals is handed on: it may be the export.
    """
    earlier = None if record else job.terms.receipts.of(exam)
    ties = earlier if earlier and earlier.export and (job.terms.output / earlier.export.export).exists() else None
    prepared = [one for (_, one, _), result in ended if record and result.outcome is Outcome.PREPARED]
    results = [result for _, result in ended]
    job.terms.receipts.write(
        Receipt(
            run=job.terms.receipts.run,
            exam=exam,
            output=str(job.terms.output.absolute()),
            patients=ties.patients if ties else tuple(dict.fromkeys((one.patient.id, subject) for one in prepared)),
            issuers=ties.issuers if ties else named_patients((one.patient, subject) for one in prepared),
            uids=ties.uids if ties else tuple((uids or {}).items()) if record else (),
            sources=tuple(
                SourceRow(job.terms.run, exam, number, source_text(instance.source), result.outcome, result.reason)
                for (number, instance, _), result in ended
            ),
            audit=_audited(job, exam, subject, results, export=export, error=error),
            export=ties.export if ties else record,
        )
    )


def _audited(
    job: ExportJob, exam: str, subject: str, results: Sequence[InstanceResult], *, export: str, error: str
) -> AuditRecord:
    """The exam's line of the audit log."""
    instances = [
        AuditedInstance(
            one.number,
            one.outcome.value,
            one.reason,
            dict(one.actions),
            one.how,
            one.box,
            one.reviewed,
            one.text.summary if one.text else "",
        )
        for one in results
    ]
    return audit_record(
        settings=job.settings_digest,
        key=job.preparation.pseudonyms.fingerprint,
        exam=exam,
        subject=subject,
        export=export,
        instances=instances,
        error=error,
    )
