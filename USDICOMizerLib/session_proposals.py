"""What is proposed for a session's instances: by headers at once, by their pictures once another process has looked."""

from __future__ import annotations

from dataclasses import replace

from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.proposals import CONTENT, Proposal
from USDICOMizerLib.settings import Settings


def from_header(instance: Instance, settings: Settings) -> Decision:
    """The decision that settings and header make, without a look at the pixels, for which a window has no time."""
    order = tuple(source for source in settings.crop.order if source != CONTENT)
    return decide(instance, Choices(), replace(settings, crop=replace(settings.crop, order=order)))


class Proposals:
    """All that was proposed for each instance, by identity: the last counts, and by the others who decided is told."""

    def __init__(self) -> None:
        self._made: dict[str, list[Decision]] = {}
        self._sectors: dict[str, Proposal] = {}

    def __contains__(self, identity: str) -> bool:
        return identity in self._made

    def clear(self) -> None:
        """Forget all."""
        self._made.clear()
        self._sectors.clear()

    def note(self, identity: str, made: Decision) -> bool:
        """Take a proposal as the last one; False where it was that already."""
        known = self._made.setdefault(identity, [])
        if known and known[-1] == made:
            return False
        self._made[identity] = [*(one for one in known if one != made), made]
        return True

    def last(self, identity: str) -> Decision:
        """The decision that was proposed last; KeyError where none was."""
        return self._made[identity][-1]

    def proposal(self, identity: str) -> Proposal | None:
        """The box that was proposed last; None where there was none."""
        made = self.last(identity)
        if made.crop is None:
            return None
        origin = made.proposal.removesuffix(str(made.crop).replace(",", " ")).strip()
        return Proposal(made.crop, origin, made.confidence or 0.0, made.note)

    def note_sector(self, identity: str, proposal: Proposal) -> None:
        """Take over what is proposed as the sector, for who asks for one."""
        self._sectors[identity] = proposal

    def sector(self, identity: str) -> Proposal | None:
        """The proposal with the sector that was found; None where none was, or nobody has looked yet."""
        return self._sectors.get(identity)

    def is_better_than_headers(self, identity: str, by_header: Decision) -> bool:
        """Whether the last proposal was told from the picture, and a header (of new settings) has nothing surer."""
        last = self._made.get(identity, [by_header])[-1]
        return last.proposal.startswith(CONTENT) and (by_header.crop is None or by_header.is_doubtful)

    def followed(self, identity: str, decision: Decision) -> Decision:
        """The decision with the last proposal, where what it says of the picture was only ever proposed.

        A person's, a plan's or a reviewed crop, mask or sector stays as it is. Redactions, tag, inclusion and a person's
        note stay in any case.
        """
        if decision.reviewed or not any(_as_proposed(decision) == _as_proposed(one) for one in self._made[identity]):
            return decision
        return self.reset(identity, decision)

    def reset(self, identity: str, decision: Decision) -> Decision:
        """The decision with the last proposal whatever it says of the crop; tag and redactions stay."""
        last = self.last(identity)
        is_own_note = decision.note and all(decision.note != one.note for one in self._made[identity])
        return decision.replaced(
            crop=last.crop,
            whole_frame=last.whole_frame,
            mask=last.mask,
            sector=last.sector,
            proposal=last.proposal,
            confidence=last.confidence,
            note=decision.note if is_own_note else last.note,
        )


def _as_proposed(decision: Decision) -> tuple:
    """What a proposal says of the picture; redactions are a person's in any case."""
    return (decision.crop, decision.whole_frame, decision.mask, decision.sector, decision.proposal)
