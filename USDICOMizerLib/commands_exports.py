"""The commands that work on exports: dataset, frames, ecrf."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from USDICOMizerLib.console import Console
from USDICOMizerLib.dataset import Label, Split, SplitChoice, make_dataset, read_previous
from USDICOMizerLib.ecrf import fields_of, odm, read_numbers, redcap_dictionary, redcap_records
from USDICOMizerLib.errors import CommandError, ExportError, RefusedError
from USDICOMizerLib.exports import ExportedExam, find_exports, read_export, without_copies
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.frame_files import FrameFormat, FrameWork, require_preview, write_frames
from USDICOMizerLib.settings import ensure_default_settings, load_settings


def add_commands(add) -> None:
    """Add their parsers; `add` is the `add_parser` of the command line's subparsers."""
    _add_dataset(add("dataset", help="list the instances of exports for training, divided by subject"))
    _add_frames(add("frames", help="write the frames of exports as PNG, NPZ or MP4"))
    _add_ecrf(add("ecrf", help="write what exports hold for REDCap, or as CDISC ODM-XML"))


def _add_exports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "exports", nargs="+", type=Path, metavar="EXPORT", help="ZIPs that prepare wrote, and folders with some in them"
    )


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=dataset)
    _add_exports(parser)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE.json", help="the list to write; its paths are relative to its folder"
    )
    parser.add_argument(
        "--splits",
        default="70,15,15",
        metavar="A,B,C",
        help="per cent of the subjects for training, validation and test (default: 70,15,15)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed divides otherwise (default: 0)")
    parser.add_argument(
        "--label", choices=[label.value for label in Label], default=Label.SITE.value, help="what label is (default: site)"
    )
    parser.add_argument(
        "--previous", type=Path, metavar="FILE.json", help="an earlier list, whose subjects stay in the part that they are in"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")


def dataset(options: argparse.Namespace, console: Console) -> bool:
    """`dataset`: dataset.json of all exports."""
    try:
        choice = SplitChoice.parse(options.splits, options.seed)
    except ValueError as error:
        raise CommandError(f"--splits: {error}.") from None
    previous = read_previous(options.previous) if options.previous else {}
    exams = _exams_once(options.exports, console)
    made = make_dataset(exams, options.output.absolute().parent, choice, Label(options.label), previous)
    _write(options.output, json.dumps(made, indent=1).encode(), overwrite=options.overwrite)
    counts = Counter(made["subjects"].values())
    for split in Split:
        console.say(f"{split}: {counts[split]} subjects, {len(made[split])} instances")
    unlabelled = sum(item["label"] is None for split in Split for item in made[split])
    if unlabelled:
        console.note(f"{unlabelled} instances have no {options.label}: their label is null.")
    console.say(f"{options.output}: {len(exams)} exams")
    return True


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=frames)
    _add_exports(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the files, with one an export")
    parser.add_argument(
        "--format",
        choices=[one.value for one in FrameFormat],
        help="png: a file a frame; npz: a file an instance with the array frames (default: png, or none with --preview)",
    )
    parser.add_argument("--preview", choices=["mp4"], help="also write a film of each cine to look at, with loss")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same names; others stay")


def frames(options: argparse.Namespace, console: Console) -> bool:
    """`frames`: the frames of exports as files; an export that is damaged doesn't stop the others."""
    if options.preview:
        require_preview()
    wanted = FrameFormat(options.format) if options.format else None if options.preview else FrameFormat.PNG
    work = FrameWork(options.output, wanted, preview=bool(options.preview), overwrite=options.overwrite)
    exams = _exams(options.exports)
    written: set[str] = set()
    well = True
    for exam in exams:
        try:
            count = write_frames(exam, work, written=written)
        except (RefusedError, ExportError) as error:
            console.note(f"{exam.path.name}: {error}")
            well = False
            continue
        console.say(f"{exam.path.name}: {count} frames of {len(exam.rows)} instances")
    return well


def _add_ecrf(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=ecrf)
    _add_exports(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument(
        "--format", choices=["redcap", "odm"], default="redcap", help="REDCap's CSV files (default), or CDISC ODM-XML 1.3.2"
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="names of the fields, and the protocol (default: your own settings)"
    )
    parser.add_argument(
        "--previous", type=Path, metavar="FILE.csv", help="the redcap_import.csv imported last, whose images keep their numbers"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def ecrf(options: argparse.Namespace, console: Console) -> bool:
    """`ecrf`: the manifests by subject, for an electronic case report form."""
    if options.previous and options.format != "redcap":
        raise CommandError("--previous keeps the numbers of images in REDCap: leave it out with --format odm.")
    settings = load_settings(options.settings) if options.settings else ensure_default_settings()[0]
    exams = _exams_once(options.exports, console)
    expected = settings.protocol.expected
    if options.format == "odm":
        files = {"odm.xml": odm(exams, settings.ecrf, expected, made=datetime.now(UTC))}
    else:
        fields = fields_of(settings.ecrf)
        previous = read_numbers(options.previous, fields) if options.previous else {}
        files = {
            "redcap_dictionary.csv": redcap_dictionary(fields).encode(),
            "redcap_import.csv": redcap_records(exams, fields, expected, previous).encode(),
        }
    options.output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _write(options.output / name, content, overwrite=options.overwrite)
        console.say(str(options.output / name))
    return True


def _exams(places: Sequence[Path]) -> list[ExportedExam]:
    return [read_export(path) for path in find_exports(places)]


def _exams_once(places: Sequence[Path], console: Console) -> list[ExportedExam]:
    """As `_exams`, where a copy would count a person twice."""
    exams, copies = without_copies(_exams(places))
    for copy, first in copies:
        console.note(f"{copy.path} is a copy of {first.path}: it counts once.")
    return exams


def _write(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file whole. Raises CommandError where it exists and isn't to be replaced, ExportError where it can't be."""
    try:
        with written_whole(path, replace=overwrite) as stream:
            stream.write(content)
    except FileExistsError:
        raise CommandError(f"{path} exists already. Add --overwrite to replace it, or name another one.") from None
    except OSError as error:
        raise ExportError(f"{path} could not be written: {error.strerror or type(error).__name__}") from error
