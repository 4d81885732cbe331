from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from USDICOMizerLib import __version__
from USDICOMizerLib.archive import MANIFEST_COLUMNS
from USDICOMizerLib.audit import AuditedInstance, AuditRecord, audit_record
from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.ledger import Ledger, LedgerRecord
from USDICOMizerLib.linkage import PATIENTS, UIDS, Linkage, check_linkage_place, read_subjects
from USDICOMizerLib.receipts import Receipt, Receipts, SourceRow


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return [tuple(row) for row in csv.reader(stream)]


def test_a_row_is_written_once_however_often_it_is_added(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1"), ("1.3", "2.25.2")])
    linkage.add_to_mapping(UIDS, [("1.3", "2.25.2"), ("1.4", "2.25.3")])
    assert rows(linkage.folder / "uid_mapping.csv") == [
        ("id_old", "id_new"), ("1.2", "2.25.1"), ("1.3", "2.25.2"), ("1.4", "2.25.3"),
    ]  # fmt: skip


def test_an_instance_that_ends_differently_gets_a_row_more(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_sources([SourceRow("2026-01-02T03:04:05Z", "E-1", 1, "a, b.dcm", "refused", "no-crop")])
    linkage.add_sources([SourceRow("2026-01-02T03:04:05Z", "E-1", 1, "a, b.dcm", "prepared", "")], once=True)
    linkage.add_sources([SourceRow("2026-01-02T03:04:05Z", "E-1", 1, "a, b.dcm", "prepared", "")], once=True)
    assert len(rows(linkage.folder / "sources.csv")) == 3


def test_runs_at_the_same_time_lose_and_double_no_row(tmp_path):
    script = (
        "import sys; from pathlib import Path; from USDICOMizerLib.linkage import PATIENTS, Linkage\n"
        "linkage = Linkage(Path(sys.argv[1]))\n"
        "for n in range(60): linkage.add_to_mapping(PATIENTS, [(f'own {sys.argv[2]} {n}', 'S'), (f'shared {n}', 'S')])\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, tmp_path / "linkage", name]) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = rows(tmp_path / "linkage" / "patid_mapping.csv")
    assert len(found) == len(set(found)) == 1 + 60 * 4


def receipt(run: str, exam: str, output: Path, export: LedgerRecord | None = None) -> Receipt:
    return Receipt(
        run=run,
        exam=exam,
        output=str(output),
        patients=((f"MRN {exam}", "S-1"),),
        issuers=((f"MRN {exam}\\WARD", "S-1"),),
        uids=(("1.2", "2.25.1"), (f"1.2.{exam}", f"2.25.{exam}")),
        sources=(SourceRow("2026-01-02T03:04:05Z", exam, 1, "a, b.dcm", "prepared", ""),),
        audit=record(1, instances=2),
        export=export,
    )


def test_a_receipt_is_filed_in_every_table_and_destroyed(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    done = LedgerRecord("a.zip", "w", "c", {"00": ("prepared", "")})
    linkage.receipts.write(receipt(linkage.run.name, "1", tmp_path, done))
    linkage.file(linkage.receipts.of("1"))
    assert linkage.receipts.of("1") is None
    assert list(linkage.mapping(UIDS)) == [("1.2", "2.25.1"), ("1.2.1", "2.25.1")]
    assert list(linkage.mapping(PATIENTS)) == [("MRN 1", "S-1")]
    assert len(rows(linkage.folder / "sources.csv")) == 2
    assert len((linkage.folder / "audit.jsonl").read_text().splitlines()) == 1
    assert Ledger(tmp_path).of("a.zip") == (done,)


def test_what_a_killed_run_left_is_filed_once_by_the_next_however_far_it_came(tmp_path):
    done = LedgerRecord("a.zip", "w", "c", {"00": ("prepared", "")})
    left = receipt("killed", "1", tmp_path, done)
    tables = []
    for filed in range(6):
        folder = tmp_path / str(filed)
        linkage = Linkage(folder / "linkage")
        left = receipt("killed", "1", folder, done)
        steps = [
            lambda one=linkage, it=left: one.add_to_mapping(UIDS, it.uids),
            lambda one=linkage, it=left: one.add_to_mapping(PATIENTS, it.patients),
            lambda one=linkage, it=left: one.add_sources(it.sources),
            lambda one=linkage, it=left: one.add_audit(it.audit),
            lambda at=folder: Ledger(at).add(done),
        ]
        for step in steps[:filed]:
            step()
        Receipts(linkage.receipts.folder, "killed").write(left)
        linkage.close()
        after = Linkage(folder / "linkage")
        after.claim_subjects([], [], lambda known, issuers: None)
        assert Receipts(linkage.folder / "receipts", "killed").of("1") is None
        after.close()
        audits = (linkage.folder / "audit.jsonl").read_text().splitlines()
        ledger = (folder / "ledger.jsonl").read_text().splitlines()
        mappings = [list(after.mapping(name)) for name in (UIDS, PATIENTS)]
        tables.append((mappings, rows(linkage.folder / "sources.csv"), len(audits), ledger))
    assert all(table == tables[0] for table in tables)
    assert tables[0][2] == 1


def test_a_receipt_of_a_run_that_goes_on_is_left_to_it(tmp_path):
    working = Linkage(tmp_path / "linkage")
    working.receipts.write(receipt(working.run.name, "1", tmp_path))
    assert Linkage(tmp_path / "linkage").run
    assert working.receipts.of("1")


def test_a_row_that_a_kill_cut_off_is_written_again_and_whole(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1"), ("1.3", "2.25.222")])
    whole = (linkage.folder / "uid_mapping.csv").read_bytes()
    for length in range(len(whole)):
        (linkage.folder / "uid_mapping.csv").write_bytes(whole[:length])
        Linkage(linkage.folder).add_to_mapping(UIDS, [("1.2", "2.25.1"), ("1.3", "2.25.222")])
        assert (linkage.folder / "uid_mapping.csv").read_bytes() == whole


def test_a_mapping_that_somebody_replaced_is_read_anew(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1"), ("1.3", "2.25.2")])
    (linkage.folder / "uid_mapping.csv").write_text("id_old,id_new\n1.2,2.25.1\n")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1"), ("1.3", "2.25.2")])
    assert list(linkage.mapping(UIDS)) == [("1.2", "2.25.1"), ("1.3", "2.25.2")]


@pytest.mark.skipif(os.name != "posix", reason="POSIX limits")
def test_a_table_that_a_full_disk_stopped_is_left_as_it_was(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1")])
    script = (
        "import resource, signal, sys; from pathlib import Path; from USDICOMizerLib.linkage import UIDS, Linkage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "Linkage(Path(sys.argv[1])).add_to_mapping(UIDS, [(f'1.2.{n}', f'2.25.{n}') for n in range(1000)])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, linkage.folder], capture_output=True, text=True)
    assert "File too large" in ran.stderr
    assert list(linkage.mapping(UIDS)) == [("1.2", "2.25.1")]


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


def record(number: int, instances: int = 1) -> AuditRecord:
    done = [
        AuditedInstance(one, "prepared", "", {"kept": 40, "removed": 12}, "cut", "1,2,3,4") for one in range(1, instances + 1)
    ]
    return audit_record(settings="d", key="f", exam=f"E-{number}", subject="S-1", export="a.zip", instances=done)


def test_an_audit_line_tells_who_did_what_when_and_with_which_settings_and_key(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_audit(record(1, instances=2))
    (line,) = (linkage.folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    said = json.loads(line)
    assert datetime.fromisoformat(said["when"]).utcoffset() == timedelta(0)
    assert said["version"] == __version__
    assert all(said[key] for key in ("who", "settings", "key", "exam", "subject", "export"))
    assert said["outcomes"] == {"prepared": 2}
    assert said["instances"][1]["number"] == 2
    assert said["instances"][1]["actions"] == {"kept": 40, "removed": 12}


def test_runs_at_the_same_time_lose_and_break_no_line_of_the_audit_log(tmp_path):
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[3])\n"
        "from test_linkage import Linkage, record\n"
        "linkage = Linkage(Path(sys.argv[1]))\n"
        "for n in range(40): linkage.add_audit(record(int(sys.argv[2]) * 1000 + n, instances=50))\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "linkage"]
    processes = [subprocess.Popen([*command, str(number), Path(__file__).parent]) for number in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    lines = (tmp_path / "linkage" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["exam"] for line in lines} == {f"E-{run * 1000 + n}" for run in range(4) for n in range(40)}
    assert len(lines) == 160


def test_a_line_that_a_kill_cut_off_spoils_no_other(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_audit(record(1))
    with (linkage.folder / "audit.jsonl").open("a") as stream:
        stream.write('{"when": "20')
    linkage.add_audit(record(2))
    lines = (linkage.folder / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["exam"] for line in lines] == ["E-1", "E-2"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX rights")
def test_every_file_of_the_linkage_is_readable_by_its_owner_only(tmp_path):
    linkage = Linkage(tmp_path / "linkage")
    linkage.add_audit(record(1))
    linkage.record_key("abcd")
    linkage.add_to_mapping(UIDS, [("1.2", "2.25.1")])
    assert {path.stat().st_mode & 0o077 for path in (linkage.folder, *linkage.folder.iterdir())} == {0}


def test_neither_sources_nor_exports_may_lie_in_the_linkage(tmp_path):
    folder = tmp_path / "linkage"
    folder.mkdir(mode=0o700)
    exam = folder / "exam.zip"
    exam.touch()
    with pytest.raises(CommandError, match="An input lies inside"):
        check_linkage_place(folder, tmp_path / "out", [exam])
    with pytest.raises(CommandError, match="The output folder lies inside"):
        check_linkage_place(folder, folder / "out", [])


def test_the_linkage_may_lie_beside_an_input_zip(tmp_path):
    (tmp_path / "exam.zip").touch()
    check_linkage_place(tmp_path / "linkage", tmp_path / "out", [tmp_path / "exam.zip"])


def test_the_linkage_may_not_lie_among_exports_packed_or_unpacked(tmp_path):
    (tmp_path / "delivery").mkdir()
    deep = tmp_path / "delivery" / "private" / "linkage"
    check_linkage_place(deep, None, [])
    (tmp_path / "delivery" / "manifest.csv").write_text("name,size\n")  # somebody else's
    check_linkage_place(deep, None, [])
    (tmp_path / "delivery" / "manifest.csv").write_text(",".join(MANIFEST_COLUMNS) + "\n")
    with pytest.raises(CommandError, match="among exports"):
        check_linkage_place(deep, None, [])
    (tmp_path / "delivery" / "manifest.csv").unlink()
    (tmp_path / "delivery" / "S-1_E-ABCDE-FGHJK.zip").touch()
    with pytest.raises(CommandError, match="among exports"):
        check_linkage_place(deep, tmp_path / "elsewhere", [])


def test_an_export_in_the_users_own_folder_is_in_nobodys_way(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / "S-1_E-ABCDE-FGHJK.zip").touch()
    check_linkage_place(tmp_path / "data" / "linkage", None, [])
