"""One header's elements, level by level: each is carried over, replaced or left out, as `profile.answer_for` says.

Nothing is carried over that is not answered for, or whose value can't be read: it fails closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property

from pydicom import config
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian

from USDICOMizerLib.deidentify.content_items import CODE_ATTRIBUTES, HOLDERS, concept_of, is_public_code, standard_meaning
from USDICOMizerLib.deidentify.dates import is_valid, shifted
from USDICOMizerLib.deidentify.needles import Needles, identifying_values, mentions
from USDICOMizerLib.deidentify.profile import (
    CLASS_UIDS,
    Action,
    Answer,
    Rules,
    Surroundings,
    answers_under,
    attribute_type,
    cleared_answer,
    dictionary_vrs,
    iod_of,
    place_of,
    vr_fits,
)
from USDICOMizerLib.deidentify.values import (
    TEXT_VRS,
    dummy_value,
    is_known_character_set,
    is_sound,
    little_endian,
    text_of,
    texts_of,
)
from USDICOMizerLib.deidentify.words import is_descriptive
from USDICOMizerLib.elements import read_element, read_elements, read_keyword, sorted_tags

DEEPEST_NESTING = 16
# Attributes that may not be present unless another has a value (PS3.3 C.7.1.1), which the profile takes away.
_MAY_ONLY_STAND_WITH = {
    tag_for_keyword("ResponsiblePersonRole"): tag_for_keyword("ResponsiblePerson"),
    tag_for_keyword("PatientAlternativeCalendar"): tag_for_keyword("PatientBirthDateInAlternativeCalendar"),
}
# A content item, and a measured value, say nothing without the codes of their name, value or unit.
_WHOLE_ONLY = HOLDERS | {tag_for_keyword("MeasuredValueSequence")}
_CODE_MEANING = tag_for_keyword("CodeMeaning")
_DATE_VRS = frozenset({"DA", "DT", "TM"})


class Cleaning:
    """One header's cleaning: what holds for all its levels, and the tallies.

    `removed` names what is gone, as keyword paths; `uid_map` has the original and the new UIDs; `texts_kept` and `texts_cut`
    count the texts that were cleaned, by whether they stayed.
    """

    def __init__(self, header: Dataset, rules: Rules, new_uid: Callable[[str], str], shift_days: int):
        self.rules = rules
        self.iod = iod_of(text_of(header, "SOPClassUID"))
        self._answers = answers_under(self.iod, rules)
        self.character_set = character_set(header)
        self.counts: Counter[Action] = Counter()
        self.removed: set[str] = set()
        self.uid_map: dict[str, str] = {}
        self.texts_kept = self.texts_cut = 0
        self._header = header
        self._pseudonym_of = new_uid
        self._shift_days = shift_days
        self._is_big_endian = _is_big_endian(header)

    @cached_property
    def _needles(self) -> Needles:
        return identifying_values(self._header, self.rules)

    def cleaned(self, source: Dataset, path: tuple[int, ...], inherited: tuple[str, ...] = ()) -> Dataset | None:
        """A new data set with what stays of `source`; None where the whole item has to go."""
        target = Dataset()
        terms = character_set(source) or inherited
        concept = concept_of(source) if path and path[-1] in HOLDERS else None
        for tag in sorted_tags(source):
            around = Surroundings(private_creator(source, tag), concept)
            action, element = self._decided(source, tag, (*path, int(tag)), terms, around)
            self.counts[action] += 1
            if action is Action.REMOVE_ITEM and path:
                return None
            if action in (Action.REMOVE, Action.REMOVE_ITEM):
                self.removed.add(place_of((*path, int(tag))))
            if element is not None:
                target.add(element)
                if tag.is_private:
                    target.add(_creator_element(tag, around.creator))
        for dependent, needed in _MAY_ONLY_STAND_WITH.items():
            if dependent in target and not (needed in target and target[needed].value):
                del target[dependent]
                self.removed.add(place_of((*path, dependent)))
        return target

    def new_uid(self, original: str) -> str:
        """The pseudonymous UID, remembered for the linkage."""
        new = self._pseudonym_of(original)
        if new != original:
            self.uid_map[original] = new
        return new

    def _decided(
        self, source: Dataset, tag: BaseTag, path: tuple[int, ...], terms: tuple[str, ...], around: Surroundings
    ) -> tuple[Action, DataElement | None]:
        """What is done with an element, and what stands in its place."""
        answer = self._answers(path, "", around)
        if answer.action in (Action.REMOVE, Action.REMOVE_ITEM, Action.EMPTY, Action.WRITE):
            return self._without_value(answer.action, tag, path)
        element = read_element(source, tag)
        if element is None:
            return self._without_value(cleared_answer(path, self.iod, "its value can't be read").action, tag, path)
        if answer.action in (Action.KEEP, Action.CLEAN):
            # Answered for again, now that its VR is known.
            answer = self._answers(path, element.VR, around)
        match answer.action:
            case Action.KEEP if element.VR == "SQ":
                return self._entered(element, path, terms)
            case Action.KEEP:
                return self._carried(element, path, terms, answer)
            case Action.CLEAN if element.VR == "SQ":
                action, entered = self._entered(element, path, terms)
                return (Action.CLEAN if action is Action.KEEP else action), entered
            case Action.CLEAN:
                return self._cleaned_text(element, source, path, terms, answer)
            case Action.SHIFT:
                return self._shifted(element, path, answer)
            case Action.UID:
                return self._with_new_uids(element, path)
            case Action.DUMMY:
                return Action.DUMMY, self._dummy(element, path)
        return self._without_value(answer.action, tag, path)

    def _without_value(self, action: Action, tag: BaseTag, path: tuple[int, ...]) -> tuple[Action, DataElement | None]:
        """What stands in place of an element whose value goes."""
        match action:
            case Action.EMPTY:
                return action, _empty(tag)
            case Action.DUMMY:
                return action, self._dummy(_empty(tag), path)
            case Action.UID:
                action = cleared_answer(path, self.iod, "there is no UID to replace").action
                return action, _empty(tag) if action is Action.EMPTY else None
        return action, None

    def _carried(
        self, element: DataElement, path: tuple[int, ...], terms: tuple[str, ...], answer: Answer
    ) -> tuple[Action, DataElement | None]:
        """The element as it may stay, its value looked at."""
        if not self._is_sound(element, terms):
            otherwise = answer.otherwise if answer.option else cleared_answer(path, self.iod, "its value is not sound").action
            return self._without_value(otherwise, element.tag, path)
        if path[-1] in CLASS_UIDS and not all(map(_is_class_uid, texts_of(element))):
            return self._with_new_uids(element, path)
        if answer.option and element.VR in _DATE_VRS and not all(is_valid(element.VR, text) for text in texts_of(element)):
            return self._without_value(answer.otherwise, element.tag, path)
        return Action.KEEP, self._copied(element)

    def _is_sound(self, element: DataElement, terms: tuple[str, ...]) -> bool:
        fits = element.tag.is_private or vr_fits(int(element.tag), element.VR)
        return fits and is_sound(element, character_set_known=is_known_character_set(terms))

    def _copied(self, element: DataElement) -> DataElement:
        value = element.value
        if element.VR in TEXT_VRS:  # as text, to be encoded anew
            texts = [str(one) for one in (value if isinstance(value, MultiValue) else [value])] if value else []
            value = texts[0] if len(texts) == 1 else texts or None
        elif isinstance(value, bytes):
            value = little_endian(value, element.VR) if self._is_big_endian else value
        elif isinstance(value, MultiValue):
            value = list(value)
        return _made(element.tag, element.VR, value)

    def _cleaned_text(
        self, element: DataElement, item: Dataset, path: tuple[int, ...], terms: tuple[str, ...], answer: Answer
    ) -> tuple[Action, DataElement | None]:
        """Text, or a part of a code, that stays where it describes, and names nobody that this header names."""
        texts = texts_of(element)
        sound = self._is_sound(element, terms)
        if sound and int(element.tag) in CODE_ATTRIBUTES:
            return self._cleaned_code(element, item, answer)
        if sound and not texts:
            return Action.CLEAN, self._copied(element)
        if sound and all(map(self._may_stay, texts)):
            self.texts_kept += 1
            return Action.CLEAN, self._copied(element)
        self.texts_cut += 1
        return self._without_value(answer.otherwise, element.tag, path)

    def _may_stay(self, text: str) -> bool:
        return is_descriptive(text, self.rules.allowed_words) and not mentions(text, self._needles)

    def _cleaned_code(self, element: DataElement, item: Dataset, answer: Answer) -> tuple[Action, DataElement | None]:
        """A code that the standard uses stays with the standard's meaning; one of a published scheme with words all known."""
        if meaning := standard_meaning(item):
            return Action.CLEAN, _made(element.tag, "LO", meaning) if element.tag == _CODE_MEANING else self._copied(element)
        named = mentions(text_of(item, "CodeValue"), self._needles)
        if is_public_code(item) and not named and self._may_stay(text_of(item, "CodeMeaning")):
            return Action.CLEAN, self._copied(element)
        self.texts_cut += 1
        return answer.otherwise, None

    def _shifted(self, element: DataElement, path: tuple[int, ...], answer: Answer) -> tuple[Action, DataElement | None]:
        """Dates, each moved by the subject's days; one that is no date takes all values of its element with it."""
        vr = element.VR
        if vr not in ("DA", "DT"):
            return self._without_value(answer.otherwise, element.tag, path)
        new = [shifted(vr, text, self._shift_days) for text in texts_of(element)]
        if None in new:
            return self._without_value(answer.otherwise, element.tag, path)
        return Action.SHIFT, _made(element.tag, vr, new[0] if len(new) == 1 else new or None)

    def _entered(self, element: DataElement, path: tuple[int, ...], terms: tuple[str, ...]) -> tuple[Action, DataElement | None]:
        """A sequence with its items cleaned. Items of which nothing remains go, and so does a sequence without items."""
        if len(path) >= DEEPEST_NESTING:
            return Action.REMOVE, None
        cleaned = [self.cleaned(item, path, terms) for item in element.value]
        items = [item for item in cleaned if item]
        if items or not cleaned:
            return Action.KEEP, _made(element.tag, "SQ", Sequence(items))
        kind = attribute_type(path, self.iod)
        if len(path) > 1 and path[-2] in _WHOLE_ONLY:
            return Action.REMOVE_ITEM, None
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
    for tag, element in read_elements(item):
        if dictionary_vrs(int(tag)) and tag.element and element is not None:
            yield element


def private_creator(dataset: Dataset, tag: BaseTag) -> str:
    """The creator of the private block that an element is in (PS3.5 7.8.1); "" for any other element."""
    if not tag.is_private or tag.element <= 0xFF:
        return ""
    element = read_element(dataset, Tag(tag.group, tag.element >> 8))
    return (texts_of(element) or ("",))[0].strip() if element is not None else ""


def _creator_element(tag: BaseTag, creator: str) -> DataElement:
    return _made(Tag(tag.group, tag.element >> 8), "LO", creator)


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


def character_set(dataset: Dataset) -> tuple[str, ...]:
    """The terms of Specific Character Set (0008,0005)."""
    element = read_keyword(dataset, "SpecificCharacterSet")
    return texts_of(element) if element is not None else ()


def _is_big_endian(header: Dataset) -> bool:
    syntax = getattr(getattr(header, "file_meta", None), "TransferSyntaxUID", "")
    return syntax == ExplicitVRBigEndian
