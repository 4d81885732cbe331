"""Presets are learned from boxes that a person confirmed, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable

from USDICOMizerLib.decision import Decision, review_digest
from USDICOMizerLib.exam import Device, Exam, Instance
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.learned_presets import learn_presets, with_presets
from USDICOMizerLib.settings import CropPreset, default_settings_text, parse_settings

MakeInstance = Callable[..., Instance]

SCANNER = Device("ACME, Inc.", "Echo 3", serial_number="4711")
BOX, OTHER = CropBox(100, 60, 500, 400), CropBox(90, 50, 520, 410)


def reviewed(instance: Instance, box: CropBox) -> Decision:
    decision = Decision(crop=box)
    return decision.replaced(reviewed=True, review_digest=review_digest(instance, decision))


def learned(*pairs: tuple[Instance, Decision], known: tuple[CropPreset, ...] = ()):
    exam = Exam("1.2", tuple(instance for instance, _ in pairs))
    return learn_presets([exam], {instance.identity: decision for instance, decision in pairs}, known)


def test_frames_and_cines_of_a_model_make_one_preset(make_instance: MakeInstance) -> None:
    frame, cine = make_instance(1, device=SCANNER), make_instance(2, device=SCANNER, frames=30)
    presets, notes = learned((frame, reviewed(frame, BOX)), (cine, reviewed(cine, OTHER)))
    assert presets == [CropPreset("echo-3-640x480", "ACME, Inc.", "Echo 3", "", (640, 480), BOX, OTHER)]
    assert not notes


def test_a_box_that_nobody_confirmed_or_that_was_changed_since_teaches_nothing(make_instance: MakeInstance) -> None:
    one, two = make_instance(1, device=SCANNER), make_instance(2, device=SCANNER)
    stale = reviewed(two, BOX).replaced(crop=OTHER)
    assert learned((one, Decision(crop=BOX)), (two, stale)) == ([], [])


def test_scanners_of_a_model_with_different_boxes_get_presets_of_their_own(make_instance: MakeInstance) -> None:
    one = make_instance(1, device=SCANNER)
    two = make_instance(2, device=Device("ACME, Inc.", "Echo 3", serial_number="4712"))
    presets, _ = learned((one, reviewed(one, BOX)), (two, reviewed(two, OTHER)))
    assert {(preset.id, preset.single_frame) for preset in presets} == {("4711", BOX), ("4712", OTHER)}
    assert len({preset.name for preset in presets}) == 2


def test_boxes_of_one_scanner_that_differ_teach_nothing_and_that_is_said(make_instance: MakeInstance) -> None:
    one, two = make_instance(1, device=SCANNER), make_instance(2, device=SCANNER)
    presets, notes = learned((one, reviewed(one, BOX)), (two, reviewed(two, OTHER)))
    assert presets == []
    assert "differ" in notes[0]


def test_a_preset_that_names_the_same_keeps_its_name_and_its_other_box(make_instance: MakeInstance) -> None:
    known = CropPreset("room 3", "acme, inc.", "ECHO 3", "", (640, 480), OTHER, OTHER)
    frame = make_instance(1, device=SCANNER)
    presets, _ = learned((frame, reviewed(frame, BOX)), known=(known,))
    assert [(preset.name, preset.single_frame, preset.multi_frame) for preset in presets] == [("room 3", BOX, OTHER)]


def test_the_settings_keep_their_comments_and_are_read_again(make_instance: MakeInstance) -> None:
    frame = make_instance(1, device=SCANNER)
    presets, _ = learned((frame, reviewed(frame, BOX)))
    text = with_presets(default_settings_text(), presets)
    assert set(default_settings_text().splitlines()) <= set(text.splitlines())
    assert parse_settings(text, "settings.ini").presets == tuple(presets)
