"""Peak memory is that of a few frames, whatever the length of the cine."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

# Prints the peak of anonymous memory above that of the interpreter with its imports, in kB; what mapped files and the page
# cache hold doesn't count.
MEASURE = """
import sys, threading, time
from pathlib import Path
import numpy, PIL.Image, pydicom.pixels
from USDICOMizerLib.cli import main

def anonymous():
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])

idle = anonymous()
peak, done = 0, False

def watch():
    global peak
    while not done:
        peak = max(peak, anonymous())
        time.sleep(0.002)

watcher = threading.Thread(target=watch)
watcher.start()
status = main(sys.argv[1:])
done = True
watcher.join()
print(peak - idle)
sys.exit(status)
"""


def peak_of(frames: int, kind: SampleKind, syntax: str, folder: Path, home: Path) -> int:
    source = folder / f"{kind}-{frames}.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(kind, frames=frames)))
    return peak_of_file(source, syntax, folder, home)


def peak_of_file(source: Path, syntax: str, folder: Path, home: Path, *options: str) -> int:
    """Prepare a file in a process of its own; the export is removed, as it may be large."""
    output = folder / f"{source.stem}-{syntax}"
    arguments = [
        "prepare",
        source,
        "--output",
        output,
        "--accept-unreviewed",
        "--transfer-syntax",
        syntax,
        *options,
    ]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, arguments)],
        env={**os.environ, "USDICOMIZER_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    shutil.rmtree(output)
    return int(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "syntax"), [(SampleKind.RGB_CINE, "same"), (SampleKind.JPEG_CINE, "same"), (SampleKind.RGB_CINE, "jpeg-ls")]
)
def test_a_cine_ten_times_as_long_takes_no_more_memory(tmp_path, own_home, kind, syntax):
    short = peak_of(6, kind, syntax, tmp_path, own_home)
    long = peak_of(60, kind, syntax, tmp_path, own_home)
    assert long < short + 16_000, f"{short} kB for 6 frames, {long} kB for 60"


@pytest.mark.parametrize(("syntax", "jobs"), [("same", "1"), ("jpeg-baseline", "4"), ("htj2k", "2")])
def test_300_frames_of_864_megabytes_take_150_at_most(tmp_path, own_home, syntax, jobs):
    source = tmp_path / "long.dcm"
    write_long_cine(source, frames=300, rows=800, columns=1200)
    assert source.stat().st_size > 864_000_000
    peak = peak_of_file(source, syntax, tmp_path, own_home, "--crop", "312,184,888,616", "--jobs", jobs)
    source.unlink()
    assert peak < 150_000, f"{peak} kB"


def write_long_cine(path: Path, *, frames: int, rows: int, columns: int) -> None:
    """An RGB cine whose frames are a hole in the file but for the first, so that it takes no room on the disk."""
    dataset = sample_dataset(SampleKind.RGB_CINE, frames=1)
    del dataset.PixelData, dataset.SequenceOfUltrasoundRegions
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames, rows, columns
    frame = rows * columns * 3
    with path.open("wb") as stream:
        stream.write(dicom_bytes(dataset))
        stream.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, frames * frame))
        stream.write(bytes(range(256)) * (frame // 256))
        stream.truncate(stream.tell() + frame * (frames - 1))
