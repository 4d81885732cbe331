"""Whatever identifies the patient, however it is written and in whichever attribute that stays: it is cut, or found."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from USDICOMizerLib.deidentify.header import Rules, deidentify_header
from USDICOMizerLib.deidentify.profile import Action, answer_for
from USDICOMizerLib.deidentify.residue import find_residue, identifying_values, judge_alone

pytestmark = pytest.mark.filterwarnings("ignore:The value length")
_TEXTS = ("SH", "LO", "ST", "LT", "UT", "UC")
_WRITTEN_LAST = ("SpecificCharacterSet", "DeidentificationMethod", "ImageComments", "DerivationDescription")
# Every text attribute of the standard that the profile lets stay.
KEPT = sorted(
    tag
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items()
    if vr in _TEXTS
    and keyword
    and keyword not in _WRITTEN_LAST
    and tag >> 16 > 0x0002
    and answer_for((tag,)).action is Action.KEEP
)
NAMES = st.text("abdefghiklmnorstuvzäöüåøéñçš", min_size=4, max_size=10).map(str.capitalize).filter(lambda name: name != "None")
MONTHS = "January February March April May June July August September October November December".split()

name_forms = st.sampled_from(
    ["{f}^{g}", "{g} {f}", "{F}, {G}", "{f}", "{F}{n}", "{g}_{f}", "Mr. {F}", "for {g} {f} on the left", "{f}/{g}", "({f})"]
)
id_forms = st.sampled_from(["{p}{n}", "{n}", "0{n}", "pat. {n}", "{p} {n}", "{p}-{n}", "x{p}{n}x", "{n}/1", "ID={p}_{n}"])
date_forms = st.sampled_from(
    ["{d:%Y%m%d}", "{d:%Y-%m-%d}", "{d:%d.%m.%Y}", "{d:%m/%d/%Y}", "{d.day} {m} {d.year}", "{m} {d.day}, {d.year}",
     "{d.day:02d}-{m:.3}-{d.year}", "{d:%d}{m:.3}{d.year}", "born {d.day}/{d.month}/{d.year}"]
)  # fmt: skip


def header_of(family: str, given_name: str, patient_id: str, born: date) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.3.4.5.6.1"
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3.4.5.6", "1.2.3.4.5.6.0"
    header.PatientName, header.PatientID, header.PatientBirthDate = f"{family}^{given_name}", patient_id, f"{born:%Y%m%d}"
    return header


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_way_to_write_an_identifier_leaves_unseen_in_any_text_that_stays(pseudonyms, data):
    family, given_name = data.draw(NAMES), data.draw(NAMES)
    prefix = data.draw(st.sampled_from(["MRN", "P", "KH"]))
    number = data.draw(st.integers(100_000, 99_999_999))
    born = data.draw(st.dates(date(1900, 1, 1), date(2025, 12, 31)))
    header = header_of(family, given_name, f"{prefix}-{number}", born)
    tag = data.draw(st.sampled_from(KEPT))
    form = data.draw(st.one_of(name_forms, id_forms, date_forms))
    written = form.format(
        f=family, g=given_name, F=family.upper(), G=given_name.upper(), p=prefix, n=number, d=born, m=MONTHS[born.month - 1]
    )
    header.add(DataElement(Tag(tag), DicomDictionary[tag][0], written))
    out = deidentify_header(header, Rules(), pseudonyms, "S-3C4DF-7GHJK", reviewed=False).dataset
    if Tag(tag) in out and out[tag].value:
        assert find_residue(out, identifying_values(header)), f"{written!r} in {DicomDictionary[tag][4]}"


def test_there_are_many_attributes_to_hide_in_and_none_is_found_where_nothing_is_hidden(pseudonyms):
    assert len(KEPT) > 100
    header = header_of("Lindqvist", "Annika", "MRN-48151623", date(1961, 2, 14))
    for tag in KEPT:
        header.add(DataElement(Tag(tag), DicomDictionary[tag][0], "left leg"))
    out = deidentify_header(header, Rules(), pseudonyms, "S-3C4DF-7GHJK", reviewed=False).dataset
    assert find_residue(out, identifying_values(header)) == []
    assert judge_alone(out) == []
