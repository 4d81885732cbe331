"""The log: JSON lines in a rotating file, with instance numbers and pseudonyms, never a value of a source."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import threading
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from USDICOMizerLib.files import make_private_folder

LOGGER = logging.getLogger("USDICOMizer")
_FILE_NAME = "usdicomizer.log"
_MEBIBYTE = 2**20

LogLine = tuple[int, str]
"""A line as the log has it, with its level."""


class _JsonLines(logging.Formatter):
    """One JSON object a line; of an exception its class and place, not its message, which may quote a header."""

    def format(self, record: logging.LogRecord) -> str:
        if ready := getattr(record, "line", ""):
            return ready
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "event": record.msg,
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["at"] = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(line)


def set_up_logging(folder: Path, level: str) -> None:
    """Send the log to `folder`, in place of where it went before.

    Third-party loggers and warnings are silenced: pydicom quotes values of the header in both.
    """
    make_private_folder(folder)
    handler = logging.handlers.RotatingFileHandler(
        folder / _FILE_NAME, maxBytes=5 * _MEBIBYTE, backupCount=4, encoding="utf-8", delay=True
    )
    handler.setFormatter(_JsonLines())
    for old in list(LOGGER.handlers):
        LOGGER.removeHandler(old)
        old.close()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(level)
    LOGGER.propagate = False


@contextlib.contextmanager
def collected() -> Iterator[list[LogLine]]:
    """The lines that this thread logs in the block, to be passed on to the process that keeps the log."""
    lines: list[LogLine] = []
    handler = _Collector(lines)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    try:
        yield lines
    finally:
        LOGGER.removeHandler(handler)


def pass_on(lines: Iterable[LogLine]) -> None:
    """Write lines that another process has collected."""
    for level, line in lines:
        if LOGGER.isEnabledFor(level):
            LOGGER.handle(logging.makeLogRecord({"name": LOGGER.name, "levelno": level, "line": line}))


class _Collector(logging.Handler):
    """Keeps the formatted lines of one thread: a worker of a cluster may have several, each with an exam of its own."""

    def __init__(self, lines: list[LogLine]):
        super().__init__()
        self._lines, self._thread = lines, threading.get_ident()
        self.setFormatter(_JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._lines.append((record.levelno, self.format(record)))


def silence_libraries() -> None:
    """Keep warnings and log lines of libraries, which quote values of headers, from the terminal."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "PIL", "libjpeg", "openjpeg"):
        library = logging.getLogger(name)
        library.addHandler(logging.NullHandler())
        library.propagate = False


def log(event: str, *, level: int = logging.INFO, error: BaseException | None = None, **facts: object) -> None:
    """Write one line: what happened, and the facts (pseudonyms, numbers, names of our own) that it is about."""
    LOGGER.log(level, event, extra={"facts": facts}, exc_info=error)
