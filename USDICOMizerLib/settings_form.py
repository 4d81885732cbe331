"""The settings file as a form: a field for each key, with the file's own explanation, and its mistakes by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from USDICOMizerLib.errors import SettingsError
from USDICOMizerLib.settings import LOG_LEVELS, PROFILES, TRANSFER_SYNTAXES, default_settings_text, parse_settings
from USDICOMizerLib.settings_file import LIST_SECTIONS, Entry, normal_name, read_settings_text, update_settings_text

_FREE_SECTIONS = LIST_SECTIONS | {"crop_presets"}
_YES_OR_NO = ("yes", "no")
_CHOICES = {
    ("tags", "required"): _YES_OR_NO,
    ("review", "require_review"): _YES_OR_NO,
    ("deidentification", "profile"): PROFILES,
    ("export", "transfer_syntax"): TRANSFER_SYNTAXES,
    ("logging", "level"): tuple(level.casefold() for level in LOG_LEVELS),
}
_LINE = re.compile(r", line ([0-9]+)$")

Name = tuple[str, str]
"""Section and key; a section of free lines is one field, whose key is empty."""


@dataclass(frozen=True)
class Field:
    """One value as it stands in the file. `explanation` is the comment that the default file has above it."""

    section: str
    key: str
    value: str
    explanation: str
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> Name:
        """Section and key."""
        return (self.section, self.key)

    @property
    def has_lines(self) -> bool:
        """Whether the value is one item a line."""
        return not self.key


@dataclass(frozen=True)
class Mistakes:
    """What is wrong in a settings text: by field, and what belongs to no field."""

    by_field: Mapping[Name, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.by_field or self.elsewhere)


def fields_of(text: str) -> tuple[Field, ...]:
    """A field for each key of the default file, in its order, with the value that `text` gives it."""
    explained = _explanations(default_settings_text())
    values = _values(text)
    defaults = _values(default_settings_text())
    return tuple(
        Field(section, key, values.get((section, key), defaults.get((section, key), "")), why, _CHOICES.get((section, key), ()))
        for (section, key), why in explained.items()
    )


def with_values(text: str, values: Mapping[Name, str]) -> str:
    """The text with these fields changed; its comments stay. Raises ValueError for a line that can't be an item."""
    for (section, key), value in values.items():
        text = update_settings_text(text, {(section, key): value}) if key else _with_lines(text, section, value)
    return text


def mistakes_in(text: str, name: str) -> Mistakes:
    """What is wrong in the text, by field; nothing where it can be used."""
    try:
        parse_settings(text, name)
    except SettingsError as error:
        by_field: dict[Name, tuple[str, ...]] = {}
        elsewhere = []
        for mistake in error.mistakes:
            place = _field_at(text, mistake.place)
            if place:
                by_field[place] = (*by_field.get(place, ()), mistake.message)
            else:
                elsewhere.append(str(mistake))
        return Mistakes(by_field, tuple(elsewhere))
    return Mistakes()


def _values(text: str) -> dict[Name, str]:
    values: dict[Name, str] = {}
    for entry in read_settings_text(text).entries:
        name = _name_of(entry)
        if name[1]:
            values[name] = entry.value
        else:
            values[name] = "\n".join(filter(None, [values.get(name, ""), _item(entry)]))
    return values


def _item(entry: Entry) -> str:
    return entry.name if entry.section in LIST_SECTIONS else f"{entry.name} = {entry.value}"


def _name_of(entry: Entry) -> Name:
    return (entry.section, "") if entry.section in _FREE_SECTIONS else (entry.section, normal_name(entry.name))


def _with_lines(text: str, section: str, value: str) -> str:
    """The text with exactly these items in a section of free lines."""
    gone = {
        number
        for entry in read_settings_text(text).entries
        if entry.section == section
        for number in range(entry.line, entry.last_line + 1)
    }
    newline = "\r\n" if "\r\n" in text else "\n"
    kept = [line for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1) if number not in gone]
    text = newline.join(kept)
    for item in filter(None, map(str.strip, value.splitlines())):
        name, equals, rest = (part.strip() for part in item.partition("="))
        if section not in LIST_SECTIONS and not equals:
            raise ValueError(f"{item!r} isn't understood: write NAME = manufacturer, model, id, size; box")
        text = update_settings_text(text, {(section, item if section in LIST_SECTIONS else name): rest})
    return text


def _field_at(text: str, place: str) -> Name | None:
    """The field in the line that a mistake's place names."""
    found = _LINE.search(place)
    line = int(found[1]) if found else 0
    for entry in read_settings_text(text).entries:
        if entry.line <= line <= entry.last_line:
            name = _name_of(entry)
            return name if name in _explanations(default_settings_text()) else None
    return None


def _explanations(text: str) -> dict[Name, str]:
    """The comment above each key, and below the heading of each section of free lines."""
    explained: dict[Name, str] = {}
    comment: list[str] = []
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section, comment = normal_name(line.strip("[]")), []
            if section in _FREE_SECTIONS:
                explained[section, ""] = ""
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").removeprefix(" "))
            if section in _FREE_SECTIONS:
                explained[section, ""] = "\n".join(comment)
        elif line and section not in _FREE_SECTIONS:
            explained[section, normal_name(line.partition("=")[0])] = "\n".join(comment)
            comment = []
    return explained
