"""What a window must not wait for, read by a process beside it: instances, proposals, bytes, thumbnails; text and outlines.

    python -m USDICOMizerLib.panel_feed < {"inputs": [...], "settings": "settings.ini" or null for the built-in ones}

Writes JSON lines, each an event. They hold what headers say of patients: they go through a pipe to the window of the
same user, and are never logged. Not part of the command line that others script against.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import zip_longest
from pathlib import Path
from typing import IO

from USDICOMizerLib.choices import Choices, decide, decide_all
from USDICOMizerLib.decision import Content, Decision, content_of
from USDICOMizerLib.errors import CommandError, SettingsError
from USDICOMizerLib.exam import Device, Exam, Instance, Patient, Region, Source, SourceState, group_into_exams
from USDICOMizerLib.geometry import CropBox, parse_sector
from USDICOMizerLib.logs import silence_libraries
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import open_pixels
from USDICOMizerLib.proposals import Proposal, propose_sector
from USDICOMizerLib.session_proposals import from_header
from USDICOMizerLib.settings import Settings, load_settings
from USDICOMizerLib.sources import Discovery, SourceOutcome, discover, read_header, verify

THUMBNAIL = (96, 72)
"""Columns and rows that a thumbnail fits into."""

_EXIT_WRONG_INPUT = 2


class FeedReader:
    """Takes the events as they come, and puts the discovery together."""

    def __init__(self) -> None:
        self._instances: list[Instance] = []
        self._others: list[SourceOutcome] = []

    def take(self, event: Mapping) -> Discovery | None:
        """Take one event; returns the discovery with the event that completes it."""
        match event.get("event"):
            case "instance":
                self._instances.append(_instance(event["instance"]))
            case "other":
                self._others.append(_other(event["other"]))
            case "discovered":
                return Discovery(tuple(self._instances), tuple(self._others))
        return None


def content_from(event: Mapping) -> Content:
    """The content that an event `content` is about."""
    return Content(event["size"], event["modified"], event["digest"])


def proposal_from(event: Mapping) -> Decision:
    """The decision that an event `proposal` proposes."""
    crop = CropBox(*event["crop"]) if event["crop"] else None
    return Decision(crop=crop, proposal=event["words"], confidence=event["confidence"], note=event["note"])


def text_from(event: Mapping) -> tuple[CropBox, ...]:
    """Where an event `text` says that doubtful text was seen, in pixels of the stored frame."""
    return tuple(CropBox(*box) for box in event["boxes"])


def identifying_from(event: Mapping) -> tuple[CropBox, ...]:
    """Of the boxes of an event `text` those whose text is like what the header says of the patient."""
    return tuple(CropBox(*box) for box in event["identifying"])


def sector_from(event: Mapping) -> Proposal:
    """The proposal that an event `sector` tells: the outline of the picture."""
    return Proposal(CropBox(*event["box"]), event["origin"], event["confidence"], event["note"], parse_sector(event["sector"]))


def request_bytes(inputs: Sequence[Path], settings: Path | None = None) -> bytes:
    """What to write to the process's standard input; the settings' file is needed for what is proposed."""
    request = {"inputs": [str(path) for path in inputs], "settings": str(settings) if settings else None}
    return json.dumps(request).encode("ascii")


def main(request: IO[bytes], answer: IO[str]) -> int:
    """Answer one request; returns the exit status."""
    silence_libraries()
    asked = json.load(request)
    inputs = [Path(name) for name in asked["inputs"]]

    def say(event: str, **facts: object) -> None:
        answer.write(json.dumps({"event": event, **facts}) + "\n")
        answer.flush()

    say("started", pid=os.getpid())
    try:
        found = discover(inputs, on_progress=lambda files: say("found", files=files))
    except CommandError as error:
        say("error", words=str(error))
        return _EXIT_WRONG_INPUT
    for instance in found.instances:
        say("instance", instance=_as_json(instance))
    for other in found.others:
        say("other", other=_as_json(other))
    say("discovered")
    settings = _settings(asked["settings"])
    exams = group_into_exams(found.instances)
    for exam in exams:
        for identity, event, facts in _about(exam, settings):
            say(event, identity=identity, **facts)
    say("looked")
    for instance in (instance for exam in exams for instance in exam.instances if settings):
        if sector := _sector(instance, settings):
            say("sector", identity=instance.identity, **sector)
        if settings.review.require_text_check and (facts := _text(instance)):
            say("text", identity=instance.identity, **facts)
    return 0


def _settings(name: str | None) -> Settings | None:
    """The settings that the window has; None where the file can't be used: then nothing is proposed here."""
    try:
        return load_settings(Path(name)) if name else Settings()
    except SettingsError:
        return None


def _about(exam: Exam, settings: Settings | None) -> Iterator[tuple[str, str, dict]]:
    """The events of one exam, each with the identity that it is about.

    Those that lack a sure box come first, in turn with the others, so that thumbnails of all come. What each picture
    proposes alone is told at once; when all were looked at, what they propose together, where that is something else.
    """
    waiting = [instance for instance in exam.instances if settings and _needs_a_look(instance, settings)]
    early = {instance.identity for instance in waiting}
    others = [instance for instance in exam.instances if instance.identity not in early]
    said: dict[str, Decision] = {}
    for instance in _in_turn(waiting, others):
        if instance.identity in early:
            said[instance.identity] = decide(instance, Choices(), settings)
            yield instance.identity, "proposal", _proposal_as_json(said[instance.identity])
        for event, facts in _details(instance):
            yield instance.identity, event, facts
    together = decide_all(exam, Choices(), settings) if settings else {}  # the pictures are known by now
    for identity, made in together.items():
        made = made.replaced(order=None)
        if made != said.get(identity):
            yield identity, "proposal", _proposal_as_json(made)


def _needs_a_look(instance: Instance, settings: Settings) -> bool:
    decision = from_header(instance, settings)
    return decision.crop is None or decision.is_doubtful


def _in_turn(ones: Sequence[Instance], others: Sequence[Instance]) -> Iterator[Instance]:
    for pair in zip_longest(ones, others):
        yield from filter(None, pair)


def _proposal_as_json(decision: Decision) -> dict:
    return {
        "crop": _box_as_json(decision.crop),
        "words": decision.proposal,
        "confidence": decision.confidence,
        "note": decision.note,
    }


def thumbnail(instance: Instance) -> bytes:
    """The middle frame as it is stored, small, as a PNG. Raises what reading pixels raises."""
    from PIL import Image

    verify(instance.source)
    header = read_header(instance.source)
    with instance.source.open() as stream:
        pixels = open_pixels(stream, header)
        layout = pixels.layout
        frame = pixels.display.show(pixels.pixels(layout.frames // 2, CropBox(0, 0, layout.columns, layout.rows)))
    picture = Image.fromarray(frame)
    picture.thumbnail(THUMBNAIL)
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def _details(instance: Instance) -> Iterator[tuple[str, dict]]:
    """What takes reading the whole file. An instance that can't be shown has no thumbnail; `prepare` will say why."""
    content = content_of(instance.source)
    if content:
        yield "content", asdict(content)
    try:
        yield "thumbnail", {"png": base64.b64encode(thumbnail(instance)).decode("ascii")}
    except Exception as error:  # damaged pixel data raises nearly anything, and its words may quote the header
        yield "no-thumbnail", {"reason": type(error).__name__}


def _text(instance: Instance) -> dict[str, list]:
    """Where doubtful text was seen in the whole frame, whatever will be cut of it, and which of it is like the header's.

    Empty where there is none, and where the frame can't be shown.
    """
    from USDICOMizerLib.text_search import text_in, to_blank

    try:
        found = text_in(instance, Decision(whole_frame=True))
    except Exception:  # damaged pixel data raises nearly anything; `prepare` will say what is wrong
        return {}
    alike = replace(found, boxes=tuple(one for one in found.boxes if one.identifies))
    seen, identifying = (list(map(_box_as_json, to_blank(instance, one))) for one in (found, alike))
    return {"boxes": seen, "identifying": identifying} if seen else {}


def _sector(instance: Instance, settings: Settings) -> dict | None:
    """The outline of the picture, for who wants to blank what is outside of it; None where none is found."""
    proposal = propose_sector(instance, settings)
    if proposal is None or proposal.sector is None:
        return None
    facts = {"origin": proposal.origin, "confidence": proposal.confidence, "note": proposal.note}
    return {"box": _box_as_json(proposal.box), "sector": str(proposal.sector), **facts}


def _box_as_json(box: CropBox | None) -> list[int] | None:
    return [box.left, box.top, box.right, box.bottom] if box else None


def _as_json(value: Instance | SourceOutcome) -> dict:
    facts = asdict(value)
    facts["source"] = {"path": str(value.source.path.absolute()), "member": value.source.member}
    return facts


def _source(facts: Mapping) -> Source:
    return Source(Path(facts["path"]), facts["member"])


def _instance(facts: Mapping) -> Instance:
    made = dict(facts)
    made["source"] = _source(facts["source"])
    made["patient"] = Patient(**facts["patient"])
    made["device"] = Device(**facts["device"])
    made["regions"] = tuple(Region(**region) for region in facts["regions"])
    made["warnings"] = tuple(facts["warnings"])
    made["state"] = SourceState(**facts["state"]) if facts["state"] else None
    return Instance(**made)


def _other(facts: Mapping) -> SourceOutcome:
    return SourceOutcome(_source(facts["source"]), Outcome(facts["outcome"]), facts["reason"], facts["detail"])


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # the window goes first
    sys.exit(main(sys.stdin.buffer, sys.stdout))
