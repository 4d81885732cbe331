"""An instance's header before and after, attribute by attribute, with what is done and why.

The after is the header that really leaves, as `prepare` makes it; the action and its reason are those of the one function
that answers for every element (`deidentify.profile.answer_for`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.datadict import dictionary_description, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.cleaning import private_creator
from USDICOMizerLib.deidentify.content_items import HOLDERS, concept_of
from USDICOMizerLib.deidentify.profile import Action, Answer, Rules, Surroundings, answer_for, iod_of
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.elements import read_element
from USDICOMizerLib.opened import OpenedInstance
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.prepare import Preparation, header_that_leaves, pixels_that_leave
from USDICOMizerLib.profile_rules import NO_OPTIONS, profile_rules
from USDICOMizerLib.session_export import ExportChoices
from USDICOMizerLib.settings import Settings, default_data_folder

REWRITTEN = "rewritten"
ADDED = "added"
"""Actions that are no answer of the profile: the attribute follows the picture that leaves, or wasn't there."""

_LONGEST_VALUE = 200
_PIXEL_VALUES = {tag_for_keyword(keyword) for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")}


@dataclass(frozen=True)
class HeaderRow:
    """One attribute, or one item of a sequence (whose `tag` is empty), with what it holds as rows of their own.

    `before` and `after` are the values as text, shortened where they are long; None where the attribute isn't there.
    """

    tag: str  # (gggg,eeee)
    keyword: str
    name: str
    before: str | None
    after: str | None
    action: str
    reason: str
    rows: tuple[HeaderRow, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether it leaves otherwise than it came, here or below."""
        return self.before != self.after or any(row.is_changed for row in self.rows)


def compare_header(
    opened: OpenedInstance, decision: Decision, subject: str, preparation: Preparation, *, reviewed: bool
) -> tuple[HeaderRow, ...]:
    """The rows of an instance's header, in the order of their tags. They hold identifying values: for the screen only.

    Raises RefusedError where what leaves can't be said, as no crop box is known or the pixels are damaged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        pixels = pixels_that_leave(opened.instance, decision, opened.pixels, preparation, reviewed=reviewed)
        leaving = header_that_leaves(opened.instance, decision, subject, preparation, opened.header, pixels, reviewed=reviewed)
        comparison = _Comparison(preparation.rules, iod_of(opened.instance.sop_class_uid))
        return comparison.rows(opened.header, leaving.dataset, ())


def preparation_to_show(settings: Settings, choices: ExportChoices) -> Preparation:
    """What `prepare` would work with. Where there is no project key yet, pseudonyms are examples: none is made for a look.

    Raises CommandError and KeyFileError, as `prepare` would.
    """
    key_file = settings.deidentification.key_file or default_data_folder() / "project.key"
    key = ProjectKey.load(key_file) if key_file.exists() else ProjectKey(bytes(32))
    options = None if choices.options is None else ",".join(choices.options) or NO_OPTIONS
    return Preparation(
        rules=profile_rules(settings, options=options, keep_dates=choices.keep_dates or None),
        pseudonyms=Pseudonyms(key),
        transfer_syntax=OutputSyntax(choices.transfer_syntax or settings.export.transfer_syntax),
        jpeg_quality=settings.export.jpeg_quality,
    )


class _Comparison:
    def __init__(self, rules: Rules, iod: str):
        self._rules = rules
        self._iod = iod

    def rows(self, before: Dataset | None, after: Dataset | None, path: tuple[int, ...]) -> tuple[HeaderRow, ...]:
        goes = after is None
        before, after = before or Dataset(), Dataset() if goes else after
        tags = sorted({*before.keys(), *after.keys()} - _PIXEL_VALUES)
        concept = concept_of(before) if path and path[-1] in HOLDERS else None
        found = []
        for tag in tags:
            here = (*path, int(tag))
            old, new = _element(before, tag), _element(after, tag)
            around = Surroundings(private_creator(before, tag), concept)
            vr = old.VR if old is not None else ""
            answer = answer_for(here, vr, iod=self._iod, rules=self._rules, around=around)
            row = self._row(tag, tag in before, old, tag in after, new, answer, here)
            found.append(replace(row, action=Action.REMOVE.value, reason="it goes with what holds it") if goes else row)
        return tuple(found)

    def _row(
        self,
        tag: BaseTag,
        was_there: bool,
        old: DataElement | None,
        is_there: bool,
        new: DataElement | None,
        answer: Answer,
        path: tuple[int, ...],
    ) -> HeaderRow:
        before = _text(old) if was_there else None
        after = _text(new) if is_there else None
        below = self._items(_items(old), _items(new), path)
        action, reason = _what_was_done(answer, before, after)
        return HeaderRow(f"({tag.group:04X},{tag.element:04X})", _keyword(tag), _name(tag), before, after, action, reason, below)

    def _items(self, before: Sequence[Dataset], after: Sequence[Dataset], path: tuple[int, ...]) -> tuple[HeaderRow, ...]:
        """The items of a sequence: those that stay beside what became of them, those that go alone."""
        rows = []
        for number, (old, new) in enumerate(_paired(before, after), start=1):
            inside = self.rows(old, new, path)
            action = ADDED if old is None else Action.REMOVE_ITEM.value if new is None else ""
            text = None if old is None else "", None if new is None else ""
            rows.append(HeaderRow("", "", f"Item {number}", *text, action, "", inside))
        return tuple(rows)


def _what_was_done(answer: Answer, before: str | None, after: str | None) -> tuple[str, str]:
    """The action as it really was, and its reason: pixels and tags change attributes that the profile keeps."""
    why = f"{answer.why} ({answer.rule})"
    if before is None:
        return (Action.WRITE.value if answer.action is Action.WRITE else ADDED), (
            why if answer.action is Action.WRITE else "what leaves has to say this: about its picture, its tag or its subject"
        )
    is_replaced = bool(after) and answer.action in (Action.REMOVE, Action.REMOVE_ITEM, Action.EMPTY)
    if is_replaced or answer.action is Action.KEEP and before != after and after is not None:
        return REWRITTEN, "it follows the picture that leaves, or the tag"
    if answer.action is Action.KEEP and after is None:
        return Action.REMOVE.value, "it would no longer be true of what leaves"
    return answer.action.value, why


def _paired(before: Sequence[Dataset], after: Sequence[Dataset]) -> list[tuple[Dataset | None, Dataset | None]]:
    """Items before and after side by side. Where some are gone, each that stays goes to the first that shares most with it."""
    if len(before) <= len(after):
        pairs = list(zip(before, after[: len(before)], strict=True))
        return [*pairs, *((None, new) for new in after[len(before) :])]
    pairs: list[tuple[Dataset | None, Dataset | None]] = []
    at = 0
    for left, new in zip(range(len(after) - 1, -1, -1), after, strict=True):
        candidates = range(at, len(before) - left)
        best = max(candidates, key=lambda place, new=new: (_in_common(before[place], new), -place))
        pairs += [(before[place], None) for place in range(at, best)]
        pairs.append((before[best], new))
        at = best + 1
    return [*pairs, *((old, None) for old in before[at:])]


def _in_common(old: Dataset, new: Dataset) -> int:
    return sum(1 for tag in new.keys() if tag in old and _text(_element(old, tag)) == _text(_element(new, tag)))


def _element(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """The element; None where it isn't there, or can't be read."""
    return read_element(dataset, tag) if tag in dataset else None


def _items(element: DataElement | None) -> Sequence[Dataset]:
    return element.value if element is not None and element.VR == "SQ" else ()


def _text(element: DataElement | None) -> str:
    """The value as a person reads it, on one line."""
    if element is None:
        return "(can't be read)"
    value = element.value
    if element.VR == "SQ":
        return f"{len(value)} item{'' if len(value) == 1 else 's'}"
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray)):
        return f"({len(value)} bytes)" if value else ""
    several = not isinstance(value, str) and hasattr(value, "__iter__") and element.VR != "PN"
    text = "\\".join(str(part) for part in value) if several else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _keyword(tag: BaseTag) -> str:
    return keyword_for_tag(tag)


def _name(tag: BaseTag) -> str:
    if tag.is_private:
        return "Private creator" if tag.is_private_creator else "Private attribute"
    try:
        return dictionary_description(tag)
    except KeyError:
        return "Unknown attribute"
