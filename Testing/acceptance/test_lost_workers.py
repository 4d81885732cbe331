"""A worker that is killed when its export is there already: what ties the export to its originals is kept, and told."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cohort import make_cohort

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

KILLER = """
import os, signal
from USDICOMizerLib import units

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def work(order, unit):
    units.reported = killed
    return units.work_on(order, unit)
"""
RUN = """
import sys
import killer
from USDICOMizerLib import batch, cli
if __name__ == "__main__":
    batch.work_on = killer.work
    sys.exit(cli.main(sys.argv[1:]))
"""


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_export_whose_worker_is_killed_twice_while_its_report_is_made_keeps_its_linkage(usdicomizer, tmp_path, monkeypatch):
    (tmp_path / "killer.py").write_text(KILLER)
    (tmp_path / "run.py").write_text(RUN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    cohort, out, linkage = make_cohort(tmp_path / "in", 2), tmp_path / "out", tmp_path / "linkage"
    command = ["prepare", cohort, "--output", out, "--linkage", linkage, "--accept-unreviewed", "--report", "--jobs", "2"]
    killed = [sys.executable, str(tmp_path / "run.py"), *map(str, command), "--json"]
    ran = subprocess.run(killed, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1, "the reports are missing"
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["outcomes"]["prepared"] == 4
    assert [Path(exam["path"]).exists() for exam in result["exams"]] == [True, True]
    assert "nothing of it was kept" not in ran.stderr
    assert "report" in ran.stderr and "--resume" in ran.stderr
    assert len(table(linkage / "patid_mapping.csv")) == 2
    assert len(table(linkage / "uid_mapping.csv")) >= 4
    assert [row["outcome"] for row in table(linkage / "sources.csv")] == ["prepared"] * 4
    resumed = usdicomizer(*command, "--resume", "--json")
    assert resumed.status == 0, resumed.stderr
    assert resumed.result["outcomes"]["unchanged"] == 4
    assert len([page for page in out.glob("*.html") if page.name != "report.html"]) == 2
