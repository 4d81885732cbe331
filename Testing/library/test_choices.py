"""Decisions for many exams: the same in one process and in several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmwrite

from USDICOMizerLib import choices as choosing
from USDICOMizerLib.choices import Choices, CropChoice, decide_all, decide_exams
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Exam, group_into_exams
from USDICOMizerLib.processes import Lost
from USDICOMizerLib.sample_exam import SampleKind, sample_dataset
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover


@pytest.fixture(scope="module")
def exams(tmp_path_factory) -> list[Exam]:
    """Three exams of a frame each; two have no ultrasound regions."""
    folder = tmp_path_factory.mktemp("in")
    for number in range(3):
        dataset = sample_dataset(SampleKind.MONOCHROME_FRAME, number=number + 1)
        dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.9{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.StudyInstanceUID}.1"
        if number:
            del dataset.SequenceOfUltrasoundRegions
        dcmwrite(Path(folder / str(number)), dataset, enforce_file_format=True)
    return group_into_exams(discover([folder]).instances)


def one_by_one(exams: list[Exam], choices: Choices) -> dict[str, Decision]:
    return {identity: made for exam in exams for identity, made in decide_all(exam, choices, Settings()).items()}


@pytest.mark.parametrize("choices", [Choices(), Choices(mask=Mask.SECTOR), Choices(crop=CropChoice.NONE)])
def test_several_processes_decide_what_one_decides(exams, choices):
    assert decide_exams(exams, choices, Settings(), processes=2) == one_by_one(exams, choices)


def test_a_picture_that_is_too_small_to_be_looked_at_is_worth_no_process(exams, monkeypatch):
    small = [Exam(exam.study_uid, (replace(exam.instances[0], rows=32),)) for exam in exams]
    monkeypatch.setattr(choosing, "in_processes", None)
    assert decide_exams(small, Choices(), Settings(), processes=2) == one_by_one(small, Choices())


def test_only_exams_whose_pixels_are_looked_at_go_to_processes(exams, monkeypatch):
    sent = []

    def in_processes(_function, _common, tasks, processes):
        assert processes == 2
        sent.extend(tasks)
        return ((exam, Lost()) for exam in sent)

    monkeypatch.setattr(choosing, "in_processes", in_processes)
    decisions = decide_exams(exams, Choices(), Settings(), processes=4)
    assert sent == exams[1:]
    assert [decisions[exam.instances[0].identity].crop is None for exam in exams] == [False, True, True]
    assert all(decision.order == 1 for decision in decisions.values())
