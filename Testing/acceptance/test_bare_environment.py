"""What 3D Slicer bundles is enough: pydicom, numpy, SimpleITK, Pillow and pyjpegls, installed from the package alone."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest
from real_files import real_file
from repository import REPOSITORY

from USDICOMizerLib.sample_exam import make_sample_exam


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory) -> Path:
    """The interpreter of an environment that holds the installed package and its hard dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REPOSITORY], check=True, cwd=folder)
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True, cwd=folder
    )
    installed = {line.split("==")[0].casefold() for line in listed.stdout.split()}
    assert installed <= {"usdicomizerlib", "pydicom", "numpy", "simpleitk", "pillow", "pyjpegls", "pip", "setuptools"}
    return python


@pytest.mark.parametrize(
    "name",
    [
        "examples_rgb_color.dcm",
        "OBXXXX1A_rle_2frame.dcm",
        "examples_ybr_color.dcm",
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
        "US1_J2KI.dcm",
    ],
)
def test_native_rle_and_jpeg_sources_are_prepared(usdicomizer, bare_python, tmp_path, name):
    source = real_file(name, tmp_path)
    ran = usdicomizer(
        "prepare",
        source,
        "--output",
        tmp_path / "out",
        "--crop",
        "10,8,70,50",
        "--accept-unreviewed",
        "--json",
        python=bare_python,
    )
    assert ran.status == 0, ran.stderr
    assert ran.result["outcomes"]["prepared"] == 1


def test_the_demo_runs(usdicomizer, bare_python):
    ran = usdicomizer("demo", python=bare_python)
    assert ran.status == 0, ran.stderr


def test_a_codec_that_is_missing_is_named(usdicomizer, bare_python, tmp_path):
    source = make_sample_exam(tmp_path / "exam.zip")
    ran = usdicomizer(
        "prepare", source, "--output", tmp_path / "out", "--accept-unreviewed", "--transfer-syntax", "htj2k", python=bare_python
    )
    assert ran.status != 0
    assert "imagecodecs" in ran.stderr
