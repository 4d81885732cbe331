"""Reports as a browser opens them, and as whoever gets them could search them: they show what left, and nobody's name."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from browser import open_page
from planted import Plants, make_planted_exam

from USDICOMizerLib.report_record import read_record
from USDICOMizerLib.sample_exam import PLANTED, SampleKind, dicom_bytes, make_sample_exam, sample_dataset
from USDICOMizerLib.settings import default_settings_text, update_settings_text

SETTINGS = "[protocol]\nexpected = CFV-L, CFV-R\n[attributes_to_keep]\nSeriesNumber\n"


@dataclass(frozen=True)
class Prepared:
    """A planted exam that was prepared, with one instance that is refused and one that failed."""

    plants: Plants
    output: Path
    linkage: Path
    source: Path

    @property
    def shared(self) -> Path:
        (page,) = (path for path in self.output.glob("*.html") if path.name != "report.html")
        return page

    @property
    def reviewers(self) -> Path:
        (page,) = (self.linkage / "reports").iterdir()
        return page


@pytest.fixture(autouse=True)
def plain_settings(own_home: Path) -> Path:
    """The user's settings, in which reports are written as they are by default, and text isn't looked for in pictures."""
    own_home.mkdir()
    path = own_home / "settings.ini"
    path.write_text(update_settings_text(default_settings_text(), {("review", "require_text_check"): "no"}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    folder = tmp_path_factory.mktemp("planted")
    plants = Plants()
    source = make_planted_exam(folder / "input", plants)
    loose = next(path for path in source.iterdir() if path.suffix != ".zip")
    whole = loose.read_bytes()
    shutil.copy(loose, source / "a duplicate")
    dataset = sample_dataset(SampleKind.MONOCHROME_FRAME, number=9)
    for keyword, value in (("PatientID", plants.patient_id), ("PatientName", plants.patient_name)):
        setattr(dataset, keyword, value)
    dataset.IssuerOfPatientID = plants.issuer
    (source / "truncated").write_bytes(dicom_bytes(dataset)[:-240_000])
    assert loose.read_bytes() == whole
    (folder / "settings.ini").write_text(SETTINGS)
    command = [
        "prepare",
        source,
        "--output",
        folder / "out",
        "--accept-unreviewed",
        "--tag",
        "CFV-L",
        "--linkage",
        folder / "linkage",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "USDICOMizerLib", *map(str, command), "--settings", str(folder / "settings.ini")],
        env={**os.environ, "USDICOMIZER_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1, "one is refused"
    assert "report.html" in ran.stdout, ran.stderr
    return Prepared(plants, folder / "out", folder / "linkage", source)


def test_no_planted_identifier_is_in_what_lies_beside_the_export(prepared):
    pages = list(prepared.output.glob("*.html"))
    assert len(pages) == 2
    texts = [page.read_bytes().lower() for page in pages]
    texts += [path.name.lower().encode() for path in prepared.output.iterdir()]
    planted = [*prepared.plants.places, str(prepared.source), *map(str, PLANTED)]
    survivors = [
        prepared.plants.places.get(value, value) for value in planted if any(value.lower().encode() in text for text in texts)
    ]
    assert survivors == []


def test_the_report_tells_what_left_and_what_did_not(prepared):
    record = read_record(prepared.shared)
    assert sorted(one.outcome for one in record.instances) == ["prepared"] * 3 + ["refused"]
    assert record.missing == ("CFV-R",)
    assert record.kept == ("SeriesNumber (0020,0011)",)
    assert all(one.actions["removed"] > 100 for one in record.left)
    (refused,) = record.stayed
    assert refused.reason == "damaged-pixel-data"
    page = prepared.shared.read_text()
    assert "Copy the file again" in page
    assert "SeriesNumber (0020,0011)" in page
    assert page.count("not reviewed</span>") == 3


def test_the_reviewers_copy_is_the_owners_alone(prepared):
    page = prepared.reviewers.read_text()
    assert "Before, with the crop box" in page
    if os.name == "posix":
        assert stat.S_IMODE(prepared.reviewers.stat().st_mode) == 0o600
    assert "Before" not in prepared.shared.read_text().split("<style>")[0]


FILTER = """(function () {
  const form = document.getElementById("filter");
  const set = (name, value) => { form.elements[name].value = value; form.dispatchEvent(new Event("input", {bubbles: true})); };
  const seen = () => Array.from(document.querySelectorAll("[data-number]")).filter((one) => one.offsetParent !== null);
  const said = () => document.getElementById("shown").textContent;
  const found = [];
  for (const [name, value] of %s) { set(name, value); found.push([seen().map((one) => one.dataset.number), said()]); }
  return found;
})()"""
PICTURES = """Array.from(document.images).map((one) => one.complete && one.naturalWidth > 0)"""


def test_a_browser_shows_the_report_and_fetches_nothing(prepared, tmp_path):
    steps = '[["outcome", "stayed"], ["outcome", "left"], ["outcome", ""], ["sort", "frames"], ["tag", "CFV-L"]]'
    opened = open_page(prepared.shared, [FILTER % steps, PICTURES], screenshot=tmp_path / "page.png", pdf=tmp_path / "page.pdf")
    assert opened.console == []
    assert opened.requests == []
    record = read_record(prepared.shared)
    everything = [str(one.number) for one in record.instances]
    stayed, left, all_again, by_frames, by_tag = opened.answers[0]
    assert stayed == [[str(one.number) for one in record.stayed], "1 of 4 shown"]
    assert left == [[str(one.number) for one in record.left], "3 of 4 shown"]
    assert sorted(all_again[0]) == everything
    frames = {str(one.number): one.manifest.get("frames", 0) for one in record.instances}
    assert [frames[number] for number in by_frames[0][:3]] == [3, 3, 1]
    assert len(by_tag[0]) == 4
    assert opened.answers[1] == [True] * 5, "one picture of a frame, two of each cine"
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_a_browser_shows_the_reviewers_copy_and_the_cohort(prepared):
    opened = open_page(prepared.reviewers, ["document.querySelectorAll('rect.crop').length", PICTURES])
    assert (opened.console, opened.requests) == ([], [])
    assert opened.answers[0] == 7, "one frame of an image, three of each cine"
    assert all(opened.answers[1])
    steps = '[["words", "nobody"], ["words", ""], ["outcome", "gap"], ["sort", "size"]]'
    opened = open_page(prepared.output / "report.html", [FILTER % steps, "document.querySelector('a').getAttribute('href')"])
    assert (opened.console, opened.requests) == ([], [])
    assert [said for _, said in opened.answers[0]] == ["0 of 1 shown", "1 of 1 shown", "1 of 1 shown", "1 of 1 shown"]
    assert opened.answers[1] == prepared.shared.name


def test_the_policy_of_a_page_stops_what_would_fetch_or_run(prepared, tmp_path):
    attacked = tmp_path / "attacked.html"
    inserted = '<img src="https://example.org/x.png"><script>document.title = "run"</script></main>'
    attacked.write_text(prepared.shared.read_text().replace("</main>", inserted))
    opened = open_page(attacked, ["document.title"])
    assert opened.requests == []
    assert len(opened.console) >= 2, "the browser says what it stopped"
    assert opened.answers[0].startswith("Exam")


def test_a_resumed_run_keeps_reports_writes_missing_ones_and_tells_of_all_exams(usdicomizer, tmp_path):
    out = tmp_path / "out"
    other = tmp_path / "other.dcm"
    dataset = sample_dataset(SampleKind.RGB_FRAME)
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.77"
    other.write_bytes(dicom_bytes(dataset))
    exam = make_sample_exam(tmp_path / "exam.zip")
    assert usdicomizer("prepare", exam, "--output", out, "--accept-unreviewed", "--no-report").status == 0
    assert not list(out.glob("*.html"))
    assert usdicomizer("prepare", exam, "--output", out, "--accept-unreviewed", "--resume").status == 0
    (page,) = (path for path in out.glob("*.html") if path.name != "report.html")
    assert [one.outcome for one in read_record(page).instances] == ["unchanged"] * 4
    before = page.stat().st_mtime_ns
    ran = usdicomizer("prepare", exam, other, "--output", out, "--accept-unreviewed", "--resume", "--json")
    assert ran.status == 0, ran.stderr
    assert page.stat().st_mtime_ns == before
    assert len(list(out.glob("*.html"))) == 3
    assert "<strong>5 of 5 instances</strong> (images and cines) of 2 exams left." in (out / "report.html").read_text()


def test_an_export_that_was_removed_is_not_said_to_have_left(usdicomizer, tmp_path):
    out, sources = tmp_path / "out", []
    for number, kind in enumerate((SampleKind.RGB_FRAME, SampleKind.MONOCHROME_FRAME, SampleKind.RGB_FRAME)):
        dataset = sample_dataset(kind)
        dataset.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.8.499.{number}"
        sources.append(tmp_path / f"{number}.dcm")
        sources[-1].write_bytes(dicom_bytes(dataset))
    assert usdicomizer("prepare", *sources[:2], "--output", out, "--accept-unreviewed").status == 0
    gone = next(out.glob("*.zip"))
    exam = read_record(gone.with_suffix(".html")).exam
    gone.unlink()
    assert usdicomizer("prepare", sources[2], "--output", out, "--accept-unreviewed").status == 0
    page = (out / "report.html").read_text()
    assert "<strong>2 of 2 instances</strong> (images and cines) of 2 exams left." in page
    assert exam not in page


KILLED_BEFORE_ITS_REPORT = """
import os, signal, sys
from USDICOMizerLib import cli, units
units.reported = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cli.main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_kill_between_an_export_and_its_report_leaves_no_old_report_and_resuming_writes_the_new_one(usdicomizer, tmp_path):
    exam, out, linkage = make_sample_exam(tmp_path / "exam.zip"), tmp_path / "out", tmp_path / "linkage"

    def command(folder: Path) -> list[object]:
        return ["prepare", exam, "--output", folder, "--accept-unreviewed", "--linkage", linkage]

    box = ("--crop", "200,200,400,400")
    assert usdicomizer(*command(out)).status == 0
    (page,) = (path for path in out.glob("*.html") if path.name != "report.html")
    killed = [sys.executable, "-c", KILLED_BEFORE_ITS_REPORT, *map(str, (*command(out), "--overwrite", *box))]
    assert subprocess.run(killed, capture_output=True).returncode == -signal.SIGKILL
    assert page.with_suffix(".zip").exists()
    assert not page.exists(), "it shows more than what is exported now"
    reviewers = linkage / "reports" / page.name
    before = reviewers.read_bytes()
    resumed = usdicomizer(*command(out), "--resume", *box, "--json")
    assert resumed.status == 0, resumed.stderr
    assert resumed.result["outcomes"]["unchanged"] == 4
    assert reviewers.read_bytes() != before
    assert usdicomizer(*command(tmp_path / "undisturbed"), *box).status == 0
    undisturbed = read_record(tmp_path / "undisturbed" / page.name)
    assert all(one.box and one.how and one.actions for one in undisturbed.instances)
    expected = replace(undisturbed, instances=tuple(replace(one, outcome="unchanged") for one in undisturbed.instances))
    assert read_record(page) == expected


def test_without_the_template_engine_exports_go_on_and_say_how_to_get_reports(usdicomizer, tmp_path, monkeypatch):
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text("import sys\nsys.modules['jinja2'] = None\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "without"), os.environ.get("PYTHONPATH", "")]))
    source = tmp_path / "frame.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--accept-unreviewed")
    assert ran.status == 0, ran.stderr
    assert len(list((tmp_path / "out").glob("*.zip"))) == 1
    assert not list((tmp_path / "out").glob("*.html"))
    (line,) = (line for line in ran.stderr.splitlines() if "Jinja2" in line)
    assert "USDICOMizerLib[report]" in line
    asked = usdicomizer("prepare", source, "--output", tmp_path / "two", "--accept-unreviewed", "--report")
    assert asked.status == 2
    assert "Jinja2" in asked.stderr
    assert not (tmp_path / "two").exists()


def test_a_report_that_cannot_be_written_is_told_and_loses_no_export(usdicomizer, tmp_path):
    source = tmp_path / "frame.dcm"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("somebody's own")
    ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--accept-unreviewed")
    assert ran.status == 1
    assert "is no report of this program" in ran.stderr
    assert len(list((tmp_path / "out").glob("*.zip"))) == 1
    assert (tmp_path / "out" / "report.html").read_text() == "somebody's own"


def test_a_report_of_an_export_that_was_replaced_goes_even_where_no_new_one_is_wanted(usdicomizer, tmp_path):
    source, out = tmp_path / "frame.dcm", tmp_path / "out"
    source.write_bytes(dicom_bytes(sample_dataset(SampleKind.MONOCHROME_FRAME)))
    command = ["prepare", source, "--output", out, "--accept-unreviewed"]
    assert usdicomizer(*command).status == 0
    (page,) = (path for path in out.glob("*.html") if path.name != "report.html")
    assert usdicomizer(*command, "--overwrite", "--no-report").status == 0
    assert page.exists(), "the same export"
    assert usdicomizer(*command, "--overwrite", "--no-report", "--crop", "200,200,400,400").status == 0
    assert not page.exists(), "it shows more than what is exported now"
