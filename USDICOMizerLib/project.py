"""A project: the settings, the key, the linkage and the output that exams are prepared with, in one run or in many."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from USDICOMizerLib.agreement import claim_exams, claim_subjects, load_or_make_key, record_key
from USDICOMizerLib.batch import Runner, RunResult, in_local_processes, in_this_process, prepare_exams
from USDICOMizerLib.cluster import on_cluster
from USDICOMizerLib.console import Console
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import Pseudonyms, gives_away
from USDICOMizerLib.errors import CommandError, ReportError
from USDICOMizerLib.exam import Exam
from USDICOMizerLib.export import export_name
from USDICOMizerLib.export_job import ExportJob, ExportTerms
from USDICOMizerLib.ledger import Ledger
from USDICOMizerLib.linkage import Linkage
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.prepare import Preparation
from USDICOMizerLib.processes import can_start_processes
from USDICOMizerLib.readiness import Policy, assess, count_patients
from USDICOMizerLib.report_cohort import write_cohort_report
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.settings_attributes import describe
from USDICOMizerLib.sources import SourceOutcome
from USDICOMizerLib.units import Order, Unit

_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Project:
    """What is the same for all exams of a project, and how they are prepared.

    `subject` is the pseudonym of the one patient of the input, `own_subjects` are pseudonyms by Patient ID; `cores` is
    how many processes or threads may work at once, `scheduler` the address of a Dask scheduler. `reports` says whether HTML
    reports are written.
    """

    settings: Settings
    rules: Rules
    policy: Policy
    transfer_syntax: OutputSyntax
    jpeg_quality: int
    output: Path
    key_file: Path
    linkage_folder: Path
    console: Console = field(repr=False)
    subject: str | None = None
    own_subjects: Mapping[str, str] = field(default_factory=dict, repr=False)
    cores: int = 1
    scheduler: str | None = None
    overwrite: bool = False
    resume: bool = False
    reports: bool = False

    def say_what_is_kept(self) -> None:
        """Say what the settings and options let stay in the headers."""
        if kept := self.settings.deidentification.attributes_to_keep:
            self.console.note(
                f"Warning: [attributes_to_keep] of the settings lets {', '.join(map(describe, kept))} leave as they are; "
                "the Basic Profile of PS3.15 is not claimed."
            )
        if self.rules.options:
            self.console.note(f"De-identified by the Basic Profile of PS3.15 with: {', '.join(self.rules.options)}.")

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """Those of the project key, which is in agreement with the linkage; made on first use, and said so in one line."""
        key, is_new = load_or_make_key(self.key_file, self.linkage_folder)
        if is_new:
            self.console.note(
                f"A new project key was made: {self.key_file}. Keep it: the same key gives the same pseudonyms. Never hand it on."
            )
        return Pseudonyms(key, self.own_subjects)

    def prepare(self, exams: Sequence[Exam], others: Sequence[SourceOutcome], decisions: Mapping[str, Decision]) -> RunResult:
        """Prepare the exams in one run; `decisions` are by identity. Raises CommandError where nothing may be done."""
        self._check_subjects(exams)
        pseudonyms = self.pseudonyms
        subjects = self._subjects(exams)
        linkage = Linkage(self.linkage_folder)
        with contextlib.closing(linkage):
            record_key(pseudonyms.key, self.key_file, linkage)
            claim_exams(linkage, exams, pseudonyms)
            # Who stays behind whole has no pseudonym yet: after a look at what would leave, another may be chosen.
            leaving = [exam for exam in exams if self._is_ready(exam, decisions)]
            claim_subjects(linkage, leaving, subjects, self.own_subjects)
            self._make_output_folder()
            job = self._job(linkage)
            units = _units(exams, decisions, subjects, job)
            began = time.monotonic()
            result = prepare_exams(units, len(exams), others, job, linkage, self._runner(job, len(exams)), self.console)
            return _with_report(result, job, time.monotonic() - began)

    def _is_ready(self, exam: Exam, decisions: Mapping[str, Decision]) -> bool:
        """Whether an instance of the exam is ready to leave, as far as can be told before its pixels are read."""
        chosen = ((instance, decisions[instance.identity]) for instance in exam.instances)
        return any(made.include and not assess(instance, made, self.policy, exam) for instance, made in chosen)

    def _job(self, linkage: Linkage) -> ExportJob:
        preparation = Preparation(self.rules, self.pseudonyms, self.transfer_syntax, self.jpeg_quality, self.cores)
        terms = ExportTerms(
            policy=self.policy,
            output=self.output,
            receipts=linkage.receipts,
            plans=linkage.plans,
            file_name=self.settings.export.file_name,
            compression_level=self.settings.export.zip_compression_level,
            overwrite=self.overwrite,
            resume=self.resume,
            reports=linkage.reports if self.reports else None,
            expected=self.settings.protocol.expected,
        )
        return ExportJob(preparation, terms)

    def _runner(self, job: ExportJob, exams: int) -> Runner:
        """Where the exams are prepared: on a cluster; several at once in processes; or one after the other, here."""
        if self.scheduler:
            return on_cluster(self.scheduler, Order.of(job, self.key_file, workers=1))
        processes = min(self.cores, exams)
        if processes < 2 or not can_start_processes():
            return in_this_process(job, self.console)
        return in_local_processes(Order.of(job, self.key_file, workers=max(1, self.cores // processes)), processes)

    def _make_output_folder(self) -> None:
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(
                f"The output folder {self.output} can't be made ({error.strerror}). Name another one with --output."
            ) from error

    def _check_subjects(self, exams: Sequence[Exam]) -> None:
        """Raise CommandError where a subject's pseudonym that the user gave can't be one, or gives the patient away."""
        instances = [instance for exam in exams for instance in exam.instances]
        if self.subject and count_patients(instances) > 1:
            raise CommandError("--subject names one person, and the input holds several patients. Use --subjects FILE.csv.")
        for subject in filter(None, [self.subject, *self.own_subjects.values()]):
            if not _SUBJECT.fullmatch(subject):
                raise CommandError(
                    "A subject's pseudonym has 1 to 64 letters, digits, dots, hyphens or underscores, and begins with a "
                    "letter or digit."
                )
            if any(gives_away(subject, patient) for patient in {instance.patient for instance in instances}):
                raise CommandError(
                    "The subject's pseudonym holds a part of a patient's ID, name or birth date. Choose another one."
                )

    def _subjects(self, exams: Sequence[Exam]) -> dict[str, str]:
        """The subject of each exam, by Study Instance UID: named, from the user's table, or derived with the key."""
        if self.subject:
            return {exam.study_uid: self.subject for exam in exams}
        patients = {exam.study_uid: exam.instances[0].patient for exam in exams}
        if self.own_subjects:
            missing = sum(patient.id not in self.own_subjects for patient in patients.values())
            if missing == len(patients):
                self.console.note(
                    "Warning: The subjects table names no patient of this input; all pseudonyms come from the key. Is it the "
                    "right table, and is id_old the Patient ID as the header has it?"
                )
            elif missing:
                self.console.note(
                    f"The subjects table doesn't list the patients of {missing} exams; their pseudonyms come from the key."
                )
        return {uid: self.pseudonyms.subject(patient, study_uid=uid) for uid, patient in patients.items()}


def _with_report(result: RunResult, job: ExportJob, seconds: float) -> RunResult:
    """Write the report of all exams in the output folder, where reports are wanted."""
    if job.terms.reports is None:
        return result
    try:
        return replace(result, report=write_cohort_report(job.terms.output, result, seconds, job))
    except ReportError as error:
        return replace(result, report_error=str(error))


def _units(
    exams: Sequence[Exam], decisions: Mapping[str, Decision], subjects: Mapping[str, str], job: ExportJob
) -> Iterator[Unit]:
    """The exams as units of work, made when their turn comes."""
    ledger = Ledger(job.terms.output)
    for exam in exams:
        name, subject = job.preparation.pseudonyms.exam(exam.study_uid), subjects[exam.study_uid]
        own = {instance.identity: decisions[instance.identity] for instance in exam.instances}
        known = ledger.of(export_name(subject, name)) if job.terms.resume else ()
        yield Unit(name, subject, exam, own, known)
