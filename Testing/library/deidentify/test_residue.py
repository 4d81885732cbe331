import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.header import Rules
from USDICOMizerLib.deidentify.residue import (
    Kind,
    Needles,
    find_in_text,
    find_residue,
    identifying_values,
    scan_bytes,
)
from USDICOMizerLib.tags import Tag, apply_tag


def places(found) -> list[str]:
    return sorted({residue.place for residue in found})


@pytest.fixture
def pair(ultrasound_header, deidentify):
    """De-identify the header after `change`, plant what `plant` does, and search."""

    def run(change=lambda ds: None, plant=lambda ds: None, **options):
        change(ultrasound_header)
        out = deidentify(ultrasound_header, **options).dataset
        plant(out)
        return find_residue(out, identifying_values(ultrasound_header))

    return run


def test_a_deidentified_header_has_no_residue(pair):
    assert pair() == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Manufacturer", "Lindqvist Ultrasound"),
        ("ManufacturerModelName", "EPIQ of ANNIKA"),
        ("ProcessingFunction", "for lindqvist, annika"),
        ("TransducerData", ["C5-1", "Annika^Lindqvist"]),
        ("BodyPartExamined", "LINDQVIST"),
        ("StageName", "xxMRN0047110xx"),
        ("SoftwareVersions", "v.mrn-004-7110"),
        ("ProcessingFunction", "seen on 02.03.2017"),
        ("ProcessingFunction", "seen on 2017-03-02"),
        ("ProcessingFunction", "born 17/09/1961"),
        ("SoftwareVersions", "20170302"),
        ("ProcessingFunction", "1.2.826.0.1.3680043.8.498.2"),
        ("ProcessingFunction", "dr okonkwo"),
        ("DerivationDescription", "cropped for Lindqvist"),
        ("ImageComments", "ACC9931177"),
        ("CodingSchemeUID", "1.2.826.0.1.3680043.8.498.1"),
        ("PatientID", "MRN0047110"),
    ],
)
def test_an_original_value_is_found_in_any_attribute_that_stays(pair, keyword, value):
    found = pair(plant=lambda ds: setattr(ds, keyword, value))
    assert keyword in places(found)
    assert not any(secret in str(found).lower() for secret in ("lindqvist", "annika", "0047110", "okonkwo", "1961"))


def test_a_name_that_the_source_hides_in_an_attribute_that_stays_is_found(pair):
    assert places(pair(lambda ds: setattr(ds, "ManufacturerModelName", "Lindqvist"))) == ["ManufacturerModelName"]


def test_residue_is_found_in_sequences_and_private_elements(pair):
    def plant(ds: Dataset) -> None:
        region = ds.SequenceOfUltrasoundRegions[0]
        item = Dataset()
        item.CodeMeaning = "Lindqvist"
        region.PixelValueMappingCodeSequence = [item]
        ds.private_block(0x0011, "USDICOMizer", create=True).add_new(0x01, "LO", "Lindqvist")
        ds.private_block(0x0013, "OTHER", create=True).add_new(0x01, "UN", b"lindqvist ")

    expected = ["(0011,1001)", "(0013,1001)", "SequenceOfUltrasoundRegions.PixelValueMappingCodeSequence.CodeMeaning"]
    assert places(pair(plant=plant)) == expected


@pytest.mark.parametrize("name", ["US", "L", "PV", "Li^Na", "EP^IQ", "1", "F", "OPT", "cm"])
@pytest.mark.parametrize("number", ["1", "12", "204", "0001", "98279"])
def test_names_and_ids_that_are_too_short_do_not_block_everything(pair, number, name):
    def change(ds: Dataset) -> None:
        ds.PatientName, ds.PatientID, ds.AccessionNumber, ds.OperatorsName = name, number, number, name
        ds.ImageType = ["ORIGINAL", "PRIMARY", "SMALL PARTS", "0001"]
        ds.SoftwareVersions = ["1.0", "12"]
        ds.SeriesNumber = ds.InstanceNumber = "1"
        ds.TransducerData = ["S5-1", "1", "L"]

    assert pair(change, lambda ds: apply_tag(ds, Tag("PV", "L", "compression"), "frame"), subject="S-1") == []


def test_a_short_name_is_found_as_a_word_of_free_text(pair):
    def change(ds: Dataset) -> None:
        ds.PatientName = "Li^Na"

    assert places(pair(change, lambda ds: setattr(ds, "StageName", "exam of NA LI"))) == ["StageName"]
    assert pair(change, lambda ds: setattr(ds, "StageName", "linear nadir")) == []


@pytest.mark.parametrize("name", ["Moral", "Press", "To", "Row", "Blank", "Pixel", "Ster"])
def test_the_words_of_this_program_hold_nobodys_name(pair, name):
    def plant(ds: Dataset) -> None:
        apply_tag(ds, Tag("FV-D", "L", "compression"), "cine")
        ds.DerivationDescription = (
            "Cropped to 440 x 400 pixels at column 101, row 40 of 640 x 480, pixels outside of the picture blanked"
        )

    def change(ds: Dataset) -> None:
        ds.PatientName, ds.PatientID = name, "440"

    assert pair(change, plant) == []


def test_the_original_of_the_same_attribute_is_found_however_short(pair):
    found = pair(plant=lambda ds: setattr(ds, "StudyID", "1"))
    assert "StudyID: the original value" in map(str, found)


def test_a_date_is_compared_with_the_same_attribute_only(pair):
    assert places(pair(plant=lambda ds: setattr(ds, "StudyDate", "20170302"))) == ["StudyDate"]
    assert pair(plant=lambda ds: setattr(ds, "PatientBirthDate", "20170302")) == []  # as a shifted date may be


def test_a_place_named_after_the_scanner_is_none(pair):
    def change(ds: Dataset) -> None:
        ds.StationName, ds.InstitutionName = "EPIQ5G", "Philips Medical Systems"

    assert pair(change) == []


def test_an_id_repeated_in_an_attribute_that_stays_is_no_exception(pair):
    def change(ds: Dataset) -> None:
        ds.ManufacturerModelName = ds.PatientID = "MRN0047110"

    assert places(pair(change)) == ["ManufacturerModelName"]


def test_descriptions_do_not_block_the_tag_that_says_the_same(pair):
    def change(ds: Dataset) -> None:
        ds.SeriesDescription = ds.StudyDescription = ds.ProtocolName = "Popliteal vein"

    assert pair(change, lambda ds: apply_tag(ds, Tag("PV", "L"), "frame")) == []


def test_placeholders_of_an_earlier_deidentification_are_no_identifiers(pair):
    def change(ds: Dataset) -> None:
        ds.PatientName, ds.PatientID, ds.AcquisitionDateTime = "ANONYMIZED", "anonymous", "19000101000000"

    assert pair(change) == []


def test_what_the_settings_keep_is_exempt(ultrasound_header, deidentify):
    rules = Rules(attributes_to_keep=[tag_for_keyword("StudyDescription"), tag_for_keyword("AccessionNumber")])
    ultrasound_header.StudyDescription = "Leg veins of the left side"
    out = deidentify(ultrasound_header, rules).dataset
    assert find_residue(out, identifying_values(ultrasound_header, rules)) == []
    assert places(find_residue(out, identifying_values(ultrasound_header))) == ["AccessionNumber", "StudyDescription"]


def test_a_name_that_is_kept_may_stand_elsewhere_but_not_be_hidden_in_a_description_that_is_kept(ultrasound_header, deidentify):
    ultrasound_header.OtherPatientNames = "Lindqvist^Annika"
    ultrasound_header.StudyDescription = "Leg veins of Okonkwo"
    rules = Rules(attributes_to_keep=[tag_for_keyword("PatientName"), tag_for_keyword("StudyDescription")])
    out = deidentify(ultrasound_header, rules).dataset
    assert places(find_residue(out, identifying_values(ultrasound_header, rules))) == ["StudyDescription"]


def test_needles_are_not_shown_and_can_be_merged(ultrasound_header):
    needles = identifying_values(ultrasound_header)
    merged = Needles.merged([needles, Needles(), needles])
    assert merged == needles
    assert "lindqvist" not in repr(needles).lower() and "0047110" not in repr(needles)
    assert find_residue(ultrasound_header, Needles()) == []


def test_the_names_of_every_script_are_searched(ultrasound_header):
    ultrasound_header.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    needles = identifying_values(ultrasound_header)
    out = Dataset()
    for value in ("山田さん 太郎", "yamada", "TAROU", "やまだ たろう"):
        out.ProcessingFunction = value
        assert places(find_residue(out, needles)) == ["ProcessingFunction"], value
    for encoding in ("utf-8", "shift_jis", "iso2022_jp"):
        assert scan_bytes(["山田^太郎".encode(encoding)], needles) == {Kind.NAME}


_LETTERS = st.text("abcdefghijklmnopqrstuvwxyzåéø", min_size=4, max_size=12)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(family=_LETTERS, given_name=_LETTERS, separator=st.sampled_from(["^", " ", ", ", "_", "-"]), upper=st.booleans())
def test_a_name_is_found_however_it_is_written(ultrasound_header, family, given_name, separator, upper):
    ultrasound_header.PatientName = f"{family}^{given_name}"
    written = f"{given_name}{separator}{family}"
    out = Dataset()
    out.ProcessingFunction = f"for {written.upper() if upper else written}."
    assert places(find_residue(out, identifying_values(ultrasound_header))) == ["ProcessingFunction"]


WRITINGS = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "with two letters for one": lambda name: name.translate(
        str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
    ),
    "without accents": lambda name: name.translate(str.maketrans("äöüåøéñ", "aouaoen")),
    "composed of letters and accents": lambda name: unicodedata.normalize("NFD", name),
    "in one word": lambda name: name.replace("-", "").replace("'", ""),
    "with another hyphen": lambda name: name.replace("-", " "),
}
_NAME_LETTERS = st.text("abdefghiklmnorstuväöüåøéñ", min_size=5, max_size=10)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    family=_NAME_LETTERS,
    second=st.one_of(st.just(""), _NAME_LETTERS),
    given_name=_NAME_LETTERS,
    joint=st.sampled_from(["-", "'"]),
    order=st.sampled_from(["{0}^{1}", "{1} {0}", "{0}, {1}", "{0}", "{0}={1}", "{0}_{1}"]),
    writing=st.sampled_from(sorted(WRITINGS)),
    keyword=st.sampled_from(
        ["ProcessingFunction", "ImageComments", "AcquisitionDeviceProcessingDescription", "DetectorDescription"]
    ),
)
def test_a_name_is_found_in_the_spelling_of_another_system(
    ultrasound_header, family, second, given_name, joint, order, writing, keyword
):
    whole = f"{family}{joint}{second}" if second else family
    ultrasound_header.SpecificCharacterSet = "ISO_IR 192"
    ultrasound_header.PatientName = f"{whole}^{given_name}"
    out = Dataset()
    setattr(out, keyword, WRITINGS[writing](order.format(whole, given_name)))
    assert places(find_residue(out, identifying_values(ultrasound_header))) == [keyword]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Müller^Jürgen", "Mueller"), ("Müller^Jürgen", "MULLER"), ("Mueller^Hans", "Müller"), ("Muller^Hans", "Mueller"),
        ("Ångström^Åse", "Aangstroem"), ("Groß^Ute", "Gross"), ("Søndergård^Ib", "Sondergaard"), ("Łukasz^Jan", "Lukasz"),
        ("Иванов^Юрий", "Ivanov"), ("Ἀριστοτέλης^Νίκος", "Aristotelis"), ("O'Brien^Pat", "OBRIEN"), ("O’Brien^Pat", "Brien"),
        ("Peña-Nieto^Ana", "Nieto"), ("Smith-Jones^Al", "SmithJones"), ("Yamada^Tarou=山田^太郎", "山田太郎"),
        ("ＡＮＤＥＲＳ^Bo", "Anders"),
    ],
)  # fmt: skip
def test_names_are_found_in_the_spellings_that_real_systems_give_them(ultrasound_header, name, written):
    ultrasound_header.SpecificCharacterSet = "ISO_IR 192"
    ultrasound_header.PatientName = name
    out = Dataset()
    out.ProcessingFunction = f"for {written}"
    assert places(find_residue(out, identifying_values(ultrasound_header))) == ["ProcessingFunction"]


@pytest.mark.parametrize(
    "written", ["2.3.2017", "03-02-2017", "2017/03/02", "02-MAR-2017", "Mar 2, 2017", "2 mar 2017", "02MAR2017"]
)
def test_dates_are_found_as_people_write_them(ultrasound_header, written):
    out = Dataset()
    out.ProcessingFunction = f"seen {written}"
    assert places(find_residue(out, identifying_values(ultrasound_header))) == ["ProcessingFunction"]


@pytest.mark.parametrize("written", ["at 14:24:45", "time 142445.25"])
def test_times_are_found_to_the_second(ultrasound_header, written):
    ultrasound_header.StudyTime = "142445.250"
    out = Dataset()
    out.ProcessingFunction = written
    assert places(find_residue(out, identifying_values(ultrasound_header))) == ["ProcessingFunction"]


@pytest.mark.parametrize(
    ("number", "written"), [("000471108", "471108"), ("MRN-004-7110", "mrn0047110"), ("12.945.671", "12945671")]
)
def test_numbers_are_found_without_zeros_and_separators(ultrasound_header, number, written):
    ultrasound_header.PatientID = number
    needles = identifying_values(ultrasound_header)
    out = Dataset()
    out.StageName = written
    assert places(find_residue(out, needles)) == ["StageName"]
    if len(written) >= 8:
        assert scan_bytes([b"\1\2" + written.encode() + b"\3"], needles) == {Kind.IDENTIFIER}


def test_a_uid_made_of_a_uuid_is_found_as_the_uuid(ultrasound_header):
    ultrasound_header.StudyInstanceUID = "2.25.329800735698586629295641978511506172918"
    needles = identifying_values(ultrasound_header)
    assert scan_bytes([b"..F81D4FAE-7dec-11d0-a765-00a0c91e6bf6.."], needles) == {Kind.UID}


def test_file_names_and_cells_are_searched_but_not_for_what_is_too_short(ultrasound_header):
    needles = identifying_values(ultrasound_header)
    for text in ("Lindqvist_1.dcm", "exam/annika.dcm", "a-mrn-004-7110.dcm", "1961-09-17.dcm"):
        assert find_in_text(text, needles), text
    ultrasound_header.PatientID, ultrasound_header.PatientName = "1", "Li^Na"
    for text in (
        "1.2.840.113663.1500.1.20170302.17.9.1961",
        "S-1/E-1/001_PV-L.dcm",
        "EPIQ 5G",
        "2.25.1961091700000000000",
        "linear",
    ):
        assert not find_in_text(text, identifying_values(ultrasound_header)), text
