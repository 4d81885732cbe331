"""The real ultrasound files that the packages pydicom, pydicom-data and deid-data bring (all MIT)."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from zipfile import ZipFile

IN_PYDICOM = (
    "examples_ybr_color.dcm",
    "examples_palette.dcm",
    "examples_jpeg2k.dcm",
    "examples_rgb_color.dcm",
    "ExplVR_BigEnd.dcm",
)
IN_PYDICOM_DATA = (
    "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_rle_2frame.dcm",
    "OBXXXX1A_expb_2frame.dcm",
    "US1_UNCI.dcm",
    "US1_J2KI.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "color3d_jpeg_baseline.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
)
IN_DEID_DATA = ("GREYSCALE_IMAGE.dcm", "GREYSCALE_CINE.zip", "RGB_IMAGE.dcm", "RGB_CINE.zip", "ultrasound-multiframe.dcm")


def _folder(package: str, *parts: str) -> Path:
    return Path(importlib.util.find_spec(package).origin).parent.joinpath(*parts)


@cache
def real_files() -> tuple[Path, ...]:
    """The 19 files, as they lie in the packages: 17 DICOM files and 2 ZIPs with one each."""
    folders = {
        _folder("pydicom", "data", "test_files"): IN_PYDICOM,
        _folder("data_store", "data"): IN_PYDICOM_DATA,
        _folder("deid_data", "data", "ultrasounds"): IN_DEID_DATA,
    }
    paths = tuple(folder / name for folder, names in folders.items() for name in names)
    missing = [path.name for path in paths if not path.exists()]
    assert not missing, f"the packages of the test extra no longer bring {missing}"
    return paths


NAMES = (*IN_PYDICOM, *IN_PYDICOM_DATA, *IN_DEID_DATA)


def real_file(name: str, folder: Path) -> Path:
    """One of the files as a DICOM file; one inside a ZIP is unpacked into `folder`."""
    path = _path_of(name)
    if path.suffix != ".zip":
        return path
    unpacked = folder / f"{path.stem}.dcm"
    unpacked.write_bytes(real_bytes(name))
    return unpacked


def real_bytes(name: str) -> bytes:
    """The bytes of one of the files, as a DICOM file."""
    path = _path_of(name)
    if path.suffix != ".zip":
        return path.read_bytes()
    with ZipFile(path) as archive:
        return archive.read(next(entry for entry in archive.namelist() if entry.endswith(".dcm") and "__MACOSX" not in entry))


def _path_of(name: str) -> Path:
    return next(path for path in real_files() if path.stem == Path(name).stem)
