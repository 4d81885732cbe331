"""What the panel calls things: problems, crop states, kinds; and what to do next, with the button that does it."""

from __future__ import annotations

from slicer.i18n import tr as _

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.session_state import CropState, InstanceState, Readiness


def problem_words(problem: Problem) -> tuple[str, str]:
    """A problem in a few words, and what to do about it in this panel."""
    return {
        Problem.NO_CROP: (_("no crop box"), _("Draw a crop box in the slice view, or type its numbers under View and crop.")),
        Problem.CROP_OUTSIDE_IMAGE: (_("box outside image"), _("Move the crop box back into the image, or reset it.")),
        Problem.DOUBTFUL_PROPOSAL: (
            _("check the box"),
            _("The proposed box may be wrong. Look at it, correct it if need be, then confirm (Return)."),
        ),
        Problem.NO_TAG: (_("no tag"), _("Press the button or key of its site and side under Tag.")),
        Problem.TEXT_IN_IMAGE: (
            _("text in image"),
            _("Text was found in the picture that would leave. Crop or blank it; unless it is the header's, Return confirms it."),
        ),
        Problem.NOT_REVIEWED: (_("not confirmed"), _("Look at the picture that would leave, then confirm it (Return).")),
        Problem.MIXED_PATIENTS: (
            _("several patients"),
            _("The exam holds instances of more than one patient. Remove those that don't belong to it."),
        ),
        Problem.RESIDUE: (
            _("identifying text left"),
            _("Add the attribute that is named to the attributes to delete in the settings, or crop further."),
        ),
        Problem.NOT_ULTRASOUND: (_("not ultrasound"), _("Only ultrasound images are prepared: exclude or remove it.")),
        Problem.UNSUPPORTED_OBJECT: (_("not an image"), _("This kind of object can't be prepared: exclude or remove it.")),
        Problem.NO_PIXEL_DATA: (_("no pixels"), _("The file holds no picture: exclude it, or copy it again from its source.")),
    }.get(problem, (problem.value.replace("-", " "), problem.advice))


def state_words(state: InstanceState) -> str:
    """How an instance stands, in a few words."""
    return ", ".join(words for words, _advice in _told(state))


def state_advice(state: InstanceState) -> str:
    """What to do next about an instance."""
    return "\n".join(advice for _words, advice in _told(state))


def _told(state: InstanceState) -> list[tuple[str, str]]:
    """How an instance stands, and what to do about it: once, or for each problem."""
    if state.readiness is Readiness.NOT_READY:
        return [problem_words(problem) for problem in state.problems]
    told = {
        Readiness.READY: (_("ready"), _("It will be exported.")),
        Readiness.EXCLUDED: (_("excluded"), _("It stays out of the export. Tick its box to include it.")),
        Readiness.CHECKING: (
            _("being read"),
            _("Its file is being read, to see whether it is still what was confirmed."),
        ),
    }
    return [told[state.readiness]]


def text_advice(identifies: bool = False) -> str:
    """That text was found in a picture, and what to do about it; what `identifies` can't be confirmed."""
    if identifies:
        return _("Text was found in the picture that is like what the header says of the patient. Crop it away or blank it.")
    return _("Text was found in the picture. Crop it away or blank it, or confirm the picture as it is.")


def crop_words(crop: CropState, decision: Decision) -> str:
    """Where the crop box stands; of a proposal, how sure it is."""
    if crop is CropState.PROPOSED and decision.confidence is not None:
        words = _("doubtful, {sure} %") if decision.is_doubtful else _("proposed, {sure} %")
        return words.format(sure=round(100 * decision.confidence))
    return {
        CropState.MISSING: _("none"),
        CropState.PROPOSED: _("proposed"),
        CropState.EDITED: _("edited"),
        CropState.WHOLE_FRAME: _("whole frame"),
        CropState.APPLIED: _("confirmed"),
    }[crop]


def kind_words(instance: Instance) -> str:
    """A frame, or a cine and its length."""
    return _("cine {frames}").format(frames=instance.frames) if instance.frames > 1 else _("frame")


def outcome_words(outcome: str) -> str:
    """How an instance of an export ended."""
    return {
        "prepared": _("exported"),
        "unchanged": _("already there"),
        "excluded": _("excluded"),
        "skipped": _("skipped"),
        "refused": _("not exported"),
        "failed": _("failed"),
    }.get(outcome, outcome)


def step_words(words: str) -> str:
    """A step of the session, which names its own in English, for Undo and Redo."""
    return {
        "Remove": _("Remove"),
        "Reorder": _("Reorder"),
        "Confirm": _("Confirm"),
        "Blank text": _("Blank text"),
        "Reset to proposal": _("Reset to proposal"),
        "Earlier work": _("Earlier work"),
        "New settings": _("New settings"),
    }.get(words, words)
