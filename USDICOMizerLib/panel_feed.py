"""What a window must not wait for, read by a process beside it: instances first, then their bytes and thumbnails.

    python -m USDICOMizerLib.panel_feed < {"inputs": [...]}

Writes JSON lines, each an event. They hold what headers say of patients: they go through a pipe to the window of the
same user, and are never logged. Not part of the command line that others script against.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

from USDICOMizerLib.decision import Content, content_of
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Device, Instance, Patient, Region, Source
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.logs import silence_libraries
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import open_pixels
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


def request_bytes(inputs: Sequence[Path]) -> bytes:
    """What to write to the process's standard input."""
    return json.dumps({"inputs": [str(path) for path in inputs]}).encode("ascii")


def main(request: IO[bytes], answer: IO[str]) -> int:
    """Answer one request; returns the exit status."""
    silence_libraries()
    inputs = [Path(name) for name in json.load(request)["inputs"]]

    def say(event: str, **facts: object) -> None:
        answer.write(json.dumps({"event": event, **facts}) + "\n")
        answer.flush()

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
    for instance in found.instances:
        for event, facts in _details(instance):
            say(event, identity=instance.identity, **facts)
    return 0


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
    return Instance(**made)


def _other(facts: Mapping) -> SourceOutcome:
    return SourceOutcome(_source(facts["source"]), Outcome(facts["outcome"]), facts["reason"], facts["detail"])


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer, sys.stdout))
