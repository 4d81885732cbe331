import pytest
from pydicom.datadict import tag_for_keyword

from USDICOMizerLib.deidentify.profile import (
    Action,
    Rules,
    answer_for,
    attribute_type,
    dictionary_vrs,
    iod_of,
    place_of,
    profile_table,
)

US = "ultrasound-image"
BYTE_CAPTURE = "multi-frame-grayscale-byte-secondary-capture-image"


def action(*keywords: str, vr: str = "", iod: str = US, rules: Rules = Rules()) -> Action:
    return answer_for([tag_for_keyword(keyword) for keyword in keywords], vr, iod=iod, rules=rules).action


# Read off PS3.15 Table E.1-1 (2026d) and the Types of PS3.3 A.6, C.7 and C.8.5, before the code was written.
@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("AccessionNumber", Action.EMPTY),  # Z
        ("StudyDate", Action.EMPTY),  # Z
        ("StudyID", Action.EMPTY),  # Z
        ("PatientBirthDate", Action.EMPTY),  # Z
        ("PatientSex", Action.EMPTY),  # Z
        ("ReferringPhysicianName", Action.EMPTY),  # Z
        ("ConsultingPhysicianName", Action.EMPTY),  # Z, Type 3
        ("AcquisitionDate", Action.REMOVE),  # X/Z, Type 3
        ("AcquisitionTime", Action.REMOVE),  # X/Z, Type 3
        ("AcquisitionDateTime", Action.DUMMY),  # X/Z/D, Type 1C
        ("ContentDate", Action.EMPTY),  # Z/D, Type 2C
        ("ContentTime", Action.EMPTY),  # Z/D, Type 2C
        ("ContrastBolusAgent", Action.EMPTY),  # Z/D, Type 2
        ("PatientSexNeutered", Action.EMPTY),  # X/Z, Type 2C
        ("ResponsiblePerson", Action.EMPTY),  # X, Type 2C: emptied, so that the instance stays valid
        ("SeriesDate", Action.REMOVE),  # X/D, Type 3
        ("DeviceSerialNumber", Action.REMOVE),  # X/Z/D, Type 3
        ("InstitutionName", Action.REMOVE),  # X/Z/D, Type 3
        ("StationName", Action.REMOVE),  # X/Z/D, Type 3
        ("OperatorsName", Action.REMOVE),  # X/Z/D, Type 3
        ("ProtocolName", Action.REMOVE),  # X/D, Type 3
        ("StudyDescription", Action.REMOVE),  # X
        ("ImageComments", Action.REMOVE),  # X
        ("PatientAge", Action.REMOVE),  # X
        ("TimezoneOffsetFromUTC", Action.REMOVE),  # X
        ("RequestAttributesSequence", Action.REMOVE),  # X
        ("ReferencedImageSequence", Action.REMOVE),  # X/Z/U*, Type 3
        ("SourceImageSequence", Action.REMOVE),  # X/Z/U*, Type 3
        ("IconImageSequence", Action.REMOVE),  # X
        ("ClinicalTrialProtocolID", Action.DUMMY),  # D
        ("StudyInstanceUID", Action.UID),
        ("SeriesInstanceUID", Action.UID),
        ("SOPInstanceUID", Action.UID),
        ("FrameOfReferenceUID", Action.UID),
        ("DeviceUID", Action.UID),
        ("PatientName", Action.WRITE),
        ("PatientID", Action.WRITE),
        ("SOPClassUID", Action.KEEP),
        ("Modality", Action.KEEP),
        ("Manufacturer", Action.KEEP),
        ("ManufacturerModelName", Action.KEEP),
        ("SoftwareVersions", Action.KEEP),
        ("SequenceOfUltrasoundRegions", Action.KEEP),
        ("MechanicalIndex", Action.KEEP),
        ("FrameTime", Action.KEEP),
        ("TransducerType", Action.KEEP),
        ("DepthOfScanField", Action.KEEP),
        ("StageCodeSequence", Action.KEEP),
        ("ViewCodeSequence", Action.KEEP),
        ("HeartRate", Action.KEEP),
    ],
)
def test_the_actions_of_an_ultrasound_image_are_those_of_the_standard(keyword, expected):
    assert action(keyword) is expected


def test_the_type_of_the_iod_decides_a_compound_code():
    assert action("ContentDate", iod=US) is Action.EMPTY  # Z/D, Type 2C
    assert action("ContentDate", iod=BYTE_CAPTURE) is Action.DUMMY  # Z/D, Type 1
    assert action("AcquisitionDateTime", iod=BYTE_CAPTURE) is Action.REMOVE  # X/Z/D, Type 3


def test_the_sequence_around_an_attribute_decides_its_type():
    group = "GroupOfPatientsIdentificationSequence"
    assert attribute_type([tag_for_keyword(group), tag_for_keyword("PatientID")]) == "1"
    assert action(group, "PatientID") is Action.DUMMY
    assert action("SourceInstanceSequence", "ReferencedSOPInstanceUID") is Action.UID


_PRIVATE = (0x00091001, 0x00090010, 0x7FE10010)
_STRUCTURAL = (0x50003000, 0x50FE0010, 0x60003000, 0x60220010, 0x00080000, 0x7FE00010, 0xFFFCFFFC, 0xFFFAFFFA, 0x00020016)


@pytest.mark.parametrize("tag", [*_PRIVATE, *_STRUCTURAL])
def test_what_is_private_or_structural_is_removed_even_where_the_settings_keep_it(tag):
    assert answer_for([tag]).action is Action.REMOVE
    assert answer_for([tag], rules=Rules(attributes_to_keep=(tag,))).action is Action.REMOVE


@pytest.mark.parametrize("tag", [0x0008FFF0, 0x00120099, 0xFFFEE000])
def test_what_the_dictionary_does_not_know_is_removed(tag):
    assert answer_for([tag]).action is Action.REMOVE


def test_every_row_of_the_table_has_an_action_that_lets_nothing_through():
    for tag in profile_table().rows:
        assert answer_for([tag]).action is not Action.KEEP


def test_the_attributes_that_only_the_newest_dictionaries_know_are_matched_by_tag():
    newer = [tag for tag in profile_table().rows if not dictionary_vrs(tag)]
    assert len(newer) >= 20
    assert {answer_for([tag]).action for tag in newer} == {Action.REMOVE}


def test_a_vr_that_is_not_the_dictionary_s_is_not_trusted():
    assert action("Modality", vr="CS") is Action.KEEP
    assert action("Modality", vr="LT") is Action.REMOVE
    assert action("Manufacturer", vr="OB") is Action.EMPTY  # Type 2
    assert action("PixelPaddingValue", vr="US or SS") is Action.KEEP
    assert action("TransducerData", vr="SH") is Action.KEEP


def test_binary_data_stays_only_where_it_describes_pixels():
    assert action("RedPaletteColorLookupTableData", vr="OW") is Action.KEEP
    assert action("EncryptedContent", vr="OB") is Action.REMOVE
    assert action("ICCProfile", vr="OB") is Action.REMOVE  # it holds texts, a date and a device
    assert action("ColorSpace", vr="CS") is Action.KEEP


def test_the_settings_delete_by_type_and_win_over_what_they_keep():
    def deleted(*keywords):
        tags = [tag_for_keyword(keywords[-1])]
        return action(*keywords, rules=Rules(attributes_to_delete=tags, attributes_to_keep=tags))

    assert deleted("TransducerType") is Action.REMOVE  # Type 3
    assert deleted("Manufacturer") is Action.EMPTY  # Type 2
    assert deleted("SequenceOfUltrasoundRegions", "RegionDataType") is Action.REMOVE_ITEM  # Type 1 in an item
    assert deleted("SequenceOfUltrasoundRegions", "TransducerFrequency") is Action.REMOVE


def test_the_settings_keep_against_the_profile():
    kept = Rules(attributes_to_keep=[tag_for_keyword("StudyDescription"), tag_for_keyword("PatientID")])
    assert action("StudyDescription", rules=kept) is Action.KEEP
    assert action("PatientID", rules=kept) is Action.KEEP
    assert action("StudyDate", rules=kept) is Action.EMPTY


def test_every_answer_names_its_rule_and_says_why():
    for tag in (*profile_table().rows, 0x00091001, tag_for_keyword("Modality")):
        answer = answer_for([tag])
        assert answer.rule and answer.why


def test_the_table_says_where_it_comes_from():
    assert profile_table().edition == "2026d"
    assert len(profile_table().rows) == 653  # 657 without the private and the repeating rows


def test_retired_and_unlisted_classes_have_an_iod():
    assert iod_of("1.2.840.10008.5.1.4.1.1.3") == "ultrasound-multi-frame-image"
    assert iod_of("1.2.3") == US


def test_a_place_is_told_by_keywords():
    assert place_of([0x00186011, 0x00091001]) == "SequenceOfUltrasoundRegions.(0009,1001)"
