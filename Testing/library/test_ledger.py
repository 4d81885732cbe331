from __future__ import annotations

from dataclasses import replace

import pytest

from USDICOMizerLib.ledger import LEDGER_NAME, Ledger, LedgerRecord, Made

MADE = Made("1,2,3,4", "cut", {"kept": 3}, ("a warning",))
FIRST = LedgerRecord("a.zip", "work 1", "contents", {"00": ("prepared", ""), "01": ("refused", "no-crop")}, {"00": MADE})
SECOND = replace(FIRST, work="work 2")
OTHER = replace(FIRST, export="b.zip")


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path)


def test_what_was_written_is_read_newest_first(ledger):
    assert ledger.of("a.zip") == ()
    for record in (FIRST, OTHER, SECOND):
        ledger.add(record)
    assert ledger.of("a.zip") == (SECOND, FIRST)
    assert ledger.of("b.zip") == (OTHER,)


def test_a_kill_at_any_byte_costs_the_last_line_and_no_other(tmp_path, ledger):
    ledger.add(FIRST)
    before = (tmp_path / LEDGER_NAME).read_bytes()
    ledger.add(SECOND)
    whole = (tmp_path / LEDGER_NAME).read_bytes()
    for length in range(len(before), len(whole)):
        (tmp_path / LEDGER_NAME).write_bytes(whole[:length])
        after = Ledger(tmp_path)
        assert after.of("a.zip") == (FIRST,)
        after.add(SECOND)
        assert (tmp_path / LEDGER_NAME).read_bytes() == whole


def test_a_line_of_another_kind_is_passed_over(tmp_path, ledger):
    ledger.add(FIRST)
    with (tmp_path / LEDGER_NAME).open("a") as stream:
        stream.write('nonsense\n[]\n{"export": "a.zip"}\n{"export": "a.zip", "outcomes": 3}\n')
    ledger.add(SECOND)
    assert ledger.of("a.zip") == (SECOND, FIRST)


def test_lines_that_another_process_adds_are_seen(tmp_path, ledger):
    ledger.add(FIRST)
    assert ledger.of("a.zip") == (FIRST,)
    Ledger(tmp_path).add(SECOND)
    assert ledger.of("a.zip") == (SECOND, FIRST)


def test_a_record_is_filed_once_where_once_is_asked(tmp_path, ledger):
    for _ in range(3):
        ledger.add(FIRST, once=True)
    assert len((tmp_path / LEDGER_NAME).read_text().splitlines()) == 1


def test_a_line_of_before_reports_could_be_written_again_is_read_too(tmp_path, ledger):
    (tmp_path / LEDGER_NAME).write_text(
        '{"export": "a.zip", "work": "w", "contents": "c", "outcomes": {"00": ["prepared", ""]}}\n'
    )
    assert ledger.of("a.zip") == (LedgerRecord("a.zip", "w", "c", {"00": ("prepared", "")}),)
