"""An instance and its decision -> ready, or a list of problems. Pixels are judged later, when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.uid import UID

from USDICOMizerLib.decision import Decision, decision_is_reviewed, lacks_geometry, misfits, narrows
from USDICOMizerLib.exam import Exam, Instance, Patient
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.proposals import doubt_about

# Ultrasound and Ultrasound Multi-frame Image Storage, current and retired (PS3.4 B.5, PS3.6 A).
_ULTRASOUND = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.3",
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.840.10008.5.1.4.1.1.6.1",
    }
)
# Secondary Capture, single and multi-frame: ultrasound where the Modality says so.
_SECONDARY_CAPTURE = frozenset({"1.2.840.10008.5.1.4.1.1.7", *(f"1.2.840.10008.5.1.4.1.1.7.{kind}" for kind in range(1, 5))})
_ENHANCED_US_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"
# Objects that accompany the images of a study: waveforms, presentation states, raw data, reports, documents.
_ACCOMPANYING = tuple(f"1.2.840.10008.5.1.4.1.1.{kind}." for kind in (9, 11, 66, 88, 104))


@dataclass(frozen=True)
class Policy:
    """What the settings and the command ask of every instance."""

    tags_required: bool = False
    accept_unreviewed: bool = False
    require_review: bool = True
    require_text_check: bool = True


@dataclass(frozen=True)
class Finding:
    """A problem of one instance, with what was found in it; the problem itself says what to do next."""

    problem: Problem
    detail: str


def assess(instance: Instance, decision: Decision, policy: Policy, exam: Exam) -> tuple[Finding, ...]:
    """Why an included instance can't be exported as it is decided; empty when it is ready.

    What makes all else idle (not an ultrasound image, no pixels) is told alone.
    """
    kind = _kind(instance, exam)
    if kind:
        return (kind,)
    return tuple(_findings(instance, decision, policy, exam))


def is_ultrasound(instance: Instance) -> bool:
    """Whether it is of a kind that can be prepared."""
    return instance.sop_class_uid in _ULTRASOUND or (instance.sop_class_uid in _SECONDARY_CAPTURE and instance.modality == "US")


def count_patients(instances: Iterable[Instance]) -> int:
    """How many patients the headers of the instances name.

    Headers with the same ID and issuer are of one patient, and so are headers with the same name and birth date:
    hospitals that merge give a patient several IDs. A header with neither is of a patient of its own.
    """
    return _count({instance.patient for instance in instances})


def _count(patients: Iterable[Patient]) -> int:
    groups: list[set[tuple[str, str, str]]] = []
    for patient in patients:
        name = patient.name.rstrip("^ ").casefold()
        marks = {("id", patient.issuer, patient.id)} if patient.id else set()
        if name and patient.birth_date:
            marks.add(("person", name, patient.birth_date))
        marks = marks or {("incomplete", name, patient.birth_date)}
        same = [group for group in groups if group & marks]
        groups = [group for group in groups if not group & marks] + [marks.union(*same)]
    return len(groups)


def _kind(instance: Instance, exam: Exam) -> Finding | None:
    """What keeps the instance from being prepared whatever is decided."""
    if is_ultrasound(instance):
        if not instance.has_pixel_data:
            return Finding(Problem.NO_PIXEL_DATA, "There is no pixel data element.")
        if min(instance.rows, instance.columns, instance.frames) < 1:
            return Finding(Problem.NO_PIXEL_DATA, "Rows, Columns or Number of Frames is missing or 0.")
        return None
    if instance.sop_class_uid == _ENHANCED_US_VOLUME:
        return Finding(Problem.UNSUPPORTED_OBJECT, "It is an Enhanced US Volume, not an image of one plane.")
    if instance.sop_class_uid in _SECONDARY_CAPTURE:
        return Finding(Problem.NOT_ULTRASOUND, "It is a Secondary Capture whose Modality isn't US.")
    of_ultrasound_study = instance.modality == "US" or any(map(is_ultrasound, exam.instances))
    if instance.modality == "US" or (of_ultrasound_study and instance.sop_class_uid.startswith(_ACCOMPANYING)):
        return Finding(Problem.UNSUPPORTED_OBJECT, f"It is {_named(instance.sop_class_uid)}, not an ultrasound image.")
    return Finding(Problem.NOT_ULTRASOUND, "Its SOP Class isn't one of ultrasound images.")


def _named(sop_class_uid: str) -> str:
    """The object in words: as the standard names its class, where it is one of the standard's."""
    uid = UID(sop_class_uid)
    return uid.name.removesuffix(" Storage") if uid.type == "SOP Class" else "an object of a kind that the standard doesn't know"


def _findings(instance: Instance, decision: Decision, policy: Policy, exam: Exam) -> Iterator[Finding]:
    if (patients := _count(exam.patients)) > 1:
        yield Finding(Problem.MIXED_PATIENTS, f"The study names {patients} patients.")
    if policy.tags_required and decision.tag is None:
        yield Finding(Problem.NO_TAG, "It has no tag.")
    lacking = lacks_geometry(instance, decision)
    misfitting = misfits(instance, decision)
    if lacking:
        yield Finding(Problem.NO_CROP, lacking)
    for misfit in misfitting:
        yield Finding(Problem.CROP_OUTSIDE_IMAGE, f"In {misfit.column}, {misfit.message}.")
    if not lacking and not misfitting:
        yield from _review_findings(instance, decision, policy)


def _review_findings(instance: Instance, decision: Decision, policy: Policy) -> Iterator[Finding]:
    """What only a person's look can settle; asked once it is known what would leave."""
    if decision_is_reviewed(instance, decision):
        return
    if decision.is_doubtful:
        # Not the decision's note: a person may have written anything there, and details reach logs.
        reason = doubt_about(instance, decision.crop or instance.whole_frame, decision.proposal)
        yield Finding(Problem.DOUBTFUL_PROPOSAL, reason)
    if not narrows(instance, decision):
        detail = "The whole frame would leave, and a whole frame that nobody has looked at never does."
        yield Finding(Problem.NOT_REVIEWED, detail)
    elif policy.require_review and not policy.accept_unreviewed:
        yield Finding(Problem.NOT_REVIEWED, "A part of the frame would leave that nobody has looked at.")
