"""The process beside the window tells it what there is, what the bytes are, and how each instance looks."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from USDICOMizerLib.decision import content_of
from USDICOMizerLib.panel_feed import THUMBNAIL, FeedReader, content_from, main, request_bytes
from USDICOMizerLib.sample_exam import make_sample_exam
from USDICOMizerLib.sources import discover


def feed(*inputs: Path) -> tuple[int, list[dict]]:
    answer = io.StringIO()
    status = main(io.BytesIO(request_bytes(inputs)), answer)
    return status, [json.loads(line) for line in answer.getvalue().splitlines()]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam with ümlaut.zip")


def test_the_discovery_arrives_as_it_was_made(sample: Path) -> None:
    status, events = feed(sample)
    reader = FeedReader()
    (found,) = filter(None, map(reader.take, events))
    assert (status, found) == (0, discover([sample]))


def test_each_instance_comes_with_its_content_and_a_thumbnail_after_all_were_named(sample: Path) -> None:
    _, events = feed(sample)
    kinds = [event["event"] for event in events]
    assert kinds.index("discovered") < kinds.index("content")
    instances = {instance.identity: instance for instance in discover([sample]).instances}
    for event in events:
        if event["event"] == "content":
            assert content_from(event) == content_of(instances.pop(event["identity"]).source)
        if event["event"] == "thumbnail":
            picture = Image.open(io.BytesIO(base64.b64decode(event["png"])))
            assert picture.width <= THUMBNAIL[0] and picture.height <= THUMBNAIL[1] and max(picture.getextrema())[1] > 0
    assert not instances


def test_a_damaged_instance_has_no_thumbnail_and_hinders_no_other(sample: Path, tmp_path: Path) -> None:
    from zipfile import ZipFile

    with ZipFile(sample) as archive:
        archive.extractall(tmp_path / "exam")
    files = [instance.source.path for instance in discover([tmp_path / "exam"]).instances]
    data = files[0].read_bytes()
    files[0].write_bytes(data[: len(data) // 2])
    _, events = feed(tmp_path / "exam")
    kinds = [event["event"] for event in events]
    assert (kinds.count("no-thumbnail"), kinds.count("thumbnail")) == (1, len(files) - 1)


def test_an_input_that_isn_t_there_is_said_in_words(tmp_path: Path) -> None:
    status, events = feed(tmp_path / "nowhere")
    assert (status, events[0]["event"]) == (2, "error")
    assert "exist" in events[0]["words"] and "nowhere" not in events[0]["words"]


def test_it_runs_as_a_process(sample: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "USDICOMizerLib.panel_feed"], input=request_bytes([sample]), capture_output=True, check=True
    )
    assert b'"discovered"' in ran.stdout and ran.stderr == b""
