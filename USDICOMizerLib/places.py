"""Where what is written may lie: exports not among the sources, private files neither among sources nor in exports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import is_inside

_EXPORTS = "*_E-?????-?????.zip"


def check_output_place(output: Path, inputs: Iterable[Path]) -> None:
    """Raise CommandError where exports would lie among the sources: the next run would take them for input."""
    if any(path.is_dir() and is_inside(output, path) for path in inputs):
        raise CommandError("The output folder is, or lies in, an input folder. Name another one with --output.")


def check_private_place(path: Path, what: str, cure: str, *, inputs: Iterable[Path] = (), output: Path | None = None) -> None:
    """Raise CommandError where a file or folder that tells who a subject is would travel with data, or replace a source.

    `what` names it ("The plan") and `cure` says how to put it elsewhere. The output folder need not exist yet.
    """
    for source in inputs:
        if is_inside(path, source):
            where = "among the sources" if source.is_dir() else "in the place of a source"
            raise CommandError(f"{what} would lie {where}. {cure}")
    beside = path if path.is_dir() else path.parent
    if (output and is_inside(path, output)) or any(beside.glob(_EXPORTS)):
        raise CommandError(f"{what} would lie among exports, and be handed on with them. {cure}")
