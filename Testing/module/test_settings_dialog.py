"""The settings dialog: every value of the file, what is wrong beside its field, and nothing wrong saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from USDICOMizerLib.settings import default_settings_text, load_settings


@pytest.fixture
def dialog(clean_application: Any, module_widget: Any, tmp_path: Path) -> Iterator[Any]:
    import slicer
    from USDICOMizerGUI.settings_dialog import SettingsDialog

    path = tmp_path / "settings.ini"
    path.write_text(default_settings_text(), encoding="utf-8")
    made = SettingsDialog(slicer.util.mainWindow(), path)
    made.dialog.show()
    yield made
    made.dialog.close()
    made.cleanup()


def test_a_mistake_is_told_beside_its_field_and_keeps_the_file_from_being_saved(dialog: Any) -> None:
    dialog._inputs["crop", "margin"].setText("wide")
    dialog.check()
    assert "margin" in dialog._mistakes["crop", "margin"].text
    assert not dialog.save_button.enabled
    before = dialog.path.read_text(encoding="utf-8")
    dialog.save()
    assert dialog.path.read_text(encoding="utf-8") == before
    dialog._inputs["crop", "margin"].setText("5")
    dialog.check()
    assert dialog._mistakes["crop", "margin"].text == "" and dialog.save_button.enabled


def test_what_is_saved_is_in_the_file_and_comments_stay(dialog: Any) -> None:
    from slicer_runtime import hands

    dialog._inputs["tags", "required"].setCurrentText("yes")
    dialog._inputs["attributes_to_del", ""].setPlainText("BodyPartExamined\n(0018,1030)")
    dialog.check()
    hands.click(dialog.save_button)
    settings = load_settings(dialog.path)
    assert settings.tags.required
    assert len(settings.deidentification.attributes_to_delete) == 2
    assert "# Pixels added on each side" in dialog.path.read_text(encoding="utf-8")


def test_nothing_is_written_when_it_is_cancelled(dialog: Any) -> None:
    from slicer_runtime import hands

    dialog._inputs["crop", "margin"].setText("7")
    hands.click(dialog.cancel_button)
    assert dialog.path.read_text(encoding="utf-8") == default_settings_text()


def test_the_original_s_settings_are_imported_and_its_notes_shown(dialog: Any, tmp_path: Path) -> None:
    original = tmp_path / "original.ini"
    original.write_text(
        "[settings]\ncompression_level = 85\nconvert_all_to_jpeg = yes\n[devices]\n"
        "device0 = [379046942],[337,69,686,727],[263,53,536,569]\n",
        encoding="utf-8",
    )
    dialog.import_original(original)
    assert "device0" in dialog._inputs["crop_presets", ""].plainText
    assert dialog.elsewhere.text
    dialog.save()
    assert load_settings(dialog.path).presets[0].name == "device0"


def test_settings_that_were_saved_are_in_force_in_the_panel(module_widget: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from USDICOMizerGUI.settings_dialog import SettingsDialog

    def fill_and_save(self: Any) -> Any:
        self._inputs["tags", "required"].setCurrentText("yes")
        self.save()
        return self._saved

    monkeypatch.setattr(SettingsDialog, "run", fill_and_save)
    module_widget.panel.open_settings()
    assert module_widget.panel.session.settings.tags.required


def test_it_looks_as_it_should(dialog: Any, panel_screenshot: Any, tmp_path: Path) -> None:
    import os

    dialog._inputs["crop", "margin"].setText("wide")
    dialog.check()
    target = Path(os.environ.get("USDICOMIZER_SCREENSHOTS") or tmp_path) / "settings.png"
    assert dialog.dialog.grab().save(str(target))
