"""Files, folders and ZIPs -> instances; and of everything else that is there, why it isn't one.

DICOM is recognised by its content, never by a name. Members of ZIPs are read as streams: nothing is extracted, so a
name can't lead out of a folder. Only headers are read.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Instance, Source
from USDICOMizerLib.outcomes import Outcome, Skip
from USDICOMizerLib.records import Sharing
from USDICOMizerLib.source_files import Limits, SourceOutcome, failed, skipped
from USDICOMizerLib.source_header import SourceError, SourceFailure, read_header, source_error
from USDICOMizerLib.source_reading import read_all

__all__ = ["Discovery", "Limits", "SourceError", "SourceFailure", "SourceOutcome", "discover", "read_header", "verify"]

_DIGEST_LETTERS = 16


@dataclass(frozen=True)
class Discovery:
    """All that was found: each file and each member of a ZIP is in exactly one of the two."""

    instances: tuple[Instance, ...]
    others: tuple[SourceOutcome, ...]


def discover(
    inputs: Sequence[Path],
    limits: Limits = Limits(),
    on_progress: Callable[[int], None] | None = None,
    *,
    index_folder: Path | None = None,
    processes: int = 1,
) -> Discovery:
    """Find the instances in files, folders (recursive) and ZIPs, in the order of `inputs` and of names below.

    Of two instances with the same SOP Instance UID, the later is skipped where the bytes are the same; where they
    differ it is kept, with an `identity` of its own and a warning. A file that two inputs lead to counts once.
    `on_progress` is called with the number of files and members seen so far.

    An input of many files is read in so many `processes`, and what they hold is kept in an index in `index_folder`,
    the linkage folder: what has not been written to since is not opened the next time.

    Raises CommandError where an input doesn't exist; everything else is the outcome of one file or member.
    """
    for number, path in enumerate(inputs, start=1):
        if not os.path.lexists(path):
            which = f"Input {number} of {len(inputs)}" if len(inputs) > 1 else "The input"
            raise CommandError(f"{which} doesn't exist. Check its spelling; an input is a file, a folder or a ZIP.")
    collection = _Collection()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values
        files = _Search().run(inputs)
        for number, found in enumerate(read_all(files, limits, index_folder, processes), start=1):
            collection.add(found)
            if on_progress:
                on_progress(number)
    return Discovery(tuple(collection.instances), tuple(collection.others))


def verify(source: Source) -> None:
    """Read a member of a ZIP to its end, which compares its checksum; a file outside of a ZIP has none.

    Raises SourceError. To be called before the pixels are read, for reading frames by their position checks nothing.
    """
    if source.member:
        _digest(source)


def _digest(source: Source) -> str:
    """SHA-256 of all bytes of a source, a piece at a time. Raises SourceError."""
    try:
        return source.sha256()
    except Exception as error:  # zipfile raises nearly anything on damaged input
        raise source_error(error, is_member=bool(source.member)) from None


class _Collection:
    """What was found so far, with repeated SOP Instance UIDs told apart."""

    def __init__(self) -> None:
        self.instances: list[Instance] = []
        self.others: list[SourceOutcome] = []
        self._by_uid: dict[str, list[Instance]] = {}
        self._digests: dict[Source, str] = {}
        self._sharing = Sharing()

    def add(self, found: Instance | SourceOutcome) -> None:
        if isinstance(found, Instance):
            found = self._distinguished(found)
        if isinstance(found, Instance):
            found = found.shared(self._sharing)
            self.instances.append(found)
            self._by_uid.setdefault(found.sop_instance_uid, []).append(found)
        else:
            self.others.append(found)

    def _distinguished(self, instance: Instance) -> Instance | SourceOutcome:
        earlier = self._by_uid.get(instance.sop_instance_uid)
        if not earlier:
            return instance
        try:
            digest = self._digest_once(instance.source)
        except SourceError as error:
            return failed(instance.source, error)
        if any(digest == self._digest_of_earlier(other.source) for other in earlier):
            return skipped(instance.source, Skip.DUPLICATE)
        return replace(
            instance,
            identity=f"{instance.sop_instance_uid}#{digest[:_DIGEST_LETTERS]}",
            warnings=(*instance.warnings, "another instance with different content has the same SOP Instance UID"),
        )

    def _digest_of_earlier(self, source: Source) -> str:
        try:
            return self._digest_once(source)
        except SourceError:
            return ""  # damaged behind its header, so it isn't what the later one is

    def _digest_once(self, source: Source) -> str:
        if source not in self._digests:
            self._digests[source] = _digest(source)
        return self._digests[source]


class _Search:
    """One pass over the inputs, in a stable order, that names no file and no folder twice, and opens none."""

    def __init__(self) -> None:
        self._files: set[str] = set()  # those that are inputs themselves
        self._folders: set[str] = set()

    def run(self, inputs: Sequence[Path]) -> Iterator[Path | SourceOutcome]:
        for path in inputs:
            yield from self._folder(path, ()) if path.is_dir() else self._file(path)

    def _folder(self, folder: Path, above: tuple[Path, ...]) -> Iterator[Path | SourceOutcome]:
        """Everything in a folder. `above` are the folders (real paths) whose links led here."""
        roots = (*above, Path(os.path.realpath(folder)))
        errors: list[OSError] = []
        for current, folders, files in os.walk(folder, onerror=errors.append):
            yield from self._unreadable_folders(errors)
            real = os.path.realpath(current)
            if real in self._folders:
                folders.clear()
                continue
            self._folders.add(real)
            whole = os.path.abspath(current)
            yield from (Path(current, name) for name in sorted(files) if os.path.join(whole, name) not in self._files)
            links = {name for name in folders if _is_link(os.path.join(current, name))}
            for name in sorted(links):
                yield from self._linked_folder(Path(current, name), roots)
            folders[:] = sorted(set(folders) - links)
        yield from self._unreadable_folders(errors)

    def _linked_folder(self, link: Path, roots: tuple[Path, ...]) -> Iterator[Path | SourceOutcome]:
        """Follow a link that leads out of what is read; one that leads back into it would never end."""
        target = Path(os.path.realpath(link))
        leads_back = any(target.is_relative_to(root) or root.is_relative_to(target) for root in roots)
        if leads_back or str(target) in self._folders:
            detail = "A link back to a folder that is read already, or that holds such a folder; it isn't followed."
            yield SourceOutcome(Source(link), Outcome.SKIPPED, Skip.DUPLICATE, detail)
        else:
            yield from self._folder(link, roots)

    @staticmethod
    def _unreadable_folders(errors: list[OSError]) -> Iterator[SourceOutcome]:
        while errors:
            error = errors.pop(0)
            yield failed(Source(Path(error.filename)), source_error(error, is_member=False))

    def _file(self, path: Path) -> Iterator[Path]:
        """A file, unless another input or folder has led to it before."""
        absolute = os.path.abspath(path)
        if absolute not in self._files and os.path.realpath(os.path.dirname(absolute)) not in self._folders:
            self._files.add(absolute)
            yield path


def _is_link(path: str) -> bool:
    # Junctions are Windows' links to folders; Python 3.11 can't tell them, and the set of folders ends their loops.
    return os.path.islink(path) or getattr(os.path, "isjunction", lambda _: False)(path)
