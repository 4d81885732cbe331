"""A second reading of PS3.15 Table E.1-1, which shares nothing with the library but the table's published rows.

It judges a pair: a header and what was made of it. Each element of the source gets the set of outcomes that the standard
allows; each outcome outside of that set is a difference. Where this project is stricter than the table, the sentence that
allows it stands beside the exception.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID_dictionary
from repository import REPOSITORY

_DATA = json.loads((REPOSITORY / "USDICOMizerLib" / "deidentify" / "ps315_table_e1_1.json").read_text(encoding="utf-8"))
COLUMNS = tuple(_DATA["options"])
_ROWS = {row[0]: row for row in _DATA["attributes"]}
_FULL, _MODIFIED = "retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"
_DUMMIES = {"ANONYMIZED", "19000101", "19000101000000", "000000", "0", "000D", "http://anonymized.invalid"}
_BINARY = {"OB", "OW", "OF", "OD", "OL", "OV", "UN"}
# Stricter than the table, as with all binary data: an ICC profile holds texts, a date and a device (ISO 15076-1, 7.2).
_ICC_PROFILE = 0x00282000
_WRITTEN = {
    tag_for_keyword(keyword)
    for keyword in """
        PatientName PatientID SpecificCharacterSet PatientIdentityRemoved DeidentificationMethod BurnedInAnnotation
        DeidentificationMethodCodeSequence LongitudinalTemporalInformationModified
    """.split()
}


def differences(source: Dataset, output: Dataset, options: Collection[str], iod: str = "ultrasound-image") -> list[str]:
    """What in `output` the standard doesn't allow, given `source` and the options as Table E.1-1 names its columns."""
    alone = _level(source, output, frozenset(options), iod, ())
    return [*alone, *_uids_disagree(source, output), *_days_disagree(source, output)]


def _level(source: Dataset, output: Dataset, options: frozenset[str], iod: str, path: tuple[int, ...]) -> Iterator[str]:
    for tag in sorted(output.keys()):
        if tag not in source and tag not in _WRITTEN and not (output[tag].is_empty and _type(iod, path, tag) == "2"):
            yield f"{_place(path, tag)}: it was not in the source"
    for tag in sorted(source.keys()):
        place = _place(path, tag)
        try:
            element = source[tag]
        except Exception:  # a value that can't be read can't have been carried over
            if tag in output and not output[tag].is_empty:
                yield f"{place}: unreadable, and still there"
            continue
        if not path and tag in _WRITTEN or tag == 0x00080005:
            continue
        allowed = _allowed(element, options, iod, path)
        if element.is_empty and allowed - {"removed"}:
            allowed |= {"emptied"}  # nothing stays nothing, whatever is done with it
        became = outcome(element, output)
        if element.VR == "SQ" and became == "dummy" and "kept" in allowed:
            became = "kept"  # what its items still hold happens to be dummies
        if became not in allowed:
            yield f"{place}: {became}, not {' or '.join(sorted(allowed))}"
        elif element.VR == "SQ" and became == "kept":
            for before, after in items_of(element, output[tag]):
                yield from _level(before, after, options, iod, (*path, int(tag)))


def items_of(before, after) -> list[tuple[Dataset, Dataset]]:
    """The items of a sequence with what was made of each; none where some are gone whole. Empty ones don't count."""
    items = [item for item in before.value if len(item)]
    return list(zip(items, after.value, strict=True)) if len(items) == len(after.value) else []


def _place(path: tuple[int, ...], tag: int) -> str:
    return ".".join(f"{one:08X}" for one in (*path, int(tag)))


def _type(iod: str, path: tuple[int, ...], tag: int) -> str:
    key = ".".join(f"{one:08X}" for one in (*path[-1:], int(tag)))
    base = _DATA["types"]["ultrasound-image"].get(key, "3")
    return _DATA["types"][iod].get(key, base)


def _allowed(element, options: frozenset[str], iod: str, path: tuple[int, ...]) -> set[str]:
    tag, kind = int(element.tag), _type(iod, path, element.tag)
    if element.tag.is_private:
        # "Private Attributes: X; C with Retain Safe Private": none is listed as safe in these tests.
        return {"removed"}
    if tag >> 16 < 8 or tag & 0xFFFF == 0 or tag >> 16 >= 0xFFFA or tag >> 16 == 0x7FE0:
        # PS3.10 7.1, PS3.5 7.2: these have no place in a data set, or lose their meaning; pixels are judged elsewhere.
        return {"removed"}
    if tag >> 24 in (0x50, 0x60) or tag == 0x00880200:
        # E.3.3: what graphics hold "shall also be removed"; whole planes are.
        return {"removed"}
    row = _ROWS.get(f"{tag:08X}")
    unsound = _cleared(kind)  # E.2 asks for values consistent with the VR; a value that isn't can be anything, and goes
    if row is None:
        return _unlisted(element, kind, unsound, options, path)
    basic = _basic(row[3], kind, element)
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return {"removed"}  # newer than the dictionary: its VR isn't known, so nothing of it can be trusted (E.2: X)
    cells = {option: cell for option, cell in zip(COLUMNS, row[4], strict=True) if option in options and cell != "-"}
    if not cells or vr in _BINARY:
        return basic  # binary values can't be looked into, so no option keeps or cleans them
    if cells.get(_MODIFIED) == "C":
        # E.3.6: "any dates and times present in the Attributes shall be modified" by whole days: times stay, and what
        # can't be moved by days goes as in the Basic Profile, such as the offset from UTC.
        return {"DA": {"shifted"}, "DT": {"shifted"}, "TM": {"kept"}}.get(vr, set()) | basic
    if "K" in cells.values():
        return {"kept"} | (basic if _is_odd(element, vr) else set())
    # C: "values of similar meaning known not to contain identifying information", or the Basic Profile's action
    return {"kept"} | basic


def _is_odd(element, vr: str) -> bool:
    """Whether the value is one that its VR in the dictionary doesn't allow."""
    if vr != element.VR or isinstance(element.value, bytes):
        return True
    texts = _texts(element)
    if vr in ("DA", "DT", "TM"):
        return not all(map(_is_date if vr != "TM" else _is_time, texts))
    if vr == "AS":
        return not all(len(text) == 4 and text[:3].isdigit() for text in texts)
    return vr in ("LO", "SH", "ST", "LT", "UC", "UT") and not all(text.isprintable() for text in texts)


def _basic(codes: str, kind: str, element) -> set[str]:
    """E.1: X remove, Z zero length, D dummy, U new UID; of several, by Type: "Z/D: Z unless D is required for Type 1"."""
    if "U" in codes.split("/"):
        return {"uid", *_cleared(kind)} if _is_odd(element, "UI") else {"uid"}
    # D: "a non-zero length Value that may be a dummy Value and consistent with the VR": a new UID is one
    dummy = {"dummy", "uid"} if element.VR == "UI" else {"dummy"}
    if "U*" in codes:
        return {"3": {"removed"}, "2": {"emptied"}}.get(kind, {"kept"})
    if kind in ("2", "2C"):
        return dummy if codes == "D" else {"emptied"}
    if kind == "1":
        return dummy
    for code, outcome in (
        (("D", "dummy"), ("Z", "emptied"), ("X", "removed"))
        if kind == "1C"
        else (
            ("X", "removed"),
            ("Z", "emptied"),
            ("D", "dummy"),
        )
    ):
        if code in codes.split("/"):
            return dummy if outcome == "dummy" else {outcome}
    raise AssertionError(codes)


def _cleared(kind: str) -> set[str]:
    return {"emptied"} if kind in ("2", "2C") else {"removed"}


def _unlisted(element, kind: str, unsound: set[str], options: frozenset[str], path: tuple[int, ...]) -> set[str]:
    """E.2 keeps what the table doesn't list. Stricter here: what can name a person or a day in an attribute that it doesn't."""
    try:
        vr = dictionary_VR(element.tag)
    except KeyError:
        return {"removed"}
    if vr == "UI":
        well_known = all(text in UID_dictionary for text in _texts(element))
        return {"kept", "uid"} if well_known else {"uid", "kept", *unsound}
    if vr in ("PN", "DA", "DT", "TM", "AE", "UR"):
        return _basic("X/Z/D", kind, element)
    if set(vr.split(" or ")) & _BINARY and (element.tag.group != 0x0028 or element.tag == _ICC_PROFILE):
        return unsound
    inside_cleaned = any(
        "C" in _ROWS.get(f"{tag:08X}", ("", "", "", "", "-" * len(COLUMNS)))[4][COLUMNS.index(option)]
        for tag in path
        for option in options
    )
    return {"kept"} | (unsound if inside_cleaned or not _is_sound(element, vr) else set())


def _is_sound(element, vr: str) -> bool:
    """Whether an unlisted value is what its VR allows; an AT also names an attribute of the dictionary."""
    if element.VR not in vr.split(" or ") or isinstance(element.value, bytes) and vr == "AT":
        return False
    if element.VR == "AT":
        return all(keyword_for_tag(tag) for tag in (element.value if isinstance(element.value, MultiValue) else [element.value]))
    return all(text.isprintable() for text in _texts(element))


def _texts(element) -> list[str]:
    value = element.value
    if value is None or isinstance(value, bytes) or element.VR == "SQ":
        return []
    return [text for text in map(str, value if isinstance(value, MultiValue | list) else [value]) if text]


def outcome(element, output: Dataset) -> str:
    """What became of an element: kept, removed, emptied, dummy, uid, shifted; "changed" is none of these."""
    if element.tag not in output:
        return "removed"
    after = output[element.tag]
    if element.VR == "SQ" or after.VR == "SQ":
        if after.VR != element.VR:
            return "changed"
        dummies = [text for item in after.value for one in item for text in _texts(one)]
        if element.value and after.value and dummies and all(text in _DUMMIES for text in dummies):
            return "dummy"
        return "kept" if bool(after.value) == bool(element.value) else "emptied"
    if isinstance(element.value, bytes) or isinstance(after.value, bytes):
        same = after.value == element.value or after.value == _swapped(element.value)  # written little-endian
        return "kept" if same else "emptied" if not after.value else "dummy" if not any(after.value) else "changed"
    before, now = _texts(element), _texts(after)
    if before == now:
        return "kept" if now else "emptied" if element.VR not in ("UI",) else "uid"
    if not now:
        return "emptied"
    if element.VR == "UI":
        return "uid"
    if all(text in _DUMMIES for text in now):
        return "dummy"
    if element.VR in ("DA", "DT") and _moved(before, now):
        return "shifted"
    return "changed"


def _swapped(value: bytes) -> bytes:
    return b"".join(value[at : at + 2][::-1] for at in range(0, len(value), 2)) if isinstance(value, bytes) else b""


def _moved(before: list[str], now: list[str]) -> int:
    """By how many days all the values were moved; 0 where they weren't, or not alike, or more than the date changed."""
    if len(before) != len(now) or not all(map(_is_date, before + now)):
        return 0
    if any(b[8:].split("+")[0].split("-")[0] != n[8:] for b, n in zip(before, now, strict=True)):
        return 0
    days = {(_day(n) - _day(b)).days for b, n in zip(before, now, strict=True)}
    return days.pop() if len(days) == 1 else 0


def _day(text: str) -> datetime:
    return datetime.strptime(text[:8], "%Y%m%d")


def _is_date(text: str) -> bool:
    try:
        return len(text) >= 8 and bool(_day(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    digits = text.split(".")[0]
    return digits.isdigit() and len(digits) in (2, 4, 6) and digits[:2] < "24" and digits[2:4] < "60" and digits[4:6] <= "60"


def _pairs(source: Dataset, output: Dataset) -> Iterator[tuple]:
    for tag in source.keys() & output.keys():
        try:
            before, after = source[tag], output[tag]
        except Exception:
            continue
        if after.VR != "SQ" and all(text in _DUMMIES for text in _texts(after)):
            continue
        if before.VR == "SQ" == after.VR:
            for one, other in items_of(before, after):
                yield from _pairs(one, other)
        else:
            yield before, after


def _uids_disagree(source: Dataset, output: Dataset) -> Iterator[str]:
    """E.1, U: "a non-zero length UID that is internally consistent within a set of Instances"."""
    new: dict[str, str] = {}
    for before, after in _pairs(source, output):
        if before.VR == "UI":
            for old, now in zip(_texts(before), _texts(after), strict=False):
                if new.setdefault(old, now) != now:
                    yield f"{before.keyword}: one UID has two replacements"
    if len(set(new.values())) < len(new):
        yield "two UIDs have one replacement"


def _days_disagree(source: Dataset, output: Dataset) -> Iterator[str]:
    """E.3.6: the relationships between the dates of a subject survive."""
    dated = [pair for pair in _pairs(source, output) if pair[0].VR in ("DA", "DT")]
    days = {_moved(_texts(before), _texts(after)) for before, after in dated} - {0}
    if len(days) > 1:
        yield "the dates were moved by different numbers of days"


def answer_key() -> dict[str, tuple[str, dict[str, set[str]]]]:
    """answer_key.csv: attribute -> (outcome under the Basic Profile, the outcomes by option)."""
    text = Path(__file__).with_name("answer_key.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line[0] != "#"]
    key = {}
    for row in csv.DictReader(lines):
        words = row["options"].replace(" or ", "/").split()
        key[row["attribute"]] = row["is"], {option: set(what.split("/")) for option, what in (word.split("=") for word in words)}
    return key
