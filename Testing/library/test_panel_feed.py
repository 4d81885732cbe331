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

from USDICOMizerLib import text_search
from USDICOMizerLib.choices import Choices, decide_all
from USDICOMizerLib.decision import content_of
from USDICOMizerLib.deidentify.needles import Kind
from USDICOMizerLib.exam import group_into_exams
from USDICOMizerLib.geometry import CropBox, Fan
from USDICOMizerLib.panel_feed import (
    THUMBNAIL,
    FeedReader,
    content_from,
    identifying_from,
    main,
    proposal_from,
    request_bytes,
    sector_from,
    text_from,
)
from USDICOMizerLib.proposals import DOUBTFUL, propose_sector
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, make_sample_exam, sample_dataset
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_state import CropState
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover
from USDICOMizerLib.text_findings import TextBox, TextFindings


@pytest.fixture(autouse=True)
def text(monkeypatch: pytest.MonkeyPatch) -> list[TextBox]:
    """The text that every picture seems to hold: none. Looking for it takes seconds an instance."""
    seen: list[TextBox] = []
    monkeypatch.setattr(text_search, "text_in", lambda instance, decision: TextFindings(tuple(seen), read=False))
    return seen


def feed(*inputs: Path, settings: Path | None = None) -> tuple[int, list[dict]]:
    answer = io.StringIO()
    status = main(io.BytesIO(request_bytes(inputs, settings)), answer)
    return status, [json.loads(line) for line in answer.getvalue().splitlines()]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_exam(tmp_path_factory.mktemp("sample") / "exam with ümlaut.zip")


@pytest.fixture(scope="module")
def without_regions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame with regions first, then two cines that only their content tells the picture of."""
    folder = tmp_path_factory.mktemp("exam")
    kinds = (SampleKind.MONOCHROME_FRAME, SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE)
    for number, kind in enumerate(kinds, start=1):
        dataset = sample_dataset(kind, number=number, frames=2 if number > 1 else None)
        if number > 1:
            del dataset.SequenceOfUltrasoundRegions
        (folder / f"{number}.dcm").write_bytes(dicom_bytes(dataset))
    return folder


def proposals(events: list[dict]) -> dict:
    return {event["identity"]: proposal_from(event) for event in events if event["event"] == "proposal"}


def test_what_is_proposed_last_is_what_the_command_line_decides_over_the_exam(without_regions: Path) -> None:
    _, events = feed(without_regions)
    (exam,) = group_into_exams(discover([without_regions]).instances)
    decided = {one: made.replaced(order=None) for one, made in decide_all(exam, Choices(), Settings()).items()}
    assert proposals(events) == decided
    assert [made.proposal.split()[0] for made in decided.values()] == ["regions", "content", "content"]


def test_instances_without_a_sure_box_come_early_and_thumbnails_of_the_others_between_them(without_regions: Path) -> None:
    _, events = feed(without_regions)
    sure, *waiting = (instance.identity for instance in group_into_exams(discover([without_regions]).instances)[0].instances)
    kinds = [(event["event"], event["identity"]) for event in events if event["event"] in ("proposal", "thumbnail")]
    assert kinds[:5] == [
        ("proposal", waiting[0]),
        ("thumbnail", waiting[0]),
        ("thumbnail", sure),
        ("proposal", waiting[1]),
        ("thumbnail", waiting[1]),
    ]


def test_the_session_gets_the_box_that_its_header_lacks(without_regions: Path) -> None:
    session = Session(Settings(), reads_content=False)
    session.add(discover([without_regions]))
    assert [session.state(one).crop for one in session.order].count(CropState.MISSING) == 2
    session.take_proposals(proposals(feed(without_regions)[1]))
    assert {session.state(one).crop for one in session.order} == {CropState.PROPOSED}


def test_proposals_follow_the_settings_of_the_window(without_regions: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.ini"
    settings.write_text("[crop]\norder = preset, regions\nmargin = -10\n")
    second, _third, first = proposals(feed(without_regions, settings=settings)[1]).values()
    assert (first.crop.left, first.crop.top) == (98, 54)
    assert second.crop is None


def test_settings_that_can_t_be_read_propose_nothing_and_hinder_no_thumbnail(without_regions: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.ini"
    settings.write_text("[crop]\norder = moon\n")
    status, events = feed(without_regions, settings=settings)
    kinds = [event["event"] for event in events]
    assert (status, kinds.count("proposal"), kinds.count("thumbnail")) == (0, 0, 3)


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
    assert (status, [event["event"] for event in events]) == (2, ["started", "error"])
    assert "exist" in events[1]["words"] and "nowhere" not in events[1]["words"]


def test_text_in_whole_frames_is_told_after_all_else_with_boxes_a_little_around_it(
    without_regions: Path, text: list[TextBox]
) -> None:
    text.append(TextBox(CropBox(100, 50, 200, 60), 0.99))
    _, events = feed(without_regions)
    kinds = [event["event"] for event in events]
    assert kinds[kinds.index("looked") + 1 :] == ["sector", "text"] * 3
    told = [event for event in events if event["event"] == "text"]
    assert {event["identity"] for event in told} == set(proposals(events))
    assert [text_from(event) for event in told] == [(CropBox(96, 46, 204, 64),)] * 3


def test_the_outline_of_each_picture_is_told_for_who_asks_for_a_sector(sample: Path) -> None:
    _, events = feed(sample)
    told = {event["identity"]: sector_from(event) for event in events if event["event"] == "sector"}
    assert len(told) == 4
    for identity, proposal in told.items():
        (instance,) = (one for one in discover([sample]).instances if one.identity == identity)
        assert proposal == propose_sector(instance, Settings())
        assert isinstance(proposal.sector, Fan) and proposal.confidence >= DOUBTFUL


def test_technical_text_is_not_told(without_regions: Path, text: list[TextBox]) -> None:
    text.append(TextBox(CropBox(100, 50, 200, 60), 0.99, harmless=True))
    assert "text" not in [event["event"] for event in feed(without_regions)[1]]


def test_text_that_is_like_the_header_is_told_as_such(without_regions: Path, text: list[TextBox]) -> None:
    text.append(TextBox(CropBox(100, 50, 200, 60), 0.99, identifies=frozenset({Kind.NAME})))
    text.append(TextBox(CropBox(300, 50, 400, 60), 0.9))
    told = [event for event in feed(without_regions)[1] if event["event"] == "text"]
    assert [(len(text_from(event)), identifying_from(event)) for event in told] == [(2, (CropBox(96, 46, 204, 64),))] * 3


def test_text_is_not_looked_for_where_the_settings_say_so(without_regions: Path, text: list[TextBox], tmp_path: Path) -> None:
    text.append(TextBox(CropBox(100, 50, 200, 60), 0.99))
    settings = tmp_path / "settings.ini"
    settings.write_text("[review]\nrequire_text_check = no\n")
    assert "text" not in [event["event"] for event in feed(without_regions, settings=settings)[1]]


def test_it_runs_as_a_process(sample: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.ini"
    settings.write_text("[review]\nrequire_text_check = no\n")
    request = request_bytes([sample], settings)
    ran = subprocess.run([sys.executable, "-m", "USDICOMizerLib.panel_feed"], input=request, capture_output=True, check=True)
    assert b'"discovered"' in ran.stdout and b'"looked"' in ran.stdout and ran.stderr == b""


def test_letters_in_a_picture_are_seen_where_they_stand(tmp_path: Path) -> None:
    import numpy as np
    from PIL import ImageDraw, ImageFont

    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME)
    picture = Image.fromarray(
        np.frombuffer(dataset.PixelData, np.uint8)[: dataset.Rows * dataset.Columns].reshape(dataset.Rows, -1)
    )
    ImageDraw.Draw(picture).text((300, 100), "HALVORSEN INGRID", fill=240, font=ImageFont.load_default(18))
    dataset.PixelData = picture.tobytes()
    (tmp_path / "named.dcm").write_bytes(dicom_bytes(dataset))
    command = [sys.executable, "-m", "USDICOMizerLib.panel_feed"]
    ran = subprocess.run(command, input=request_bytes([tmp_path]), capture_output=True, check=True)
    (told,) = (event for event in map(json.loads, ran.stdout.splitlines()) if event["event"] == "text")
    seen = text_from(told)
    assert any(box.contains(CropBox(310, 104, 400, 114)) for box in seen)
    assert any(box.top < 40 for box in seen), "the patient bar, over which a crop box may grow"
