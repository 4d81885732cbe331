"""docs/attributes.md says what the program does."""

import importlib.util

from repository import REPOSITORY

from USDICOMizerLib.deidentify.profile import Action
from USDICOMizerLib.deidentify.profile_table import profile_table


def test_the_table_of_attributes_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_attributes_table", REPOSITORY / "scripts" / "make_attributes_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    said = "docs/attributes.md is out of date: run python scripts/make_attributes_table.py"
    assert script.TARGET.read_text(encoding="utf-8") == script.attributes_table(), said


def test_the_table_has_a_line_for_every_attribute_and_none_that_stays_without_an_option():
    lines = (REPOSITORY / "docs" / "attributes.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split(" | ") for line in lines if line.startswith("| ") and " | (" in line]
    assert len(cells) == len(profile_table().rows)
    assert Action.KEEP not in {row[4] for row in cells}
    assert any("modified dates: shifted" in row[5] for row in cells)
