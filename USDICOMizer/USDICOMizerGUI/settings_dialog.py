"""The settings file in a dialog: a field for each value, with the file's own explanations and what is wrong beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import qt
from slicer.i18n import tr as _

from USDICOMizerLib.errors import SettingsError
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.original_settings import load_original
from USDICOMizerLib.settings import Settings, default_settings_text, parse_settings
from USDICOMizerLib.settings_form import Field, Mistakes, Name, fields_of, mistakes_in, with_values

_PAUSE_MS = 300  # between the last key and the check
_INDENT = 16  # pixels
_WRONG = "\u26a0"  # a warning sign


class SettingsDialog:
    """Edits the file at `path`; nothing is written before a person saves it without a mistake."""

    def __init__(self, window: qt.QWidget, path: Path):
        self.path = path
        self._text = _read(path)
        self._saved: Settings | None = None
        self._inputs: dict[Name, qt.QWidget] = {}
        self._mistakes: dict[Name, qt.QLabel] = {}
        self.dialog = qt.QDialog(window)
        self.dialog.objectName = "settingsDialog"
        self.dialog.setWindowTitle(_("USDICOMizer: settings"))
        self.tabs = qt.QTabWidget()
        self.elsewhere = qt.QLabel()
        self.elsewhere.objectName = "otherMistakes"
        self.elsewhere.setWordWrap(True)
        self.import_button = qt.QPushButton(_("Import the original's settings.ini..."))
        self.import_button.objectName = "importButton"
        self.save_button = qt.QPushButton(_("Save"))
        self.save_button.objectName = "saveSettingsButton"
        self.save_button.setDefault(True)
        self.cancel_button = qt.QPushButton(_("Cancel"))
        self.cancel_button.objectName = "cancelSettingsButton"
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.connect("timeout()", self.check)
        row = qt.QHBoxLayout()
        row.addWidget(self.import_button)
        row.addStretch(1)
        row.addWidget(self.save_button)
        row.addWidget(self.cancel_button)
        layout = qt.QVBoxLayout(self.dialog)
        layout.addWidget(self.tabs)
        layout.addWidget(self.elsewhere)
        layout.addWidget(qt.QLabel(_("File: {path}").format(path=path)))
        layout.addLayout(row)
        self.dialog.resize(720, 640)
        self._fill()
        self.import_button.connect("clicked(bool)", self._choose_original)
        self.save_button.connect("clicked(bool)", self.save)
        self.cancel_button.connect("clicked(bool)", lambda _checked: self.dialog.reject())

    def run(self) -> Settings | None:
        """Show the dialog until it is closed; the settings that were saved, or None."""
        self.dialog.exec_()
        return self._saved

    def cleanup(self) -> None:
        """Let it go."""
        self._timer.stop()
        self.dialog.deleteLater()

    def text(self) -> str:
        """The file as it would be saved. Raises ValueError where a line can't be written to it."""
        unchanged = {field.name: field.value for field in fields_of(self._text)}
        return with_values(self._text, {name: value for name, value in self._values().items() if value != unchanged.get(name)})

    def check(self) -> Mistakes:
        """Say beside each field what is wrong with it, and let nothing wrong be saved."""
        try:
            mistakes = mistakes_in(self.text(), self.path.name)
        except ValueError as error:
            mistakes = Mistakes(elsewhere=(str(error),))
        for name, label in self._mistakes.items():
            label.setText("\n".join(f"{_WRONG} {mistake}" for mistake in mistakes.by_field.get(name, ())))
            label.setVisible(name in mistakes.by_field)
        for tab, section in enumerate(self._sections):
            is_wrong = any(name[0] == section for name in mistakes.by_field)
            self.tabs.setTabText(tab, f"{_WRONG} {_title(section)}" if is_wrong else _title(section))
        self.elsewhere.setText("\n".join(mistakes.elsewhere))
        self.elsewhere.setVisible(bool(mistakes.elsewhere))
        self.save_button.setEnabled(not mistakes)
        return mistakes

    def save(self, _checked: bool = False) -> None:
        """Write the file and close; where something is wrong, say so instead."""
        if self.check():
            return
        text = self.text()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self.path, replace=True) as stream:
                stream.write(text.encode("utf-8"))
        except OSError as error:
            self.elsewhere.setText(_("The file can't be written: {why}").format(why=error.strerror))
            self.elsewhere.setVisible(True)
            return
        self._saved = parse_settings(text, self.path.name)
        self.dialog.accept()

    def import_original(self, path: Path) -> None:
        """Show the settings of the original program instead; they are saved when a person says so."""
        try:
            imported = load_original(path)
        except SettingsError as error:
            self.elsewhere.setText(str(error))
            self.elsewhere.setVisible(True)
            return
        self._text = imported.text
        self._fill()
        self.elsewhere.setText("\n".join(imported.notes))
        self.elsewhere.setVisible(bool(imported.notes))

    def _choose_original(self, _checked: bool = False) -> None:
        name = qt.QFileDialog.getOpenFileName(self.dialog, _("settings.ini of the original US-DICOMizer"), "", "*.ini")
        if name:
            self.import_original(Path(name))

    def _fill(self) -> None:
        """Fields for the text, a tab for each section."""
        self.tabs.clear()
        self._inputs.clear()
        self._mistakes.clear()
        self._sections: dict[str, list[Field]] = {}
        for field in fields_of(self._text):
            self._sections.setdefault(field.section, []).append(field)
        for section, fields in self._sections.items():
            page = qt.QWidget()
            form = qt.QVBoxLayout(page)
            for field in fields:
                self._add(form, field)
            if not any(field.has_lines for field in fields):
                form.addStretch(1)
            area = qt.QScrollArea()
            area.setWidgetResizable(True)
            area.setWidget(page)
            self.tabs.addTab(area, _title(section))
        self.check()

    def _add(self, form: qt.QVBoxLayout, field: Field) -> None:
        if field.key:
            form.addWidget(qt.QLabel(field.key.replace("_", " ").capitalize()))
        entry = self._input(field)
        entry.objectName = f"{field.section} {field.key}".strip()
        form.addWidget(entry)
        mistake = qt.QLabel()
        mistake.objectName = f"{entry.objectName} mistake"
        mistake.setWordWrap(True)
        mistake.setVisible(False)
        form.addWidget(mistake)
        explanation = qt.QLabel(field.explanation)
        explanation.setWordWrap(True)
        explanation.setTextFormat(qt.Qt.PlainText)
        explanation.setIndent(_INDENT)
        form.addWidget(explanation)
        self._inputs[field.name] = entry
        self._mistakes[field.name] = mistake

    def _input(self, field: Field) -> qt.QWidget:
        if field.has_lines:
            entry = qt.QPlainTextEdit()
            entry.setPlainText(field.value)
            entry.connect("textChanged()", self._check_soon)
        elif field.choices:
            entry = qt.QComboBox()
            entry.addItems(list(dict.fromkeys([*field.choices, field.value])))
            entry.setCurrentText(field.value)
            entry.connect("currentTextChanged(QString)", lambda _text: self._check_soon())
        else:
            entry = qt.QLineEdit(field.value)
            entry.connect("textChanged(QString)", lambda _text: self._check_soon())
        return entry

    def _check_soon(self) -> None:
        self._timer.start()

    def _values(self) -> Mapping[Name, str]:
        def value(entry: qt.QWidget) -> str:
            if entry.inherits("QPlainTextEdit"):
                return entry.plainText.strip()
            return (entry.currentText if entry.inherits("QComboBox") else entry.text).strip()

        return {name: value(entry) for name, entry in self._inputs.items()}


def _title(section: str) -> str:
    return section.replace("_", " ")


def _read(path: Path) -> str:
    """The file's text; that of the default where there is none that can be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return default_settings_text()
