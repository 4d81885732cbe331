"""Identifiers of every form in 500 places and more of one instance: none survives, and no clinical value is lost."""

from __future__ import annotations

import re
import string
from io import BytesIO
from pathlib import Path

import numpy as np
from clinical import add_clinical_values, lost_clinical_values
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from planted import Plants, planted_bytes
from pydicom import dcmread
from pydicom.dataset import Dataset

from USDICOMizerLib.decision import Decision
from USDICOMizerLib.deidentify.profile import Rules
from USDICOMizerLib.deidentify.pseudonyms import ProjectKey, Pseudonyms
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import OutputSyntax
from USDICOMizerLib.prepare import Preparation, prepare
from USDICOMizerLib.sample_exam import SampleKind
from USDICOMizerLib.sources import discover
from USDICOMizerLib.tags import Tag

PIXEL_DATA = b"\xe0\x7f\x10\0O"
LETTERS = st.sampled_from(string.ascii_uppercase)
PREPARATION = Preparation(Rules(), Pseudonyms(ProjectKey(bytes(range(32)))), OutputSyntax.SAME, jpeg_quality=95)


def with_clinical_values(file: bytes) -> bytes:
    dataset = dcmread(BytesIO(file))
    add_clinical_values(dataset)
    stream = BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def prepared(file: bytes, folder: Path, box: CropBox) -> tuple[bytes, CropBox]:
    """The instance as it would leave, and the box that was cut: a JPEG's is a little smaller."""
    path = folder / "instance"
    path.write_bytes(file)
    (instance,) = discover([path]).instances
    stream = BytesIO()
    decision = Decision(crop=box, tag=Tag("CFV", "L"))
    with prepare(instance, decision, "S-3C4DF-7GHJK", PREPARATION) as ready:
        ready.write(stream)
    return stream.getvalue(), ready.box


def survivors_in(file: bytes, dataset: Dataset, plants: Plants) -> set[str]:
    """The places whose plants are in the header, as bytes or in words; of texts also in the stored or decoded frames."""
    header = b"\n".join([file[: file.index(PIXEL_DATA)], str(dataset).encode()]).lower()
    found = {place for value, place in plants.places.items() if value.lower().encode() in header}
    text = re.compile(f"{plants.head}[0-9]{{5}}{plants.tail}".encode(), re.IGNORECASE)
    for data in (file, np.ascontiguousarray(dataset.pixel_array).tobytes()):
        found |= {plants.places[match.decode().upper()] for match in text.findall(data)}
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    head=st.text(LETTERS, min_size=3, max_size=3),
    tail=st.text(LETTERS, min_size=4, max_size=4),
    kind=st.sampled_from([SampleKind.RGB_FRAME, SampleKind.MONOCHROME_CINE, SampleKind.JPEG_CINE]),
    corner=st.tuples(st.integers(0, 60), st.integers(60, 90)),
)
def test_no_planted_identifier_survives_and_no_clinical_value_is_lost(tmp_path, head, tail, kind, corner):
    plants = Plants(head, tail)
    file = with_clinical_values(planted_bytes(kind, plants))
    assert len(plants.places) > 500
    before = dcmread(BytesIO(file))
    box = CropBox(*corner, before.Columns - 16, before.Rows - 16)
    output, cut = prepared(file, tmp_path, box)
    after = dcmread(BytesIO(output))
    assert survivors_in(output, after, plants) == set()
    lost = lost_clinical_values(before, after, (cut.left, cut.top, cut.right, cut.bottom))
    if after.PhotometricInterpretation != before.PhotometricInterpretation:  # what calibrates codes goes with the codes
        lost = [keyword for keyword in lost if not keyword.startswith(("PixelComponent", "TableOf", "NumberOfTable"))]
    assert lost == []


def test_the_search_would_find_a_survivor_and_the_comparison_a_loss(tmp_path):
    plants = Plants()
    file = with_clinical_values(planted_bytes(SampleKind.RGB_FRAME, plants))
    before = dcmread(BytesIO(file))
    found = survivors_in(file, before, plants)
    assert len(found) > 500
    assert {"Patient ID", "icon", "overlay", "preamble", "curve"} <= found
    jpeg = planted_bytes(SampleKind.JPEG_CINE, plants)
    assert {"JPEG comment", "JPEG application marker"} <= survivors_in(jpeg, dcmread(BytesIO(jpeg)), plants)
    after = dcmread(BytesIO(file))
    del after.MechanicalIndex
    after.SequenceOfUltrasoundRegions[0].ReferencePixelX0 += 1
    whole = (0, 0, before.Columns, before.Rows)
    assert set(lost_clinical_values(before, after, whole)) == {
        "MechanicalIndex",
        "the physical position of a pixel",
        "the pixels of the sample volume and the TM-line",
    }
