from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from USDICOMizerLib.processes import Lost, can_start_processes, in_processes, interpreter, processes_kept


def square(common: int, task: int) -> int:
    return common * task * task


def dies_at_three(common: str, task: int) -> int:
    """Ends its process at task 3: always, or the first time only where `common` names a file to remember by."""
    if task == 3 and not (common and Path(common).exists()):
        if common:
            Path(common).touch()
        os._exit(1)
    return task


def slow(_common: None, task: int) -> int:
    time.sleep(0.2)
    return task


def process_of(_common: None, _task: int) -> int:
    return os.getpid()


def test_every_task_gets_its_answer():
    assert sorted(in_processes(square, 2, range(20), 2)) == [(n, 2 * n * n) for n in range(20)]


def test_a_task_whose_process_is_lost_is_tried_again(tmp_path):
    answers = dict(in_processes(dies_at_three, str(tmp_path / "once"), range(6), 2))
    assert answers == {n: n for n in range(6)}


def test_a_task_that_costs_two_processes_is_lost_and_no_other():
    answers = dict(in_processes(dies_at_three, "", range(6), 2))
    assert isinstance(answers.pop(3), Lost)
    assert answers == {n: n for n in range(6) if n != 3}


def test_tasks_are_taken_when_there_is_a_process_for_them():
    taken = []

    def tasks():
        for number in range(10):
            taken.append(number)
            yield number

    answers = in_processes(square, 1, tasks(), 2)
    next(answers)
    assert len(taken) <= 4, "the first two, and those that took their places"
    answers.close()


def test_a_process_has_its_next_task_before_the_caller_has_looked_at_an_answer():
    taken = []

    def tasks():
        for number in range(3):
            taken.append(number)
            yield number

    answers = in_processes(square, 1, tasks(), 1)
    assert next(answers) == (0, 0)
    assert taken == [0, 1]
    answers.close()


def test_those_in_hand_are_finished_when_it_is_stopped():
    asked = iter([False, False])  # once for each process
    done = [task for task, _ in in_processes(slow, None, range(10), 2, is_stopping=lambda: next(asked, True))]
    assert sorted(done) == [0, 1]


def test_one_whose_process_is_lost_when_it_is_stopped_has_no_answer():
    assert list(in_processes(dies_at_three, "", [3], 1, is_stopping=iter([False, True, True]).__next__)) == []


INTERRUPTED_AT_ONCE = """
import operator, os, signal
from USDICOMizerLib.processes import in_processes

def tasks():
    yield 1
    os.killpg(0, signal.SIGINT)  # the first process has only just been started
    yield 2

pressed = []
signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
print(sorted(in_processes(operator.add, 0, tasks(), 2, is_stopping=lambda: bool(pressed))))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_no_process_that_has_only_just_been_started():
    said = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_ONCE], start_new_session=True, capture_output=True, text=True, timeout=60
    )
    assert said.stdout.strip() == "[(1, 1), (2, 2)]", said.stderr


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_process_that_is_killed_while_it_waits_is_replaced():
    def tasks():
        yield 1
        (waiting,) = multiprocessing.active_children()
        os.kill(waiting.pid, signal.SIGKILL)
        yield 2

    answers = dict(in_processes(process_of, None, tasks(), 1))
    assert answers[1] != answers[2]


def test_processes_that_are_kept_do_other_work_and_end_with_the_block():
    with processes_kept():
        first = {pid for _, pid in in_processes(process_of, None, range(4), 1)}
        assert dict(in_processes(square, 3, range(4), 1)) == {n: 3 * n * n for n in range(4)}
        assert {pid for _, pid in in_processes(process_of, None, range(4), 1)} == first
        (pid,) = first
        os.kill(pid, signal.SIGTERM)
        assert first.isdisjoint(pid for _, pid in in_processes(process_of, None, range(4), 1)), "it is replaced"
    (after,) = {pid for _, pid in in_processes(process_of, None, range(1), 1)}
    assert after not in first
    assert not multiprocessing.active_children()


ENDED_AT_ANY_MOMENT = """
import operator
from USDICOMizerLib.processes import in_processes

if __name__ == "__main__":
    for _ in range(6):
        answers = in_processes(operator.add, 0, range(4), 2)
        next(answers)
        answers.close()  # one process waits, has just answered, or is only being started
"""


def test_processes_that_are_ended_say_nothing(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(ENDED_AT_ANY_MOMENT)
    said = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="a file that can be executed")
def test_inside_of_slicer_its_python_is_started(tmp_path, monkeypatch):
    python = tmp_path / "PythonSlicer"
    python.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/SlicerApp-real")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))
    assert not can_start_processes()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter() == str(python)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "SlicerApp-real"))
    assert interpreter() == str(python)
