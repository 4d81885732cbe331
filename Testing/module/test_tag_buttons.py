"""Tags by button and key, from the vocabulary of the settings; the protocol as a checklist that fills."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hands_on_panel import add

from USDICOMizerLib.settings import parse_settings
from USDICOMizerLib.tags import Tag, TagVocabulary


def current_tag(panel: Any) -> Tag | None:
    return panel.session.decision(panel.session.current).tag


def test_site_side_and_purpose_by_mouse(panel: Any, files: list[Path]) -> None:
    from slicer_runtime import hands

    add(panel, *files)
    tags = panel.tags
    assert not tags.sides["R"].enabled, "a side belongs to a site"
    hands.click(tags.sites["FV-D"])
    hands.click(tags.sides["R"])
    hands.click(tags.purposes["compression"])
    assert current_tag(panel) == Tag("FV-D", "R", "compression")
    assert [site for site, button in tags.sites.items() if button.font.bold()] == ["FV-D"], "as dark themes hardly show it"
    assert tags.sites["FV-D"].checked and tags.sides["R"].checked and tags.purposes["compression"].checked
    hands.click(tags.purposes["compression"])
    hands.click(tags.sides[""])
    assert current_tag(panel) == Tag("FV-D")
    hands.click(tags.remove_button)
    assert current_tag(panel) is None
    assert not tags.sites["FV-D"].checked


def test_a_site_button_takes_the_side_of_the_instance_before(panel: Any, files: list[Path]) -> None:
    from slicer_runtime import hands

    add(panel, *files)
    hands.click(panel.tags.sites["CFV"])
    hands.click(panel.tags.sides["R"])
    panel.session.next()
    hands.click(panel.tags.sites["PV"])
    assert current_tag(panel) == Tag("PV", "R")


def test_the_protocol_fills_as_instances_are_tagged(panel: Any, files: list[Path]) -> None:
    add(panel, *files)
    panel.session.use_settings(parse_settings("[protocol]\nexpected = CFV-L, PV-R\n", "settings.ini"))
    checklist = panel.tags._checklist
    assert checklist.text == "Protocol, 2 still missing: ☐ CFV-L   ☐ PV-R"
    panel.session.change(panel.session.order[:1], "Tag", tag=Tag("CFV", "L"))
    assert checklist.text == "Protocol, 1 still missing: ☑ CFV-L   ☐ PV-R"
    panel.session.change(panel.session.order[1:2], "Tag", tag=Tag("PV", "R"))
    assert checklist.text.startswith("Protocol complete")


def test_another_vocabulary_makes_other_buttons_and_keys(panel: Any, files: list[Path]) -> None:
    from PySide6 import QtCore
    from slicer_runtime import hands

    add(panel, *files)
    panel.session.use_settings(parse_settings("[tags]\nsites = thyroid, liver\nsides =\npurposes =\n", "settings.ini"))
    assert list(panel.tags.sites) == ["thyroid", "liver"]
    assert panel.tags.sites["thyroid"].text == "thyroid  T"
    hands.press_key(QtCore.Qt.Key.Key_T)
    assert current_tag(panel) == Tag("thyroid")
    hands.press_key(QtCore.Qt.Key.Key_C)
    assert current_tag(panel) == Tag("thyroid"), "the old keys are gone"


def test_keys_are_letters_of_the_names_each_once_and_none_that_is_taken(module_widget: Any) -> None:
    from USDICOMizerGUI.shortcuts import RESERVED_LETTERS
    from USDICOMizerGUI.tag_keys import purpose_keys, site_keys, tag_keys

    keys = site_keys(TagVocabulary(), RESERVED_LETTERS)
    assert (keys["CFV"], keys["FV"], keys["PV"], keys["GSV"], keys["FV-D"], keys["OPT"]) == ("C", "F", "P", "G", "D", "O")
    assert len(set(keys.values())) == len(TagVocabulary().sites) and not set(keys.values()) & set(RESERVED_LETTERS)
    assert tag_keys(TagVocabulary(), RESERVED_LETTERS)["Shift+C"] == Tag("CFV", "R")
    many = TagVocabulary(sites=tuple(f"s{number}" for number in range(40)))
    assert len(site_keys(many, RESERVED_LETTERS)) == 26 - len(RESERVED_LETTERS)
    assert purpose_keys(TagVocabulary())["3"] == "compression"
