"""Content items inside an image (Table E.3.4-1): acquisition context, and whatever else holds coded content."""

import pytest
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.residue import find_residue, identifying_values
from USDICOMizerLib.deidentify.rules import Rules


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def item(concept: Dataset, value_type: str, **values: object) -> Dataset:
    made = Dataset()
    made.ValueType, made.ConceptNameCodeSequence = value_type, [concept]
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


SUBJECT_NAME = code("121029", "DCM", "Subject Name")
SUBJECT_ID = code("121030", "DCM", "Subject ID")
STUDY_DATE = code("111060", "DCM", "Study Date")
STUDY_TIME = code("111061", "DCM", "Study Time")
SERIAL = code("121016", "DCM", "Device Observer Serial Number")
STATE = code("109054", "DCM", "Patient State")
SEX = code("121032", "DCM", "Subject Sex")
AGE = code("121033", "DCM", "Subject Age")
FINDING_SITE = code("363698007", "SCT", "Finding Site")
STAGE = code("109055", "DCM", "Protocol Stage")
UNKNOWN = code("77", "99NORTHFIELD", "Seen by")


@pytest.fixture
def context(ultrasound_header, deidentify):
    """De-identify an image with these items of acquisition context, and give back what is left of them."""

    def run(*items: Dataset, options=()):
        ultrasound_header.AcquisitionContextSequence = list(items)
        rules = Rules(options=(Option.CLEAN_STRUCTURED_CONTENT, *options))
        out = deidentify(ultrasound_header, rules).dataset
        assert find_residue(out, identifying_values(ultrasound_header, rules)) == []
        return list(out.get("AcquisitionContextSequence") or ())

    return run


def test_without_the_option_nothing_of_it_stays(ultrasound_header, deidentify):
    ultrasound_header.AcquisitionContextSequence = [item(STAGE, "TEXT", TextValue="supine")]
    assert "AcquisitionContextSequence" not in deidentify(ultrasound_header).dataset


def test_what_the_table_removes_goes_with_its_item_and_the_rest_stays(context):
    left = context(
        item(SUBJECT_ID, "TEXT", TextValue="MRN0047110"),
        item(STAGE, "CODE", ConceptCodeSequence=[code("40199007", "SCT", "Supine, said Lindqvist")]),
        item(SEX, "CODE", ConceptCodeSequence=[code("F", "DCM", "Female")]),
    )
    assert [one.ConceptNameCodeSequence[0].CodeMeaning for one in left] == ["Protocol Stage"]
    assert left[0].ConceptCodeSequence[0].CodeMeaning == "Supine body position"  # as the standard has it


def test_what_the_table_replaces_becomes_a_dummy(context):
    (left,) = context(item(SUBJECT_NAME, "PNAME", PersonName="Lindqvist^Annika"))
    assert str(left.PersonName) == "ANONYMIZED"
    (left,) = context(item(FINDING_SITE, "TEXT", TextValue="left leg of Mrs Lindqvist"))
    assert left.TextValue == "ANONYMIZED"


def test_text_that_the_table_does_not_list_stays_where_its_words_are_known(context):
    left = context(item(STAGE, "TEXT", TextValue="supine, left leg"), item(STAGE, "TEXT", TextValue="as Dr Okonkwo said"))
    assert [one.TextValue for one in left] == ["supine, left leg"]


def test_an_item_whose_concept_nobody_knows_goes(context):
    assert context(item(UNKNOWN, "TEXT", TextValue="left leg")) == []


def test_a_concept_s_meaning_is_that_of_the_standard(context):
    (left,) = context(item(code("109054", "DCM", "Lindqvist"), "TEXT", TextValue="resting"), options=(Option.CLEAN_DESCRIPTORS,))
    assert left.ConceptNameCodeSequence[0].CodeMeaning == "Patient State"


@pytest.mark.parametrize(
    ("made", "option"),
    [
        (lambda: item(SERIAL, "TEXT", TextValue="SN-55A20917"), Option.DEVICE_IDENTITY),
        (lambda: item(SEX, "CODE", ConceptCodeSequence=[code("F", "DCM", "Female")]), Option.PATIENT_CHARACTERISTICS),
        (lambda: item(STUDY_DATE, "DATE", Date="20170302"), Option.FULL_DATES),
        (lambda: item(STUDY_TIME, "TIME", Time="142445"), Option.MODIFIED_DATES),
        (lambda: item(STATE, "TEXT", TextValue="resting, supine"), Option.CLEAN_DESCRIPTORS),
    ],
)
def test_an_option_keeps_what_its_column_lists(context, made, option):
    assert context(made()) == []
    (left,) = context(made(), options=(option,))
    before = made()
    for keyword in ("TextValue", "Date", "Time"):
        assert left.get(keyword) == before.get(keyword)


def test_dates_of_content_items_move_with_the_others(context, ultrasound_header, deidentify):
    (left,) = context(item(STUDY_DATE, "DATE", Date="20170302"), options=(Option.MODIFIED_DATES,))
    rules = Rules(options=(Option.MODIFIED_DATES,))
    assert left.Date == deidentify(ultrasound_header, rules).dataset.StudyDate != "20170302"
    assert context(item(STUDY_DATE, "DATE", Date="20170230"), options=(Option.MODIFIED_DATES,)) == []


def test_a_number_stays_with_its_unit(context):
    measured = Dataset()
    measured.NumericValue = "71"
    measured.MeasurementUnitsCodeSequence = [code("kg", "UCUM", "kilogram")]
    weight = item(code("11727-5", "LN", "Estimated Weight"), "NUM", MeasuredValueSequence=[measured])
    (left,) = context(weight)
    (value,) = left.MeasuredValueSequence
    assert (value.NumericValue, value.MeasurementUnitsCodeSequence[0].CodeMeaning) == (71, "kilogram")
    assert context(item(AGE, "NUM", MeasuredValueSequence=[measured])) == []
    measured.MeasurementUnitsCodeSequence = [code("kg", "UCUM", "kilogram of Lindqvist")]
    assert context(weight) == []


def test_references_get_new_uids(context, pseudonyms):
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    reference.ReferencedSOPInstanceUID = "1.2.999.4.4"
    source = item(code("121112", "DCM", "Source of Measurement"), "IMAGE", ReferencedSOPSequence=[reference])
    (left,) = context(source)
    assert left.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == pseudonyms.uid("1.2.999.4.4")
    best = item(code("121080", "DCM", "Best illustration of finding"), "IMAGE", ReferencedSOPSequence=[reference])
    assert context(best) == []
