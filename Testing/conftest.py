"""Fixtures shared by all floors of the tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell starts in the background ignores Ctrl-C, and so would every command that is to be interrupted here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test: settings, key, linkage and log never touch the user's."""
    home = tmp_path / "home of the user"
    monkeypatch.setenv("USDICOMIZER_HOME", str(home))
    return home


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict:
        """The JSON object that `--json` prints."""
        return json.loads(self.stdout.splitlines()[-1])


@pytest.fixture
def usdicomizer(own_home: Path, tmp_path: Path):
    """Run the command line as a user would: in a process of its own, in an empty folder."""

    def run(*arguments: object, python: Path | str = sys.executable) -> Ran:
        ran = subprocess.run(
            [str(python), "-m", "USDICOMizerLib", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "USDICOMIZER_HOME": str(own_home), "PYTHONIOENCODING": "utf-8"},
            timeout=500,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return run
