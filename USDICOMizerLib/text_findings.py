"""What was found where text was looked for: places, how sure, and whether each may identify. Never what the text says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from USDICOMizerLib.deidentify.needles import Kind
from USDICOMizerLib.geometry import CropBox


@dataclass(frozen=True)
class TextBox:
    """A place that holds text, in pixels of the picture that was looked at; `confidence` 0 to 1.

    `harmless`: it was read, and is technical. `identifies`: what of the header it is like, as kinds of values.
    """

    box: CropBox
    confidence: float
    harmless: bool = False
    identifies: frozenset[Kind] = frozenset()

    def moved(self, dx: int, dy: int) -> TextBox:
        """The same place in the pixels of a picture of which this one was cut, `dx` and `dy` from its corner."""
        return replace(self, box=self.box.moved(dx, dy))


@dataclass(frozen=True)
class TextFindings:
    """What was found in one instance. `read`: whether the text was read, or only seen."""

    boxes: tuple[TextBox, ...]
    read: bool

    @property
    def doubtful(self) -> tuple[TextBox, ...]:
        """What may identify, the surest first: all that isn't known to be technical."""
        return tuple(sorted((one for one in self.boxes if not one.harmless), key=lambda one: -one.confidence))

    @property
    def identifies(self) -> frozenset[Kind]:
        """The kinds of values of the header that the text is like."""
        return frozenset().union(*(one.identifies for one in self.boxes))

    @property
    def summary(self) -> str:
        """How much was found and how, in words; nothing found is no promise that there is nothing."""
        how = "read" if self.read else "seen"
        if not self.boxes:
            return f"no text was {how}"
        doubtful, places = len(self.doubtful), f"{len(self.boxes)} place{'s' if len(self.boxes) != 1 else ''}"
        told = f"{doubtful} of them doubtful" if doubtful else "technical text only"
        return f"text was {how} at {places}, {told}"

    def moved(self, dx: int, dy: int) -> TextFindings:
        """The same in the pixels of a picture of which this one was cut, `dx` and `dy` from its corner."""
        return replace(self, boxes=tuple(one.moved(dx, dy) for one in self.boxes))

    def as_json(self) -> dict:
        """The places with what is known of each, and whether they were read."""
        places = [
            {
                "box": str(one.box),
                "confidence": round(one.confidence, 3),
                "harmless": one.harmless,
                "identifies": sorted(one.identifies),
            }
            for one in self.boxes
        ]
        return {"read": self.read, "places": places}

    def __str__(self) -> str:
        """For people: how many places, where the surest is, and what the header says that it is like."""
        if self.identifies:
            return f"text in the picture is like the source's {', '.join(sorted(self.identifies))}"
        places = self.doubtful
        if not places:
            return ""
        others = len(places) - 1
        more = f", and in {others} more place{'s' if others > 1 else ''}" if others else ""
        return f"text was found at {places[0].box} of the picture ({places[0].confidence:.0%} sure){more}"


def joined(places: Iterable[TextBox]) -> list[TextBox]:
    """Places that overlap are one: as sure as the surest, harmless only where all are."""
    ones: list[TextBox] = []
    for place in places:
        apart = []
        for other in ones:
            if overlap(place.box, other.box):
                place = TextBox(
                    place.box.union(other.box),
                    max(place.confidence, other.confidence),
                    place.harmless and other.harmless,
                    place.identifies | other.identifies,
                )
            else:
                apart.append(other)
        ones = [*apart, place]
    return ones


def overlap(one: CropBox, other: CropBox) -> bool:
    """Whether they have half of the smaller one in common."""
    common = one.intersection(other)
    return common is not None and 2 * common.width * common.height >= min(one.width * one.height, other.width * other.height)
