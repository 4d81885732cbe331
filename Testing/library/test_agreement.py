"""Keys, subjects and exams that contradict the linkage are found before anything is exported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from USDICOMizerLib.agreement import claim_exams, claim_subjects, load_or_make_key, named_patients, record_key
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.errors import CommandError, KeyFileError
from USDICOMizerLib.exam import Exam, Patient
from USDICOMizerLib.linkage import EXAMS, ISSUERS, PATIENTS, UIDS, Linkage


@pytest.fixture
def key_file(tmp_path) -> Path:
    return tmp_path / "private" / "project.key"


@pytest.fixture
def linkage(tmp_path) -> Linkage:
    return Linkage(tmp_path / "linkage")


@pytest.fixture
def exam_of(make_instance):
    """Make an exam of one instance of a patient."""

    def make(patient: Patient, study: str = "1.2.3") -> Exam:
        return Exam(study, (make_instance(patient=patient, study_uid=study),))

    return make


def used(key_file: Path, linkage: Linkage) -> ProjectKey:
    """The key as a first run leaves it and the linkage."""
    key, _ = load_or_make_key(key_file, linkage.folder)
    record_key(key, key_file, linkage)
    linkage.add_to_mapping(UIDS, [("1.2.3", Pseudonyms(key).uid("1.2.3"))])
    return key


def test_a_key_is_made_once_and_is_readable_by_its_owner_only(key_file, linkage):
    key, is_new = load_or_make_key(key_file, linkage.folder)
    assert is_new
    assert load_or_make_key(key_file, linkage.folder) == (key, False)


def test_a_lost_key_is_not_replaced_where_the_linkage_holds_pseudonyms(key_file, linkage):
    key = used(key_file, linkage)
    key_file.unlink()
    with pytest.raises(KeyFileError, match=key.fingerprint) as raised:
        load_or_make_key(key_file, linkage.folder)
    assert "backup" in str(raised.value)
    assert not key_file.exists()


def test_a_lost_key_is_noticed_also_where_its_fingerprint_was_not_recorded(key_file, linkage):
    linkage.add_to_mapping(PATIENTS, [("MRN1", "S-1")])
    with pytest.raises(KeyFileError, match="no project key"):
        load_or_make_key(key_file, linkage.folder)


def test_another_key_with_the_same_linkage_is_an_error_that_says_what_to_do(key_file, linkage, tmp_path):
    used(key_file, linkage)
    other = tmp_path / "other.key"
    ProjectKey.create(other)
    with pytest.raises(KeyFileError, match="--linkage"):
        load_or_make_key(other, linkage.folder)


def test_another_key_is_known_by_the_pseudonyms_where_its_fingerprint_was_removed(key_file, linkage, tmp_path):
    used(key_file, linkage)
    (linkage.folder / "key_fingerprint.txt").unlink()
    other = tmp_path / "other.key"
    ProjectKey.create(other)
    with pytest.raises(KeyFileError, match="another key"):
        load_or_make_key(other, linkage.folder)
    assert load_or_make_key(key_file, linkage.folder)[1] is False


def test_the_second_of_two_first_runs_with_different_keys_is_stopped(key_file, linkage, tmp_path):
    one, two = ProjectKey.create(key_file.parent / "1.key"), ProjectKey.create(key_file.parent / "2.key")
    record_key(one, key_file, linkage)
    with pytest.raises(KeyFileError):
        record_key(two, key_file, linkage)
    assert linkage.key_fingerprint == one.fingerprint


def test_runs_that_start_together_make_one_key(key_file, tmp_path):
    script = (
        "import sys; from pathlib import Path; from USDICOMizerLib.agreement import load_or_make_key\n"
        "print(load_or_make_key(Path(sys.argv[1]), Path(sys.argv[2]))[0].fingerprint)\n"
    )
    command = [sys.executable, "-c", script, key_file, tmp_path / "linkage"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert len(said) == 1


def test_a_subject_stands_for_one_patient_of_the_linkage(linkage, exam_of):
    claim_subjects(linkage, [exam_of(Patient("MRN1"))], {"1.2.3": "P1"}, None)
    claim_subjects(linkage, [exam_of(Patient("MRN1"))], {"1.2.3": "P1"}, None)
    with pytest.raises(CommandError, match="--subjects") as raised:
        claim_subjects(linkage, [exam_of(Patient("MRN2"))], {"1.2.3": "P1"}, None)
    assert "MRN" not in str(raised.value)
    assert linkage.run.all_claims(PATIENTS) == {("MRN1", "P1")}


def test_a_subject_that_was_mistyped_leaves_no_trace_when_nothing_was_exported(linkage, exam_of):
    claim_subjects(linkage, [exam_of(Patient("MRN1"))], {"1.2.3": "WRONG"}, None)
    linkage.close()
    claim_subjects(linkage, [exam_of(Patient("MRN2"))], {"1.2.3": "WRONG"}, None)
    assert not list(linkage.mapping(PATIENTS))


def test_a_run_that_goes_on_keeps_its_subjects_from_others(linkage, exam_of):
    claim_subjects(linkage, [exam_of(Patient("MRN1"))], {"1.2.3": "P1"}, None)
    with pytest.raises(CommandError, match="one of the linkage"):
        claim_subjects(Linkage(linkage.folder), [exam_of(Patient("MRN2"))], {"1.2.3": "P1"}, None)


def test_only_a_table_that_lists_both_ids_makes_them_one_person(linkage, exam_of):
    claim_subjects(linkage, [exam_of(Patient("MRN1"))], {"1.2.3": "P1"}, None)
    with pytest.raises(CommandError):
        claim_subjects(linkage, [exam_of(Patient("MRN2"))], {"1.2.3": "P1"}, {"MRN2": "P1"})
    claim_subjects(linkage, [exam_of(Patient("MRN2"))], {"1.2.3": "P1"}, {"MRN2": "P1", "MRN1": "P1"})
    assert linkage.run.all_claims(PATIENTS) == {("MRN1", "P1"), ("MRN2", "P1")}


def test_a_subject_stands_for_one_patient_of_the_input(linkage, exam_of):
    exams = [exam_of(Patient("MRN1"), "1.1"), exam_of(Patient("MRN2"), "1.2")]
    both = {"1.1": "P1", "1.2": "P1"}
    with pytest.raises(CommandError, match="two patients of the input"):
        claim_subjects(linkage, exams, both, None)
    claim_subjects(linkage, exams, both, {"MRN1": "P1", "MRN2": "P1"})


def test_an_id_that_two_issuers_gave_is_not_one_person_by_the_table(linkage, exam_of):
    exams = [exam_of(Patient("7", "WARD A"), "1.1"), exam_of(Patient("7", "WARD B"), "1.2")]
    with pytest.raises(CommandError, match="leave that row out"):
        claim_subjects(linkage, exams, {"1.1": "P1", "1.2": "P1"}, {"7": "P1"})


def test_a_subject_is_one_of_those_without_an_id_over_runs(linkage, exam_of):
    anna, erika = Patient("", "", "Muster^Anna", "19610214"), Patient("", "", "Muster^Erika", "19610214")
    claim_subjects(linkage, [exam_of(anna)], {"1.2.3": "P1"}, None)
    linkage.add_to_mapping(PATIENTS, [("", "P1")])
    linkage.add_to_mapping(ISSUERS, named_patients([(anna, "P1")]))
    linkage.close()
    claim_subjects(linkage, [exam_of(Patient("", "", "MUSTER^ANNA^", "19610214"))], {"1.2.3": "P1"}, None)
    with pytest.raises(CommandError, match="P1 would stand for two patients.*--subject"):
        claim_subjects(linkage, [exam_of(erika)], {"1.2.3": "P1"}, None)
    claim_subjects(linkage, [exam_of(erika)], {"1.2.3": "P2"}, None)
    claim_subjects(linkage, [exam_of(Patient())], {"1.2.3": "P1"}, None)  # who it is, nothing says


def test_a_person_with_two_ids_in_one_input_is_one_subject(linkage, exam_of):
    exams = [
        exam_of(Patient("MRN1", "", "Doe^Jane", "19610214"), "1.1"),
        exam_of(Patient("9", "", "DOE^JANE", "19610214"), "1.2"),
    ]
    claim_subjects(linkage, exams, {"1.1": "P1", "1.2": "P1"}, None)
    assert {old for old, _ in linkage.run.all_claims(PATIENTS)} == {"MRN1", "9"}


def test_a_study_of_several_patients_claims_no_subject(linkage, make_instance):
    two = Exam("1.2.3", (make_instance(1, patient=Patient("MRN1")), make_instance(2, patient=Patient("MRN2"))))
    claim_subjects(linkage, [two], {"1.2.3": "P1"}, None)
    assert linkage.run.all_claims(PATIENTS) == set()


@pytest.mark.parametrize(("first", "second"), [("S-DERIVED", "P1"), ("P1", "S-DERIVED"), ("P1", "P2")])
@pytest.mark.parametrize("issuers", [("", ""), ("WARD A", "WARD A"), ("WARD A", ""), ("", "WARD A")])
def test_a_patient_is_one_subject_of_the_linkage(linkage, exam_of, first, second, issuers):
    claim_subjects(linkage, [exam_of(Patient("MRN1", issuers[0]), "1.1")], {"1.1": first}, None)
    for table in (None, {"MRN1": second}, {"MRN7": "P7"}):
        with pytest.raises(CommandError, match="One patient would be two subjects") as raised:
            claim_subjects(linkage, [exam_of(Patient("MRN1", issuers[1]), "1.2")], {"1.2": second}, table)
    assert "MRN" not in str(raised.value)
    assert first in str(raised.value) and second in str(raised.value) and "--subject" in str(raised.value)
    assert linkage.run.all_claims(PATIENTS) == {("MRN1", first)}
    claim_subjects(linkage, [exam_of(Patient("MRN1", issuers[1]), "1.2")], {"1.2": first}, None)  # as the message says


def test_a_patient_is_one_subject_of_the_input(linkage, exam_of):
    exams = [exam_of(Patient("MRN1"), "1.1"), exam_of(Patient("MRN1"), "1.2")]
    with pytest.raises(CommandError, match="One patient"):
        claim_subjects(linkage, exams, {"1.1": "P1", "1.2": "P2"}, None)
    assert linkage.run.all_claims(PATIENTS) == linkage.run.all_claims(ISSUERS) == set()


def test_two_issuers_may_give_the_same_id_to_two_patients(linkage, exam_of):
    exams = [exam_of(Patient("7", "WARD A"), "1.1"), exam_of(Patient("7", "WARD B"), "1.2")]
    subjects = {"1.1": "S-A", "1.2": "S-B"}
    claim_subjects(linkage, exams, subjects, None)
    for exam in exams:
        claim_subjects(linkage, [exam], subjects, None)
    with pytest.raises(CommandError, match="One patient"):
        claim_subjects(linkage, exams[:1], {"1.1": "S-B"}, None)


def test_an_id_in_a_linkage_that_knows_no_issuer_may_be_anyones(linkage, exam_of):
    linkage.add_to_mapping(PATIENTS, [("7", "S-A")])
    with pytest.raises(CommandError, match="One patient"):
        claim_subjects(linkage, [exam_of(Patient("7", "WARD B"))], {"1.2.3": "S-B"}, None)


def test_a_name_without_an_id_may_be_two_subjects_and_nobody_at_all_any_number(linkage, exam_of):
    exams = [exam_of(Patient(name="Doe^Jane"), "1.1"), exam_of(Patient(name="Doe^Jane"), "1.2"), exam_of(Patient(), "1.3")]
    claim_subjects(linkage, exams, {"1.1": "S-A", "1.2": "S-B", "1.3": "S-C"}, None)
    assert {subject for _, subject in linkage.run.all_claims(ISSUERS)} == {"S-A", "S-B"}


def test_two_studies_with_one_pseudonym_are_noticed(linkage, exam_of):
    pseudonyms = Pseudonyms(ProjectKey(bytes(32)))
    claim_exams(linkage, [exam_of(Patient("MRN1"), "1.1")], pseudonyms)
    claim_exams(linkage, [exam_of(Patient("MRN1"), "1.1")], pseudonyms)
    linkage.add_to_mapping(EXAMS, [("1.9", pseudonyms.exam("1.2"))])
    with pytest.raises(CommandError, match="Two studies"):
        claim_exams(linkage, [exam_of(Patient("MRN1"), "1.2")], pseudonyms)
