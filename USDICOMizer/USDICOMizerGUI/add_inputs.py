"""Adding exams: buttons for files, folders and ZIPs, their reading in a process beside, and earlier work that is offered."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.child_process import LibraryProcess
from USDICOMizerLib.panel_feed import (
    FeedReader,
    content_from,
    identifying_from,
    proposal_from,
    request_bytes,
    sector_from,
    text_from,
)
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_steps import Change, ChangeKind

_FEED = "USDICOMizerLib.panel_feed"


class AddInputs:
    """Reads what a person adds into the session, without ever making the window wait.

    `before_adding` is called once before the first exam is listed; `on_thumbnail` with an identity and a PNG.
    `settings_path` gives the file of the session's settings, by which crop boxes are proposed from the pictures; None for
    the built-in ones. More buttons may be put into `buttons`.
    """

    def __init__(
        self,
        session: Session,
        section: qt.QWidget,
        before_adding: Callable[[], None],
        on_thumbnail: Callable[[str, bytes], None],
        settings_path: Callable[[], Path | None] = lambda: None,
        start_process: Callable[..., LibraryProcess] = LibraryProcess,
    ):
        self.session = session
        self._section = section
        self._before_adding = before_adding
        self._on_thumbnail = on_thumbnail
        self._settings_path = settings_path
        self._settings = session.settings
        self._start_process = start_process
        self._process: LibraryProcess | None = None
        self._reader = FeedReader()
        self._has_failed = self._has_looked = False
        self._waiting: list[Path] = []
        self._adding: list[Path] = []

        self.files_button = _button("addFilesButton", _("Add files..."), _("Add DICOM files or ZIPs of exams, with any names."))
        self.folder_button = _button("addFolderButton", _("Add folder..."), _("Add a folder with all that is in it."))
        first = qt.QHBoxLayout()
        first.addWidget(self.files_button)
        first.addWidget(self.folder_button)
        self.buttons = qt.QHBoxLayout()
        self.progress = qt.QProgressBar()
        self.progress.setRange(0, 0)
        self.status = qt.QLabel()
        self.status.objectName = "readingStatus"
        self.status.setWordWrap(True)
        self.cancel_button = _button("cancelReadingButton", _("Stop reading"), _("List only what was added before."))
        self._busy = qt.QWidget()
        row = qt.QHBoxLayout(self._busy)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.progress)
        row.addWidget(self.cancel_button)
        self._busy.setVisible(False)
        self._offer, self.take_button, self.decline_button, self.offer_words = _offer_bar()
        section.layout().addLayout(first)
        section.layout().addLayout(self.buttons)
        for widget in (self._busy, self.status, self._offer):
            section.layout().addWidget(widget)
        self.status.setVisible(False)

        self.files_button.connect("clicked(bool)", self._choose_files)
        self.folder_button.connect("clicked(bool)", self._choose_folder)
        self.cancel_button.connect("clicked(bool)", self.cancel)
        self.take_button.connect("clicked(bool)", self._take_plan)
        self.decline_button.connect("clicked(bool)", self._decline_plan)
        self._stop_observing = session.observe(self._changed)

    @property
    def reading(self) -> bool:
        """Whether inputs are still being read for the list; thumbnails may come later."""
        return bool(self._adding)

    @property
    def idle(self) -> bool:
        """Whether nothing is read any more, thumbnails included; text may still be looked for."""
        return self._has_looked or self._process is None or not self._process.running

    def cleanup(self) -> None:
        """Read nothing any more."""
        self._stop_observing()
        if self._process:
            self._process.abandon()

    def add(self, paths: Sequence[Path]) -> None:
        """Read files, folders and ZIPs, and list what is in them; while others are being read, after those."""
        self._waiting += [path for path in paths if path not in self._waiting]
        if self._waiting and not self._adding:
            self._start()

    def cancel(self, _checked: bool = False) -> None:
        """Stop reading; what was listed before stays."""
        self._waiting = []
        if self._process and self._adding:
            self._process.abandon()
            self._over("")
            self._look_again()

    def _start(self) -> None:
        """Read what waits together with what was added before, as the export will: duplicates are found only so."""
        self._adding, self._waiting = self._waiting, []
        self._busy.setVisible(True)
        self._tell(_("Reading..."))
        self._feed()

    def _look_again(self) -> None:
        """Begin anew with what is proposed and shown of the listed instances, of which nothing is added."""
        if self._adding:
            self._waiting = [*self._adding, *self._waiting]
            self._start()
        elif self.session.order:
            self._feed()

    def _feed(self) -> None:
        if self._process:
            self._process.abandon()  # what it would still bring is read again now
        self._reader, self._has_failed, self._has_looked = FeedReader(), False, False
        inputs = list(dict.fromkeys([*self.session.inputs, *(path.absolute() for path in self._adding)]))
        request = request_bytes(inputs, self._settings_path())
        self._process = self._start_process(_FEED, [], self._event, self._ended, request)

    def _event(self, event: Mapping) -> None:
        match event["event"]:
            case "proposal":
                self.session.take_proposals({event["identity"]: proposal_from(event)})
            case "looked":
                self._has_looked = True
            case "text":
                self.session.learn_text(event["identity"], text_from(event), identifying_from(event))
            case "sector":
                self.session.take_sector(event["identity"], sector_from(event))
            case "found" | "error" if not self._adding:
                pass  # it is about what is listed already
            case "found":
                self._tell(_("Reading... {files} files so far").format(files=event["files"]))
            case "content":
                self.session.learn_content(event["identity"], content_from(event))
            case "thumbnail":
                self._on_thumbnail(event["identity"], base64.b64decode(event["png"]))
            case "error":
                self._has_failed = True
                self._over(event["words"])
            case _:
                discovery = self._reader.take(event)
                if discovery is not None and self._adding:
                    self._list(discovery)

    def _list(self, discovery: object) -> None:
        added, before = self._adding, len(self.session.order)
        self._before_adding()
        self.session.add(discovery, added)
        nothing = _("There is no DICOM instance in what was added, or it is listed already.")
        self._over("" if len(self.session.order) > before else nothing)

    def _ended(self, status: int | None, words: str) -> None:
        self._process = None
        has_failed = self._has_failed or bool(self._adding)
        self._has_failed = False
        if self._adding:
            self._over(_("What was added could not be read. {why}").format(why=words))
        if has_failed and self._process is None:
            self._look_again()  # what was listed before still waits for its proposals

    def _over(self, words: str) -> None:
        self._adding = []
        self._busy.setVisible(False)
        self._tell(words)
        if self._waiting:
            self._start()

    def _tell(self, words: str) -> None:
        self.status.setText(words)
        self.status.setVisible(bool(words))

    def _choose_files(self, _checked: bool = False) -> None:
        files = qt.QFileDialog.getOpenFileNames(self._section, _("Add DICOM files or ZIPs"))
        self.add([Path(name) for name in files])

    def _choose_folder(self, _checked: bool = False) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._section, _("Add a folder with an exam"))
        if folder:
            self.add([Path(folder)])

    def _changed(self, change: Change) -> None:
        if change.kind is ChangeKind.CHOICES and self.session.settings is not self._settings:
            self._settings = self.session.settings
            self._look_again()
        offered = self.session.offered_plan()
        self._offer.setVisible(offered is not None)
        if offered is None:
            return
        self.take_button.setEnabled(bool(offered.decisions))
        if offered.mistakes:
            words = _("Earlier work on this exam was found, but can't be used as it is:") + "\n" + "\n".join(offered.mistakes)
        else:
            words = _("You have worked on this exam before. Go on with that work?")
        self.offer_words.setText(words)

    def _take_plan(self, _checked: bool = False) -> None:
        self.session.take_plan()

    def _decline_plan(self, _checked: bool = False) -> None:
        self.session.decline_plan()


def _offer_bar() -> tuple[qt.QWidget, qt.QPushButton, qt.QPushButton, qt.QLabel]:
    """A bar with what is offered in words, and the two answers."""
    bar = qt.QFrame()
    bar.objectName = "offeredPlan"
    bar.setFrameShape(qt.QFrame.StyledPanel)
    words = qt.QLabel()
    words.objectName = "offeredPlanWords"
    words.setWordWrap(True)
    take = _button("takePlanButton", _("Go on with it"), _("Take over boxes, tags, order and confirmations."))
    decline = _button("declinePlanButton", _("Begin anew"), _("The earlier work is kept beside, in the linkage folder."))
    row = qt.QHBoxLayout(bar)
    row.addWidget(words, 1)
    row.addWidget(take)
    row.addWidget(decline)
    bar.setVisible(False)
    return bar, take, decline, words


def _button(name: str, text: str, tip: str) -> qt.QPushButton:
    button = qt.QPushButton(text)
    button.objectName = name
    button.setToolTip(tip)
    return button
