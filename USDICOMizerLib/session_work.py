"""Exams and the decisions about them, each step of which can be undone: what a session is built on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.exam import Exam, Instance, group_into_exams
from USDICOMizerLib.geometry import Sector
from USDICOMizerLib.proposals import Proposal
from USDICOMizerLib.sector_handles import starting_fan
from USDICOMizerLib.session_listing import kept_together, moved, numbered, placed
from USDICOMizerLib.session_proposals import Proposals, from_header
from USDICOMizerLib.session_state import picture
from USDICOMizerLib.session_steps import Change, ChangeKind, History, State, Step
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import Discovery, SourceOutcome


class Work:
    """What is listed and decided, by the instances' identities, with undo and redo; observers hear of each change."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._instances: dict[str, Instance] = {}
        self._others: tuple[SourceOutcome, ...] = ()
        self._inputs: tuple[Path, ...] = ()
        self._order: tuple[str, ...] = ()
        self._numbers: dict[str, int] = {}
        self._exams: tuple[Exam, ...] = ()
        self._decisions: dict[str, Decision] = {}
        self._proposals = Proposals()
        self._drawn: dict[str, Sector] = {}
        self._before_sector: dict[str, Decision] = {}
        self._history = History()
        self._observers: list[Callable[[Change], None]] = []

    # What there is

    @property
    def exams(self) -> tuple[Exam, ...]:
        """The exams in the order in which they came; their instances in acquisition order."""
        return self._exams

    @property
    def order(self) -> tuple[str, ...]:
        """The identities as they are listed, exam by exam: the order of the exports."""
        return self._order

    @property
    def others(self) -> tuple[SourceOutcome, ...]:
        """What was found in the inputs that is no instance, and why."""
        return self._others

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files, folders and ZIPs that were added."""
        return self._inputs

    def instance(self, identity: str) -> Instance:
        """The instance of that identity; KeyError where there is none."""
        return self._instances[identity]

    def exam_of(self, identity: str) -> Exam:
        """The exam that a listed instance belongs to."""
        study = self._instances[identity].study_uid
        return next(exam for exam in self._exams if exam.study_uid == study)

    def number(self, identity: str) -> int:
        """The place of a listed instance in its exam and in the export, from 1."""
        return self._numbers[identity]

    def _add(self, discovery: Discovery, inputs: Iterable[Path]) -> tuple[str, ...]:
        """List what was found and isn't listed; returns that."""
        inputs = tuple(path.absolute() for path in inputs)
        self._inputs = tuple(dict.fromkeys((*self._inputs, *inputs)))
        self._others = discovery.others
        new = [instance for instance in discovery.instances if self._is_wanted(instance, inputs)]
        for instance in new:
            self._instances[instance.identity] = instance
            if instance.identity not in self._proposals:
                self._proposals.note(instance.identity, from_header(instance, self.settings))
            self._decisions.setdefault(instance.identity, self._proposals.last(instance.identity))
        found = tuple(instance.identity for exam in group_into_exams(new) for instance in exam.instances)
        self._list((*self._order, *found))
        return found

    def _is_wanted(self, instance: Instance, inputs: tuple[Path, ...]) -> bool:
        if instance.identity in self._order:
            return False
        path = instance.source.path.absolute()
        return instance.identity not in self._instances or any(path.is_relative_to(named) for named in inputs)

    def remove(self, identities: Iterable[str]) -> None:
        """Take instances off the list; what was decided about them is remembered."""
        gone = set(identities)
        self._do("Remove", {}, tuple(identity for identity in self._order if identity not in gone))

    def _forget(self) -> None:
        """Have nothing any more, and nothing to undo."""
        self._instances.clear()
        self._decisions.clear()
        self._proposals.clear()
        self._drawn.clear()
        self._before_sector.clear()
        self._others, self._inputs = (), ()
        self._history.clear()
        self._list(())

    def _list(self, identities: Iterable[str]) -> None:
        """Make this the order, kept together by exam."""
        self._order = kept_together(identities, self._instances)
        self._numbers = numbered(self._order, self._instances)
        self._exams = tuple(group_into_exams(self._instances[identity] for identity in self._order))

    # What is decided

    def decision(self, identity: str) -> Decision:
        """What is decided about an instance; its `order` is None, as `order` of the session says it."""
        return self._decisions[identity]

    def proposal(self, identity: str) -> Proposal | None:
        """The crop box that was proposed last; None where none was. This reads no pixels."""
        return self._proposals.proposal(identity)

    def take_proposals(self, proposals: Mapping[str, Decision]) -> None:
        """Take over what another process proposes after a look at the pictures, by identity.

        Who only followed a proposal so far follows this one, now and in what can be undone; it is no step of its own.
        What a person or a plan has decided, or a person has confirmed, stays.
        """
        new = {identity for identity, made in proposals.items() if identity in self._decisions and self._take(identity, made)}
        if new:
            self._history.rewrite(new, self._proposals.followed)
            self._publish(ChangeKind.DECISIONS, tuple(identity for identity in self._order if identity in new))

    def _take(self, identity: str, made: Decision) -> bool:
        is_new = self._proposals.note(identity, made)
        self._decisions[identity] = self._proposals.followed(identity, self._decisions[identity])
        return is_new

    def take_sector(self, identity: str, proposal: Proposal) -> None:
        """Take over the outline that another process has found in a picture, for who wants a sector of it."""
        if identity in self._instances:
            self._proposals.note_sector(identity, proposal)
            if identity in self._order:
                self._publish(ChangeKind.DECISIONS, (identity,))

    def sector_proposal(self, identity: str) -> Proposal | None:
        """The proposal whose sector is the picture's outline; None where none was found (yet). This reads no pixels."""
        return self._proposals.sector(identity)

    def sector_for(self, identity: str) -> Sector:
        """What to begin with where the mask becomes a sector: what was drawn before, else the proposal, else a fan in the box."""
        drawn, proposal = self._drawn.get(identity), self.sector_proposal(identity)
        if drawn is not None or (proposal is not None and proposal.sector is not None):
            return drawn or proposal.sector
        return starting_fan(self._decisions[identity].crop or self._instances[identity].whole_frame)

    def with_sector(self, identity: str, sector: Sector, found: Proposal | None = None) -> Decision:
        """The decision about an instance with this sector as its mask.

        Where it is the outline that was found, in this instance or as `found` says, the doubt about that is taken too;
        a sector that a person has drawn leaves the box as sure as it is.
        """
        made = self.box_alone(identity).replaced(mask=Mask.SECTOR, sector=sector, whole_frame=False)
        found = found or self.sector_proposal(identity)
        return made.taking(found) if found is not None and found.sector == sector else made

    def without_sector(self, identity: str) -> Decision:
        """The decision about an instance with the mask from before its sector, whose crop box is the one that it has now.

        The whole frame leaves again where it did, unless a box was drawn since. Where nothing else would say what stays,
        the proposed box does.
        """
        decision, before = self.box_alone(identity), self._before_sector.get(identity, Decision())
        is_whole = before.whole_frame and decision.crop is None
        made = decision.replaced(mask=before.mask, sector=None, whole_frame=is_whole)
        if made.lacks_box:
            proposal = self.proposal(identity)
            return made.following(proposal) if proposal is not None else made.replaced(mask=Mask.NONE)
        return made

    def box_alone(self, identity: str) -> Decision:
        """The decision about an instance, no surer and no less sure than its crop box is."""
        decision, proposal = self._decisions[identity], self.proposal(identity)
        is_proposed = proposal is not None and decision.crop == proposal.box and decision.confidence is not None
        if is_proposed and (decision.is_about_sector or decision.proposal == str(proposal)):
            return decision.replaced(proposal=str(proposal), confidence=proposal.confidence)
        return decision.replaced(proposal="", confidence=None) if decision.is_about_sector else decision

    def change(self, identities: Iterable[str], words: str, *, gesture: object = None, **changes: object) -> None:
        """Change fields of the decision for these instances, as one step that `words` name ("Crop", "Tag FV-L").

        An edit of the picture voids its review. Steps of one `gesture` are undone together.
        """
        self.decide(words, {identity: self._decisions[identity].replaced(**changes) for identity in identities}, gesture=gesture)

    def decide(self, words: str, decisions: Mapping[str, Decision], *, gesture: object = None) -> None:
        """Decide about several instances, each in its own way, as one step."""
        self._do(words, {identity: self._voided(identity, made) for identity, made in decisions.items()}, gesture=gesture)

    def _voided(self, identity: str, decision: Decision) -> Decision:
        if decision.reviewed and picture(decision) != picture(self._decisions[identity]):
            return decision.replaced(reviewed=False, review_digest="")
        return decision

    def reset(self, identities: Iterable[str]) -> None:
        """Give these instances the proposed crop again, and no mask but a sector; that, tags and redactions stay."""
        decisions = {}
        for identity in identities:
            decision = self._decisions[identity]
            made = self._proposals.reset(identity, decision)
            if decision.mask is Mask.SECTOR:
                made = made.replaced(mask=decision.mask, sector=decision.sector, whole_frame=False).doubting_sector_of(decision)
            decisions[identity] = made
        self.decide("Reset to proposal", decisions)

    # Order

    def move(self, identities: Iterable[str], by: int) -> None:
        """Move instances up (negative) or down in their exams, each as far as it goes."""
        self._do("Reorder", {}, moved(self._order, self._instances, set(identities), by))

    def place(self, identities: Iterable[str], before: str | None) -> None:
        """Put instances before another one of their exam, in the order that they have; at its end where that is None.

        Those of other exams stay where they are.
        """
        self._do("Reorder", {}, placed(self._order, self._instances, set(identities), before))

    # Undo, redo

    @property
    def undo_words(self) -> str:
        """What undo would take back; "" where there is nothing."""
        return self._history.undo_words

    @property
    def redo_words(self) -> str:
        """What redo would do again; "" where there is nothing."""
        return self._history.redo_words

    def undo(self) -> None:
        """Take the last step back, and look at what it was about."""
        step = self._history.undo()
        if step:
            self._go(step.after, step.before)

    def redo(self) -> None:
        """Do the last step that was undone again, and look at what it is about."""
        step = self._history.redo()
        if step:
            self._go(step.before, step.after)

    def _do(self, words: str, decisions: Mapping[str, Decision], order: tuple[str, ...] | None = None, *, gesture: object = None):
        """One step: new decisions and, where it is given, a new order. What changes nothing is no step."""
        changed = {identity: made for identity, made in decisions.items() if made != self._decisions[identity]}
        order = self._order if order is None else order
        if not changed and order == self._order:
            return
        before = State({identity: self._decisions[identity] for identity in changed}, self._order)
        step = Step(words, before, State(changed, order), gesture)
        self._history.add(step)
        self._apply(step.before, step.after)

    def _go(self, start: State, end: State) -> None:
        """Go from one state to the other, back or forth."""
        self._apply(start, end)

    def _apply(self, start: State, end: State) -> None:
        """Go from one state to the other. What was added since stays listed, at the end of its exam."""
        for identity, made in end.decisions.items():
            if made.mask is Mask.SECTOR and self._decisions[identity].mask is not Mask.SECTOR:
                self._before_sector[identity] = self._decisions[identity]
        self._decisions |= end.decisions
        self._drawn |= {identity: made.sector for identity, made in end.decisions.items() if made.sector is not None}
        if start.order != end.order:
            added = [identity for identity in self._order if identity not in start.order and identity not in end.order]
            self._list((*end.order, *added))
        touched = tuple(identity for identity in self._order if identity in end.decisions)
        self._keep(touched if start.order == end.order else self._order)
        if start.order != end.order:
            self._publish(ChangeKind.EXAMS)
        if touched:
            self._publish(ChangeKind.DECISIONS, touched)

    def _keep(self, identities: Iterable[str]) -> None:
        """Called after each step with what it was about, before anybody hears of it."""

    # Who wants to know

    def observe(self, observer: Callable[[Change], None]) -> Callable[[], None]:
        """Call the observer after each change, once it is complete. Returns what ends that."""
        self._observers.append(observer)

        def end() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return end

    def _publish(self, kind: ChangeKind, identities: tuple[str, ...] = ()) -> None:
        for observer in tuple(self._observers):
            observer(Change(kind, identities))
