"""Keys for everything that is done more than once an exam. They are active only while the module is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.editors import commit_typed

RESERVED_LETTERS = "NBJXAEKMRS"
"""Letters with a meaning of their own in the panel, which no site gets."""

_ENDS_TYPING = ("Return", "Enter", "F8")  # what confirms must not confirm what a person couldn't see yet


@dataclass(frozen=True)
class _Key:
    group: str
    sequence: str
    words: str
    shortcut: qt.QShortcut


class Shortcuts:
    """The keys of the panel by group, on the window so that they work wherever in it the focus is.

    A text field that has the focus still gets the letters that are typed into it; all other keys take first what is
    being typed there, and those that confirm do nothing else then.
    """

    def __init__(self, window: qt.QWidget):
        self._window = window
        self._keys: list[_Key] = []
        self._active = False

    def add(self, group: str, sequence: str, words: str, action: Callable[[], None]) -> None:
        """Bind a key; `words` say in the help sheet what it does. Raises ValueError where the key is bound already."""
        if any(key.sequence == sequence for key in self._keys):
            raise ValueError(f"the key {sequence} is bound twice")
        shortcut = qt.QShortcut(qt.QKeySequence(sequence), self._window)
        shortcut.setContext(qt.Qt.WindowShortcut)
        shortcut.setEnabled(self._active)
        only_commits = sequence in _ENDS_TYPING
        shortcut.connect("activated()", lambda: None if commit_typed() and only_commits else action())
        self._keys.append(_Key(group, sequence, words, shortcut))

    def bind(self, group: str, sequence: str, button: qt.QAbstractButton, words: str = "") -> None:
        """Bind a key to a button, and say so in its tooltip."""
        said = words or button.toolTip or button.text
        self.add(group, sequence, said.splitlines()[0], button.click)
        button.setToolTip(f"{button.toolTip}\n{_('Key')}: {sequence}".strip())

    def remove(self, group: str) -> None:
        """Unbind the keys of a group."""
        for key in self._keys:
            if key.group == group:
                key.shortcut.setEnabled(False)
                key.shortcut.setParent(None)
                key.shortcut.deleteLater()
        self._keys = [key for key in self._keys if key.group != group]

    def set_active(self, active: bool) -> None:
        """Let the keys work, or not."""
        self._active = active
        for key in self._keys:
            key.shortcut.setEnabled(active)

    def cleanup(self) -> None:
        """Unbind all keys."""
        for group in {key.group for key in self._keys}:
            self.remove(group)

    def table(self) -> list[tuple[str, str, str]]:
        """Group, key and what it does, in the order in which they were bound."""
        return [(key.group, key.sequence, key.words) for key in self._keys]


class HelpSheet:
    """All keys on one page."""

    def __init__(self, shortcuts: Shortcuts, window: qt.QWidget):
        self._shortcuts = shortcuts
        self.dialog = qt.QDialog(window)
        self.dialog.objectName = "keysHelp"
        self.dialog.setWindowTitle(_("USDICOMizer: keys"))
        self.table = qt.QTableWidget()
        self.table.setColumnCount(2)
        self.table.setHorizontalHeaderLabels([_("Key"), _("What it does")])
        self.table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.table.verticalHeader().setVisible(False)
        self.table.horizontalHeader().setStretchLastSection(True)
        close = qt.QPushButton(_("Close"))
        close.connect("clicked(bool)", self.dialog.accept)
        layout = qt.QVBoxLayout(self.dialog)
        layout.addWidget(self.table)
        layout.addWidget(close)
        self.dialog.resize(460, 560)

    def show(self) -> None:
        """Show the keys as they are bound now; the panel stays usable beside."""
        rows = self._shortcuts.table()
        self.table.setRowCount(len(rows))
        for number, (_group, sequence, words) in enumerate(rows):
            self.table.setItem(number, 0, qt.QTableWidgetItem(sequence))
            self.table.setItem(number, 1, qt.QTableWidgetItem(words))
        self.table.resizeColumnToContents(0)
        self.dialog.show()
        self.dialog.raise_()

    def cleanup(self) -> None:
        """Close it for good."""
        self.dialog.close()
        self.dialog.deleteLater()
