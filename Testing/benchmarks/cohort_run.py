"""How fast many exams are prepared, how much memory that takes, and that kills change nothing; for a quiet machine.

    python Testing/benchmarks/cohort_run.py                        200 exams of 6 JPEG cines: some minutes, 2 GB of disk
    python Testing/benchmarks/cohort_run.py --exams 20 --kills 4 --headers 1000

Makes a cohort, prepares it with one process and with two, exams by themselves for comparison, with kills at random moments,
and finds headers with and without the index. Text isn't looked for in the pictures and no reports are written, as neither
has to do with how the work is divided; with `--everything` both are done as `prepare` does them. Of the processors' time it
is told how much the process that divides the work took, for that part can't be divided (Linux).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "Testing" / "support")]
from cohort import exam_datasets, make_cohort  # noqa: E402
from pydicom import dcmwrite  # noqa: E402

from USDICOMizerLib.sample_exam import SampleKind  # noqa: E402
from USDICOMizerLib.settings import default_settings_text, update_settings_text  # noqa: E402

_BARE = {("review", "require_text_check"): "no", ("export", "report"): "no"}
_SECONDS_BETWEEN_LOOKS = 0.1
_FILES_AN_EXAM = 10  # of those that are only headers


@dataclass(frozen=True)
class Ran:
    """What a run took: seconds, processor seconds of the process that divides the work and of all others, most memory in MB."""

    seconds: float
    dividing: float
    working: float
    memory: int
    memory_of_dividing: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where all of it goes meanwhile (default: the system's); it is deleted")
    parser.add_argument("--exams", type=int, default=200)
    parser.add_argument("--instances", type=int, default=6, help="of each exam")
    parser.add_argument("--frames", type=int, default=20, help="of each instance")
    parser.add_argument("--size", type=int, nargs=2, default=(480, 640), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--uncompressed", action="store_true", help="uncompressed cines, which take ten times the room")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--headers", type=int, default=5000)
    parser.add_argument("--singles", type=int, default=10, help="exams that are prepared in a run of their own")
    parser.add_argument("--everything", action="store_true", help="look for text in the pictures too, and write reports")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder, prefix="usdicomizer-benchmark-") as folder:
        Benchmark(Path(folder), chosen).run()


class Benchmark:
    """The steps, on a cohort in a folder."""

    def __init__(self, folder: Path, chosen: argparse.Namespace):
        self._folder, self._chosen = folder, chosen
        self._environment = {
            **os.environ,
            "USDICOMIZER_HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH", "")))),
        }
        (folder / "home").mkdir()
        settings = update_settings_text(default_settings_text(), {} if chosen.everything else _BARE)
        (folder / "home" / "settings.ini").write_text(settings, encoding="utf-8")

    def run(self) -> None:
        """All steps; each says what it measured."""
        chosen = self._chosen
        say(f"making {chosen.exams} exams of {chosen.instances} instances")
        rows, columns = chosen.size
        shape = {"instances": chosen.instances, "frames": chosen.frames, "rows": rows, "columns": columns}
        kind = SampleKind.RGB_CINE if chosen.uncompressed else SampleKind.JPEG_CINE
        cohort = make_cohort(self._folder / "in", chosen.exams, **shape, kind=kind)
        size = sum(path.stat().st_size for path in cohort.rglob("IM_*"))
        say(f"{size / 1e9:.2f} GB, {chosen.frames} frames of {columns} x {rows} each, {os.cpu_count()} cores")
        one, undisturbed = self._whole(cohort, 1)
        two, by_two = self._whole(cohort, 2)
        self._require(by_two == undisturbed, "two processes made other exports than one")
        say(f"two processes are {one.seconds / two.seconds:.2f} times one")
        self._singles(cohort, one.seconds / chosen.exams)
        self._kills(cohort, undisturbed, two.seconds)
        self._headers()

    def _whole(self, cohort: Path, jobs: int) -> tuple[Ran, dict[str, str]]:
        """Prepare the cohort with so many processes; what it took, and the exports as digests."""
        output = self._folder / f"out{jobs}"
        ran = self._prepared(cohort, output, "--jobs", jobs)
        say(
            f"--jobs {jobs}: {ran.seconds:.1f} s, {3600 * self._chosen.exams / ran.seconds:.0f} exams an hour, "
            f"{ran.memory} MB at most in all"
        )
        if jobs > 1 and ran.dividing:
            share = ran.dividing / (ran.dividing + ran.working)
            say(
                f"    processors: {ran.dividing:.1f} s in the process that divides the work ({100 * share:.0f} %, "
                f"{ran.memory_of_dividing} MB at most), {ran.working:.1f} s in the others"
            )
        found = exports(output)
        self._require(len(found) == self._chosen.exams, f"{len(found)} exports of {self._chosen.exams} exams")
        shutil.rmtree(output)
        return ran, found

    def _singles(self, cohort: Path, among_all: float) -> None:
        """Prepare some exams in runs of their own."""
        output, seconds = self._folder / "singles", []
        for exam in sorted(cohort.iterdir())[: self._chosen.singles]:
            seconds.append(self._prepared(exam, output, "--jobs", 1).seconds)
        if seconds:
            say(f"in a run of its own an exam takes {sum(seconds) / len(seconds):.2f} s, among all {among_all:.2f} s")
            shutil.rmtree(output)

    def _kills(self, cohort: Path, undisturbed: dict[str, str], seconds: float) -> None:
        """Prepare the cohort with kills at random moments, resuming each time."""
        output, moments, longest = self._folder / "killed", random.Random(1), seconds
        for number in range(1, self._chosen.kills + 1):
            process = self._start(cohort, output, "--jobs", 2, "--resume")
            time.sleep(moments.uniform(0.5, max(4.0, 2 * longest / self._chosen.kills)))
            process.kill()
            process.communicate()
            say(f"    kill {number} of {self._chosen.kills}: {len(list(output.glob('*.zip')))} exports are there")
        self._prepared(cohort, output, "--jobs", 2, "--resume")
        self._require(exports(output) == undisturbed, "the exports of killed runs are others than those of an undisturbed one")
        say(f"{self._chosen.kills} kills later the exports are the same, byte for byte")
        shutil.rmtree(output)

    def _headers(self) -> None:
        """Time `inspect` of files, three times: the first reads all, the others ask the index."""
        folder, count = self._folder / "headers", self._chosen.headers
        make_headers(folder, count)
        time.sleep(3)  # what was written to just now isn't kept in the index
        for what in ("reads every header", "asks the index", "asks the index"):
            ran = self._finished(self._begun("inspect", folder, "--json"))
            say(
                f"inspect of {count} files {what}: {ran.seconds:.1f} s; processors: {ran.dividing:.1f} s in the process that "
                f"asks, {ran.working:.1f} s in the others; {ran.memory_of_dividing} MB at most in the first"
            )
        index = self._folder / "home" / "data" / "linkage" / "headers.sqlite"
        if index.exists():
            say(f"the index takes {index.stat().st_size / count / 1000:.1f} kB a file")

    def _prepared(self, source: Path, output: Path, *options: object) -> Ran:
        return self._finished(self._start(source, output, *options))

    def _start(self, source: Path, output: Path, *options: object) -> subprocess.Popen:
        linkage = output.with_name(f"{output.name}-linkage")
        return self._begun("prepare", source, "--output", output, "--linkage", linkage, "--accept-unreviewed", "--json", *options)

    def _begun(self, *command: object) -> subprocess.Popen:
        with (self._folder / "said").open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "USDICOMizerLib", *map(str, command)],
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    def _finished(self, process: subprocess.Popen) -> Ran:
        """Wait for a command, and watch what it takes. Ends the benchmark with what the command said where it went wrong."""
        began, before, dividing, most, most_of_dividing = time.monotonic(), waited_for(), 0.0, 0, 0
        while process.poll() is None:
            own = resident(process.pid)
            most = max(most, own + sum(map(resident, children(process.pid))))
            most_of_dividing, dividing = max(most_of_dividing, own), max(dividing, processor_seconds(process.pid))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        ran = Ran(time.monotonic() - began, dividing, waited_for() - before - dividing, most, most_of_dividing)
        self._require(process.returncode == 0, f"exit status {process.returncode} of: {' '.join(map(str, process.args))}")
        return ran

    def _require(self, well: bool, otherwise: str) -> None:
        if not well:
            said = (self._folder / "said").read_text(errors="replace").splitlines()
            ends = [line for line in said if not line.endswith((" prepared", " unchanged"))][-20:]
            raise SystemExit("\n".join([f"It went wrong: {otherwise}", "What the last command said at its end:", *ends]))


def say(words: str) -> None:
    """One line of the result, at once."""
    print(words, flush=True)


def children(pid: int) -> Sequence[int]:
    """The processes that a process has started; none where /proc doesn't say."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident(pid: int) -> int:
    """Resident memory of a process in MB; 0 where /proc doesn't say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 10**6
    except (OSError, IndexError):
        return 0


def processor_seconds(pid: int) -> float:
    """What a process itself has taken of the processors so far; 0 where /proc doesn't say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


def waited_for() -> float:
    """What all commands that have ended, with those that they started, took of the processors."""
    times = os.times()
    return times.children_user + times.children_system


def exports(folder: Path) -> dict[str, str]:
    """The exports of a folder by name, as digests of their bytes."""
    found = {}
    for path in folder.glob("*.zip"):
        with path.open("rb") as stream:
            found[path.name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


def make_headers(folder: Path, count: int) -> None:
    """Write so many files with a tiny picture, 10 to an exam."""
    (dataset,) = exam_datasets(1, 1, rows=32, columns=32)
    for number in range(count):
        exam = number // _FILES_AN_EXAM
        target = folder / f"{exam:05d}"
        target.mkdir(parents=True, exist_ok=True)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.PatientID = f"1.2.3.{exam}", f"1.2.3.{exam}.1", f"P{exam}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{exam}.1.{number}"
        dcmwrite(target / str(number), dataset, enforce_file_format=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
