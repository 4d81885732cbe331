"""Small DICOM files, alone and in ZIPs, and what was found of them."""

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from pydicom.dataset import Dataset

from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset

links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a right that Windows users rarely have")


def small_dataset(uid: str = "", rows: int = 24) -> Dataset:
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME, pixels=np.full((1, rows, 32, 3), 99, np.uint8))
    if uid:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    return dataset


def small_file(uid: str = "", rows: int = 24) -> bytes:
    return dicom_bytes(small_dataset(uid, rows))


def zip_of(path: Path, members: dict[str, bytes], compression: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def reasons_of(discovery) -> list[tuple[str, str]]:
    return [(other.outcome.value, other.reason) for other in discovery.others]
