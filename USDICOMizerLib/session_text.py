"""Text that another process has seen in the frames of a session: what of it the picture that leaves would still show."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from USDICOMizerLib.decision import Decision, blanking, output_box
from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.session_state import picture


class Texts:
    """The places of doubtful text in each instance's whole frame, by identity.

    As the whole frame was looked at, they answer for every crop box: what is cut away or blanked is gone, and what a box
    grows over is there.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[CropBox, ...]] = {}
        self._identifying: dict[str, frozenset[CropBox]] = {}
        self._left: dict[str, tuple[tuple, tuple[CropBox, ...]]] = {}  # the last answers, with the picture that they are about

    def clear(self) -> None:
        """Forget all."""
        self._seen.clear()
        self._identifying.clear()
        self._left.clear()

    def note(self, identity: str, boxes: Iterable[CropBox], identifying: Iterable[CropBox] = ()) -> None:
        """Take over where doubtful text was seen, in pixels of the stored frame; `identifying`: which is like the header's."""
        self._identifying[identity] = frozenset(identifying)
        self._seen[identity] = tuple(dict.fromkeys((*boxes, *self._identifying[identity])))
        self._left.pop(identity, None)

    def seen(self, instance: Instance, decision: Decision) -> tuple[CropBox, ...]:
        """The places of which the picture of this decision would show something.

        Where a person has confirmed it, those alone that are like what the header says: they can't be confirmed.
        """
        identity, about = instance.identity, picture(decision)
        boxes = self._seen.get(identity, ())
        if decision.reviewed and not self._identifying.get(identity) or not boxes:
            return ()
        known = self._left.get(identity)
        if known is None or known[0] != about:
            known = self._left[identity] = about, _shown(instance, decision, boxes)
        return tuple(one for one in known[1] if not decision.reviewed or one in self._identifying[identity])

    def identifying(self, instance: Instance, decision: Decision) -> tuple[CropBox, ...]:
        """Of those places the ones whose text is like what the header says of the patient."""
        known = self._identifying.get(instance.identity, frozenset())
        return tuple(one for one in self.seen(instance, decision) if one in known)


def _shown(instance: Instance, decision: Decision, boxes: tuple[CropBox, ...]) -> tuple[CropBox, ...]:
    try:
        box, keep = output_box(instance, decision), blanking(instance, decision)
    except RefusedError:  # there is no picture that would leave
        return ()
    blanked = [redaction.box for redaction in decision.redactions if redaction.first_frame is None]
    return tuple(one for one in boxes if (rest := one.intersection(box)) and _is_shown(rest, keep, blanked))


def _is_shown(place: CropBox, keep: np.ndarray | None, blanked: Iterable[CropBox]) -> bool:
    """Whether any pixel of a place is neither outside of what is kept nor blanked in all frames."""
    left = np.ones((place.height, place.width), bool)
    if keep is not None:
        left &= keep[place.top : place.bottom, place.left : place.right]
    for box in blanked:
        if common := box.intersection(place):
            common = common.moved(-place.left, -place.top)
            left[common.top : common.bottom, common.left : common.right] = False
    return bool(left.any())


def with_blanked(decision: Decision, boxes: Iterable[CropBox]) -> Decision:
    """The decision with these places blanked in all frames."""
    return decision.replaced(redactions=(*decision.redactions, *map(Redaction, boxes)))
