"""Fixtures of the acceptance tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from USDICOMizerLib.settings import default_settings_text, update_settings_text


@pytest.fixture(autouse=True)
def plain_settings(own_home: Path) -> Path:
    """The user's settings, in which text isn't looked for in pictures, and no report is written.

    Hundreds of commands would do so each, for what test_text_in_image.py and test_reports.py are about.
    """
    own_home.mkdir()
    path = own_home / "settings.ini"
    path.write_text(
        update_settings_text(default_settings_text(), {("review", "require_text_check"): "no", ("export", "report"): "no"}),
        encoding="utf-8",
    )
    return path
