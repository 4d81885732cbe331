"""The values of the settings file: text to typed value, with a sentence that says what would be right.

Every function here takes the text of one value and raises ValueError with a sentence where it is wrong.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.deidentify.options import Option, options_named
from USDICOMizerLib.deidentify.words import words_of
from USDICOMizerLib.geometry import CropBox

FILE_NAME_FIELDS: dict[str, str | int] = {
    "subject": "S-2K4M7QX",
    "exam": "E-9TZ3WBH",
    "order": 1,
    "site": "CFV",
    "side": "L",
    "purpose": "compression",
    "kind": "cine",
    "frames": 30,
    "rows": 480,
    "columns": 640,
}
"""The fields of [export] file_name, all pseudonymous, each with an example."""

SMALLEST_DAY_RANGE = 365
LARGEST_SIZE = 65535  # Rows and Columns have VR US (PS3.5 6.2)


@dataclass(frozen=True)
class CropPreset:
    """Where the picture of one kind of scanner lies. An empty or absent criterion matches anything.

    `id` is the serial number, the software version, the model or the station name. `size` is columns, rows of the
    stored frame. A box that is None says that the preset has nothing to propose for such an instance.
    """

    name: str
    manufacturer: str = ""
    model: str = ""
    id: str = ""
    size: tuple[int, int] | None = None
    single_frame: CropBox | None = None
    multi_frame: CropBox | None = None


def yes_or_no(text: str) -> bool:
    """yes or no."""
    answers = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    try:
        return answers[text.casefold()]
    except KeyError:
        raise ValueError(f"{text!r} is neither yes nor no") from None


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A reader of whole numbers from `lowest` to `highest`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return read


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    """A reader of one name from a closed list, in any case; gives it as the list has it."""
    written = {name.casefold(): name for name in allowed}

    def read(text: str) -> str:
        try:
            return written[text.casefold()]
        except KeyError:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}") from None

    return read


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them, as many as there are; none for an empty text."""
    parts = [part.strip() for part in text.split(",")]
    if parts[-1] == "":
        parts.pop()  # a comma at the end of the list, or no list
    if "" in parts:
        raise ValueError("there is nothing between two commas: take one of them away")
    return tuple(parts)


def some_of(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A reader of names from a closed list, each at most once, in the order given."""
    read_one = one_of(allowed)

    def read(text: str) -> tuple[str, ...]:
        chosen = tuple(map(read_one, names(text)))
        if len(set(chosen)) != len(chosen):
            raise ValueError(f"{text!r} names something twice")
        return chosen

    return read


def profile_options(text: str) -> tuple[Option, ...]:
    """Options of the profile, with commas between them; none for an empty text."""
    return options_named(names(text))


def words(text: str) -> tuple[str, ...]:
    """Words that free text may hold, with commas between them, as `deidentify.words` compares them."""
    found: set[str] = set()
    for name in names(text):
        parts = words_of(name)
        if not parts:
            raise ValueError(f"{name!r} holds no word")
        found.update(parts)
    return tuple(sorted(found))


def day_range(text: str) -> tuple[int, int]:
    """A range of days such as -3650..-30, all before or all after the true day, and too wide to be guessed."""
    written = re.fullmatch(r"([+-]?\d{1,5})\s*(?:\.\.|to)\s*([+-]?\d{1,5})", text)
    if not written:
        raise ValueError(f"{text!r} is not a range of days: write the least and the greatest, such as -3650..-30")
    least, greatest = int(written[1]), int(written[2])
    if least > greatest:
        raise ValueError(f"{text!r} begins with the greater number: write {greatest}..{least}")
    if least <= 0 <= greatest:
        raise ValueError(f"{text!r} holds 0, and some dates would not move: both numbers have the same sign")
    if greatest - least < SMALLEST_DAY_RANGE:
        raise ValueError(f"{text!r} could be guessed: leave at least {SMALLEST_DAY_RANGE} days between the two")
    return least, greatest


def folder_or_file(text: str) -> Path | None:
    """A whole path, `~` for the home folder; None for an empty text."""
    if not text:
        return None
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError("the home folder (~) isn't known here: write the whole path") from None
    if not path.is_absolute():
        raise ValueError(f"{text!r} is not a whole path: start it with ~ for the home folder, or with {os.path.abspath(os.sep)}")
    return path


def file_name_template(text: str) -> str:
    """A path inside of the export, with fields in braces that are all pseudonymous.

    Raises ValueError for an unknown field, or for a name that could leave the archive or that Windows can't hold.
    """
    valid = ", ".join(FILE_NAME_FIELDS)
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text) if name is not None]
    except ValueError:
        raise ValueError(f"{text!r} has a brace without its partner; a field is written {{site}}") from None
    for name, spec, conversion in fields:
        if name not in FILE_NAME_FIELDS:
            raise ValueError(f"{{{name}}} is not a field; the fields are {valid}")
        if conversion or "{" in (spec or ""):
            raise ValueError(f"the field {{{name}}} can only be followed by a plain format such as :03d")
    try:
        example = text.format(**FILE_NAME_FIELDS)
    except (ValueError, TypeError):
        raise ValueError(f"a format in {text!r} doesn't fit its field: only order, frames, rows, columns are numbers") from None
    if re.search(r'[\\:*?"<>|]|[^ -~]', example):
        raise ValueError(f"{text!r} has a character that not every system takes in a file name; / stands between folders")
    parts = example.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{text!r} doesn't give a name inside of the export, such as {{subject}}/{{order:03d}}.dcm")
    if not example.endswith(".dcm"):
        raise ValueError(f"{text!r} doesn't end with .dcm")
    return text


def crop_preset(name: str, text: str) -> CropPreset:
    """Read "manufacturer, model, id, size; single-frame box; multi-frame box".

    "-" or nothing stands for anything; text with a comma or semicolon goes in double quotes; without a third part,
    the one box holds for single and multi-frame alike.
    """
    parts = _split_unquoted(text, ";")
    if len(parts) not in (2, 3):
        raise ValueError(
            f"a preset has the parts manufacturer, model, id, size; single-frame box; multi-frame box: found {len(parts)} "
            "with ';' between them, where 3 are right, or 2 for one box for both"
        )
    criteria = _split_unquoted(parts[0], ",")
    if len(criteria) != 4:
        raise ValueError(
            f"the first part of a preset is manufacturer, model, id, size: found {len(criteria)} with ',' between them, "
            'where 4 are right ("-" for any; a text with a comma in double quotes)'
        )
    manufacturer, model, device_id, size_text = ("" if part == "-" else part for part in criteria)
    if not any((manufacturer, model, device_id, size_text)):
        raise ValueError("the preset would match every scanner: name at least one of manufacturer, model, id and size")
    size = _size(size_text) if size_text else None
    single, multi = _preset_box(parts[1], size), _preset_box(parts[-1], size)
    if single is None and multi is None:
        raise ValueError("the preset has no box: give left,top,right,bottom for single frames, for multi-frames, or for both")
    return CropPreset(name, manufacturer, model, device_id, size, single, multi)


def format_crop_preset(preset: CropPreset) -> str:
    """The text that `crop_preset` reads, to be written to [crop_presets] under the preset's name."""
    size = f"{preset.size[0]}x{preset.size[1]}" if preset.size else "-"
    criteria = ", ".join(map(_quoted, (preset.manufacturer, preset.model, preset.id)))
    return f"{criteria}, {size}; {preset.single_frame or '-'}; {preset.multi_frame or '-'}"


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5})", text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(1 <= length <= LARGEST_SIZE for length in size):
        raise ValueError(f"{text!r} is not a frame size: write columns x rows, such as 1024x768")
    return size


def _preset_box(text: str, size: tuple[int, int] | None) -> CropBox | None:
    if text in ("", "-"):
        return None
    box = CropBox.parse(text)
    columns, rows = size or (LARGEST_SIZE, LARGEST_SIZE)
    if box.left < 0 or box.top < 0 or box.right > columns or box.bottom > rows:
        where = f"the frame of {columns}x{rows} pixels" if size else "any image"
        raise ValueError(f"the box {box} reaches out of {where}: write left,top,right,bottom, the last two not included")
    return box


def _quoted(text: str) -> str:
    if re.search('[,;"]', text):
        return '"' + text.replace('"', '""') + '"'
    return text or "-"


def _split_unquoted(text: str, separator: str) -> list[str]:
    """Split at the separators that aren't inside double quotes; a part that is quoted whole loses its quotes.

    Raises ValueError for a quote without its partner.
    """
    if text.count('"') % 2:
        raise ValueError('a double quote (") has no partner')
    parts = [part.strip() for part in re.split(rf'{separator}(?=(?:[^"]*"[^"]*")*[^"]*$)', text)]
    if separator == ",":
        parts = [part[1:-1].replace('""', '"') if len(part) > 1 and part[0] == part[-1] == '"' else part for part in parts]
    return parts
