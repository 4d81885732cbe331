"""Make docs/attributes.md: what is done with each attribute of PS3.15 Table E.1-1, with and without each option.

    python scripts/make_attributes_table.py

The table is what `profile.answer_for` answers for an Ultrasound Image; a test compares the file with it.
"""

from __future__ import annotations

from pathlib import Path

from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.profile import Rules, answer_for
from USDICOMizerLib.deidentify.profile_table import attribute_type, dictionary_vrs, profile_table

TARGET = Path(__file__).resolve().parents[1] / "docs" / "attributes.md"

_HEAD = """# What is done with each attribute

Made by `scripts/make_attributes_table.py` from what the program itself answers; don't edit it by hand. It lists the {rows}
attributes of DICOM PS3.15 Table E.1-1, edition {edition}, for the Ultrasound Image IOD (PS3.3 A.6). *Code* is the table's own: X
remove, Z empty, D dummy, U new UID, with the Type of the attribute deciding between several. *Without options* is what the
Basic Profile does here; *with an option* what changes when that option is chosen, alone, by its short name below. With
modified dates, all dates that any option keeps are shifted.

What this table doesn't list stays, with these exceptions: a private element goes (unless `[safe_private]` of the settings
lists it); so does an attribute that the dictionary doesn't know; a person's name, a date, a time, a network address or binary
data in an attribute that isn't listed, such as an ICC profile; an overlay, a curve, an icon; and every value that its value
representation doesn't allow. An instance UID gets a new one. The settings go over all of it: `[attributes_to_del]` and
`[attributes_to_keep]`.
`inspect --explain` says the same for your own files, attribute by attribute, with the reason.

| short name | option | code of CID 7050 |
|---|---|---|
{options}

*cleaned*: text stays where every word is known to describe ultrasound, or else it goes as without the option; the items of
a sequence are cleaned one by one.

| attribute | tag | type | code | without options | with an option |
|---|---|---|---|---|---|
"""
_SHORT = {
    Option.CLEAN_PIXEL_DATA: "reviewed",
    Option.CLEAN_GRAPHICS: "graphics",
    Option.CLEAN_STRUCTURED_CONTENT: "content",
    Option.CLEAN_DESCRIPTORS: "descriptors",
    Option.FULL_DATES: "full dates",
    Option.MODIFIED_DATES: "modified dates",
    Option.PATIENT_CHARACTERISTICS: "patient",
    Option.DEVICE_IDENTITY: "device",
    Option.UIDS: "UIDs",
    Option.SAFE_PRIVATE: "safe private",
    Option.INSTITUTION_IDENTITY: "institution",
}


def attributes_table() -> str:
    """The text of docs/attributes.md."""
    table = profile_table()
    options = "\n".join(f"| {_SHORT[option]} | `{option}` | {option.code} |" for option in Option)
    head = _HEAD.format(rows=len(table.rows), edition=table.edition, options=options)
    return head + "\n".join(_line(tag) for tag in sorted(table.rows)) + "\n"


def _line(tag: int) -> str:
    row = profile_table().rows[tag]
    basic = answer_for([tag]).action
    changed = [
        f"{_SHORT[option]}: {action}"
        for option in Option
        if (action := answer_for([tag], rules=Rules(options=(option,))).action) is not basic
    ]
    name = row.keyword if dictionary_vrs(tag) else f"{row.keyword} (not in the dictionary yet)"
    number = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"| {name} | {number} | {attribute_type([tag])} | {row.basic} | {basic} | {'; '.join(changed)} |"


if __name__ == "__main__":
    TARGET.write_text(attributes_table(), encoding="utf-8", newline="\n")
