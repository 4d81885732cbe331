"""The plan's file opens in a spreadsheet and comes back from one as it was."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.errors import ExportError, PlanError
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.geometry import CropBox, Fan, Polygon, RectangleSector, Redaction
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.plan import Plan, PlanRow
from USDICOMizerLib.plan_file import COLUMNS, parse_plan, plan_bytes, read_plan, write_plan
from USDICOMizerLib.readiness import Policy, assess
from USDICOMizerLib.tags import Tag, TagVocabulary

VOCABULARY = TagVocabulary()
BOX = CropBox(337, 69, 686, 727)
FULL = PlanRow(
    "1.2.3",
    "1.2.3.4",
    "/data/Müller; Eva, 1.zip::a/b.dcm",
    Decision(
        order=3,
        crop=BOX,
        mask=Mask.SECTOR,
        sector=Fan(320.5, 12, 40, 400, 44.25, 135),
        redactions=(Redaction(CropBox(1, 2, 30, 40), 1, 10), Redaction(CropBox(5, 6, 70, 80))),
        tag=Tag("FV-D", "L", "compression"),
        reviewed=True,
        review_digest="ab" * 32,
        proposal="regions 337 69 686 727",
        confidence=0.85,
        note='says "no", then\nyes; maybe',
    ),
    2,
)

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30) | st.sampled_from(
    ["=1+1", "-x", "'", "'=", "''+a", "\t@", " a name that ends in a space "]
)
boxes = st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(401, 900)] * 2).map(lambda edges: CropBox(*edges))
sectors = st.sampled_from([None, FULL.decision.sector, Polygon(((1.5, 2), (30, 4), (5, 60))), RectangleSector(BOX)])
decisions = st.builds(
    Decision,
    include=st.booleans(),
    order=st.none() | st.integers(0, 999),
    crop=st.none() | boxes,
    mask=st.sampled_from(list(Mask)),
    sector=sectors,
    redactions=st.lists(st.builds(Redaction, boxes), max_size=2).map(tuple),
    tag=st.none() | st.sampled_from([Tag("CFV"), Tag("FV-D", "R"), Tag("OPT", "", "optional")]),
    reviewed=st.booleans(),
    proposal=words,
    confidence=st.none() | st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
    note=words,
)


def table(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> str:
    """A plan as a spreadsheet would write it; what a row doesn't say is as empty as it may be."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows({"sop_instance_uid": "1.2.3.4", "include": "yes"} | row for row in rows)
    return text.getvalue()


def read(text: str | bytes) -> Plan:
    return parse_plan(text.encode() if isinstance(text, str) else text, "plan.csv", VOCABULARY)


def decision_of(**cells: str) -> Decision:
    return read(table(cells)).rows[0].decision


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(PlanError) as error:
        read(text)
    return [mistake.place for mistake in error.value.mistakes]


def respelled(data: bytes, delimiter: str, encoding: str, line_end: str, quoting: int) -> bytes:
    """What a spreadsheet of another country or system makes of a plan when it saves it."""
    text = io.StringIO(newline="")
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


def test_a_plan_has_the_columns_of_the_contract_and_a_byte_order_mark() -> None:
    header = plan_bytes(Plan((FULL,))).splitlines()[0]
    assert header == b"\xef\xbb\xbf" + (
        b"study_uid,sop_instance_uid,source,include,order,crop,mask,sector,redactions,site,side,purpose,"
        b"reviewed,review_digest,proposal,confidence,note"
    )


def test_every_field_comes_back() -> None:
    assert read(plan_bytes(Plan((FULL,)))).rows == (FULL,)


@given(st.lists(st.tuples(words, decisions), max_size=4))
def test_any_plan_comes_back(content: list[tuple[str, Decision]]) -> None:
    numbered = enumerate(content, start=2)
    rows = tuple(PlanRow("1.2", f"1.2.{number}", source, decision, number) for number, (source, decision) in numbered)
    assert read(plan_bytes(Plan(rows))).rows == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["minimal", "all"])
def test_a_plan_survives_a_spreadsheet(delimiter: str, encoding: str, line_end: str, quoting: int) -> None:
    assert read(respelled(plan_bytes(Plan((FULL,))), delimiter, encoding, line_end, quoting)).rows == (FULL,)


def test_no_cell_can_be_taken_for_a_formula_or_a_number_of_four_parts() -> None:
    row = PlanRow("1.2", "1.2.3", "=cmd()", FULL.decision.replaced(note="+49", proposal="@x"))
    cells = next(csv.DictReader(io.StringIO(plan_bytes(Plan((row,))).decode("utf-8-sig"), newline="")))
    assert not [cell for cell in cells.values() if cell[:1] in set("=+-@\t\r")]
    assert cells["crop"] == "337 69 686 727"


def test_excels_own_first_line_and_empty_rows_are_passed_over() -> None:
    text = "sep=;\r\n" + table({"order": "1"}, {"order": "2"}, delimiter=";")
    lines = text.splitlines(keepends=True)
    with_gaps = "".join([lines[0], lines[1], ";;;\r\n", lines[2], "\r\n", lines[3], ";" * 16 + "\r\n"])
    assert [(row.number, row.decision.order) for row in read(with_gaps).rows] == [(3, 1), (5, 2)]


def test_columns_may_be_moved_and_short_rows_are_filled() -> None:
    moved = COLUMNS[::-1]
    assert read(table({"crop": "1,2,3,4"}, columns=moved)).rows[0].decision.crop == CropBox(1, 2, 3, 4)
    first = ("include", "sop_instance_uid")
    header = ",".join((*first, *(column for column in COLUMNS if column not in first)))
    assert read(f"{header}\nno,1.2\n").rows[0].decision == Decision(include=False)


@pytest.mark.parametrize("text", ["1,2,3,4", "1;2;3;4", " 1 2  3 4 ", "1, 2, 3, 4"])
def test_a_box_is_read_with_commas_semicolons_or_spaces(text: str) -> None:
    assert decision_of(crop=text).crop == CropBox(1, 2, 3, 4)


def test_none_keeps_the_whole_frame_and_nothing_means_no_box() -> None:
    assert (decision_of(crop="None").whole_frame, decision_of(crop="none").crop) == (True, None)
    assert (decision_of(crop="").whole_frame, decision_of(crop="").crop) == (False, None)


@pytest.mark.parametrize(("text", "value"), [("0,85", 0.85), ("0.85", 0.85), ("1", 1.0), (",5", 0.5), ("", None)])
def test_the_confidence_has_a_decimal_point_or_comma(text: str, value: float | None) -> None:
    assert decision_of(confidence=text).confidence == value


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("YES", True), ("TRUE", True), ("1", True), ("no", False), ("", False)]
)
def test_reviewed_is_yes_only_where_it_says_so(text: str, value: bool) -> None:
    assert decision_of(reviewed=text).reviewed is value


def test_names_of_the_tag_are_read_in_any_case() -> None:
    assert decision_of(site="fv-d", side="l").tag == Tag("FV-D", "L")
    assert decision_of().tag is None


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("sop_instance_uid", ""),
        ("include", ""),
        ("include", "perhaps"),
        ("order", "first"),
        ("order", "1.5"),
        ("crop", "1,2,3"),
        ("crop", "33769686727"),
        ("crop", "9 9 1 1"),
        ("mask", "circle"),
        ("sector", "fan 1 2"),
        ("redactions", "1 2 3 4 @ x"),
        ("site", "XYZ"),
        ("reviewed", "done"),
        ("confidence", "1.5"),
        ("confidence", "high"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_row_and_column(column: str, text: str) -> None:
    assert mistakes(table({}, {column: text})) == [f"plan.csv, row 3 (column {column})"]


def test_a_side_without_a_site_is_a_mistake() -> None:
    assert mistakes(table({"side": "L"})) == ["plan.csv, row 2 (column site)"]


@pytest.mark.parametrize("mask", [Mask.SECTOR, Mask.RECTANGLE])
def test_a_mask_without_its_shape_is_of_its_row_alone_and_leaves_the_others_readable(
    mask: Mask, make_instance: Callable[..., Instance]
) -> None:
    lacking, other = read(table({"mask": mask.value}, {"crop": "1 2 3 4"})).rows
    assert other.decision.crop == CropBox(1, 2, 3, 4)
    assert (lacking.decision.mask, lacking.decision.sector, lacking.decision.crop) == (mask, None, None)
    instance = make_instance()
    findings = assess(instance, lacking.decision, Policy(), Exam("1.2", (instance,)))
    assert [finding.problem for finding in findings] == [Problem.NO_CROP]


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes(table({"crop": "x", "mask": "y"}, {"order": "z"}))) == 3


def test_a_header_with_unknown_missing_or_repeated_columns_is_refused() -> None:
    assert mistakes("a,b\n1,2\n")
    without = tuple(column for column in COLUMNS if column != "redactions")
    with pytest.raises(PlanError, match="missing: redactions"):
        read(table({}, columns=without))
    with pytest.raises(PlanError, match="did you mean redactions"):
        read(table({}).replace("redactions", "redaction"))
    with pytest.raises(PlanError, match="more than once"):
        read(table({}).replace("proposal", "note", 1))


def test_a_row_with_more_cells_than_the_header_is_a_mistake() -> None:
    assert mistakes(table({}).rstrip("\r\n") + ",x\r\n") == ["plan.csv, row 2"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe", b"\x89PNG\r\n\x1a\n\x00\x00", b'"' * 999], ids=str)
def test_what_is_no_plan_is_said_to_be_none(data: bytes) -> None:
    assert mistakes(data)


def test_messages_repeat_nothing_that_identifies() -> None:
    shifted = table({"crop": "/home/Doe_Jane.dcm", "order": "1.2.3.4", "sector": "Doe_Jane", "mask": "Doe"})
    with pytest.raises(PlanError) as error:
        read(shifted)
    assert len(error.value.mistakes) == 4
    assert "Doe" not in str(error.value) and "1.2.3.4" not in str(error.value)


def test_a_plan_is_written_whole_for_its_owner_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("old")
    write_plan(Plan((FULL,)), path)
    assert read_plan(path, VOCABULARY) == Plan((FULL,), "plan.csv")
    assert list(tmp_path.glob("*.csv")) == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_plan_that_cannot_be_read_or_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't be read"):
        read_plan(tmp_path / "none.csv", VOCABULARY)
    with pytest.raises(ExportError, match="can't be written"):
        write_plan(Plan((FULL,)), tmp_path / "no folder" / "plan.csv")
