"""The original program's settings.ini, imported."""

from __future__ import annotations

import pytest

from USDICOMizerLib.errors import SettingsError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.original_settings import import_original, load_original
from USDICOMizerLib.settings import CropPreset, Settings, default_settings_text, parse_settings
from USDICOMizerLib.tags import DEFAULT_SITES

# In the form that version 4.16 writes; shortened where nothing new would be shown.
ORIGINAL = """
[settings]
user_can_change_compression_level = yes
compression_level = 85
output_path = C:\\Users\\somebody\\.anonymizer\\output
convert_all_to_jpeg = yes
patient_s_ID = keep
annotation_format = LabelMe

[crop_area]
x0_value = 10

[tags_to_del]
Instance Creation Date = 0008,0012
Consulting Physician Name = 0008,0090C
Physician(s) of Record = 0008,1048
Referenced sop class uid = 0008,1150
Patient's Name = 0010,0010
Body Part Examined = 0018,0015
Lossy Image Compression Ratio = 0028,2112
Unknown Date = 200D,2637
My own = nonsense

[tag_values]
tag_values = ("none","CFVr-L", "CFV-L", "CFVr-R", "CFV-R","GSVr-L", "GSV-L", "GSVr-R", "GSV-R","FVr-L", "FV-L", "FVr-R",
    "FV-R","FV-Dr-L", "FV-D-L", "FV-Dr-R", "FV-D-R","PVr-L", "PV-L", "PVr-R", "PV-R","OPT-L", "OPT-R")

[tags_link]
tags_link = https://example.org/studies/a

[devices]
device0 = [379046942],[337,69,686,727],[263,53,536,569]
one_box = [LOGIQ, E10],[10,20,300,400]
broken = [1],[9,9,3,3],[0,0,10,10]
none =
"""


def imported(text: str = ORIGINAL) -> tuple[Settings, list[str]]:
    result = import_original(text)
    return parse_settings(result.text, "settings.ini"), list(result.notes)


def note_about(word: str, notes: list[str]) -> str:
    (note,) = [note for note in notes if word in note]
    return note


def test_devices_become_presets_by_their_id():
    settings, notes = imported()
    assert settings.presets == (
        CropPreset("device0", id="379046942", single_frame=CropBox(337, 69, 686, 727), multi_frame=CropBox(263, 53, 536, 569)),
        CropPreset("one_box", id="LOGIQ, E10", single_frame=CropBox(10, 20, 300, 400), multi_frame=CropBox(10, 20, 300, 400)),
    )
    assert "left out" in note_about("device broken", notes)
    assert "left out" in note_about("device none", notes)


def test_attributes_to_delete_are_taken_over_and_090c_is_read_as_009c():
    settings, notes = imported()
    assert settings.deidentification.attributes_to_delete == (
        0x00080012,
        0x0008009C,
        0x00081048,
        0x00081150,
        0x00100010,
        0x00180015,
    )
    assert "ConsultingPhysicianName (0008,009C)" in note_about("0090C", notes)


@pytest.mark.parametrize("written", ["0008,090C", "0008, 0090c"])
def test_the_misspelling_is_known_in_its_other_writings(written):
    settings, _ = imported(f"[attributes_to_del]\nConsulting = {written}\n")
    assert settings.deidentification.attributes_to_delete == (0x0008009C,)


def test_attributes_that_cannot_be_deleted_are_left_out_and_said():
    _, notes = imported()
    assert "LossyImageCompressionRatio (0028,2112)" in note_about("lossy image", notes)
    assert "always removed" in note_about("(200D,2637)", notes)
    assert "'nonsense'" in note_about("my own", notes)
    settings, notes = imported("[tags_to_del]\nuid = 0008,0018\nmeta = 0002,0003\n")
    assert settings.deidentification.attributes_to_delete == ()
    assert "SOPInstanceUID" in note_about("attribute uid", notes)
    assert "attribute meta" in note_about("data set", notes)


def test_tag_values_become_sites_and_sides_and_are_required_as_there():
    settings, notes = imported()
    assert settings.tags.sites == DEFAULT_SITES
    assert settings.tags.sides == ("L", "R")
    assert settings.tags.required is True
    assert "required = yes" in note_about("without a tag", notes)
    settings, _ = imported('[tag_values]\ntag_values = ("none", "liver", "kidney-R", "a b-L")\n')
    assert (settings.tags.sites, settings.tags.sides) == (("liver", "kidney"), ("R",))


@pytest.mark.parametrize("values", ["__import__('os').abort()", '("CFV-L"', "7", '("none",)', '("FV", "FV-L-L")'])
def test_tag_values_that_are_not_a_list_of_tags_leave_the_defaults(values):
    settings, notes = imported(f"[tag_values]\ntag_values = {values}\n")
    assert settings.tags == Settings().tags
    assert "default sites" in note_about("tag_values", notes)


def test_what_has_no_place_here_is_named():
    _, notes = imported()
    keys = ("compression_level = 85", "convert_all_to_jpeg", "patient_s_id", "annotation_format", "[crop_area]", "[tags_link]")
    for key in keys:
        assert "left out" in note_about(key, notes)
    _, notes = imported("[settings]\nodd = 1\n[extra]\na = 1\n")
    assert "isn't known" in note_about("odd", notes)
    assert "isn't known" in note_about("[extra]", notes)


def test_the_output_path_is_taken_over_where_it_is_a_path_of_this_machine(tmp_path):
    settings, notes = imported(f"[settings]\noutput_path = {tmp_path}\n")
    assert (settings.export.folder, notes) == (tmp_path, [])
    settings, notes = imported("[settings]\noutput_path = output\n")
    assert settings.export.folder is None
    assert "left out" in note_about("output_path", notes)


def test_a_file_in_a_windows_code_page_is_read_without_the_path_that_it_garbles(tmp_path):
    path = tmp_path / "settings.ini"
    path.write_bytes(f"[settings]\noutput_path = {tmp_path}/\xe4\n[devices]\na = [7],[1,2,3,4]\n".encode("cp1252"))
    result = load_original(path)
    settings = parse_settings(result.text, "settings.ini")
    assert settings.export.folder is None
    assert settings.presets[0].id == "7"


@pytest.mark.parametrize("text", ["", "[crop]\nmargin = 1\n", "hello", "[devices]\na = 1\na = 2\n"])
def test_another_file_is_refused(text):
    with pytest.raises(SettingsError, match=r"settings\.ini"):
        import_original(text)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        load_original(tmp_path / "settings.ini")


def test_the_imported_file_keeps_every_explanation():
    text = import_original(ORIGINAL).text
    assert "# Settings of USDICOMizer." in text
    assert text.count("\n[") == default_settings_text().count("\n[")
