"""The manifests of exports for the electronic case report form: REDCap's import, or CDISC ODM-XML 1.3.2.

Two forms: `ultrasound`, one record a subject, and `ultrasound_images`, one an instance, which repeats. What their fields
are called is said by [ecrf] of the settings.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from USDICOMizerLib import __version__
from USDICOMizerLib.archive import no_formula
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exports import ExportedExam
from USDICOMizerLib.settings_ecrf import ECRF_FIELDS, EcrfSettings
from USDICOMizerLib.tags import Tag

SUBJECT_FORM, IMAGE_FORM = "ultrasound", "ultrasound_images"
_FORM_TITLES = {SUBJECT_FORM: "Ultrasound", IMAGE_FORM: "Ultrasound images"}
_ODM = "http://www.cdisc.org/ns/odm/v1.3"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_STUDY, _VERSION, _EVENT = "ST.ULTRASOUND", "MDV.1", "SE.ULTRASOUND"
# REDCap's data dictionary, column by column.
_DICTIONARY = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
_REDCAP_VALIDATION = {"text": "", "integer": "integer", "float": "number", "boolean": ""}


@dataclass(frozen=True)
class EcrfField:
    """A field of a form: `key` is what it holds, `name` what the settings call it."""

    key: str
    name: str
    form: str
    label: str
    type: Literal["text", "integer", "float", "boolean"]


def fields_of(settings: EcrfSettings) -> list[EcrfField]:
    """The fields that the settings name, in the order of the forms; those without a name are left out."""
    return [
        EcrfField(field.key, name, IMAGE_FORM if field.repeats else SUBJECT_FORM, field.label, field.type)
        for field in ECRF_FIELDS
        if (name := getattr(settings, field.key))
    ]


def subjects_of(exams: Sequence[ExportedExam], expected: Sequence[Tag]) -> dict[str, dict[str, str]]:
    """What the form of each subject holds, by key."""
    found: dict[str, dict[str, str]] = {}
    for subject in sorted({exam.subject for exam in exams}):
        own = [exam for exam in exams if exam.subject == subject]
        rows = [row for exam in own for row in exam.rows]
        there = {(row.site, row.side) for row in rows}
        missing = [str(tag) for tag in expected if (tag.site, tag.side) not in there]
        found[subject] = {
            "subject": subject,
            "exams": str(len(own)),
            "images": str(len(rows)),
            "tags": ", ".join(sorted({str(Tag(row.site, row.side)) for row in rows if row.site})),
            "missing_tags": ", ".join(missing),
            "complete": "1" if expected and not missing else "0" if expected else "",
        }
    return found


def images_of(exams: Sequence[ExportedExam]) -> dict[str, list[dict[str, str]]]:
    """What the repeating form holds, by subject, then by key, in the order of exams and manifests."""
    found: dict[str, list[dict[str, str]]] = {}
    for exam in sorted(exams, key=lambda one: (one.subject, one.exam)):
        for row in exam.rows:
            values = {field.key: str(getattr(row, field.key, "")) for field in ECRF_FIELDS if field.repeats}
            values |= {"exam": exam.exam, "reviewed": "1" if row.reviewed == "yes" else "0"}
            found.setdefault(exam.subject, []).append(values)
    return found


def redcap_dictionary(fields: Sequence[EcrfField]) -> str:
    """The data dictionary, to be uploaded first: CSV with a line for each field."""
    rows = []
    for field in fields:
        row = dict.fromkeys(_DICTIONARY, "")
        row["Variable / Field Name"], row["Form Name"], row["Field Label"] = field.name, field.form, field.label
        row["Field Type"] = "yesno" if field.type == "boolean" else "text"
        row["Text Validation Type OR Show Slider Number"] = _REDCAP_VALIDATION[field.type]
        rows.append(row.values())
    return _csv(_DICTIONARY, rows)


Numbers = Mapping[str, Mapping[str, int]]
"""The number of each image among those of its subject, by subject, then by SOP Instance UID."""

_INSTRUMENT, _INSTANCE = "redcap_repeat_instrument", "redcap_repeat_instance"


def read_numbers(path: Path, fields: Sequence[EcrfField]) -> Numbers:
    """The numbers that an earlier redcap_import.csv gave, also to images that were there before it.

    Raises CommandError where the file doesn't tell them, or the settings leave out the field that tells images apart.
    """
    columns = {field.key: field.name for field in fields}
    if "sop_instance_uid" not in columns:
        raise CommandError(
            "--previous needs the field of the images' UIDs: give sop_instance_uid a name in [ecrf] of the settings."
        )
    found: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream)
            if missing := {columns["subject"], _INSTRUMENT, _INSTANCE, columns["sop_instance_uid"]} - set(table.fieldnames or ()):
                raise ValueError(f"the column {min(missing)} is missing")
            for line in table:
                if line[_INSTRUMENT] == IMAGE_FORM:
                    _note_number(found, line[columns["subject"]], line[columns["sop_instance_uid"]], line[_INSTANCE])
    except OSError as error:
        raise CommandError(f"{path} can't be read ({error.strerror or type(error).__name__}).") from error
    except (ValueError, csv.Error) as error:
        raise CommandError(
            f"{path} isn't a redcap_import.csv that tells the images' numbers: {error}. Name the last one that was imported."
        ) from error
    return found


def _note_number(found: dict[str, dict[str, int]], subject: str, uid: str, said: str) -> None:
    numbers = found.setdefault(subject, {})
    if not subject or not uid:
        raise ValueError("an image has no subject or no UID")
    if not (said or "").isdecimal() or not (number := int(said)):
        raise ValueError("an image has no whole number of 1 or more")
    if uid in numbers or number in numbers.values():
        raise ValueError("an image or a number is there twice")
    numbers[uid] = number


def redcap_records(
    exams: Sequence[ExportedExam], fields: Sequence[EcrfField], expected: Sequence[Tag], previous: Numbers | None = None
) -> str:
    """The records to import: a line for each subject, and one for each of its images as a repeating instrument.

    REDCap tells images by their number. Those in `previous` keep theirs and new ones get the next; an image that isn't
    there any more has a line with nothing but its UID, so that its number stays taken in the next import, too.
    """
    record, *others = fields
    columns = [record.name, _INSTRUMENT, _INSTANCE, *(field.name for field in others)]
    images = images_of(exams)
    rows = []
    subjects = subjects_of(exams, expected)
    for subject in sorted(subjects.keys() | (previous or {}).keys()):
        if subject in subjects:
            rows.append([subject, "", "", *_cells(others, SUBJECT_FORM, subjects[subject])])
        numbered = _numbered(images.get(subject, ()), (previous or {}).get(subject, {}))
        for number, image in sorted(numbered.items()):
            rows.append([subject, IMAGE_FORM, str(number), *_cells(others, IMAGE_FORM, image)])
    return _csv(columns, rows)


def _numbered(images: Iterable[Mapping[str, str]], known: Mapping[str, int]) -> dict[int, Mapping[str, str]]:
    nothing = dict.fromkeys((field.key for field in ECRF_FIELDS), "")
    numbered: dict[int, Mapping[str, str]] = {number: nothing | {"sop_instance_uid": uid} for uid, number in known.items()}
    following = count(max(known.values(), default=0) + 1)
    for image in images:
        number = known.get(image["sop_instance_uid"])
        numbered[next(following) if number is None else number] = image
    return numbered


def _cells(fields: Iterable[EcrfField], form: str, values: Mapping[str, str]) -> list[str]:
    return [values[field.key] if field.form == form else "" for field in fields]


def _csv(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows(map(no_formula, row) for row in rows)
    return text.getvalue()


def odm(exams: Sequence[ExportedExam], settings: EcrfSettings, expected: Sequence[Tag], *, made: datetime) -> bytes:
    """The forms and what they hold as CDISC ODM-XML 1.3.2, a snapshot; `made` has a time zone."""
    fields = fields_of(settings)
    root = _element(
        None,
        "ODM",
        ODMVersion="1.3.2",
        FileType="Snapshot",
        FileOID=f"USDICOMIZER.{made:%Y%m%d%H%M%S}",
        CreationDateTime=made.isoformat(timespec="seconds"),
        SourceSystem="USDICOMizer",
        SourceSystemVersion=__version__,
    )
    study = _element(root, "Study", OID=_STUDY)
    about = _element(study, "GlobalVariables")
    _element(about, "StudyName").text = settings.study_name
    _element(about, "StudyDescription").text = "Ultrasound exams, de-identified"
    _element(about, "ProtocolName").text = settings.study_name
    _describe_forms(_element(study, "MetaDataVersion", OID=_VERSION, Name="Ultrasound exams"), fields)
    data = _element(root, "ClinicalData", StudyOID=_STUDY, MetaDataVersionOID=_VERSION)
    images = images_of(exams)
    for subject, values in subjects_of(exams, expected).items():
        event = _element(_element(data, "SubjectData", SubjectKey=subject), "StudyEventData", StudyEventOID=_EVENT)
        _add_form(event, SUBJECT_FORM, fields, [values])
        _add_form(event, IMAGE_FORM, fields, images.get(subject, []))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _describe_forms(version: ElementTree.Element, fields: Sequence[EcrfField]) -> None:
    """The definitions in the order that ODM's schema asks for: events, forms, groups, items."""
    forms = [form for form in _FORM_TITLES if any(field.form == form for field in fields)]
    _element(_element(version, "Protocol"), "StudyEventRef", StudyEventOID=_EVENT, Mandatory="No", OrderNumber="1")
    event = _element(version, "StudyEventDef", OID=_EVENT, Name="Ultrasound", Repeating="No", Type="Common")
    for number, form in enumerate(forms, start=1):
        _element(event, "FormRef", FormOID=f"F.{form}", Mandatory="No", OrderNumber=str(number))
    for form in forms:
        definition = _element(version, "FormDef", OID=f"F.{form}", Name=_FORM_TITLES[form], Repeating="No")
        _element(definition, "ItemGroupRef", ItemGroupOID=f"IG.{form}", Mandatory="No", OrderNumber="1")
    for form in forms:
        repeating = "Yes" if form == IMAGE_FORM else "No"
        group = _element(version, "ItemGroupDef", OID=f"IG.{form}", Name=_FORM_TITLES[form], Repeating=repeating)
        for number, field in enumerate((field for field in fields if field.form == form), start=1):
            _element(group, "ItemRef", ItemOID=f"I.{field.name}", Mandatory="No", OrderNumber=str(number))
    for field in fields:
        sizes = {"text": {"Length": "1024"}, "integer": {"Length": "10"}, "float": {"Length": "16", "SignificantDigits": "8"}}
        item = _element(
            version, "ItemDef", OID=f"I.{field.name}", Name=field.name, DataType=field.type, **sizes.get(field.type, {})
        )
        question = _element(_element(item, "Question"), "TranslatedText")
        question.set(_XML_LANG, "en")
        question.text = field.label


def _add_form(event: ElementTree.Element, form: str, fields: Sequence[EcrfField], records: Sequence[Mapping[str, str]]) -> None:
    fields = [field for field in fields if field.form == form]
    if not fields or not records:
        return
    data = _element(event, "FormData", FormOID=f"F.{form}")
    for number, record in enumerate(records, start=1):
        repeat = {"ItemGroupRepeatKey": str(number)} if form == IMAGE_FORM else {}
        group = _element(data, "ItemGroupData", ItemGroupOID=f"IG.{form}", **repeat)
        for field in fields:
            if value := _legal(record[field.key]):
                _element(group, "ItemData", ItemOID=f"I.{field.name}", Value=value)


def _legal(text: str) -> str:
    """Without the control characters that XML 1.0 can't hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)


def _element(parent: ElementTree.Element | None, name: str, **attributes: str) -> ElementTree.Element:
    if parent is None:
        ElementTree.register_namespace("", _ODM)
        return ElementTree.Element(f"{{{_ODM}}}{name}", attributes)
    return ElementTree.SubElement(parent, f"{{{_ODM}}}{name}", attributes)
