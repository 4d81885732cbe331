"""A header in, a de-identified header out: PS3.15 Annex E, element by element, into a new data set.

Nothing is carried over that `profile.answer_for` doesn't answer for, or whose value can't be read: it fails closed. The
source is not modified.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian

from USDICOMizerLib import __version__
from USDICOMizerLib.deidentify.cleaning import Cleaning
from USDICOMizerLib.deidentify.options import Option, in_order
from USDICOMizerLib.deidentify.profile import Action, Rules, dictionary_vrs, profile_table
from USDICOMizerLib.deidentify.pseudonyms import Pseudonyms
from USDICOMizerLib.deidentify.values import TEXT_VRS, is_known_character_set, text_of, texts_of
from USDICOMizerLib.errors import CommandError, RefusedError
from USDICOMizerLib.outcomes import Problem

IMPLEMENTATION_CLASS_UID = UID("2.25.88025072899156632215669687562485392470")
IMPLEMENTATION_VERSION_NAME = f"USDICOMIZER_{__version__}"[:16]
_PROFILE = f"PS3.15 {profile_table().edition} Basic Profile"
METHOD = (f"USDICOMizer {__version__}", _PROFILE)
METHOD_WITH_EXCEPTIONS = (f"USDICOMizer {__version__}", f"{_PROFILE} with exceptions")
_UNICODE = "ISO_IR 192"
_NOT_ASCII_COMPATIBLE = "ISO_IR 13"  # JIS X 0201 has other characters at the places of \ and ~
_LONGEST_SUBJECT = 64
# Type 2 in modules that every image has (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.7.6.1): empty where the source lacks them.
_ALWAYS_THERE = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "SeriesNumber",
    "Manufacturer",
    "InstanceNumber",
)
_DATE_VRS = frozenset({"DA", "DT", "TM"})
_CODES = {code.value: code for code in codes.cid7050.concepts.values()}


@dataclass(frozen=True)
class DeidentifiedHeader:
    """A header without pixel data that may leave, and what was done to get it.

    `removed` names what is gone, as keyword paths; `uid_map` has the original and the new UIDs, for the linkage only.
    `texts_kept` and `texts_cut` count the texts and codes that the cleaning options looked at.
    """

    dataset: Dataset
    counts: Mapping[Action, int]
    removed: tuple[str, ...]
    uid_map: dict[str, str] = field(repr=False)
    texts_kept: int = 0
    texts_cut: int = 0


def deidentify_header(
    header: Dataset,
    rules: Rules,
    pseudonyms: Pseudonyms,
    subject: str,
    *,
    reviewed: bool,
    instance_identity: str = "",
) -> DeidentifiedHeader:
    """De-identify a header after the Basic Profile (PS3.15 E.2), its options and the settings.

    Parameters
    ----------
    header
        As `sources.read_header` gives it: no pixel data, file meta information included.
    subject
        The pseudonym that becomes Patient ID and Patient's Name.
    reviewed
        Whether a person confirmed the picture: only then Burned In Annotation is NO, and clean pixel data is claimed.
    instance_identity
        What the instance's own new UID is derived from where its SOP Instance UID isn't unique; "" where it is.

    Raises RefusedError where the header has no SOP Class or SOP Instance UID, CommandError for an impossible subject.
    """
    _check_subject(subject)
    cleaning = Cleaning(header, rules, pseudonyms.uid, pseudonyms.date_shift(subject, rules.date_shift_days))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        dataset = cleaning.cleaned(header, ())
    if not dataset.get("SOPInstanceUID") or not dataset.get("SOPClassUID"):
        raise RefusedError(Problem.UNSUPPORTED_OBJECT, "the header has no SOP Class UID or no SOP Instance UID")
    if instance_identity and instance_identity != text_of(header, "SOPInstanceUID"):
        dataset.SOPInstanceUID = cleaning.new_uid(instance_identity)
    for keyword in ("PatientName", "PatientID"):
        if keyword not in dataset:
            setattr(dataset, keyword, subject)
    for keyword in _ALWAYS_THERE:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    _say_what_was_done(dataset, rules, reviewed=reviewed)
    _write_character_set(dataset, cleaning.character_set)
    dataset.file_meta = _file_meta(dataset, header)
    dataset.preamble = bytes(128)
    removed = tuple(sorted(cleaning.removed))
    return DeidentifiedHeader(
        dataset, cleaning.counts, removed, cleaning.uid_map, texts_kept=cleaning.texts_kept, texts_cut=cleaning.texts_cut
    )


def _check_subject(subject: str) -> None:
    if not subject.strip() or len(subject) > _LONGEST_SUBJECT or set(subject) & set("\\^=") or not subject.isprintable():
        raise CommandError(
            "A subject's pseudonym has 1 to 64 printable characters, none of which is \\, ^ or = (DICOM writes it to Patient "
            "ID and Patient's Name)."
        )


def _say_what_was_done(dataset: Dataset, rules: Rules, *, reviewed: bool) -> None:
    """The attributes by which PS3.15 E.1.1 lets a reader know; codes of CID 7050, and only for what was really applied."""
    claimed = set(rules.options) - {Option.CLEAN_PIXEL_DATA} | ({Option.CLEAN_PIXEL_DATA} if reviewed else set())
    applied = [] if rules.attributes_to_keep else [codes.DCM.BasicApplicationConfidentialityProfile]
    applied += [_CODES[option.code] for option in in_order(claimed)]
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = list(METHOD_WITH_EXCEPTIONS if rules.attributes_to_keep else METHOD)
    if applied:
        dataset.DeidentificationMethodCodeSequence = [_code_item(code) for code in applied]
    dataset.LongitudinalTemporalInformationModified = _what_became_of_dates(rules)
    dataset.BurnedInAnnotation = "NO" if reviewed else "YES"


def _what_became_of_dates(rules: Rules) -> str:
    """The value of Longitudinal Temporal Information Modified (0028,0303), PS3.15 E.2 and E.3.6."""
    if Option.MODIFIED_DATES in rules.options:
        return "MODIFIED"
    keeps_dates = any(dictionary_vrs(tag) & _DATE_VRS for tag in rules.attributes_to_keep)
    return "UNMODIFIED" if Option.FULL_DATES in rules.options or keeps_dates else "REMOVED"


def _code_item(code) -> Dataset:
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _write_character_set(dataset: Dataset, terms: tuple[str, ...]) -> None:
    """The source's character set where the text that remains is ASCII, which all share; else Unicode."""
    texts = list(_all_texts(dataset))
    if not all(map(str.isascii, texts)):
        dataset.SpecificCharacterSet = _UNICODE
    elif is_known_character_set(terms) and not any(_NOT_ASCII_COMPATIBLE in term for term in terms):
        dataset.SpecificCharacterSet = list(terms) if len(terms) > 1 else terms[0]


def _all_texts(dataset: Dataset) -> Iterable[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _all_texts(item)
        elif element.VR in TEXT_VRS:
            yield from texts_of(element)


def _file_meta(dataset: Dataset, header: Dataset) -> FileMetaDataset:
    """File meta information written anew (PS3.10 7.1): no network names, nothing private, this program as the writer."""
    source = getattr(header, "file_meta", None) or FileMetaDataset()
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = source.get("TransferSyntaxUID") or ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta
