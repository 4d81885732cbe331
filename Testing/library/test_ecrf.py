"""The case report forms: names that REDCap takes, and the structure of ODM-XML 1.3.2."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from USDICOMizerLib.archive import MANIFEST_COLUMNS, ManifestRow
from USDICOMizerLib.ecrf import fields_of, odm, read_numbers, redcap_dictionary, redcap_records
from USDICOMizerLib.errors import CommandError, SettingsError
from USDICOMizerLib.exports import ExportedExam
from USDICOMizerLib.settings import EcrfSettings, parse_settings
from USDICOMizerLib.tags import Tag

ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
EXPECTED = (Tag("CFV", "L"), Tag("CFV", "R"))
MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def row(**values) -> ManifestRow:
    known = dict.fromkeys(MANIFEST_COLUMNS, "") | {"rows": 8, "columns": 9, "frames": 3, "reviewed": "no"}
    return ManifestRow(**known | values)


EXAMS = [
    ExportedExam(Path("b.zip"), "E-2", "S-1", (row(file="b/1.dcm", site="CFV", side="R", reviewed="yes"),)),
    ExportedExam(Path("a.zip"), "E-1", "S-1", (row(file="a/1.dcm", site="CFV", side="L", frame_time="33.3"),)),
    ExportedExam(Path("c.zip"), "E-3", "S-2", (row(file="c/1.dcm", site="CFV", side="L", model='<&"\x01'),)),
]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_field_that_is_imported_is_in_the_dictionary_and_named_as_redcap_has_it():
    fields = fields_of(EcrfSettings())
    defined = [line["Variable / Field Name"] for line in table(redcap_dictionary(fields))]
    imported = list(table(redcap_records(EXAMS, fields, EXPECTED))[0])
    assert [name for name in imported if not name.startswith("redcap_repeat_")] == defined
    assert defined[0] == "record_id"
    assert len(set(defined)) == len(defined)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name) for name in defined)


def test_the_dictionary_has_the_eighteen_columns_of_redcap():
    (first, *_) = table(redcap_dictionary(fields_of(EcrfSettings())))
    assert len(first) == 18
    assert first["Form Name"] == "ultrasound"


def test_a_subject_is_a_record_and_each_image_repeats():
    records = table(redcap_records(EXAMS, fields_of(EcrfSettings()), EXPECTED))
    assert [(one["record_id"], one["redcap_repeat_instance"], one["us_exam"]) for one in records] == [
        ("S-1", "", ""),
        ("S-1", "1", "E-1"),
        ("S-1", "2", "E-2"),
        ("S-2", "", ""),
        ("S-2", "1", "E-3"),
    ]
    assert (records[0]["us_exams"], records[0]["us_tags"], records[0]["us_is_whole"]) == ("2", "CFV-L, CFV-R", "1")
    assert (records[3]["us_missing_tags"], records[3]["us_is_whole"]) == ("CFV-R", "0")
    assert [one["us_reviewed"] for one in records] == ["", "0", "1", "", "0"]


def image(subject: str, number: int) -> ExportedExam:
    rows = (row(file=f"{number}.dcm", sop_instance_uid=f"2.25.{number}"),)
    return ExportedExam(Path(f"{number}.zip"), f"E-{number}", subject, rows)


def numbers(text: str) -> dict[str, tuple[str, str]]:
    return {
        one["us_sop_instance_uid"]: (one["record_id"], one["redcap_repeat_instance"])
        for one in table(text)
        if one["redcap_repeat_instance"]
    }


def test_an_image_keeps_its_number_whoever_joins_or_goes(tmp_path):
    fields, path = fields_of(EcrfSettings()), tmp_path / "redcap_import.csv"
    three, five = image("S-1", 3), image("S-1", 5)
    first = redcap_records([three, five], fields, ())
    path.write_bytes(first.encode())
    assert numbers(first) == {"2.25.3": ("S-1", "1"), "2.25.5": ("S-1", "2")}

    joined = redcap_records([three, five, image("S-1", 1), image("S-2", 2)], fields, (), read_numbers(path, fields))
    assert numbers(joined) == numbers(first) | {"2.25.1": ("S-1", "3"), "2.25.2": ("S-2", "1")}
    path.write_bytes(joined.encode())

    gone = redcap_records([five], fields, (), read_numbers(path, fields))
    assert numbers(gone) == numbers(joined), "the number of an image that isn't there stays taken"
    path.write_bytes(gone.encode())
    assert [one["us_exam"] for one in table(gone) if one["us_sop_instance_uid"] == "2.25.1"] == [""]

    back = redcap_records([image("S-1", 0), image("S-1", 1), five], fields, (), read_numbers(path, fields))
    assert numbers(back) == numbers(joined) | {"2.25.0": ("S-1", "4")}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a,b\r\n1,2\r\n",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,us_sop_instance_uid\r\nS-1,ultrasound_images,one,2.25.1\r\n",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,us_sop_instance_uid\r\nS-1,ultrasound_images,0,2.25.1\r\n",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,us_sop_instance_uid\r\nS-1,ultrasound_images,1,\r\n",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,us_sop_instance_uid\r\n"
        "S-1,ultrasound_images,1,2.25.1\r\nS-1,ultrasound_images,1,2.25.2\r\n",
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,us_sop_instance_uid\r\n"
        "S-1,ultrasound_images,1,2.25.1\r\nS-1,ultrasound_images,2,2.25.1\r\n",
    ],
)
def test_an_earlier_import_that_cannot_tell_the_numbers_is_refused(tmp_path, content):
    path = tmp_path / "redcap_import.csv"
    path.write_text(content)
    with pytest.raises(CommandError, match="redcap_import.csv"):
        read_numbers(path, fields_of(EcrfSettings()))


def test_without_a_field_for_the_uid_numbers_cannot_be_kept(tmp_path):
    settings = parse_settings("[ecrf]\nsop_instance_uid =\n", "settings.ini")
    with pytest.raises(CommandError, match="sop_instance_uid"):
        read_numbers(tmp_path / "redcap_import.csv", fields_of(settings.ecrf))


def test_fields_are_called_what_the_settings_say_or_left_out():
    settings = parse_settings("[ecrf]\nsubject = pat\nsite = us_where\nmodel =\nstudy_uid =\n", "settings.ini")
    records = table(redcap_records(EXAMS, fields_of(settings.ecrf), ()))
    assert records[1]["pat"] == "S-1"
    assert records[1]["us_where"] == "CFV"
    assert not {"us_model", "us_site", "us_study_uid", "record_id"} & records[0].keys()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Site", "begin with a letter of a to z"),
        ("1site", "begin with a letter"),
        ("site_", "single underscores"),
        ("a__b", "single underscores"),
        ("a" * 27, "26"),
        ("redcap_event_name", "keeps for itself"),
        ("us_complete", "keeps for itself"),
        ("us_side", "another field is called"),
    ],
)
def test_a_name_that_redcap_refuses_is_a_mistake_with_its_line(name, said):
    with pytest.raises(SettingsError, match=said) as wrong:
        parse_settings(f"[ecrf]\nsite = {name}\n", "settings.ini")
    assert "settings.ini, [ecrf], line 2" in str(wrong.value)


def test_the_subject_needs_a_field():
    with pytest.raises(SettingsError, match="record_id"):
        parse_settings("[ecrf]\nsubject =\n", "settings.ini")


def test_odm_has_what_the_standard_requires_in_its_order():
    root = ElementTree.fromstring(odm(EXAMS, EcrfSettings(study_name="Leg veins & more"), EXPECTED, made=MADE))
    assert root.tag == f"{ODM}ODM"
    assert (root.get("ODMVersion"), root.get("FileType")) == ("1.3.2", "Snapshot")
    assert root.get("FileOID")
    assert root.get("CreationDateTime") == "2026-01-02T03:04:05+00:00"
    assert root.find(f"{ODM}Study/{ODM}GlobalVariables/{ODM}StudyName").text == "Leg veins & more"
    version = root.find(f"{ODM}Study/{ODM}MetaDataVersion")
    order = [child.tag.removeprefix(ODM) for child in version]
    wanted = ["Protocol", "StudyEventDef", "FormDef", "ItemGroupDef", "ItemDef"]
    assert list(dict.fromkeys(order)) == wanted
    assert order == sorted(order, key=wanted.index)


def test_every_reference_in_odm_points_to_a_definition():
    root = ElementTree.fromstring(odm(EXAMS, EcrfSettings(), EXPECTED, made=MADE))
    for kind in ("StudyEvent", "Form", "ItemGroup", "Item"):
        defined = [one.get("OID") for one in root.iter(f"{ODM}{kind}Def")]
        assert len(defined) == len(set(defined)) > 0
        used = {one.get(f"{kind}OID") for tag in ("Ref", "Data") for one in root.iter(f"{ODM}{kind}{tag}")}
        assert used <= set(defined)
        assert used
    data = root.find(f"{ODM}ClinicalData")
    assert data.get("StudyOID") == root.find(f"{ODM}Study").get("OID")
    assert data.get("MetaDataVersionOID") == root.find(f"{ODM}Study/{ODM}MetaDataVersion").get("OID")


def test_odm_holds_each_image_of_each_subject_with_its_number():
    root = ElementTree.fromstring(odm(EXAMS, EcrfSettings(), EXPECTED, made=MADE))
    subjects = {one.get("SubjectKey"): one for one in root.iter(f"{ODM}SubjectData")}
    keys = {
        name: [group.get("ItemGroupRepeatKey") for group in one.iter(f"{ODM}ItemGroupData") if group.get("ItemGroupRepeatKey")]
        for name, one in subjects.items()
    }
    assert keys == {"S-1": ["1", "2"], "S-2": ["1"]}
    models = [one.get("Value") for one in root.iter(f"{ODM}ItemData") if one.get("ItemOID") == "I.us_model"]
    assert models == ['<&"'], "what XML can't hold goes, everything else is escaped"
