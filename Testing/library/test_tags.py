"""Tags: the vocabulary, and what is written into an instance."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.tags import (
    DEFAULT_PURPOSES,
    DEFAULT_SIDES,
    DEFAULT_SITES,
    PRIVATE_CREATOR,
    PRIVATE_GROUP,
    Tag,
    TagError,
    TagVocabulary,
    anatomy_of,
    apply_tag,
    image_comment,
    tag_of,
)

VOCABULARY = TagVocabulary()
ANY_DEFAULT_TAG = st.builds(
    Tag, st.sampled_from(DEFAULT_SITES), st.sampled_from(["", *DEFAULT_SIDES]), st.sampled_from(["", *DEFAULT_PURPOSES])
)


@given(ANY_DEFAULT_TAG)
def test_a_tag_reads_back_from_its_text(tag):
    assert VOCABULARY.parse(str(tag)) == tag
    assert VOCABULARY.check(tag) == tag


@given(ANY_DEFAULT_TAG)
def test_upper_and_lower_case_are_the_same_and_the_vocabulary_s_writing_is_given(tag):
    assert VOCABULARY.parse(str(tag).upper()) == tag
    assert VOCABULARY.check(Tag(tag.site.lower(), tag.side.lower(), tag.purpose.upper())) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("FV-D-L/compression", Tag("FV-D", "L", "compression")),
        ("FV-D", Tag("FV-D")),
        ("FV-Dr-R", Tag("FV-Dr", "R")),
        ("CFV-R", Tag("CFV", "R")),
        ("CFVr", Tag("CFVr")),
        (" PV-L ", Tag("PV", "L")),
    ],
)
def test_the_longest_site_is_taken_first(text, tag):
    assert VOCABULARY.parse(text) == tag


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("CVF-L", "CFV-L"),
        ("FV-D-X", "FV-D-L"),
        ("CFV-", "CFV"),
        ("", "The sites are CFVr, CFV"),
        ("CFV-L/compresion", "diagnostic, non-diagnostic, compression, colour-doppler, optional"),
        ("CFV-L/", "purposes are"),
    ],
)
def test_a_tag_outside_of_the_vocabulary_is_refused_with_what_is_in_it(text, named):
    with pytest.raises(TagError) as refusal:
        VOCABULARY.parse(text)
    assert named in str(refusal.value)
    assert isinstance(refusal.value, CommandError)


@pytest.mark.parametrize("tag", [Tag(""), Tag("", "L"), Tag("XYZ"), Tag("CFV", "B"), Tag("CFV", "L", "x"), Tag("FV-D-L", "L")])
def test_a_tag_in_parts_is_checked_too(tag):
    with pytest.raises(TagError):
        VOCABULARY.check(tag)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"sites": ()}, "no site"),
        ({"sites": ("CFV", "cfv")}, "twice"),
        ({"sites": ("a/b",)}, "can't be used"),
        ({"sites": ("../x",)}, "can't be used"),
        ({"sites": ("Jugularis-ä",)}, "can't be used"),
        ({"sites": ("x" * 33,)}, "can't be used"),
        ({"sites": ("FV", "FV-L")}, "reads the same"),
        ({"sides": ("left",)}, "L (left)"),
        ({"purposes": ("with space",)}, "can't be used"),
    ],
)
def test_a_vocabulary_that_is_ambiguous_or_cannot_be_written_is_not_made(names, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        TagVocabulary(**names)


def test_the_codes_are_those_of_dicom_s_context_groups():
    expected = {
        "CFV": codes.cid12110.CommonFemoralVein,
        "GSV": codes.cid4.GreatSaphenousVein,
        "FV": codes.cid4.FemoralVein,
        "FV-D": codes.cid4.FemoralVein,
        "PV": codes.cid12110.PoplitealVein,
    }
    for site, code in expected.items():
        for name in (site, f"{site}r"):
            region = anatomy_of(name).region
            assert (region.value, region.scheme_designator, region.meaning) == (code.value, "SCT", code.meaning)
    assert anatomy_of("FV-D").modifier == codes.cid2.Distal
    assert all(anatomy_of(site).modifier is None for site in ("CFV", "GSV", "FV", "PV", "OPT"))


def test_a_spelled_out_anatomic_region_has_its_code_and_another_site_a_private_one():
    assert anatomy_of("popliteal-artery").region == codes.cid4.PoplitealArtery
    assert anatomy_of("THYROID").region == codes.cid4.Thyroid
    assert anatomy_of("OPT").region.scheme_designator == "99USDICOMIZER"
    lung = anatomy_of("lung-zone-3").region
    assert (lung.value, lung.scheme_designator, lung.meaning) == ("lung-zone-3", "99USDICOMIZER", "lung-zone-3")


def test_a_tag_is_written_to_coded_attributes():
    ds = Dataset()
    apply_tag(ds, Tag("FV-D", "L", "compression"), "cine")
    (region,) = ds.AnatomicRegionSequence
    assert (region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning) == ("83419000", "SCT", "Femoral vein")
    (modifier,) = region.AnatomicRegionModifierSequence
    assert (modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning) == ("46053002", "SCT", "Distal")
    assert ds.ImageLaterality == "L"
    assert ds.ImageComments == "Femoral vein, distal, left, compression (cine) [FV-D-L/compression]"


def test_a_code_too_long_for_code_value_goes_to_long_code_value():
    ds = Dataset()
    apply_tag(ds, Tag("somewhere-behind-the-left-knee"))
    (region,) = ds.AnatomicRegionSequence
    assert "CodeValue" not in region
    assert region.LongCodeValue == "somewhere-behind-the-left-knee"


def test_nothing_but_the_documented_attributes_changes():
    ds = Dataset()
    ds.PatientID = "S-1"
    ds.BodyPartExamined = "LEG"
    ds.SeriesDescription = "veins"
    before = set(ds.keys())
    apply_tag(ds, Tag("CFV", "R", "diagnostic"))
    added = {f"{element.tag:08x}" for element in ds if element.tag not in before}
    assert added == {"00082218", "00200062", "00204000", "00110010", "00111001", "00111002", "00111003", "00111004"}
    assert before < set(ds.keys())


def test_the_series_laterality_gives_way_to_that_of_the_image_only():
    with_side, without_side = Dataset(), Dataset()
    with_side.Laterality = without_side.Laterality = "R"
    apply_tag(with_side, Tag("CFV", "L"))
    apply_tag(without_side, Tag("CFV"))
    assert "Laterality" not in with_side
    assert without_side.Laterality == "R"


def test_a_second_tag_replaces_the_first_whole():
    ds = Dataset()
    apply_tag(ds, Tag("FV-D", "L", "compression"), "cine")
    apply_tag(ds, Tag("OPT"), "frame")
    assert tag_of(ds) == Tag("OPT")
    assert "ImageLaterality" not in ds
    assert ds.ImageComments == image_comment(Tag("OPT"), "frame") == "Optional view (frame) [OPT]"
    assert "AnatomicRegionModifierSequence" not in ds.AnatomicRegionSequence[0]
    assert len(ds.group_dataset(PRIVATE_GROUP)) == 3  # creator, tag, site


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_tag_reads_back_from_a_written_file(syntax):
    ds = Dataset()
    apply_tag(ds, Tag("PVr", "R", "colour-doppler"))
    stream = io.BytesIO()
    dcmwrite(stream, ds, implicit_vr=syntax.is_implicit_VR, little_endian=True)
    stream.seek(0)
    ds = dcmread(stream, force=True)
    assert ds[PRIVATE_GROUP, 0x0010].value in (PRIVATE_CREATOR, PRIVATE_CREATOR.encode())
    assert tag_of(ds) == Tag("PVr", "R", "colour-doppler")


def test_an_instance_without_our_block_has_no_tag():
    ds = Dataset()
    assert tag_of(ds) is None
    ds.private_block(PRIVATE_GROUP, "SOMEBODY ELSE", create=True).add_new(0x02, "LO", "CFV")
    assert tag_of(ds) is None
