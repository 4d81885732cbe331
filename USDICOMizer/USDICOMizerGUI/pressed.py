"""Buttons that stay pressed: in bold as well, as some themes, dark ones above all, hardly show it."""

from __future__ import annotations

import qt


def bold_while_pressed(button: qt.QAbstractButton) -> None:
    """Write on a checkable button in bold while it is checked."""
    button.connect("toggled(bool)", lambda checked: _embolden(button, checked))
    _embolden(button, button.checked)


def _embolden(button: qt.QAbstractButton, bold: bool) -> None:
    font = button.font
    font.setBold(bold)
    button.setFont(font)
