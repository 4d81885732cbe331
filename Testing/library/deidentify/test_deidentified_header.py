import io

import pytest
from pydicom import config, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from USDICOMizerLib.deidentify.header import IMPLEMENTATION_CLASS_UID, Rules
from USDICOMizerLib.deidentify.profile import Action
from USDICOMizerLib.errors import CommandError, RefusedError

SUBJECT = "S-3C4DF-7GHJK"


def rules(*, delete=(), keep=()) -> Rules:
    return Rules([tag_for_keyword(keyword) for keyword in delete], [tag_for_keyword(keyword) for keyword in keep])


def code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def test_the_subject_becomes_patient_and_type_2_stays_without_values(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    assert (out.PatientID, str(out.PatientName)) == (SUBJECT, SUBJECT)
    for keyword in (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "PatientBirthDate",
        "PatientSex",
        "StudyID",
    ):
        assert keyword in out and not out[keyword].value


def test_what_describes_the_picture_stays_as_it_is(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    assert out.SequenceOfUltrasoundRegions == ultrasound_header.SequenceOfUltrasoundRegions
    for keyword in ("Manufacturer", "ManufacturerModelName", "Rows", "ImageType", "SeriesNumber", "PhotometricInterpretation"):
        assert out[keyword].value == ultrasound_header[keyword].value


def test_uids_are_replaced_the_same_everywhere_and_remembered(ultrasound_header, deidentify, pseudonyms):
    reference = Dataset()
    reference.ReferencedSOPClassUID = ultrasound_header.SOPClassUID
    reference.ReferencedSOPInstanceUID = ultrasound_header.SOPInstanceUID
    ultrasound_header.SourceInstanceSequence = [reference]
    result = deidentify(ultrasound_header)
    out = result.dataset
    assert out.SOPInstanceUID == pseudonyms.uid(ultrasound_header.SOPInstanceUID)
    assert out.SourceInstanceSequence[0].ReferencedSOPInstanceUID == out.SOPInstanceUID
    assert out.SourceInstanceSequence[0].ReferencedSOPClassUID == ultrasound_header.SOPClassUID
    assert result.uid_map == {
        str(ultrasound_header[keyword].value): str(out[keyword].value)
        for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    }


def test_an_instance_whose_uid_is_not_unique_gets_one_of_its_own(ultrasound_header, deidentify, pseudonyms):
    identity = f"{ultrasound_header.SOPInstanceUID}#0123456789abcdef"
    result = deidentify(ultrasound_header, instance_identity=identity)
    assert result.dataset.SOPInstanceUID == result.dataset.file_meta.MediaStorageSOPInstanceUID == pseudonyms.uid(identity)
    assert result.uid_map[identity] == result.dataset.SOPInstanceUID


def test_the_instance_says_how_it_was_deidentified(ultrasound_header, deidentify):
    def codes(ds):
        return [(item.CodeValue, item.CodingSchemeDesignator) for item in ds.get("DeidentificationMethodCodeSequence", ())]

    out = deidentify(ultrasound_header, reviewed=True).dataset
    assert out.PatientIdentityRemoved == "YES"
    assert "USDICOMizer" in out.DeidentificationMethod[0]
    assert all(len(value) <= 64 for value in out.DeidentificationMethod)
    assert out.LongitudinalTemporalInformationModified == "REMOVED"
    assert codes(out) == [("113100", "DCM"), ("113101", "DCM")]
    assert codes(deidentify(ultrasound_header, reviewed=False).dataset) == [("113100", "DCM")]
    kept = rules(keep=["StudyDescription"])
    assert codes(deidentify(ultrasound_header, kept, reviewed=True).dataset) == [("113101", "DCM")]
    assert codes(deidentify(ultrasound_header, kept, reviewed=False).dataset) == []


@pytest.mark.parametrize("said", ["NO", "YES", None])
def test_only_a_person_makes_burned_in_annotation_no(ultrasound_header, deidentify, said):
    ultrasound_header.BurnedInAnnotation = said
    assert deidentify(ultrasound_header, reviewed=False).dataset.BurnedInAnnotation == "YES"
    assert deidentify(ultrasound_header, reviewed=True).dataset.BurnedInAnnotation == "NO"


def test_what_an_earlier_tool_said_about_its_method_is_not_carried_over(ultrasound_header, deidentify):
    ultrasound_header.DeidentificationMethod = "Lindqvist by hand"
    ultrasound_header.DeidentificationMethodCodeSequence = [code("113106", "Lindqvist")]
    assert "Lindqvist" not in str(deidentify(ultrasound_header).dataset)


def test_file_meta_information_is_written_anew(ultrasound_header, deidentify, as_file):
    meta = ultrasound_header.file_meta
    meta.SourceApplicationEntityTitle = "LINDQVIST"
    meta.PrivateInformationCreatorUID = "1.2.999.1"
    meta.PrivateInformation = b"Lindqvist."
    ultrasound_header.preamble = b"Lindqvist".ljust(128, b"\0")
    out = deidentify(ultrasound_header).dataset
    assert {element.tag.element for element in out.file_meta} == {0x0001, 0x0002, 0x0003, 0x0010, 0x0012, 0x0013}
    assert out.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert b"lindqvist" not in as_file(out).lower()


def test_the_source_is_not_modified(ultrasound_header, deidentify, as_file, from_file):
    before = as_file(ultrasound_header)
    header = from_file(ultrasound_header)
    deidentify(header, rules(delete=["Manufacturer", "RegionDataType"]))
    assert as_file(header) == before


def test_a_name_in_any_script_is_gone_and_kept_text_survives_its_character_set(ultrasound_header, deidentify, from_file, as_file):
    ultrasound_header.SpecificCharacterSet = ["ISO 2022 IR 6", "ISO 2022 IR 87"]
    ultrasound_header.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    item = code("83419000", "大腿静脈")
    ultrasound_header.AnatomicRegionSequence = [item]
    out = from_file(deidentify(from_file(ultrasound_header)).dataset)
    assert out.SpecificCharacterSet == "ISO_IR 192"
    assert out.AnatomicRegionSequence[0].CodeMeaning == "大腿静脈"
    data = as_file(out)
    for spelling in ("山田", "太郎", "やまだ"):
        for encoding in ("utf-8", "iso2022_jp", "shift_jis"):
            assert spelling.encode(encoding) not in data


def test_an_item_with_a_character_set_of_its_own_is_decoded_with_it(ultrasound_header, deidentify, from_file):
    ultrasound_header.SpecificCharacterSet = "ISO_IR 100"
    ultrasound_header.ProcessingFunction = "Größe"
    item = code("1", "вена")
    item.SpecificCharacterSet = "ISO_IR 144"
    ultrasound_header.AnatomicRegionSequence = [item]
    out = from_file(deidentify(from_file(ultrasound_header)).dataset)
    assert out.ProcessingFunction == "Größe"
    assert out.AnatomicRegionSequence[0].CodeMeaning == "вена"
    assert "SpecificCharacterSet" not in out.AnatomicRegionSequence[0]


@pytest.mark.parametrize(
    ("declared", "expected"), [("ISO_IR 100", "ISO_IR 100"), (None, None), ("NONSENSE", None), ("ISO_IR 13", None)]
)
def test_the_character_set_of_plain_text_stays_where_it_is_a_known_one(ultrasound_header, deidentify, declared, expected):
    ultrasound_header.SpecificCharacterSet = declared
    assert deidentify(ultrasound_header).dataset.get("SpecificCharacterSet") == expected


@pytest.mark.parametrize("declared", [b"", b"ISO_IR 192"])
def test_text_that_cannot_be_decoded_is_not_carried_over(ultrasound_header, deidentify, from_file, as_file, declared):
    ultrasound_header.SpecificCharacterSet = declared.decode() or None
    ultrasound_header.ProcessingFunction = "PLACEHOLDER"
    data = as_file(ultrasound_header).replace(b"PLACEHOLDER", b"H\xfcbner\xe9\xe9\xe9\xe9\xe9")
    assert "ProcessingFunction" not in deidentify(dcmread(io.BytesIO(data))).dataset


def test_the_settings_delete_at_every_level(ultrasound_header, deidentify):
    region = ultrasound_header.SequenceOfUltrasoundRegions[0]
    region.TransducerFrequency = ultrasound_header.TransducerFrequency = 5000
    out = deidentify(ultrasound_header, rules(delete=["TransducerFrequency", "Manufacturer"])).dataset
    assert not any("TransducerFrequency" in level for level in (out, *out.SequenceOfUltrasoundRegions))
    assert out["Manufacturer"].value in (None, "")


def test_deleting_what_an_item_needs_deletes_the_item(ultrasound_header, deidentify):
    bare = Dataset()
    bare.CodeValue, bare.CodingSchemeDesignator = "3", "SCT"
    ultrasound_header.ViewCodeSequence = [code("1", "Femoral vein"), bare]
    out = deidentify(ultrasound_header, rules(delete=["CodeMeaning"])).dataset
    assert [item.CodeValue for item in out.ViewCodeSequence] == ["3"]
    assert (
        "ViewCodeSequence" not in deidentify(ultrasound_header, rules(delete=["CodeMeaning", "CodingSchemeDesignator"])).dataset
    )
    assert "SequenceOfUltrasoundRegions" not in deidentify(ultrasound_header, rules(delete=["RegionDataType"])).dataset


def test_the_settings_keep_values_and_the_dates_are_then_said_to_be_unmodified(ultrasound_header, deidentify):
    ultrasound_header.StudyDescription = "Leg veins"
    out = deidentify(ultrasound_header, rules(keep=["StudyDescription", "PatientID"])).dataset
    assert (out.StudyDescription, out.PatientID, str(out.PatientName)) == ("Leg veins", "MRN0047110", SUBJECT)
    assert out.LongitudinalTemporalInformationModified == "REMOVED"
    dated = deidentify(ultrasound_header, rules(keep=["StudyDate"])).dataset
    assert (dated.StudyDate, dated.LongitudinalTemporalInformationModified) == ("20170302", "UNMODIFIED")


def test_deleting_wins_over_keeping(ultrasound_header, deidentify):
    ultrasound_header.StudyDescription = "Leg veins"
    out = deidentify(ultrasound_header, rules(delete=["StudyDescription"], keep=["StudyDescription"])).dataset
    assert "StudyDescription" not in out


def test_private_elements_inside_region_items_are_removed(ultrasound_header, deidentify):
    region = ultrasound_header.SequenceOfUltrasoundRegions[0]
    region.private_block(0x0019, "VENDOR", create=True).add_new(0x01, "LO", "Lindqvist")
    kept = deidentify(ultrasound_header).dataset.SequenceOfUltrasoundRegions[0]
    assert not any(tag.is_private for tag in kept.keys())
    assert kept.PhysicalDeltaX == 0.012


def test_counts_and_places_tell_what_was_done_without_values(ultrasound_header, deidentify):
    ultrasound_header.StudyDescription = "Lindqvist"
    ultrasound_header.add_new(0x00091001, "LO", "Lindqvist")
    result = deidentify(ultrasound_header)
    assert result.removed == ("(0009,1001)", "StudyDescription")
    assert result.counts[Action.REMOVE] == 2
    assert result.counts[Action.UID] == 3
    assert "1.2.826" not in repr(result.uid_map and result).split("dataset=")[0]
    assert str(ultrasound_header.SOPInstanceUID) not in repr(result)


@pytest.mark.parametrize("subject", ["", " ", "a\\b", "A^B", "x" * 65, "a\nb", "a=b"])
def test_a_subject_that_dicom_cannot_hold_is_refused(ultrasound_header, deidentify, subject):
    with pytest.raises(CommandError):
        deidentify(ultrasound_header, subject=subject)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID"])
def test_a_header_without_an_identity_is_refused(ultrasound_header, deidentify, keyword):
    del ultrasound_header[keyword]
    with pytest.raises(RefusedError):
        deidentify(ultrasound_header)


def test_what_every_image_must_have_is_there_though_empty_when_the_source_lacks_it(ultrasound_header, deidentify):
    for keyword in ("ReferringPhysicianName", "StudyID", "Manufacturer"):
        ultrasound_header.pop(keyword, None)
    out = deidentify(ultrasound_header).dataset
    assert [out[keyword].is_empty for keyword in ("ReferringPhysicianName", "StudyID", "Manufacturer")] == [True] * 3


def test_a_subject_in_another_script_is_written_as_it_is(ultrasound_header, deidentify, from_file):
    out = from_file(deidentify(ultrasound_header, subject="Ärende-7").dataset)
    assert (out.PatientID, out.SpecificCharacterSet) == ("Ärende-7", "ISO_IR 192")


def test_a_deflated_source_can_be_deidentified(ultrasound_header, deidentify, from_file):
    ultrasound_header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert deidentify(from_file(ultrasound_header)).dataset.PatientID == SUBJECT


def test_no_warning_quotes_a_value(ultrasound_header, deidentify, from_file, recwarn):
    ultrasound_header.add(DataElement("BodyPartExamined", "CS", "lindqvist, annika 1961", validation_mode=config.IGNORE))
    header = from_file(ultrasound_header)
    recwarn.clear()
    deidentify(header)
    assert not [str(warning.message) for warning in recwarn.list if "lindqvist" in str(warning.message).lower()]


def test_the_output_has_no_conformance_error_that_the_source_does_not_have(
    ultrasound_header, deidentify, as_file, conformance_errors
):
    ultrasound_header.PatientSpeciesDescription = "Feline"
    ultrasound_header.PatientAlternativeCalendar = "MULTIPLE"
    ultrasound_header.PatientBreedDescription = None
    ultrasound_header.PatientBreedCodeSequence = []
    ultrasound_header.BreedRegistrationSequence = []
    ultrasound_header.ResponsiblePerson = "Lindqvist^Annika"
    ultrasound_header.ResponsibleOrganization = None
    ultrasound_header.ResponsiblePersonRole = "OWNER"
    ultrasound_header.PatientSexNeutered = "UNALTERED"
    ultrasound_header.ClinicalTrialSponsorName = "Sponsor"
    ultrasound_header.ClinicalTrialProtocolID = "Protocol"
    ultrasound_header.ClinicalTrialProtocolName = "Name"
    ultrasound_header.ClinicalTrialSiteID = "Site"
    ultrasound_header.ClinicalTrialSiteName = "Site name"
    ultrasound_header.ClinicalTrialSubjectID = "Lindqvist"
    ultrasound_header.ContrastBolusAgent = "Agent"
    ultrasound_header.ContentDate, ultrasound_header.ContentTime = "20170302", "142445"
    ultrasound_header.AcquisitionDateTime = "20170302142445"
    ultrasound_header.AnatomicRegionSequence = [code("7657000", "Femoral artery")]
    ultrasound_header.PixelData = bytes(480 * 640)
    ultrasound_header["PixelData"].VR = "OB"
    result = deidentify(ultrasound_header).dataset
    assert "PixelData" not in result
    result.add(ultrasound_header["PixelData"])
    before, after = conformance_errors(as_file(ultrasound_header)), conformance_errors(as_file(result))
    assert [line for line in after if line not in before] == []


def test_a_colour_profile_goes_and_the_name_of_the_colour_space_stays(ultrasound_header, deidentify, as_file, conformance_errors):
    """A profile holds texts, a date and the device; without it the stored colours are what they were."""
    from PIL import ImageCms

    ultrasound_header.ICCProfile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ultrasound_header.ColorSpace = "SRGB"
    out = deidentify(ultrasound_header).dataset
    assert "ICCProfile" not in out and out.ColorSpace == "SRGB"
    before = conformance_errors(as_file(ultrasound_header))
    assert [line for line in conformance_errors(as_file(out)) if line not in before] == []
