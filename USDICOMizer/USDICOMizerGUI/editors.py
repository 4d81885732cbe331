"""What is typed into a field counts before a key or a button does anything with it."""

from __future__ import annotations

import slicer


def commit_typed() -> bool:
    """Take what is being typed into the field that has the focus, if one has; returns whether one had.

    A window's shortcuts get Return before fields do, and on macOS a click on a button takes no focus away: what was
    typed would be lost, or come too late.
    """
    focus = slicer.app.focusWidget()
    if focus is None or not _is_typed_into(focus):
        return False
    if focus.inherits("QAbstractSpinBox"):
        focus.interpretText()
    focus.clearFocus()  # says that editing is finished
    return True


def _is_typed_into(widget: object) -> bool:
    if widget.inherits("QComboBox"):
        return bool(widget.isEditable())
    return any(widget.inherits(kind) for kind in ("QLineEdit", "QAbstractSpinBox", "QPlainTextEdit"))
