"""A box that a person drew becomes a preset, and the settings file stays theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from USDICOMizerLib.crop_presets import preset_for, save_preset, suggested_name
from USDICOMizerLib.errors import CommandError, SettingsError
from USDICOMizerLib.exam import Device
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.proposals import propose_crop
from USDICOMizerLib.settings import Settings, default_settings_text

BOX = CropBox(20, 30, 500, 400)
DEVICE = Device("Example Ultrasound, Ltd", "SonoSample 5", "SN-1")


@pytest.fixture
def settings_file(tmp_path):
    path = tmp_path / "settings.ini"
    path.write_text(default_settings_text(), encoding="utf-8")
    return path


def test_a_saved_preset_is_proposed_for_that_scanner_and_size_only(make_instance, settings_file):
    instance = make_instance(1, device=DEVICE)
    settings = save_preset(settings_file, preset_for(instance, BOX, "room 3", Settings()))
    assert propose_crop(make_instance(2, device=DEVICE), settings).box == BOX
    assert propose_crop(make_instance(3, device=DEVICE, columns=800, rows=600), settings) is None
    assert propose_crop(make_instance(4, device=replace(DEVICE, model="Other")), settings) is None


def test_the_comments_of_the_settings_file_stay(make_instance, settings_file):
    before = settings_file.read_text(encoding="utf-8").splitlines()
    save_preset(settings_file, preset_for(make_instance(1, device=DEVICE), BOX, "room 3", Settings()))
    after = settings_file.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line not in before] == [
        'room 3 = "Example Ultrasound, Ltd", SonoSample 5, -, 640x480; 20,30,500,400; -'
    ]
    assert [line for line in after if line in before] == before


def test_the_same_name_holds_one_box_for_frames_and_one_for_cines(make_instance, settings_file):
    settings = save_preset(settings_file, preset_for(make_instance(1, device=DEVICE), BOX, "room 3", Settings()))
    other = CropBox(0, 10, 600, 480)
    settings = save_preset(settings_file, preset_for(make_instance(2, device=DEVICE, frames=30), other, "Room 3", settings))
    (preset,) = settings.presets
    assert (preset.single_frame, preset.multi_frame) == (BOX, other)


def test_the_same_name_for_another_scanner_replaces_the_preset(make_instance, settings_file):
    settings = save_preset(settings_file, preset_for(make_instance(1, device=DEVICE), BOX, "room 3", Settings()))
    cine = make_instance(2, device=replace(DEVICE, model="Other"), frames=30)
    (preset,) = save_preset(settings_file, preset_for(cine, BOX, "room 3", settings)).presets
    assert (preset.model, preset.single_frame, preset.multi_frame) == ("Other", None, BOX)


@pytest.mark.parametrize("name", ["a=b", "#1", "[x]", " ", "two\nlines"])
def test_a_name_that_the_file_can_not_hold_is_refused_and_nothing_is_written(make_instance, settings_file, name):
    before = settings_file.read_bytes()
    with pytest.raises(CommandError):
        save_preset(settings_file, preset_for(make_instance(1, device=DEVICE), BOX, name, Settings()))
    assert settings_file.read_bytes() == before


def test_a_file_that_is_wrong_already_stays_as_it_is(make_instance, settings_file):
    settings_file.write_text("[crop]\nmargin = much\n", encoding="utf-8")
    with pytest.raises(SettingsError):
        save_preset(settings_file, preset_for(make_instance(1, device=DEVICE), BOX, "room 3", Settings()))
    assert settings_file.read_text(encoding="utf-8") == "[crop]\nmargin = much\n"


@pytest.mark.parametrize(
    ("device", "name"),
    [
        (DEVICE, "sonosample-5-640x480"),
        (Device("ACME"), "acme-640x480"),
        (Device(), "scanner-640x480"),
        (Device(model="***"), "scanner-640x480"),
    ],
)
def test_a_name_is_suggested_from_scanner_and_size(make_instance, device, name):
    assert suggested_name(make_instance(1, device=device)) == name
