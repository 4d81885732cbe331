"""The HTML report of an exam: beside the ZIP what left and what didn't, in the linkage folder also what it was before.

One file each, that loads nothing: pictures, style and script are in it. A policy in its head (CSP) keeps browsers from
fetching anything, and from running any other script. What lies beside the export holds pseudonyms and numbers only, and is
searched for the identifying values of the sources before it appears.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from USDICOMizerLib.archive import MANIFEST_COLUMNS, contents_digest
from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.needles import Needles, Strength
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.residue import find_in_text, identifying_values, present_needles, scan_bytes
from USDICOMizerLib.errors import ReportError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.export import ExamResult, ExportJob, InstanceResult, export_name, in_plan_order
from USDICOMizerLib.exports import open_archive, read_manifest
from USDICOMizerLib.files import make_private_folder, written_whole
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.logs import log
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.report_pictures import Picture, after_pictures, before_pictures
from USDICOMizerLib.report_record import (
    ExamRecord,
    InstanceRecord,
    TextPlace,
    is_about,
    is_report,
    manifest_facts,
    read_record,
    remove_report,
    report_of,
)
from USDICOMizerLib.settings_attributes import describe
from USDICOMizerLib.sources import read_header
from USDICOMizerLib.text_findings import TextBox, TextFindings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE_ENGINE = "Jinja2"
HOW_TO_GET_IT = 'pip install "USDICOMizerLib[report]"'
_ENDED_BEFORE_IT = (
    "its export is whole, but the process that prepared it ended before the report was there. The same command with --resume, "
    "and with fewer --jobs where memory is short, makes the report"
)
_PROFILE = "Basic Profile of DICOM PS3.15"
_NOT_SHOWN = "(not shown: it holds a value of the source)"
_TEMPLATES = resources.files("USDICOMizerLib").joinpath("report_templates")


def can_report() -> bool:
    """Whether the template engine is installed."""
    return find_spec("jinja2") is not None


@dataclass(frozen=True)
class Before:
    """A frame as the scanner stored it, and what was blanked in it."""

    picture: Picture
    redactions: tuple[CropBox, ...]


@dataclass(frozen=True)
class Card:
    """An instance on a page: its record, its pictures, and in the reviewer's copy those before."""

    record: InstanceRecord
    pictures: tuple[Picture, ...] = ()
    before: tuple[Before, ...] = ()

    @property
    def box(self) -> CropBox | None:
        """What was cut, in pixels of the stored frame."""
        return CropBox.parse(self.record.box) if self.record.box else None

    @property
    def texts(self) -> list[tuple[CropBox, bool]]:
        """Where text was found in the stored frame, and whether it may identify."""
        return [(CropBox.parse(place.box), not place.harmless) for place in self.record.texts]


def reported(result: ExamResult, exam: Exam, decisions: Mapping[str, Decision], job: ExportJob) -> ExamResult:
    """Write the reports of an exam that has ended, where the run wants them; a report that can't be is told in the result.

    What was there before stays where this run changed nothing: an export that is as it was, or that it may not replace. A
    report of an export that was replaced goes in any case: it may show what the new one was made to hide.
    """
    export = job.terms.output / export_name(result.subject, result.exam)
    shared = report_of(export)
    if result.path is None and export.exists():
        return result
    try:
        is_new = any(one.outcome is Outcome.PREPARED for one in result.instances) and job.terms.reports is not None
        if result.path is not None and not is_new and is_about(shared, contents_digest(export)):
            return result
        remove_report(shared)
        if job.terms.reports is not None:
            _write_reports(result, exam, decisions, job, shared)
    except ReportError as error:
        return replace(result, report_error=str(error))
    except Exception as error:  # a report is no reason to lose an exam; the error's own words may quote a header
        log("report failed", level=logging.ERROR, exam=result.exam, error=error)
        return replace(result, report_error=f"the report could not be written ({type(error).__name__}); the log says where")
    return result


def without_its_report(result: ExamResult, job: ExportJob) -> ExamResult:
    """The result of an exam whose process ended when its export was there; it says so where the report is missing."""
    page = report_of(result.path)
    if is_about(page, contents_digest(result.path)):
        return result
    try:
        remove_report(page)
    except ReportError as error:
        return replace(result, report_error=str(error))
    return replace(result, report_error=_ENDED_BEFORE_IT) if job.terms.reports is not None else result


def _write_reports(result: ExamResult, exam: Exam, decisions: Mapping[str, Decision], job: ExportJob, shared: Path) -> None:
    instances = {number: (instance, decision) for number, instance, decision in in_plan_order(exam, decisions)}
    needles = Needles.merged(_needles_of(instance, job.preparation.rules) for instance in exam.instances)
    record = without_values(_record(result, instances, job), needles)
    cards = _cards(record, result.path, job.preparation.workers)
    page = render("exam.html", record=record, cards=cards, private=False)
    check_page(page, needles)
    private = [replace(card, before=_before(*instances[card.record.number])) for card in cards]
    make_private_folder(job.terms.reports)
    write_page(job.terms.reports / shared.name, render("exam.html", record=record, cards=private, private=True), private=True)
    write_page(shared, page)  # the last: where it is, nothing is left to do


def _record(result: ExamResult, instances: Mapping[int, tuple[Instance, Decision]], job: ExportJob) -> ExamRecord:
    rows = ()
    if result.path:
        with open_archive(result.path) as archive:
            rows = read_manifest(archive)
    in_manifest = iter(rows)
    records = []
    for one in result.instances:
        instance, decision = instances[one.number]
        left = one.outcome in (Outcome.PREPARED, Outcome.UNCHANGED)
        records.append(_instance_record(one, instance, decision, manifest_facts(next(in_manifest)) if left and rows else {}))
    there = {(one.manifest["site"], one.manifest["side"]) for one in records if one.manifest}
    rules = job.preparation.rules
    return ExamRecord(
        exam=result.exam,
        subject=result.subject,
        instances=tuple(records),
        export=result.path.name if result.path else "",
        size=result.path.stat().st_size if result.path else 0,
        contents=contents_digest(result.path) if result.path else "",
        error=result.error,
        key=job.preparation.pseudonyms.fingerprint,
        settings=job.settings_digest,
        profile=f"{_PROFILE} with exceptions, so that it isn't claimed" if rules.attributes_to_keep else _PROFILE,
        options=tuple(option.value for option in rules.options),
        kept=tuple(map(describe, rules.attributes_to_keep)),
        expected=tuple(map(str, job.terms.expected)),
        missing=tuple(str(tag) for tag in job.terms.expected if (tag.site, tag.side) not in there),
    )


def _instance_record(one: InstanceResult, instance: Instance, decision: Decision, manifest: dict) -> InstanceRecord:
    return InstanceRecord(
        number=one.number,
        outcome=one.outcome.value,
        reason=one.reason,
        detail=one.detail,
        tag=str(decision.tag or ""),
        frame=(instance.columns, instance.rows),
        box=one.box,
        how=one.how,
        reviewed=manifest.get("reviewed") == "yes",
        actions=dict(one.actions),
        warnings=tuple(one.warnings),
        manifest=manifest,
        text=one.text.summary if one.text else "",
        texts=_places(one.text) if one.text else (),
    )


def _places(text: TextFindings) -> tuple[TextPlace, ...]:
    return tuple(TextPlace(str(one.box), one.confidence, one.harmless) for one in text.boxes)


def _cards(record: ExamRecord, export: Path | None, workers: int) -> list[Card]:
    if export is None:
        return [Card(one) for one in record.instances]
    with open_archive(export) as archive:
        return [
            Card(one, after_pictures(archive, str(one.manifest["file"]), workers) if one.left else ()) for one in record.instances
        ]


def _before(instance: Instance, decision: Decision) -> tuple[Before, ...]:
    """The pictures before, for the reviewer's copy; none where they can't be read, which is told by the outcome."""
    try:
        pictures = before_pictures(instance)
    except Exception:
        return ()
    return tuple(
        Before(picture, tuple(redaction.box for redaction in decision.redactions if redaction.covers(number)))
        for number, picture in pictures
    )


def _needles_of(instance: Instance, rules: Rules) -> Needles:
    try:
        return identifying_values(read_header(instance.source), rules)
    except Exception:  # a file that can't be read any more; nothing of it is in the report but its number
        return Needles()


def without_values(record: ExamRecord, needles: Needles) -> ExamRecord:
    """The record without each text in which an identifying value of a source is found.

    All of it was searched when the export was made, but each instance only for the values of its own source.
    """
    texts = {text for text in _texts_of(record) if text}
    present = present_needles(needles, sorted(texts))
    hidden = {text for text in texts if find_in_text(text, present)}

    def shown(text: object) -> object:
        return _NOT_SHOWN if text in hidden else text

    def cleaned(one: InstanceRecord) -> InstanceRecord:
        manifest = {name: cell if name == "file" else shown(cell) for name, cell in one.manifest.items()}
        texts = {name: shown(getattr(one, name)) for name in ("detail", "tag", "how")}
        return replace(one, **texts, warnings=tuple(map(shown, one.warnings)), manifest=manifest)

    return replace(record, error=shown(record.error), instances=tuple(map(cleaned, record.instances)))


def _texts_of(record: ExamRecord) -> Iterator[str]:
    yield record.error
    for one in record.instances:
        yield from (one.detail, one.tag, one.how, *one.warnings)
        yield from (cell for cell in one.manifest.values() if isinstance(cell, str))


def check_page(page: str, needles: Needles) -> None:
    """Raise ReportError where a page holds an identifying value of a source, other than a word that every page has."""
    long = Needles(frozenset(needle for needle in needles.values if needle.strength is Strength.ANYWHERE))
    ours = present_needles(long, [_own_words()]).values
    if found := scan_bytes([page.encode()], Needles(long.values.difference(ours))):
        raise ReportError(f"the report was not written: it would hold a value of the source's {', '.join(sorted(found))}")


@lru_cache(maxsize=1)
def _own_words() -> str:
    """A page about nothing: words in it tell nothing of any patient."""
    plain = InstanceRecord(1, Outcome.PREPARED.value, manifest=dict.fromkeys(MANIFEST_COLUMNS, ""))
    nowhere = CropBox(0, 0, 1, 1)
    found = [TextFindings((TextBox(nowhere, 1, harmless),) * 2, read) for harmless in (True, False) for read in (True, False)]
    instances = (
        plain,
        replace(plain, reviewed=True),
        replace(plain, outcome=Outcome.UNCHANGED.value),
        *(replace(plain, text=one.summary, texts=_places(one)) for one in (*found, TextFindings((), read=True))),
    )
    record = ExamRecord("", "", instances)
    return render("exam.html", record=record, cards=[Card(one) for one in instances], private=False)


def render(template: str, **values: object) -> str:
    """A page: the template with the values, each escaped, and with its style and script."""
    style, script = (_TEMPLATES.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    allowed = ("default-src 'none'", "img-src data:", f"style-src {_hash(style)}", f"script-src {_hash(script)}")
    policy = "; ".join((*allowed, "base-uri 'none'", "form-action 'none'"))
    return _environment().get_template(template).render(style=style, script=script, policy=policy, **values)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    pages = {path.name: path.read_text(encoding="utf-8") for path in _TEMPLATES.iterdir() if path.name.endswith(".html")}
    environment = Environment(
        loader=DictLoader(pages), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"size": size_in_words, "count": _counted}
    return environment


def size_in_words(size: float) -> str:
    """Bytes as people say them: 1.4 MB."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def write_page(path: Path, page: str, *, private: bool = False) -> None:
    """Write a page whole. Raises ReportError where another kind of file has its name, or the folder can't be written."""
    try:
        if path.exists() and not is_report(path):
            raise ReportError(f"{path.name} exists and is no report of this program; move it away")
        with written_whole(path, replace=True, private=private) as stream:
            stream.write(page.encode())
    except OSError as error:
        raise ReportError(f"the report {path.name} could not be written: {error.strerror or type(error).__name__}") from error


def records_in(folder: Path) -> Iterator[ExamRecord]:
    """The records of the reports in a folder, by the names of their files; not those of exports that aren't there any more."""
    for path in sorted(folder.glob("*.html")):
        record = read_record(path)
        if record and not (record.export and not (folder / record.export).exists()):
            yield record
