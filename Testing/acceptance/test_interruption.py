"""Killed, interrupted or out of space: what exists is whole, and the sources stay as they were."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from USDICOMizerLib.sample_exam import make_sample_exam

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


def start(source: Path, output: Path, home: Path) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "USDICOMizerLib",
        "prepare",
        source,
        "--output",
        output,
        "--accept-unreviewed",
        "--overwrite",
        "--no-report",
    ]
    return subprocess.Popen(
        command, env={**os.environ, "USDICOMIZER_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def fingerprint(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


def test_a_kill_at_any_moment_leaves_a_whole_export_or_none(tmp_path, own_home):
    source = make_sample_exam(tmp_path / "exam.zip")
    before = fingerprint(source)
    output = tmp_path / "out"
    began = time.monotonic()
    undisturbed = start(source, output, own_home)
    undisturbed.communicate()
    assert undisturbed.returncode == 0
    lasts = time.monotonic() - began
    (export,) = output.glob("*.zip")
    whole = fingerprint(export)[0]
    export.unlink()
    moments = random.Random(20)
    for _ in range(8):
        process = start(source, output, own_home)
        time.sleep(moments.uniform(0.2, 1.0) * lasts)
        process.kill()
        process.communicate()
        for found in output.glob("*.zip"):
            assert fingerprint(found)[0] == whole
            found.unlink()
    last = start(source, output, own_home)
    last.communicate()
    assert last.returncode == 0
    assert {path.name for path in output.iterdir()} == {export.name, "ledger.jsonl"}, "what killed runs left is cleared away"
    assert fingerprint(export)[0] == whole
    assert fingerprint(source) == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_exits_130_and_leaves_nothing(tmp_path, own_home, sent):
    source = make_sample_exam(tmp_path / "exam.zip")
    output = tmp_path / "out"
    process = start(source, output, own_home)
    while not output.exists() or not list(output.iterdir()):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.005)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted" in said
    assert list(output.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_a_full_disk_fails_the_exam_and_says_so(tmp_path, own_home):
    source = make_sample_exam(tmp_path / "exam.zip")
    limited = ["bash", "-c", 'ulimit -f 2000; trap "" XFSZ; exec "$@"', "-", sys.executable, "-m", "USDICOMizerLib"]
    ran = subprocess.run(
        [*limited, "prepare", source, "--output", tmp_path / "out", "--accept-unreviewed", "--no-report"],
        env={**os.environ, "USDICOMIZER_HOME": str(own_home)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "could not be written" in ran.stderr
    assert "File too large" in ran.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_every_export_that_exists_is_a_readable_zip(tmp_path, own_home):
    source = make_sample_exam(tmp_path / "exam.zip")
    start(source, tmp_path / "out", own_home).communicate()
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        assert archive.testzip() is None
