"""De-identify and export: what will happen at a glance, the run in a process of its own, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.child_process import LibraryProcess
from USDICOMizerGUI.editors import commit_typed
from USDICOMizerGUI.export_results import ExportResults
from USDICOMizerGUI.words import problem_words
from USDICOMizerLib.errors import USDICOMizerError
from USDICOMizerLib.files import remove_abandoned_parts
from USDICOMizerLib.readiness import count_patients
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_export import command_text
from USDICOMizerLib.session_state import Readiness
from USDICOMizerLib.session_steps import Change, ChangeKind

_COMMAND_LINE = "USDICOMizerLib"
_DESTINATION = "USDICOMizer/destination"
_INTERRUPTED = 130


class ExportRoom:
    """Runs `prepare` with the session's plan, exactly as a terminal would."""

    def __init__(
        self,
        session: Session,
        section: qt.QWidget,
        open_settings: Callable[[], None],
        start_process: Callable[..., LibraryProcess] = LibraryProcess,
    ):
        self.session = session
        self._section = section
        self._start_process = start_process
        self._process: LibraryProcess | None = None
        self._done = 0
        self._was_cancelled = False
        self._result: Mapping | None = None

        self.destination = qt.QLineEdit()
        self.destination.objectName = "destination"
        self.destination.setPlaceholderText(_("A folder for the ZIPs, one an exam"))
        self.browse_button = _button("browseButton", _("Choose..."), _("Choose the folder for the export"))
        self.subject = qt.QLineEdit()
        self.subject.objectName = "subject"
        self.subject.setPlaceholderText(_("made from the project key"))
        self.subject.setToolTip(
            _("The subject's pseudonym. Leave it empty to have one made that stays the same for the patient.")
        )
        self.profile = qt.QLabel()
        self.profile.objectName = "profile"
        self.profile.setWordWrap(True)
        self.settings_button = _button("settingsButton", _("Settings..."), _("De-identification, presets, tags and all else"))
        self.overwrite = qt.QCheckBox(_("Replace an export that exists"))
        self.overwrite.objectName = "overwrite"
        self.readiness = qt.QLabel()
        self.readiness.objectName = "exportReadiness"
        self.readiness.setWordWrap(True)
        self.next_button = _button("nextNotReadyButton", _("Show the next that isn't ready"), _("Look at what still needs you"))
        self.export_button = _button("exportButton", _("Export"), _("De-identify what is ready, and write one ZIP an exam"))
        self.cancel_button = _button("cancelExportButton", _("Cancel"), _("Stop. Nothing half-written remains."))
        self.copy_button = _button(
            "copyCommandButton", _("Copy as command line"), _("Copy the command that does exactly this without the window")
        )
        self.progress = qt.QProgressBar()
        self.progress.objectName = "exportProgress"
        self.message = qt.QLabel()
        self.message.objectName = "exportMessage"
        self.message.setWordWrap(True)
        self._lay_out(section.layout())
        self.results = ExportResults(section.layout())

        self.destination.connect("textEdited(QString)", lambda _text: self._take_destination())
        self.destination.connect("editingFinished()", self._remember_destination)
        self.subject.connect("textEdited(QString)", lambda text: self.session.choose(subject=text.strip()))
        self.overwrite.connect("toggled(bool)", lambda checked: self.session.choose(overwrite=checked))
        self.browse_button.connect("clicked(bool)", self._browse)
        self.settings_button.connect("clicked(bool)", lambda _checked: open_settings())
        self.next_button.connect("clicked(bool)", lambda _checked: self.session.next_not_ready())
        self.export_button.connect("clicked(bool)", self.export)
        self.cancel_button.connect("clicked(bool)", self.cancel)
        self.copy_button.connect("clicked(bool)", self.copy_command)
        remembered = slicer.app.userSettings().value(_DESTINATION, "")
        if remembered and not session.choices.destination:
            session.choose(destination=Path(remembered))
        # All that one turn of the event loop changes is shown once, after it.
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.connect("timeout()", self._show)
        self._stop_observing = session.observe(self._changed)
        self._show()

    @property
    def exporting(self) -> bool:
        """Whether an export runs."""
        return self._process is not None

    def cleanup(self) -> None:
        """End what runs, and show nothing any more."""
        self._stop_observing()
        self._soon.stop()
        if self._process:
            self._process.abandon()

    def export(self, _checked: bool = False) -> None:
        """Write the plan, and run `prepare` on it."""
        commit_typed()
        if self.exporting or not self.export_button.isEnabled():
            return
        self.results.clear()
        arguments = self._arguments()
        if arguments is None:
            return
        self._done, self._was_cancelled, self._result = 0, False, None
        self.progress.setRange(0, len(self.session.order))
        self.progress.setValue(0)
        self._tell(_("Exporting..."))
        arguments = [*arguments, "--json", "--progress", "json"]
        self._process = self._start_process(_COMMAND_LINE, arguments, self._event, self._ended)
        self._show()

    def cancel(self, _checked: bool = False) -> None:
        """Stop the export that runs; exports that were finished before stay."""
        if self._process:
            self._was_cancelled = True
            self._tell(_("Stopping..."))
            self._process.cancel()

    def copy_command(self, _checked: bool = False) -> None:
        """Put the command line of this export into the clipboard."""
        arguments = self._arguments()
        if arguments is not None:
            qt.QApplication.clipboard().setText(command_text(arguments, _program()))
            self._tell(_("Copied. The plan that it names is in the linkage folder."))

    def _arguments(self) -> list[str] | None:
        """The arguments of the command line, with the plan written; None where that fails, which is said."""
        try:
            plan = self.session.save()
        except USDICOMizerError as error:
            self._tell(str(error))
            return None
        if plan is None:
            self._tell(_("The plan can't be written, as the linkage folder or the project key can't be used."))
            return None
        return self.session.command_line(plan)

    def _event(self, event: Mapping) -> None:
        if event["event"] == "instance":
            self._done += 1
            self.progress.setValue(self._done)
        elif event["event"] == "result":
            self._result = event

    def _ended(self, status: int | None, words: str) -> None:
        self._process = None
        self.session.save_each()
        if self._result is not None:
            self._tell(self.results.show(self._result))
        elif self._was_cancelled or status == _INTERRUPTED:
            self._clear_away()
            self._tell(_("Cancelled. Nothing half-written remains; exports that were finished before stay."))
        else:
            self._clear_away()
            self._tell(words.replace("usdicomizer: ", "") or _("The export ended without saying why."))
        self._show()

    def _clear_away(self) -> None:
        """A process that was killed can't tidy up itself."""
        if self.session.choices.destination and self.session.choices.destination.is_dir():
            remove_abandoned_parts(self.session.choices.destination)

    def _browse(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._section, _("Folder for the export"), self.destination.text)
        if folder:
            self.destination.setText(folder)
            self._take_destination()
            self._remember_destination()

    def _take_destination(self) -> None:
        text = self.destination.text.strip()
        self.session.choose(destination=Path(text) if text else None)

    def _remember_destination(self) -> None:
        slicer.app.userSettings().setValue(_DESTINATION, self.destination.text.strip())

    def _tell(self, words: str) -> None:
        self.message.setText(words)
        self.message.setVisible(bool(words))

    def _changed(self, change: Change) -> None:
        if change.kind not in (ChangeKind.CURRENT, ChangeKind.SELECTION):
            self._soon.start()

    def _show(self) -> None:
        choices = self.session.choices
        typed = self.destination.text.strip()
        if (Path(typed) if typed else None) != choices.destination:
            self.destination.setText(str(choices.destination or ""))
        if self.subject.text.strip() != choices.subject:
            self.subject.setText(choices.subject)
        several = count_patients(map(self.session.instance, self.session.order)) > 1
        self.subject.setEnabled(not several)
        if several and choices.subject:
            self.session.choose(subject="")
            return
        self.overwrite.setChecked(choices.overwrite)
        options = ", ".join(self.session.settings.deidentification.options) or _("no options")
        self.profile.setText(_("Basic Profile of DICOM PS3.15, {options}").format(options=options))
        self._show_readiness()

    def _show_readiness(self) -> None:
        ready = len(self.session.in_readiness(Readiness.READY))
        waiting = self.session.in_readiness(Readiness.NOT_READY) + self.session.in_readiness(Readiness.CHECKING)
        problems = Counter(problem for identity in waiting for problem in self.session.state(identity).problems)
        why = ", ".join(f"{count} {problem_words(problem)[0]}" for problem, count in problems.items())
        if not self.session.order:
            words = _("Nothing is listed yet.")
        elif waiting:
            words = _("{ready} ready, {waiting} not: {why}").format(ready=ready, waiting=len(waiting), why=why or _("being read"))
        else:
            words = _("All {ready} included instances are ready.").format(ready=ready)
        if ready and not self.session.choices.destination:
            words += "\n" + _("Choose a destination folder.")
        if self.session.save_error:
            words += "\n" + _("The work isn't being saved: {why}").format(why=self.session.save_error)
        self.readiness.setText(words)
        self.next_button.setVisible(bool(waiting))
        self.export_button.setText(_("Export {count} instances").format(count=ready) if ready else _("Export"))
        self.export_button.setEnabled(bool(ready) and self.session.choices.destination is not None and not self.exporting)
        self.copy_button.setEnabled(bool(self.session.order) and self.session.choices.destination is not None)
        self.cancel_button.setVisible(self.exporting)
        self.progress.setVisible(self.exporting)

    def _lay_out(self, layout: qt.QVBoxLayout) -> None:
        form = qt.QFormLayout()
        row = qt.QHBoxLayout()
        row.addWidget(self.destination, 1)
        row.addWidget(self.browse_button)
        form.addRow(_("Destination:"), row)
        form.addRow(_("Subject:"), self.subject)
        profile = qt.QHBoxLayout()
        profile.addWidget(self.profile, 1)
        profile.addWidget(self.settings_button)
        form.addRow(_("Profile:"), profile)
        form.addRow("", self.overwrite)
        layout.addLayout(form)
        waiting = qt.QHBoxLayout()
        waiting.addWidget(self.readiness, 1)
        waiting.addWidget(self.next_button)
        layout.addLayout(waiting)
        buttons = qt.QHBoxLayout()
        buttons.addWidget(self.export_button, 1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.copy_button)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.message)
        self.message.setVisible(False)


def _program() -> list[str]:
    """How a terminal starts the library of this Slicer, which needs no Python of its own for it."""
    slicer_path = slicer.app.launcherExecutableFilePath or slicer.app.applicationFilePath()  # macOS has no launcher
    script = Path(slicer.util.modulePath("USDICOMizer")).parent / "Scripts" / "prepare_exams.py"
    return [slicer_path, "--no-splash", "--no-main-window", "--python-script", str(script), "--"]


def _button(name: str, text: str, tip: str) -> qt.QPushButton:
    button = qt.QPushButton(text)
    button.objectName = name
    button.setToolTip(tip)
    return button
