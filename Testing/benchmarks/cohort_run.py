"""How fast many exams are prepared, and that kills change nothing: python Testing/benchmarks/cohort_run.py FOLDER.

Makes a cohort in FOLDER (200 exams of 2 small cines unless told), prepares it with one process and with two, each exam by
itself for comparison, with kills at random moments, and finds 5,000 headers with and without the index. For a quiet machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from cohort import exam_datasets, make_cohort  # noqa: E402
from pydicom import dcmwrite  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--exams", type=int, default=200)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--headers", type=int, default=5000)
    parser.add_argument("--singles", type=int, default=10, help="exams that are prepared in a run of their own")
    chosen = parser.parse_args()
    os.environ["USDICOMIZER_HOME"] = str(chosen.folder / "home")
    cohort = make_cohort(chosen.folder / "in", chosen.exams, frames=chosen.frames, rows=480, columns=640)
    size = sum(path.stat().st_size for path in cohort.rglob("IM_*"))
    print(f"{chosen.exams} exams, {size / 1e9:.2f} GB, {os.cpu_count()} cores")
    seconds = {}
    for jobs in (1, 2):
        seconds[jobs], memory = prepared(cohort, chosen.folder / f"out{jobs}", "--jobs", jobs)
        print(
            f"--jobs {jobs}: {seconds[jobs]:.1f} s, {3600 * chosen.exams / seconds[jobs]:.0f} exams an hour, {memory} MB at most"
        )
    print(f"two processes are {seconds[1] / seconds[2]:.2f} times one")
    singles = [prepared(exam, chosen.folder / "singles", "--jobs", 1)[0] for exam in sorted(cohort.iterdir())[: chosen.singles]]
    print(f"in a run of its own an exam takes {sum(singles) / len(singles):.2f} s, among all {seconds[1] / chosen.exams:.2f} s")
    assert exports(chosen.folder / "out1") == exports(chosen.folder / "out2")
    moments = random.Random(1)
    for _ in range(chosen.kills):
        process = start(cohort, chosen.folder / "killed", "--jobs", 2, "--resume")
        time.sleep(moments.uniform(0.5, max(1.0, 2 * seconds[2] / chosen.kills)))
        process.kill()
        process.wait()
    prepared(cohort, chosen.folder / "killed", "--jobs", 2, "--resume")
    assert exports(chosen.folder / "killed") == exports(chosen.folder / "out1")
    print(f"{chosen.kills} kills later the exports are the same, byte for byte")
    headers(chosen.folder / "headers", chosen.headers)


def start(source: Path, output: Path, *options: object) -> subprocess.Popen:
    linkage = output.with_name(f"{output.name}-linkage")
    command = ["prepare", source, "--output", output, "--linkage", linkage, "--accept-unreviewed", "--json", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "USDICOMizerLib", *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def prepared(source: Path, output: Path, *options: object) -> tuple[float, int]:
    """Seconds, and the most memory that the run and all of its processes had at once, in MB (Linux)."""
    began, most = time.monotonic(), 0
    process = start(source, output, *options)
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.2)
    assert process.returncode == 0
    return time.monotonic() - began, most


def resident(pid: int) -> int:
    """Resident memory of a process and of those that it started, in MB; 0 where /proc doesn't say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 10**6 + sum(resident(int(child)) for child in children)


def exports(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}


def headers(folder: Path, count: int) -> None:
    """Time `inspect` of so many files of 10 to an exam, three times: the first reads all, the others ask the index."""
    (dataset,) = exam_datasets(1, 1, rows=32, columns=32)
    for number in range(count):
        target = folder / f"{number // 10:05d}"
        target.mkdir(parents=True, exist_ok=True)
        dataset.StudyInstanceUID, dataset.PatientID = f"1.2.3.{number // 10}", f"P{number // 10}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number // 10}.{number}"
        dcmwrite(target / str(number), dataset, enforce_file_format=True)
    time.sleep(3)  # what was written to just now isn't kept in the index
    for what in ("reads every header", "asks the index", "asks the index"):
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "USDICOMizerLib", "inspect", folder, "--json"], stdout=subprocess.DEVNULL, check=True
        )
        print(f"inspect of {count} files {what}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
