"""What a report tells: one record an exam, as JSON in its HTML, so that a cohort's report can be made of the files beside it.

Everything in it is pseudonymous or technical.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from USDICOMizerLib import __version__
from USDICOMizerLib.archive import MANIFEST_COLUMNS, ManifestRow
from USDICOMizerLib.errors import ReportError
from USDICOMizerLib.outcomes import Outcome, Problem

RECORD_BEGINS = b'<script type="application/json" id="record">'
RECORD_ENDS = b"</script>"
_GENERATOR = b'<meta name="generator" content="USDICOMizer'
_LONGEST_RECORD = 2**26
_CHUNK = 2**16


@dataclass(frozen=True)
class InstanceRecord:
    """One instance: how it ended, and how it left. `frame` is the stored frame's (columns, rows), `box` what was cut."""

    number: int
    outcome: str
    reason: str = ""
    detail: str = ""
    tag: str = ""
    frame: tuple[int, int] = (0, 0)
    box: str = ""
    how: str = ""
    reviewed: bool = False
    actions: Mapping[str, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    manifest: Mapping[str, str | int] = field(default_factory=dict)  # the instance's row; empty where nothing left

    @property
    def left(self) -> bool:
        """Whether it is in the export."""
        return self.outcome in (Outcome.PREPARED, Outcome.UNCHANGED)

    @property
    def advice(self) -> str:
        """What to do about it; empty where there is nothing to do."""
        return Problem(self.reason).advice if self.reason in list(Problem) else ""

    @property
    def device(self) -> str:
        """Make and model of the scanner; only known of what left, as only that was searched for names."""
        return " ".join(str(self.manifest[key]) for key in ("manufacturer", "model") if self.manifest.get(key))


@dataclass(frozen=True)
class ExamRecord:
    """One exam as its report tells it. `contents` is the digest of the export that the report is about; "" for none."""

    exam: str
    subject: str
    instances: tuple[InstanceRecord, ...]
    export: str = ""
    size: int = 0  # bytes of the export
    contents: str = ""
    error: str = ""
    key: str = ""  # the fingerprint of the project key
    settings: str = ""  # the digest of the settings
    profile: str = ""
    options: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()  # what [attributes_to_keep] lets leave
    expected: tuple[str, ...] = ()  # the tags of the protocol
    missing: tuple[str, ...] = ()  # those that nothing in the export has
    version: str = __version__

    @property
    def left(self) -> list[InstanceRecord]:
        """The instances that are in the export."""
        return [instance for instance in self.instances if instance.left]

    @property
    def stayed(self) -> list[InstanceRecord]:
        """The instances that are not."""
        return [instance for instance in self.instances if not instance.left]

    @property
    def unreviewed(self) -> int:
        """How many left that no person has looked at."""
        return sum(not instance.reviewed for instance in self.left)

    def as_json(self) -> dict:
        """As `read_record` reads it."""
        return asdict(self)


def manifest_facts(row: ManifestRow) -> dict[str, str | int]:
    """The row as a record holds it."""
    return {name: getattr(row, name) for name in MANIFEST_COLUMNS}


def read_record(path: Path) -> ExamRecord | None:
    """The record of a report, which stands before its pictures; None where there is none that this version reads."""
    try:
        with path.open("rb") as stream:
            text = b""
            while RECORD_ENDS not in text.partition(RECORD_BEGINS)[2]:
                chunk = stream.read(_CHUNK)
                if not chunk or len(text) > _LONGEST_RECORD:
                    return None
                text += chunk
        said = json.loads(text.partition(RECORD_BEGINS)[2].partition(RECORD_ENDS)[0])
        instances = tuple(
            InstanceRecord(**one | {name: tuple(one[name]) for name in ("frame", "warnings")}) for one in said.pop("instances")
        )
        lists = {name: tuple(said.pop(name)) for name in ("options", "kept", "expected", "missing")}
        return ExamRecord(instances=instances, **lists, **said)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def report_of(export: Path) -> Path:
    """Where the report of an export lies: beside it, under its name."""
    return export.with_suffix(".html")


def is_about(page: Path, contents: str) -> bool:
    """Whether a page is the report of an export with these contents, told by their digest."""
    record = read_record(page)
    return record is not None and record.contents == contents


def is_report(path: Path) -> bool:
    """Whether a file is a report that this program made. Raises OSError."""
    with path.open("rb") as stream:
        return _GENERATOR in stream.read(4096)


def remove_report(page: Path) -> None:
    """Remove a report; any other file of that name stays. Raises ReportError where it can't be removed."""
    try:
        if page.exists() and is_report(page):
            page.unlink()
    except OSError as error:
        raise ReportError(f"{page.name} is the report of an export that was replaced: remove it ({error.strerror})") from error
