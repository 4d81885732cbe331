import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.residue import find_residue, identifying_values, judge_alone
from USDICOMizerLib.deidentify.rules import Rules
from USDICOMizerLib.deidentify.words import is_descriptive, ultrasound_words, word_form, words_of

CLEAN = Rules(options=(Option.CLEAN_DESCRIPTORS,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "US KIDNEY",
        "Echocardiography",
        "Venous duplex, left leg (compression)",
        "A4C apical 4-chamber view",
        "B-mode / Colour-Doppler; 5 MHz",
        "depth 12.5 cm, gain 60 dB",
        "PLAX, PSAX & A2C",
        "carotid bifurcation: PSV 120 cm/s, EDV 40 cm/s",
        "GSV+SSV mapping",
        "Abdómen",  # accents don't matter
        "US of abdomen 2",
    ],
)
def test_text_that_describes_ultrasound_stays(text):
    assert is_descriptive(text)


@pytest.mark.parametrize(
    "text",
    [
        "Venous duplex of Mrs Lindqvist",
        "left leg 47110",
        "left leg 0047110 cm",
        "born 17.09.1961",
        "20170302",
        "2 3 4 5",
        "5-5-5-1-2",
        "l a r s",
        "exam 63 y",
        "call 020 7946",
        "ward 7",
        "vein 大腿",
        "left_leg\0",
        "1.2.3",
        "leg@hospital",
        "kidney " * 200,
        "١٢٣٤",
    ],
)
def test_text_with_anything_else_does_not(text):
    assert not is_descriptive(text)


def test_the_user_s_words_are_allowed_beside_those_of_ultrasound():
    assert not is_descriptive("C5-2 probe")
    assert is_descriptive("C5-2 probe", words_of("C5"))
    assert is_descriptive("FV-D-L, Größe", words_of("größe"))


@given(st.lists(st.sampled_from(sorted(ultrasound_words() - set("abcdefghijklmnopqrstuvwxyz"))), min_size=1, max_size=12))
def test_any_text_of_known_words_stays_and_one_unknown_word_ends_that(words):
    assert is_descriptive(" ".join(words))
    assert not is_descriptive(" ".join([*words, "lindqvist"]))


@given(st.integers(10, 10**12))
def test_no_number_passes_without_a_unit(number):
    assert not is_descriptive(f"left leg {number}")
    assert not is_descriptive(f"{number} left leg")


def test_the_word_list_is_in_the_form_that_is_compared_and_names_nothing_twice():
    from importlib.resources import files

    text = files("USDICOMizerLib.deidentify").joinpath("ultrasound_words.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    assert len(words) == len(set(words)) > 800
    assert [word for word in words if word != word_form(word) or words_of(word) != [word]] == []
    assert not any(word.isdigit() for word in words)


def test_each_description_is_kept_or_cut_whole_and_counted(ultrasound_header, deidentify):
    ultrasound_header.StudyDescription = "Venous duplex left leg"
    ultrasound_header.SeriesDescription = "Deep veins of Annika L."
    ultrasound_header.PatientComments = ""
    result = deidentify(ultrasound_header, CLEAN)
    assert result.dataset.StudyDescription == "Venous duplex left leg"
    assert "SeriesDescription" not in result.dataset
    assert (result.texts_kept, result.texts_cut) == (1, 1)
    assert "113105" in [item.CodeValue for item in result.dataset.DeidentificationMethodCodeSequence]
    assert "Annika" not in repr(result)


@pytest.mark.parametrize(
    ("keyword", "name"),
    [("PatientName", "Vein^Left"), ("ReferringPhysicianName", "Short^Leg"), ("OperatorsName", "Kidney")],
)
def test_a_known_word_that_is_a_name_in_the_same_header_is_cut(ultrasound_header, deidentify, keyword, name):
    setattr(ultrasound_header, keyword, name)
    ultrasound_header.StudyDescription = "Left leg vein short axis kidney"
    out = deidentify(ultrasound_header, CLEAN).dataset
    assert "StudyDescription" not in out
    assert find_residue(out, identifying_values(ultrasound_header, CLEAN)) == []


def test_kept_descriptions_are_no_residue_and_cut_ones_are(ultrasound_header, deidentify):
    ultrasound_header.StudyDescription = "Venous duplex left leg"
    ultrasound_header.SeriesDescription = "as Dr Okonkwo asked"
    out = deidentify(ultrasound_header, CLEAN).dataset
    needles = identifying_values(ultrasound_header, CLEAN)
    assert find_residue(out, needles) == []
    assert judge_alone(out, CLEAN) == judge_alone(out) == []
    out.ProcessingFunction = "as Dr Okonkwo asked"
    assert find_residue(out, needles)


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def test_a_request_is_cleaned_item_by_item(ultrasound_header, deidentify, pseudonyms):
    request = Dataset()
    request.RequestedProcedureID, request.AccessionNumber = "RP-77", "ACC9931177"
    request.StudyInstanceUID = ultrasound_header.StudyInstanceUID
    request.RequestedProcedureDescription = "Doppler of the left leg"
    request.ScheduledProcedureStepDescription = "for Mrs Lindqvist"
    request.RequestedProcedureCodeSequence = [
        coded("16310003", "SCT", "what somebody typed"),
        coded("US-0815", "99NORTHFIELD", "Duplex"),
        coded("I82.4", "I10", "Thrombosis of deep veins"),
        coded("I80.2", "I10", "Lindqvist"),
    ]
    ultrasound_header.RequestAttributesSequence = [request]
    (item,) = deidentify(ultrasound_header, CLEAN).dataset.RequestAttributesSequence
    assert item.RequestedProcedureDescription == "Doppler of the left leg"
    assert item.StudyInstanceUID == pseudonyms.uid(ultrasound_header.StudyInstanceUID)
    assert not any(keyword in item for keyword in ("RequestedProcedureID", "ScheduledProcedureStepDescription"))
    codes = [(code.CodeValue, code.CodeMeaning) for code in item.RequestedProcedureCodeSequence]
    assert codes == [("16310003", "Diagnostic ultrasonography"), ("I82.4", "Thrombosis of deep veins")]
