"""Blanked boxes as a person draws them: where a new one goes, how one is changed, and how others get them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from USDICOMizerLib.decision import Decision, lacks_geometry, output_box
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.geometry import CropBox, Redaction

_SHARE_ACROSS, _SHARE_DOWN = 4, 12  # a new box is this part of the picture: about a line of text
_LEAST_WIDTH, _LEAST_HEIGHT = 24, 12
_APART = 16  # pixels between new boxes


def new_redaction(instance: Instance, decision: Decision) -> Redaction:
    """A box in the middle of what leaves of the instance, beside those that were put there before; for all frames."""
    around = instance.whole_frame if lacks_geometry(instance, decision) else output_box(instance, decision)
    if decision.crop is not None:
        around = decision.crop  # also where it blanks instead of cutting
    around = around.clipped_to(instance.columns, instance.rows) or instance.whole_frame
    width = min(max(around.width // _SHARE_ACROSS, _LEAST_WIDTH), around.width)
    height = min(max(around.height // _SHARE_DOWN, _LEAST_HEIGHT), around.height)
    left, top = around.left + (around.width - width) // 2, around.top + (around.height - height) // 2
    taken = {redaction.box for redaction in decision.redactions}
    box = CropBox(left, top, left + width, top + height)
    while box in taken and box.bottom + _APART <= around.bottom:
        box = box.moved(0, _APART)
    return Redaction(box)


def changed(redactions: Sequence[Redaction], index: int, **changes: object) -> tuple[Redaction, ...]:
    """The boxes with fields of one of them changed. Raises ValueError where its frames would be none."""
    return (*redactions[:index], replace(redactions[index], **changes), *redactions[index + 1 :])


def without(redactions: Sequence[Redaction], index: int) -> tuple[Redaction, ...]:
    """The boxes but for one of them."""
    return (*redactions[:index], *redactions[index + 1 :])


def given_to(instance: Instance, decision: Decision, redactions: Sequence[Redaction]) -> Decision | None:
    """The decision about an instance with boxes of another one beside its own; None where its image is too small for one.

    Frames that it doesn't have are left out, and so is a box that is for such frames only.
    """
    if not all(redaction.box.fits(instance.columns, instance.rows) for redaction in redactions):
        return None
    fitted = (_within(redaction, instance.frames) for redaction in redactions)
    new = [redaction for redaction in fitted if redaction is not None and redaction not in decision.redactions]
    return decision.replaced(redactions=(*decision.redactions, *new))


def _within(redaction: Redaction, frames: int) -> Redaction | None:
    if redaction.first_frame is None or redaction.last_frame <= frames:
        return redaction
    return replace(redaction, last_frame=frames) if redaction.first_frame <= frames else None
