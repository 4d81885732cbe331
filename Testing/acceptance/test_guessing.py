"""Who has an export and not the key can't confirm a guess: nothing in it is made from an original alone or tells an order."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid3, uuid5
from zipfile import ZipFile

import pytest
from pydicom import dcmread
from pydicom.uid import PYDICOM_ROOT_UID, generate_uid

from USDICOMizerLib.sample_exam import PLANTED, SAMPLE_PATIENT, SAMPLE_STUDY_UID, make_sample_exam

PIXEL_DATA = b"\xe0\x7f\x10\0O"
_SHORTEST = 8  # of a guess's traces: a shorter one is met by chance


def originals(exam: Path) -> set[str]:
    """What an attacker may know: names, numbers, dates, places, and every UID of the source."""
    known = {*PLANTED, SAMPLE_PATIENT.name, str(SAMPLE_STUDY_UID), SAMPLE_PATIENT.name.replace("^", " ")}
    with ZipFile(exam) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if content[128:132] == b"DICM":
                for element in dcmread(BytesIO(content), stop_before_pixels=True).iterall():
                    if element.VR == "UI" and element.value and not element.keyword.endswith("ClassUID"):
                        known.add(str(element.value))
    return known


def spellings(value: str) -> set[str]:
    return {value, value.lower(), value.upper(), value.title(), value.strip(), f"{value}\0", f"{value}\n"}


def traces(value: str) -> Iterator[str]:
    """What tools make of an original without a secret: digests, UUIDs, UIDs of them, encodings, checksums."""
    data = value.encode()
    for algorithm in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256"):
        digest = hashlib.new(algorithm, data)
        number = int.from_bytes(digest.digest(), "big")
        yield from (digest.hexdigest()[:16], digest.hexdigest()[-16:], str(number)[:16], str(number)[-16:])
        yield base64.b64encode(digest.digest()).decode()[:16]
        yield from (str(UUID(bytes=(digest.digest() * 2)[:16]).int), str(UUID(bytes=(digest.digest() * 2)[:16], version=4).int))
    for space in (NAMESPACE_DNS, NAMESPACE_URL, NAMESPACE_OID, NAMESPACE_X500):
        for made in (uuid3(space, value), uuid5(space, value)):
            yield from (str(made), made.hex, str(made.int))
    for prefix in (PYDICOM_ROOT_UID, "2.25.", "1.2.826.0.1.3680043.10.188.", "1.2.3."):
        yield generate_uid(prefix=prefix, entropy_srcs=[value]).removeprefix(prefix)
    yield generate_uid(prefix=None, entropy_srcs=[value])
    yield from (base64.b64encode(data).decode().rstrip("="), data.hex(), value[::-1])
    yield from (f"{zlib.crc32(data):08x}", f"{zlib.adler32(data):08x}")


def everything_in(export: Path) -> bytes:
    """The export's name, the ZIP's directory, the manifest, and each header as bytes and in words: all but the pixels."""
    with ZipFile(export) as archive:
        parts = [export.name.encode(), export.read_bytes()[archive.start_dir :]]
        for entry in archive.infolist():
            content = archive.read(entry)
            parts += [entry.filename.encode(), entry.comment, entry.extra]
            if entry.filename.endswith(".dcm"):
                header = dcmread(BytesIO(content), stop_before_pixels=True)
                parts += [str(header.file_meta).encode(), str(header).encode(), content[: content.index(PIXEL_DATA)]]
            else:
                parts.append(content)
    return b"\n".join(parts).lower()


@pytest.fixture
def exam(tmp_path) -> Path:
    return make_sample_exam(tmp_path / "exam.zip")


@pytest.fixture
def export(usdicomizer, exam, tmp_path) -> Path:
    assert usdicomizer("prepare", exam, "--output", tmp_path / "out", "--accept-unreviewed").status == 0
    (path,) = (tmp_path / "out").glob("*.zip")
    return path


def test_no_original_can_be_confirmed_without_the_key(exam, export):
    held = everything_in(export)
    known = originals(exam)
    assert len(known) > 20
    confirmed = {
        trace
        for value in known
        for spelling in spellings(value)
        for trace in {spelling.strip("\0\n"), *traces(spelling)}
        if len(trace) >= _SHORTEST and trace.lower().encode() in held
    }
    assert confirmed == set()


def test_the_search_would_confirm_what_an_unkeyed_tool_writes(tmp_path):
    value = SAMPLE_PATIENT.id
    for trace in (hashlib.md5(value.encode()).hexdigest(), generate_uid(entropy_srcs=[value]), str(uuid5(NAMESPACE_OID, value))):
        assert any(part and part.lower() in trace for part in traces(value))


def test_nothing_tells_when_or_in_which_order_the_exam_was_made(usdicomizer, exam, export, tmp_path):
    with ZipFile(export) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        headers = [dcmread(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".dcm")]
    for header in headers:
        assert not [element.keyword for element in header.iterall() if element.VR in ("DA", "DT", "TM") and element.value]
    renamed = tmp_path / "another name.zip"
    with ZipFile(exam) as archive, ZipFile(renamed, "w") as copy:  # other names, another order and other times in the source
        for number, name in enumerate(reversed(archive.namelist())):
            copy.writestr(f"{number}", archive.read(name))
    assert usdicomizer("prepare", renamed, "--output", tmp_path / "two", "--accept-unreviewed").status == 0
    (again,) = (tmp_path / "two").glob("*.zip")
    assert again.name == export.name
    assert again.read_bytes() == export.read_bytes()


def test_two_keys_have_no_pseudonym_in_common(usdicomizer, exam, export, tmp_path):
    own = ["--key", tmp_path / "two.key", "--linkage", tmp_path / "linkage of two"]
    assert usdicomizer("prepare", exam, "--output", tmp_path / "two", "--accept-unreviewed", *own).status == 0
    (other,) = (tmp_path / "two").glob("*.zip")

    def pseudonyms(path: Path) -> set[str]:
        found = set(path.stem.split("_"))
        with ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".dcm"):
                    header = dcmread(BytesIO(archive.read(name)), stop_before_pixels=True)
                    found |= {str(element.value) for element in header.iterall() if str(element.value).startswith("2.25.")}
                    found -= {str(header.file_meta.ImplementationClassUID)}
        return found

    assert pseudonyms(export) & pseudonyms(other) == set()
