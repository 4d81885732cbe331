"""Text in the pictures that a plan lets leave: noted in the plan, or blanked by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import partial

from USDICOMizerLib.after_images import as_reviewed
from USDICOMizerLib.burned_in_text import find_text
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.needles import identifying_values
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.sources import read_header
from USDICOMizerLib.text_findings import TextFindings

_BETWEEN, _FOUND, _BLANKED = "; ", ("text was found", "text in the picture is like"), "is blanked"  # in a note
_AROUND = 4  # pixels: letters may reach a little out of where they were seen


class TextChoice(StrEnum):
    """What a plan does about text that is found."""

    NOTE = "note"  # a person looks, and decides
    REDACT = "redact"  # it is blanked in all frames, and a person looks


def text_in(instance: Instance, decision: Decision) -> TextFindings:
    """The text in the picture that would leave; its boxes are in pixels of the stored frame.

    Raises RefusedError where crop or pixels are not to be had, SourceError where the file is damaged.
    """
    needles = identifying_values(read_header(instance.source))
    with as_reviewed(instance, decision) as pixels:
        found = find_text(partial(pixels.display_frame, whole_range=True), pixels.description.frames, needles)
        return found.moved(pixels.box.left, pixels.box.top)


def to_blank(instance: Instance, found: TextFindings) -> tuple[CropBox, ...]:
    """The boxes, in pixels of the stored frame, without which no doubtful text is left; a little wider than what was seen."""
    boxes = (one.box.expanded(_AROUND).clipped_to(instance.columns, instance.rows) for one in found.doubtful)
    return tuple(box for box in boxes if box is not None)


def with_text_noted(instance: Instance, decision: Decision, choice: TextChoice) -> Decision:
    """The decision with a note about text in its picture, and with it blanked where that is the choice.

    What an earlier search noted goes. A decision that is excluded, reviewed or can't be shown stays as it is: who prepares it
    is told why.
    """
    if not decision.include or decision.reviewed:
        return decision
    decision = decision.replaced(note=_without_findings(decision.note))
    try:
        found = text_in(instance, decision)
    except USDICOMizerError:
        return decision
    if not found.doubtful:
        return decision
    if choice is TextChoice.NOTE:
        return decision.replaced(note=_added(decision.note, str(found)))
    boxes = to_blank(instance, found)
    redactions = (*decision.redactions, *map(Redaction, boxes))
    note = f"text was found and {_BLANKED} at {len(boxes)} place{'s' if len(boxes) != 1 else ''}"
    return decision.replaced(redactions=redactions, note=_added(decision.note, note))


def note_text(exams: Sequence[Exam], decisions: Mapping[str, Decision], choice: TextChoice) -> dict[str, Decision]:
    """The decisions of all instances, by identity, as `with_text_noted` makes them."""
    return {
        instance.identity: with_text_noted(instance, decisions[instance.identity], choice)
        for exam in exams
        for instance in exam.instances
    }


def _without_findings(note: str) -> str:
    parts = (part for part in note.split(_BETWEEN) if not part.startswith(_FOUND) or _BLANKED in part)
    return _BETWEEN.join(parts)


def _added(note: str, sentence: str) -> str:
    return f"{note}{_BETWEEN}{sentence}" if note else sentence
