"""What a session's export is asked for, as arguments of the command line: the panel and a terminal run the same."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.exam import Instance


@dataclass(frozen=True)
class ExportChoices:
    """What the user says about an export as a whole; what is None or empty is as the settings say."""

    destination: Path | None = None
    subject: str = ""
    options: tuple[str, ...] | None = None  # of the profile; () is none of them
    keep_dates: str = ""
    transfer_syntax: str = ""
    overwrite: bool = False
    settings_file: Path | None = None

    def arguments(self) -> list[str]:
        """The options of `prepare` that say the same."""
        arguments = ["--output", str(self.destination.absolute())] if self.destination else []
        if self.settings_file:
            arguments += ["--settings", str(self.settings_file.absolute())]
        if self.subject:
            arguments += ["--subject", self.subject]
        if self.options is not None:
            arguments += ["--options", ",".join(self.options) or "none"]
        if self.keep_dates:
            arguments += ["--keep-dates", self.keep_dates]
        if self.transfer_syntax:
            arguments += ["--transfer-syntax", self.transfer_syntax]
        return [*arguments, "--overwrite"] if self.overwrite else arguments


def inputs_of(listed: Sequence[Instance], unlisted: Iterable[Instance], named: Iterable[Path]) -> tuple[Path, ...]:
    """The inputs to name for `prepare`, so that it finds the exams that are listed and no other.

    A folder or ZIP that the user named is named again, unless an exam in it isn't listed; then its files are. Where one
    ZIP holds both, the plan leaves the other exam out.
    """
    studies = {instance.study_uid for instance in listed}
    strangers = {place for instance in unlisted if instance.study_uid not in studies for place in _places(instance.source.path)}
    paths = {path.resolve(): path.absolute() for path in named if path.resolve() not in strangers}
    for instance in listed:
        places = _places(instance.source.path)
        if not any(place in paths for place in places):
            paths[places[0]] = instance.source.path.absolute()
    return tuple(paths.values())


def _places(path: Path) -> tuple[Path, ...]:
    """The path and the folders that it lies in, symbolic links resolved."""
    resolved = path.resolve()
    return (resolved, *resolved.parents)


def command_text(arguments: Sequence[str], program: Sequence[str] = ("python", "-m", "USDICOMizerLib")) -> str:
    """The command as it can be pasted into a terminal of this system; `program` are the words that start the library."""
    words = [*program, *arguments]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
