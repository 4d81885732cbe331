from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.linkage import ExportRecord, Linkage, SourceRow, check_linkage_place, read_subjects


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return [tuple(row) for row in csv.reader(stream)]


def test_a_row_is_written_once_however_often_it_is_added(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_uids([("1.2", "2.25.1"), ("1.3", "2.25.2")])
    linkage.add_uids([("1.3", "2.25.2"), ("1.4", "2.25.3")])
    assert rows(linkage.folder / "uid_mapping.csv") == [
        ("id_old", "id_new"), ("1.2", "2.25.1"), ("1.3", "2.25.2"), ("1.4", "2.25.3"),
    ]  # fmt: skip


def test_an_instance_that_ends_differently_gets_a_row_more(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_sources([SourceRow("E-1", 1, "a, b.dcm", "refused", "no-crop")])
    linkage.add_sources([SourceRow("E-1", 1, "a, b.dcm", "prepared", "")])
    assert len(rows(linkage.folder / "sources.csv")) == 3


def test_runs_at_the_same_time_lose_and_double_no_row(tmp_path):
    script = (
        "import sys; from pathlib import Path; from USDICOMizerLib.linkage import Linkage\n"
        "linkage = Linkage(Path(sys.argv[1]))\n"
        "for n in range(60): linkage.add_patients([(f'own {sys.argv[2]} {n}', 'S'), (f'shared {n}', 'S')])\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, tmp_path / "linkage", name]) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = rows(tmp_path / "linkage" / "patid_mapping.csv")
    assert len(found) == len(set(found)) == 1 + 60 * 4


def test_the_newest_whole_record_of_an_export_counts(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    assert linkage.last_export("a.zip") is None
    for work in ("old", "new"):
        linkage.add_export(ExportRecord("a.zip", work, "00", {"1.2": ("prepared", "")}))
    with (linkage.folder / "exports.jsonl").open("a") as stream:
        stream.write('{"export": "a.zip", "wor')
    assert linkage.last_export("a.zip").work == "new"


def test_the_linkage_may_not_lie_in_the_output_or_an_input(tmp_path):
    for place in ("out", "in"):
        (tmp_path / place).mkdir()
        with pytest.raises(CommandError, match="--linkage"):
            check_linkage_place(tmp_path / place / "deep" / "linkage", tmp_path / "out", [tmp_path / "in"])
    check_linkage_place(tmp_path / "linkage", tmp_path / "out", [tmp_path / "in"])


@pytest.mark.skipif(os.name != "posix", reason="POSIX rights")
def test_a_linkage_that_others_can_read_is_refused_with_the_cure(tmp_path):
    folder = tmp_path / "linkage"
    folder.mkdir(mode=0o755)
    with pytest.raises(CommandError, match="chmod 700"):
        check_linkage_place(folder, tmp_path / "out", [])


def test_a_table_of_subjects_may_join_two_ids_of_one_person(tmp_path):
    table = tmp_path / "subjects.csv"
    table.write_text("\ufeffid_old,id_new\n77,P1\n077,P1\n78,P2\n", encoding="utf-8")
    assert read_subjects(table) == {"77": "P1", "077": "P1", "78": "P2"}


@pytest.mark.parametrize("text", ["", "old,new\n1,2\n", "id_old,id_new\n1,\n", "id_old,id_new\n1,P1\n1,P2\n"])
def test_a_table_of_subjects_that_is_not_clear_is_refused(tmp_path, text):
    table = tmp_path / "subjects.csv"
    table.write_text(text)
    with pytest.raises(CommandError, match="subjects"):
        read_subjects(table)
