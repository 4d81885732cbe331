from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from USDICOMizerLib.deidentify.dates import is_valid, shifted
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile import Action
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.deidentify.rules import DEFAULT_DATE_SHIFT, Rules
from USDICOMizerLib.exam import Patient

MODIFIED, FULL = Rules(options=(Option.MODIFIED_DATES,)), Rules(options=(Option.FULL_DATES,))
SUBJECT = "S-3C4DF-7GHJK"


@pytest.mark.parametrize(
    ("vr", "text", "days", "expected"),
    [
        ("DA", "20240311", -30, "20240210"),
        ("DA", "20240301", -1, "20240229"),  # a leap day
        ("DA", "20230301", -1, "20230228"),
        ("DA", "20000229", -366, "19990228"),
        ("DA", "20240229", 365, "20250228"),
        ("DA", "19000301", -1, "19000228"),  # 1900 had no leap day
        ("DA", "18991231", -365, "18981231"),
        ("DA", "20240101", -1, "20231231"),
        ("DT", "20240311094527.123456", -30, "20240210094527.123456"),
        ("DT", "20240311094527+0100", -30, "20240210094527"),  # summer time would tell the season
        ("DT", "20240311094527+0100", 0, "20240311094527+0100"),
        ("DT", "20240311", -30, "20240210"),
        ("DT", "2024031109", -30, "2024021009"),
    ],
)
def test_a_date_moves_by_whole_days_and_its_time_stays(vr, text, days, expected):
    assert shifted(vr, text, days) == expected


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("DA", "20230229"),  # no such day
        ("DA", "20241301"),
        ("DA", "00000000"),
        ("DA", "99999999"),
        ("DA", "2024.03.11"),  # the form before DICOM
        ("DA", "20240311-20240312"),  # a range is for queries
        ("DA", "202403"),
        ("DA", "ABCDEFGH"),
        ("DA", "２０２４０３１１"),
        ("DT", "2024"),  # without its day it can't be moved by days
        ("DT", "202403"),
        ("DT", "20240311256000"),
        ("DT", "20240311094527.1234567"),
        ("DT", "20240311094527 secret"),
        ("DA", "00010101"),  # would leave the calendar
    ],
)
def test_what_names_no_day_of_the_calendar_is_not_shifted(vr, text):
    assert shifted(vr, text, -30) is None


def test_a_time_of_day_is_one():
    assert [text for text in ("0945", "235960.5", "245900", "9:45", "12345678") if is_valid("TM", text)] == ["0945", "235960.5"]


DAYS = st.dates(min_value=date(1850, 1, 1), max_value=date(2100, 12, 31))


@given(one=DAYS, other=DAYS, subject=st.text(min_size=1, max_size=20), key=st.binary(min_size=32, max_size=32))
def test_the_days_between_two_dates_of_a_subject_survive(one, other, subject, key):
    days = Pseudonyms(ProjectKey(key)).date_shift(subject, DEFAULT_DATE_SHIFT)
    new = [date.fromisoformat(shifted("DA", f"{day:%Y%m%d}".zfill(8), days)) for day in (one, other)]
    assert new[1] - new[0] == other - one
    assert new[0] - one == timedelta(days=days) != timedelta(0)


@given(subject=st.text(), least=st.integers(-9000, 9000), width=st.integers(0, 9000))
def test_the_shift_is_in_the_range_of_the_settings(subject, least, width):
    assert least <= Pseudonyms(ProjectKey(bytes(32))).date_shift(subject, (least, least + width)) <= least + width


def test_the_shift_is_the_subject_s_and_the_key_s():
    pseudonyms, other = Pseudonyms(ProjectKey(bytes(32))), Pseudonyms(ProjectKey(bytes(31) + b"\1"))
    shifts = {pseudonyms.date_shift(f"S-{number}", DEFAULT_DATE_SHIFT) for number in range(200)}
    assert len(shifts) > 150
    assert pseudonyms.date_shift(SUBJECT, DEFAULT_DATE_SHIFT) == pseudonyms.date_shift(SUBJECT, DEFAULT_DATE_SHIFT)
    assert pseudonyms.date_shift(SUBJECT, DEFAULT_DATE_SHIFT) != other.date_shift(SUBJECT, DEFAULT_DATE_SHIFT)


def test_two_ids_of_one_person_in_the_user_s_table_have_one_shift():
    pseudonyms = Pseudonyms(ProjectKey(bytes(32)), {"MRN1": "P-07", "old-1": "P-07", "MRN2": "P-08"})
    patients = [Patient(id=id) for id in ("MRN1", "old-1", "MRN2")]
    one, same, other = (pseudonyms.date_shift(pseudonyms.subject(patient), DEFAULT_DATE_SHIFT) for patient in patients)
    assert one == same != other


@pytest.fixture
def dated_header(ultrasound_header):
    ultrasound_header.SeriesDate = "20170303"
    ultrasound_header.AcquisitionDateTime = "20170302142500.5+0100"
    ultrasound_header.TimezoneOffsetFromUTC = "+0100"
    ultrasound_header.LastMenstrualDate = "20161224"
    ultrasound_header.PatientAge = "055Y"
    ultrasound_header.DateOfLastCalibration = ["20170101", "20160101"]
    return ultrasound_header


def test_dates_of_one_header_move_together_and_times_stay(dated_header, deidentify, pseudonyms):
    out = deidentify(dated_header, MODIFIED).dataset
    days = timedelta(days=pseudonyms.date_shift(SUBJECT, DEFAULT_DATE_SHIFT))
    assert date.fromisoformat(out.StudyDate) == date(2017, 3, 2) + days
    assert date.fromisoformat(out.SeriesDate) == date(2017, 3, 3) + days
    assert str(out.AcquisitionDateTime) == f"{out.StudyDate}142500.5"
    assert [date.fromisoformat(one) for one in out.DateOfLastCalibration] == [date(2017, 1, 1) + days, date(2016, 1, 1) + days]
    assert out.StudyTime == "142445"
    assert "TimezoneOffsetFromUTC" not in out and "PatientAge" not in out
    assert out.PatientBirthDate in (None, "")
    assert out.LongitudinalTemporalInformationModified == "MODIFIED"


def test_full_dates_stay_as_they_are_but_not_the_birth_date(dated_header, deidentify):
    out = deidentify(dated_header, FULL).dataset
    for keyword in ("StudyDate", "StudyTime", "SeriesDate", "AcquisitionDateTime", "LastMenstrualDate", "TimezoneOffsetFromUTC"):
        assert out[keyword].value == dated_header[keyword].value
    assert out.PatientBirthDate in (None, "")
    assert out.LongitudinalTemporalInformationModified == "UNMODIFIED"


@pytest.mark.parametrize("rules", [MODIFIED, FULL])
@pytest.mark.parametrize("value", ["99999999", "20170230", "0047110 "])
def test_a_date_that_is_none_is_cleared_by_its_type(dated_header, deidentify, from_file, rules, value):
    dated_header["StudyDate"]._value = dated_header["SeriesDate"]._value = value
    dated_header["AcquisitionDateTime"]._value = value
    result = deidentify(from_file(dated_header), rules)
    assert result.dataset.StudyDate in (None, "")  # Type 2
    assert "SeriesDate" not in result.dataset  # Type 3
    assert result.dataset.AcquisitionDateTime == "19000101000000"  # Type 1C
    assert value.strip() not in str(result.dataset)


def test_one_bad_date_takes_the_others_of_its_element_with_it(dated_header, deidentify, from_file):
    dated_header["DateOfLastCalibration"]._value = ["20170101", "MRN00471"]
    assert "DateOfLastCalibration" not in deidentify(from_file(dated_header), MODIFIED).dataset


def test_a_calibration_date_that_the_device_option_keeps_moves_with_the_others(dated_header, deidentify):
    """One date that stays would tell by how much the others were moved."""
    both = Rules(options=(Option.MODIFIED_DATES, Option.DEVICE_IDENTITY))
    out = deidentify(dated_header, both).dataset
    assert out.DateOfLastCalibration != dated_header.DateOfLastCalibration
    alone = deidentify(dated_header, Rules(options=(Option.DEVICE_IDENTITY,))).dataset
    assert alone.DateOfLastCalibration == dated_header.DateOfLastCalibration
    assert alone.LongitudinalTemporalInformationModified == "REMOVED"


def test_nested_dates_move_by_the_same_days(dated_header, deidentify, pseudonyms):
    item = Dataset()
    item.CodeMeaning, item.ContextGroupVersion = "Femoral vein", "20170302"
    dated_header.AnatomicRegionSequence = [item]
    out = deidentify(dated_header, MODIFIED)
    assert out.dataset.AnatomicRegionSequence[0].ContextGroupVersion == out.dataset.StudyDate
    assert out.counts[Action.SHIFT] >= 6
