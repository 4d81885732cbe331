"""The review: a person confirms the picture that leaves, after having seen it."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.editors import commit_typed
from USDICOMizerGUI.viewer import Viewer, ViewMode
from USDICOMizerGUI.words import text_advice
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_state import CropState, Readiness
from USDICOMizerLib.session_steps import Change


class Review:
    """A button and a key that confirm what is looked at and go on to what is left.

    What wasn't seen yet is shown first, by the viewer, and nothing is confirmed then.
    """

    def __init__(self, session: Session, section: qt.QWidget, viewer: Viewer):
        self.session = session
        self._viewer = viewer
        self.state = qt.QLabel()
        self.state.objectName = "reviewState"
        self.state.setWordWrap(True)
        self.button = qt.QPushButton(_("Confirm and next (Return)"))
        self.button.objectName = "confirmButton"
        self.button.setToolTip(_("Say that the picture which would leave shows nothing that it shouldn't"))
        self.blank_button = qt.QPushButton(_("Blank the text"))
        self.blank_button.objectName = "blankTextButton"
        self.blank_button.setToolTip(_("Blank the places of the text that was found, in all frames of the selected instances."))
        row = qt.QHBoxLayout()
        row.addWidget(self.state, 1)
        row.addWidget(self.blank_button)
        row.addWidget(self.button)
        section.layout().addLayout(row)
        self.button.connect("clicked(bool)", self.confirm_and_next)
        self.blank_button.connect("clicked(bool)", self.blank_text)
        viewer.when_shown.append(self._show)
        self._stop_observing = session.observe(self._show)
        self._show()

    def cleanup(self) -> None:
        """Show nothing any more."""
        self._stop_observing()

    def confirm_and_next(self, _checked: bool = False) -> None:
        """Confirm the instance that is looked at, and look at the next that isn't ready."""
        current = self.session.current
        if current is None:
            return
        before = self.session.decision(current)
        commit_typed()
        if self.session.decision(current) != before:
            return  # it isn't what was looked at
        crop = self.session.state(current).crop
        if crop is CropState.MISSING:
            self._viewer.set_mode(ViewMode.BEFORE)  # where a box can be drawn
            return
        if crop is not CropState.APPLIED and not self.session.confirm_review([current]):
            self._viewer.show_all_that_leaves()
            self._show()
            return
        self.session.next_not_ready()

    def confirm_selected(self) -> None:
        """Confirm all selected instances whose picture was seen."""
        self.session.confirm_review(self.session.selected)

    def blank_text(self, _checked: bool = False) -> None:
        """Blank the text that was found in the selected instances and the one that is looked at."""
        if self.session.current is not None:
            self.session.blank_text({self.session.current, *self.session.selected})

    def _show(self, _change: Change | None = None) -> None:
        current = self.session.current
        self.button.setEnabled(current is not None)
        text = self.session.text_in(current) if current else ()
        self.blank_button.setVisible(bool(text))
        words = self._words(current) if current else ""
        identifies = bool(text) and bool(self.session.identifying_text_in(current))
        told = [text_advice(identifies)] * bool(text) + [words] * (not identifies)  # no word of leaving: it can't
        self.state.setText(" ".join(told))

    def _words(self, current: str) -> str:
        state = self.session.state(current)
        if not self.session.in_readiness(Readiness.NOT_READY) and self.session.in_readiness(Readiness.READY):
            return _("Everything is ready. Export it below.")
        if state.crop is CropState.APPLIED:
            return _("Confirmed: it leaves as you saw it.")
        if state.crop is CropState.MISSING:
            return _("Draw a crop box first.")
        if self.session.can_confirm(current):
            return _("This is what would leave. Is there nothing that identifies the patient?")
        return _("Not confirmed. The first press shows what would leave, the second confirms it.")
