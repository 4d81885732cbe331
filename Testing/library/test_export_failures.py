"""A disk that fills, a folder that can't be written to, a source that changes or goes: a named failure, nothing half-written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from cohort import make_cohort

from USDICOMizerLib import files, linkage
from USDICOMizerLib import prepare as preparing
from USDICOMizerLib.batch import RunResult
from USDICOMizerLib.choices import Choices, decide_all
from USDICOMizerLib.console import Console
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.exam import group_into_exams
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.project import Project
from USDICOMizerLib.readiness import Policy
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover


@pytest.fixture
def source(tmp_path) -> Path:
    return make_cohort(tmp_path / "in", 2)


@pytest.fixture
def run(tmp_path, source):
    """Prepare the exams in this process; `meanwhile` happens between their discovery and their preparation."""

    def prepare(meanwhile=lambda: None, **changes) -> RunResult:
        found = discover([source])
        exams = group_into_exams(found.instances)
        decisions = {identity: one for exam in exams for identity, one in decide_all(exam, Choices(), Settings()).items()}
        meanwhile()
        project = Project(
            settings=Settings(),
            rules=Rules(),
            policy=Policy(accept_unreviewed=True),
            transfer_syntax=OutputSyntax.SAME,
            jpeg_quality=95,
            output=tmp_path / "out",
            key_file=tmp_path / "private" / "project.key",
            linkage_folder=tmp_path / "private" / "linkage",
            console=Console(as_json=True),
            **changes,
        )
        return project.prepare(exams, found.others, decisions)

    return prepare


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def test_a_source_that_was_replaced_since_it_was_found_fails_by_name(run, source, tmp_path):
    result = run(lambda: shutil.copy(source / "00001" / "IM_2", source / "00001" / "IM_1"))
    first = result.exams[0].instances
    assert [(one.outcome, one.reason) for one in first] == [(Outcome.FAILED, "SourceChangedError"), (Outcome.PREPARED, "")]
    assert {one.outcome for one in result.exams[1].instances} == {Outcome.PREPARED}


def test_a_source_that_is_written_to_while_it_is_read_fails_by_name(run, source, tmp_path, monkeypatch):
    original = preparing.scan_bytes

    def scanned_while_somebody_writes(chunks, needles):
        found = original(chunks, needles)
        os.utime(source / "00001" / "IM_1", (1, 1))
        return found

    monkeypatch.setattr(preparing, "scan_bytes", scanned_while_somebody_writes)
    result = run()
    assert result.exams[0].instances[0].reason == "SourceChangedError"
    assert result.counts[Outcome.PREPARED] == 3


def test_a_share_that_vanishes_fails_its_exams_by_name_and_resuming_does_them(run, source, tmp_path):
    result = run(lambda: (source / "00001").rename(tmp_path / "away"))
    assert {(one.outcome, one.reason) for one in result.exams[0].instances} == {(Outcome.FAILED, "SourceGoneError")}
    assert "--resume" in result.exams[0].instances[0].detail
    assert result.exams[0].path is None
    assert {one.outcome for one in result.exams[1].instances} == {Outcome.PREPARED}
    (tmp_path / "away").rename(source / "00001")
    again = run(resume=True)
    assert again.counts == {Outcome.PREPARED: 2, Outcome.UNCHANGED: 2}


def test_an_exam_of_which_an_instance_failed_is_done_again_when_resumed(run, source):
    one = source / "00001" / "IM_1"
    data, times = one.read_bytes(), one.stat()
    result = run(one.unlink)
    assert result.counts[Outcome.FAILED] == 1
    one.write_bytes(data)
    os.utime(one, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run(resume=True).counts == {Outcome.PREPARED: 2, Outcome.UNCHANGED: 2}


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_an_output_that_cannot_be_written_to_fails_every_exam_by_name(run, tmp_path, monkeypatch, number):
    original = files.tempfile.mkstemp

    def mkstemp(*arguments, **named):
        if Path(named["dir"]) == tmp_path / "out":
            raise OSError(number, os.strerror(number))
        return original(*arguments, **named)

    monkeypatch.setattr(files.tempfile, "mkstemp", mkstemp)
    result = run()
    assert result.counts == {Outcome.FAILED: 4}
    assert os.strerror(number) in result.exams[0].error
    assert list((tmp_path / "out").iterdir()) == []


def test_a_linkage_that_is_full_keeps_the_export_back(run, tmp_path, monkeypatch):
    original = files.tempfile.mkstemp

    def mkstemp(*arguments, **named):
        if Path(named["dir"]).name == "receipts":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments, **named)

    monkeypatch.setattr(files.tempfile, "mkstemp", mkstemp)
    result = run()
    assert result.counts == {Outcome.FAILED: 4}
    assert list((tmp_path / "out").iterdir()) == []


def test_what_the_tables_cannot_take_stays_and_is_filed_by_the_next_run(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(linkage.Linkage, "add_audit", full)
        result = run()
    assert result.not_filed == 2
    assert not result.all_well
    assert len(list((tmp_path / "out").glob("*.zip"))) == 2
    assert run(resume=True).counts == {Outcome.UNCHANGED: 4}
    audits = (tmp_path / "private" / "linkage" / "audit.jsonl").read_text().splitlines()
    assert len(audits) == 4
    assert len((tmp_path / "out" / "ledger.jsonl").read_text().splitlines()) == 2
