"""Independent judges of DICOM files: dicom3tools, dcmtk, gdcm, SimpleITK. None of them shares code with the library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest


def dciodvfy_errors(path: Path) -> set[str]:
    """The error lines of David Clunie's validator, without values: 'Error - ...'."""
    lines = _said("dciodvfy", "-new", path)
    assert lines, "dciodvfy said nothing"
    return {line for line in lines if line.startswith("Error")}


def dcentvfy_errors(paths: list[Path]) -> set[str]:
    """What the validator of exams says of what should be the same in several files: entity and attribute, without values."""
    lines = _said("dcentvfy", *paths)
    return {line.partition(" for file ")[0] for line in lines if line.startswith("Error")}


def _said(program: str, *arguments: object) -> list[str]:
    """The lines that a program of dicom3tools prints."""
    script = Path(sysconfig.get_path("scripts")) / (f"{program}.exe" if os.name == "nt" else program)
    ran = subprocess.run([script, *arguments], capture_output=True, text=True, errors="replace")
    return (ran.stdout + ran.stderr).splitlines()


def dcmtk_pixels(path: Path, folder: Path) -> np.ndarray:
    """The stored samples of all frames as dcmtk reads them, flat; RLE, JPEG and JPEG-LS are decoded first.

    dcmtk decodes no JPEG 2000 and no HTJ2K.
    """
    from pydicom import dcmread

    require_dcmtk()
    syntax = str(dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)
    tool = {"1.2.840.10008.1.2.5": "dcmdrle", "1.2.840.10008.1.2.4.80": "dcmdjpls"}.get(syntax, "dcmdjpeg")
    native = folder / f"{path.stem}-dcmtk.dcm"
    command = ["dcmconv", "+te"] if syntax.startswith("1.2.840.10008.1.2.1") else [tool]
    subprocess.run([*command, path, native], check=True, capture_output=True)
    header = dcmread(native)
    return np.frombuffer(header.PixelData, dtype=np.uint8 if header.BitsAllocated == 8 else np.uint16)


def gdcm_pixels(path: Path) -> np.ndarray:
    """The decoded bytes of all frames as gdcm reads them, flat uint8."""
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read(), f"gdcm can't read {path.name}"
    buffer = reader.GetImage().GetBuffer()
    return np.frombuffer(buffer.encode("utf-8", errors="surrogateescape"), dtype=np.uint8)


def simpleitk_pixels(path: Path) -> np.ndarray:
    """The frames as SimpleITK (ITK's GDCM reader, which is Slicer's) reads them."""
    import SimpleITK

    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


def require_dcmtk() -> None:
    """Skip where dcmtk isn't installed (README, Tests, says how); in CI that is a failure."""
    if shutil.which("dcmdump") is None:
        if os.environ.get("CI"):
            pytest.fail("CI runs without dcmtk")
        pytest.skip("dcmtk isn't installed: apt-get install dcmtk, or brew install dcmtk")
