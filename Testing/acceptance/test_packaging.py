"""The extension's build files, with cmake itself against a stand-in of the Slicer package: a typo or a forgotten file fails."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from repository import REPOSITORY

pytest.importorskip("cmake")

SLICER = REPOSITORY / "Testing" / "slicer_package" / "Slicer"
INSTALLED = Path("lib/Slicer-5.12/qt-scripted-modules")


def cmake(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import cmake, sys; sys.exit(cmake.cmake())", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={SLICER.parent / 'no_compiler.cmake'}"
    options = (f"-DSlicer_DIR={SLICER}", "-DBUILD_TESTING=ON", toolchain, "-G", "Unix Makefiles")
    return cmake("-S", source, "-B", build, *options, "-Werror=dev")


def shipped() -> set[str]:
    """Every file of module and library that the application imports or reads, as it lies in the install directory."""
    found = set()
    for folder, base in (("USDICOMizer", REPOSITORY / "USDICOMizer"), ("USDICOMizerLib", REPOSITORY)):
        for path in (REPOSITORY / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.name != "CMakeLists.txt":
                found.add(path.relative_to(base).as_posix())
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform == "win32":
        pytest.skip("no make there; the lists are the same")
    folder = tmp_path_factory.mktemp("build")
    result = configure(REPOSITORY, folder / "build")
    assert result.returncode == 0, result.stderr
    result = cmake("--install", folder / "build", "--prefix", folder / "install")
    assert result.returncode == 0, result.stderr
    return folder / "install" / INSTALLED


def test_every_file_of_module_and_library_is_in_an_install_list_and_no_other(installed: Path) -> None:
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert sorted(shipped() - found) == [], "add these to the lists of CMakeLists.txt or USDICOMizer/CMakeLists.txt"
    assert sorted(found - shipped()) == []


def test_the_installed_library_works_from_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "USDICOMizerLib", "demo", "--output", str(tmp_path / "demo")]
    environment = {"PYTHONPATH": str(installed), "USDICOMIZER_HOME": str(tmp_path / "home"), "PATH": ""}
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert list((tmp_path / "demo").rglob("*.zip"))


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("CMakeLists.txt", "USDICOMizerLib/geometry.py", "USDICOMizerLib/geometri.py"),
        ("CMakeLists.txt", "ctkMacroCompilePythonScript(", "ctkMacroCompilePythonScripts("),
        ("CMakeLists.txt", "NO_INSTALL_SUBDIR", "NO_INSTALL_SUBDIRS"),
        ("CMakeLists.txt", "set(EXTENSION_ICONURL", "set(EXTENSION_ICON"),
        ("CMakeLists.txt", "add_subdirectory(USDICOMizer)", "add_subdirectory(USDICOMiser)"),
        ("USDICOMizer/CMakeLists.txt", "Resources/UI/USDICOMizer.ui", "Resources/USDICOMizer.ui"),
        ("USDICOMizer/CMakeLists.txt", "NAME USDICOMizerPlugin", "NAME USDICOMizerPlugins"),
        ("USDICOMizer/CMakeLists.txt", "  RESOURCES ${", "  RESOURCE ${"),
    ],
)
def test_a_typo_fails(file: str, right: str, wrong: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "USDICOMizer", source / "USDICOMizer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "USDICOMizerLib", source / "USDICOMizerLib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "CMakeLists.txt", source)
    text = (source / file).read_text()
    assert right in text
    (source / file).write_text(text.replace(right, wrong, 1))
    assert configure(source, tmp_path / "build").returncode != 0


def test_the_index_entry_has_the_keys_of_its_schema() -> None:
    entry = json.loads((REPOSITORY / "USDICOMizer.json").read_text())
    known = {
        "$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "dicom_support_rule",
        "build_subdirectory", "enabled", "tier",
    }  # fmt: skip
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert {"$schema", "category", "scm_url"} <= set(entry) <= known
    assert entry["dicom_support_rule"] == "Modality == 'US'"
    assert 1 <= entry["tier"] <= 5


def test_the_index_entry_its_older_form_and_the_build_file_agree() -> None:
    entry = json.loads((REPOSITORY / "USDICOMizer.json").read_text())
    lines = (
        line.split(" ", 1) for line in (REPOSITORY / "USDICOMizer.s4ext").read_text().splitlines() if line and line[0] != "#"
    )
    older = {key: value for key, value in lines}
    assert older["scmurl"] == entry["scm_url"] and older["scmrevision"] == entry["scm_revision"]
    assert older["category"] == entry["category"] and older["dicom_support_rule"] == entry["dicom_support_rule"]
    build = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', (REPOSITORY / "CMakeLists.txt").read_text()))
    assert older["homepage"] == build["HOMEPAGE"] and older["description"] == build["DESCRIPTION"]
    assert older["iconurl"] == build["ICONURL"] and older["screenshoturls"] == build["SCREENSHOTURLS"]
    assert re.search(r"project\((\w+)", (REPOSITORY / "CMakeLists.txt").read_text())[1] == "USDICOMizer"
    for address in (build["ICONURL"], build["SCREENSHOTURLS"]):
        assert (REPOSITORY / address.split("/main/")[1]).is_file()


def test_the_icon_is_a_png_of_128_by_128_pixels() -> None:
    with Image.open(REPOSITORY / "USDICOMizer" / "Resources" / "Icons" / "USDICOMizer.png") as icon:
        assert icon.format == "PNG" and icon.size == (128, 128)


def test_the_codecs_offered_in_slicer_are_those_of_the_library() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    block = re.search(r"^codecs = \[(.*?)^\]", project, re.S | re.M)[1]
    wanted = set(re.findall(r'"([^"]+)"', block))
    offered = (REPOSITORY / "USDICOMizer" / "Resources" / "requirements.txt").read_text().splitlines()
    assert {line for line in offered if line and not line.startswith("#")} == wanted
