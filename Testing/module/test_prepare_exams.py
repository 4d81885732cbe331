"""The command line inside Slicer: the same bytes, words and exit status as the library's, and an end in every path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import REPOSITORY

from USDICOMizerLib.sample_exam import make_sample_exam

SCRIPT = REPOSITORY / "USDICOMizer" / "Scripts" / "prepare_exams.py"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam.zip")


def run(command: list[object], home: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"USDICOMIZER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **extra}
    return subprocess.run(
        [sys.executable, *map(str, command)], env=environment, capture_output=True, text=True, timeout=300, check=False, cwd=home
    )


def slicer(arguments: list[object], home: Path, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    """As Slicer runs it: only the script's own search may find the library."""
    return run(["-m", "slicer_runtime.run_script", script, "--", *arguments], home, PYTHONPATH=str(REPOSITORY / "Testing"))


def library(arguments: list[object], home: Path) -> subprocess.CompletedProcess[str]:
    return run(["-m", "USDICOMizerLib", *arguments], home, PYTHONPATH=str(REPOSITORY))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_an_export_equals_the_command_lines_byte_for_byte(sample: Path, home: Path, tmp_path: Path) -> None:
    assert library(["settings", "--new-key", home / "key"], home).returncode == 0
    options = ["--key", home / "key", "--tag", "FV-L", "--accept-unreviewed"]
    results = [
        start(["prepare", sample, "--output", tmp_path / name, "--json", *options], home)
        for name, start in (("slicer", slicer), ("library", library))
    ]
    assert results[0].returncode == results[1].returncode, results[0].stderr
    exports = [sorted((tmp_path / name).glob("*.zip")) for name in ("slicer", "library")]
    assert [path.name for path in exports[0]] == [path.name for path in exports[1]] != []
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*exports, strict=True))
    ours, theirs = (
        result.stdout.replace(str(tmp_path / name), "") for result, name in zip(results, ("slicer", "library"), strict=True)
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--help"], 0), (["prepare"], 2), (["prepare", "nowhere", "--output", "o"], 2), ([], 2)],
)
def test_every_path_ends_with_the_command_lines_status_and_words(arguments: list[str], status: int, home: Path) -> None:
    ours, theirs = slicer(arguments, home), library(arguments, home)
    assert ours.returncode == theirs.returncode == status
    assert ours.stdout == theirs.stdout
    assert "[slicer" not in ours.stdout


def test_a_missing_library_ends_with_2_and_says_so(home: Path, tmp_path: Path) -> None:
    alone = tmp_path / "deep" / "er" / "Scripts" / SCRIPT.name
    alone.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, alone)
    result = slicer(["--help"], home, alone)
    assert result.returncode == 2
    assert "USDICOMizerLib isn't beside the module" in result.stderr


def test_it_finds_the_library_where_the_extension_installs_it(home: Path, tmp_path: Path) -> None:
    installed = tmp_path / "qt-scripted-modules"
    (installed / "Scripts").mkdir(parents=True)
    shutil.copy(SCRIPT, installed / "Scripts")
    shutil.copytree(REPOSITORY / "USDICOMizerLib", installed / "USDICOMizerLib")
    assert slicer(["--version"], home, installed / "Scripts" / SCRIPT.name).returncode == 0


@pytest.mark.parametrize(
    ("ending", "status"),
    [("raise SystemExit(7)", 7), ("raise SystemExit('words')", 1), ("raise KeyboardInterrupt", 130), ("1 / 0", 1)],
)
def test_it_ends_whatever_the_library_does(ending: str, status: int, home: Path, tmp_path: Path) -> None:
    (tmp_path / "Scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "Scripts")
    package = tmp_path / "USDICOMizerLib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(f"def main(arguments):\n    {ending}\n")
    assert slicer([], home, tmp_path / "Scripts" / SCRIPT.name).returncode == status
