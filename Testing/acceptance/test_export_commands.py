"""What is made of exports: a data set that the README's ten lines load, frames in the right colours, case report forms."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
import types
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from repository import REPOSITORY

from USDICOMizerLib.archive import MANIFEST_COLUMNS
from USDICOMizerLib.cli import main
from USDICOMizerLib.exports import exported_pixels, read_export
from USDICOMizerLib.frame_files import FrameFormat, FrameWork, frame_rate, write_frames
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset


def run(folder: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "USDICOMizerLib", *map(str, arguments)],
        env={**os.environ, "USDICOMIZER_HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    """The sample exam's export: two frames, and a grey and a JPEG cine of 30 frames."""
    folder = tmp_path_factory.mktemp("export")
    make_sample_exam(folder / "exam.zip")
    ran = run(folder, "prepare", "exam.zip", "--output", "out", "--accept-unreviewed", "--tag", "CFV-L", "--no-report")
    assert ran.returncode == 0, ran.stderr
    (path,) = (folder / "out").glob("*.zip")
    return path


def readme_block(first_line: str) -> str:
    """The block of the README that begins with a line, without its indent."""
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index(f"    {first_line}")
    block = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        block.append(line[4:])
    return "\n".join(block)


def test_the_ten_lines_of_the_readme_load_every_instance_without_unpacking(export, tmp_path, monkeypatch):
    listed = tmp_path / "list" / "dataset.json"
    listed.parent.mkdir()
    ran = run(tmp_path, "dataset", export.parent, "--output", listed, "--splits", "100,0,0")
    assert ran.returncode == 0, ran.stderr
    torch = types.ModuleType("torch")  # as much of it as the lines use: it is a gigabyte
    torch.from_numpy = np.ascontiguousarray
    torch.utils = types.SimpleNamespace(data=types.SimpleNamespace(Dataset=object))
    monkeypatch.setitem(sys.modules, "torch", torch)
    code = readme_block("import json")
    assert len([line for line in code.splitlines() if line.strip()]) <= 16
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102
    loaded = names["Ultrasound"](listed, "training")
    shapes = [loaded[index][0].shape for index in range(len(loaded))]
    rows = read_export(export).rows
    assert [shape[:1] if row.frames > 1 else (1,) for shape, row in zip(shapes, rows, strict=True)] == [
        (row.frames,) for row in rows
    ]
    assert {loaded[index][1] for index in range(len(loaded))} == {0}
    assert not list(tmp_path.rglob("*.dcm"))


def test_frames_are_what_a_viewer_shows(export, tmp_path):
    exam = read_export(export)
    write_frames(exam, FrameWork(tmp_path / "png", FrameFormat.PNG))
    write_frames(exam, FrameWork(tmp_path / "npz", FrameFormat.NPZ))
    assert len(list((tmp_path / "png").rglob("*.png"))) == sum(row.frames for row in exam.rows)
    with ZipFile(export) as archive:
        for row in exam.rows:
            name = Path(row.file).stem
            (path,) = (tmp_path / "npz").rglob(f"{name}.npz")
            frames = np.load(path)["frames"]
            with exported_pixels(archive, row.file) as (_, source):
                for number, shown in enumerate(source.display_frames(), start=1):
                    assert (np.broadcast_to(frames[number - 1], shown.shape) == shown).all()
                    file = f"{name}_{number:04d}.png" if row.frames > 1 else f"{name}.png"
                    (picture,) = (tmp_path / "png").rglob(file)
                    assert (np.asarray(Image.open(picture).convert("RGB")) == shown).all()


def exported(folder: Path, **members: bytes) -> Path:
    """An export made by hand, with such members."""
    path = folder / "S-1_E-1.zip"
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.dcm", content)
        rows = [dict.fromkeys(MANIFEST_COLUMNS, "1") | {"file": f"{name}.dcm"} for name in members]
        lines = [",".join(MANIFEST_COLUMNS), *(",".join(row.values()) for row in rows)]
        archive.writestr("manifest.csv", "\r\n".join(lines))
    return path


@pytest.mark.parametrize("wanted", list(FrameFormat))
def test_instances_whose_names_differ_in_what_a_suffix_looks_like_have_files_of_their_own(tmp_path, wanted):
    frame = dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME))
    path = exported(tmp_path, **{"frame.001": frame, "frame.002": frame})
    assert main(["frames", str(path), "--output", str(tmp_path / "out"), "--format", wanted.value]) == 0
    made = sorted(one.name for one in (tmp_path / "out").rglob("*") if one.is_file())
    assert made == [f"frame.001.{wanted.value}", f"frame.002.{wanted.value}"]


def test_a_film_has_the_whole_name_of_its_instance(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    cine = dicom_bytes(sample_dataset(SampleKind.MONOCHROME_CINE, frames=2))
    path = exported(tmp_path, **{"cine.001": cine, "cine.002": cine})
    assert main(["frames", str(path), "--output", str(tmp_path / "out"), "--preview", "mp4"]) == 0
    assert sorted(one.name for one in (tmp_path / "out").rglob("*.mp4")) == ["cine.001.mp4", "cine.002.mp4"]


def test_what_this_run_wrote_is_never_overwritten(tmp_path, capsys):
    cine = dicom_bytes(sample_dataset(SampleKind.MONOCHROME_CINE, frames=2))
    frame = dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME))
    path = exported(tmp_path, cine=cine, cine_0001=frame)
    arguments = ["frames", str(path), "--output", str(tmp_path / "out"), "--overwrite"]
    assert main(arguments) == 1
    assert "cine_0001.png would be written twice" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    small, other = exported(tmp_path, frame=frame), exported(tmp_path / "other", frame=frame)
    arguments = ["frames", str(small), str(other), "--output", str(tmp_path / "two"), "--overwrite"]
    assert main(arguments) == 1
    assert "frame.png would be written twice" in capsys.readouterr().err


def test_overwrite_leaves_files_of_other_names_and_says_so(tmp_path, capsys):
    path = exported(tmp_path, frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    stale = tmp_path / "out" / path.stem / "of before.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    arguments = ["frames", str(path), "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "replace files of the same names; others stay" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert stale.exists()


def test_a_long_cine_needs_the_memory_of_a_few_frames(tmp_path):
    path = exported(tmp_path, cine=dicom_bytes(sample_dataset(SampleKind.RGB_CINE, frames=40)))
    exam = read_export(path)
    tracemalloc.start()
    write_frames(exam, FrameWork(tmp_path / "npz", FrameFormat.NPZ))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 1_440_000, "of 40 frames of 1.4 MB"


def test_a_preview_has_all_frames_in_their_colours_and_time(tmp_path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    colours = np.zeros((12, 600, 800, 3), np.uint8)
    for column, colour in enumerate([(200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128)]):
        colours[:, :, column * 200 : column * 200 + 200] = colour
    path = exported(tmp_path, cine=dicom_bytes(sample_dataset(SampleKind.RGB_CINE, frames=12, pixels=colours)))
    write_frames(read_export(path), FrameWork(tmp_path / "films", None, preview=True))
    (film,) = (tmp_path / "films").rglob("*.mp4")
    reader = imageio_ffmpeg.read_frames(str(film), output_params=["-vf", "scale=in_color_matrix=bt709"])
    about = next(reader)
    assert about["size"] == (800, 600)
    assert about["fps"] == pytest.approx(1000 / float(sample_dataset(SampleKind.RGB_CINE, frames=2).FrameTime), rel=0.02)
    frames = [np.frombuffer(frame, np.uint8).reshape(600, 800, 3) for frame in reader]
    assert len(frames) == 12
    assert np.abs(frames[5][300, 100::200].astype(int) - colours[5, 300, 100::200]).max() <= 6
    assert not [one for one in film.parent.iterdir() if one != film], "nothing temporary stays"


def test_the_rate_is_that_of_the_header():
    header = sample_dataset(SampleKind.MONOCHROME_CINE, frames=2)
    header.FrameTime = "50"
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        if keyword in header:
            delattr(header, keyword)
    assert frame_rate(header) == 20
    header.CineRate = 30
    assert frame_rate(header) == 30
    header.CineRate = header.FrameTime = "0"
    assert frame_rate(header) == 25


def test_a_missing_package_for_previews_is_named(export, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['imageio_ffmpeg'] = None\n")
    hidden = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    ran = run(tmp_path, "frames", export, "--output", "films", "--preview", "mp4", PYTHONPATH=hidden)
    assert ran.returncode == 2
    assert "USDICOMizerLib[video]" in ran.stderr
    assert not (tmp_path / "films").exists()


def test_forms_are_written_for_redcap_and_as_odm(export, tmp_path):
    for wanted in ("redcap", "odm"):
        ran = run(tmp_path, "ecrf", export, "--output", "forms", "--format", wanted)
        assert ran.returncode == 0, ran.stderr
    with (tmp_path / "forms" / "redcap_import.csv").open(encoding="utf-8", newline="") as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 5
    with ZipFile(export) as archive, archive.open(read_export(export).rows[0].file) as stream:
        assert records[0]["record_id"] == dcmread(stream, stop_before_pixels=True).PatientID
    root = ElementTree.parse(tmp_path / "forms" / "odm.xml").getroot()
    assert len([one for one in root.iter() if one.tag.endswith("ItemGroupData")]) == 5


def test_an_import_of_before_keeps_the_numbers_of_its_images(export, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    before = tmp_path / "forms" / "redcap_import.csv"
    assert main(["ecrf", str(export), "--output", str(before.parent)]) == 0
    first, *lines = before.read_text().splitlines()
    turned = [line.replace(",ultrasound_images,1,", ",ultrasound_images,7,") for line in lines]
    before.write_text("\n".join([first, *turned]) + "\n")
    arguments = ["ecrf", str(export), "--output", str(before.parent), "--previous", str(before), "--overwrite"]
    assert main(arguments) == 0
    with before.open(encoding="utf-8", newline="") as stream:
        assert [one["redcap_repeat_instance"] for one in csv.DictReader(stream)] == ["", "2", "3", "4", "7"]
    assert main([*arguments, "--format", "odm"]) == 2
    assert "--previous" in capsys.readouterr().err


def test_a_damaged_frame_fails_its_export_and_not_the_others(tmp_path, capsys):
    good = exported(tmp_path, frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    (tmp_path / "bad").mkdir()
    exported(tmp_path / "bad", frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME))[:-100_000])
    arguments = ["frames", str(tmp_path / "bad"), str(good), "--output", str(tmp_path / "frames"), "--overwrite"]
    assert main(arguments) == 1
    assert "damaged-pixel-data" in capsys.readouterr().err
    assert len(list((tmp_path / "frames").rglob("*.png"))) == 1


@pytest.mark.parametrize("command", ["dataset", "frames", "ecrf"])
def test_what_is_no_export_is_told_and_nothing_is_written(tmp_path, command, capsys):
    make_sample_exam(tmp_path / "exam.zip")
    with ZipFile(tmp_path / "reaching.zip", "w") as archive:
        archive.writestr(
            "manifest.csv", ",".join(MANIFEST_COLUMNS) + "\r\n" + ",".join(["../x.dcm", *["1"] * (len(MANIFEST_COLUMNS) - 1)])
        )
        archive.writestr("../x.dcm", dicom_bytes(sample_dataset(SampleKind.RGB_FRAME)))
    for name in ("exam.zip", "reaching.zip", "missing.zip"):
        assert main([command, str(tmp_path / name), "--output", str(tmp_path / "made")]) == 2, name
        assert name in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_nothing_is_replaced_without_overwrite(tmp_path, capsys):
    small = exported(tmp_path, frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    for command, made in (("dataset", "list.json"), ("ecrf", "forms"), ("frames", "frames")):
        arguments = [command, str(small), "--output", str(tmp_path / made)]
        assert main(arguments) == 0
        assert main(arguments) == 2
        assert "--overwrite" in capsys.readouterr().err
        assert main([*arguments, "--overwrite"]) == 0
    assert json.loads((tmp_path / "list.json").read_text())["numTraining"] == 1


@pytest.mark.parametrize("command", ["dataset", "ecrf"])
def test_an_export_that_was_copied_counts_once(tmp_path, command, capsys):
    path = exported(tmp_path, frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    copy = tmp_path / "backup" / "copy of it.zip"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    assert main([command, str(path), str(copy), "--output", str(tmp_path / "made")]) == 0
    said = capsys.readouterr().err
    assert path.name in said
    assert copy.name in said
    if command == "dataset":
        made = json.loads((tmp_path / "made").read_text())
        assert sum(len(made[part]) for part in ("training", "validation", "test")) == 1
        assert "copy of it" not in (tmp_path / "made").read_text()
    else:
        assert len((tmp_path / "made" / "redcap_import.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("command", ["dataset", "ecrf"])
def test_two_exports_that_hold_the_same_instance_differently_are_refused(tmp_path, command, capsys):
    path = exported(tmp_path, frame=dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    (tmp_path / "older").mkdir()
    other = exported(tmp_path / "older", frame=dicom_bytes(sample_dataset(SampleKind.RGB_FRAME)))
    assert main([command, str(path), str(other), "--output", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err
    assert said.count("S-1_E-1.zip") == 2
    assert str(path) in said
    assert str(other) in said
    assert not (tmp_path / "made").exists()


def test_wrong_splits_are_told(tmp_path, capsys):
    assert main(["dataset", str(tmp_path), "--output", str(tmp_path / "list.json"), "--splits", "70,20,20"]) == 2
    assert "make 100" in capsys.readouterr().err
