"""Identifiers planted in every place that can hold one: none leaves, in any form, in any stream."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from planted import Plants, make_planted_exam
from pydicom import dcmread


def survivors(plants: Plants, texts: list[bytes]) -> list[str]:
    """The places whose plants occur in any of the texts, in whatever case."""
    lowered = [text.lower() for text in texts]
    return sorted({place for value, place in plants.places.items() if any(value.lower().encode() in text for text in lowered)})


def everything_in(export: Path) -> list[bytes]:
    """The ZIP's bytes, its names, and the bytes of each member, decoded frames included."""
    texts = [export.read_bytes(), export.name.encode()]
    with ZipFile(export) as archive:
        texts.append(archive.comment)
        for entry in archive.infolist():
            content = archive.read(entry)
            texts += [entry.filename.encode(), entry.comment, entry.extra, content]
            if entry.filename.endswith(".dcm"):
                dataset = dcmread(BytesIO(content))
                texts += [str(dataset).encode(), np.ascontiguousarray(dataset.pixel_array).tobytes()]
    return texts


def test_none_of_the_planted_identifiers_leaves_or_is_said(usdicomizer, tmp_path, own_home):
    plants = Plants()
    source = make_planted_exam(tmp_path / "input", plants)
    assert len(plants.places) > 500
    ran = usdicomizer("prepare", source, "--output", tmp_path / "out", "--accept-unreviewed", "--tag", "CFV-L")
    assert ran.status == 0, ran.stderr
    (export,) = (tmp_path / "out").glob("*.zip")
    with ZipFile(export) as archive:
        assert len(archive.namelist()) == 4, "three instances and the manifest"
    said = [ran.stdout.encode(), ran.stderr.encode()]
    logs = [path.read_bytes() for path in own_home.rglob("*.log*")]
    assert logs
    assert survivors(plants, everything_in(export) + said + logs) == []


def test_the_search_would_find_what_survives(tmp_path):
    plants = Plants()
    source = make_planted_exam(tmp_path / "input", plants)
    loose = next(path for path in source.iterdir() if path.suffix != ".zip")
    assert "preamble" in survivors(plants, [loose.read_bytes()])
