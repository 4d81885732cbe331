"""Days are read from a text in whatever form people and systems write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from USDICOMizerLib.deidentify.dates_in_text import days_in, names_a_day
from USDICOMizerLib.deidentify.spellings import folded

MONTHS = {
    "English": "January February March April May June July August September October November December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Greek": (
        "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου Δεκεμβρίου"
    ),
    "short": "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec",
    "short in German": "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
}
WITH_WORDS = (
    "{d} {month} {year}", "{d}. {month} {year}", "{d:02d}-{month}-{year}", "{d:02d}{month}{year}", "{month} {d}, {year}",
    "{month} {d:02d} {year}", "{month} the {d}rd {year}", "{d} de {month} de {year}",
    "{d}th of {month}, {year}", "seen {month}. {d}, {year}, left",
    "{d:02d}_{month}_{year}", "{year} {month} {d}", "on 12 {d} {month} {year} 14",
)  # fmt: skip
DIVIDED = (
    "{d}. {m}. {year}", "{d} {m} {year}", "{d} / {m} / {year}", "{d}–{m}–{year}", "{d},{m},{year}", "{d}_{m}_{year}",
    "{d}:{m}:{year}", "{year} {m} {d}", "{year}年{m}月{d}日", "{year}년 {m}월 {d}일", "{d}/{m} {year}", "on 12 {d} {m} {year}",
)  # fmt: skip
IN_DIGITS = (
    "{d}.{m}.{year}", "{d:02d}/{m:02d}/{year}", "{m}/{d}/{year}", "{year}-{m:02d}-{d:02d}", "{year}/{m}/{d}",
    "x{year}{m:02d}{d:02d}", "({d}-{m}-{year})",
)  # fmt: skip
SHORT_YEAR = (
    "{d:02d}.{m:02d}.{yy}", "{d}/{m}/{yy}", "{m:02d}/{d:02d}/{yy}", "{yy}-{m:02d}-{d:02d}", "born {d:02d}-{m:02d}-{yy}.",
    "{d}.{m}.{yy}", "{d}. {m}. {yy}", "{d:02d}_{m:02d}_{yy}", "{d} {month} {yy}", "{d:02d}-{month}-{yy}", "{d:02d}{month}{yy}",
    "{month} {d} '{yy}",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    day=st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    language=st.sampled_from(sorted(MONTHS)),
    form=st.sampled_from(WITH_WORDS + IN_DIGITS + DIVIDED + SHORT_YEAR),
    upper=st.booleans(),
)
@example(date(1961, 2, 14), "English", "{d} {month} {year}", False)
@example(date(2000, 8, 1), "French", "{d:02d}{month}{yy}", False)
def test_a_day_is_read_in_every_form(day, language, form, upper):
    month = MONTHS[language].split()[day.month - 1]
    text = form.format(d=day.day, m=day.month, year=day.year, yy=f"{day.year % 100:02d}", month=month)
    days = days_in(folded(text.upper() if upper else text))
    assert f"{day:%Y%m%d}"[2 if form in SHORT_YEAR else 0 :] in days, text
    if form in WITH_WORDS + IN_DIGITS:
        assert names_a_day(folded(text)), text


@pytest.mark.parametrize(
    "text",
    ["v 10.2.3", "S5-1", "1.2.840.113619.2.61", "14.02.61.3", "3.14.02.61", "EPIQ 5G mar 2", "February 1961", "120 mm",
     "99-99-99", "C9-2", "0.4/0.7", "mag 2 x 12", "31.31.2017", "12345678", "1961", "0.3 11 1970", "3 11 70",
     "3 11 19700", "12 mm 3 4"],
)  # fmt: skip
def test_what_is_no_date_is_read_as_none(text):
    assert days_in(folded(text)) == frozenset()
    assert not names_a_day(folded(text))


def test_both_readings_of_a_day_and_a_month_are_given():
    assert {"19610203", "19610302"} <= days_in("02.03.1961")
    assert {"030201", "030102", "010203"} == days_in("01/02/03")


def test_what_may_be_a_version_or_numbers_is_compared_with_a_source_but_is_not_a_finding_without_one():
    for text in ("1.2.17", "3 11 2000", "3_11_1970", "10:11:2012"):
        assert days_in(text)
        assert not names_a_day(text)
