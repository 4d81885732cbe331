"""The command line: arguments in, exit status out. commands.py does the work, console.py says it.

Exit status: 0 nothing refused or failed; 1 something was; 2 the command or the settings are wrong, and nothing was
done; 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path

from USDICOMizerLib import __version__, commands
from USDICOMizerLib.choices import CropChoice
from USDICOMizerLib.commands_exports import add_commands
from USDICOMizerLib.console import Console
from USDICOMizerLib.decision import Mask
from USDICOMizerLib.deidentify.options import KEPT_DATES
from USDICOMizerLib.errors import CommandError, ExportError
from USDICOMizerLib.files import make_private_folder
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.logs import log, silence_libraries
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.settings import PROFILES, default_settings_text, update_settings_text
from USDICOMizerLib.settings_values import whole_number
from USDICOMizerLib.text_search import TextChoice

EXIT_WELL = 0
EXIT_NOT_ALL_WELL = 1
EXIT_WRONG_COMMAND = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. `arguments` are those after the program's name (default: sys.argv)."""
    silence_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a path that the terminal can't show must not end a run
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ending:  # argparse has said what is wrong, or shown the help
        return EXIT_WRONG_COMMAND if ending.code else EXIT_WELL
    console = Console(as_json=getattr(options, "json", False), progress=getattr(options, "progress", None))
    _let_termination_interrupt()
    try:
        console.started()
        all_well = options.run(options, console)
    except CommandError as error:
        console.error(str(error))
        return EXIT_WRONG_COMMAND
    except ExportError as error:
        console.error(str(error))
        return EXIT_NOT_ALL_WELL
    except KeyboardInterrupt:
        console.error("Interrupted. Nothing half-written remains; exports that were finished before stay.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has left
        sys.stderr.close()
        return EXIT_NOT_ALL_WELL
    except Exception as error:  # its words may quote a header, so only its name is said
        log("command failed", level=logging.ERROR, error=error)
        place = traceback.extract_tb(error.__traceback__)[-1]
        console.error(
            f"An error that USDICOMizer doesn't know stopped the command: {type(error).__name__} at "
            f"{Path(place.filename).name}:{place.lineno}. Please report it with this line."
        )
        return EXIT_NOT_ALL_WELL
    return EXIT_WELL if all_well else EXIT_NOT_ALL_WELL


def _let_termination_interrupt() -> None:
    """Make a termination signal end the command as Ctrl-C does, so that nothing half-written remains."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread: whoever embeds this handles signals
        return


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="usdicomizer",
        description="Prepare ultrasound DICOM exams for AI research: crop, tag, de-identify, export a ZIP.",
        epilog="Start with: usdicomizer demo",
    )
    parser.add_argument("--version", action="version", version=f"USDICOMizer {__version__}")
    add = parser.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser
    _add_prepare(add("prepare", help="crop, tag and de-identify exams into ZIPs"))
    _add_watch(add("watch", help="prepare each study of a folder that has stopped growing, until it is ended"))
    _add_plan(add("plan", help="propose decisions as a file, to be edited by hand or in Slicer"))
    _add_inspect(add("inspect", help="show what is there, how ready it is, what would happen to each attribute"))
    _add_check(add("check", help="judge an export: residue, conformance, counts"))
    add_commands(add)
    _add_settings(add("settings", help="show, create or convert a settings file"))
    _add_demo(add("demo", help="make the sample exam, prepare it, check it"))
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="files, folders (with all that is in them) and ZIPs, in any mix"
    )


def _add_settings_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", type=Path, metavar="FILE", help="the settings file (default: your own, made on first use)")


def _add_choices(parser: argparse.ArgumentParser, *, with_plan: bool = True) -> None:
    group = parser.add_argument_group("decisions for all instances")
    if with_plan:
        group.add_argument("--plan", type=Path, metavar="FILE", help="decisions per instance, instead of the options below")
    group.add_argument(
        "--crop",
        type=_crop,
        metavar="L,T,R,B",
        help="crop box in pixels (right and bottom not included), auto (the best proposal; the default) or none (whole frames)",
    )
    group.add_argument(
        "--mask",
        choices=[mask.value for mask in Mask],
        help="blank pixels outside, keeping the geometry; sector: the outline of each picture, found in its content",
    )
    group.add_argument("--tag", metavar="SITE[-SIDE][/PURPOSE]", help="site, side and purpose, from the settings' vocabulary")


def _add_profile(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("de-identification, over the settings")
    group.add_argument("--profile", choices=list(PROFILES), help="the profile of DICOM PS3.15 Annex E (there is one)")
    group.add_argument(
        "--options",
        metavar="A,B",
        help="its options, instead of those of the settings; none for none (README, Privacy, lists them)",
    )
    group.add_argument(
        "--keep-dates",
        choices=list(KEPT_DATES),
        help="keep dates as they are (full), or shifted by days of each subject's own (modified)",
    )


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="the project key (default: from the settings; made on first use)"
    )


def _add_linkage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--linkage", type=Path, metavar="DIR", help="folder of the private files that tie pseudonyms to originals"
    )


def _add_prepare(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.prepare)
    _add_inputs(parser)
    _add_output(parser)
    _add_settings_option(parser)
    _add_choices(parser)
    subject = parser.add_mutually_exclusive_group()
    subject.add_argument("--subject", metavar="ID", help="the subject's pseudonym, where the input has one patient")
    _add_subjects(subject)
    _add_preparation(parser)
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="skip what is done, do what is missing or changed")
    existing.add_argument("--overwrite", action="store_true", help="replace exports that exist")


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.watch, subject=None, plan=None, overwrite=False, resume=True)
    parser.add_argument("inputs", nargs=1, type=Path, metavar="FOLDER", help="the folder that studies arrive in")
    _add_output(parser)
    parser.add_argument(
        "--settle",
        type=_number(1, 7 * 24 * 3600),
        default=300,
        metavar="SECONDS",
        help="how long a study must not have changed before it counts as complete (default: 300)",
    )
    _add_settings_option(parser)
    _add_choices(parser, with_plan=False)
    _add_subjects(parser)
    _add_preparation(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for the ZIPs, one an exam (default: from the settings)"
    )


def _add_subjects(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--subjects", type=Path, metavar="FILE.csv", help="pseudonyms by Patient ID: a CSV with id_old,id_new")


def _add_preparation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--transfer-syntax",
        choices=[syntax.value for syntax in OutputSyntax],
        help="encoding of the output (default: from the settings)",
    )
    parser.add_argument(
        "--quality",
        type=_number(1, 100),
        metavar="N",
        help="quality of jpeg-baseline, from 1 to 100 (default: from the settings)",
    )
    parser.add_argument(
        "--jobs",
        type=_number(1, 1024),
        metavar="N",
        help="how many exams, or frames of a single one, are worked on at once (default: one for each processor core)",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="let the workers of a running Dask scheduler prepare the exams (needs .[cluster])"
    )
    parser.add_argument(
        "--accept-unreviewed",
        action="store_true",
        help="export pictures that nobody has looked at, where a crop box or sector is narrower than the frame",
    )
    _add_profile(parser)
    _add_key(parser)
    _add_linkage(parser)
    parser.add_argument(
        "--report",
        action=argparse.BooleanOptionalAction,
        help="write HTML reports beside the ZIPs, and with the pictures before into the linkage (default: from the settings)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--progress", choices=["json"], help="print progress as JSON lines")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.plan)
    _add_inputs(parser)
    parser.add_argument("--output", type=Path, metavar="FILE.csv", help="the plan to write; it holds original UIDs")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="also write a PNG of each instance as it would leave (all frames in one)"
    )
    parser.add_argument(
        "--sectors-from", type=Path, metavar="DIR", help="take the masks of SlicerUltrasound's JSON files as sectors"
    )
    parser.add_argument(
        "--sectors-to", type=Path, metavar="DIR", help="also write the sectors as such files; they hold original UIDs"
    )
    parser.add_argument(
        "--learn", action="store_true", help="write the crop boxes of the reviewed rows of --plan into the settings, as presets"
    )
    parser.add_argument(
        "--text",
        choices=list(map(str, TextChoice)),
        help="look for text in the pictures that would leave: note where it is, or redact it with boxes that are blanked",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a plan that exists")
    _add_settings_option(parser)
    _add_linkage(parser)
    _add_choices(parser)


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.inspect)
    _add_inputs(parser)
    parser.add_argument("--explain", action="store_true", help="list what would happen to each attribute, and why")
    _add_settings_option(parser)
    _add_linkage(parser)
    _add_profile(parser)
    _add_choices(parser)
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.check)
    parser.add_argument("export", type=Path, metavar="EXPORT", help="a ZIP or a folder of prepared instances")
    parser.add_argument(
        "--against", type=Path, nargs="+", metavar="SOURCE", help="what it was made from: search for its identifiers"
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="allow what [attributes_to_keep], [safe_private] and allowed_words of these settings let out",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=commands.settings)
    _add_settings_option(parser)
    parser.add_argument(
        "--import-original", type=Path, metavar="settings.ini", help="convert a settings file of the original US-DICOMizer"
    )
    parser.add_argument("--new-key", type=Path, metavar="FILE", help="make a project key in FILE")


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_demo)
    parser.add_argument("--output", type=Path, default=Path("demo"), metavar="DIR", help="where to put it (default: demo)")


def _demo(options: argparse.Namespace, console: Console) -> bool:
    """Make the sample exam and run the commands on it that a user would; settings, key and linkage are the demo's own."""
    private = options.output / "private"
    if options.output.exists() and any(options.output.iterdir()) and not (private / "settings.ini").exists():
        raise CommandError(f"{options.output} isn't empty, and no demo made it. Name another folder with --output.")
    sample = make_sample_exam(options.output / "sample_exam.zip")
    console.say(f"A synthetic ultrasound exam is in {sample}.")
    make_private_folder(private)
    settings = private / "settings.ini"
    settings.write_text(
        update_settings_text(default_settings_text(), {("logging", "folder"): str((private / "logs").resolve())}),
        encoding="utf-8",
    )
    exports = options.output / "exports"
    own = ["--settings", settings, "--key", private / "project.key", "--linkage", private / "linkage"]
    prepare = ["prepare", sample, "--output", exports, "--tag", "CFV-L", "--accept-unreviewed", "--overwrite", *own]
    if not _run_shown(prepare, console):
        return False
    well = [_run_shown(["check", export, "--against", sample], console) for export in sorted(exports.glob("*.zip"))]
    console.say(f"\nLook into {exports}: that is what would be handed on. What ties it to the patient is in {private}.")
    return all(well)


def _run_shown(arguments: Sequence[object], console: Console) -> bool:
    """Run a command of this command line as if it had been typed, and show it first."""
    words = [str(argument) for argument in arguments]
    console.say(f"\n$ usdicomizer {shlex.join(words)}")
    status = main(words)
    if status == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    return status == EXIT_WELL


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    read = whole_number(lowest, highest)

    def convert(text: str) -> int:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _crop(text: str) -> CropBox | CropChoice:
    if text in list(CropChoice):
        return CropChoice(text)
    try:
        return CropBox.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; or write auto, or none") from None
