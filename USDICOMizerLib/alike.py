"""Instances of one device, size and depth show their picture in the same place: what content told is compared over an exam."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.proposals import CONTENT, DOUBTFUL, Proposal, overlap

_ALIKE = 0.9  # intersection over union of boxes that mean the same place
_OUTLIER = 0.4  # the confidence of a box that the others of its kind contradict


def made_alike(exam: Exam, decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """The decisions, those that follow content made to agree where most of a kind do.

    Of instances of one device, image size and depth, most of which show their picture in one place, those that
    (nearly) agree get the box of the surest. One whose picture lies elsewhere keeps its own box, and one in which no picture
    was found gets the others'; both are doubtful, and say why. Boxes of presets, regions and people stay as they are.
    """
    made = dict(decisions)
    kinds: dict[tuple, list[Instance]] = defaultdict(list)
    for instance in exam.instances:
        decision = made[instance.identity]
        if _follows_content(decision) or _lacks_box(decision):
            kinds[(instance.device, instance.columns, instance.rows, instance.depth)].append(instance)
    for kind in kinds.values():
        made |= _agreed([instance.identity for instance in kind], made)
    return made


def _follows_content(decision: Decision) -> bool:
    """Whether the box is that of the content; beside a box that a person gave, "content sector" is about the outline alone."""
    if decision.crop is None or decision.confidence is None:
        return False
    return decision.proposal == str(Proposal(decision.crop, CONTENT, decision.confidence))


def _lacks_box(decision: Decision) -> bool:
    return decision.crop is None and not decision.whole_frame and not decision.proposal


def _agreed(kind: Sequence[str], decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """The decisions of one kind, where most of them agree; else none."""
    found = [identity for identity in kind if decisions[identity].crop is not None]
    if not found:
        return {}

    def alike(box: CropBox) -> list[str]:
        return [identity for identity in found if overlap(decisions[identity].crop, box) >= _ALIKE]

    surest = max(found, key=lambda identity: (len(alike(decisions[identity].crop)), decisions[identity].confidence))
    model, agreeing = decisions[surest], alike(decisions[surest].crop)
    if len(agreeing) < 2 or 2 * len(agreeing) <= len(found) or model.confidence < DOUBTFUL:
        return {}
    changed = {}
    for identity in kind:
        decision = decisions[identity]
        if identity in agreeing:
            sector = model.sector if decision.sector is not None else None
            changed[identity] = _with(decision, model.crop, model.confidence, decision.note).replaced(sector=sector)
        elif decision.crop is None:
            note = "No picture was found; the box is that of the exam's other instances of this device, size and depth."
            changed[identity] = _with(decision, model.crop, _OUTLIER, note).replaced(sector=model.sector)
        else:
            note = f"{decision.note} The exam's other instances of this device, size and depth show it elsewhere.".strip()
            changed[identity] = _with(decision, decision.crop, min(_OUTLIER, decision.confidence), note)
    return changed


def _with(decision: Decision, box: CropBox, confidence: float, note: str) -> Decision:
    return decision.replaced(crop=box, proposal=str(Proposal(box, CONTENT, confidence)), confidence=confidence, note=note)
