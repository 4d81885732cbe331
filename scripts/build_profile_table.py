"""Make USDICOMizerLib/deidentify/ps315_table_e1_1.json from published tables of the DICOM standard.

    python scripts/build_profile_table.py TABLE_E1_1.json HIGHDICOM_FOLDER OUTPUT.json

TABLE_E1_1.json is PS3.15 Table E.1-1 as JSON (one object an attribute: tag, keyword, vr, basic, options) with Table E.3.4-1
(one object a content item: code, scheme, meaning, value_type, basic, options), and HIGHDICOM_FOLDER the folder
`highdicom/_standard` of an unpacked highdicom wheel, whose iod_module_map.json and module_attribute_map.json give the Type
of each attribute in each IOD (PS3.3 Annex A and C). The output says where both came from. Run it again for a new edition of
the standard, and read the difference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydicom.datadict import tag_for_keyword

IODS = (
    "ultrasound-image",
    "ultrasound-multi-frame-image",
    "secondary-capture-image",
    "multi-frame-single-bit-secondary-capture-image",
    "multi-frame-grayscale-byte-secondary-capture-image",
    "multi-frame-grayscale-word-secondary-capture-image",
    "multi-frame-true-color-secondary-capture-image",
)
"""The IODs that are prepared. The first is written whole, the others as differences from it."""

STRICTEST_FIRST = ("1", "1C", "2", "2C", "3")


def profile_rows(table: dict) -> list[list[str]]:
    """[tag, keyword, VR, basic action, one character an option in the order of `options` ("-" for none)]."""
    options = table["option_keys"]
    rows = [
        [
            row["tag"],
            row["keyword"] or "".join(row["name"].title().split()),
            row["vr"] or "",
            row["basic"],
            "".join(row["options"][option] or "-" for option in options),
        ]
        for row in table["attributes"]
    ]
    return sorted(rows)


def content_rows(table: dict) -> list[list[str]]:
    """[coding scheme, code, value type, basic action, one character an option in the order of `content_option_keys`]."""
    options = table["content_option_keys"]
    rows = (
        [
            row["scheme"].partition(" ")[0],  # without the version that "NCDR [2.0b]" has
            row["code"],
            row["value_type"],
            row["basic"],
            "".join(row["options"].get(option, "-") for option in options),
        ]
        for row in table["content_items_table_E_3_4_1"]
    )
    return sorted(rows)


def types_of(iod: str, modules: dict, attributes: dict) -> dict[str, str]:
    """Type by "tag" at the top level, by "sequence.tag" in the items of a sequence; the strictest where modules differ.

    An attribute's Type depends on the sequence that holds it and on nothing above that in all of `IODS`.
    """
    types: dict[str, str] = {}
    for module in modules[iod]:
        for attribute in attributes.get(module["key"], ()):
            tags = [tag_for_keyword(keyword) for keyword in (*attribute["path"][-1:], attribute["keyword"])]
            if None in tags or attribute["type"] not in STRICTEST_FIRST:
                continue
            key = ".".join(f"{tag:08X}" for tag in tags)
            types[key] = min(types.get(key, "3"), attribute["type"], key=STRICTEST_FIRST.index)
    return types


def compact_types(by_iod: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Type 3 is left out of the first IOD; the others keep what differs from it."""
    base = {key: kind for key, kind in by_iod[IODS[0]].items() if kind != "3"}
    compact = {IODS[0]: base}
    for iod in IODS[1:]:
        compact[iod] = {key: kind for key, kind in by_iod[iod].items() if kind != base.get(key, "3")}
    return compact


def written(value: object) -> str:
    """JSON on one line, so that a difference between editions shows attribute by attribute."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("highdicom_folder", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    table = json.loads(arguments.table.read_text(encoding="utf-8"))
    modules = json.loads((arguments.highdicom_folder / "iod_module_map.json").read_text(encoding="utf-8"))
    attributes = json.loads((arguments.highdicom_folder / "module_attribute_map.json").read_text(encoding="utf-8"))
    published = table["source"]
    source = {
        "standard": published["standard"],
        "table": published["table"],
        "edition": published["edition"],
        "url": published["url"],
        "sha256_of_source_xml": published["sha256_of_source_xml"],
        "obtained_from": published["obtained_from"],
        "cross_checked": published["cross_checked"],
        "types_from": "PyPI highdicom 0.28.2 (MIT), module_attribute_map.json and iod_module_map.json",
        "attribution": published["attribution"],
        "generator": "scripts/build_profile_table.py",
    }
    rows = ",\n".join(written(row) for row in profile_rows(table))
    items = ",\n".join(written(row) for row in content_rows(table))
    types = compact_types({iod: types_of(iod, modules, attributes) for iod in IODS})
    type_lines = ",\n".join(f"{written(iod)}:{{\n" + ",\n".join(_in_lines(types[iod])) + "\n}" for iod in IODS)
    arguments.output.write_text(
        f'{{"source":{json.dumps(source, indent=1)},\n"options":{written(table["option_keys"])},\n'
        f'"attributes":[\n{rows}\n],\n'
        f'"content_options":{written(table["content_option_keys"])},\n"content_items":[\n{items}\n],\n'
        f'"types":{{\n{type_lines}\n}}}}\n',
        encoding="utf-8",
        newline="\n",
    )


def _in_lines(types: dict[str, str], per_line: int = 8) -> list[str]:
    pairs = [f"{written(key)}:{written(kind)}" for key, kind in sorted(types.items())]
    return [",".join(pairs[start : start + per_line]) for start in range(0, len(pairs), per_line)]


if __name__ == "__main__":
    main()
