"""Files and folders with care: private ones, locked ones, and ones that exist whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

if os.name == "nt":
    import msvcrt
else:
    import fcntl

PART_PREFIX = ".usdicomizer-"
PART_SUFFIX = ".part"
_BLOCK = 64 * 2**10
_HANDED_ON = 8 * 2**20


class Writable(Protocol):
    """What the bytes of a member are written to."""

    def write(self, data: bytes, /) -> int:
        """Write all of `data`."""


def make_private_folder(folder: Path) -> Path:
    """Make the folder, and its parents, readable by its owner only where the file system can say so (POSIX)."""
    for missing in reversed([one for one in folder.parents if not one.exists()]):  # mkdir(parents=True) would open them to all
        missing.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def open_private(path: Path, mode: str) -> IO:
    """Open for writing or appending; a new file is readable by its owner only (POSIX).

    Text is in UTF-8, its newlines as they are given, as the csv module wants it. Bytes aren't buffered.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    if "b" in mode:
        return open(path, mode, buffering=0, opener=opener)
    return open(path, mode, encoding="utf-8", newline="", opener=opener)


def lock(stream: IO, *, wait: bool) -> bool:
    """Take an exclusive lock on an open file, which its closing or the end of the process releases.

    Returns False where another process holds it and `wait` is False.
    """
    try:
        if os.name == "nt":
            # Windows locks bytes, not files, and the lock keeps others from reading them: one far beyond any content.
            position = stream.tell()
            stream.seek(2**40)
            while not _lock_byte(stream, wait=wait):
                pass  # it gives up after ten seconds
            stream.seek(position)
        else:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _lock_byte(stream: IO, *, wait: bool) -> bool:
    """Lock the byte that a Windows file stands at; False where another process held it for ten seconds."""
    try:
        msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if wait and error.errno == errno.EDEADLOCK:
            return False
        raise
    return True


@contextlib.contextmanager
def locked(path: Path, *, must_lock: bool = True) -> Iterator[IO[bytes]]:
    """A private file, made where it is missing, for reading and appending unbuffered, while no other process has it so.

    Raises NoLocksError where the file system has no locks and `must_lock` is True.
    """
    with open_private(path, "ab+") as stream:
        if not lock(stream, wait=True) and must_lock:
            raise NoLocksError(errno.ENOLCK, "the file system has no locks")
        yield stream


class NoLocksError(OSError):
    """A file can't be locked against other processes."""


def append(stream: IO[bytes], data: bytes) -> None:
    """Write all of `data` at the end of a file that `locked` gave, and see it on the disk; or leave the file as it was.

    What a power failure or a kill cut off at the end of a file of lines is taken away first, so that it spoils no other.
    """
    end = end_of_last_line(stream)
    stream.truncate(end)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())
    except OSError:  # a full disk: half a line would be taken for a whole one
        stream.truncate(end)
        raise


def end_of_last_line(stream: IO[bytes]) -> int:
    """How many bytes of a file of lines are whole lines."""
    end = stream.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        stream.seek(start)
        newline = stream.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


@contextlib.contextmanager
def written_whole(path: Path, *, replace: bool, private: bool = False) -> Iterator[IO[bytes]]:
    """A binary file, readable and writable, that appears under `path` when the block ends without an error.

    Until then it has a temporary name in the same folder; an error, an interrupt or a signal that Python sees
    removes it. A kill leaves only the temporary name, which `remove_abandoned_parts` clears away. A private file is
    readable by its owner only (POSIX).

    Raises FileExistsError where `path` exists and `replace` is False.
    """
    part, opened = _new_part(path.parent)
    try:
        with opened as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if os.name != "nt" and not private:  # mkstemp makes private files
            umask = os.umask(0)
            os.umask(umask)
            part.chmod(0o666 & ~umask)
        if not replace:
            _rename_to_new_name(part, path)
        else:
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _new_part(folder: Path) -> tuple[Path, IO[bytes]]:
    """A temporary file that is locked: between its making and its locking, another run may take it for an abandoned one."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=PART_PREFIX, suffix=PART_SUFFIX, dir=folder)
        stream = io.BufferedRandom(_SteadyFile(descriptor, "w+b"))
        lock(stream, wait=False)
        if os.path.exists(name):
            return Path(name), stream
        stream.close()


class _SteadyFile(io.FileIO):
    """A file whose bytes go to the disk while more are made, so that the end need not wait for all of them."""

    def __init__(self, descriptor: int, mode: str):
        super().__init__(descriptor, mode)
        self._waiting = 0

    def write(self, data: bytes, /) -> int:
        written = super().write(data)
        self._waiting += written
        if self._waiting >= _HANDED_ON and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # a file system that takes no advice
                os.posix_fadvise(self.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._waiting = 0
        return written


def _rename_to_new_name(part: Path, path: Path) -> None:
    """Rename without ever replacing: what another process put there meanwhile stays."""
    if os.name == "nt":
        os.rename(part, path)  # refuses an existing target
        return
    try:
        os.link(part, path)  # refuses an existing target, and is one step
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path.name) from None
        os.replace(part, path)


def remove_abandoned_parts(folder: Path) -> None:
    """Remove the temporary files of runs that were killed; those of running ones are locked and stay."""
    for part in folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"):
        with contextlib.suppress(OSError), part.open("r+b") as stream:
            if os.name == "nt" or lock(stream, wait=False):
                stream.close()
                part.unlink()


def is_inside(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or lies in it, symbolic links resolved."""
    return path.resolve().is_relative_to(folder.resolve())
