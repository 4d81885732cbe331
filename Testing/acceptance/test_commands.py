"""What the commands say and return: outcomes, exit status, JSON, resume, and errors that tell what to do."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from pydicom import dcmread

from USDICOMizerLib.sample_exam import PLANTED, SAMPLE_PATIENT, make_sample_exam


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


def test_a_first_prepare_refuses_everything_and_names_the_two_ways_on(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out")
    assert ran.status == 1
    assert not list((tmp_path / "out").glob("*.zip"))
    assert ran.stderr.count("refused: not-reviewed") == 4
    assert "in Slicer where the extension is installed or through a plan" in ran.stderr
    assert "--accept-unreviewed" in ran.stderr
    assert "4 refused" in ran.stdout


def test_the_counts_add_up(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--json")
    outcomes = ran.result["outcomes"]
    assert outcomes["prepared"] == 4
    assert outcomes["skipped"] == 1
    with ZipFile(exam) as archive:
        assert sum(outcomes.values()) == len(archive.namelist())


def test_the_same_work_gives_the_same_bytes(usdicomizer, exam, tmp_path):
    for name in ("one", "two"):
        usdicomizer("prepare", exam, "--output", tmp_path / name, "--accept-unreviewed", "--tag", "CFV-L")
    (one,), (two,) = (list((tmp_path / name).glob("*.zip")) for name in ("one", "two"))
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_another_key_gives_other_pseudonyms(usdicomizer, exam, tmp_path):
    names = []
    for key in ("one", "two"):
        own = ["--key", tmp_path / f"{key}.key", "--linkage", tmp_path / f"linkage of {key}"]
        ran = usdicomizer("prepare", exam, "--output", tmp_path / key, "--accept-unreviewed", *own)
        assert ran.status == 0, ran.stderr
        names += [path.name for path in (tmp_path / key).glob("*.zip")]
    assert len(set(names)) == 2


def test_an_existing_export_is_refused_without_overwrite_or_resume(usdicomizer, exam, tmp_path):
    command = ["prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--json"]
    assert usdicomizer(*command).status == 0
    (export,) = (tmp_path / "out").glob("*.zip")
    before = export.stat().st_mtime_ns
    ran = usdicomizer(*command)
    assert ran.status == 1
    assert "--overwrite" in ran.stderr
    assert "--resume" in ran.stderr
    assert ran.result["outcomes"]["failed"] == 4
    ran = usdicomizer(*command, "--resume")
    assert ran.status == 0
    assert ran.result["outcomes"]["unchanged"] == 4
    assert export.stat().st_mtime_ns == before
    ran = usdicomizer(*command, "--resume", "--crop", "100,120,400,420")
    assert ran.result["outcomes"]["prepared"] == 4, "what changed is done again"
    assert usdicomizer(*command, "--overwrite").result["outcomes"]["prepared"] == 4


def test_resuming_with_a_part_of_an_exam_loses_nothing_that_was_exported(usdicomizer, exam, tmp_path):
    for half, wanted in (("first", slice(0, 2)), ("second", slice(2, 4))):
        with ZipFile(exam) as archive:
            for name in sorted(archive.namelist())[wanted]:
                target = tmp_path / half / Path(name).name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(archive.read(name))
    command = ["--output", tmp_path / "out", "--accept-unreviewed", "--resume", "--json"]
    assert usdicomizer("prepare", tmp_path / "first", *command).status == 0
    (export,) = (tmp_path / "out").glob("*.zip")
    before = export.read_bytes()
    ran = usdicomizer("prepare", tmp_path / "second", *command)
    assert ran.status == 1
    assert "would lose them" in ran.stderr
    assert export.read_bytes() == before
    assert usdicomizer("prepare", tmp_path / "first", tmp_path / "second", *command).result["outcomes"]["prepared"] == 4


def test_an_export_that_somebody_changed_is_not_replaced_by_resuming(usdicomizer, exam, tmp_path):
    command = ["prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed"]
    usdicomizer(*command)
    (export,) = (tmp_path / "out").glob("*.zip")
    export.write_bytes(b"a note of mine")
    assert usdicomizer(*command, "--resume").status == 1
    assert export.read_bytes() == b"a note of mine"


def test_a_name_that_is_no_text_stops_nothing(usdicomizer, exam, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    exam.rename(folder / "exam.zip")
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("x")
    except OSError:
        (folder / "caf\u00e9.txt").write_text("x")  # a file system that takes text only
    ran = usdicomizer("prepare", folder, "--output", tmp_path / "out", "--accept-unreviewed", "--json")
    assert ran.status == 0, ran.stderr
    assert ran.result["outcomes"]["prepared"] == 4


def test_the_key_and_the_exports_are_refused_where_they_would_travel_or_be_read_again(usdicomizer, exam, tmp_path):
    for key in (tmp_path / "out" / "project.key", tmp_path / "out" / "deep" / "k"):
        ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--key", key)
        assert ran.status == 2
        assert "--key" in ran.stderr
        assert not (tmp_path / "out").exists()
    folder = tmp_path / "in"
    folder.mkdir()
    exam.rename(folder / "exam.zip")
    assert usdicomizer("prepare", folder, "--output", folder / "out").status == 2
    assert [path.name for path in folder.iterdir()] == ["exam.zip"]


def test_a_note_of_a_plan_is_not_said(usdicomizer, exam, tmp_path):
    plan = tmp_path / "plan.csv"
    usdicomizer("plan", exam, "--output", plan)
    text = plan.read_text(encoding="utf-8-sig").splitlines()
    column = text[0].split(",").index("note")
    rows = [line.split(",") for line in text[1:]]
    rows[0][2 + 1] = "no"
    rows[0][column] = "Rosalind Fenwick moved"
    plan.write_text("\n".join([text[0], *(",".join(row) for row in rows)]), encoding="utf-8")
    ran = usdicomizer("prepare", exam, "--plan", plan, "--output", tmp_path / "out", "--json")
    assert ran.result["outcomes"]["excluded"] == 1
    assert "Fenwick" not in ran.stdout + ran.stderr


def test_progress_comes_as_json_lines(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--progress", "json")
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert events[0].keys() == {"event", "pid"} and events[0]["event"] == "started"
    ended = [event for event in events if event["event"] == "instance"]
    assert [event["instance"] for event in ended] == [1, 2, 3, 4]
    assert {event["of"] for event in ended} == {4}


def test_a_subject_can_be_named_but_not_after_the_patient(usdicomizer, exam, tmp_path):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--subject", "STUDY-007")
    assert ran.status == 0, ran.stderr
    assert [path.name.split("_")[0] for path in (tmp_path / "out").glob("*.zip")] == ["STUDY-007"]
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--subject", SAMPLE_PATIENT.id)
    assert ran.status == 2
    assert SAMPLE_PATIENT.id not in ran.stderr


def test_a_table_of_subjects_is_followed(usdicomizer, exam, tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text(f"id_old,id_new\n{SAMPLE_PATIENT.id},P001\n")
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--subjects", table)
    assert ran.status == 0, ran.stderr
    assert [path.name.split("_")[0] for path in (tmp_path / "out").glob("*.zip")] == ["P001"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--crop", "10,10,5,50"], "empty"),
        (["--crop", "ten"], "auto"),
        (["--tag", "FVX-L"], "FV"),
        (["--mask", "circle"], "rectangle"),
        (["--plan", "plan.csv", "--crop", "none"], "--plan"),
        (["--resume", "--overwrite"], "not allowed with"),
        (["--subject", "../x"], "letters"),
    ],
)
def test_a_wrong_command_says_what_would_be_right_and_does_nothing(usdicomizer, exam, tmp_path, options, said):
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", *options)
    assert ran.status == 2
    assert said in ran.stderr
    assert not list(tmp_path.glob("out/*"))


def test_an_input_that_does_not_exist_is_a_wrong_command(usdicomizer, tmp_path):
    ran = usdicomizer("prepare", tmp_path / "nothing", "--output", tmp_path / "out")
    assert ran.status == 2
    assert "doesn't exist" in ran.stderr


def test_an_input_without_dicom_is_a_wrong_command(usdicomizer, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear colleague")
    ran = usdicomizer("prepare", tmp_path / "letter.txt", "--output", tmp_path / "out")
    assert ran.status == 2
    assert "no DICOM instance" in ran.stderr


def test_mistakes_in_the_settings_are_all_reported_with_their_lines(usdicomizer, exam, tmp_path):
    settings = tmp_path / "settings.ini"
    settings.write_text("[crop]\nmargn = 3\n[tags]\nrequired = perhaps\n[export]\nfile_name = {patient}.dcm\n")
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--settings", settings)
    assert ran.status == 2
    assert all(f"line {line}" in ran.stderr for line in (2, 4, 6))
    assert "margin" in ran.stderr


def test_the_linkage_is_refused_inside_the_export_and_inside_the_source(usdicomizer, exam, tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    exam.rename(folder / "exam.zip")
    for place in (tmp_path / "out" / "linkage", folder / "linkage"):
        ran = usdicomizer("prepare", folder, "--output", tmp_path / "out", "--linkage", place)
        assert ran.status == 2
        assert "--linkage" in ran.stderr


def test_the_linkage_ties_pseudonyms_to_originals_for_its_owner_only(usdicomizer, exam, tmp_path):
    linkage = tmp_path / "linkage"
    usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--linkage", linkage)
    assert (linkage / "uid_mapping.csv").read_text().startswith("id_old,id_new")
    assert SAMPLE_PATIENT.id in (linkage / "patid_mapping.csv").read_text()
    assert "exam.zip" in (linkage / "sources.csv").read_text()
    assert [oct(path.stat().st_mode & 0o077) for path in (linkage, *linkage.rglob("*"))] == ["0o0"] * (
        1 + len(list(linkage.rglob("*")))
    )


def test_a_run_is_audited_without_a_name_and_tells_the_fingerprint_of_its_key(usdicomizer, exam, tmp_path):
    linkage = tmp_path / "linkage"
    command = ["prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed", "--linkage", linkage, "--json"]
    result = usdicomizer(*command).result
    again = usdicomizer(*command, "--resume").result
    text = (linkage / "audit.jsonl").read_text(encoding="utf-8")
    first, second = map(json.loads, text.splitlines())
    assert first["outcomes"] == {"prepared": 4}
    assert second["outcomes"] == {"unchanged": 4}
    assert first["key"] == second["key"] == result["key_fingerprint"] == again["key_fingerprint"]
    assert first["settings"] == second["settings"]
    assert all(one["actions"]["kept"] > 20 and one["actions"]["removed"] > 20 for one in first["instances"])
    assert not any(value in text for value in PLANTED)
    assert not any(original in text for original, _ in map(lambda line: line.split(","), uids_of(linkage)))


def uids_of(linkage: Path) -> list[str]:
    return (linkage / "uid_mapping.csv").read_text().splitlines()[1:]


def test_another_key_for_the_same_linkage_stops_before_anything_is_done(usdicomizer, exam, tmp_path):
    assert usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed").status == 0
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "two", "--accept-unreviewed", "--key", tmp_path / "new.key")
    assert ran.status == 2
    assert "--linkage" in ran.stderr
    assert not (tmp_path / "two").exists()
    assert not (tmp_path / "new.key").exists()


def test_check_finds_nothing_in_an_export_and_something_in_its_source(usdicomizer, exam, tmp_path):
    usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed")
    (export,) = (tmp_path / "out").glob("*.zip")
    assert usdicomizer("check", export, "--against", exam).status == 0
    ran = usdicomizer("check", exam)
    assert ran.status == 1
    assert "residue" in ran.stdout
    assert SAMPLE_PATIENT.id not in ran.stdout


def test_check_finds_a_damaged_export(usdicomizer, exam, tmp_path):
    usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed")
    (export,) = (tmp_path / "out").glob("*.zip")
    content = bytearray(export.read_bytes())
    content[len(content) // 2] ^= 0xFF
    export.write_bytes(content)
    assert usdicomizer("check", export).status == 1


def test_inspect_shows_what_is_there_and_names_no_patient(usdicomizer, exam):
    ran = usdicomizer("inspect", exam)
    assert ran.status == 0, ran.stderr
    assert "not-reviewed" in ran.stdout
    assert SAMPLE_PATIENT.id not in ran.stdout
    explained = usdicomizer("inspect", exam, "--explain")
    assert "PatientBirthDate" in explained.stdout
    assert len(json.loads(usdicomizer("inspect", exam, "--json").stdout)["exams"]) == 1


def test_the_settings_are_shown_made_and_converted(usdicomizer, tmp_path):
    ran = usdicomizer("settings")
    assert ran.status == 0, ran.stderr
    assert "[crop_presets]" in ran.stdout
    original = tmp_path / "original.ini"
    original.write_text("[devices]\ndevice0 = [379046942],[337,69,686,727],[263,53,536,569]\n")
    ran = usdicomizer("settings", "--import-original", original, "--settings", tmp_path / "new.ini")
    assert ran.status == 0, ran.stderr
    assert "379046942" in (tmp_path / "new.ini").read_text()
    assert usdicomizer("settings", "--settings", tmp_path / "new.ini").status == 0


def test_a_new_key_never_replaces_one(usdicomizer, tmp_path):
    assert usdicomizer("settings", "--new-key", tmp_path / "k").status == 0
    before = (tmp_path / "k").read_bytes()
    assert usdicomizer("settings", "--new-key", tmp_path / "k").status == 2
    assert (tmp_path / "k").read_bytes() == before


def test_the_demo_prepares_its_exam_and_says_where_the_zip_is(usdicomizer, tmp_path):
    ran = usdicomizer("demo")
    assert ran.status == 0, ran.stdout + ran.stderr
    (export,) = (tmp_path / "demo" / "exports").glob("*.zip")
    assert export.name in ran.stdout
    assert "4 prepared, 1 skipped" in ran.stdout


def test_exceptions_from_the_profile_are_followed_and_no_longer_claimed(usdicomizer, exam, tmp_path):
    settings = tmp_path / "settings.ini"
    settings.write_text("[attributes_to_keep]\nInstitutionName\n[attributes_to_del]\nMechanicalIndex\n")
    ran = usdicomizer("prepare", exam, "--output", tmp_path / "out", "--settings", settings, "--accept-unreviewed")
    assert ran.status == 0, ran.stderr
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        dataset = dcmread(BytesIO(archive.read(archive.namelist()[0])))
    assert dataset.InstitutionName
    assert "MechanicalIndex" not in dataset
    assert "113100" not in str(dataset.get("DeidentificationMethodCodeSequence", ""))
    assert "InstitutionName" in ran.stdout + ran.stderr, "a warning says what was kept"
    assert usdicomizer("check", export, "--against", exam, "--settings", settings).status == 0
    assert usdicomizer("check", export, "--against", exam).status == 1
