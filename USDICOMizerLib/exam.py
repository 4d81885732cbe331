"""What an input holds: instances, and exams made of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.records import Sharing


@dataclass(frozen=True, slots=True)
class SourceState:
    """Size, time and number of a file: while they stay, its bytes do, as far as a file system can say."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> SourceState:
        """What the operating system says of a file."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)

    def is_same(self, other: SourceState) -> bool:
        """Whether size and time agree; the number doesn't matter, which some network shares make anew."""
        return (self.size, self.modified_ns) == (other.size, other.modified_ns)


@dataclass(frozen=True, order=True, slots=True)
class Source:
    """Where the bytes of an instance are: a file, or a member of a ZIP. Never logged, never exported."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}::{self.member}" if self.member else str(self.path)

    def state(self) -> SourceState:
        """The state of the file, or of the ZIP that it is a member of. Raises OSError."""
        return SourceState.of(os.stat(self.path))

    def sha256(self) -> str:
        """SHA-256 of all its bytes, in hexadecimal, read a piece at a time. Raises what reading raises."""
        with self.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open for reading in binary; seekable, and positioned at the first byte. Nothing is extracted to disk."""
        if not self.member:
            with self.path.open("rb") as stream:
                yield stream
            return
        with ZipFile(self.path) as archive, archive.open(self.member) as stream:
            yield stream


@dataclass(frozen=True, slots=True)
class Device:
    """The scanner as its header names it; what a crop preset matches on."""

    manufacturer: str = ""
    model: str = ""
    serial_number: str = ""
    software_version: str = ""
    station: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """One item of Sequence of Ultrasound Regions (0018,6011), PS3.3 C.8.5.5.

    `left`, `top`, `right`, `bottom` are Region Location Min X0, Min Y0, Max X1, Max Y1 as stored: pixels of the
    frame, **inclusive** at both ends, and possibly outside of the image in real files.
    """

    left: int
    top: int
    right: int
    bottom: int
    spatial_format: int  # (0018,6012): 1 2D, 2 M-mode, 3 spectral, 4 waveform, 5 graphics
    data_type: int  # (0018,6014): 1 tissue, 2 colour flow, ...
    flags: int = 0  # (0018,6016)

    @property
    def box(self) -> CropBox:
        """The same rectangle as a half-open crop box, not clipped to the image."""
        return CropBox(self.left, self.top, self.right + 1, self.bottom + 1)


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the header says the patient is. Never logged, never exported; only compared."""

    id: str = ""
    issuer: str = ""
    name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Instance:
    """One DICOM SOP instance as found: the facts of its header that planning needs, no pixel data.

    `identity` is the SOP Instance UID, except for an instance whose UID another instance with different content
    bears too: then it is made distinct with a digest of the content, so that both can be exported.
    """

    source: Source
    identity: str
    sop_instance_uid: str
    sop_class_uid: str
    study_uid: str
    series_uid: str
    patient: Patient
    modality: str
    transfer_syntax: str
    series_number: int | None
    instance_number: int | None
    acquired: str  # date and time as they sort: YYYYMMDDHHMMSS.FFFFFF, or ""
    rows: int
    columns: int
    frames: int
    photometric_interpretation: str
    has_pixel_data: bool
    device: Device = Device()
    regions: tuple[Region, ...] = ()
    depth: str = ""  # Depth of Scan Field (0018,5050) as written, millimetres
    warnings: tuple[str, ...] = ()
    state: SourceState | None = None  # that of the source when its header was read; None where nobody looked

    def shared(self, sharing: Sharing) -> Instance:
        """The same, with one object for what the instances of a study or of a scanner have in common."""
        common = {name: sharing.one(getattr(self, name)) for name in IN_COMMON}
        return self if all(value is getattr(self, name) for name, value in common.items()) else replace(self, **common)

    @property
    def whole_frame(self) -> CropBox:
        """The crop box that cuts nothing."""
        return CropBox(0, 0, self.columns, self.rows)


IN_COMMON = """
    sop_class_uid study_uid series_uid patient modality transfer_syntax photometric_interpretation device regions depth warnings
""".split()
"""What many instances have the same of: texts and what is made of texts."""


@dataclass(frozen=True)
class Exam:
    """The instances of one study (Study Instance UID), in acquisition order."""

    study_uid: str
    instances: tuple[Instance, ...]

    @cached_property
    def patients(self) -> frozenset[Patient]:
        """Whom the headers of its instances name, each once; found out once, as every instance's readiness asks."""
        return frozenset(instance.patient for instance in self.instances)


def acquisition_order(instance: Instance) -> tuple:
    """Sort key: series number, instance number, then time, then name; what is missing comes last."""

    def missing_last(value: int | None) -> tuple[bool, int]:
        return (value is None, value or 0)

    return (
        missing_last(instance.series_number),
        missing_last(instance.instance_number),
        (not instance.acquired, instance.acquired),
        str(instance.source),
    )


def group_into_exams(instances: Iterable[Instance]) -> list[Exam]:
    """Group by Study Instance UID; exams in the order in which they are first met, instances in acquisition order."""
    studies: dict[str, list[Instance]] = {}
    for instance in instances:
        studies.setdefault(instance.study_uid, []).append(instance)
    return [Exam(uid, tuple(sorted(found, key=acquisition_order))) for uid, found in studies.items()]
