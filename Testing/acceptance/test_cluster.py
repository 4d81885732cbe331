"""Exams on the workers of a Dask scheduler: the same exports as here, and everything else comes back to one place."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cohort import make_cohort

from USDICOMizerLib.deidentify.pseudonyms import ProjectKey

EXAMS = 8


@pytest.fixture
def cohort(tmp_path) -> Path:
    return make_cohort(tmp_path / "in", EXAMS)


def exports(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}


def mapping(linkage: Path) -> list[tuple[str, ...]]:
    with (linkage / "uid_mapping.csv").open(encoding="utf-8", newline="") as stream:
        return sorted(map(tuple, csv.reader(stream)))


@contextlib.contextmanager
def dask(folder: Path, workers: int, **environment: str) -> Iterator[tuple[str, list[subprocess.Popen], Path]]:
    """A scheduler and its workers, as they are started by hand: address, the workers and last the scheduler, and their log."""
    pytest.importorskip("distributed")
    address_file, log = folder / "scheduler.json", folder / "dask.log"
    with log.open("wb") as stream, contextlib.ExitStack() as ending:

        def start(*arguments: object) -> subprocess.Popen:
            process = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + str(arguments[0]), *map(str, arguments[1:])],
                env={**os.environ, **environment},
                cwd=folder,
                stdout=stream,
                stderr=stream,
            )
            ending.callback(process.wait)
            ending.callback(process.kill)
            return process

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", address_file)
        while not address_file.exists():
            time.sleep(0.1)
        options = ["--nthreads", 1, "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", 60]
        processes = [start("worker", "--scheduler-file", address_file, *options) for _ in range(workers)]
        yield json.loads(address_file.read_text())["address"], [*processes, scheduler], log


def at_work(command: list, output: Path) -> subprocess.Popen:
    """The command as a process that has written two exports."""
    process = subprocess.Popen(
        [sys.executable, "-m", "USDICOMizerLib", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(exports(output)) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process


def test_a_killed_worker_changes_no_export_and_the_key_never_travels(usdicomizer, cohort, tmp_path, own_home):
    key = own_home / "project.key"
    common = ["prepare", cohort, "--accept-unreviewed", "--key", key, "--json"]
    here = usdicomizer(*common, "--output", tmp_path / "here", "--linkage", tmp_path / "linkage here", "--jobs", 1)
    assert here.status == 0
    with dask(tmp_path, 2) as (address, workers, log):
        command = [*common, "--output", tmp_path / "there", "--linkage", tmp_path / "linkage", "--scheduler", address]
        process = at_work(command, tmp_path / "there")
        workers[0].send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        secret = key.read_text().split()[-1]
        for written in (log.read_text(), said, errors):
            assert secret not in written
            assert "MRN-7" not in written
            assert "QUILLFEATHER" not in written
    assert exports(tmp_path / "there") == exports(tmp_path / "here")
    assert mapping(tmp_path / "linkage") == mapping(tmp_path / "linkage here")
    assert not list((tmp_path / "linkage" / "receipts").iterdir())
    assert (tmp_path / "linkage" / "plans").exists()


def test_a_scheduler_that_dies_is_told_and_the_run_can_be_resumed(usdicomizer, cohort, tmp_path):
    command = ["prepare", cohort, "--accept-unreviewed", "--output", tmp_path / "out", "--linkage", tmp_path / "linkage"]
    with dask(tmp_path, 1) as (address, processes, _):
        process = at_work([*command, "--scheduler", address], tmp_path / "out")
        processes[-1].kill()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "can't be reached any more" in errors
    assert "--resume" in errors
    assert "Please report it" not in errors
    assert "worker" not in errors, "no worker was lost"
    before = exports(tmp_path / "out")
    assert 2 <= len(before) < EXAMS
    ran = usdicomizer(*command, "--resume", "--json", "--jobs", 1)
    assert ran.status == 0, ran.stderr
    after = exports(tmp_path / "out")
    assert len(after) == EXAMS
    assert before.items() <= after.items()


def test_a_worker_without_the_key_makes_none_and_names_what_to_set(usdicomizer, cohort, tmp_path):
    with dask(tmp_path, 1, USDICOMIZER_KEY=str(tmp_path / "nowhere" / "project.key")) as (address, _, _):
        ran = usdicomizer("prepare", cohort, "--accept-unreviewed", "--output", "out", "--scheduler", address, "--json")
    assert ran.status == 1
    assert ran.result["outcomes"]["failed"] == 2 * EXAMS
    assert "KeyFileError" in ran.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_local_cluster_of_dask_does_as_well(usdicomizer, cohort, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        ran = usdicomizer(
            "prepare", cohort, "--accept-unreviewed", "--output", "out", "--scheduler", cluster.scheduler_address, "--json"
        )
    assert ran.status == 0, ran.stderr
    assert ran.result["outcomes"]["prepared"] == 2 * EXAMS


def test_the_key_cannot_be_sent():
    with pytest.raises(TypeError, match="never travels"):
        pickle.dumps(ProjectKey(bytes(32)))


def test_without_dask_the_extra_is_named(usdicomizer, cohort, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "distributed.py").write_text("raise ImportError('not installed')")
    ran = subprocess.run(
        [sys.executable, "-m", "USDICOMizerLib", "prepare", cohort, "--output", "out", "--scheduler", "tcp://127.0.0.1:1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(blocked), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert ran.returncode == 2
    assert ".[cluster]" in ran.stderr
