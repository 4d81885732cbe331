"""The library in a process of its own: the window never waits, all cores work, and ending it cancels."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

import qt

_SLICE = 0.02  # seconds that events may take before the window has its turn again
_PATIENCE_MS = 5000  # for a process that was asked to end, before it is killed
_KEPT_LINES = 20
_LOOK_AGAIN_MS = 50
_CAN_ASK = os.name != "nt"  # Windows only ends processes, it doesn't ask them
_AT_ONCE = getattr(signal, "SIGKILL", signal.SIGTERM)


def python_executable() -> str:
    """The interpreter to start: Slicer's own, as sys.executable isn't one inside Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


class LibraryProcess:
    """One run of a module of the library that writes JSON lines.

    `on_event` is called with each line as a dictionary, in slices between which the window lives; then `on_ended` with
    the exit status (None where the process crashed, was killed or couldn't start) and the last lines of what it said on
    standard error. `cancel` asks it to end, which the library does tidily.

    PythonSlicer is a launcher that starts the interpreter as a child of its own, and signals don't pass through it: the
    library tells its own process in its first event, and that one is asked to end. It is over when both are.
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
        self._process_is_over = False
        self._pid: int | None = None
        self._was_told = False  # the first line has been read
        self._cancelled = False
        self._waited = 0  # milliseconds for a process that has lost its launcher
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
        self._end.connect("timeout()", self._kill)
        self._look = qt.QTimer()
        self._look.setSingleShot(True)
        self._look.setInterval(_LOOK_AGAIN_MS)
        self._look.connect("timeout()", self._see_it_gone)
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
        if self._over or self._cancelled:
            return
        self._cancelled = True
        self._ask_to_end()
        self._end.start(_PATIENCE_MS)

    def abandon(self) -> None:
        """End the process now, and say no more of it: the panel goes."""
        self._over = True
        if self._process.state() != qt.QProcess.NotRunning:
            self._read()
            self._ask_to_end()
            if not self._process.waitForFinished(1000):
                self._kill()
                self._process.waitForFinished(1000)
        for timer in (self._turn, self._end, self._look):
            timer.stop()
        self._lines.clear()

    def _ask_to_end(self) -> None:
        """Ask the library; as long as it hasn't said who it is, it has written nothing and ends with its reader."""
        if self._pid is not None:
            self._signal(signal.SIGTERM)
        elif _CAN_ASK:
            self._process.terminate()
        else:
            self._process.kill()

    def _kill(self) -> None:
        self._signal(_AT_ONCE)
        self._process.kill()

    def _signal(self, number: int) -> bool:
        """Signal the library's process; False where it is gone. 0 only asks whether it is there."""
        if self._pid is None:
            return False
        with suppress(OSError):
            os.kill(self._pid, number)
            return True
        self._pid = None  # another process may get its number
        return False

    def _read(self) -> None:
        *lines, self._rest = (self._rest + _bytes(self._process.readAllStandardOutput())).split(b"\n")
        self._lines.extend(lines)
        if self._lines and not self._was_told:
            self._was_told = True
            self._pid = _pid_in(self._lines[0])
        if not self._turn.isActive():
            self._turn.start(0)

    def _read_errors(self) -> None:
        self._said.extend(_bytes(self._process.readAllStandardError()).decode("utf-8", "replace").splitlines())

    def _finished(self, status: int, how: object) -> None:
        self._status = status if int(how) == int(qt.QProcess.NormalExit) else None
        self._read()
        self._read_errors()
        well = self._status is not None and not self._cancelled
        if not well and self._signal(signal.SIGTERM) and _CAN_ASK:  # its launcher is gone, but it isn't
            self._look.start()
        else:
            self._gone()

    def _see_it_gone(self) -> None:
        """Wait for the library's process without its launcher; end it where it takes too long."""
        self._waited += _LOOK_AGAIN_MS
        if self._waited >= 2 * _PATIENCE_MS or not self._signal(0):
            self._gone()
            return
        if self._waited >= _PATIENCE_MS:
            self._signal(_AT_ONCE)
        self._look.start()

    def _gone(self) -> None:
        self._end.stop()
        self._pid = None
        self._process_is_over = True
        if not self._turn.isActive():
            self._turn.start(0)

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


def _pid_in(line: bytes) -> int | None:
    """The process that a first line tells of; None where it is no event `started`."""
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and event.get("event") == "started":
            return int(event["pid"])
    return None


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
