"""The library in a process of its own: the window never waits, all cores work, and ending it cancels."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

import qt

_SLICE = 0.02  # seconds that events may take before the window has its turn again
_PATIENCE_MS = 5000  # for a process that was asked to end, before it is killed
_KEPT_LINES = 20


def python_executable() -> str:
    """The interpreter to start: Slicer's own, as sys.executable isn't one inside Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


class LibraryProcess:
    """One run of a module of the library that writes JSON lines.

    `on_event` is called with each line as a dictionary, in slices between which the window lives; then `on_ended` with
    the exit status (None where the process crashed, was killed or couldn't start) and the last lines of what it said on
    standard error. `cancel` asks it to end, which the library does tidily.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        on_event: Callable[[Mapping], None],
        on_ended: Callable[[int | None, str], None],
        standard_input: bytes = b"",
    ):
        self._on_event = on_event
        self._on_ended = on_ended
        self._standard_input = standard_input
        self._rest = b""
        self._lines: deque[bytes] = deque()
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._status: int | None = None
        self._over = False
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(_environment())
        self._process.connect("readyReadStandardOutput()", self._read)
        self._process.connect("readyReadStandardError()", self._read_errors)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._failed)
        self._turn = qt.QTimer()
        self._turn.setSingleShot(True)
        self._turn.connect("timeout()", self._hand_on)
        self._end = qt.QTimer()
        self._end.setSingleShot(True)
        self._end.connect("timeout()", self._process.kill)
        self._process.start(python_executable(), ["-m", module, *arguments])
        if standard_input:
            self._process.write(standard_input)
        self._process.closeWriteChannel()

    @property
    def running(self) -> bool:
        """Whether it hasn't been told that the process is over."""
        return not self._over

    def cancel(self) -> None:
        """Ask the process to end; it is killed where it doesn't within seconds, or can't be asked (Windows)."""
        if self._over:
            return
        if os.name == "nt":
            self._process.kill()
        else:
            self._process.terminate()
            self._end.start(_PATIENCE_MS)

    def abandon(self) -> None:
        """End the process now, and say no more of it: the panel goes."""
        self._over = True
        self._turn.stop()
        self._end.stop()
        self._lines.clear()
        if self._process.state() != qt.QProcess.NotRunning:
            self._process.terminate()
            if os.name == "nt" or not self._process.waitForFinished(1000):
                self._process.kill()
                self._process.waitForFinished(1000)

    def _read(self) -> None:
        *lines, self._rest = (self._rest + _bytes(self._process.readAllStandardOutput())).split(b"\n")
        self._lines.extend(lines)
        if not self._turn.isActive():
            self._turn.start(0)

    def _read_errors(self) -> None:
        self._said.extend(_bytes(self._process.readAllStandardError()).decode("utf-8", "replace").splitlines())

    def _finished(self, status: int, how: object) -> None:
        self._status = status if int(how) == int(qt.QProcess.NormalExit) else None
        self._end.stop()
        self._read()
        self._read_errors()
        self._process_is_over = True

    _process_is_over = False

    def _failed(self, error: object) -> None:
        if int(error) == int(qt.QProcess.FailedToStart):  # everything else is followed by finished
            self._process_is_over = True
            self._said.append(self._process.errorString())
            self._turn.start(0)

    def _hand_on(self) -> None:
        """Hand on as many events as a slice has time for."""
        until = monotonic() + _SLICE
        while self._lines and monotonic() < until and not self._over:
            line = self._lines.popleft().strip()
            if line.startswith(b"{"):
                self._on_event(json.loads(line))
        if self._over:
            return
        if self._lines:
            self._turn.start(0)
        elif self._process_is_over:
            self._over = True
            self._on_ended(self._status, "\n".join(self._said))


def _environment() -> qt.QProcessEnvironment:
    """This process's environment, where the interpreter finds the library as this one did."""
    import USDICOMizerLib

    environment = qt.QProcessEnvironment.systemEnvironment()
    folder = str(Path(USDICOMizerLib.__file__).parent.parent)
    earlier = environment.value("PYTHONPATH", "")
    environment.insert("PYTHONPATH", os.pathsep.join(filter(None, [folder, earlier])))
    environment.insert("PYTHONUNBUFFERED", "1")
    return environment


def _bytes(array: object) -> bytes:
    data = array.data()
    return data if isinstance(data, bytes) else bytes(data)
