"""Greek and Cyrillic names in Latin letters: as ELOT 743 and ICAO 9303 have them, and as people write them."""

from __future__ import annotations

import pytest

from USDICOMizerLib.deidentify.romanised import romanisations, romanised


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("παπαδόπουλος", "papadopoulos"), ("ευάγγελος", "evangelos"), ("αυγερινός", "avgerinos"), ("αυτιάς", "aftias"),
        ("ελευθέριος", "eleftherios"), ("μπουρνάζος", "bournazos"), ("λαμπράκης", "lamprakis"), ("ντίνος", "ntinos"),
        ("γκίκας", "gkikas"), ("σφυγξ", "sfynx"), ("μελαγχολία", "melancholia"), ("χατζής", "chatzis"), ("πραΰς", "prays"),
        ("μαΐου", "maiou"), ("κωνσταντίνος", "konstantinos"), ("ψαρράς", "psarras"), ("θωμάς", "thomas"),
        ("юрий", "iurii"), ("щербаков", "shcherbakov"), ("ёлкин", "elkin"),
    ],
)  # fmt: skip
def test_a_name_is_written_as_in_a_passport(name, written):
    assert romanised(name) == written
    assert written in set(romanisations(name))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("παπαδόπουλος", "papadopoylos"), ("παπαδόπουλος", "papadopulos"), ("χατζής", "hatzis"), ("ευάγγελος", "evaggelos"),
        ("ξενάκης", "ksenakis"), ("ντίνος", "dinos"), ("φωτεινή", "photeini"), ("γιάννης", "yannis"), ("κυριακή", "kiriaki"),
        ("μπουρνάζος", "mpournazos"), ("ευγενία", "eugenia"), ("юрий", "yurii"), ("михаил", "mihail"),
    ],
)  # fmt: skip
def test_a_name_is_also_written_as_people_do(name, written):
    assert written in set(romanisations(name))


@pytest.mark.parametrize("name", ["müller", "o'brien", "yamada", "山田", ""])
def test_other_letters_stay_as_they_are(name):
    assert romanised(name) == name
    assert list(romanisations(name)) == []
