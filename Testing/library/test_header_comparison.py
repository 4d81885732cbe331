"""The header before and after, side by side: what is shown is what is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from USDICOMizerLib.choices import Choices, decide
from USDICOMizerLib.decision import Decision, Mask
from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.header_comparison import HeaderRow, compare_header, preparation_to_show
from USDICOMizerLib.opened import open_instance
from USDICOMizerLib.prepare import prepare
from USDICOMizerLib.sample_exam import PLANTED, SampleKind, dicom_bytes, sample_dataset
from USDICOMizerLib.session_export import ExportChoices
from USDICOMizerLib.settings import Settings
from USDICOMizerLib.sources import discover
from USDICOMizerLib.tags import TagVocabulary


def _compared(folder: Path, kind: SampleKind = SampleKind.RGB_FRAME, decision: Decision | None = None, **choices: object):
    path = folder / "instance"
    path.write_bytes(dicom_bytes(sample_dataset(kind, frames=2 if kind.is_cine else None)))
    (instance,) = discover([path]).instances
    decision = decision or decide(instance, Choices(), Settings())
    preparation = preparation_to_show(Settings(), ExportChoices(**choices))
    opened = open_instance(instance)
    rows = compare_header(opened, decision, "S-1", preparation, reviewed=False)
    opened.close()
    return rows, (instance, decision, preparation)


def _every(rows: tuple[HeaderRow, ...]) -> Iterator[HeaderRow]:
    for row in rows:
        yield row
        yield from _every(row.rows)


def _row(rows: tuple[HeaderRow, ...], keyword: str) -> HeaderRow:
    return next(row for row in rows if row.keyword == keyword)


@pytest.mark.parametrize("kind", [SampleKind.RGB_FRAME, SampleKind.JPEG_CINE])
def test_the_after_column_is_the_header_that_is_written(tmp_path, kind):
    rows, (instance, decision, preparation) = _compared(tmp_path, kind)
    with prepare(instance, decision, "S-1", preparation) as prepared:
        path = tmp_path / "written.dcm"
        with path.open("w+b") as stream:
            prepared.write(stream)
    written = dcmread(path, stop_before_pixels=True)
    shown = {row.tag for row in rows if row.after is not None}
    assert shown == {f"({tag.group:04X},{tag.element:04X})" for tag in written.keys()}
    assert _row(rows, "Rows").after == str(written.Rows)
    assert _row(rows, "SOPInstanceUID").after == written.SOPInstanceUID


def test_nothing_identifying_is_in_the_after_column_and_all_of_it_is_in_the_before_column(tmp_path):
    rows, _ = _compared(tmp_path)
    before = " ".join(row.before or "" for row in _every(rows))
    after = " ".join(row.after or "" for row in _every(rows)).casefold()
    assert "FENWICK" in before and "MRN-48151623" in before
    assert not [text for text in PLANTED if text.casefold() in after]


def test_each_action_and_reason_is_that_of_the_profile(tmp_path):
    rows, _ = _compared(tmp_path)
    name, birth, modality = (_row(rows, keyword) for keyword in ("PatientName", "PatientBirthDate", "Modality"))
    assert (name.after, name.action) == ("S-1", "written by this program")
    assert (birth.after, birth.action) == ("", "emptied")
    assert (modality.action, modality.is_changed) == ("kept", False)
    assert _row(rows, "InstitutionName").after is None
    assert "Table E.1-1" in birth.reason
    assert all(row.reason for row in _every(rows) if row.tag)


def test_what_follows_the_crop_is_said_to(tmp_path):
    rows, _ = _compared(tmp_path, decision=Decision(crop=CropBox(100, 60, 700, 560)))
    assert (_row(rows, "Rows").before, _row(rows, "Rows").after, _row(rows, "Rows").action) == ("600", "500", "rewritten")
    regions = _row(rows, "SequenceOfUltrasoundRegions")
    assert regions.is_changed and regions.rows[0].name == "Item 1"
    assert _row(regions.rows[0].rows, "RegionLocationMinX0").action == "rewritten"
    assert _row(rows, "DerivationDescription").action == "added"


def test_all_that_a_removed_sequence_holds_goes_with_it(tmp_path):
    rows, _ = _compared(tmp_path)
    request = _row(rows, "RequestAttributesSequence")
    assert request.after is None and request.rows
    assert {row.action for row in _every(request.rows) if row.tag} == {"removed"}


def test_a_tag_shows_where_it_is_written(tmp_path):
    decision = Decision(crop=CropBox(100, 60, 700, 560), tag=TagVocabulary().parse("FV-L"))
    rows, _ = _compared(tmp_path, decision=decision)
    region = _row(rows, "AnatomicRegionSequence")
    assert (region.action, _row(region.rows[0].rows, "CodeMeaning").after) == ("added", "Femoral vein")
    comments = _row(rows, "ImageComments")
    assert (comments.action, "FV-L" in comments.after) == ("rewritten", True)


def test_the_options_of_the_export_count(tmp_path):
    rows, _ = _compared(tmp_path, options=("retain-patient-characteristics",))
    assert _row(rows, "PatientSex").after == "F"
    assert _row(_compared(tmp_path)[0], "PatientSex").after == ""


def test_without_a_crop_box_it_is_refused_as_nothing_would_leave(tmp_path):
    with pytest.raises(RefusedError):
        _compared(tmp_path, decision=Decision(mask=Mask.NONE))


def test_a_look_makes_no_project_key(tmp_path, own_home):
    _compared(tmp_path)
    assert not list(own_home.rglob("project.key"))
