"""Do key, subjects and exams of a run agree with what the linkage holds? Asked before anything is exported.

Pseudonyms are only worth something while one original has one, and each belongs to one original. A key that was lost,
changed or mixed up with another project's breaks the first; a name given twice, or a chance of the hash, the second.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms, is_registered
from USDICOMizerLib.errors import CommandError, KeyFileError
from USDICOMizerLib.exam import Exam, Instance, Patient
from USDICOMizerLib.linkage import EXAMS, PATIENTS, UIDS, Linkage, MappingRow
from USDICOMizerLib.readiness import count_patients

_BETWEEN = "\\"


def load_or_make_key(path: Path, linkage_folder: Path) -> tuple[ProjectKey, bool]:
    """The project key at `path`, and whether it was made now.

    Raises KeyFileError where it can't be read, where it is not the one that the linkage's pseudonyms were made with, or
    where it is missing although the linkage holds pseudonyms: a new one would give every patient a second identity.
    """
    linkage = Linkage(linkage_folder) if linkage_folder.exists() else None
    if not path.exists():
        if linkage and (linkage.key_fingerprint or any(linkage.mapping(UIDS)) or any(linkage.mapping(PATIENTS))):
            raise KeyFileError(
                f"There is no project key at {path}, but the linkage folder {linkage_folder} holds pseudonyms made with "
                f"{_described(linkage.key_fingerprint)}. A new key would give the same patients other pseudonyms. Restore the "
                "key from your backup, name it with --key, or begin a new project with another folder for --linkage."
            )
        try:
            return ProjectKey.create(path), True
        except KeyFileError:
            if not path.exists():
                raise  # else another run has made it meanwhile
    key = ProjectKey.load(path)
    if linkage:
        _check_key(key, path, linkage)
    return key, False


def record_key(key: ProjectKey, path: Path, linkage: Linkage) -> None:
    """Bind the linkage to the key. Raises KeyFileError where another run has bound it to another one meanwhile."""
    if linkage.record_key(key.fingerprint) != key.fingerprint:
        _check_key(key, path, linkage)


def _check_key(key: ProjectKey, path: Path, linkage: Linkage) -> None:
    recorded = linkage.key_fingerprint
    if recorded and recorded != key.fingerprint or not _made_these(key, linkage.mapping(UIDS)):
        raise KeyFileError(
            f"The project key at {path} has the fingerprint {key.fingerprint}, but the pseudonyms in the linkage folder "
            f"{linkage.folder} were made with {_described(recorded)}. Name the key that belongs to it with --key, or "
            "the linkage folder that belongs to this key with --linkage; a new project needs both of its own."
        )


def _made_these(key: ProjectKey, rows: Iterator[MappingRow]) -> bool:
    """Whether the key gives the pseudonyms that a linkage holds. The newest row tells of a mix-up, the oldest of its start."""
    pseudonyms = Pseudonyms(key)
    oldest_and_newest = (*islice(rows, 1), *deque(rows, maxlen=1))
    return all(pseudonyms.uid(old) == new for old, new in oldest_and_newest if not is_registered(old))


def _described(fingerprint: str) -> str:
    return f"the key with the fingerprint {fingerprint}" if fingerprint else "another key"


def claim_subjects(linkage: Linkage, exams: Iterable[Exam], subjects: Mapping[str, str], table: Mapping[str, str] | None) -> None:
    """Claim in the linkage which subject each patient is.

    The mappings say it when something of the patient has been exported: a subject that was mistyped leaves no trace.

    Raises CommandError where a subject would stand for two patients, or a patient be two subjects, here or with what the
    linkage holds. `subjects` are by Study Instance UID; `table` is the user's own, by Patient ID: it alone can say that two
    IDs are of one person. Studies that name several patients are left out; they are refused one by one.

    A patient is told by ID and issuer, without an ID by name and birth date, which the linkage keeps in a file of its own. The
    same ID of two issuers is of two patients; an ID without an issuer may be any one's. Patients without ID and name are not
    compared.
    """
    instances: dict[str, list[Instance]] = defaultdict(list)
    for exam in exams:
        if count_patients(exam.instances) == 1:
            instances[subjects[exam.study_uid]] += exam.instances
    rows = [(instance.patient, subject) for subject, own in instances.items() for instance in own]
    named = named_patients(rows)

    def objection(known: set[MappingRow], known_issuers: set[MappingRow]) -> None:
        _check_subjects(instances, table or {}, known)
        _check_persons(named, known_issuers)
        _check_patients(named, known, known_issuers | set(named))

    linkage.claim_subjects([(patient.id, subject) for patient, subject in rows], named, objection)


def _check_subjects(instances: Mapping[str, Sequence[Instance]], table: Mapping[str, str], known: set[MappingRow]) -> None:
    """Each subject is one patient."""
    for subject, own in instances.items():
        ids = {instance.patient.id for instance in own}
        joined = {old for old, new in table.items() if new == subject}
        is_one = count_patients(own) == 1
        if not is_one and ids <= joined and any(count_patients(one) > 1 for one in _by_id(own).values()):
            raise CommandError(
                f"The subject {subject} would stand for two patients with the same Patient ID, given by two issuers. A row of "
                "the table of --subjects is for an ID, whoever gave it: leave that row out, and the key tells the two apart."
            )
        if not is_one and not ids <= joined:
            raise _SharedSubjectError(subject, "two patients of the input")
        others = {old for old, new in known if new == subject} - ids
        if others - joined or others and ids - joined:
            raise _SharedSubjectError(subject, "a patient of the input and one of the linkage")


def _check_persons(rows: Sequence[MappingRow], known: set[MappingRow]) -> None:
    """Each subject is one of those who have no Patient ID."""
    for person, subject in rows:
        if _is_person(person) and any(_is_person(old) and old != person and new == subject for old, new in known):
            raise CommandError(
                f"The subject {subject} would stand for two patients without a Patient ID, one of the input and one of the "
                "linkage, whose names or birth dates differ. Name another subject with --subject."
            )


def _check_patients(rows: Sequence[MappingRow], known: set[MappingRow], with_issuers: set[MappingRow]) -> None:
    """Each patient who has an ID is one subject."""
    rows = [row for row in rows if not _is_person(row[0])]
    issuers: dict[MappingRow, set[str]] = defaultdict(set)  # by Patient ID and subject
    for old, new in with_issuers:
        if not _is_person(old):
            patient_id, issuer = old.rsplit(_BETWEEN, 1)
            issuers[patient_id, new].add(issuer)
    subjects: dict[str, set[str]] = defaultdict(set)
    for old, new in known | issuers.keys():
        subjects[old].add(new)
    for patient, subject in rows:
        patient_id, issuer = patient.rsplit(_BETWEEN, 1)
        for other in sorted(subjects[patient_id] - {subject}):
            others = issuers.get((patient_id, other), {""})  # no issuer is known: it may be any one
            if not issuer or others & {"", issuer}:
                raise CommandError(
                    f"One patient would be two subjects: {subject}, and {other}, which the linkage or another exam of the input "
                    "has (an ID that one exam has with its issuer and another without is taken for one patient). Name one of "
                    "them with --subject, or in a table with a row for the ID (--subjects FILE.csv with id_old,id_new). "
                    "patid_mapping.csv in the linkage folder tells who was exported as whom; for a new project, name another "
                    "folder with --linkage."
                )


def named_patients(rows: Iterable[tuple[Patient, str]]) -> tuple[MappingRow, ...]:
    """Patients and their subjects as issuer_mapping.csv has them; those without ID and name are left out.

    ID and issuer, or without an ID nothing, name and birth date, are divided by what none of them can hold: it divides
    values (PS3.5 6.2).
    """
    named = ((_described_patient(patient), subject) for patient, subject in rows if patient.id or patient.name)
    return tuple(dict.fromkeys(named))


def _described_patient(patient: Patient) -> str:
    parts = (patient.id, patient.issuer) if patient.id else ("", patient.name.rstrip("^ ").casefold(), patient.birth_date)
    return _BETWEEN.join(parts)


def _is_person(described: str) -> bool:
    """Whether it is a name and a birth date, in place of a Patient ID and its issuer."""
    return described.startswith(_BETWEEN)


def _by_id(instances: Iterable[Instance]) -> dict[str, list[Instance]]:
    grouped: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        grouped[instance.patient.id].append(instance)
    return grouped


class _SharedSubjectError(CommandError):
    def __init__(self, subject: str, whom: str):
        super().__init__(
            f"The subject {subject} would stand for {whom}, whose Patient IDs differ. If they are one person, say so in a table "
            "with a row for each ID (--subjects FILE.csv with id_old,id_new); if not, give them different pseudonyms there."
        )


def claim_exams(linkage: Linkage, exams: Iterable[Exam], pseudonyms: Pseudonyms) -> None:
    """Write to the linkage which study each exam is. Raises CommandError where two studies would have one pseudonym."""
    rows = [(exam.study_uid, pseudonyms.exam(exam.study_uid)) for exam in exams]

    def objection(known: set[MappingRow]) -> None:
        study_of = {new: old for old, new in known}
        for study, name in rows:
            if study_of.setdefault(name, study) != study:
                raise CommandError(
                    f"Two studies would become the exam {name}, by a rare chance of the key. Prepare one of them in a project of "
                    "its own, with another --key and --linkage."
                )

    linkage.add_to_mapping(EXAMS, rows, objection)
