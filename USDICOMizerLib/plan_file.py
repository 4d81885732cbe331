"""The plan as a file: a CSV that a person may edit in a spreadsheet.

It holds original UIDs and paths of sources: it belongs in the linkage folder, and never in an export.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from USDICOMizerLib.decision import Decision, Mask, Misfit
from USDICOMizerLib.errors import CommandError, ExportError, Mistake, PlanError
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.geometry import CropBox, format_redactions, parse_redactions, parse_sector
from USDICOMizerLib.plan import Plan, PlanRow, mistake_at
from USDICOMizerLib.tags import Tag, TagVocabulary

COLUMNS = (
    "study_uid",
    "sop_instance_uid",
    "source",
    "include",
    "order",
    "crop",
    "mask",
    "sector",
    "redactions",
    "site",
    "side",
    "purpose",
    "reviewed",
    "review_digest",
    "proposal",
    "confidence",
    "note",
)

_FREE_TEXT = frozenset({"source", "proposal", "note"})
_WHOLE_FRAME = "none"
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})
# What makes a spreadsheet take a cell for a formula; such a cell, and one that looks escaped, is written after a '.
_NEEDS_ESCAPE = re.compile(r"[=+\-@'\t\r]")
_DELIMITERS = ",;\t"

_Value = TypeVar("_Value")


def plan_bytes(plan: Plan) -> bytes:
    """The plan as a file: UTF-8 with a byte order mark, without which Excel takes another encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in plan.rows:
        writer.writerow(map(_escaped, _cells(row)))
    return codecs.BOM_UTF8 + text.getvalue().encode("utf-8", "backslashreplace")


def write_plan(plan: Plan, path: Path) -> None:
    """Write the plan whole or not at all, in the place of an older one; readable by its owner only (POSIX).

    Raises ExportError where it can't be written.
    """
    try:
        with written_whole(path, replace=True, private=True) as stream:
            stream.write(plan_bytes(plan))
    except OSError as error:
        raise ExportError(f"{path.name} can't be written: {error.strerror}.") from None


def read_plan(path: Path, vocabulary: TagVocabulary) -> Plan:
    """Read a plan, as `write_plan` wrote it or as a spreadsheet saved it since.

    Comma, semicolon or tab; UTF-8, UTF-16 or the encoding of Windows; columns in any order; empty rows anywhere.
    Raises PlanError with all mistakes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError([Mistake(path.name, f"the plan can't be read: {error.strerror}")]) from None
    return parse_plan(data, path.name, vocabulary)


def parse_plan(data: bytes, name: str, vocabulary: TagVocabulary) -> Plan:
    """Read the bytes of a plan; `name` is what messages call it. Raises PlanError with all mistakes."""
    try:
        records = _records(_decoded(data))
    except csv.Error as error:
        raise PlanError([Mistake(name, f"it isn't a table of comma-separated values: {error}")]) from None
    # As a spreadsheet counts; empty rows before the header count too.
    numbered = [(number, record) for number, record in enumerate(records, start=1) if any(map(str.strip, record))]
    if not numbered:
        raise PlanError([Mistake(name, f"it is empty. The first row names the columns: {', '.join(COLUMNS)}")])
    (_, header), *numbered = numbered
    columns = [column.strip().casefold() for column in header]
    mistakes = _header_mistakes(columns, name)
    if mistakes:
        raise PlanError(mistakes)
    rows = [_RowReader(name, number, columns, record, mistakes).row(vocabulary) for number, record in numbered]
    if mistakes:
        raise PlanError(mistakes)
    return Plan(tuple(rows), name)


def _cells(row: PlanRow) -> tuple[str, ...]:
    """The row's cells in the order of COLUMNS. Boxes have spaces: a spreadsheet takes 337,69,686,727 for a number."""
    decision = row.decision
    crop = _WHOLE_FRAME if decision.whole_frame else str(decision.crop or "").replace(",", " ")
    tag = decision.tag or Tag("")
    return (
        row.study_uid,
        row.sop_instance_uid,
        row.source,
        "yes" if decision.include else "no",
        "" if decision.order is None else str(decision.order),
        crop,
        decision.mask.value,
        str(decision.sector or ""),
        format_redactions(decision.redactions),
        tag.site,
        tag.side,
        tag.purpose,
        "yes" if decision.reviewed else "no",
        decision.review_digest,
        decision.proposal,
        "" if decision.confidence is None else f"{decision.confidence:g}",
        decision.note,
    )


def _escaped(cell: str) -> str:
    return f"'{cell}" if _NEEDS_ESCAPE.match(cell) else cell


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _NEEDS_ESCAPE.match(cell, 1) else cell


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _records(text: str) -> list[list[str]]:
    """The table's records, its delimiter found by its header; Excel's line "sep=;" isn't one of them."""
    text = re.sub(r'\A\s*"?sep=[^\r\n]*(?:\r\n|\r|\n)', "", text, flags=re.IGNORECASE)
    header = next(filter(str.strip, text.splitlines()), "")

    def known_columns(delimiter: str) -> int:
        return len(set(COLUMNS).intersection(name.strip(' "').casefold() for name in header.split(delimiter)))

    delimiter = max(_DELIMITERS, key=known_columns)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _header_mistakes(columns: Sequence[str], name: str) -> list[Mistake]:
    mistakes = []
    for column in dict.fromkeys(filter(None, columns)):
        if column not in COLUMNS:
            close = get_close_matches(column, COLUMNS, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            position = columns.index(column) + 1
            mistakes.append(Mistake(f"{name}, row 1", f"the name of column {position} isn't one of a plan's{hint}"))
        elif columns.count(column) > 1:
            mistakes.append(Mistake(f"{name}, row 1", f"the column {column} is there more than once"))
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        mistakes.append(
            Mistake(f"{name}, row 1", f"columns are missing: {', '.join(missing)}. The columns are {', '.join(COLUMNS)}")
        )
    return mistakes


class _RowReader:
    """Reads one record; what can't be read is added to the mistakes, with its column."""

    def __init__(self, name: str, number: int, columns: Sequence[str], record: Sequence[str], mistakes: list[Mistake]):
        self.name = name
        self.number = number
        self.mistakes = mistakes
        if any(map(str.strip, record[len(columns) :])):
            mistakes.append(Mistake(f"{name}, row {number}", "it has more cells than the header has columns"))
        self.cells = dict.fromkeys(COLUMNS, "")
        for column, cell in zip(columns, record, strict=False):
            self.cells[column] = _unescaped(cell if column in _FREE_TEXT else cell.strip())

    def row(self, vocabulary: TagVocabulary) -> PlanRow:
        if not self.cells["sop_instance_uid"]:
            self._add("sop_instance_uid", "it is empty, so no instance is named")
        if not self.cells["include"]:
            self._add("include", "say yes or no")
        whole_frame = self.cells["crop"].casefold() == _WHOLE_FRAME
        decision = Decision(
            include=self._read("include", _yes_or_no, False),
            order=self._read("order", _whole_number, None),
            crop=None if whole_frame else self._read("crop", CropBox.parse, None),
            whole_frame=whole_frame,
            mask=self._read("mask", _mask, Mask.NONE),
            sector=self._read("sector", parse_sector, None),
            redactions=self._read("redactions", parse_redactions, ()),
            tag=self._tag(vocabulary),
            reviewed=self._read("reviewed", _yes_or_no, False),
            review_digest=self.cells["review_digest"].lower(),
            proposal=self.cells["proposal"],
            confidence=self._read("confidence", _confidence, None),
            note=self.cells["note"],
        )
        return PlanRow(self.cells["study_uid"], self.cells["sop_instance_uid"], self.cells["source"], decision, self.number)

    def _tag(self, vocabulary: TagVocabulary) -> Tag | None:
        tag = Tag(self.cells["site"], self.cells["side"], self.cells["purpose"])
        if tag == Tag(""):
            return None
        with self._mistake_in("site"):
            return vocabulary.check(tag)

    def _read(self, column: str, parse: Callable[[str], _Value], otherwise: _Value) -> _Value:
        """The value of a cell, or `otherwise` for an empty one and for a mistake."""
        if self.cells[column]:
            with self._mistake_in(column):
                return parse(self.cells[column])
        return otherwise

    @contextlib.contextmanager
    def _mistake_in(self, column: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, CommandError) as error:
            self._add(column, str(error))

    def _add(self, column: str, message: str) -> None:
        self.mistakes.append(mistake_at(self.name, self.number, Misfit(column, message)))


def _yes_or_no(text: str) -> bool:
    if text.casefold() not in _YES | _NO:
        raise ValueError("say yes or no")
    return text.casefold() in _YES


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("the place in the export is a whole number: 1, 2, 3 ...")
    return int(text)


def _mask(text: str) -> Mask:
    if text.casefold() not in set(Mask):
        raise ValueError(f"the mask is one of {', '.join(Mask)}")
    return Mask(text.casefold())


def _confidence(text: str) -> float:
    """A number from 0 to 1, with a decimal point or comma."""
    if not re.fullmatch(r"[0-9]*[.,]?[0-9]+(?:[eE]-[0-9]+)?", text) or not 0 <= (value := float(text.replace(",", "."))) <= 1:
        raise ValueError("the confidence is a number from 0 to 1")
    return value
