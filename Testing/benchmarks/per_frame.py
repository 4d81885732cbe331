"""Milliseconds a frame, memory, size and fidelity of whole jobs: read, crop, de-identify, write the ZIP.

    python Testing/benchmarks/per_frame.py                         every row, one worker
    python Testing/benchmarks/per_frame.py --frames 30 --inputs RGB --syntaxes same jpeg-baseline
    python Testing/benchmarks/per_frame.py --jobs 1 2              this library with two workers too, with ratios
    python Testing/benchmarks/per_frame.py --peer "python adaptor.py"    another program in turn, with ratios

A job is one cine, or an exam of 20 single frames; its time is divided by its frames. Both programs run as children that
stay, so that neither the interpreter's start nor its imports count, and take turns job by job. Text isn't looked for in
the pictures and no report is written, for the floor and a peer do neither; with `--everything` this library does both.

The interface of a peer's adaptor: a command that prints a line when it is ready, then takes jobs as lines of JSON,

    {"source": FILE OR FOLDER, "box": [left, top, right, bottom], "output": FOLDER, "options": [...]}

and prints a line when a job is done. What it writes into the output folder is measured; `options` are this library's.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from bench_sources import AREAS, Input, Source, centred, make_source
from floors import floor_of, output_bytes, processor_seconds
from pydicom import dcmread
from pydicom.pixels import iter_pixels

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.settings import default_settings_text, update_settings_text

REPOSITORY = Path(__file__).resolve().parents[2]
_BARE = {("review", "require_text_check"): "no", ("export", "report"): "no"}
_COLUMNS = "{:<29} {:>6} {:>9} {:<15} {:>16} {:>14} {:>9} {:>9} {:>9}"


@dataclass
class Measured:
    """What was measured of one program in one row."""

    milliseconds: list[float] = field(default_factory=list)  # a frame
    peak_kilobytes: int = 0  # RssAnon above that of the idle program, all imports made
    bytes: int = 0
    fidelity: float = math.nan  # PSNR in dB of the first frame; inf where it is exact

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def spread(self) -> str:
        return f"{min(self.milliseconds):.1f}-{max(self.milliseconds):.1f}"


class Child:
    """One program that takes jobs, and its memory (Linux: from /proc; elsewhere not measured)."""

    def __init__(self, command: Sequence[str], home: Path, *, by_processor: bool):
        self._by_processor = by_processor
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(home)
        )
        self._answer()

    def run(self, job: dict, measured: Measured, frames: int) -> None:
        begin = self._seconds()
        self._do(job)
        measured.milliseconds.append(1000 * (self._seconds() - begin) / frames)

    def warm_up(self, job: dict, measured: Measured) -> None:
        """Run a job that isn't timed, and watch the memory of it."""
        idle = self._anonymous()
        watching = True

        def watch() -> None:
            while watching:
                measured.peak_kilobytes = max(measured.peak_kilobytes, self._anonymous() - idle)
                time.sleep(0.002)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self._do(job)
        finally:
            watching = False
            watcher.join()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _seconds(self) -> float:
        if not self._by_processor:
            return time.perf_counter()
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system time of all threads

    def _do(self, job: dict) -> None:
        print(json.dumps(job), file=self._process.stdin, flush=True)
        self._answer()

    def _answer(self) -> None:
        if not self._process.stdout.readline():
            raise SystemExit("an adaptor ended; what it said stands above")

    def _anonymous(self) -> int:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        return int(status.split("RssAnon:")[1].split()[0]) if "RssAnon:" in status else 0


def _environment(home: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH", ""))))
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one_thread, "PYTHONPATH": path, "USDICOMIZER_HOME": str(home)}


@contextmanager
def _children(options: argparse.Namespace, home: Path) -> Iterator[list[Child]]:
    commands = [[sys.executable, str(Path(__file__).with_name("library_adaptor.py"))] for _ in options.jobs]
    commands += [shlex.split(options.peer)] if options.peer else []
    children = [Child(command, home, by_processor=options.clock == "processor") for command in commands]
    try:
        yield children
    finally:
        for child in children:
            child.close()


def measure(source: Source, box: CropBox, syntax: OutputSyntax, options: argparse.Namespace, scratch: Path) -> list[Measured]:
    """One row: the programs in turn, after a job each that isn't timed."""
    home = scratch / "home"
    if not options.everything:
        home.mkdir(exist_ok=True)
        (home / "settings.ini").write_text(update_settings_text(default_settings_text(), _BARE), encoding="utf-8")
    with _children(options, home) as children:
        results = [Measured() for _ in children]
        for turn in range(options.repeats + 1):
            for number, (child, result) in enumerate(zip(children, results, strict=True)):
                output = scratch / f"output-{number}"
                job = {"source": str(source.path), "box": [box.left, box.top, box.right, box.bottom], "output": str(output)}
                jobs = options.jobs[number] if number < len(options.jobs) else 1
                job["options"] = ["--transfer-syntax", syntax.value, "--jobs", str(jobs), *options.options]
                if turn:
                    child.run(job, result, source.frames)
                else:
                    child.warm_up(job, result)
                    result.bytes = output_bytes(output)
                    result.fidelity = fidelity(source, box, output)
                shutil.rmtree(output)
    return results


def fidelity(source: Source, box: CropBox, output: Path) -> float:
    """PSNR of the first frame that was written against the source's, both decoded by pydicom; nan where it can't be read."""
    try:
        expected = _first_frame(dcmread(source.first_file))[box.top : box.bottom, box.left : box.right]
        found = _first_frame(_first_written(output))
        error = np.mean((expected.astype(float) - found) ** 2)
    except Exception as problem:  # a peer's output may be anything
        print(f"the output can't be compared: {type(problem).__name__}", file=sys.stderr)
        return math.nan
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _first_written(output: Path):
    archives = sorted(output.rglob("*.zip"))
    if not archives:
        return dcmread(min(output.rglob("*.dcm")))
    with ZipFile(archives[0]) as archive:
        return dcmread(io.BytesIO(archive.read(min(name for name in archive.namelist() if name.endswith(".dcm")))))


def _first_frame(dataset) -> np.ndarray:
    frame = next(iter_pixels(dataset, indices=[0]))
    return frame if frame.ndim == 3 else frame[..., np.newaxis]


def _row(source: Source, box: CropBox, syntax: OutputSyntax, options: argparse.Namespace, scratch: Path) -> dict:
    results = measure(source, box, syntax, options, scratch)
    ours = results[0]
    clock = processor_seconds if options.clock == "processor" else time.perf_counter
    floor, made_of = floor_of(source, box, syntax, clock)
    frames = source.frames if source.path.is_file() else 1
    name = f"{box.width}x{box.height}"
    labels = ["", *(f"  {jobs} workers" for jobs in options.jobs[1:]), *(["  peer"] if options.peer else [])]
    ratio = f"{results[-1].median / ours.median:.2f}x the peer" if options.peer else ""
    for who, result in zip(labels, results, strict=True):
        exact = "exact" if math.isinf(result.fidelity) else f"{result.fidelity:.1f} dB"
        print(
            _COLUMNS.format(
                who or source.input,
                frames,
                name,
                syntax if not who else "",
                f"{result.median:.2f} ({result.spread})",
                f"{floor:.2f} ({ours.median / floor:.1f}x)" if not who else "",
                f"{result.peak_kilobytes / 1024:.0f} MB",
                f"{result.bytes / source.frames / 1000:.0f} kB",
                exact,
            ),
            ratio if not who else f"{ours.median / result.median:.2f}x" if "workers" in who else "",
            flush=True,
        )
    return {
        "input": source.input,
        "frames": frames,
        "area": name,
        "transfer_syntax": syntax,
        "floor": floor,
        "floor_is": made_of,
        "programs": [{**vars(result), "fidelity": str(result.fidelity)} for result in results],
    }


def main() -> None:
    """Print the table, and write it as JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", nargs="+", choices=[kind.name for kind in Input], default=[kind.name for kind in Input])
    parser.add_argument("--frames", nargs="+", type=int, default=[1, 30, 300])
    parser.add_argument("--areas", nargs="+", choices=[f"{width}x{height}" for width, height in AREAS])
    parser.add_argument("--syntaxes", nargs="+", choices=list(OutputSyntax), default=[OutputSyntax.SAME])
    parser.add_argument(
        "--jobs", type=int, nargs="+", default=[1], help="workers of this library; further numbers are compared with the first"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed jobs a row (default: 5)")
    parser.add_argument("--options", type=shlex.split, default=[], help="further options of prepare, as one text")
    parser.add_argument(
        "--everything", action="store_true", help="look for text in the pictures too, and write the report, as prepare does"
    )
    parser.add_argument("--peer", metavar="COMMAND", help="the adaptor of another program; see above")
    parser.add_argument(
        "--clock",
        choices=["wall", "processor"],
        default="wall",
        help="what is counted: time, or on a busy machine (Linux) the processor's time, which leaves out the disk",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--folder", type=Path, help="where sources and outputs go meanwhile (default: the system's)")
    options = parser.parse_args()
    areas = [area for area in AREAS if not options.areas or f"{area[0]}x{area[1]}" in options.areas]
    print(_COLUMNS.format("input", "frames", "area", "written as", "ms a frame", "floor", "memory", "a frame", "fidelity"))
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="usdicomizer-benchmark-") as folder:
        scratch = Path(folder)
        for frames in options.frames:
            for kind in (Input[name] for name in options.inputs):
                source = make_source(scratch, kind, frames)
                for area in areas:
                    for syntax in map(OutputSyntax, options.syntaxes):
                        rows.append(_row(source, centred(*area), syntax, options, scratch))
                shutil.rmtree(source.path) if source.path.is_dir() else source.path.unlink()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
