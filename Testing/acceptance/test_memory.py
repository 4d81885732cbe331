"""Peak memory is that of a few frames, whatever the length of the cine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

# Prints the peak of anonymous memory in kB: what mapped files and the page cache hold doesn't count.
MEASURE = """
import sys, threading, time
from pathlib import Path
from USDICOMizerLib.cli import main

peak, done = 0, False

def watch():
    global peak
    while not done:
        status = Path("/proc/self/status").read_text()
        peak = max(peak, int(status.split("RssAnon:")[1].split()[0]))
        time.sleep(0.002)

watcher = threading.Thread(target=watch)
watcher.start()
status = main(sys.argv[1:])
done = True
watcher.join()
print(peak)
sys.exit(status)
"""


def peak_of(frames: int, kind: SampleKind, syntax: str, folder: Path, home: Path) -> int:
    source = folder / f"{kind}-{frames}.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(kind, frames=frames)))
    arguments = [
        "prepare",
        source,
        "--output",
        folder / f"{kind}-{frames}-{syntax}",
        "--accept-unreviewed",
        "--transfer-syntax",
        syntax,
    ]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, arguments)],
        env={**os.environ, "USDICOMIZER_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "syntax"), [(SampleKind.RGB_CINE, "same"), (SampleKind.JPEG_CINE, "same"), (SampleKind.RGB_CINE, "jpeg-ls")]
)
def test_a_cine_ten_times_as_long_takes_no_more_memory(tmp_path, own_home, kind, syntax):
    short = peak_of(6, kind, syntax, tmp_path, own_home)
    long = peak_of(60, kind, syntax, tmp_path, own_home)
    assert long < short + 16_000, f"{short} kB for 6 frames, {long} kB for 60"
