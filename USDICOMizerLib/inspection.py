"""What is there and how ready it is; and what would happen to each attribute, by which rule, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit

from USDICOMizerLib.after_images import as_reviewed
from USDICOMizerLib.decision import Decision, lacks_geometry, output_box
from USDICOMizerLib.deidentify.cleaning import private_creator
from USDICOMizerLib.deidentify.content_items import HOLDERS, concept_of
from USDICOMizerLib.deidentify.profile import Action, Answer, Rules, Surroundings, answer_for, iod_of, place_of
from USDICOMizerLib.elements import read_elements
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.proposals import doubt_about
from USDICOMizerLib.readiness import Policy, assess
from USDICOMizerLib.sources import read_header
from USDICOMizerLib.tags import Tag

_LOSSY_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit)


@dataclass(frozen=True)
class InstanceFacts:
    """One instance as `inspect` shows it: technical facts and readiness, nothing that names a person."""

    number: int
    kind: str
    size: str
    transfer_syntax: str
    photometric_interpretation: str
    device: str
    crop: str
    jpeg_crop: str  # where JPEG is cut for that crop box, as its blocks can't be divided; empty where that makes no difference
    proposal: str
    confidence: str
    doubtful: str  # why the crop box has to be looked at first; empty where it needn't
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """What would happen to one attribute, and in how many places of the input it stands."""

    attribute: str
    places: int
    action: str
    rule: str
    option: str
    why: str


@dataclass(frozen=True)
class ExamFacts:
    """One exam as `inspect` shows it; `missing` are the tags of the protocol that no included instance has."""

    instances: tuple[InstanceFacts, ...]
    missing: tuple[str, ...]


def exam_facts(exam: Exam, decisions: Mapping[str, Decision], policy: Policy, expected: Sequence[Tag]) -> ExamFacts:
    """The facts of each instance of an exam, in acquisition order, and what the protocol still expects."""
    there = {(made.tag.site, made.tag.side) for made in map(decisions.get, _identities(exam)) if made.include and made.tag}
    missing = tuple(str(tag) for tag in expected if (tag.site, tag.side) not in there)
    return ExamFacts(tuple(_instance_facts(exam, decisions, policy)), missing)


def _identities(exam: Exam) -> list[str]:
    return [instance.identity for instance in exam.instances]


def _instance_facts(exam: Exam, decisions: Mapping[str, Decision], policy: Policy) -> Iterator[InstanceFacts]:
    for number, instance in enumerate(exam.instances, start=1):
        decision = decisions[instance.identity]
        findings = assess(instance, decision, policy, exam) if decision.include else ()
        device = instance.device
        yield InstanceFacts(
            number=number,
            kind=f"cine of {instance.frames}" if instance.frames > 1 else "frame",
            size=f"{instance.columns}x{instance.rows}",
            transfer_syntax=UID(instance.transfer_syntax).name if instance.transfer_syntax else "",
            photometric_interpretation=instance.photometric_interpretation,
            device=" ".join(filter(None, (device.manufacturer, device.model))),
            crop="none" if decision.whole_frame else str(decision.crop or ""),
            jpeg_crop=_jpeg_crop(instance, decision),
            proposal=decision.proposal,
            confidence="" if decision.confidence is None else f"{decision.confidence:.2f}",
            doubtful=_doubt(instance, decision),
            problems=tuple(finding.problem.value for finding in findings) if decision.include else ("excluded",),
        )


def _doubt(instance: Instance, decision: Decision) -> str:
    """Not the decision's note, in which a person may have written anything."""
    if not (decision.include and decision.is_doubtful):
        return ""
    return doubt_about(instance, decision.crop or instance.whole_frame, decision.proposal)


def _jpeg_crop(instance: Instance, decision: Decision) -> str:
    if instance.transfer_syntax not in _LOSSY_JPEG or lacks_geometry(instance, decision):
        return ""
    try:
        with as_reviewed(instance, decision) as pixels:
            return "" if pixels.box == output_box(instance, decision) else str(pixels.box)
    except USDICOMizerError:
        return ""  # the problem is told elsewhere


def explain(exams: Sequence[Exam], rules: Rules) -> list[Explanation]:
    """Ask about every element of every header, nested ones included, and count the places of each answer."""
    places: Counter[tuple[str, Answer]] = Counter()
    for exam in exams:
        for instance in exam.instances:
            iod = iod_of(instance.sop_class_uid)
            for path, answer in _answers(read_header(instance.source), (), iod, rules):
                places[place_of(path), answer] += 1
    return [
        Explanation(attribute, count, answer.action.value, answer.rule, answer.option or "", answer.why)
        for (attribute, answer), count in sorted(places.items(), key=lambda item: item[0][0])
    ]


def _answers(dataset: Dataset, path: tuple[int, ...], iod: str, rules: Rules) -> Iterator[tuple[tuple[int, ...], Answer]]:
    """The answer for each element, and for what a sequence holds where it is entered."""
    concept = concept_of(dataset) if path and path[-1] in HOLDERS else None
    for tag, element in read_elements(dataset):
        here = (*path, int(tag))
        around = Surroundings(private_creator(dataset, tag), concept)
        if element is None:  # a value that can't be read is no reason not to answer for its attribute
            yield here, answer_for(here, iod=iod, rules=rules, around=around)
            continue
        answer = answer_for(here, element.VR, iod=iod, rules=rules, around=around)
        yield here, answer
        if element.VR == "SQ" and answer.action in (Action.KEEP, Action.CLEAN):
            for item in element.value:
                yield from _answers(item, here, iod, rules)
