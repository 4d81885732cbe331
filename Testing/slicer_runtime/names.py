"""The names that real PythonQt and CTK expose, class by class (recorded from PythonQt 4.1 and CTK on Qt 5.15)."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("pythonqt_names.json.gz")

# PythonQt adds these to every wrapped object beside what Qt declares.
EVERYWHERE = frozenset({"className", "delete", "help", "inherits", "name", "objectName"})


@cache
def table() -> dict[str, dict[str, frozenset[str]]]:
    """The recorded classes: "qt.QLabel" -> methods, signals, and properties_enums_and_other."""
    raw = json.loads(gzip.decompress(TABLE.read_bytes()))
    return {name: {kind: frozenset(names) for kind, names in kinds.items()} for name, kinds in raw.items()}


def known(qualified: str) -> bool:
    """Whether a class ("qt.QLabel", "ctk.ctkSliderWidget") exists in the application."""
    return qualified in table()


@cache
def members(qualified: str) -> frozenset[str]:
    """Every attribute name of one class, aliases such as `exec_` included; empty for an unknown class."""
    kinds = table().get(qualified)
    if kinds is None:
        return frozenset()
    names = frozenset().union(*kinds.values(), EVERYWHERE)
    return names | {f"{name}_" for name in ("exec", "raise", "print") if name in names}
