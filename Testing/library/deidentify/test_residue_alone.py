"""What must not be in an export is found without its source: by the standard's table, its claims, and its hiding places."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.header import Rules
from USDICOMizerLib.deidentify.residue import judge_alone
from USDICOMizerLib.deidentify.rules import SafePrivate
from USDICOMizerLib.tags import Tag, apply_tag


def places(found) -> list[str]:
    return sorted({residue.place for residue in found})


def test_an_export_is_judged_clean_without_its_source(ultrasound_header, deidentify, from_file):
    out = deidentify(ultrasound_header).dataset
    apply_tag(out, Tag("PV", "L", "compression"), "frame")
    out.DerivationDescription = "Cropped"
    assert judge_alone(from_file(out)) == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDate", "20170302"),
        ("StudyDescription", "Leg veins"),
        ("AccessionNumber", "ACC9931177"),
        ("AcquisitionDateTime", "20170302142445"),
        ("OperatorsName", "Okonkwo"),
        ("PatientAge", "055Y"),
        ("RequestAttributesSequence", [Dataset()]),
        ("PatientIdentityRemoved", "NO"),
        ("BurnedInAnnotation", None),
        ("LongitudinalTemporalInformationModified", None),
        ("EvaluatorName", "Okonkwo"),
    ],
)
def test_what_should_not_be_there_is_found_without_the_source(ultrasound_header, deidentify, keyword, value):
    out = deidentify(ultrasound_header).dataset
    setattr(out, keyword, value)
    assert places(judge_alone(out)) == [keyword]


def test_hiding_places_are_found_without_the_source(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    out.add_new(0x60003000, "OW", b"\0\0")
    out.add_new(0x0008FFF0, "LO", "x")
    out.private_block(0x0011, "OTHER", create=True).add_new(0x01, "LO", "x")
    out.SequenceOfUltrasoundRegions[0].private_block(0x0011, "USDICOMizer", create=True).add_new(0x01, "LO", "x")
    out.SequenceOfUltrasoundRegions[0].PatientName = "x"
    out.file_meta.SourceApplicationEntityTitle = "NODE"
    out.preamble = b"x" * 128
    del out.DeidentificationMethod, out.DeidentificationMethodCodeSequence
    assert places(judge_alone(out)) == [
        "(0008,FFF0)",
        "(0011,0010)",
        "(0011,1001)",
        "DeidentificationMethod",
        "OverlayData",
        "SequenceOfUltrasoundRegions.(0011,0010)",
        "SequenceOfUltrasoundRegions.(0011,1001)",
        "SequenceOfUltrasoundRegions.PatientName",
        "SourceApplicationEntityTitle",
        "preamble",
    ]


def test_an_option_that_is_claimed_may_keep_what_it_is_about(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    out.StudyDate = "20170302"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "113106", "DCM", "Full dates"
    out.DeidentificationMethodCodeSequence.append(item)
    assert places(judge_alone(out)) == ["LongitudinalTemporalInformationModified"]  # still says REMOVED
    out.LongitudinalTemporalInformationModified = "UNMODIFIED"
    assert judge_alone(out) == []
    out.StudyDescription = "Leg veins"
    assert places(judge_alone(out)) == ["StudyDescription"]


def claim(dataset: Dataset, code: str, scheme: str = "DCM") -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, "Option"
    dataset.DeidentificationMethodCodeSequence.append(item)


def test_a_claim_of_another_coding_scheme_is_none(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    out.StudyDescription = "thyroid left"
    claim(out, "113105", "99X")
    assert places(judge_alone(out)) == ["StudyDescription"]
    claim(out, "113105")
    assert judge_alone(out) == []


def test_cleaned_text_has_words_of_ultrasound_only(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    claim(out, "113105")
    out.StudyDescription, out.PatientComments = "Kowalska, thyroid", "call wife Anna"
    assert places(judge_alone(out)) == ["PatientComments", "StudyDescription"]
    assert places(judge_alone(out, Rules(allowed_words=("kowalska",)))) == ["PatientComments"]


def test_a_claim_of_safe_private_elements_lets_out_only_those_that_are_listed(ultrasound_header, deidentify):
    out = deidentify(ultrasound_header).dataset
    claim(out, "113111")
    block = out.private_block(0x0019, "VENDOR", create=True)
    block.add_new(0x01, "LO", "harmonic")
    block.add_new(0x02, "LO", "Anna")
    out.private_block(0x0019, "OTHER", create=True).add_new(0x01, "LO", "Anna")
    rules = Rules(safe_private=(SafePrivate("VENDOR", 0x0019, 0x01),))
    assert places(judge_alone(out, rules)) == ["(0019,0011)", "(0019,1002)", "(0019,1101)"]
    assert len(judge_alone(out)) == 5
