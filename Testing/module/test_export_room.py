"""Exporting from the panel: what is said before, during and after; cancelled, refused, and by exams of all kinds."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hands_on_panel import add, many_copies, wait_until

from USDICOMizerLib.files import remove_abandoned_parts


def confirm(panel: Any, *identities: str) -> None:
    for identity in identities:
        panel.session.after_image_shown(identity)
    panel.session.confirm_review(identities)


def export(panel: Any) -> None:
    from slicer_runtime import hands

    hands.settle()
    hands.click(panel.export.export_button)
    wait_until(lambda: not panel.export.exporting)
    hands.settle()


def test_export_says_how_many_are_not_ready_and_why(panel: Any, files: list[Path], tmp_path: Path) -> None:
    from slicer_runtime import hands

    add(panel, *files)
    hands.settle()
    assert panel.export.readiness.text == "0 ready, 4 not: 4 not confirmed"
    assert not panel.export.export_button.enabled
    confirm(panel, *panel.session.order[:2])
    panel.session.change(panel.session.order[2:3], "Crop", crop=None, proposal="")
    hands.settle()
    assert panel.export.readiness.text.splitlines() == [
        *("2 ready, 2 not: 1 no crop box, 1 not confirmed", "Choose a destination folder.")
    ]
    assert not panel.export.export_button.enabled
    panel.session.choose(destination=tmp_path / "exports")
    hands.settle()
    assert panel.export.export_button.enabled and panel.export.export_button.text == "Export 2 instances"


def test_what_doesn_t_leave_is_a_row_with_what_to_do(
    panel: Any, files: list[Path], tmp_path: Path, panel_screenshot: Callable[[str], Path]
) -> None:
    add(panel, *files)
    panel.session.choose(destination=tmp_path / "exports")
    confirm(panel, *panel.session.order[:3])
    export(panel)
    assert "1 didn't leave" in panel.export.message.text
    errors = panel.export.results.rows
    assert errors.topLevelItemCount == 1
    row = errors.topLevelItem(0)
    assert row.text(0) == "004" and "not confirmed" in row.text(1) and "confirm" in row.text(2)
    panel.ui.examSection.collapsed = panel.ui.viewSection.collapsed = panel.ui.tagSection.collapsed = True
    panel_screenshot("panel-7-not-all-left")


def test_a_file_that_breaks_between_review_and_export_is_a_row(panel: Any, files: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "exam"
    folder.mkdir()
    for file in files[:2]:
        (folder / file.name).write_bytes(file.read_bytes())
    add(panel, folder)
    panel.session.choose(destination=tmp_path / "exports")
    confirm(panel, *panel.session.order)
    source = panel.session.instance(panel.session.order[0]).source.path
    source.write_bytes(source.read_bytes()[:-1000])
    export(panel)
    assert panel.export.results.rows.topLevelItemCount == 1 or "review" in panel.export.message.text


def test_an_export_that_exists_is_replaced_only_when_asked(panel: Any, files: list[Path], tmp_path: Path) -> None:
    from slicer_runtime import hands

    add(panel, files[0])
    panel.session.choose(destination=tmp_path / "exports")
    confirm(panel, *panel.session.order)
    export(panel)
    export(panel)
    assert panel.export.results.rows.topLevelItemCount == 1 or "exists" in panel.export.message.text
    hands.click(panel.export.overwrite)
    export(panel)
    assert panel.export.message.text.startswith("1 instances are in ")


def test_a_wrong_destination_is_said_in_words(panel: Any, files: list[Path]) -> None:
    add(panel, files[0].parent)
    panel.session.choose(destination=files[0].parent / "inside the source")
    confirm(panel, panel.session.order[0])
    export(panel)
    assert "input folder" in panel.export.message.text
    assert not panel.export.exporting


def test_a_folder_that_can_t_be_written_to_is_said_in_words(panel: Any, files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    add(panel, files[0])
    panel.session.choose(destination=tmp_path / "file" / "exports")
    confirm(panel, panel.session.order[0])
    export(panel)
    assert "can't be made" in panel.export.message.text


def test_a_cancelled_export_leaves_nothing_half_written(panel: Any, files: list[Path], tmp_path: Path) -> None:
    from slicer_runtime import hands

    exam = many_copies(files[0], tmp_path / "exam", 120)
    add(panel, exam)
    destination = tmp_path / "exports"
    panel.session.choose(destination=destination, transfer_syntax="jpeg-2000")
    confirm(panel, *panel.session.order)
    hands.settle()
    hands.click(panel.export.export_button)
    wait_until(lambda: panel.export.progress.value >= 1)
    hands.click(panel.export.cancel_button)
    wait_until(lambda: not panel.export.exporting)
    assert "Cancelled" in panel.export.message.text
    assert list(destination.iterdir()) == []
    assert panel.export.export_button.enabled


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z" if Path("/proc").exists() else True


def nothing_is_written(folder: Path) -> bool:
    """Whether no process holds a file that isn't whole; those that nobody holds are removed, as the next run does."""
    remove_abandoned_parts(folder)
    return not list(folder.glob(".*"))


@pytest.mark.skipif(os.name == "nt", reason="a launcher as a shell script")
@pytest.mark.parametrize("ended_by", ["cancel", "kill of the launcher", "the panel going"])
@pytest.mark.parametrize("exams", [1, 3])
def test_a_launcher_between_the_panel_and_the_library_hides_no_export_that_goes_on(
    panel: Any, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exams: int, ended_by: str
) -> None:
    launcher = tmp_path / "bin" / "PythonSlicer"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\n{shlex.quote(sys.executable)} "$@"\nexit $?\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", f"{launcher.parent}{os.pathsep}{os.environ['PATH']}")
    sources = [many_copies(files[0], tmp_path / f"exam{number}", 60 // exams) for number in range(exams)]
    for number, source in enumerate(sources):
        if number:
            many_copies(
                files[0], source.parent, 60 // exams, StudyInstanceUID=f"1.2.3.{number}", SeriesInstanceUID=f"1.2.4.{number}"
            )
    destination = tmp_path / "exports"
    panel.session.choose(destination=destination, transfer_syntax="jpeg-2000")
    add(panel, *sources)
    confirm(panel, *panel.session.order)
    told: list[int] = []
    event = panel.export._event
    monkeypatch.setattr(panel.export, "_event", lambda said: (told.append(said["pid"]) if "pid" in said else None, event(said)))
    panel.export._soon.stop()
    panel.export._show()
    panel.export.export()
    wait_until(lambda: bool(told) and destination.exists() and any(destination.iterdir()))
    process = panel.export._process
    if ended_by == "cancel":
        panel.export.cancel()
    elif ended_by == "the panel going":
        process.abandon()
    else:
        process._process.kill()
    wait_until(lambda: not process.running, seconds=15)
    wait_until(lambda: not is_running(told[0]) and nothing_is_written(destination), seconds=15)
    assert len(list(destination.glob("*.zip"))) < exams  # one may have been done before it was ended
    if ended_by == "cancel":
        wait_until(lambda: not panel.export.exporting)
        assert "Cancelled" in panel.export.message.text


def test_the_destination_is_remembered(panel: Any, files: list[Path], tmp_path: Path) -> None:
    import slicer
    from slicer_runtime import hands

    panel.export.destination.setFocus()
    hands.type_text(panel.export.destination, str(tmp_path))
    panel.export.subject.setFocus()
    hands.settle()
    assert slicer.app.userSettings().value("USDICOMizer/destination") == str(tmp_path)
    assert panel.session.choices.destination == tmp_path


def test_two_exams_become_two_zips_and_the_command_names_one_plan(panel: Any, files: list[Path], tmp_path: Path) -> None:
    other = many_copies(files[0], tmp_path / "other", 1, StudyInstanceUID="1.2.3.4", PatientID="B", PatientName="B")
    add(panel, files[0], other)
    panel.session.choose(destination=tmp_path / "exports")
    confirm(panel, *panel.session.order)
    export(panel)
    assert len(list((tmp_path / "exports").glob("*.zip"))) == 2
    assert "2 instances are in" in panel.export.message.text


def test_an_exam_that_was_removed_isn_t_exported(panel: Any, files: list[Path], tmp_path: Path) -> None:
    other = many_copies(files[0], tmp_path / "both", 1, StudyInstanceUID="1.2.3.4", PatientID="B", PatientName="B")
    (tmp_path / "both" / "1.dcm").write_bytes(files[0].read_bytes())
    add(panel, other.parent)
    panel.session.choose(destination=tmp_path / "exports")
    panel.session.remove(panel.session.order[1:])
    confirm(panel, *panel.session.order)
    export(panel)
    assert len(list((tmp_path / "exports").glob("*.zip"))) == 1


def test_every_export_is_read_by_slicer_s_own_reader(panel: Any, files: list[Path], tmp_path: Path) -> None:
    from zipfile import ZipFile

    from USDICOMizerGUI.self_test import read_by_slicer

    add(panel, *files)
    panel.session.choose(destination=tmp_path / "exports")
    confirm(panel, *panel.session.order)
    export(panel)
    (made,) = (tmp_path / "exports").glob("*.zip")
    with ZipFile(made) as archive:
        archive.extractall(tmp_path / "read")
    read = sorted((tmp_path / "read").rglob("*.dcm"))
    assert len(read) == 4
    for path in read:
        assert read_by_slicer(path).GetDimensions()[0] > 600


def test_a_process_that_can_t_start_or_crashes_is_told(
    clean_application: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module_widget: Any
) -> None:
    from USDICOMizerGUI import child_process

    ended: list[tuple[int | None, str]] = []
    monkeypatch.setattr(child_process, "python_executable", lambda: str(tmp_path / "nowhere"))
    child_process.LibraryProcess("USDICOMizerLib", ["--version"], print, lambda *how: ended.append(how))
    wait_until(lambda: len(ended) == 1)
    assert ended[0][0] is None and ended[0][1]
    monkeypatch.setattr(child_process, "python_executable", lambda: sys.executable)
    process = child_process.LibraryProcess("USDICOMizerLib.panel_feed", [], print, lambda *how: ended.append(how), b"not json")
    wait_until(lambda: len(ended) == 2)
    assert ended[1][0] == 1 and "Error" in ended[1][1]
    assert not process.running
