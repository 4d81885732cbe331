"""[ecrf] of the settings: what the fields of the case report form are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
_LONGEST_NAME = 26  # what REDCap recommends, and its online designer allows
_LONGEST_STUDY_NAME = 100
_RESERVED = re.compile(r"redcap_.*|.*_complete")


@dataclass(frozen=True)
class EcrfSettings:
    """[ecrf]: the name of each field, "" for one that is left out; `subject` is the record's own, and has to be there."""

    study_name: str = "Ultrasound"
    subject: str = "record_id"
    exams: str = "us_exams"
    images: str = "us_images"
    tags: str = "us_tags"
    missing_tags: str = "us_missing_tags"
    complete: str = "us_is_whole"
    exam: str = "us_exam"
    file: str = "us_file"
    site: str = "us_site"
    side: str = "us_side"
    purpose: str = "us_purpose"
    frames: str = "us_frames"
    rows: str = "us_rows"
    columns: str = "us_columns"
    frame_time: str = "us_frame_time"
    pixel_spacing: str = "us_pixel_spacing"
    depth: str = "us_depth"
    manufacturer: str = "us_manufacturer"
    model: str = "us_model"
    reviewed: str = "us_reviewed"
    study_uid: str = "us_study_uid"
    sop_instance_uid: str = "us_sop_instance_uid"


@dataclass(frozen=True)
class FieldKind:
    """What a field holds; `repeats` where there is one for each instance."""

    key: str
    label: str
    type: Literal["text", "integer", "float", "boolean"] = "text"
    repeats: bool = True


ECRF_FIELDS = (
    FieldKind("subject", "Subject (pseudonym)", repeats=False),
    FieldKind("exams", "Ultrasound exams", "integer", repeats=False),
    FieldKind("images", "Ultrasound images and cines", "integer", repeats=False),
    FieldKind("tags", "Sites and sides that were examined", repeats=False),
    FieldKind("missing_tags", "Sites and sides that the protocol also expects", repeats=False),
    FieldKind("complete", "Are all views of the protocol there?", "boolean", repeats=False),
    FieldKind("exam", "Exam (pseudonym)"),
    FieldKind("file", "File in the export"),
    FieldKind("site", "Site"),
    FieldKind("side", "Side"),
    FieldKind("purpose", "Purpose"),
    FieldKind("frames", "Frames", "integer"),
    FieldKind("rows", "Rows", "integer"),
    FieldKind("columns", "Columns", "integer"),
    FieldKind("frame_time", "Frame time (ms)", "float"),
    FieldKind("pixel_spacing", "Pixel spacing (mm)"),
    FieldKind("depth", "Depth of the scan field (mm)", "float"),
    FieldKind("manufacturer", "Manufacturer"),
    FieldKind("model", "Model"),
    FieldKind("reviewed", "Has a person looked at the picture?", "boolean"),
    FieldKind("study_uid", "Study Instance UID (pseudonymous)"),
    FieldKind("sop_instance_uid", "SOP Instance UID (pseudonymous)"),
)


def field_name(text: str) -> str:
    """A name that REDCap takes for a variable; empty for a field that is left out. Raises ValueError."""
    if text and not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} can't name a field: begin with a letter of a to z, go on with such letters, digits and single underscores"
        )
    if len(text) > _LONGEST_NAME:
        raise ValueError(f"{text!r} is longer than the {_LONGEST_NAME} characters that REDCap recommends")
    if _RESERVED.fullmatch(text):
        raise ValueError(f"{text!r} is a name that REDCap keeps for itself: choose another one")
    return text


def record_name(text: str) -> str:
    """As `field_name`, for the one that has to be there."""
    if not text:
        raise ValueError("the subject's field has to have a name, such as record_id")
    return field_name(text)


def study_name(text: str) -> str:
    """The study's name in ODM."""
    if not text or len(text) > _LONGEST_STUDY_NAME or not text.isprintable():
        raise ValueError(f"the study needs a name of 1 to {_LONGEST_STUDY_NAME} characters")
    return text


ECRF_READERS: dict[str, Callable[[str], Any]] = {
    "study_name": study_name,
    **{field.key: record_name if field.key == "subject" else field_name for field in ECRF_FIELDS},
}


def doubled_name(read: Mapping[str, str]) -> tuple[str, str] | None:
    """The key whose field has a name that another one has as well, and that name; None where all differ."""
    settings = EcrfSettings(**read)
    seen: dict[str, str] = {}
    for field in ECRF_FIELDS:
        name = getattr(settings, field.key)
        if name and seen.setdefault(name, field.key) != field.key:
            key = field.key if field.key in read else seen[name]
            return key, name
    return None
