"""The settings file: what it says, where it is, and every mistake that it can hold."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib import settings as module
from USDICOMizerLib.errors import SettingsError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.settings import (
    CropPreset,
    Settings,
    default_data_folder,
    default_settings_path,
    default_settings_text,
    ensure_default_settings,
    format_crop_preset,
    load_settings,
    parse_settings,
    update_settings_text,
)
from USDICOMizerLib.settings_values import crop_preset
from USDICOMizerLib.tags import Tag

HERE = "settings.ini"


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        parse_settings(text, HERE)
    return [str(mistake) for mistake in wrong.value.mistakes]


def test_the_first_file_says_what_the_defaults_are():
    assert parse_settings(default_settings_text(), HERE) == Settings()


def test_an_empty_file_has_the_defaults():
    assert parse_settings("", HERE) == Settings()


def test_the_first_file_explains_every_section_and_key():
    text = default_settings_text()
    for section, keys in module._KEYS.items():
        body = text.split(f"[{section}]", 1)[1].split("\n[", 1)[0]
        for key in keys:
            lines = body.splitlines()
            at = next(number for number, line in enumerate(lines) if line.startswith(f"{key} ="))
            assert any(line.startswith("#") for line in lines[:at]), key


def test_every_kind_of_value_is_read():
    settings = parse_settings(
        """
[Crop]
Order = regions
MARGIN = -2
minimum size = 100

[crop_presets]
Room 3 = Philips Medical Systems, EPIQ 5G, -, 1024x768; 130,80,900,700; 0 0 800 600
portable = "SonoSite, Inc.", , 0312AB, -; 20,60,620,460
stills = -, X, -, -; 1,2,3,4; -

[tags]
sites = CFV,
    FV, FV-D
sides = L
purposes =
required = yes
[protocol]
expected = CFV-L, fv-d-l
[attributes_to_del]
(0018,1030)
0008103e
[attributes_to_keep]
; a comment
PatientSex
[export]
file_name = {exam}/{kind}_{order:04d}.dcm
transfer_syntax = JPEG-LS
jpeg_quality = 85
zip_compression_level = 9
[review]
require_review = no
[logging]
level = debug
""",
        HERE,
    )
    assert settings.crop == module.CropSettings(("regions",), -2, 100)
    assert settings.presets == (
        CropPreset(
            "Room 3", "Philips Medical Systems", "EPIQ 5G", "", (1024, 768), CropBox(130, 80, 900, 700), CropBox(0, 0, 800, 600)
        ),
        CropPreset("portable", "SonoSite, Inc.", "", "0312AB", None, CropBox(20, 60, 620, 460), CropBox(20, 60, 620, 460)),
        CropPreset("stills", "", "X", "", None, CropBox(1, 2, 3, 4), None),
    )
    assert settings.tags.sites == ("CFV", "FV", "FV-D")
    assert settings.tags.sides == ("L",)
    assert settings.tags.purposes == ()
    assert settings.tags.required is True
    assert settings.protocol.expected == (Tag("CFV", "L"), Tag("FV-D", "L"))
    assert settings.deidentification.attributes_to_delete == (0x00181030, 0x0008103E)
    assert settings.deidentification.attributes_to_keep == (0x00100040,)
    assert settings.export == module.ExportSettings(None, "{exam}/{kind}_{order:04d}.dcm", "jpeg-ls", 85, 9)
    assert settings.review.require_review is False
    assert settings.logging.level == "DEBUG"


def test_paths_are_whole_paths_with_a_tilde_for_the_home_folder(tmp_path):
    text = f"[deidentification]\nkey_file = ~/my.key\nlinkage_folder = {tmp_path}\n[export]\nfolder =\n"
    settings = parse_settings(text, HERE)
    assert settings.deidentification.key_file == Path.home() / "my.key"
    assert settings.deidentification.linkage_folder == tmp_path
    assert settings.export.folder is None
    (mistake,) = mistakes_of("[export]\nfolder = out\n")
    assert mistake.startswith("settings.ini, [export], line 2: folder: 'out' is not a whole path")


def test_all_mistakes_are_named_at_once_in_the_order_of_their_lines():
    mistakes = mistakes_of("first = 1\n[crop]\nmargin = many\n[review]\nrequire_review = perhaps\n[crop]\norder = guess\n")
    assert [mistake.split(": ")[0] for mistake in mistakes] == [
        "settings.ini, line 1",
        "settings.ini, [crop], line 3",
        "settings.ini, [review], line 5",
        "settings.ini, [crop], line 6",
        "settings.ini, [crop], line 7",
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[corp]\nmargin = 1", 1, "did you mean crop?"),
        ("[crop]\nmargn = 1", 2, "did you mean margin?"),
        ("[crop]\nzzz = 1", 2, "there are order, margin, minimum_size"),
        ("[crop]\nlevel = info", 2, "it belongs in [logging]"),
        ("[crop]\nmargin = 1\n\nMargin = 2", 4, "there already, in line 2"),
        ("[crop]\nmargin = 1.5", 2, "'1.5' is not a whole number from -1000 to 1000"),
        ("[crop]\nmargin =", 2, "'' is not a whole number"),
        ("[crop]\nmargin = 0 # none", 2, "'0 # none' is not a whole number"),
        ("[crop]\nmargin", 2, "write name = value"),
        ("[crop]\nminimum_size = 0", 2, "from 1 to 65535"),
        ("[crop]\norder = preset, preset", 2, "twice"),
        ("[crop]\norder = preset,, regions", 2, "nothing between two commas"),
        ("[crop]\norder = preset, guess", 2, "'guess' is not one of preset, regions"),
        ("[crop_presets]\na = x, y, z; 1,2,3,4; 1,2,3,4", 2, "a: the first part of a preset is manufacturer"),
        ("[crop_presets]\na = x, y, z, -", 2, "3 are right"),
        ("[crop_presets]\na = SonoSite, Inc., y, z, -; 1,2,3,4", 2, "double quotes"),
        ('[crop_presets]\na = "x, y, z, -; 1,2,3,4', 2, "no partner"),
        ("[crop_presets]\na = -, -, -, -; 1,2,3,4", 2, "every scanner"),
        ("[crop_presets]\na = x, -, -, -; -; -", 2, "no box"),
        ("[crop_presets]\na = x, -, -, big; 1,2,3,4", 2, "columns x rows"),
        ("[crop_presets]\na = x, -, -, -; 10,2,3,4", 2, "10,2,3,4"),
        ("[crop_presets]\na = x, -, -, -; 1,2,3", 2, "give left, top, right, bottom"),
        ("[crop_presets]\na = x, -, -, -; 1,2,70000,4", 2, "out of any image"),
        ("[crop_presets]\na = x, -, -, -; -1,2,3,4", 2, "outside of any image"),
        ("[crop_presets]\na = x, -, -, 640x480; 0,0,640,481", 2, "out of the frame of 640x480"),
        ("[tags]\nrequired = yes\nsites = CFV, cfv", 3, "sites: 'cfv' is there twice"),
        ("[tags]\nrequired = yes\nsides = left", 3, "L (left)"),
        ("[tags]\nsites = FV, FV-L", 2, "reads the same"),
        ("[protocol]\nexpected = CFV-L, XYZ-L", 2, "'XYZ-L' isn't in the vocabulary"),
        ("[attributes_to_del]\nPatientNam", 2, "did you mean PatientName"),
        ("[attributes_to_del]\n(0002,0016)", 2, "isn't in the data set"),
        ("[attributes_to_del]\nSOPInstanceUID", 2, "can't be deleted"),
        ("[attributes_to_del]\n(0028,0010)", 2, "Rows (0028,0010) can't be deleted"),
        ("[attributes_to_del]\nPatientName = yes", 2, "neither"),
        ("[attributes_to_keep]\n(0009,1001)", 2, "private"),
        ("[attributes_to_keep]\n(6000,3000)", 2, "overlays"),
        ("[attributes_to_keep]\nIconImageSequence", 2, "icons"),
        ("[attributes_to_del]\nPatientSex\n[attributes_to_keep]\n(0010,0040)", 4, "[attributes_to_del] as well"),
        ("[deidentification]\nprofile = none", 2, "not one of basic"),
        ("[deidentification]\noptions = retain-uid", 2, "did you mean retain-uids?"),
        ("[deidentification]\noptions = everything", 2, "the options are clean-pixel-data, clean-graphics"),
        ("[deidentification]\noptions = retain-uids, RETAIN_UIDS", 2, "named twice"),
        ("[deidentification]\noptions = clean-recognizable-visual-features", 2, "doesn't apply to ultrasound"),
        (
            "[deidentification]\noptions = retain-longitudinal-full-dates, retain-longitudinal-modified-dates",
            2,
            "either kept or shifted",
        ),
        ("[deidentification]\ndate_shift_days = 30", 2, "such as -3650..-30"),
        ("[deidentification]\ndate_shift_days = -30..-3650", 2, "write -3650..-30"),
        ("[deidentification]\ndate_shift_days = -365..365", 2, "some dates would not move"),
        ("[deidentification]\ndate_shift_days = 0..3650", 2, "some dates would not move"),
        ("[deidentification]\ndate_shift_days = -40..-30", 2, "could be guessed"),
        ("[deidentification]\nallowed_words = C5-2, ---", 2, "'---' holds no word"),
        ("[safe_private]\n(200D,1037) Philips", 2, "write (gggg,xxee) CREATOR"),
        ("[safe_private]\n(200D,xx37)", 2, "write (gggg,xxee) CREATOR"),
        ("[safe_private]\n(200C,xx37) Philips", 2, "no private group"),
        ("[export]\ntransfer_syntax = jpeg", 2, "explicit-little-endian"),
        ("[export]\njpeg_quality = 0", 2, "from 1 to 100"),
        ("[export]\nzip_compression_level = 10", 2, "from 0 to 9"),
        ("[export]\nfile_name = {PatientName}.dcm", 2, "{PatientName} is not a field; the fields are subject, exam"),
        ("[export]\nfile_name = {subject.__class__}.dcm", 2, "not a field"),
        ("[export]\nfile_name = {}.dcm", 2, "not a field"),
        ("[export]\nfile_name = {order!r}.dcm", 2, "plain format"),
        ("[export]\nfile_name = {order:{rows}}.dcm", 2, "plain format"),
        ("[export]\nfile_name = {order.dcm", 2, "brace"),
        ("[export]\nfile_name = {site:03d}.dcm", 2, "doesn't fit its field"),
        ("[export]\nfile_name = {subject}/{order:03d}", 2, ".dcm"),
        ("[export]\nfile_name = ../{order:03d}.dcm", 2, "inside of the export"),
        ("[export]\nfile_name = /{order:03d}.dcm", 2, "inside of the export"),
        ("[export]\nfile_name = C:{order:03d}.dcm", 2, "file name"),
        ("[export]\nfile_name =", 2, "inside of the export"),
        ("[logging]\nlevel = loud", 2, "DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_would_be_right(text, line, said):
    (mistake,) = mistakes_of(text)
    section = text[1 : text.index("]")] if text.count("[") == 1 else text.rsplit("\n[", 1)[-1].split("]")[0]
    assert mistake.startswith(f"settings.ini, [{section}], line {line}: ")
    assert said in mistake


def test_a_wrong_vocabulary_does_not_make_the_protocol_wrong_too():
    assert len(mistakes_of("[tags]\nsites = LUNG, lung\n[protocol]\nexpected = LUNG-L\n")) == 1


def test_an_indented_key_is_a_key_and_not_the_rest_of_the_value_before():
    settings = parse_settings("[crop]\nmargin = 3\n  minimum_size = 50\n", HERE)
    assert (settings.crop.margin, settings.crop.minimum_size) == (3, 50)


def test_a_mistake_in_the_encoding_or_a_missing_file_is_said(tmp_path):
    path = tmp_path / HERE
    with pytest.raises(SettingsError, match="can't be read"):
        load_settings(path)
    path.write_bytes(b"[tags]\n# \xe9t\xe9\n")
    with pytest.raises(SettingsError, match=r"settings\.ini, line 2: .*UTF-8"):
        load_settings(path)
    path.write_bytes(b"\xef\xbb\xbf[crop]\r\nmargin = 4\r\n")
    assert load_settings(path).crop.margin == 4


def test_a_change_keeps_everything_else_as_it_was():
    text = default_settings_text()
    changed = update_settings_text(text, {("crop", "margin"): "7"})
    different = [(old, new) for old, new in zip(text.splitlines(), changed.splitlines(), strict=True) if old != new]
    assert different == [("margin = 0", "margin = 7")]
    assert parse_settings(changed, HERE).crop.margin == 7


def test_a_new_preset_goes_below_the_explanation_of_its_section():
    preset = CropPreset("EPIQ room", "A, B", "", "7", None, CropBox(1, 2, 30, 40), None)
    text = update_settings_text(default_settings_text(), {("crop_presets", preset.name): format_crop_preset(preset)})
    assert parse_settings(text, HERE).presets == (preset,)
    lines = text.splitlines()
    at = lines.index('EPIQ room = "A, B", -, 7, -; 1,2,30,40; -')
    assert lines[at - 1].startswith("#")
    assert lines[at + 1 : at + 3] == ["", "[tags]"]


def test_a_value_of_several_lines_is_replaced_whole_and_the_written_name_stays():
    text = "[tags]\n# my sites\nSites = A,\n    B,\n    C\n\n# sides\nsides = L\n"
    changed = update_settings_text(text, {("tags", "sites"): "X,\nY"})
    assert changed == "[tags]\n# my sites\nSites = X,\n    Y\n\n# sides\nsides = L\n"


def test_missing_sections_and_list_items_are_added_with_the_file_s_line_ends():
    changes = {("review", "require_review"): "no", ("attributes_to_del", "Rows"): ""}
    changed = update_settings_text("[crop]\r\nmargin = 1", changes)
    assert changed == "[crop]\r\nmargin = 1\r\n\r\n[review]\r\nrequire_review = no\r\n\r\n[attributes_to_del]\r\nRows\r\n"
    assert update_settings_text(changed, {("attributes_to_del", "Rows"): ""}) == changed


def test_comments_that_touch_the_next_section_stay_with_it():
    text = "[crop]\nmargin = 1\n\n# about reviews\n[review]\n"
    assert update_settings_text(text, {("crop", "order"): "preset"}) == (
        "[crop]\nmargin = 1\norder = preset\n\n# about reviews\n[review]\n"
    )


@pytest.mark.parametrize("key", ["", "a = b", "# a", "[a]", "a\nb"])
def test_a_name_that_the_file_cannot_hold_is_not_written(key):
    with pytest.raises(ValueError, match="can't be a name"):
        update_settings_text("", {("crop_presets", key): "x"})


_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip).filter(lambda text: text != "-")
_BOX = st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(501, 1000)] * 2).map(lambda edges: CropBox(*edges))


@given(
    st.builds(
        CropPreset,
        st.just("scanner"),
        _TEXT,
        _TEXT,
        _TEXT.filter(bool),
        st.none() | st.tuples(st.integers(1000, 2000), st.integers(1000, 2000)),
        _BOX,
        st.none() | _BOX,
    )
)
def test_any_preset_reads_back_from_its_text(preset):
    text = update_settings_text(default_settings_text(), {("crop_presets", preset.name): format_crop_preset(preset)})
    assert parse_settings(text, HERE).presets == (preset,)
    assert crop_preset(preset.name, format_crop_preset(preset)) == preset


@given(st.integers(-1000, 1000), st.integers(1, 65535), st.sampled_from(["\n", "\r\n"]))
def test_changes_read_back_whatever_the_line_ends(margin, minimum, newline):
    text = default_settings_text().replace("\n", newline)
    changed = update_settings_text(text, {("crop", "margin"): str(margin), ("Crop", "Minimum size"): str(minimum)})
    settings = parse_settings(changed, HERE)
    assert (settings.crop.margin, settings.crop.minimum_size) == (margin, minimum)
    assert changed.count(newline) == text.count(newline) == changed.count("\n")


def test_one_folder_holds_all_where_the_environment_names_it(monkeypatch, tmp_path):
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    assert default_settings_path() == tmp_path / "home" / "settings.ini"
    assert default_data_folder() == tmp_path / "home" / "data"


@pytest.mark.parametrize(
    ("platform", "settings", "data"),
    [
        ("linux", ".config/USDICOMizer/settings.ini", ".local/share/USDICOMizer"),
        ("win32", "AppData/Roaming/USDICOMizer/settings.ini", "AppData/Local/USDICOMizer"),
        (
            "darwin",
            "Library/Application Support/USDICOMizer/settings.ini",
            "Library/Application Support/USDICOMizer/data",
        ),
    ],
)
def test_each_platform_has_its_own_place(monkeypatch, tmp_path, platform, settings, data):
    for variable in ("USDICOMIZER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", platform)
    assert default_settings_path() == tmp_path / settings
    assert default_data_folder() == tmp_path / data


@pytest.mark.parametrize(
    ("platform", "configuration", "data"), [("linux", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), ("win32", "APPDATA", "LOCALAPPDATA")]
)
def test_the_platform_s_variables_are_followed_unless_relative(monkeypatch, tmp_path, platform, configuration, data):
    monkeypatch.delenv("USDICOMIZER_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(configuration, str(tmp_path / "c"))
    monkeypatch.setenv(data, str(tmp_path / "d"))
    assert default_settings_path() == tmp_path / "c" / "USDICOMizer" / "settings.ini"
    assert default_data_folder() == tmp_path / "d" / "USDICOMizer"
    monkeypatch.setenv(configuration, "relative")
    assert default_settings_path().is_relative_to(Path.home())


def test_the_file_is_made_on_first_use_and_then_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    settings, created, path = ensure_default_settings()
    assert (settings, created, path) == (Settings(), True, default_settings_path())
    assert path.read_bytes() == default_settings_text().encode()
    path.write_text("[crop]\nmargin = 5\n", encoding="utf-8")
    settings, created, path = ensure_default_settings()
    assert (settings.crop.margin, created) == (5, False)
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.ini"]


def test_a_folder_that_cannot_be_made_is_said_with_a_way_on(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(SettingsError, match="--settings FILE"):
        ensure_default_settings()


def test_the_transfer_syntaxes_of_the_settings_are_those_that_can_be_written():
    assert tuple(OutputSyntax) == module.TRANSFER_SYNTAXES
