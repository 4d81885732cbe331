"""What a plan says of text in its pictures: once, as it is now."""

from __future__ import annotations

import pytest

from USDICOMizerLib import text_search
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.text_findings import TextBox, TextFindings
from USDICOMizerLib.text_search import TextChoice, with_text_noted

BOX = CropBox(10, 10, 90, 30)


@pytest.fixture
def searched(monkeypatch, make_instance):
    """A decision as a search leaves it that finds text in these boxes."""

    def run(decision: Decision, *boxes: CropBox, choice: TextChoice = TextChoice.NOTE) -> Decision:
        found = TextFindings(tuple(TextBox(box, 0.9) for box in boxes), read=False)
        monkeypatch.setattr(text_search, "text_in", lambda instance, one: found)
        return with_text_noted(make_instance(), decision, choice)

    return run


def test_what_is_found_is_noted_once_however_often_it_is_looked_for(searched):
    once = searched(Decision(note="the box is a guess"), BOX)
    assert once.note.startswith("the box is a guess; text was found at 10,10,90,30")
    assert searched(once, BOX) == once


def test_what_is_found_no_longer_is_noted_no_longer(searched):
    assert searched(searched(Decision(note="the box is a guess"), BOX)).note == "the box is a guess"


def test_what_is_blanked_stays_noted_with_its_redactions(searched):
    blanked = searched(Decision(), BOX, choice=TextChoice.REDACT)
    assert blanked.redactions == (Redaction(BOX.expanded(4)),)
    assert searched(blanked, choice=TextChoice.REDACT) == blanked
