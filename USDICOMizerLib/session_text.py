"""Text that another process has seen in the pictures of a session, as long as these are the pictures it has looked at."""

from __future__ import annotations

from dataclasses import dataclass

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.geometry import CropBox, Redaction
from USDICOMizerLib.session_state import picture


@dataclass(frozen=True)
class SeenText:
    """What was seen in words, and the boxes that blank it, in pixels of the stored frame."""

    words: str
    boxes: tuple[CropBox, ...]


class Texts:
    """What was seen in each instance's picture, by identity and the crop box that it was looked at with."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, CropBox | None], SeenText] = {}

    def clear(self) -> None:
        """Forget all."""
        self._seen.clear()

    def note(self, identity: str, crop: CropBox | None, seen: SeenText) -> None:
        """Take over what was seen in the picture that this crop box alone leaves."""
        self._seen[identity, crop] = seen

    def seen(self, identity: str, decision: Decision) -> SeenText | None:
        """What was seen in the picture of this decision; None where nothing was, or it was edited since or is confirmed."""
        if decision.reviewed or picture(decision) != picture(Decision(crop=decision.crop)):
            return None
        return self._seen.get((identity, decision.crop))


def blanked(decision: Decision, seen: SeenText) -> Decision:
    """The decision with the places of the text blanked in all frames."""
    return decision.replaced(redactions=(*decision.redactions, *map(Redaction, seen.boxes)))
