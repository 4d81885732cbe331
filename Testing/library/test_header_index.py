from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from cohort import make_cohort

from USDICOMizerLib import header_index, source_reading
from USDICOMizerLib.header_index import INDEX_NAME, HeaderIndex, open_index
from USDICOMizerLib.sources import Discovery, discover

LONG_AGO = 1_600_000_000


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of 8 instances, a text and an unreadable ZIP, that counts as one of many files."""
    monkeypatch.setattr(source_reading, "_MANY", 4)
    monkeypatch.setattr(source_reading, "_CHUNK", 3)
    made = make_cohort(tmp_path / "in", 4, rows=32, columns=32)
    (made / "note.txt").write_text("a note")
    (made / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    for path in made.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return made


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """The files that were opened and read."""
    paths = []
    original = source_reading.read_file

    def read(path, limits):
        paths.append(path)
        return original(path, limits)

    monkeypatch.setattr(source_reading, "read_file", read)
    return paths


def found(folder: Path, linkage: Path | None, processes: int = 1) -> Discovery:
    return discover([folder], index_folder=linkage, processes=processes)


def test_an_index_changes_nothing_that_is_found_and_spares_reading(folder, tmp_path, reads):
    plain = found(folder, None)
    assert len(plain.instances) == 8
    first = found(folder, tmp_path / "linkage")
    reads.clear()
    second = found(folder, tmp_path / "linkage")
    assert first == plain
    assert second == plain
    assert [path.name for path in reads] == ["broken.zip"], "what failed is tried again"


def test_processes_of_their_own_change_nothing_that_is_found(folder, tmp_path):
    assert found(folder, tmp_path / "linkage", processes=2) == found(folder, None)
    assert found(folder, tmp_path / "linkage", processes=2) == found(folder, None)


@pytest.mark.parametrize("change", ["written to", "replaced", "of another time"])
def test_a_file_that_changed_is_read_anew(folder, tmp_path, reads, change):
    found(folder, tmp_path / "linkage")
    path, other = folder / "00001" / "IM_1", folder / "00002" / "IM_1"
    if change == "written to":
        path.write_bytes(path.read_bytes() + b"\0\0")
        os.utime(path, (LONG_AGO, LONG_AGO))
    elif change == "replaced":  # by one of the same size and time
        data = other.read_bytes()
        other.unlink()
        copy = path.with_name("copy")
        copy.write_bytes(data)
        os.utime(copy, (LONG_AGO, LONG_AGO))
        copy.replace(path)
    else:
        os.utime(path, (LONG_AGO + 1, LONG_AGO + 1))
    reads.clear()
    after = found(folder, tmp_path / "linkage")
    assert path in reads
    assert after == found(folder, None)


def test_a_file_that_was_written_to_just_now_is_not_trusted_to_stay(folder, tmp_path, reads):
    path = folder / "00001" / "IM_1"
    os.utime(path)
    found(folder, tmp_path / "linkage")
    reads.clear()
    found(folder, tmp_path / "linkage")
    assert path in reads


def test_an_index_that_is_damaged_or_of_another_version_is_made_anew(folder, tmp_path):
    linkage = tmp_path / "linkage"
    plain = found(folder, linkage)
    (linkage / INDEX_NAME).write_bytes(b"no database at all, but a text of some length" * 100)
    assert found(folder, linkage) == plain
    with sqlite3.connect(linkage / INDEX_NAME) as database:
        database.execute("UPDATE about SET format = 'another'")
    database.close()
    index = HeaderIndex(linkage)
    path = folder / "00001" / "IM_1"
    assert index.get(path, source_reading.Source(path).state()) is None
    index.close()


def test_an_index_that_another_program_has_locked_stays_and_all_is_read(folder, tmp_path, monkeypatch, reads):
    linkage = tmp_path / "linkage"
    plain = found(folder, linkage)
    path = linkage / INDEX_NAME
    before = path.stat().st_ino
    monkeypatch.setattr(header_index, "_SECONDS_TO_WAIT", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert open_index(linkage) is None
    reads.clear()
    assert found(folder, linkage) == plain
    assert len(reads) > 8 - 1, "without the index all is read"
    holder.execute("ROLLBACK")
    holder.close()
    assert path.stat().st_ino == before, "it is the one that the other program writes to"
    reads.clear()
    assert found(folder, linkage) == plain
    assert [one.name for one in reads] == ["broken.zip"], "it still knows the files"


def test_an_index_whose_tables_are_others_is_made_anew(folder, tmp_path):
    linkage = tmp_path / "linkage"
    plain = found(folder, linkage)
    with sqlite3.connect(linkage / INDEX_NAME) as database:
        database.execute("ALTER TABLE about RENAME COLUMN format TO kind")
    database.close()
    assert found(folder, linkage) == plain
    assert open_index(linkage) is not None


@pytest.mark.skipif(os.name != "posix", reason="POSIX rights")
def test_the_index_can_be_read_by_its_owner_only(folder, tmp_path):
    found(folder, tmp_path / "new" / "linkage")
    for path in (tmp_path / "new", tmp_path / "new" / "linkage", tmp_path / "new" / "linkage" / INDEX_NAME):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_where_no_index_can_be_all_is_read(folder, tmp_path):
    (tmp_path / "file").touch()
    assert open_index(tmp_path / "file" / "linkage") is None
    assert found(folder, tmp_path / "file" / "linkage") == found(folder, None)


def test_a_small_input_leaves_no_trace(tmp_path):
    made = make_cohort(tmp_path / "in", 1, rows=32, columns=32)
    discover([made], index_folder=tmp_path / "linkage")
    assert not (tmp_path / "linkage").exists()
