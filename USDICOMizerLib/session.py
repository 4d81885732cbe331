"""The work in hand: exams, what is decided about each instance, undo and redo; saved as it goes.

The Slicer panel shows a session and calls it. It knows of no window: everything here is tested without one. Nothing
happens at the side; who wants to know what changed observes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from USDICOMizerLib.decision import (
    Content,
    Decision,
    decision_is_reviewed,
    known_content,
    remember_content,
    review_digest,
)
from USDICOMizerLib.exam import Exam
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.plan import Plan, make_plan
from USDICOMizerLib.readiness import Finding, Policy, assess
from USDICOMizerLib.session_export import ExportChoices, inputs_of
from USDICOMizerLib.session_listing import Scope, kept_together
from USDICOMizerLib.session_plans import OfferedPlan, SavedPlans
from USDICOMizerLib.session_proposals import from_header
from USDICOMizerLib.session_saving import Saving
from USDICOMizerLib.session_state import InstanceState, Readiness, instance_state, picture
from USDICOMizerLib.session_steps import ChangeKind, State
from USDICOMizerLib.session_text import Texts, with_blanked
from USDICOMizerLib.session_work import Work
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import Discovery
from USDICOMizerLib.tags import Tag


@dataclass(frozen=True)
class _Assessed:
    decision: Decision
    findings: tuple[Finding, ...]
    state: InstanceState


class Session(Work):
    """The work, what of it is looked at, how ready it is, where it is saved and how it is exported.

    `saved` is where the work is saved after each step; None saves nothing. With `reads_content` False a review that
    isn't of this session counts only once `learn_content` has said what the bytes are, so that no call here reads a
    whole file; True reads it then and there.
    """

    def __init__(self, settings: Settings, *, saved: SavedPlans | None = None, reads_content: bool = True):
        super().__init__(settings)
        self.choices = ExportChoices(destination=settings.export.folder)
        self._saving = Saving(saved)
        self._reads_content = reads_content
        self._current: str | None = None
        self._selected: tuple[str, ...] = ()
        self._shown: dict[str, tuple] = {}
        self._texts = Texts()
        self._assessed: dict[str, _Assessed] = {}

    def add(self, discovery: Discovery, inputs: Iterable[Path] = ()) -> None:
        """List what was found; new instances get the decision that settings and proposals make.

        What is listed already keeps its decision. What was removed is listed again where one of `inputs` leads to it:
        so all inputs can be discovered together, which is how `prepare` finds them. Can't be undone; `remove` can.
        """
        before = {exam.study_uid for exam in self._exams}
        found = self._add(discovery, inputs)
        new = [exam for exam in self._exams if exam.study_uid not in before]
        self._saving.look_for(new, self._in_order(), self.settings.tags)
        self._publish(ChangeKind.EXAMS, found)
        self._look_somewhere()

    def clear(self) -> None:
        """Forget everything but settings and choices; saved plans stay."""
        self._shown.clear()
        self._texts.clear()
        self._saving.take()
        self._forget()
        self._publish(ChangeKind.EXAMS)

    def _list(self, identities: Iterable[str]) -> None:
        """As in Work; what is looked at and selected stays so as far as it is listed."""
        super()._list(identities)
        self._assessed.clear()
        self._selected = tuple(identity for identity in self._selected if identity in self._numbers)
        if self._current not in self._numbers:
            self._current = None

    def _apply(self, start: State, end: State) -> None:
        super()._apply(start, end)
        self._look_somewhere()

    def _go(self, start: State, end: State) -> None:
        """As in Work; then look at what it was about."""
        super()._go(start, end)
        touched = [identity for identity in self._order if identity in end.decisions]
        if touched and self._current not in touched:
            self.select(touched[0])

    def _keep(self, identities: Iterable[str]) -> None:
        """Save the exams of these instances."""
        studies = {self._instances[identity].study_uid for identity in identities}
        for exam in self._exams:
            if exam.study_uid in studies:
                self._saving.save(exam, self._in_order())

    def like(self, identity: str, scope: Scope) -> tuple[str, ...]:
        """The listed instances that a decision about this one is applied to, itself always among them."""
        this = self._instances[identity]
        alike = (this.device, this.columns, this.rows)

        def is_meant(other: str) -> bool:
            instance = self._instances[other]
            match scope:
                case Scope.SELECTED:
                    return other in self._selected
                case Scope.SAME_DEVICE_AND_SIZE:
                    return (instance.device, instance.columns, instance.rows) == alike
            return scope is Scope.ALL

        return tuple(other for other in self._order if other == identity or is_meant(other))

    def use_settings(self, settings: Settings) -> None:
        """Take new settings; who still follows a proposal, or lacks one, and isn't reviewed gets the proposal of these.

        What was told from the picture remains, where headers say nothing surer, until the picture is looked at again.
        """
        self.settings = settings
        self._assessed.clear()
        decisions = {}
        for identity in self._order:
            decision = self._decisions[identity]
            follows = decision.crop is not None and decision.follows_proposal
            if decision.is_about_sector:  # it doesn't say whose box it is
                follows = decision.crop is not None and decision.crop == self._proposals.last(identity).crop
            untouched = decision.lacks_box or follows
            made = from_header(self._instances[identity], settings)
            if self._proposals.is_better_than_headers(identity, made):
                continue
            self._proposals.note(identity, made)
            proposal = self._proposals.proposal(identity)
            if untouched and not decision.reviewed and proposal:
                decisions[identity] = decision.following(proposal)
        self.decide("New settings", decisions)
        self._publish(ChangeKind.CHOICES)
        self._publish(ChangeKind.DECISIONS, self._order)

    # What is looked at

    @property
    def current(self) -> str | None:
        """The instance that is looked at."""
        return self._current

    @property
    def selected(self) -> tuple[str, ...]:
        """The instances that commands for several are about, as they are listed."""
        return self._selected

    def select(self, identity: str | None) -> None:
        """Look at an instance, and select it alone."""
        self._look_at(identity)
        self.set_selected((identity,) if identity else ())

    def set_selected(self, identities: Iterable[str]) -> None:
        """Select instances. The one that is looked at remains if it is among them; else it is the first."""
        wanted = set(identities)
        selected = tuple(identity for identity in self._order if identity in wanted)
        if selected and self._current not in selected:
            self._look_at(selected[0])
        if selected != self._selected:
            self._selected = selected
            self._publish(ChangeKind.SELECTION, selected)

    def _look_at(self, identity: str | None) -> None:
        if identity != self._current:
            self._current = identity
            self._publish(ChangeKind.CURRENT, (identity,) if identity else ())

    def next(self) -> None:
        """Look at the next instance; at the end, stay."""
        self._step(1)

    def previous(self) -> None:
        """Look at the previous instance; at the start, stay."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self._order:
            at = self._order.index(self._current) + by if self._current else 0
            self.select(self._order[min(max(at, 0), len(self._order) - 1)])

    def next_not_ready(self) -> bool:
        """Look at the next included instance that isn't ready, doubtful boxes and missing ones first; False where all are.

        After the last it goes on from the start.
        """
        at = self._order.index(self._current) + 1 if self._current else 0
        waiting = [
            identity
            for identity in (*self._order[at:], *self._order[:at])
            if self.state(identity).readiness in (Readiness.NOT_READY, Readiness.CHECKING)
        ]
        if not waiting:
            return False
        first = (one for one in waiting if one != self._current and self.decision(one).wants_a_look)
        self.select(next(first, waiting[0]))
        return True

    def _look_somewhere(self) -> None:
        if self._current is None and self._order:
            self.select(self._order[0])

    # Readiness and review

    def findings(self, identity: str) -> tuple[Finding, ...]:
        """Why a listed instance can't leave as it is decided; empty where it can, or where that isn't known yet."""
        return self._assess(identity).findings

    def state(self, identity: str) -> InstanceState:
        """How a listed instance stands."""
        return self._assess(identity).state

    def _assess(self, identity: str) -> _Assessed:
        """What is known of a decision, asked once for each; the content of the source is asked for again by `prepare`."""
        decision = self._decisions[identity]
        known = self._assessed.get(identity)
        if known is not None and known.decision is decision:
            return known
        instance = self._instances[identity]
        if decision.reviewed and not self._reads_content and known_content(instance.source) is None:
            return _Assessed(decision, (), instance_state(decision, None, is_reviewed=False))
        findings = assess(instance, decision, self._policy, self.exam_of(identity))
        is_reviewed = decision_is_reviewed(instance, decision)
        findings = (*findings, *self._about_text(identity, decision.replaced(reviewed=is_reviewed)))
        made = _Assessed(decision, findings, instance_state(decision, findings, is_reviewed=is_reviewed))
        self._assessed[identity] = made
        return made

    def _about_text(self, identity: str, decision: Decision) -> Iterator[Finding]:
        """What the export would say of the text that was seen; where it isn't known yet what would leave, nothing."""
        instance = self._instances[identity]
        if not self.settings.review.require_text_check:
            return
        if self._texts.identifying(instance, decision):
            yield Finding(Problem.TEXT_IN_IMAGE, "Text in the picture is like what the header says of the patient.")
        elif self._texts.seen(instance, decision):
            yield Finding(Problem.TEXT_IN_IMAGE, "Text was seen in the picture.")

    @property
    def _policy(self) -> Policy:
        return Policy(tags_required=self.settings.tags.required, require_review=self.settings.review.require_review)

    def in_readiness(self, readiness: Readiness) -> tuple[str, ...]:
        """The listed instances that stand so."""
        return tuple(identity for identity in self._order if self.state(identity).readiness is readiness)

    def missing_sites(self, exam: Exam) -> tuple[Tag, ...]:
        """What the protocol expects of an exam and no included instance of it is tagged as."""
        made = (self._decisions[instance.identity] for instance in exam.instances)
        there = {(decision.tag.site, decision.tag.side) for decision in made if decision.include and decision.tag}
        return tuple(tag for tag in self.settings.protocol.expected if (tag.site, tag.side) not in there)

    def after_image_shown(self, identity: str) -> None:
        """Note that the picture which would leave now has been on the screen: every frame, or their temporal maximum."""
        self._shown[identity] = picture(self._decisions[identity])

    def can_confirm(self, identity: str) -> bool:
        """Whether a person has had the picture that would leave now before their eyes."""
        return self._shown.get(identity) == picture(self._decisions[identity])

    def confirm_review(self, identities: Iterable[str]) -> tuple[str, ...]:
        """Note that a person confirms the pictures that leave. Returns those confirmed: what wasn't shown isn't.

        Reads the source whole where its content isn't known yet.
        """
        decisions = {}
        for identity in identities:
            if self.can_confirm(identity):
                digest = review_digest(self._instances[identity], self._decisions[identity])
                decisions[identity] = self._decisions[identity].replaced(reviewed=bool(digest), review_digest=digest)
        self._do("Confirm", decisions)
        return tuple(identity for identity, decision in decisions.items() if decision.reviewed)

    def learn_content(self, identity: str, content: Content) -> None:
        """Take over what the bytes of an instance are, as another process has read them."""
        if identity in self._instances:
            remember_content(self._instances[identity].source, content)
            self._assessed.pop(identity, None)
            if identity in self._order:
                self._publish(ChangeKind.DECISIONS, (identity,))

    # Text in the pictures

    def learn_text(self, identity: str, boxes: Iterable[CropBox], identifying: Iterable[CropBox] = ()) -> None:
        """Take over where another process has seen doubtful text in the whole frame, and which is like the header's."""
        if identity in self._instances:
            self._texts.note(identity, boxes, identifying)
            self._assessed.pop(identity, None)
            if identity in self._order:
                self._publish(ChangeKind.DECISIONS, (identity,))

    def text_in(self, identity: str) -> tuple[CropBox, ...]:
        """Where text was seen in the picture as it would leave now, in pixels of the stored frame.

        Nowhere doesn't say that there is none: nobody may have looked yet, and the export looks again.
        """
        return self._texts.seen(self._instances[identity], self._decisions[identity])

    def identifying_text_in(self, identity: str) -> tuple[CropBox, ...]:
        """Of `text_in` what is like what the header says of the patient: confirmed or not, it can't leave."""
        return self._texts.identifying(self._instances[identity], self._decisions[identity])

    def blank_text(self, identities: Iterable[str]) -> tuple[str, ...]:
        """Blank the text that was seen in these instances, as one step; returns those in which there was some."""
        seen = {identity: boxes for identity in identities if (boxes := self.text_in(identity))}
        self.decide("Blank text", {identity: with_blanked(self._decisions[identity], boxes) for identity, boxes in seen.items()})
        return tuple(seen)

    # The plan

    def plan(self) -> Plan:
        """The plan of all that is listed, with the order as it is."""
        return make_plan(self._exams, self._in_order(), for_review=False)

    def _in_order(self) -> dict[str, Decision]:
        return {identity: self._decisions[identity].replaced(order=self._numbers[identity]) for identity in self._order}

    def save(self) -> Path | None:
        """Write the plan of all that is listed in one file, and return where; None where nothing is listed or saved.

        Raises ExportError where it can't be written.
        """
        if self._saving.plans is None or not self._exams:
            return None
        return self._saving.plans.write(self.plan(), [exam.study_uid for exam in self._exams])

    @property
    def saves(self) -> bool:
        """Whether there is a place where the work is saved."""
        return self._saving.plans is not None

    def save_to(self, saved: SavedPlans) -> None:
        """Save the work there from now on, and offer what was saved there before."""
        self._saving.plans = saved
        self._saving.look_for(self._exams, self._in_order(), self.settings.tags)

    @property
    def save_error(self) -> str:
        """Why the last step couldn't be saved, in words; "" where it was, or where nothing is saved at all."""
        return self._saving.error

    def save_each(self) -> None:
        """Save every exam's plan once more: an export writes the plan that it went by in their place."""
        self._keep(self._order)

    def offered_plan(self) -> OfferedPlan | None:
        """Earlier work on the exams that were added, where it differs from what is decided; until taken or declined."""
        return self._saving.offered

    def take_plan(self) -> None:
        """Go on with the earlier work, as one step. A review holds as far as the picture is still the same."""
        offered = self._saving.take()
        if offered:
            saved = {one: offered.decisions[one] for one in self._order if one in offered.decisions}
            decisions = {one: self._proposals.followed(one, decision) for one, decision in saved.items()}
            order = (*(one for one in offered.order if one in self._numbers), *self._order)
            self._do("Earlier work", decisions, kept_together(order, self._instances))
        self._publish(ChangeKind.EXAMS)

    def decline_plan(self) -> None:
        """Begin anew; the earlier plan is kept beside the new one."""
        self._saving.decline()
        self._publish(ChangeKind.EXAMS)

    # The export as a whole

    def choose(self, **changes: object) -> None:
        """Change what is said about the export as a whole: fields of ExportChoices."""
        self.choices = replace(self.choices, **changes)
        self._publish(ChangeKind.CHOICES)

    def command_line(self, plan: Path) -> list[str]:
        """The arguments of the command line that prepare what is listed, by the plan that `save` has written."""
        listed = [self._instances[identity] for identity in self._order]
        unlisted = [instance for identity, instance in self._instances.items() if identity not in self._order]
        inputs = inputs_of(listed, unlisted, self._inputs)
        return ["prepare", *map(str, inputs), "--plan", str(plan.absolute()), *self.choices.arguments()]
