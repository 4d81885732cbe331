"""The settings.ini of the original US-DICOMizer program, imported into ours.

Its format, as version 4.16 writes and reads it: an INI file of Python's configparser with the sections settings,
crop_area, tags_to_del (attributes_to_del in the paper), tag_values, tags_link and devices. What has no place here is
named in the notes, not dropped in silence.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from USDICOMizerLib.errors import Mistake, SettingsError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.settings import CropPreset, default_settings_text, format_crop_preset, update_settings_text
from USDICOMizerLib.settings_attributes import NEEDED_ATTRIBUTES, attribute_to_delete, describe, is_private
from USDICOMizerLib.settings_values import crop_preset, folder_or_file
from USDICOMizerLib.tags import TagVocabulary, check_sides, check_sites

_CONSULTING_PHYSICIAN = 0x0008009C
_ITS_MISSPELLING = 0x0008090C

# The keys of its [settings] that have no counterpart, and why.
_WITHOUT_COUNTERPART = {
    "user_can_change_compression_level": "who may edit the settings file may change it",
    "convert_all_to_jpeg": "pixels are stored as transfer_syntax in [export] says; the default keeps them as the source has them",
    "patient_s_id": "the patient ID is always replaced by a pseudonym",
    "annotation_format": "annotations are not imported or exported",
    "show_imagej_button": "3D Slicer takes the place of ImageJ",
}
_SECTIONS = ("settings", "crop_area", "tags_to_del", "attributes_to_del", "tag_values", "tags_link", "devices")

_Changes = dict[tuple[str, str], str]


@dataclass(frozen=True)
class ImportedSettings:
    """A new settings file, and sentences about what was changed or left out on the way."""

    text: str
    notes: tuple[str, ...]


def load_original(path: Path) -> ImportedSettings:
    """Import the original program's settings.ini from a file. Raises SettingsError where it can't be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([Mistake(path.name, f"the file can't be read ({reason})")]) from None
    try:
        return import_original(data.decode("utf-8-sig"), path.name)
    except UnicodeDecodeError:
        # The program writes in the code page of its Windows. Only the output path can have such letters.
        return import_original(data.decode("ascii", "replace"), path.name)


def import_original(text: str, name: str = "settings.ini") -> ImportedSettings:
    """Turn the original program's settings into ours; `name` is what messages call the file.

    Raises SettingsError where the text isn't an INI file, or is one without any section of the original program.
    """
    original = configparser.RawConfigParser()
    try:
        original.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None)
        place = f"{name}, line {line}" if line else name
        raise SettingsError([Mistake(place, "this isn't an INI file as the original program writes it")]) from None
    if not set(original.sections()) & set(_SECTIONS):
        cure = f"no section of the original program is there ({', '.join(_SECTIONS)}); was this its settings.ini?"
        raise SettingsError([Mistake(name, cure)])

    notes: list[str] = []
    changes: _Changes = {
        **_settings(_section(original, "settings"), notes),
        **_presets(_section(original, "devices"), notes),
        **_tags(_section(original, "tag_values"), notes),
        **_attributes(_section(original, "tags_to_del") | _section(original, "attributes_to_del"), notes),
    }
    if original.has_section("crop_area"):
        notes.append("[crop_area] is left out: the original program doesn't use it either.")
    if original.has_section("tags_link"):
        notes.append("[tags_link] is left out: no web page is opened from here.")
    unknown = [section for section in original.sections() if section not in _SECTIONS]
    notes.extend(f"[{section}] is left out: it isn't known from the original program." for section in unknown)
    return ImportedSettings(update_settings_text(default_settings_text(), changes), tuple(notes))


def _section(original: configparser.RawConfigParser, name: str) -> dict[str, str]:
    return dict(original.items(name)) if original.has_section(name) else {}


def _settings(keys: Mapping[str, str], notes: list[str]) -> _Changes:
    changes: _Changes = {}
    for key, value in keys.items():
        if key == "compression_level":
            notes.append(
                f"compression_level = {value} is left out: it is a JPEG quality, and exports are stored without a new loss "
                "(transfer_syntax in [export])."
            )
        elif key == "output_path":
            changes |= _output_path(value, notes)
        elif key in _WITHOUT_COUNTERPART:
            notes.append(f"{key} is left out: {_WITHOUT_COUNTERPART[key]}.")
        else:
            notes.append(f"{key} of [settings] is left out: it isn't known from the original program.")
    return changes


def _output_path(value: str, notes: list[str]) -> _Changes:
    try:
        if "\N{REPLACEMENT CHARACTER}" in value:
            raise ValueError("letters that were lost")
        folder_or_file(value)
    except ValueError:
        notes.append("output_path is left out: it isn't a whole path that is sure on this machine; set folder in [export].")
        return {}
    return {("export", "folder"): value}


def _presets(devices: Mapping[str, str], notes: list[str]) -> _Changes:
    """NAME = [id],[x0,y0,x1,y1],[x0,y0,x1,y1]; the boxes are array slices, so half-open as ours are."""
    changes: _Changes = {}
    for name, value in devices.items():
        brackets = [part.strip() for part in re.findall(r"\[([^\]]*)\]", value)]
        try:
            if len(brackets) not in (2, 3) or not brackets[0]:
                raise ValueError("it isn't [id],[x0,y0,x1,y1],[x0,y0,x1,y1]")
            boxes = [CropBox.parse(text) for text in brackets[1:]]
            preset = CropPreset(name, id=brackets[0], single_frame=boxes[0], multi_frame=boxes[-1])
            crop_preset(name, format_crop_preset(preset))
        except ValueError as error:
            notes.append(f"The device {name} is left out: {error}.")
            continue
        changes["crop_presets", name] = format_crop_preset(preset)
    return changes


def _tags(section: Mapping[str, str], notes: list[str]) -> _Changes:
    """One Python tuple of SITE-SIDE and "none"; the sites and sides in their order of appearance."""
    if "tag_values" not in section:
        return {}
    try:
        values = ast.literal_eval(section["tag_values"])
    except (ValueError, SyntaxError):
        values = None
    if not isinstance(values, (tuple, list)) or not all(isinstance(value, str) for value in values):
        notes.append("tag_values is left out: it isn't a list of tags in quotes. The default sites and sides are used.")
        return {}

    sites: dict[str, str] = {}
    sides: dict[str, None] = {}
    for value in values:
        tag = value.strip()
        if not tag or tag.casefold() == "none":
            continue
        with_side = re.fullmatch(r"(.+)-([LR])", tag)
        site = with_side[1] if with_side else tag
        try:
            check_sites((site,))
        except ValueError as error:
            notes.append(f"The tag {tag} is left out: {error}.")
            continue
        sites.setdefault(site.casefold(), site)
        if with_side:
            sides[with_side[2]] = None
    try:
        vocabulary = TagVocabulary(sites=tuple(sites.values()), sides=check_sides(tuple(sides)))
    except ValueError as error:
        notes.append(f"tag_values is left out: {error}. The default sites and sides are used.")
        return {}
    notes.append("The original program anonymises no file without a tag, so required = yes is set in [tags].")
    return {
        ("tags", "sites"): ", ".join(vocabulary.sites),
        ("tags", "sides"): ", ".join(vocabulary.sides),
        ("tags", "required"): "yes",
    }


def _attributes(entries: Mapping[str, str], notes: list[str]) -> _Changes:
    """NAME = gggg,eeee in hexadecimal; the names are labels."""
    changes: _Changes = {}
    private = []
    for label, value in entries.items():
        tag = _tag(value.split(","))
        if tag is None:
            notes.append(f"The attribute {label} is left out: {value!r} isn't gggg,eeee.")
            continue
        if tag == _ITS_MISSPELLING:
            tag = _CONSULTING_PHYSICIAN
            notes.append(f"{value} is no attribute of DICOM: it is read as {describe(tag)}, which its label {label!r} means.")
        if is_private(tag):
            private.append(describe(tag))
            continue
        if tag in NEEDED_ATTRIBUTES:
            notes.append(f"The attribute {label} is left out: no valid and trustworthy image is without {describe(tag)}.")
            continue
        try:
            attribute_to_delete(f"{tag:08X}")
        except ValueError as error:
            notes.append(f"The attribute {label} is left out: {error}.")
            continue
        changes["attributes_to_del", describe(tag).partition(" ")[0]] = ""
    if private:
        notes.append(f"Left out, as private attributes are always removed: {', '.join(private)}.")
    return changes


def _tag(parts: Iterable[str]) -> int | None:
    """The number of [gggg, eeee], read as leniently as the original program does: "0090C" is 090C."""
    try:
        group, element = (int(part.strip(), 16) for part in parts)
    except ValueError:
        return None
    return group << 16 | element if 0 <= group <= 0xFFFF and 0 <= element <= 0xFFFF else None
