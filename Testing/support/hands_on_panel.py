"""What the tests of the panel share: exams on disk, and waiting for what happens beside the window."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

from pydicom import dcmread
from pydicom.uid import generate_uid


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> float:
    """Let the window live until something has happened. Returns its longest turn, in seconds of the processor.

    Not of the clock: other tests run on the same processor.
    """
    import slicer

    end = time.monotonic() + seconds
    longest = 0.0
    while not happened():
        assert time.monotonic() < end, "it took too long"
        start = time.thread_time()
        slicer.app.processEvents()
        longest = max(longest, time.thread_time() - start)
        time.sleep(0.002)
    return longest


def add(panel: Any, *paths: Path) -> None:
    """Add inputs, and wait until they are listed and their thumbnails are there."""
    panel.add(paths)
    wait_until(lambda: not panel.inputs.reading and panel.inputs.idle and not panel.table.is_busy)


def unpacked(sample: Path, folder: Path) -> list[Path]:
    """The files of a sample exam in a folder, named 1.dcm and so on."""
    folder.mkdir(parents=True)
    with ZipFile(sample) as archive:
        members = sorted(name for name in archive.namelist() if "README" not in name)
        files = []
        for number, name in enumerate(members, start=1):
            files.append(folder / f"{number}.dcm")
            with archive.open(name) as source, files[-1].open("wb") as target:
                shutil.copyfileobj(source, target)
    return files


def many_copies(file: Path, folder: Path, count: int, **changes: object) -> Path:
    """An exam of as many instances as are wanted, in one ZIP, all with the same picture."""
    dataset = dcmread(file)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "exam.zip"
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for number in range(1, count + 1):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
            dataset.InstanceNumber = number
            for keyword, value in changes.items():
                setattr(dataset, keyword, value)
            data = io.BytesIO()
            dataset.save_as(data)
            archive.writestr(f"{number:03d}", data.getvalue())
    return target
