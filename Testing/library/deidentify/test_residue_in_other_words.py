"""Dates, numbers and names of the source are found in what is kept, also where another system wrote them in its own way."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from USDICOMizerLib.deidentify.residue import find_in_text, find_residue, identifying_values, judge_alone, scan_bytes

pytestmark = pytest.mark.filterwarnings("ignore:The value length")  # of a Stage Name that somebody wrote a sentence into


@pytest.fixture
def found_in(ultrasound_header):
    """The places of what is found in an output that holds one value, under the source as `source` changes it."""

    def run(keyword: str, value: object, **source: object) -> list[str]:
        ultrasound_header.SpecificCharacterSet = "ISO_IR 192"
        for name, original in source.items():
            setattr(ultrasound_header, name, original)
        out = Dataset()
        setattr(out, keyword, value)
        return sorted({residue.place for residue in find_residue(out, identifying_values(ultrasound_header))})

    return run


@pytest.mark.parametrize(
    "written",
    ["14 February 1961", "Feb 14, 1961", "14-Feb-61", "14. Februar 1961", "le 14 février 1961", "14 de febrero de 1961",
     "14 febbraio 1961", "14 Φεβρουαρίου 1961", "14.02.61", "2/14/61", "61-02-14", "February 14th, 1961", "14.2.1961"],
)  # fmt: skip
def test_a_birth_date_is_found_in_words_and_with_a_short_year(found_in, written):
    assert found_in("StageName", f"born {written}", PatientBirthDate="19610214") == ["StageName"]


@pytest.mark.parametrize("written", ["14 February 1960", "15-Feb-61", "14.03.61", "1961", "Feb 61", "release 4.02.61"])
def test_another_date_is_none(found_in, written):
    assert found_in("StageName", f"seen {written}", PatientBirthDate="19610214") == []


def test_a_short_year_is_not_looked_for_in_what_may_be_a_version(found_in):
    assert found_in("SoftwareVersions", "14.02.61", PatientBirthDate="19610214") == []
    assert found_in("SoftwareVersions", "build of 14 Feb 1961", PatientBirthDate="19610214") == ["SoftwareVersions"]


def test_a_date_in_words_is_found_among_bytes_and_in_names(ultrasound_header):
    ultrasound_header.PatientBirthDate = "19610214"
    needles = identifying_values(ultrasound_header)
    for text in (b"\1\2born February 14, 1961\3", b"14 February 1961"):
        assert scan_bytes([text], needles)
    assert find_in_text("exam of 14-Feb-1961.dcm", needles)
    assert find_in_text("14.02.61.dcm", needles)
    assert not find_in_text("001_CFV-L.dcm", needles)


@pytest.mark.parametrize("written", ["14 February 1961", "Feb 14, 1961", "14.02.61", "2017-03-02", "02/14/61", "12. März 2017"])
def test_a_date_in_words_is_a_finding_without_the_source_too(ultrasound_header, deidentify, written):
    out = deidentify(ultrasound_header).dataset
    assert judge_alone(out) == []
    out.StageName = f"rest {written}"
    assert [residue.place for residue in judge_alone(out)] == ["StageName"]


@pytest.mark.parametrize("written", ["Papadopoulos", "PAPADOPOYLOS", "papadopulos", "for Papadopoulos Evangelos", "Evaggelos"])
def test_a_greek_name_is_found_as_passports_and_people_write_it(found_in, written):
    assert found_in("ProcessingFunction", written, PatientName="Παπαδόπουλος^Ευάγγελος") == ["ProcessingFunction"]


@pytest.mark.parametrize(
    ("name", "written"),
    [("Papadopoulos^Evangelos", "της κ. Παπαδόπουλος"), ("Ivanov^Yuri", "Иванов"), ("Lindqvist", "Lindqvist")],
)
def test_a_latin_name_is_found_in_other_letters(found_in, name, written):
    assert found_in("StageName", written, PatientName=name) == ["StageName"]


@pytest.mark.parametrize("keyword", ["StageName", "ProcessingFunction", "AcquisitionNumber"])
@pytest.mark.parametrize("patient", ["MRN-48151623", "MRN48151623", "48151623", "MRN 481 516 23", "48151623/A", "00048151623"])
def test_the_bare_number_of_an_id_is_found_in_texts_and_numbers(found_in, keyword, patient):
    assert found_in(keyword, "48151623", PatientID=patient) == [keyword]


@pytest.mark.parametrize("number", ["481516", "4815162"])
@pytest.mark.parametrize("written", ["{}", "0{}", "+{}"])
def test_an_id_of_six_or_seven_digits_is_found_as_a_number(found_in, number, written):
    assert found_in("AcquisitionNumber", written.format(number), PatientID=number) == ["AcquisitionNumber"]
    assert found_in("TriggerTime", f"{number}.0", PatientID=number) == ["TriggerTime"]
    assert found_in("ReferencePixelX0", int(number), PatientID=number) == ["ReferencePixelX0"]
    assert found_in("AcquisitionNumber", f"1{number}", PatientID=number) == []


@pytest.mark.parametrize("number", ["1", "204", "4815", "48151"])
def test_a_shorter_number_may_be_any_count_or_measure_and_is_found_as_a_word_of_text_only(found_in, number):
    assert found_in("AcquisitionNumber", number, PatientID=number) == []
    assert found_in("StageName", f"patient {number}", PatientID=number) == ["StageName"]


def test_a_number_with_a_fraction_holds_no_id(found_in):
    assert found_in("TriggerTime", "481516.5", PatientID="481516") == []
    assert found_in("TriggerTime", "0.481516", PatientID="481516") == []


def test_the_parts_of_an_id_that_is_formed_like_a_uid_are_no_ids(found_in):
    assert found_in("StageName", "model 113619", PatientID="1.2.840.113619.7.31337") == []
    assert found_in("StageName", "1.2.840.113619.7.31337", PatientID="1.2.840.113619.7.31337") == ["StageName"]


def test_a_kept_date_that_begins_an_accession_number_is_no_residue(ultrasound_header):
    ultrasound_header.AccessionNumber, ultrasound_header.StudyDate = "US-20170302", "20170302"
    out = Dataset()
    out.StudyDate = "20170302"
    assert scan_bytes([b"DA\x08\x0020170302"], identifying_values(ultrasound_header).without_dates_of(out)) == frozenset()


@pytest.mark.parametrize("keyword", ["ManufacturerModelName", "TransducerData", "ProcessingFunction", "BodyPartExamined"])
@pytest.mark.parametrize("written", ["LINDQVIST123", "Lindqvist_2017", "7Lindqvist"])
def test_a_name_glued_to_digits_is_found_among_terms(found_in, keyword, written):
    assert found_in(keyword, written.upper(), PatientName="Lindqvist^Annika") == [keyword]


def test_a_short_name_glued_to_digits_is_found_in_text(found_in):
    assert found_in("StageName", "for Doe123", PatientName="Doe^Jo") == ["StageName"]
    assert found_in("StageName", "S5-1 x2", PatientName="S^X") == []


@pytest.mark.parametrize(
    "written",
    ["3. 11. 1970", "3_11_1970", "3 11 1970", "3 / 11 / 1970", "3–11–1970", "3:11:1970", "1970 11 3", "3.11.70", "3. 11. 70",
     "1970年11月3日", "November the 3rd 1970"],
)  # fmt: skip
def test_a_birth_date_is_found_whatever_divides_it(found_in, written):
    assert found_in("StageName", f"born {written}", PatientBirthDate="19701103") == ["StageName"]
    assert found_in("StageName", f"born {written}", PatientBirthDate="19711103") == []


@pytest.mark.parametrize(
    ("patient", "written"),
    [("123456", "123 456"), ("123456", "12-34-56"), ("1234567", "1.234.567"), ("1234567", "ID 123 4567"), ("AB1234", "AB-1234"),
     ("AB1234", "a b_12 34"), ("12345", "MRN12345"), ("1234", "x1234y")],
)  # fmt: skip
def test_a_short_id_is_found_with_other_separators_and_beside_letters(found_in, patient, written):
    assert found_in("StageName", written, PatientID=patient) == ["StageName"]


@pytest.mark.parametrize(
    ("patient", "written"),
    [("123456", "0123 4567"), ("23456", "23 456"), ("123456", "12 mm 34 mm 56"), ("AB1234", "AB 12345"), ("12345", "3.12345"),
     ("12345", "112345")],
)  # fmt: skip
def test_other_numbers_are_no_short_id(found_in, patient, written):
    assert found_in("StageName", written, PatientID=patient) == []


@pytest.mark.parametrize(
    ("patient", "written", "other"), [("AB1234", "SN_AB1234X", "AB12345"), ("123456", "X123456", "X1234567")]
)
@pytest.mark.parametrize("keyword", ["TransducerData", "BodyPartExamined"])
def test_an_id_with_a_digit_is_found_inside_a_word_of_a_term(found_in, keyword, patient, written, other):
    assert found_in(keyword, written, PatientID=patient) == [keyword]
    assert found_in(keyword, other, PatientID=patient) == []


@pytest.mark.parametrize(
    ("name", "written"),
    [("Li^Ming=李^明", "李明 检查"), ("Kim^Min=김^민", "김민"), ("Doe^Jan", "JANDOE"), ("Doe^Jan", "doejan2"), ("Ng^Li", "NgLi"),
     ("Doe^Jane^Marie", "JANEDOE"), ("Doe^Jane^Marie", "janemariedoe")],
)  # fmt: skip
def test_a_name_is_found_in_one_word(found_in, name, written):
    assert found_in("StageName", written, PatientName=name) == ["StageName"]


def test_a_name_in_one_word_is_found_among_terms(found_in):
    assert found_in("BodyPartExamined", "JANEDOE", PatientName="Doe^Jane") == ["BodyPartExamined"]


def test_a_short_name_in_one_word_is_no_part_of_another_word(found_in):
    assert found_in("StageName", "in English", PatientName="Ng^Li") == []


@pytest.mark.parametrize(
    ("hospital", "written"),
    [("Klinikum Göttingen", "KLINIKUM GOETTINGEN"), ("Klinikum Goettingen", "Klinikum Göttingen"),
     ("Klinikum Göttingen", "klinikum-gottingen"), ("Νοσοκομείο Αττικόν", "Nosokomeio Attikon")],
)  # fmt: skip
def test_a_hospital_is_found_in_other_letters(found_in, hospital, written):
    assert found_in("StageName", written, InstitutionName=hospital) == ["StageName"]


@pytest.mark.parametrize(
    ("cyrillic", "latin"),
    [("Мария", "Maria"), ("Виктория", "Victoria"), ("Виктория", "Viktoria"), ("Дмитрий", "Dmitry"), ("Дмитрий", "Dmitri"),
     ("Юрий", "Yuri"), ("Юрий", "Yuriy"), ("Алексей", "Alexey"), ("Наталья", "Natalia"), ("Наталья", "Natalya"),
     ("Достоевский", "Dostoevsky"), ("Достоевский", "Dostoyevsky"), ("Чайковский", "Tchaikovsky"), ("Юлия", "Yulia"),
     ("Юлия", "Julia"), ("Евгений", "Yevgeny"), ("Владимир", "Wladimir")],
)  # fmt: skip
def test_a_cyrillic_name_is_found_by_whatever_table_it_is_romanised_and_the_other_way_round(found_in, cyrillic, latin):
    assert found_in("StageName", f"for {latin.upper()}", PatientName=f"{cyrillic}^А") == ["StageName"]
    assert found_in("BodyPartExamined", latin.upper(), PatientName=f"{cyrillic}^А") == ["BodyPartExamined"]
    assert found_in("StageName", f"{cyrillic} 2", PatientName=f"{latin}^A") == ["StageName"]


def test_names_that_only_look_alike_in_cyrillic_are_told_apart_in_latin_letters(found_in):
    assert found_in("StageName", "Yulia", PatientName="Julia^A") == []
    assert found_in("StageName", "Marianne", PatientName="Мария^А") == []


def test_the_network_names_of_the_source_are_searched_unless_they_name_the_scanner_or_ultrasound(found_in):
    meta = FileMetaDataset()
    meta.SourceApplicationEntityTitle = "GOETTINGEN_OR7"
    meta.SendingApplicationEntityTitle, meta.ReceivingApplicationEntityTitle = "ULTRASOUND", "EPIQ7"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.99.12345.1"
    source = {"file_meta": meta, "ManufacturerModelName": "EPIQ7G"}
    assert found_in("StageName", "from Goettingen OR7", **source) == ["StageName"]
    assert found_in("StageName", "ultrasound EPIQ7", **source) == []
    assert found_in("StageName", "1.2.826.0.1.99.12345.1", **source) == ["StageName"]
