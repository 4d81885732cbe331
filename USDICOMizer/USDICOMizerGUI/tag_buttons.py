"""Tags: a button for each site, side and purpose of the vocabulary, each with its key; and what the protocol still misses."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.pressed import bold_while_pressed
from USDICOMizerGUI.shortcuts import RESERVED_LETTERS, Shortcuts
from USDICOMizerGUI.tag_keys import purpose_keys, tag_keys
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_steps import Change, ChangeKind
from USDICOMizerLib.tags import SIDES, Tag, TagVocabulary, anatomy_of

_SITES_A_ROW = 4
_PURPOSES_A_ROW = 3


class TagButtons:
    """Tags the selected instances. Buttons and keys are made anew where the vocabulary changes."""

    def __init__(self, session: Session, section: qt.QWidget, shortcuts: Shortcuts):
        self.session = session
        self._shortcuts = shortcuts
        self._section = section
        self._vocabulary: TagVocabulary | None = None
        self._buttons: qt.QWidget | None = None
        self.sites: dict[str, qt.QToolButton] = {}
        self.sides: dict[str, qt.QToolButton] = {}
        self.purposes: dict[str, qt.QToolButton] = {}
        self._checklist = qt.QLabel()
        self._checklist.objectName = "protocolChecklist"
        self._checklist.setWordWrap(True)
        self._checklist.setTextFormat(qt.Qt.PlainText)
        section.layout().addWidget(self._checklist)
        self._stop_observing = session.observe(self._changed)
        self._rebuild()

    def cleanup(self) -> None:
        """Tag nothing any more."""
        self._stop_observing()
        self._shortcuts.remove("tags")

    def tag(self, tag: Tag) -> None:
        """Give the selected instances a site and side; their purpose stays."""
        selected = self.session.selected
        decisions = {}
        for identity in selected:
            decision = self.session.decision(identity)
            purpose = decision.tag.purpose if decision.tag else ""
            decisions[identity] = decision.replaced(tag=Tag(tag.site, tag.side, purpose))
        self.session.decide(_("Tag {tag}").format(tag=tag), decisions)

    def set_site(self, site: str) -> None:
        """Give the selected instances a site; the side stays, or is the one of the instance before."""
        self.tag(Tag(site, self._side()))

    def set_side(self, side: str) -> None:
        """Change the side of the selected instances that have a site."""
        self._replace(_("Side {side}").format(side=side or _("none")), lambda tag: Tag(tag.site, side, tag.purpose))

    def set_purpose(self, purpose: str) -> None:
        """Change the purpose of the selected instances that have a site; the same again takes it away."""
        current = self._current_tag()
        purpose = "" if current and current.purpose == purpose else purpose
        words = _("Purpose {purpose}").format(purpose=purpose or _("none"))
        self._replace(words, lambda tag: Tag(tag.site, tag.side, purpose))

    def remove_tag(self) -> None:
        """Take the tag of the selected instances away."""
        self.session.change(self.session.selected, _("Remove tag"), tag=None)

    def _replace(self, words: str, change: object) -> None:
        decisions = {}
        for identity in self.session.selected:
            decision = self.session.decision(identity)
            if decision.tag:
                decisions[identity] = decision.replaced(tag=change(decision.tag))
        self.session.decide(words, decisions)
        self._show()

    def _current_tag(self) -> Tag | None:
        return self.session.decision(self.session.current).tag if self.session.current else None

    def _side(self) -> str:
        """The side that a site button means: that of the instance, else of the last tagged one before it, else the first."""
        current, order = self.session.current, self.session.order
        before = order[: order.index(current) + 1] if current else ()
        tags = (self.session.decision(identity).tag for identity in reversed(before))
        return next(
            (tag.side for tag in tags if tag), self.session.settings.tags.sides[0] if self.session.settings.tags.sides else ""
        )

    def _changed(self, change: Change) -> None:
        if change.kind is ChangeKind.CHOICES and self.session.settings.tags != self._vocabulary:
            self._rebuild()
        else:
            self._show()

    def _rebuild(self) -> None:
        """Buttons and keys for the vocabulary of the settings."""
        vocabulary = self._vocabulary = self.session.settings.tags
        if self._buttons is not None:
            self._buttons.setParent(None)
            self._buttons.deleteLater()
        self._buttons = qt.QWidget()
        rows = qt.QVBoxLayout(self._buttons)
        rows.setContentsMargins(0, 0, 0, 0)
        keys = tag_keys(vocabulary, RESERVED_LETTERS)
        self._shortcuts.remove("tags")
        self._add_sites(rows, keys)
        row = qt.QHBoxLayout()
        self.sides = {
            side: self._button(row, "side", side or _("no side"), _side_words(side)) for side in (*vocabulary.sides, "")
        }
        for side, button in self.sides.items():
            button.connect("clicked(bool)", lambda _checked, side=side: self.set_side(side))
        row.addStretch(1)
        self.remove_button = self._button(
            row, "remove", _("No tag"), f"{_('Take the tag of the selected instances away')}\n{_('Key')}: Del"
        )
        self.remove_button.setCheckable(False)
        self.remove_button.connect("clicked(bool)", lambda _checked: self.remove_tag())
        rows.addLayout(row)
        self._add_purposes(rows)
        for key, tag in keys.items():
            self._shortcuts.add("tags", key, _("Tag {tag}").format(tag=tag), lambda tag=tag: self.tag(tag))
        self._section.layout().insertWidget(0, self._buttons)
        self._show()

    def _add_sites(self, rows: qt.QVBoxLayout, keys: dict[str, Tag]) -> None:
        grid = qt.QGridLayout()
        self.sites = {}
        for index, site in enumerate(self._vocabulary.sites):
            own = [(key, tag) for key, tag in keys.items() if tag.site == site]
            tips = [anatomy_of(site).words, *(f"{key}: {tag}" for key, tag in own)]
            button = self._button(None, "site", f"{site}  {own[0][0]}" if own else site, "\n".join(filter(None, tips)))
            button.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
            button.connect("clicked(bool)", lambda _checked, site=site: self.set_site(site))
            grid.addWidget(button, index // _SITES_A_ROW, index % _SITES_A_ROW)
            self.sites[site] = button
        rows.addLayout(grid)

    def _add_purposes(self, rows: qt.QVBoxLayout) -> None:
        grid = qt.QGridLayout()
        digits = {purpose: digit for digit, purpose in purpose_keys(self._vocabulary).items()}
        self.purposes = {}
        for index, purpose in enumerate(self._vocabulary.purposes):
            digit = digits.get(purpose, "")
            tip = _("Purpose of the selected instances") + (f"\n{digit}" if digit else "")
            button = self._button(None, "purpose", f"{purpose}  {digit}".strip(), tip)
            button.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
            grid.addWidget(button, index // _PURPOSES_A_ROW, index % _PURPOSES_A_ROW)
            button.connect("clicked(bool)", lambda _checked, purpose=purpose: self.set_purpose(purpose))
            self.purposes[purpose] = button
            if digit:
                words = _("Purpose {purpose}").format(purpose=purpose)
                self._shortcuts.add("tags", digit, words, lambda purpose=purpose: self.set_purpose(purpose))
        rows.addLayout(grid)

    def _button(self, row: qt.QHBoxLayout | None, kind: str, text: str, tip: str) -> qt.QToolButton:
        button = qt.QToolButton()
        button.objectName = f"{kind}Button {text.split('  ')[0]}"
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        bold_while_pressed(button)
        if row is not None:
            row.addWidget(button)
        return button

    def _show(self) -> None:
        """Press the buttons of the current instance's tag, and tick the protocol off."""
        tag = self._current_tag() or Tag("")
        for buttons, value in ((self.sites, tag.site), (self.sides, tag.side), (self.purposes, tag.purpose)):
            for name, button in buttons.items():
                button.setChecked(name == value and bool(tag.site))
                button.setEnabled(bool(self.session.selected))
        for name in (self.sides, self.purposes):
            for button in name.values():
                button.setEnabled(bool(tag.site))
        self._checklist.setText(self._protocol_words())
        self._checklist.setVisible(bool(self._checklist.text))

    def _protocol_words(self) -> str:
        """The protocol's sites of the current exam: those that are there with a tick, then those that aren't."""
        expected = self.session.settings.protocol.expected
        if not expected or not self.session.current:
            return ""
        missing = self.session.missing_sites(self.session.exam_of(self.session.current))
        marks = "   ".join(f"{'☐' if tag in missing else '☑'} {tag}" for tag in expected)
        if not missing:
            return _("Protocol complete: {sites}").format(sites=marks)
        return _("Protocol, {count} still missing: {sites}").format(count=len(missing), sites=marks)


def _side_words(side: str) -> str:
    return _("Side: {side}").format(side=SIDES.get(side, _("none")))
