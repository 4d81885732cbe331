"""What is chosen for an export becomes arguments of the command line, and inputs that hold the listed exams only."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from USDICOMizerLib.exam import Instance, Source
from USDICOMizerLib.session_export import ExportChoices, command_text, inputs_of

MakeInstance = Callable[..., Instance]


def test_nothing_chosen_leaves_all_to_the_settings() -> None:
    assert ExportChoices().arguments() == []


def test_every_choice_is_an_option_of_prepare(tmp_path: Path) -> None:
    choices = ExportChoices(
        destination=tmp_path,
        subject="S-7",
        options=(),
        keep_dates="full",
        transfer_syntax="rle",
        overwrite=True,
        settings_file=tmp_path / "own.ini",
    )
    assert choices.arguments() == [
        *("--output", str(tmp_path), "--settings", str(tmp_path / "own.ini"), "--subject", "S-7"),
        *("--options", "none", "--keep-dates", "full", "--transfer-syntax", "rle", "--overwrite"),
    ]
    assert ExportChoices(options=("retain-uids", "clean-graphics")).arguments() == ["--options", "retain-uids,clean-graphics"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "exams").mkdir()
    return tmp_path / "exams"


def test_a_folder_is_named_again_where_all_its_exams_are_listed(make_instance: MakeInstance, folder: Path) -> None:
    one, two = (make_instance(number, source=Source(folder / f"{number}.dcm")) for number in (1, 2))
    assert inputs_of([one, two], [], [folder]) == (folder,)
    assert inputs_of([one], [two], [folder]) == (folder,), "the plan leaves out what is of the same exam"


def test_of_a_folder_with_an_exam_that_isn_t_listed_the_files_are_named(make_instance: MakeInstance, folder: Path) -> None:
    one, two = (make_instance(number, source=Source(folder / f"{number}.dcm")) for number in (1, 2))
    other = make_instance(3, source=Source(folder / "3.dcm"), study_uid="1.2.9")
    assert inputs_of([one, two], [other], [folder]) == (folder / "1.dcm", folder / "2.dcm")


def test_a_zip_is_named_once_however_many_members_are_listed(make_instance: MakeInstance, folder: Path) -> None:
    members = [make_instance(number, source=Source(folder / "exam.zip", str(number))) for number in (1, 2)]
    other = make_instance(3, source=Source(folder / "exam.zip", "3"), study_uid="1.2.9")
    assert inputs_of(members, [other], [folder / "exam.zip"]) == (folder / "exam.zip",)


@pytest.mark.skipif(sys.platform == "win32", reason="another quoting")
def test_the_command_can_be_pasted(tmp_path: Path) -> None:
    arguments = ["prepare", str(tmp_path / "an exam.zip"), "--subject", "S-7"]
    assert shlex.split(command_text(arguments)) == ["python", "-m", "USDICOMizerLib", *arguments]
    assert shlex.split(command_text(arguments, ["/opt/a Slicer", "--"])) == ["/opt/a Slicer", "--", *arguments]
