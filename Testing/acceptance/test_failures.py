"""Whole commands that meet a full disk, an output that can't be written to, a source that changes, a share that vanishes.

Each is a named failure of its exam, nothing half-written is left, the others go on, and the same command with --resume
makes what an undisturbed run makes. The faults are put into the program where the operating system would report them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cohort import make_cohort

EXAMS = 3
PROGRAM = """
import errno, os, sys, tempfile
from pathlib import Path
from USDICOMizerLib import archive, cli, files, prepare, project
source, output = Path(sys.argv[1]), Path(sys.argv[2])

{fault}
sys.exit(cli.main(sys.argv[3:]))
"""
FULL_DISK = """
class Disk:
    room = 100_000
    def __init__(self, stream):
        self._stream = stream
    def write(self, data):
        Disk.room -= len(data)
        if Disk.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._stream.write(data)

original = archive._OutputStream.__init__
archive._OutputStream.__init__ = lambda self, stream: original(self, Disk(stream))
"""
READ_ONLY = """
original = tempfile.mkstemp
def mkstemp(*arguments, **named):
    if Path(named["dir"]).resolve() == output.resolve():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    return original(*arguments, **named)
files.tempfile.mkstemp = mkstemp
"""
CHANGED = """
original = prepare.scan_bytes
def scan_bytes(chunks, needles):
    found = original(chunks, needles)
    os.utime(source / "00001" / "IM_1", (1, 1))
    return found
prepare.scan_bytes = scan_bytes
"""
VANISHED = """
project.Project.say_what_is_kept = lambda self: (source / "00001").rename(source.parent / "away")
"""


@dataclass(frozen=True)
class Failure:
    """A fault, how many instances fail of it, under which name, in which words, and how many exports there are after it."""

    fault: str
    failed: int
    reason: str
    words: str
    exports: int


FAILURES = {
    "a full disk": Failure(FULL_DISK, 2 * (EXAMS - 1), "ExportError", os.strerror(errno.ENOSPC), 1),
    "a read-only output": Failure(READ_ONLY, 2 * EXAMS, "ExportError", os.strerror(errno.EROFS), 0),
    "a source that changes while it is read": Failure(CHANGED, 1, "SourceChangedError", "changed", EXAMS),
    "a share that vanishes": Failure(VANISHED, 2, "SourceGoneError", "--resume", EXAMS - 1),
}


def exports(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_named_and_leaves_nothing_half_written_and_resuming_mends_it(what, tmp_path, own_home):
    failure, source, output = FAILURES[what], make_cohort(tmp_path / "in", EXAMS), tmp_path / "out"

    def run(output: Path, *options: object, fault: str = "") -> tuple[int, dict, str]:
        command = ["prepare", source, "--output", output, "--linkage", tmp_path / "linkage", "--accept-unreviewed", "--jobs", 1]
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(fault=fault), *map(str, (source, output, *command, "--json", *options))],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return ran.returncode, json.loads(ran.stdout.splitlines()[-1]), ran.stderr

    status, result, said = run(output, fault=failure.fault)
    assert status == 1, said
    assert result["outcomes"]["failed"] == failure.failed
    assert result["outcomes"]["prepared"] == 2 * EXAMS - failure.failed
    ended = [(one["reason"], one["detail"]) for exam in result["exams"] for one in exam["instances"]]
    named = [detail for reason, detail in ended if reason]
    assert {reason for reason, _ in ended if reason} == {failure.reason}
    assert all(failure.words in detail for detail in named), named
    assert said.count(failure.reason) == failure.failed
    assert str(source) not in said
    assert "Traceback" not in said
    assert len(exports(output)) == failure.exports
    assert not list(output.glob(".*"))
    assert not list(output.glob("*.html")), "the settings of these tests want none"
    if (away := tmp_path / "away").exists():
        away.rename(source / "00001")
    status, result, said = run(output, "--resume")
    assert status == 0, said
    assert result["outcomes"]["prepared"] + result["outcomes"]["unchanged"] == 2 * EXAMS
    assert run(tmp_path / "undisturbed")[0] == 0
    assert exports(output) == exports(tmp_path / "undisturbed")
