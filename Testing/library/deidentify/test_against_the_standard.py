"""Each option on and off, over the real files and planted ones, judged by a second reading of the standard and an answer key."""

from __future__ import annotations

import io
from functools import cache

import pytest
from planted import Plants, planted_bytes
from pydicom import dcmread
from pydicom.dataset import Dataset
from real_files import real_file, real_files
from standard import answer_key, differences, items_of, outcome

from USDICOMizerLib.deidentify.header import Rules, deidentify_header
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.exam import Source
from USDICOMizerLib.sample_exam import SampleKind
from USDICOMizerLib.sources import read_header

SUBJECT = "S-3C4DF-7GHJK"
SHORT = {
    "full": Option.FULL_DATES,
    "modified": Option.MODIFIED_DATES,
    "patient": Option.PATIENT_CHARACTERISTICS,
    "device": Option.DEVICE_IDENTITY,
    "institution": Option.INSTITUTION_IDENTITY,
    "uids": Option.UIDS,
    "descriptors": Option.CLEAN_DESCRIPTORS,
    "content": Option.CLEAN_STRUCTURED_CONTENT,
    "graphics": Option.CLEAN_GRAPHICS,
}
CHOICES = ["", *SHORT, " ".join(name for name in SHORT if name != "full"), " ".join(name for name in SHORT if name != "modified")]
FILES = [path.stem for path in real_files()]
IODS = {
    "1.2.840.10008.5.1.4.1.1.6.1": "ultrasound-image",
    "1.2.840.10008.5.1.4.1.1.6": "ultrasound-image",
    "1.2.840.10008.5.1.4.1.1.3.1": "ultrasound-multi-frame-image",
    "1.2.840.10008.5.1.4.1.1.3": "ultrasound-multi-frame-image",
    "1.2.840.10008.5.1.4.1.1.7": "secondary-capture-image",
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    return tmp_path_factory.mktemp("real")


@cache
def header_of(name: str, folder) -> Dataset:
    return read_header(Source(real_file(name, folder)))


def deidentified(header: Dataset, chosen: str, key: bytes = bytes(range(32))) -> Dataset:
    rules = Rules(options=tuple(SHORT[name] for name in chosen.split()))
    return deidentify_header(header, rules, Pseudonyms(ProjectKey(key)), SUBJECT, reviewed=False).dataset


def judged(header: Dataset, chosen: str) -> list[str]:
    columns = [SHORT[name].column for name in chosen.split()]
    return differences(header, deidentified(header, chosen), columns, IODS[str(header.SOPClassUID)])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("chosen", CHOICES)
def test_a_real_file_is_treated_as_the_standard_says(name, chosen, unpacked):
    assert judged(header_of(name, unpacked), chosen) == []


@pytest.mark.parametrize("kind", list(SampleKind)[:4])
@pytest.mark.parametrize("chosen", CHOICES)
def test_a_file_with_every_listed_attribute_is_treated_as_the_standard_says(kind, chosen):
    assert judged(dcmread(io.BytesIO(planted_bytes(kind, Plants())), stop_before_pixels=True), chosen) == []


def told_apart(source: Dataset, output: Dataset | None, prefix: str = ""):
    """(attribute, what became of it) of each element; all is removed inside of what is removed."""
    for element in source:
        if element.tag.is_private or element.tag.element == 0 or not element.keyword:
            continue
        became = outcome(element, output) if output is not None else "removed"
        if element.is_empty and became in ("emptied", "kept"):
            became = "empty as it was"
        yield prefix + element.keyword, became
        if element.VR == "SQ":
            there = output is not None and element.tag in output
            pairs = items_of(element, output[element.tag]) if there else []
            for before, after in pairs or [(item, None) for item in element.value]:
                yield from told_apart(before, after, f"{prefix}{element.keyword}.")


# Values in the real files that aren't what their VR allows; the standard leaves no other way than to clear them.
UNSOUND = {
    ("PatientAge", "removed"),
    ("OperatorsName", "removed"),
    ("FrameIncrementPointer", "removed"),
    ("StudyDate", "emptied"),  # 1997.04.24, the form before DICOM
    ("StudyTime", "emptied"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("chosen", ["", "full", "modified", "patient", "device", "institution", "uids", "descriptors"])
def test_every_attribute_of_a_real_file_ends_as_the_answer_key_says(name, chosen, unpacked):
    header = header_of(name, unpacked)
    key = answer_key()
    wrong = []
    for attribute, became in told_apart(header, deidentified(header, chosen)):
        basic, by_option = key[attribute]  # an attribute without an answer is a mistake of the key
        allowed = by_option.get(chosen, {basic})
        if basic != "written" and became not in allowed | {"empty as it was"} and (attribute, became) not in UNSOUND:
            wrong.append(f"{attribute}: {became}, not {' or '.join(allowed)}")
    assert wrong == []


def test_the_judges_see_what_is_wrong(unpacked):
    header, modified = header_of("GREYSCALE_IMAGE", unpacked), ["retain_longitudinal_modified_dates"]
    assert differences(header, header, [])
    shifted = deidentified(header, "modified")
    assert differences(header, shifted, []) and differences(header, shifted, modified) == []
    shifted.SeriesDate = "20010101"
    assert any("different numbers of days" in said for said in differences(header, shifted, modified))
    clean = deidentified(header, "")
    clean.add_new(0x00104000, "LT", "seen again")
    assert differences(header, clean, [])


@pytest.mark.parametrize("name", FILES)
def test_two_runs_with_one_key_agree_and_two_keys_differ_in_every_pseudonym(name, unpacked):
    header = header_of(name, unpacked)
    first, again = deidentified(header, "modified"), deidentified(header, "modified")
    other = deidentified(header, "modified", key=bytes(range(1, 33)))
    assert first == again
    replaced = [element for element in first if element.VR in ("UI", "DA", "DT") and not element.is_empty]
    assert {element.keyword for element in replaced if other[element.tag] == element} == {"SOPClassUID"}
