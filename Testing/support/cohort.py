"""Many small synthetic exams of different patients, made in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from USDICOMizerLib.sample_exam import SampleKind, sample_dataset

ROOT = "1.2.826.0.1.3680043.8.498.7"


def make_cohort(
    folder: Path,
    exams: int,
    *,
    instances: int = 2,
    frames: int = 1,
    rows: int = 96,
    columns: int = 128,
    first: int = 1,
    kind: SampleKind | None = None,
) -> Path:
    """Write exams of a patient each, numbered from `first`, as FOLDER/NUMBER/IM_N: native RGB of random grains, unless told."""
    for number in range(first, first + exams):
        target = folder / f"{number:05d}"
        target.mkdir(parents=True)
        for instance, dataset in enumerate(exam_datasets(number, instances, frames, rows, columns, kind), start=1):
            dcmwrite(target / f"IM_{instance}", dataset, enforce_file_format=True)
    return folder


def exam_datasets(
    number: int, instances: int, frames: int = 1, rows: int = 96, columns: int = 128, kind: SampleKind | None = None
) -> Iterator[Dataset]:
    """The instances of the exam of that number; all show the same."""
    random = np.random.default_rng(number)
    kind = kind or (SampleKind.RGB_CINE if frames > 1 else SampleKind.RGB_FRAME)
    if kind is SampleKind.JPEG_CINE:  # grains of 4 x 4 pixels: single ones would take more room than without compression
        grains = random.integers(96, 112, (frames, rows // 4, columns // 4, 1), dtype=np.uint8)
        pixels = grains.repeat(4, axis=1).repeat(4, axis=2).repeat(3, axis=3)
    else:
        pixels = random.integers(0, 256, (frames, rows, columns, 3), dtype=np.uint8)
    base = sample_dataset(kind, pixels=pixels)
    for instance in range(1, instances + 1):
        dataset = deepcopy(base)
        dataset.PatientID, dataset.PatientName = f"MRN-7{number:07d}", f"QUILLFEATHER{_letters(number)}^ANSELM"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.{number}", f"{ROOT}.{number}.1"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.{number}.1.{instance}"
        dataset.InstanceNumber = instance
        yield dataset


def _letters(number: int) -> str:
    """The number in letters: a name has no digits."""
    return "".join(chr(ord("A") + int(digit)) for digit in f"{number:05d}")
