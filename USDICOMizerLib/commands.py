"""The commands of the command line, as steps: read the input, decide, prepare, say what happened."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.after_images import write_after_images
from USDICOMizerLib.agreement import claim_exams, claim_subjects, load_or_make_key, record_key
from USDICOMizerLib.batch import Runner, in_local_processes, in_this_process, prepare_exams
from USDICOMizerLib.check import Expectation, check_export, options_claimed_by
from USDICOMizerLib.choices import Choices, CropChoice, decide_all
from USDICOMizerLib.cluster import on_cluster
from USDICOMizerLib.console import Console
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms, gives_away
from USDICOMizerLib.deidentify.residue import Needles, identifying_values
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Exam, group_into_exams
from USDICOMizerLib.export import export_name
from USDICOMizerLib.export_job import ExportJob
from USDICOMizerLib.files import make_private_folder
from USDICOMizerLib.inspection import exam_facts, explain
from USDICOMizerLib.ledger import Ledger
from USDICOMizerLib.linkage import Linkage, check_linkage_place, read_subjects
from USDICOMizerLib.logs import log, set_up_logging
from USDICOMizerLib.original_settings import load_original
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.pixels.workers import available_cores
from USDICOMizerLib.places import check_output_place, check_private_place
from USDICOMizerLib.plan import make_plan, match_plan
from USDICOMizerLib.plan_file import read_plan, write_plan
from USDICOMizerLib.prepare import Preparation
from USDICOMizerLib.processes import can_start_processes
from USDICOMizerLib.profile_rules import profile_rules, rules_of_claims
from USDICOMizerLib.readiness import Policy, count_patients
from USDICOMizerLib.settings import (
    Settings,
    default_data_folder,
    default_settings_path,
    default_settings_text,
    ensure_default_settings,
    load_settings,
)
from USDICOMizerLib.settings_attributes import describe
from USDICOMizerLib.sources import Discovery, discover, read_header
from USDICOMizerLib.units import Order, Unit

_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class _Input:
    """What was found in the input, and what is decided about it."""

    discovery: Discovery
    exams: Sequence[Exam]
    decisions: Mapping[str, Decision]


def prepare(options: argparse.Namespace, console: Console) -> bool:
    """`prepare`: everything that is ready becomes an export, one ZIP an exam."""
    settings = _settings(options.settings, console)
    syntax = OutputSyntax(options.transfer_syntax or settings.export.transfer_syntax)
    if options.quality and syntax is not OutputSyntax.JPEG_BASELINE:
        raise CommandError(f"--quality is for --transfer-syntax jpeg-baseline, and {syntax} is asked for. Leave one out.")
    rules = _rules(options, settings)
    policy = _policy(settings, rules, accept_unreviewed=options.accept_unreviewed)
    output = _output_folder(options, settings)
    key_file, linkage_folder = _private_places(options, settings, output)
    own_subjects = read_subjects(options.subjects) if options.subjects else {}
    found = _read_input(options, settings, console)
    _check_subjects(options.subject, own_subjects, found.exams)
    if kept := settings.deidentification.attributes_to_keep:
        console.note(
            f"Warning: [attributes_to_keep] of the settings lets {', '.join(map(describe, kept))} leave as they are; "
            "the Basic Profile of PS3.15 is not claimed."
        )
    if rules.options:
        console.note(f"De-identified by the Basic Profile of PS3.15 with: {', '.join(rules.options)}.")
    key = _project_key(key_file, linkage_folder, console)
    pseudonyms = Pseudonyms(key, own_subjects)
    subjects = _subjects(options.subject, found.exams, pseudonyms, console)
    linkage = Linkage(linkage_folder)
    with contextlib.closing(linkage):
        record_key(key, key_file, linkage)
        claim_subjects(linkage, found.exams, subjects, own_subjects)
        claim_exams(linkage, found.exams, pseudonyms)
        cores = options.jobs or available_cores()
        job = ExportJob(
            preparation=Preparation(
                rules=rules,
                pseudonyms=pseudonyms,
                transfer_syntax=syntax,
                jpeg_quality=options.quality or settings.export.jpeg_quality,
                workers=cores,
            ),
            policy=policy,
            output=output,
            receipts=linkage.receipts,
            plans=linkage.plans,
            file_name=settings.export.file_name,
            compression_level=settings.export.zip_compression_level,
            overwrite=options.overwrite,
            resume=options.resume,
        )
        _make_output_folder(output)
        runner = _runner(options.scheduler, job, key_file, cores, len(found.exams), console)
        units = _units(found, subjects, job)
        result = prepare_exams(units, len(found.exams), found.discovery.others, job, linkage, runner, console)
    console.run_ended(result)
    if result.left:
        raise KeyboardInterrupt
    return result.all_well


def _runner(scheduler: str | None, job: ExportJob, key_file: Path, cores: int, exams: int, console: Console) -> Runner:
    """Where the exams are prepared: on a cluster; several at once in processes; or one after the other, here."""
    if scheduler:
        return on_cluster(scheduler, Order.of(job, key_file, workers=1))
    processes = min(cores, exams)
    if processes < 2 or not can_start_processes():
        return in_this_process(job, console)
    return in_local_processes(Order.of(job, key_file, workers=max(1, cores // processes)), processes)


def _units(found: _Input, subjects: Mapping[str, str], job: ExportJob) -> Iterator[Unit]:
    """The exams as units of work, made when their turn comes."""
    ledger = Ledger(job.output)
    for exam in found.exams:
        name, subject = job.preparation.pseudonyms.exam(exam.study_uid), subjects[exam.study_uid]
        decisions = {instance.identity: found.decisions[instance.identity] for instance in exam.instances}
        known = ledger.of(export_name(subject, name)) if job.resume else ()
        yield Unit(name, subject, exam, decisions, known)


def plan(options: argparse.Namespace, console: Console) -> bool:
    """`plan`: write the proposed decisions as a file, and on request the pictures as they would leave."""
    settings = _settings(options.settings, console)
    _check_plan_places(options, settings)
    found = _read_input(options, settings, console)
    make_private_folder(options.output.parent)
    write_plan(make_plan(found.exams, found.decisions), options.output)
    console.say(f"{options.output}: {len(found.decisions)} instances in {len(found.exams)} exam(s).")
    not_shown = write_after_images(found.exams, found.decisions, options.images) if options.images else {}
    if options.images:
        console.say(f"{options.images}: {len(found.decisions) - len(not_shown)} pictures as they would leave.")
    for name, why in not_shown.items():
        console.note(f"{name} can't be shown: {why}")
    console.say("Edit it, set reviewed to yes where you have seen the picture that would leave, then:")
    console.say(f"    prepare INPUT --plan {options.output} --output DIR")
    console.others_failed(found.discovery.others)
    return not not_shown and not any(other.outcome is Outcome.FAILED for other in found.discovery.others)


def inspect(options: argparse.Namespace, console: Console) -> bool:
    """`inspect`: what is there and how ready it is; with --explain what would happen to each attribute."""
    settings = _settings(options.settings, console)
    rules = _rules(options, settings)
    found = _read_input(options, settings, console)
    policy = _policy(settings, rules, accept_unreviewed=False)
    exams = [exam_facts(exam, found.decisions, policy, settings.protocol.expected) for exam in found.exams]
    explanations = explain(found.exams, rules) if options.explain else []
    console.inspected(exams, found.discovery.others, explanations)
    return True


def check(options: argparse.Namespace, console: Console) -> bool:
    """`check`: judge an export, alone or against its source."""
    chosen = load_settings(options.settings) if options.settings else Settings()
    rules = rules_of_claims(chosen, options_claimed_by(options.export))
    against = discover(options.against) if options.against else Discovery((), ())
    if options.against and not against.instances:
        raise CommandError("There is no DICOM instance in the source to check against. Name what the export was made from.")
    console.others_failed(against.others)
    sources = against.instances
    needles = Needles.merged(identifying_values(read_header(instance.source), rules) for instance in sources)
    findings = check_export(options.export, Expectation(needles, rules))
    console.check_ended(findings, options.export.name)
    return not findings and not any(other.outcome is Outcome.FAILED for other in against.others)


def settings(options: argparse.Namespace, console: Console) -> bool:
    """`settings`: show the settings file, made where it is missing; convert the original's; make a key."""
    if options.new_key:
        key = ProjectKey.create(options.new_key)
        console.say(f"A new project key is in {options.new_key}; its fingerprint is {key.fingerprint}.")
        console.say("Keep it where only your team can read it, and never hand it on with an export.")
        return True
    if options.import_original:
        return _import_original(options.import_original, options.settings, console)
    path = options.settings or default_settings_path()
    if not path.exists():
        _write_new(path, default_settings_text())
        console.note(f"{path} was made; each line there explains itself.")
    load_settings(path)
    console.note(f"These are the settings of {path}; nothing in them is wrong.")
    console.say(path.read_text(encoding="utf-8"))
    return True


def _import_original(original: Path, target: Path | None, console: Console) -> bool:
    """Convert the original program's settings into `target`, or print them where none is named."""
    imported = load_original(original)
    for note in imported.notes:
        console.note(note)
    if target:
        _write_new(target, imported.text)
        console.note(f"{target} was made from {original.name}. Use it with --settings {target}.")
    else:
        console.say(imported.text)
    return True


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise CommandError(f"{path} exists already. Name another file with --settings, or move it away.") from None
    except OSError as error:
        raise CommandError(f"{path} can't be written ({error.strerror}).") from error


def _settings(path: Path | None, console: Console) -> Settings:
    """The settings that were named, or the user's own, made on first use; the log goes where they say."""
    if path:
        settings = load_settings(path)
    else:
        settings, created, own = ensure_default_settings()
        if created:
            console.note(f"Your settings are in {own}; each line there explains itself.")
    try:
        set_up_logging(_log_folder(settings), settings.logging.level)
    except OSError as error:
        raise CommandError(f"The log can't be written to {_log_folder(settings)} ({error.strerror}). {_LOG_CURE}") from error
    return settings


def _log_folder(settings: Settings) -> Path:
    return settings.logging.folder or default_data_folder() / "logs"


def _read_input(options: argparse.Namespace, settings: Settings, console: Console) -> _Input:
    if options.plan and (options.crop or options.mask or options.tag):
        raise CommandError("With --plan the decisions come from the plan: leave out --crop, --mask and --tag, or --plan.")
    choices = Choices(
        crop=options.crop or CropChoice.AUTO,
        mask=Mask(options.mask or Mask.NONE),
        tag=settings.tags.parse(options.tag) if options.tag else None,
    )
    the_plan = read_plan(options.plan, settings.tags) if options.plan else None
    discovery = discover(
        options.inputs,
        on_progress=console.found,
        index_folder=_index_folder(options, settings),
        processes=getattr(options, "jobs", None) or available_cores(),
    )
    log("input read", instances=len(discovery.instances), others=len(discovery.others))
    exams = group_into_exams(discovery.instances)
    if not exams and all(other.outcome is Outcome.SKIPPED for other in discovery.others):
        raise CommandError(
            f"There is no DICOM instance in the input ({len(discovery.others)} other files). "
            "Name a DICOM file, a folder with some, or a ZIP of an exam."
        )
    if the_plan:
        return _Input(discovery, exams, match_plan(the_plan, exams))
    decisions = {identity: made for exam in exams for identity, made in decide_all(exam, choices, settings).items()}
    return _Input(discovery, exams, decisions)


def _index_folder(options: argparse.Namespace, settings: Settings) -> Path | None:
    """The linkage folder, for the index of a large input; None where it can't lie there, so that nothing is kept."""
    folder = _linkage_folder(options, settings)
    try:
        check_linkage_place(folder, None, options.inputs)
        return make_private_folder(folder)
    except (CommandError, OSError):
        return None


def _linkage_folder(options: argparse.Namespace, settings: Settings) -> Path:
    return options.linkage or settings.deidentification.linkage_folder or default_data_folder() / "linkage"


def _policy(settings: Settings, rules: Rules, *, accept_unreviewed: bool) -> Policy:
    if Option.CLEAN_PIXEL_DATA in rules.options and (accept_unreviewed or not settings.review.require_review):
        raise CommandError(
            f"The option {Option.CLEAN_PIXEL_DATA} lets nothing leave that a person hasn't reviewed: leave out "
            "--accept-unreviewed, and set require_review = yes in [review] of the settings; or take the option out."
        )
    return Policy(
        tags_required=settings.tags.required,
        accept_unreviewed=accept_unreviewed,
        require_review=settings.review.require_review,
    )


def _rules(options: argparse.Namespace, settings: Settings) -> Rules:
    return profile_rules(settings, options=options.options, keep_dates=options.keep_dates)


def _output_folder(options: argparse.Namespace, settings: Settings) -> Path:
    output = options.output or settings.export.folder
    if output is None:
        raise CommandError(
            "Name the folder for the export with --output DIR, or once for all as folder in [export] of the settings."
        )
    check_output_place(output, options.inputs)
    return output


def _make_output_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"The output folder {folder} can't be made ({error.strerror}). Name another one with --output."
        ) from error


_LOG_CURE = "Correct folder in [logging] of the settings."


def _private_places(options: argparse.Namespace, settings: Settings, output: Path) -> tuple[Path, Path]:
    """Where the project key and the linkage are, or will be. Raises CommandError where they would travel with the data."""
    check_private_place(_log_folder(settings), "The log", _LOG_CURE, inputs=options.inputs, output=output)
    key_file = options.key or settings.deidentification.key_file or default_data_folder() / "project.key"
    check_private_place(key_file, "The project key", "Name another place with --key.", inputs=options.inputs, output=output)
    linkage_folder = _linkage_folder(options, settings)
    check_linkage_place(linkage_folder, output, options.inputs)
    return key_file, linkage_folder


def _check_plan_places(options: argparse.Namespace, settings: Settings) -> None:
    """Raise CommandError where plan, pictures or log would replace something, or travel with data."""
    check_private_place(_log_folder(settings), "The log", _LOG_CURE, inputs=options.inputs)
    check_private_place(options.output, "The plan", "Name another place with --output.", inputs=options.inputs)
    if options.output.exists() and (not options.overwrite or not options.output.is_file()):
        raise CommandError(f"{options.output} exists already. Add --overwrite to replace a file, or name another one.")
    if options.images:
        check_private_place(options.images, "The pictures", "Name another folder with --images.", inputs=options.inputs)
        if options.images.is_dir() and any(options.images.iterdir()) and not options.overwrite:
            raise CommandError(
                f"{options.images} isn't empty, and its pictures may be of another plan. Add --overwrite to replace them."
            )


def _project_key(path: Path, linkage_folder: Path, console: Console) -> ProjectKey:
    """The project key, in agreement with the linkage; made on first use, and said so in one line."""
    key, is_new = load_or_make_key(path, linkage_folder)
    if is_new:
        console.note(f"A new project key was made: {path}. Keep it: the same key gives the same pseudonyms. Never hand it on.")
    return key


def _check_subjects(named: str | None, table: Mapping[str, str], exams: Sequence[Exam]) -> None:
    """Raise CommandError where a subject's pseudonym that the user gave can't be one, or gives the patient away."""
    instances = [instance for exam in exams for instance in exam.instances]
    if named and count_patients(instances) > 1:
        raise CommandError("--subject names one person, and the input holds several patients. Use --subjects FILE.csv.")
    for subject in filter(None, [named, *table.values()]):
        if not _SUBJECT.fullmatch(subject):
            raise CommandError(
                "A subject's pseudonym has 1 to 64 letters, digits, dots, hyphens or underscores, and begins with a letter or "
                "digit."
            )
        if any(gives_away(subject, patient) for patient in {instance.patient for instance in instances}):
            raise CommandError("The subject's pseudonym holds a part of a patient's ID, name or birth date. Choose another one.")


def _subjects(named: str | None, exams: Sequence[Exam], pseudonyms: Pseudonyms, console: Console) -> dict[str, str]:
    """The subject of each exam, by Study Instance UID: named, from the user's table, or derived with the key."""
    if named:
        return {exam.study_uid: named for exam in exams}
    patients = {exam.study_uid: exam.instances[0].patient for exam in exams}
    if pseudonyms.subjects:
        missing = sum(patient.id not in pseudonyms.subjects for patient in patients.values())
        if missing:
            console.note(f"The subjects table doesn't list the patients of {missing} exams; their pseudonyms come from the key.")
    return {uid: pseudonyms.subject(patient, study_uid=uid) for uid, patient in patients.items()}
