"""Pictures with text in them don't leave unseen, whatever the command says; the ones that a person saw do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from USDICOMizerLib import burned_in_text, export
from USDICOMizerLib.cli import main
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.report_record import read_record
from USDICOMizerLib.sample_exam import PLANTED, make_sample_exam
from USDICOMizerLib.settings import default_settings_text, update_settings_text

WITH_BAR = "0,0,800,590"
WITHOUT_BAR = "330,160,500,330"  # inside of the fan


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("USDICOMIZER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def without_reader(monkeypatch):
    for module in (burned_in_text, export):
        monkeypatch.setattr(module, "reader_is_installed", lambda: False)


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


def reasons(arguments: list, capsys) -> tuple[int, list[str]]:
    capsys.readouterr()
    status = main([*map(str, arguments), "--json"])
    result = json.loads(capsys.readouterr().out)
    return status, [one["reason"] for exam in result["exams"] for one in exam["instances"]]


def test_an_unseen_picture_with_the_patient_bar_in_it_is_refused(home, exam, tmp_path, capsys, without_reader):
    arguments = ["prepare", exam, "--crop", WITH_BAR, "--accept-unreviewed", "--output", tmp_path / "out"]
    status, found = reasons(arguments, capsys)
    assert status == 1
    assert set(found) == {"text-in-image"}
    assert not list((tmp_path / "out").glob("*.zip"))


def test_an_unseen_picture_without_text_leaves(home, exam, tmp_path, capsys, without_reader):
    arguments = ["prepare", exam, "--crop", WITHOUT_BAR, "--accept-unreviewed", "--output", tmp_path / "out"]
    assert reasons(arguments, capsys) == (0, [""] * 4)


def test_the_settings_can_do_without_the_check(home, exam, tmp_path, capsys, without_reader):
    settings = tmp_path / "settings.ini"
    settings.write_text(update_settings_text(default_settings_text(), {("review", "require_text_check"): "no"}), encoding="utf-8")
    arguments = ["prepare", exam, "--settings", settings, "--crop", WITH_BAR, "--accept-unreviewed", "--output", tmp_path / "out"]
    assert reasons(arguments, capsys) == (0, [""] * 4)


def reviewed_plan(home: Path, exam: Path, crop: str = WITH_BAR) -> Path:
    """A plan of which a person says that every picture was seen."""
    plan = home / "plan.csv"
    plan.unlink(missing_ok=True)
    assert main(["plan", str(exam), "--crop", crop, "--output", str(plan)]) == 0
    plan.write_text(plan.read_text(encoding="utf-8-sig").replace(",,,,no,", ",,,,yes,"), encoding="utf-8")
    return plan


def test_what_a_person_saw_leaves_although_there_is_text(home, exam, tmp_path, capsys, without_reader):
    plan = reviewed_plan(home, exam)
    assert reasons(["prepare", exam, "--plan", plan, "--output", tmp_path / "out"], capsys) == (0, [""] * 4)


def test_text_like_the_header_is_refused_even_where_a_person_let_it_pass(home, exam, tmp_path, capsys):
    plan = reviewed_plan(home, exam)
    status, found = reasons(["prepare", exam, "--plan", plan, "--output", tmp_path / "out"], capsys)
    assert status == 1
    assert set(found) == {"text-in-image"}


def test_a_plan_notes_where_text_is(home, exam, capsys, without_reader):
    plan = home / "plan.csv"
    assert main(["plan", str(exam), "--crop", WITH_BAR, "--text", "note", "--output", str(plan)]) == 0
    rows = plan.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert all("text was found at" in row for row in rows)


def test_a_plan_that_redacts_text_lets_what_is_left_of_the_picture_leave(home, exam, tmp_path, capsys, without_reader):
    plan = home / "plan.csv"
    assert main(["plan", str(exam), "--crop", WITH_BAR, "--text", "redact", "--output", str(plan)]) == 0
    arguments = ["prepare", exam, "--plan", plan, "--accept-unreviewed", "--output", tmp_path / "out"]
    assert reasons(arguments, capsys) == (0, [""] * 4)


def test_the_report_and_the_audit_log_say_where_text_was_and_never_what_it_says(home, exam, tmp_path, capsys):
    linkage = tmp_path / "linkage"
    arguments = ["prepare", exam, "--crop", WITH_BAR, "--accept-unreviewed", "--output", tmp_path / "out", "--linkage", linkage]
    assert reasons(arguments, capsys)[0] == 1
    (shared,) = (page for page in (tmp_path / "out").glob("*.html") if page.name != "report.html")
    record = read_record(shared)
    bar = CropBox(0, 0, 800, 42)
    for one in record.instances:
        assert one.text.startswith("text was read at ")
        assert any(bar.intersection(CropBox.parse(place.box)) and not place.harmless for place in one.texts)
    (private,) = (linkage / "reports").glob("*.html")
    assert private.read_text(encoding="utf-8").count('<rect class="doubtful"') >= len(record.instances)
    audit = (linkage / "audit.jsonl").read_text(encoding="utf-8")
    assert "text was read at " in audit
    for said in (audit, shared.read_text(encoding="utf-8"), private.read_text(encoding="utf-8")):
        assert not [value for value in PLANTED if value.casefold() in said.casefold()]


def test_the_result_as_json_says_where_text_was(home, exam, tmp_path, capsys, without_reader):
    main(["prepare", str(exam), "--crop", WITH_BAR, "--accept-unreviewed", "--output", str(tmp_path / "out"), "--json"])
    instances = [one for exam in json.loads(capsys.readouterr().out)["exams"] for one in exam["instances"]]
    for one in instances:
        assert one["text"]["read"] is False
        assert all(CropBox.parse(place["box"]) and not place["harmless"] for place in one["text"]["places"])


def test_resuming_looks_again_at_what_was_only_seen_once_text_can_be_read_and_not_the_other_way_round(
    home, exam, tmp_path, capsys, monkeypatch
):
    plan = reviewed_plan(home, exam)
    arguments = ["prepare", exam, "--plan", plan, "--output", tmp_path / "out", "--resume", "--no-report"]

    def run(*, can_read: bool) -> tuple[int, set]:
        for module in (burned_in_text, export):
            monkeypatch.setattr(module, "reader_is_installed", lambda: can_read)
        capsys.readouterr()
        status = main([*map(str, arguments), "--json"])
        instances = [one for exam in json.loads(capsys.readouterr().out)["exams"] for one in exam["instances"]]
        return status, {(one["outcome"], one["reason"]) for one in instances}

    assert run(can_read=False) == (0, {("prepared", "")})
    assert run(can_read=False) == (0, {("unchanged", "")})
    assert run(can_read=True) == (1, {("refused", "text-in-image")}), "it is like the header, which nobody could know before"
    assert main(list(map(str, arguments))) == 1
    (left,) = (tmp_path / "out").glob("*.zip")
    assert f"{left.name} of an earlier run is still there" in capsys.readouterr().err
    (tmp_path / "out" / "ledger.jsonl").unlink()
    for path in (tmp_path / "out").glob("*.zip"):
        path.unlink()
    plan = reviewed_plan(home, exam, WITHOUT_BAR)
    assert run(can_read=True) == (0, {("prepared", "")})
    assert run(can_read=False) == (0, {("unchanged", "")}), "a weaker look has nothing to add"
