"""The commands of the command line, as steps: read the input, decide, prepare, say what happened."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.after_images import write_after_images
from USDICOMizerLib.check import Expectation, check_export, options_claimed_by
from USDICOMizerLib.choices import Choices, CropChoice, decide_exams
from USDICOMizerLib.console import Console
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey
from USDICOMizerLib.deidentify.residue import Needles, identifying_values
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Exam, group_into_exams
from USDICOMizerLib.files import make_private_folder
from USDICOMizerLib.inspection import exam_facts, explain
from USDICOMizerLib.learned_presets import learn_presets, write_presets
from USDICOMizerLib.linkage import check_linkage_place, read_subjects
from USDICOMizerLib.logs import log, set_up_logging
from USDICOMizerLib.original_settings import load_original
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.pixels.workers import available_cores
from USDICOMizerLib.places import check_output_place, check_private_place
from USDICOMizerLib.plan import doubtful_first, make_plan, match_plan
from USDICOMizerLib.plan_file import read_plan, write_plan
from USDICOMizerLib.processes import processes_kept
from USDICOMizerLib.profile_rules import profile_rules, rules_of_claims
from USDICOMizerLib.project import Project
from USDICOMizerLib.proposals import DOUBTFUL
from USDICOMizerLib.readiness import Policy
from USDICOMizerLib.report import HOW_TO_GET_IT, TEMPLATE_ENGINE, can_report
from USDICOMizerLib.settings import (
    Settings,
    default_data_folder,
    default_settings_path,
    default_settings_text,
    ensure_default_settings,
    load_settings,
)
from USDICOMizerLib.slicer_masks import read_masks, with_masks, write_masks
from USDICOMizerLib.sources import Discovery, discover, read_header
from USDICOMizerLib.text_search import TextChoice, note_text
from USDICOMizerLib.watch import Watch


@dataclass(frozen=True)
class _Input:
    """What was found in the input, and what is decided about it."""

    discovery: Discovery
    exams: Sequence[Exam]
    decisions: Mapping[str, Decision]


def prepare(options: argparse.Namespace, console: Console) -> bool:
    """`prepare`: everything that is ready becomes an export, one ZIP an exam."""
    project = _project(options, console)
    with processes_kept():
        found = _read_input(options, project.settings, console)
        project.say_what_is_kept()
        result = project.prepare(found.exams, found.discovery.others, found.decisions)
    console.run_ended(result)
    if result.left:
        raise KeyboardInterrupt
    return result.all_well


def watch(options: argparse.Namespace, console: Console) -> bool:
    """`watch`: prepare each study of a folder that has stopped growing, until Ctrl-C or a termination signal."""
    project = _project(options, console)
    choices = _choices(options, project.settings)
    watching = Watch(options.inputs, project, choices, options.settle, console, _index_folder(options, project.settings))
    project.say_what_is_kept()
    console.note(
        "Watching; Ctrl-C ends it. What waits for a person is listed in waiting.csv in the folder waiting of the linkage."
    )
    try:
        while True:
            watching.look()
            time.sleep(watching.pause)
    except KeyboardInterrupt:
        console.note("Watching has ended. Nothing half-written remains; the next watch goes on from here.")
    return True


def _project(options: argparse.Namespace, console: Console) -> Project:
    """What the options and the settings say that is the same for all exams; checked before anything is read."""
    settings = _settings(options.settings, console)
    syntax = OutputSyntax(options.transfer_syntax or settings.export.transfer_syntax)
    if options.quality and syntax is not OutputSyntax.JPEG_BASELINE:
        raise CommandError(f"--quality is for --transfer-syntax jpeg-baseline, and {syntax} is asked for. Leave one out.")
    rules = _rules(options, settings)
    policy = _policy(settings, rules, accept_unreviewed=options.accept_unreviewed)
    reports = _report_wanted(options.report, settings, console)
    output = _output_folder(options, settings)
    key_file, linkage_folder = _private_places(options, settings, output)
    return Project(
        settings=settings,
        rules=rules,
        policy=policy,
        transfer_syntax=syntax,
        jpeg_quality=options.quality or settings.export.jpeg_quality,
        output=output,
        key_file=key_file,
        linkage_folder=linkage_folder,
        console=console,
        subject=options.subject,
        own_subjects=read_subjects(options.subjects) if options.subjects else {},
        cores=options.jobs or available_cores(),
        scheduler=options.scheduler,
        reports=reports,
        overwrite=options.overwrite,
        resume=options.resume,
    )


def plan(options: argparse.Namespace, console: Console) -> bool:
    """`plan`: write the proposed decisions as a file, and on request the pictures as they would leave, and masks; or learn."""
    _check_plan_options(options)
    settings = _settings(options.settings, console)
    _check_plan_places(options, settings)
    found = _read_input(options, settings, console)
    if options.learn:
        _learn(options, settings, found, console)
    if not options.output:
        console.others_failed(found.discovery.others)
        return not any(other.outcome is Outcome.FAILED for other in found.discovery.others)
    decisions = found.decisions
    if options.sectors_from:
        decisions, unused = with_masks(found.exams, decisions, read_masks(options.sectors_from))
        if unused:
            console.note(f"{unused} masks in the folder of --sectors-from are of no instance of the input, or of another size.")
    if options.text:
        decisions = note_text(found.exams, decisions, TextChoice(options.text))
    make_private_folder(options.output.parent)
    write_plan(doubtful_first(make_plan(found.exams, decisions)), options.output)
    console.say(f"{options.output}: {len(decisions)} instances in {len(found.exams)} exam(s).")
    if doubtful := sum(decision.is_doubtful for decision in decisions.values()):
        console.say(f"{doubtful} of the boxes are doubtful: look at them first (confidence below {DOUBTFUL:g}; note says why).")
    if options.sectors_to:
        written, without_form = write_masks(found.exams, decisions, options.sectors_to)
        console.say(f"{options.sectors_to}: {written} masks for SlicerUltrasound.")
        if without_form:
            console.note(f"{without_form} sectors are polygons, which SlicerUltrasound has no form for; they were left out.")
    not_shown = write_after_images(found.exams, decisions, options.images) if options.images else {}
    if options.images:
        console.say(f"{options.images}: {len(decisions) - len(not_shown)} pictures as they would leave.")
    for name, why in not_shown.items():
        console.note(f"{name} can't be shown: {why}")
    console.say("Edit it, set reviewed to yes where you have seen the picture that would leave, then:")
    console.say(f"    prepare INPUT --plan {options.output} --output DIR")
    console.others_failed(found.discovery.others)
    return not not_shown and not any(other.outcome is Outcome.FAILED for other in found.discovery.others)


def _check_plan_options(options: argparse.Namespace) -> None:
    if options.learn and not options.plan:
        raise CommandError("--learn takes its presets from a plan that you reviewed: name it with --plan FILE.")
    if not (options.learn or options.output):
        raise CommandError("Name the plan to write with --output FILE.csv; or, with --plan and --learn, let presets be learned.")
    if not options.output and (options.images or options.sectors_from or options.sectors_to or options.text):
        raise CommandError("--images, --text and --sectors-from, -to go with a plan that is written: add --output FILE.csv.")


def _learn(options: argparse.Namespace, settings: Settings, found: _Input, console: Console) -> None:
    """Write the boxes that the plan's reviewed rows confirm into the settings, as presets."""
    path = options.settings or default_settings_path()
    presets, notes = learn_presets(found.exams, found.decisions, settings.presets)
    for note in notes:
        console.note(note)
    if presets:
        write_presets(path, presets)
        console.say(f"{path}: {', '.join(preset.name for preset in presets)} in [crop_presets].")
    else:
        console.say("No preset was learned: the plan has no reviewed row with a crop box that a preset can hold.")


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
    choices = _choices(options, settings)
    processes = getattr(options, "jobs", None) or available_cores()
    the_plan = read_plan(options.plan, settings.tags) if options.plan else None
    discovery = discover(
        options.inputs,
        on_progress=console.found,
        index_folder=_index_folder(options, settings),
        processes=processes,
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
    return _Input(discovery, exams, decide_exams(exams, choices, settings, processes))


def _choices(options: argparse.Namespace, settings: Settings) -> Choices:
    return Choices(
        crop=options.crop or CropChoice.AUTO,
        mask=Mask(options.mask or Mask.NONE),
        tag=settings.tags.parse(options.tag) if options.tag else None,
    )


def _index_folder(options: argparse.Namespace, settings: Settings) -> Path | None:
    """The linkage folder, for the index of a large input; None where it can't lie there, so that nothing is kept."""
    folder = _linkage_folder(options, settings)
    try:
        check_linkage_place(folder, None, options.inputs)
    except CommandError:
        return None
    return folder


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
        require_text_check=settings.review.require_text_check,
    )


def _rules(options: argparse.Namespace, settings: Settings) -> Rules:
    return profile_rules(settings, options=options.options, keep_dates=options.keep_dates)


def _report_wanted(asked: bool | None, settings: Settings, console: Console) -> bool:
    """Whether reports are written. Without the template engine they are an error where the command asks for them."""
    wanted = settings.export.report if asked is None else asked
    if wanted and not can_report():
        if asked:
            raise CommandError(f"--report needs the package {TEMPLATE_ENGINE}. Install it: {HOW_TO_GET_IT}")
        console.note(f"No reports are written, as the package {TEMPLATE_ENGINE} isn't installed: {HOW_TO_GET_IT}")
        return False
    return wanted


def _output_folder(options: argparse.Namespace, settings: Settings) -> Path:
    output = options.output or settings.export.folder
    if output is None:
        raise CommandError(
            "Name the folder for the export with --output DIR, or once for all as folder in [export] of the settings."
        )
    check_output_place(output, options.inputs)
    return output


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
    if options.sectors_to:
        check_private_place(options.sectors_to, "The masks", "Name another folder with --sectors-to.", inputs=options.inputs)
    if not options.output:
        return
    check_private_place(options.output, "The plan", "Name another place with --output.", inputs=options.inputs)
    if options.output.exists() and (not options.overwrite or not options.output.is_file()):
        raise CommandError(f"{options.output} exists already. Add --overwrite to replace a file, or name another one.")
    if options.images:
        check_private_place(options.images, "The pictures", "Name another folder with --images.", inputs=options.inputs)
        if options.images.is_dir() and any(options.images.iterdir()) and not options.overwrite:
            raise CommandError(
                f"{options.images} isn't empty, and its pictures may be of another plan. Add --overwrite to replace them."
            )
