import os
import re
import stat
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms, gives_away, has_valid_check_character
from USDICOMizerLib.errors import KeyFileError
from USDICOMizerLib.exam import Patient

KEY = ProjectKey(b"k" * 32)
OTHER = ProjectKey(b"o" * 32)
ALPHABET = "23456789CDFGHJKMNPRTVWX"


def test_a_new_key_is_256_bits_that_only_the_owner_can_read(tmp_path):
    path = tmp_path / "keys" / "project.key"
    key = ProjectKey.create(path)
    assert len(key.secret) == 32
    assert ProjectKey.load(path) == key
    assert ProjectKey.create(tmp_path / "other.key") != key
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "project.key"
    key = ProjectKey.create(path)
    with pytest.raises(KeyFileError, match="never overwritten"):
        ProjectKey.create(path)
    assert ProjectKey.load(path) == key


@pytest.mark.skipif(os.name != "posix", reason="only POSIX says who can read a file")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused_with_the_cure(tmp_path, mode):
    path = tmp_path / "project.key"
    ProjectKey.create(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        ProjectKey.load(path)


@pytest.mark.parametrize("text", ["", "abcd", "g" * 64, "00" * 31, "00" * 32 + "\n" + "00" * 32, "ä" * 32])
def test_a_damaged_key_is_refused_without_being_quoted(tmp_path, text):
    path = tmp_path / "project.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as caught:
        ProjectKey.load(path)
    assert not text or text not in str(caught.value)


def test_a_missing_key_is_said_to_be_missing(tmp_path):
    with pytest.raises(KeyFileError, match="no project key"):
        ProjectKey.load(tmp_path / "project.key")


def test_the_key_is_not_shown():
    assert "k" * 8 not in repr(KEY)
    assert KEY.secret.hex() not in repr(Pseudonyms(KEY))


def test_the_fingerprint_tells_keys_apart_and_nothing_else():
    assert KEY.fingerprint != OTHER.fingerprint
    assert re.fullmatch(r"([0-9a-f]{4}-){3}[0-9a-f]{4}", KEY.fingerprint)


@given(st.from_regex(r"[1-9]\d{0,3}(\.[1-9]\d{0,5}){1,8}", fullmatch=True))
def test_a_uid_is_replaced_by_that_of_a_uuid_the_same_every_time(original):
    new = Pseudonyms(KEY).uid(original)
    root, arc, number = new.split(".")
    as_uuid = uuid.UUID(int=int(number))
    assert (root, arc) == ("2", "25")
    assert as_uuid.variant == uuid.RFC_4122
    assert as_uuid.version == 4
    assert len(new) <= 64
    assert new == Pseudonyms(KEY).uid(original + "\0")
    assert new != Pseudonyms(OTHER).uid(original)


@pytest.mark.parametrize("uid", ["1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.1.2.4.50", "1.2.840.10008.2.16.4", ""])
def test_registered_uids_and_nothing_stay(uid):
    assert Pseudonyms(KEY).uid(uid) == uid


def test_a_uid_that_only_begins_like_a_registered_one_is_replaced():
    assert Pseudonyms(KEY).uid("1.2.840.10008.5.1.4.1.1.6.1.19610917").startswith("2.25.")


@given(st.text(min_size=1), st.text())
def test_subjects_and_exams_are_readable_and_check_themselves(text, issuer):
    pseudonyms = Pseudonyms(KEY)
    subject, exam = pseudonyms.subject(Patient(id=text, issuer=issuer)), pseudonyms.exam(text)
    for pseudonym, kind in ((subject, "S"), (exam, "E")):
        assert re.fullmatch(rf"{kind}-[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}", pseudonym)
        assert has_valid_check_character(pseudonym)
    assert subject[2:] != exam[2:]
    assert subject != Pseudonyms(OTHER).subject(Patient(id=text, issuer=issuer))


@given(st.integers(), st.integers(0, 9), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(number, place, letter):
    letters = list(Pseudonyms(KEY).exam(str(number))[2:].replace("-", ""))
    if letters[place] == letter:
        return
    letters[place] = letter
    assert not has_valid_check_character("E-" + "".join(letters))


@given(st.integers(), st.integers(0, 8))
def test_two_swapped_neighbours_are_noticed(number, place):
    letters = list(Pseudonyms(KEY).exam(str(number))[2:].replace("-", ""))
    if letters[place] == letters[place + 1]:
        return
    letters[place], letters[place + 1] = letters[place + 1], letters[place]
    assert not has_valid_check_character("E-" + "".join(letters))


def test_what_is_no_pseudonym_has_no_valid_check_character():
    assert not any(map(has_valid_check_character, ("", "S-", "X-3C4DF-7GHJK", "S-AAAAA-AAAAA", "S-3C4DF")))


def test_patients_are_told_apart_by_issuer_and_id():
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.subject(Patient(id="1")) != pseudonyms.subject(Patient(id="1", issuer="B"))
    assert pseudonyms.subject(Patient(id="1", name="A^B")) == pseudonyms.subject(Patient(id="1", name="B^A"))
    assert pseudonyms.subject(Patient(issuer="1")) != pseudonyms.subject(Patient(id="1"))


def test_without_an_id_the_name_and_birth_date_tell_and_without_a_name_the_study():
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.subject(Patient(name="A", birth_date="1")) == pseudonyms.subject(Patient(name="A", birth_date="1"))
    assert pseudonyms.subject(Patient(name="A", birth_date="1")) != pseudonyms.subject(Patient(name="A", birth_date="2"))
    assert pseudonyms.subject(Patient(), study_uid="1.2") != pseudonyms.subject(Patient(), study_uid="1.3")


def test_the_users_own_table_comes_first():
    pseudonyms = Pseudonyms(KEY, {"MRN1": "DVT-007"})
    assert pseudonyms.subject(Patient(id="MRN1")) == "DVT-007"
    assert pseudonyms.subject(Patient(id="MRN2")).startswith("S-")


@pytest.mark.parametrize(
    ("subject", "patient"),
    [
        ("LI-WU-12", Patient("12", name="LI^WU")),
        ("48151623", Patient("MRN-48151623")),
        ("study-1516", Patient("1516/3")),
        ("Fen-wick", Patient("7", name="FENWICK^ROSALIND")),
        ("S-muller", Patient("7", name="M\u00fcller^A")),
        ("P19610214", Patient("7", birth_date="19610214")),
        ("x.12", Patient("12")),
    ],
)
def test_a_chosen_subject_that_holds_a_part_of_the_patient_gives_it_away(subject, patient):
    assert gives_away(subject, patient)


@pytest.mark.parametrize("subject", ["STUDY-007", "P001", "S-12345", "sleep-9"])
def test_a_chosen_subject_with_nothing_of_the_patient_does_not(subject):
    assert not gives_away(subject, Patient("MRN-48151623", name="LEE^ROSALIND^T", birth_date="19610214"))
