"""The settings file as text: lines into entries with their place, and changes back with the rest untouched.

The form is INI: `[section]`, `name = value`, a value continued on indented lines, and comments on lines of their own
that start with `#` or `;`. A list section holds one plain item a line. The standard's configparser keeps neither line
numbers nor comments, both of which this file's readers need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LIST_SECTIONS = frozenset({"attributes_to_del", "attributes_to_keep", "safe_private"})

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*")
_CONTINUED = "    "


@dataclass(frozen=True)
class Entry:
    """One `name = value`, or one item of a list section (its `value` is empty)."""

    section: str
    name: str
    value: str
    line: int  # 1 is the first
    last_line: int


@dataclass(frozen=True)
class Heading:
    """One `[section]` line, and the last line of what stands under it, comments included.

    Comments that touch the next heading are that one's.
    """

    section: str
    line: int
    last_line: int


@dataclass(frozen=True)
class Misread:
    """A line that doesn't follow the form."""

    section: str
    line: int
    message: str


@dataclass(frozen=True)
class SettingsText:
    """What the lines of a settings file say, in their order."""

    headings: tuple[Heading, ...]
    entries: tuple[Entry, ...]
    misread: tuple[Misread, ...]


def normal_name(text: str) -> str:
    """A section's or key's name as it is compared: "Minimum size" is minimum_size."""
    return re.sub(r"[\s-]+", "_", text.strip()).casefold()


def read_settings_text(text: str) -> SettingsText:
    """Take the text apart. Never raises: what isn't understood is in `misread`."""
    headings: list[Heading] = []
    entries: list[Entry] = []
    misread: list[Misread] = []
    section = ""
    continues = False  # whether an indented line here belongs to the last entry
    comment_line = 0  # the last line of the comments just read

    def extend_section(number: int) -> None:
        if headings and number:
            headings[-1] = Heading(section, headings[-1].line, number)

    for number, raw in enumerate(_lines(text), start=1):
        line = raw.strip()
        if not line:
            extend_section(comment_line)
            comment_line = 0
            continue
        if line[0] in "#;":
            comment_line = number
            continue
        comment_line = 0
        heading = _SECTION.fullmatch(line)
        if heading:
            section = normal_name(heading["name"])
            continues = False
            first = next((found.line for found in headings if found.section == section), None)
            if first is not None:
                misread.append(Misread(section, number, f"the section is there already, in line {first}: join the two"))
            headings.append(Heading(section, number, number))
            continue
        if not headings:
            misread.append(Misread("", number, "this stands before the first [section]; move it into one"))
            continue
        extend_section(number)
        name, equals, value = (part.strip() for part in line.partition("="))
        # An indented "name = value" is a key that somebody indented: values that go over several lines are lists of
        # names, which hold no "=".
        if section in LIST_SECTIONS:
            entries.append(Entry(section, line, "", number, number))
        elif name and equals:
            entries.append(Entry(section, name, value, number, number))
            continues = True
        elif raw[0].isspace() and continues:
            last = entries[-1]
            entries[-1] = Entry(section, last.name, f"{last.value} {line}".strip(), last.line, number)
        else:
            misread.append(Misread(section, number, f"{line!r} isn't understood: write name = value, or # before a comment"))
            continues = False
    extend_section(comment_line)
    return SettingsText(tuple(headings), tuple(entries), tuple(misread))


def update_settings_text(text: str, changes: Mapping[tuple[str, str], str]) -> str:
    """The text with some values changed; comments, order, blank lines and line ends stay as they are.

    `changes` maps (section, key) to the new value. A key that isn't there is added to the end of its section, and a
    section that isn't there to the end of the file. In a list section the key is the item, and its value is ignored.
    A value of several lines is written on indented ones. Raises ValueError for a key that the form can't hold.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _lines(text)
    for (section, key), value in changes.items():
        if not key.strip() or "=" in key or "\n" in key or key.strip()[0] in "#;[":
            raise ValueError(f"{key!r} can't be a name here: it is empty, holds a '=', or starts as a comment does")
        lines = _with_change(lines, normal_name(section), key, value)
    return newline.join(lines) + newline


def _lines(text: str) -> list[str]:
    """The lines as an editor counts them; str.splitlines knows line ends that editors don't."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _with_change(lines: list[str], section: str, key: str, value: str) -> list[str]:
    read = read_settings_text("\n".join(lines))
    if section in LIST_SECTIONS:
        first, written = "", [key]
    else:
        first, *rest = _lines(value) or [""]
        written = [f"{key} = {first}".rstrip(), *(_CONTINUED + line.strip() for line in rest)]
    for entry in read.entries:
        if entry.section == section and normal_name(entry.name) == normal_name(key):
            if section not in LIST_SECTIONS:
                # The name stays as the user wrote it.
                written[0] = f"{entry.name} = {first}".rstrip()
            return [*lines[: entry.line - 1], *written, *lines[entry.last_line :]]
    for heading in read.headings:
        if heading.section == section:
            return [*lines[: heading.last_line], *written, *lines[heading.last_line :]]
    return [*lines, *([""] if lines and lines[-1].strip() else []), f"[{section}]", *written]
