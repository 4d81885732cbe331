"""A folder that studies arrive in: what is complete and ready is prepared, the rest waits for a person."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cohort import make_cohort

from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.settings import default_settings_text, update_settings_text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@contextlib.contextmanager
def watching(
    folder: Path,
    output: Path,
    home: Path,
    *options: str,
    ended_by: int = signal.SIGTERM,
    program: Sequence[str] = ("-m", "USDICOMizerLib"),
) -> Iterator[None]:
    command = ["watch", folder, "--output", output, "--settle", "1", "--jobs", "1", *options]
    process = subprocess.Popen(
        [sys.executable, *program, *map(str, command)],
        env={**os.environ, "USDICOMIZER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield
        process.send_signal(ended_by)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "Watching has ended" in said
        assert not list(output.glob(".*"))
    finally:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def exports(output: Path) -> list[Path]:
    return sorted(output.glob("*.zip"))


def listed(home: Path) -> list[dict[str, str]]:
    path = home / "data" / "linkage" / "waiting" / "waiting.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def audited(home: Path) -> list[str]:
    return (home / "data" / "linkage" / "audit.jsonl").read_text().splitlines()


def test_a_study_that_has_stopped_growing_is_prepared_and_grows_on(tmp_path, own_home):
    ready = make_cohort(tmp_path / "made", 2)
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    with watching(folder, output, own_home, "--accept-unreviewed", ended_by=signal.SIGINT):
        shutil.copytree(ready / "00001", folder / "a")
        wait_until(lambda: len(exports(output)) == 1)
        (folder / "b").mkdir()
        shutil.copy(ready / "00002" / "IM_1", folder / "b")
        wait_until(lambda: len(exports(output)) == 2)
        grown = max(exports(output), key=lambda path: path.stat().st_mtime_ns)
        before = grown.stat().st_size
        shutil.copy(ready / "00002" / "IM_2", folder / "b")
        wait_until(lambda: grown.stat().st_size > 1.5 * before)
    times = [path.stat().st_mtime_ns for path in exports(output)]
    with watching(folder, output, own_home, "--accept-unreviewed"):
        lines = len(audited(own_home))
        wait_until(lambda: len(audited(own_home)) == lines + 2)
    assert [path.stat().st_mtime_ns for path in exports(output)] == times, "another watch does nothing twice"


def test_a_plan_that_a_person_has_corrected_and_not_yet_reviewed_keeps_what_was_corrected(tmp_path, own_home):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    waiting = own_home / "data" / "linkage" / "waiting"
    with watching(folder, output, own_home):
        wait_until(lambda: bool(listed(own_home)))
        (row,) = listed(own_home)
        plan = waiting / row["plan"]
        text = plan.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        corrected = text.replace(f",{rows[0]['crop']},", ",16 8 100 80,")
        assert corrected != text
        plan.write_text(corrected, encoding="utf-8")
        wait_until(lambda: plan.read_text(encoding="utf-8") != corrected or listed(own_home)[0]["written"] == "")
        time.sleep(2)
        assert "16 8 100 80" in plan.read_text(encoding="utf-8-sig")
    with watching(folder, output, own_home):
        time.sleep(3)
        assert "16 8 100 80" in plan.read_text(encoding="utf-8-sig")
    assert not exports(output)


def test_what_is_not_ready_waits_in_a_list_until_a_person_saves_its_plan(tmp_path, own_home):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    waiting = own_home / "data" / "linkage" / "waiting"
    with watching(folder, output, own_home):
        wait_until(lambda: bool(listed(own_home)))
        (row,) = listed(own_home)
        assert row["problems"] == "not-reviewed"
        assert not exports(output)
        plan = waiting / row["plan"]
        wait_until(plan.exists)
        assert len(list((waiting / row["exam"]).glob("*.png"))) == 2
        assert {path.stat().st_mode & 0o077 for path in (waiting, plan)} == {0}
        text = plan.read_text(encoding="utf-8-sig")
        plan.write_text(text.replace(",no,", ",maybe,"), encoding="utf-8")
        wait_until(lambda: "mistake" in listed(own_home)[0]["problems"])
    with watching(folder, output, own_home):
        plan.write_text(text.replace(",no,", ",yes,"), encoding="utf-8")
        wait_until(lambda: bool(exports(output)))
        wait_until(lambda: listed(own_home) == [] and not plan.exists())
    before = len(audited(own_home))
    with watching(folder, output, own_home):
        wait_until(lambda: len(audited(own_home)) > before)
        (folder / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
        assert '"unchanged": 2' in audited(own_home)[-1], "what a person decided is known to the next watch"
        wait_until(lambda: [(row["problems"], row["exam"]) for row in listed(own_home)] == [("damaged-zip", "")])
    assert len(exports(output)) == 1


def test_text_that_only_the_pixels_show_waits_for_a_person(tmp_path, own_home, plain_settings):
    changes = {("review", "require_text_check"): "yes", ("export", "report"): "no"}
    plain_settings.write_text(update_settings_text(default_settings_text(), changes), encoding="utf-8")
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    make_sample_exam(folder / "exam.zip")
    with watching(folder, output, own_home, "--crop", "0,0,800,590", "--accept-unreviewed"):
        wait_until(lambda: [row["problems"] for row in listed(own_home)] == ["text-in-image"], 120)
        time.sleep(3)  # it looks again meanwhile
        assert [row["problems"] for row in listed(own_home)] == ["text-in-image"]
        assert not exports(output)


SAVED_MEANWHILE = """
import os, sys
from pathlib import Path
from USDICOMizerLib import cli, watch
from USDICOMizerLib.project import Project

old, new = (",yes,2,", ",no,2,") if sys.argv[1] == "export" else (",16 8 100 80,", ",20 10 90 70,")
folder = Path(os.environ["USDICOMIZER_HOME"]) / "data" / "linkage" / "waiting"
saved = []

def save():
    for plan in folder.glob("*.csv"):
        text = plan.read_text(encoding="utf-8-sig")
        if plan.name != "waiting.csv" and not saved and old in text:
            saved.append(plan)
            plan.write_text(text.replace(old, new), encoding="utf-8")

def then_save(function):
    def called(*arguments):
        result = function(*arguments)
        save()
        return result
    return called

if sys.argv[1] == "export":
    Project.prepare = then_save(Project.prepare)
else:
    watch.write_after_images = then_save(watch.write_after_images)
sys.exit(cli.main(sys.argv[2:]))
"""


def shown_to_a_person(home: Path) -> tuple[Path, str]:
    """The plan of the one exam that waits, and what it holds."""
    wait_until(lambda: bool(listed(home)))
    plan = home / "data" / "linkage" / "waiting" / listed(home)[0]["plan"]
    return plan, plan.read_text(encoding="utf-8-sig")


def test_a_plan_that_is_saved_while_its_exam_is_prepared_is_followed_in_the_next_look(tmp_path, own_home):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    with watching(folder, output, own_home, program=("-c", SAVED_MEANWHILE, "export")):
        plan, text = shown_to_a_person(own_home)
        plan.write_text(text.replace(",no,", ",yes,"), encoding="utf-8")
        wait_until(lambda: bool(exports(output)) and not plan.exists(), 20)
    with zipfile.ZipFile(exports(output)[0]) as archive:
        assert len(archive.read("manifest.csv").decode("utf-8-sig").splitlines()) == 2, "the second instance was excluded"


def test_a_plan_that_is_saved_while_its_pictures_are_made_is_not_overwritten(tmp_path, own_home):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    with watching(folder, output, own_home, program=("-c", SAVED_MEANWHILE, "pictures")):
        plan, text = shown_to_a_person(own_home)
        (crop,) = {row["crop"] for row in csv.DictReader(text.splitlines())}
        plan.write_text(text.replace(f",{crop},", ",16 8 100 80,"), encoding="utf-8")
        wait_until(lambda: listed(own_home)[0]["written"] == "" and "16 8 100 80" not in plan.read_text(encoding="utf-8-sig"))
        time.sleep(2)
        assert plan.read_text(encoding="utf-8-sig").count(",20 10 90 70,") == 2


def test_a_second_watch_with_the_same_linkage_is_refused_and_told_what_to_do(tmp_path, own_home, usdicomizer):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    with watching(folder, output, own_home):
        wait_until(lambda: bool(listed(own_home)))
        second = usdicomizer("watch", folder, "--output", tmp_path / "other", "--settle", "1")
        assert second.status == 2
        assert "Another watch" in second.stderr and "--linkage" in second.stderr


def test_a_watched_folder_that_vanishes_is_waited_for(tmp_path, own_home):
    folder, output = make_cohort(tmp_path / "in", 1), tmp_path / "out"
    with watching(folder, output, own_home, "--accept-unreviewed"):
        wait_until(lambda: len(exports(output)) == 1)
        folder.rename(tmp_path / "away")
        time.sleep(1.5)
        make_cohort(tmp_path / "away", 1, first=500)
        (tmp_path / "away").rename(folder)
        wait_until(lambda: len(exports(output)) == 2, 20)
