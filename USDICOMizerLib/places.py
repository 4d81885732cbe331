"""Where what is written may lie: exports not among the sources, private files neither among sources nor in exports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from USDICOMizerLib.archive import MANIFEST_COLUMNS, MANIFEST_NAME
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.files import is_inside

_EXPORTS = "*_E-?????-?????.zip"


def check_output_place(output: Path, inputs: Iterable[Path]) -> None:
    """Raise CommandError where exports would lie among the sources: the next run would take them for input."""
    if any(path.is_dir() and is_inside(output, path) for path in inputs):
        raise CommandError("The output folder is, or lies in, an input folder. Name another one with --output.")


def lies_among_exports(folder: Path) -> bool:
    """Whether a folder, which need not exist yet, or one that it lies in holds exports, packed or unpacked.

    The user's own folder and what it lies in are left out: nobody hands them on, and an export may have been saved there.
    """
    folder = folder.resolve()
    home = Path.home().resolve()
    places = takewhile(lambda place: not is_inside(home, place), (folder, *folder.parents))
    return any(map(_holds_exports, places))


def _holds_exports(folder: Path) -> bool:
    with contextlib.suppress(OSError):  # a folder that can't be listed
        if any(folder.glob(_EXPORTS)):
            return True
        with (folder / MANIFEST_NAME).open("rb") as stream:
            return stream.readline(1024).removeprefix(b"\xef\xbb\xbf").strip() == ",".join(MANIFEST_COLUMNS).encode()
    return False


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
