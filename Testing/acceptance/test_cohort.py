"""Many exams at once: the same exports however many processes make them, and one bad exam stops no other."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from cohort import make_cohort

EXAMS = 8


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return make_cohort(tmp_path_factory.mktemp("cohort") / "in", EXAMS)


def exports(folder: Path) -> dict[str, str]:
    """The exports of a folder by name, as digests of their bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}


def table(linkage: Path, name: str) -> list[tuple[str, ...]]:
    with (linkage / name).open(encoding="utf-8", newline="") as stream:
        return [tuple(row) for row in csv.reader(stream)][1:]


class Project:
    """Runs of `prepare` with a linkage of their own and one key, so that their exports can be compared."""

    def __init__(self, folder: Path, home: Path, source: Path):
        self.output, self.linkage = folder / "out", folder / "linkage"
        self._command = [
            sys.executable, "-m", "USDICOMizerLib", "prepare", source, "--output", self.output, "--accept-unreviewed",
            "--key", home / "project.key", "--linkage", self.linkage, "--progress", "json", "--json",
        ]  # fmt: skip
        self._home = home

    def start(self, *options: object, **popen: object) -> subprocess.Popen:
        return subprocess.Popen(
            [*self._command, *map(str, options)],
            env={**os.environ, "USDICOMIZER_HOME": str(self._home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )

    def run(self, *options: object) -> tuple[int, list[dict], str]:
        process = self.start(*options)
        said, errors = process.communicate(timeout=120)
        return process.returncode, [json.loads(line) for line in said.splitlines()], errors


@pytest.fixture
def project(tmp_path, own_home, cohort):
    return lambda name, source=cohort: Project(tmp_path / name, own_home, source)


def test_the_number_of_processes_changes_no_export_and_no_row(project):
    alone, together = project("alone"), project("together")
    assert alone.run("--jobs", 1)[0] == 0
    status, events, _ = together.run("--jobs", 2)
    assert status == 0
    assert len(exports(together.output)) == EXAMS
    assert exports(together.output) == exports(alone.output)
    for name in ("uid_mapping.csv", "patid_mapping.csv", "exam_mapping.csv"):
        rows = table(together.linkage, name)
        assert sorted(rows) == sorted(table(alone.linkage, name))
        assert len(rows) == len(set(rows))
    ended = [event for event in events if event["event"] == "exam"]
    assert [event["done"] for event in ended] == list(range(1, EXAMS + 1))
    assert all(event["of"] == EXAMS and event["per_hour"] > 0 and event["seconds_left"] >= 0 for event in ended)
    assert not list((together.linkage / "receipts").iterdir())
    assert not list((together.linkage / "runs").iterdir())


def test_the_results_come_in_the_order_of_the_input(project):
    orders = [[exam["exam"] for exam in project(str(jobs)).run("--jobs", jobs)[1][-1]["exams"]] for jobs in (1, 2)]
    assert orders[0] == orders[1]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_runs_that_were_killed_and_resumed_make_what_an_undisturbed_one_makes(project):
    undisturbed, disturbed = project("undisturbed"), project("disturbed")
    began = time.monotonic()
    assert undisturbed.run("--jobs", 2)[0] == 0
    lasts = time.monotonic() - began
    moments = random.Random(7)
    for _ in range(4):
        process = disturbed.start("--jobs", 2, "--resume")
        time.sleep(moments.uniform(0.3, 1.0) * lasts)
        process.kill()
        process.communicate()
    status, events, said = disturbed.run("--jobs", 2, "--resume")
    assert status == 0, said
    assert exports(disturbed.output) == exports(undisturbed.output)
    assert {path.name for path in disturbed.output.iterdir()} == {path.name for path in undisturbed.output.iterdir()}
    for name in ("uid_mapping.csv", "patid_mapping.csv"):
        rows = table(disturbed.linkage, name)
        assert len(rows) == len(set(rows)), "no row is doubled"
        assert set(rows) == set(table(undisturbed.linkage, name)), "no row is lost"
    ended = table(disturbed.linkage, "sources.csv")
    assert len(ended) == len(set(ended))
    audits = [json.loads(line) for line in (disturbed.linkage / "audit.jsonl").read_text().splitlines()]
    assert {line["exam"] for line in audits} == {exam["exam"] for exam in events[-1]["exams"]}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_an_interrupt_finishes_the_exams_in_hand_and_says_how_to_go_on(project):
    interrupted = project("interrupted")
    process = interrupted.start("--jobs", 2, start_new_session=True)
    while '"event": "exam"' not in process.stdout.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    said, errors = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)  # a shell says 130 for either
    assert "--resume" in errors
    result = json.loads(said.splitlines()[-1])
    done = exports(interrupted.output)
    assert len(done) == len(result["exams"]) == EXAMS - result["left"]
    assert 0 < len(done) < EXAMS
    assert not list(interrupted.output.glob(".*"))
    status, events, _ = interrupted.run("--resume")
    assert status == 0
    assert events[-1]["outcomes"]["unchanged"] == 2 * len(done)
    assert len(exports(interrupted.output)) == EXAMS


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_second_interrupt_stops_at_once_and_leaves_nothing_half_written(project):
    interrupted = project("interrupted")
    process = interrupted.start("--jobs", 2, start_new_session=True)
    while '"event": "exam"' not in process.stdout.readline():
        assert process.poll() is None
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)
    process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)  # a shell says 130 for either
    assert not list(interrupted.output.glob(".*"))


def children(pid: int) -> list[int]:
    """The processes that a process has started, on Linux."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
def test_a_worker_that_is_killed_costs_nothing(project):
    disturbed, undisturbed = project("disturbed"), project("undisturbed")
    assert undisturbed.run()[0] == 0
    process = disturbed.start("--jobs", 2)
    while '"event": "exam"' not in process.stdout.readline():
        assert process.poll() is None
    workers = [child for child in children(process.pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(workers[-1], signal.SIGKILL)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert exports(disturbed.output) == exports(undisturbed.output)
    assert json.loads(said.splitlines()[-1])["outcomes"]["prepared"] == 2 * EXAMS


def test_one_bad_exam_stops_no_other(project, cohort, tmp_path):
    source = shutil.copytree(cohort, tmp_path / "in")
    bad = source / "00003" / "IM_2"
    bad.write_bytes(bad.read_bytes()[:-20_000])
    status, events, said = project("out", source).run("--jobs", 2)
    assert status == 1
    assert Counter(events[-1]["outcomes"]) == Counter({"prepared": 2 * EXAMS - 1, "refused": 1} | dict.fromkeys(
        ("unchanged", "excluded", "skipped", "failed"), 0
    ))  # fmt: skip
    assert "damaged-pixel-data" in said


@pytest.mark.skipif(os.name == "nt", reason="POSIX limits")
def test_a_full_disk_fails_the_exams_that_do_not_fit_by_name_and_no_other(project, cohort, tmp_path):
    source = shutil.copytree(cohort, tmp_path / "in")
    make_cohort(source, 2, first=500, rows=700, columns=900)
    limited = ["bash", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "-"]
    run = project("out", source)
    run._command = [*limited, *run._command]
    status, events, said = run.run("--jobs", 2)
    assert status == 1
    assert events[-1]["outcomes"]["prepared"] == 2 * EXAMS
    assert events[-1]["outcomes"]["failed"] == 4
    assert "File too large" in said
    assert len(exports(run.output)) == EXAMS
    assert not list(run.output.glob(".*"))


def test_the_ledger_holds_nothing_that_identifies(project, cohort):
    run = project("out")
    run.run()
    ledger = (run.output / "ledger.jsonl").read_text()
    assert len(ledger.splitlines()) == EXAMS
    for old, _ in (*table(run.linkage, "uid_mapping.csv"), *table(run.linkage, "patid_mapping.csv")):
        assert old not in ledger
    assert str(cohort) not in ledger


def test_resuming_does_what_changed_and_nothing_twice(project, cohort, tmp_path):
    source = shutil.copytree(cohort, tmp_path / "in")
    run = project("out", source)
    run.run()
    before = {path.name: path.stat().st_mtime_ns for path in run.output.glob("*.zip")}
    changed = source / "00005" / "IM_1"
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    status, events, _ = run.run("--resume", "--jobs", 2)
    assert status == 0
    assert events[-1]["outcomes"]["unchanged"] == 2 * (EXAMS - 1)
    assert events[-1]["outcomes"]["prepared"] == 2
    after = {path.name: path.stat().st_mtime_ns for path in run.output.glob("*.zip")}
    assert sum(before[name] != after[name] for name in before) == 1
