"""A header in, a de-identified header out: PS3.15 Annex E, element by element, into a new data set.

Nothing is carried over that `profile.answer_for` doesn't answer for, or whose value can't be read: it fails closed. The
source is not modified.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from USDICOMizerLib import __version__
from USDICOMizerLib.deidentify.profile import (
    Action,
    Rules,
    answer_for,
    attribute_type,
    cleared_answer,
    dictionary_vrs,
    iod_of,
    place_of,
    profile_table,
    vr_fits,
)
from USDICOMizerLib.deidentify.pseudonyms import Pseudonyms
from USDICOMizerLib.deidentify.values import (
    TEXT_VRS,
    dummy_value,
    is_known_character_set,
    is_sound,
    little_endian,
    read_element,
    text_of,
    texts_of,
)
from USDICOMizerLib.errors import CommandError, RefusedError
from USDICOMizerLib.outcomes import Problem

IMPLEMENTATION_CLASS_UID = UID("2.25.88025072899156632215669687562485392470")
IMPLEMENTATION_VERSION_NAME = f"USDICOMIZER_{__version__}"[:16]
_PROFILE = f"PS3.15 {profile_table().edition} Basic Profile"
METHOD = (f"USDICOMizer {__version__}", _PROFILE)
METHOD_WITH_EXCEPTIONS = (f"USDICOMizer {__version__}", f"{_PROFILE} with exceptions")
DEEPEST_NESTING = 16
# Attributes that may not be present unless another has a value (PS3.3 C.7.1.1), which the profile takes away.
_MAY_ONLY_STAND_WITH = {
    tag_for_keyword("ResponsiblePersonRole"): tag_for_keyword("ResponsiblePerson"),
    tag_for_keyword("PatientAlternativeCalendar"): tag_for_keyword("PatientBirthDateInAlternativeCalendar"),
}
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


@dataclass(frozen=True)
class DeidentifiedHeader:
    """A header without pixel data that may leave, and what was done to get it.

    `removed` names what is gone, as keyword paths; `uid_map` has the original and the new UIDs, for the linkage only.
    """

    dataset: Dataset
    counts: Mapping[Action, int]
    removed: tuple[str, ...]
    uid_map: dict[str, str] = field(repr=False)


def deidentify_header(
    header: Dataset,
    rules: Rules,
    pseudonyms: Pseudonyms,
    subject: str,
    *,
    reviewed: bool,
    instance_identity: str = "",
) -> DeidentifiedHeader:
    """De-identify a header after the Basic Profile (PS3.15 E.2) and the settings.

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
    cleaning = _Cleaning(header, rules, pseudonyms)
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
    return DeidentifiedHeader(dataset, cleaning.counts, tuple(sorted(cleaning.removed)), cleaning.uid_map)


class _Cleaning:
    """One header's cleaning: what holds for all its levels, and the tallies."""

    def __init__(self, header: Dataset, rules: Rules, pseudonyms: Pseudonyms):
        self.rules = rules
        self.pseudonyms = pseudonyms
        self.iod = iod_of(text_of(header, "SOPClassUID"))
        self.character_set = _character_set(header)
        self.is_big_endian = _is_big_endian(header)
        self.counts: Counter[Action] = Counter()
        self.removed: set[str] = set()
        self.uid_map: dict[str, str] = {}

    def cleaned(self, source: Dataset, path: tuple[int, ...], inherited: tuple[str, ...] = ()) -> Dataset | None:
        """A new data set with what stays of `source`; None where the settings want the whole item gone."""
        target = Dataset()
        terms = _character_set(source) or inherited
        for tag in sorted(source.keys()):
            action, element = self._decided(source, tag, (*path, int(tag)), terms)
            self.counts[action] += 1
            if action is Action.REMOVE_ITEM and path:
                return None
            if action in (Action.REMOVE, Action.REMOVE_ITEM):
                self.removed.add(place_of((*path, int(tag))))
            if element is not None:
                target.add(element)
        for dependent, needed in _MAY_ONLY_STAND_WITH.items():
            if dependent in target and not (needed in target and target[needed].value):
                del target[dependent]
                self.removed.add(place_of((*path, dependent)))
        return target

    def new_uid(self, original: str) -> str:
        """The pseudonymous UID, remembered for the linkage."""
        new = self.pseudonyms.uid(original)
        if new != original:
            self.uid_map[original] = new
        return new

    def _decided(
        self, source: Dataset, tag: BaseTag, path: tuple[int, ...], terms: tuple[str, ...]
    ) -> tuple[Action, DataElement | None]:
        """What is done with an element, and what stands in its place."""
        answer = answer_for(path, iod=self.iod, rules=self.rules)
        if answer.action in (Action.KEEP, Action.UID, Action.DUMMY):
            element = read_element(source, tag)
            if element is None:
                answer = cleared_answer(path, self.iod, "its value can't be read")
            elif answer.action is Action.KEEP:
                return self._carried(element, path, terms)
            elif answer.action is Action.UID:
                return self._with_new_uids(element, path)
            else:
                return Action.DUMMY, self._dummy(element, path)
        if answer.action is Action.EMPTY:
            return Action.EMPTY, _empty(tag)
        return answer.action, None

    def _carried(self, element: DataElement, path: tuple[int, ...], terms: tuple[str, ...]) -> tuple[Action, DataElement | None]:
        """The element as it may stay: answered for again now that its VR is known, its value looked at."""
        answer = answer_for(path, element.VR, iod=self.iod, rules=self.rules)
        if answer.action is Action.KEEP and element.VR == "SQ":
            return self._entered(element, path, terms)
        sound = vr_fits(path[-1], element.VR) and is_sound(element, character_set_known=is_known_character_set(terms))
        if answer.action is Action.KEEP and not sound:
            answer = cleared_answer(path, self.iod, "its value isn't what its value representation allows")
        if answer.action is Action.KEEP and element.VR == "UI" and not all(map(_is_class_uid, texts_of(element))):
            return self._with_new_uids(element, path)
        if answer.action is Action.EMPTY:
            return Action.EMPTY, _empty(element.tag)
        return answer.action, self._copied(element) if answer.action is Action.KEEP else None

    def _copied(self, element: DataElement) -> DataElement:
        value = element.value
        if element.VR in TEXT_VRS:  # as text, to be encoded anew
            texts = [str(one) for one in (value if isinstance(value, MultiValue) else [value])] if value else []
            value = texts[0] if len(texts) == 1 else texts or None
        elif isinstance(value, bytes):
            value = little_endian(value, element.VR) if self.is_big_endian else value
        elif isinstance(value, MultiValue):
            value = list(value)
        return _made(element.tag, element.VR, value)

    def _entered(self, element: DataElement, path: tuple[int, ...], terms: tuple[str, ...]) -> tuple[Action, DataElement | None]:
        """A sequence with its items cleaned. Items of which nothing remains go, and so does a sequence without items."""
        if len(path) >= DEEPEST_NESTING:
            return Action.REMOVE, None
        cleaned = [self.cleaned(item, path, terms) for item in element.value]
        items = [item for item in cleaned if item]
        if items or not cleaned:
            return Action.KEEP, _made(element.tag, "SQ", Sequence(items))
        kind = attribute_type(path, self.iod)
        if kind in ("2", "2C"):
            return Action.EMPTY, _empty(element.tag)
        if None in cleaned and kind in ("1", "1C") and len(path) > 1:
            return Action.REMOVE_ITEM, None
        return Action.REMOVE, None

    def _with_new_uids(self, element: DataElement, path: tuple[int, ...]) -> tuple[Action, DataElement | None]:
        if element.VR == "SQ" or isinstance(element.value, bytes):
            return cleared_answer(path, self.iod, "its value can't be a UID").action, None
        new = [self.new_uid(text.strip(" \0")) for text in texts_of(element)]
        return Action.UID, _made(element.tag, "UI", new[0] if len(new) == 1 else new or None)

    def _dummy(self, element: DataElement, path: tuple[int, ...]) -> DataElement:
        """The element with a value that says nothing; a sequence keeps one item, each value of which says nothing."""
        vr = _written_vr(element.tag, element.VR)
        if vr == "UI":
            return self._with_new_uids(element, path)[1] or _empty(element.tag)
        if vr != "SQ":
            return _made(element.tag, vr, dummy_value(vr))
        item = Dataset()
        if element.VR == "SQ" and len(path) < DEEPEST_NESTING:
            for first in element.value[:1]:
                for nested in _public(first):
                    item.add(self._dummy(nested, (*path, int(nested.tag))))
        return _made(element.tag, "SQ", Sequence([item]))


def _made(tag: BaseTag, vr: str, value: object) -> DataElement:
    """A new element. Its value was looked at here: pydicom's own look would warn of it, and quote it."""
    return DataElement(tag, vr, value, validation_mode=config.IGNORE)


def _public(item: Dataset) -> Iterator[DataElement]:
    """The elements of an item that the dictionary knows and that can be read."""
    for tag in sorted(item.keys()):
        if dictionary_vrs(int(tag)) and tag.element and (element := read_element(item, tag)) is not None:
            yield element


def _written_vr(tag: BaseTag, found: str) -> str:
    """The VR to write a replaced value with: that of the dictionary."""
    known = dictionary_vrs(int(tag))
    return found if found in known or not known else sorted(known)[0]


def _empty(tag: BaseTag) -> DataElement:
    vr = _written_vr(tag, "")
    return _made(tag, vr, Sequence() if vr == "SQ" else None)


def _is_class_uid(text: str) -> bool:
    """Whether a UID where the standard has the UID of a class can be one: no UUID, which tells instances apart, and short."""
    return not text.startswith("2.25.") and len(text) <= 64


def _character_set(dataset: Dataset) -> tuple[str, ...]:
    element = read_element(dataset, Tag("SpecificCharacterSet"))
    return texts_of(element) if element is not None else ()


def _is_big_endian(header: Dataset) -> bool:
    syntax = getattr(getattr(header, "file_meta", None), "TransferSyntaxUID", "")
    return syntax == ExplicitVRBigEndian


def _check_subject(subject: str) -> None:
    if not subject.strip() or len(subject) > _LONGEST_SUBJECT or set(subject) & set("\\^=") or not subject.isprintable():
        raise CommandError(
            "A subject's pseudonym has 1 to 64 printable characters, none of which is \\, ^ or = (DICOM writes it to Patient "
            "ID and Patient's Name)."
        )


def _say_what_was_done(dataset: Dataset, rules: Rules, *, reviewed: bool) -> None:
    """The attributes by which PS3.15 E.1.1 lets a reader know; codes of CID 7050, and only for what was really applied."""
    applied = [] if rules.attributes_to_keep else [codes.DCM.BasicApplicationConfidentialityProfile]
    if reviewed:
        applied.append(codes.DCM.CleanPixelDataOption)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = list(METHOD_WITH_EXCEPTIONS if rules.attributes_to_keep else METHOD)
    if applied:
        dataset.DeidentificationMethodCodeSequence = [_code_item(code) for code in applied]
    keeps_dates = any(dictionary_vrs(tag) & _DATE_VRS for tag in rules.attributes_to_keep)
    dataset.LongitudinalTemporalInformationModified = "UNMODIFIED" if keeps_dates else "REMOVED"
    dataset.BurnedInAnnotation = "NO" if reviewed else "YES"


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
