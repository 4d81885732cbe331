"""The settings file as a form: a field for each key, and each mistake at its field."""

from __future__ import annotations

import pytest

from USDICOMizerLib.settings import default_settings_text, parse_settings
from USDICOMizerLib.settings_form import fields_of, mistakes_in, with_values


def test_every_key_of_the_default_file_is_a_field_with_its_explanation() -> None:
    fields = {field.name: field for field in fields_of(default_settings_text())}
    assert fields["crop", "margin"].value == "0"
    assert fields["crop", "margin"].explanation.startswith("Pixels added on each side")
    assert fields["tags", "required"].choices == ("yes", "no")
    assert fields["crop_presets", ""].has_lines and "One line a scanner" in fields["crop_presets", ""].explanation
    # One comment explains several keys there.
    assert all(field.explanation or field.section in ("tags", "ecrf") for field in fields.values())


def test_a_file_that_lacks_a_key_shows_its_default() -> None:
    fields = {field.name: field.value for field in fields_of("[crop]\nmargin = 7\n")}
    assert (fields["crop", "margin"], fields["crop", "minimum_size"]) == ("7", "32")


def test_values_are_written_and_comments_stay() -> None:
    text = with_values(default_settings_text(), {("crop", "margin"): "7", ("tags", "sides"): ""})
    settings = parse_settings(text, "settings.ini")
    assert (settings.crop.margin, settings.tags.sides) == (7, ())
    assert text.count("#") == default_settings_text().count("#")


def test_lines_replace_the_lines_of_their_section() -> None:
    preset = "room-3 = Maker, Model, -, 1024x768; 130,80,900,700"
    text = with_values(default_settings_text(), {("crop_presets", ""): preset, ("attributes_to_del", ""): "StudyID\nPatientAge"})
    assert parse_settings(text, "settings.ini").presets[0].name == "room-3"
    text = with_values(text, {("crop_presets", ""): "", ("attributes_to_del", ""): "StudyID"})
    settings = parse_settings(text, "settings.ini")
    assert settings.presets == () and len(settings.deidentification.attributes_to_delete) == 1
    assert [field.value for field in fields_of(text) if field.section == "attributes_to_del"] == ["StudyID"]


def test_a_line_that_is_no_preset_is_refused() -> None:
    with pytest.raises(ValueError, match="room 3"):
        with_values(default_settings_text(), {("crop_presets", ""): "room 3"})


def test_mistakes_are_told_at_their_field() -> None:
    text = with_values(
        default_settings_text(), {("crop", "margin"): "wide", ("attributes_to_del", ""): "NoSuchKeyword", ("tags", "sides"): "X"}
    )
    mistakes = mistakes_in(text, "settings.ini")
    assert set(mistakes.by_field) == {("crop", "margin"), ("attributes_to_del", ""), ("tags", "sides")}
    assert mistakes and not mistakes.elsewhere
    assert not mistakes_in(default_settings_text(), "settings.ini")


def test_what_belongs_to_no_field_is_told_elsewhere() -> None:
    mistakes = mistakes_in("[crop]\nmargn = 3\n[nonsense]\n", "settings.ini")
    assert not mistakes.by_field and len(mistakes.elsewhere) == 2
