"""What the user chose for all instances at once -> the decision for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from USDICOMizerLib.alike import made_alike
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.processes import Lost, can_start_processes, in_processes
from USDICOMizerLib.proposals import looks_at_pixels, propose_crop, propose_sector
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.tags import Tag


class CropChoice(StrEnum):
    """How the crop box is chosen where no box is given."""

    AUTO = "auto"
    NONE = "none"


@dataclass(frozen=True)
class Choices:
    """The options that decide for all instances: a crop box or how to choose one, a mask, a tag."""

    crop: CropBox | CropChoice = CropChoice.AUTO
    mask: Mask = Mask.NONE
    tag: Tag | None = None


def decide(instance: Instance, choices: Choices, settings: Settings) -> Decision:
    """The decision that the choices and the settings make for one instance; not reviewed."""
    decision = Decision(mask=choices.mask, tag=choices.tag)
    if choices.crop is CropChoice.NONE and choices.mask is not Mask.SECTOR:
        return decision.replaced(whole_frame=True)
    if isinstance(choices.crop, CropBox) and choices.mask is not Mask.SECTOR:
        return decision.replaced(crop=choices.crop)
    propose = propose_sector if choices.mask is Mask.SECTOR else propose_crop
    proposal = propose(instance, settings)
    if proposal is None:
        return decision.replaced(crop=choices.crop) if isinstance(choices.crop, CropBox) else decision
    decision = decision.following(proposal)
    if isinstance(choices.crop, CropBox):
        # The confidence is that of the sector now: a proposal that names no box is one that was followed.
        return decision.replaced(crop=choices.crop, proposal=f"{proposal.origin} sector")
    if choices.crop is CropChoice.NONE:
        return decision.replaced(crop=None, proposal=f"{proposal.origin} sector")
    return decision


def decide_exams(exams: Iterable[Exam], choices: Choices, settings: Settings, processes: int = 1) -> dict[str, Decision]:
    """The decisions for all instances of all exams; exams whose pixels have to be looked at are done in so many processes."""
    decisions: dict[str, Decision] = {}
    to_look_at: list[Exam] = []
    for exam in exams:
        if processes > 1 and _looks_at_pixels(exam, choices, settings):
            to_look_at.append(exam)
        else:
            decisions |= decide_all(exam, choices, settings)
    if len(to_look_at) < 2 or not can_start_processes():
        for exam in to_look_at:
            decisions |= decide_all(exam, choices, settings)
        return decisions
    for exam, decided in in_processes(_decide_all, (choices, settings), to_look_at, min(processes, len(to_look_at))):
        decisions |= _undecided(exam, choices) if isinstance(decided, Lost) else decided
    return decisions


def _looks_at_pixels(exam: Exam, choices: Choices, settings: Settings) -> bool:
    if choices.mask is Mask.SECTOR:
        return True
    return choices.crop is CropChoice.AUTO and any(looks_at_pixels(instance, settings) for instance in exam.instances)


def _decide_all(chosen: tuple[Choices, Settings], exam: Exam) -> dict[str, Decision]:
    """The task of a process."""
    return dict(decide_all(exam, *chosen))


def _undecided(exam: Exam, choices: Choices) -> dict[str, Decision]:
    """For an exam that twice cost the process that looked at it: nothing is proposed, so nothing leaves unseen."""
    decision = Decision(mask=choices.mask, tag=choices.tag)
    return {instance.identity: decision.replaced(order=number) for number, instance in enumerate(exam.instances, start=1)}


def decide_all(exam: Exam, choices: Choices, settings: Settings) -> Mapping[str, Decision]:
    """A decision for each instance of the exam, by identity, numbered in acquisition order.

    What was told from content is compared over the exam, see `alike`.
    """
    decisions = {
        instance.identity: decide(instance, choices, settings).replaced(order=number)
        for number, instance in enumerate(exam.instances, start=1)
    }
    return made_alike(exam, decisions)
