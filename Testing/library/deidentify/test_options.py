import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.options import KEPT_DATES, Option, options_claimed, options_named, with_kept_dates
from USDICOMizerLib.deidentify.profile import Action, answer_for
from USDICOMizerLib.deidentify.profile_table import profile_table
from USDICOMizerLib.deidentify.residue import find_residue, find_unmoved_dates, identifying_values, judge_alone, scan_bytes
from USDICOMizerLib.deidentify.rules import Rules, SafePrivate

ALL = tuple(option for option in Option if option not in (Option.FULL_DATES, Option.CLEAN_PIXEL_DATA))


def answer(keyword: str, *options: Option, **asked):
    return answer_for([tag_for_keyword(keyword)], rules=Rules(options=options), **asked)


def test_options_are_named_as_the_table_names_its_columns():
    columns = {column for row in profile_table().rows.values() for column in row.options}
    named = {option.column for option in Option} - {Option.CLEAN_PIXEL_DATA.column}
    assert named == columns | {"retain_safe_private"}  # whose row is that of all private attributes


def test_names_are_read_in_any_order_and_spelling():
    assert options_named(["RETAIN_UIDS", " clean-descriptors"]) == (Option.CLEAN_DESCRIPTORS, Option.UIDS)
    assert options_claimed(["113110", "113105", "113100"]) == (Option.CLEAN_DESCRIPTORS, Option.UIDS)


def test_the_way_to_keep_dates_replaces_the_other():
    chosen = (Option.FULL_DATES, Option.UIDS)
    assert with_kept_dates(chosen, "modified") == (Option.MODIFIED_DATES, Option.UIDS)
    assert set(KEPT_DATES) == {"full", "modified"}


@pytest.mark.parametrize(
    ("keyword", "option", "expected"),
    [
        ("PatientSex", Option.PATIENT_CHARACTERISTICS, Action.KEEP),
        ("PatientAge", Option.PATIENT_CHARACTERISTICS, Action.KEEP),
        ("PatientWeight", Option.PATIENT_CHARACTERISTICS, Action.KEEP),
        ("Allergies", Option.PATIENT_CHARACTERISTICS, Action.CLEAN),
        ("PatientState", Option.CLEAN_DESCRIPTORS, Action.CLEAN),
        ("PatientBirthDate", Option.PATIENT_CHARACTERISTICS, Action.EMPTY),
        ("DeviceSerialNumber", Option.DEVICE_IDENTITY, Action.KEEP),
        ("StationName", Option.DEVICE_IDENTITY, Action.KEEP),
        ("StationAETitle", Option.DEVICE_IDENTITY, Action.CLEAN),
        ("DeviceUID", Option.DEVICE_IDENTITY, Action.KEEP),
        ("DeviceUID", Option.UIDS, Action.KEEP),
        ("InstitutionName", Option.INSTITUTION_IDENTITY, Action.KEEP),
        ("InstitutionCodeSequence", Option.INSTITUTION_IDENTITY, Action.KEEP),
        ("OperatorsName", Option.INSTITUTION_IDENTITY, Action.REMOVE),
        ("StudyInstanceUID", Option.UIDS, Action.KEEP),
        ("ReferencedImageSequence", Option.UIDS, Action.KEEP),
        ("StudyDate", Option.FULL_DATES, Action.KEEP),
        ("StudyDate", Option.MODIFIED_DATES, Action.SHIFT),
        ("StudyTime", Option.MODIFIED_DATES, Action.KEEP),
        ("TimezoneOffsetFromUTC", Option.MODIFIED_DATES, Action.REMOVE),
        ("PatientBirthDate", Option.FULL_DATES, Action.EMPTY),
        ("StudyDescription", Option.CLEAN_DESCRIPTORS, Action.CLEAN),
        ("RequestAttributesSequence", Option.CLEAN_DESCRIPTORS, Action.CLEAN),
        ("AccessionNumber", Option.CLEAN_DESCRIPTORS, Action.EMPTY),
        ("AcquisitionContextSequence", Option.CLEAN_STRUCTURED_CONTENT, Action.CLEAN),
        ("MakerNote", Option.CLEAN_DESCRIPTORS, Action.REMOVE),  # binary
        ("FrameOriginTimestamp", Option.FULL_DATES, Action.DUMMY),  # binary
        ("GraphicAnnotationSequence", Option.CLEAN_GRAPHICS, Action.REMOVE),
    ],
)
def test_an_option_changes_what_its_column_lists_and_the_answer_names_it(keyword, option, expected):
    given = answer(keyword, option)
    assert given.action is expected
    assert (given.option is option) is (given.action is not answer(keyword).action or keyword == "GraphicAnnotationSequence")
    assert given.rule and given.why


def test_an_option_changes_nothing_that_its_column_does_not_list():
    for tag, row in profile_table().rows.items():
        for option in Option:
            if option.column not in row.options and option is not Option.CLEAN_GRAPHICS:
                assert answer_for([tag], rules=Rules(options=(option,))) == answer_for([tag]), (row, option)


def test_overlays_go_with_and_without_the_graphics_option():
    given = answer_for([0x60003000], rules=Rules(options=(Option.CLEAN_GRAPHICS,)))
    assert (given.action, given.option) == (Action.REMOVE, Option.CLEAN_GRAPHICS)


def codes_of(dataset: Dataset) -> list[str]:
    return [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize("option", list(Option))
def test_each_option_is_claimed_by_its_own_code_when_it_was_applied(ultrasound_header, deidentify, option):
    out = deidentify(ultrasound_header, Rules(options=(option,))).dataset
    assert codes_of(out) == ["113100"] + [option.code] * (option is not Option.CLEAN_PIXEL_DATA)
    reviewed = deidentify(ultrasound_header, Rules(options=(option,)), reviewed=True).dataset
    assert codes_of(reviewed) == ["113100", *sorted({option.code, "113101"})]
    meanings = {item.CodeMeaning for item in reviewed.DeidentificationMethodCodeSequence}
    assert len(meanings) == len(codes_of(reviewed)) and all("Option" in meaning or "Profile" in meaning for meaning in meanings)


@pytest.fixture
def rich_header(ultrasound_header):
    ds = ultrasound_header
    ds.InstitutionName, ds.InstitutionAddress = "Northfield Harbour Hospital", "12 Quayside Lane"
    ds.InstitutionalDepartmentName = "Sonography"
    ds.IssuerOfPatientID = "Northfield Harbour Hospital"
    ds.StationName, ds.DeviceSerialNumber, ds.DeviceUID = "NHH-USROOM3", "SN-55A20917", "1.2.999.5.5.5"
    ds.StationAETitle = "NHH-USROOM3"
    ds.PatientAge, ds.PatientWeight, ds.PatientSize = "055Y", "71", "1.70"
    ds.StudyDescription = "Venous duplex left leg"
    ds.SeriesDate, ds.SeriesTime = "20170302", "142446"
    ds.FrameOfReferenceUID = "2.25.123456789"
    return ds


KEPT = {
    Option.INSTITUTION_IDENTITY: ["InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"],
    Option.DEVICE_IDENTITY: ["StationName", "DeviceSerialNumber", "DeviceUID"],
    Option.PATIENT_CHARACTERISTICS: ["PatientAge", "PatientWeight", "PatientSize", "PatientSex"],
    Option.UIDS: ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID", "DeviceUID"],
    Option.FULL_DATES: ["StudyDate", "StudyTime", "SeriesDate", "SeriesTime"],
}


@pytest.mark.parametrize("option", KEPT)
def test_what_an_option_keeps_is_kept_and_is_no_residue_while_all_else_still_is(rich_header, deidentify, as_file, option):
    rules = Rules(options=(option,))
    out = deidentify(rich_header, rules).dataset
    for keyword in {keyword for keywords in KEPT.values() for keyword in keywords}:
        kept = keyword in out and out[keyword].value == rich_header[keyword].value and bool(out[keyword].value)
        assert kept is (keyword in KEPT[option]), keyword
    needles = identifying_values(rich_header, rules)
    assert find_residue(out, needles) == []
    assert scan_bytes([as_file(out)], needles.without_dates_of(out)) == frozenset()
    assert judge_alone(out, rules) == judge_alone(out) == []
    others = {keyword for other in set(KEPT) - {option} for keyword in KEPT[other]} - set(KEPT[option])
    for keyword in others & {"InstitutionAddress", "DeviceSerialNumber", "StudyInstanceUID", "SeriesDate"}:
        spoiled = deidentify(rich_header, rules).dataset
        spoiled[keyword] = rich_header[keyword]
        assert find_residue(spoiled, needles), keyword
        assert judge_alone(spoiled, rules) or keyword == "StudyInstanceUID", keyword


def test_a_patient_s_number_in_a_kept_attribute_is_still_found(rich_header, deidentify):
    rich_header.StationName = f"ROOM {rich_header.PatientID}"
    rich_header.InstitutionName = "Lindqvist Clinic"
    rules = Rules(options=(Option.DEVICE_IDENTITY, Option.INSTITUTION_IDENTITY))
    found = find_residue(deidentify(rich_header, rules).dataset, identifying_values(rich_header, rules))
    assert {residue.place for residue in found} == {"StationName", "InstitutionName"}


def test_an_exam_on_the_day_of_birth_keeps_its_date(rich_header, deidentify, as_file):
    rich_header.PatientBirthDate = rich_header.StudyDate
    rules = Rules(options=(Option.FULL_DATES,))
    out = deidentify(rich_header, rules).dataset
    needles = identifying_values(rich_header, rules)
    assert scan_bytes([as_file(out)], needles)
    assert scan_bytes([as_file(out)], needles.without_dates_of(out)) == frozenset()


def test_all_options_together_leave_no_residue(rich_header, deidentify, as_file, from_file):
    rules = Rules(options=ALL, safe_private=(SafePrivate("VENDOR", 0x0019, 0x01),))
    out = from_file(deidentify(from_file(rich_header), rules).dataset)
    needles = identifying_values(rich_header, rules)
    assert find_residue(out, needles) == []
    assert find_unmoved_dates(rich_header, out, rules) == []
    assert judge_alone(out, rules) == judge_alone(out) == []
    assert codes_of(out) == ["113100", *(option.code for option in ALL)]


def test_a_date_that_did_not_move_is_found(rich_header, deidentify):
    rules = Rules(options=(Option.MODIFIED_DATES,))
    out = deidentify(rich_header, rules).dataset
    out.SeriesDate = rich_header.SeriesDate
    assert [residue.place for residue in find_unmoved_dates(rich_header, out, rules)] == ["SeriesDate"]


@pytest.mark.parametrize(("said", "code"), [("REMOVED", "113106"), ("UNMODIFIED", "113107"), ("MODIFIED", "113106")])
def test_what_is_said_about_dates_has_to_agree_with_the_claims(rich_header, deidentify, said, code):
    option = next(option for option in Option if option.code == code)
    out = deidentify(rich_header, Rules(options=(option,))).dataset
    out.LongitudinalTemporalInformationModified = said
    assert [residue.place for residue in judge_alone(out)] == ["LongitudinalTemporalInformationModified"]


SAFE = Rules(
    options=(Option.SAFE_PRIVATE,),
    safe_private=tuple(SafePrivate("VENDOR", 0x0019, element) for element in (0x01, 0x02, 0x03, 0x04, 0x05, 0x06)),
)


def test_safe_private_elements_stay_by_creator_and_number_only(ultrasound_header, deidentify, from_file):
    for creator in ("OTHER", "VENDOR"):
        block = ultrasound_header.private_block(0x0019, creator, create=True)
        block.add_new(0x01, "DS", "1.5")
        block.add_new(0x02, "LO", "harmonic imaging")
        block.add_new(0x03, "LO", "seen by Lindqvist")
        block.add_new(0x04, "OB", b"lindqvist ")
        block.add_new(0x05, "PN", "Lindqvist")
        block.add_new(0x07, "CS", "MORE")
    region = ultrasound_header.SequenceOfUltrasoundRegions[0]
    region.private_block(0x0019, "VENDOR", create=True).add_new(0x06, "US", 7)
    out = from_file(deidentify(from_file(ultrasound_header), SAFE).dataset)
    private = {int(element.tag): element.value for element in out if element.tag.is_private}
    assert private == {0x00190011: "VENDOR", 0x00191101: 1.5, 0x00191102: "harmonic imaging"}
    assert [int(e.tag) for e in out.SequenceOfUltrasoundRegions[0] if e.tag.is_private] == [0x00190010, 0x00191006]
    assert judge_alone(out, SAFE) == []
    without = deidentify(from_file(ultrasound_header), Rules(safe_private=SAFE.safe_private)).dataset
    assert not any(tag.is_private for tag in without.keys())
