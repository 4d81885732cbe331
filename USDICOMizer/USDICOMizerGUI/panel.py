"""The panel: makes the rooms in order, ties keys to them, and keeps undo, redo and notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.add_inputs import AddInputs
from USDICOMizerGUI.codecs_offer import CodecsOffer
from USDICOMizerGUI.dicom_database import DatabaseInputs
from USDICOMizerGUI.drawing import Drawing
from USDICOMizerGUI.exam_table import ExamTable
from USDICOMizerGUI.export_room import ExportRoom
from USDICOMizerGUI.header_table import HeaderTable
from USDICOMizerGUI.review import Review
from USDICOMizerGUI.settings_dialog import SettingsDialog
from USDICOMizerGUI.shortcuts import HelpSheet, Shortcuts
from USDICOMizerGUI.tag_buttons import TagButtons
from USDICOMizerGUI.viewer import Viewer
from USDICOMizerGUI.words import step_words
from USDICOMizerLib.session import Scope
from USDICOMizerLib.session_steps import Change


class Panel:
    """All rooms of the panel, wired to one session."""

    def __init__(self, widget: qt.QWidget, ui: SimpleNamespace, logic: object):
        self.ui = ui
        self.logic = logic
        self.session = session = logic.session
        self.window = slicer.util.mainWindow() or widget
        self.shortcuts = Shortcuts(self.window)
        self.help = HelpSheet(self.shortcuts, self.window)
        self.inputs = AddInputs(session, ui.examSection, self._before_adding, self._show_thumbnail, self._settings_path)
        more_inputs = qt.QHBoxLayout()
        ui.examSection.layout().insertLayout(1, more_inputs)  # a row of its own: four buttons are wider than the panel
        self.database = DatabaseInputs(more_inputs, self.inputs.add, self.note)
        self.table = ExamTable(session, ui.examSection, self.inputs.add)
        self.viewer = Viewer(session, ui.viewSection)
        self.review = Review(session, ui.viewSection, self.viewer)
        self.drawing = Drawing(session, ui.viewSection, self.viewer, logic.settings_path)
        self.crop = self.drawing.crop
        self.tags = TagButtons(session, ui.tagSection, self.shortcuts)
        self.header = HeaderTable(session, ui.headerSection, self.viewer)
        self.export = ExportRoom(session, ui.exportSection, self.open_settings)
        resources = Path(slicer.util.modulePath("USDICOMizer")).parent / "Resources"
        self.codecs = CodecsOffer(ui.exportSection, str(resources / "requirements.txt"), self.note)
        self._rooms = [
            self.inputs,
            self.database,
            self.table,
            self.viewer,
            self.review,
            self.drawing,
            self.tags,
            self.header,
            self.export,
        ]
        ui.headerSection.collapsed = True
        self._bind_keys()
        ui.undoButton.connect("clicked(bool)", lambda _checked: session.undo())
        ui.redoButton.connect("clicked(bool)", lambda _checked: session.redo())
        ui.keysButton.connect("clicked(bool)", lambda _checked: self.help.show())
        self._stop_observing = session.observe(self._changed)
        self._changed()
        if logic.settings_error:
            self.note(_("The settings can't be used; these are the defaults. {why}").format(why=logic.settings_error))

    def enter(self) -> None:
        """Take the keys and the slice views."""
        self.shortcuts.set_active(True)
        self.viewer.enter()

    def exit(self) -> None:
        """Give them back."""
        self.shortcuts.set_active(False)
        self.viewer.exit()

    def cleanup(self) -> None:
        """Leave nothing behind."""
        self.exit()
        self._stop_observing()
        for room in reversed(self._rooms):
            room.cleanup()
        self.shortcuts.cleanup()
        self.help.cleanup()

    def add(self, paths: Sequence[Path]) -> None:
        """Read files, folders and ZIPs into the exam table."""
        self.inputs.add(paths)

    def note(self, words: str) -> None:
        """Say something that a person should know, above the rooms."""
        self.ui.noteLabel.setText(words.replace("/", "/\u200b"))  # a path may be broken into lines
        self.ui.noteLabel.setVisible(bool(words))

    def open_settings(self) -> None:
        """Open the settings; what is saved there is in force at once."""
        dialog = SettingsDialog(self.window, self.logic.settings_path)
        settings = dialog.run()
        dialog.cleanup()
        if settings is not None:
            self.logic.settings_error = ""
            self.note("")
            self.session.use_settings(settings)
            if self.session.saves:
                self.note(self.logic.save_from_now_on(anew=True))

    def _settings_path(self) -> Path | None:
        return None if self.logic.settings_error else self.logic.settings_path

    def _before_adding(self) -> None:
        words = self.logic.save_from_now_on()
        if words:
            self.note(words)

    def _show_thumbnail(self, identity: str, png: bytes) -> None:
        self.table.set_thumbnail(identity, png)

    def _bind_keys(self) -> None:
        """Keys for everything that is done more than once an exam. Letters of sites are bound by the tags."""
        keys, session, table = self.shortcuts, self.session, self.table
        keys.bind("review", "Return", self.review.button)
        keys.add("review", "F8", _("Confirm the selected instances whose picture was seen"), self.review.confirm_selected)
        keys.add("review", "Enter", _("Confirm and next (keypad)"), self.review.button.click)
        keys.add("view", "A", _("Before or after"), self.viewer.toggle_after)
        keys.add("view", "Space", _("Play or pause; press the button that has the focus"), self._press_or_play)
        keys.add("view", ",", _("One frame back"), lambda: self.viewer.step(-1))
        keys.add("view", ".", _("One frame on"), lambda: self.viewer.step(1))
        self._bind_drawing_keys()
        keys.add("exam", "N", _("Next instance"), session.next)
        keys.add("exam", "B", _("Previous instance"), session.previous)
        keys.bind("exam", "J", self.export.next_button, _("Next instance that isn't ready"))
        keys.add("exam", "X", _("Include or exclude the selected instances"), table.toggle_included)
        keys.add("exam", "F6", _("Include the selected instances"), table.include_selected)
        keys.add("exam", "PgUp", _("Move the selected instances up"), lambda: table.move_selected(-1))
        keys.add("exam", "PgDown", _("Move the selected instances down"), lambda: table.move_selected(1))
        keys.bind("exam", "Ctrl+Del", table.remove_button, _("Remove the selected instances from the list"))
        keys.add(
            "tag", "Del", _("Take the tag of the selected instances away; on the page Blank, the selected box"), self._delete
        )
        keys.bind("export", "F9", self.export.export_button, _("Export"))
        keys.bind("panel", "Ctrl+Z", self.ui.undoButton, _("Undo"))
        keys.bind("panel", "Ctrl+Y", self.ui.redoButton, _("Redo"))
        keys.bind("panel", "?", self.ui.keysButton, _("Show all keys"))

    def _bind_drawing_keys(self) -> None:
        """Keys for what is drawn on the picture; those that several pages have are about the open one."""
        add, drawing = self.shortcuts.add, self.drawing
        device, selected = Scope.SAME_DEVICE_AND_SIZE, Scope.SELECTED
        add("draw", "K", _("Apply what the open page draws to all of this device and size"), lambda: drawing.apply(device))
        add("draw", "Shift+K", _("Apply what the open page draws to the selected instances"), lambda: drawing.apply(selected))
        add("draw", "E", _("Reset the crop box, or the sector, to the proposal"), drawing.reset)
        add("draw", "M", _("Cut off or blank the rest of the frame: the next way"), self.crop.next_rest)
        add("draw", "R", _("Blank a new box"), drawing.add_redaction)
        add("draw", "S", _("Blank all but the sector, or no more"), drawing.toggle_sector)
        add("draw", "Shift+M", _("Next page: crop box, blanked boxes, sector"), drawing.next_page)

    def _delete(self) -> None:
        """Del is about what the open page has selected; else about the tag."""
        if self.drawing.room is self.drawing.redactions:
            self.drawing.redactions.delete()
        else:
            self.tags.remove_tag()

    def _press_or_play(self) -> None:
        """Space presses the button that has the focus, for those who have no mouse; else it plays."""
        focus = slicer.app.focusWidget()
        if focus is not None and focus.inherits("QAbstractButton"):
            focus.click()
        else:
            self.viewer.toggle_play()

    def _changed(self, _change: Change | None = None) -> None:
        for button, words, name in (
            (self.ui.undoButton, self.session.undo_words, _("Undo")),
            (self.ui.redoButton, self.session.redo_words, _("Redo")),
        ):
            button.setEnabled(bool(words))
            button.setText(f"{name}: {step_words(words)}" if words else name)
