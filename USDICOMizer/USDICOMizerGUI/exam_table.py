"""The exam table: every instance with its thumbnail, what it is, what is decided about it and whether it is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.exam_tree import IDENTITY, ExamTree, identity_of
from USDICOMizerGUI.time_slices import TimeSlices
from USDICOMizerGUI.words import crop_words, kind_words, state_advice, state_words, text_advice
from USDICOMizerLib.exam import Exam
from USDICOMizerLib.outcomes import Outcome
from USDICOMizerLib.session import Session
from USDICOMizerLib.session_state import Readiness
from USDICOMizerLib.session_steps import Change, ChangeKind
from USDICOMizerLib.tags import Tag

_NUMBER, _STATE, _TAG, _PICTURE = range(4)
_LEAST_TAG, _TAG_RIM, _MOST_TAG = 30, 8, 160  # pixels


class ExamTable:
    """Shows the session's exams and the order of their instances; lets a person select, sort, reorder, include, remove."""

    def __init__(self, session: Session, section: qt.QWidget, on_paths: Callable[[Sequence[Path]], None]):
        self.session = session
        self._items: dict[str, qt.QTreeWidgetItem] = {}
        self._exam_items: list[tuple[Exam, qt.QTreeWidgetItem]] = []
        self._thumbnails: dict[str, qt.QIcon] = {}
        self._icons = _readiness_icons()
        self._making = TimeSlices()
        self._showing = TimeSlices()
        self._to_show: dict[str, None] = {}
        self._is_filtered = False

        self.tree = ExamTree(on_paths, self._place)
        self.tree.objectName = "examTree"
        self.tree.setColumnCount(4)
        self.tree.setHeaderLabels([_("No."), _("State"), _("Tag"), _("Picture")])
        self.tree.setMinimumHeight(280)
        for column, width in ((_NUMBER, 98), (_STATE, 145), (_PICTURE, 70)):
            self.tree.setColumnWidth(column, width)
        self._fit_tags()
        self.tree.setToolTip(_("Drop files, folders or ZIPs here. Drag rows, or Page Up and Page Down, to reorder."))
        self.tree.sortByColumn(_NUMBER, qt.Qt.AscendingOrder)
        self.hint = qt.QLabel(_("Drop an ultrasound exam here (files, a folder or a ZIP), or add one with the buttons above."))
        self.hint.objectName = "examHint"
        self.hint.setWordWrap(True)
        self.summary = qt.QLabel()
        self.summary.objectName = "examSummary"
        self.only_not_ready = qt.QCheckBox(_("Show only what isn't ready"))
        self.only_not_ready.objectName = "onlyNotReady"
        self.remove_button = qt.QPushButton(_("Remove"))
        self.remove_button.objectName = "removeButton"
        self.clear_button = qt.QPushButton(_("Clear"))
        self.clear_button.objectName = "clearButton"
        self.clear_button.setToolTip(_("Take everything off the list. Files stay where they are, and work on them stays saved."))
        below = qt.QHBoxLayout()
        for widget in (self.only_not_ready, self.remove_button, self.clear_button):
            below.addWidget(widget)
        below.insertStretch(1)
        for widget in (self.hint, self.tree, self.summary):
            section.layout().addWidget(widget)
        section.layout().addLayout(below)

        self.tree.connect("itemSelectionChanged()", self._selected)
        self.tree.connect("itemChanged(QTreeWidgetItem*,int)", self._checked)
        self.only_not_ready.connect("toggled(bool)", self._filter)
        self.remove_button.connect("clicked(bool)", self.remove_selected)
        self.clear_button.connect("clicked(bool)", self._clear)
        self._stop_observing = session.observe(self._changed)
        self._rebuild()

    def cleanup(self) -> None:
        """Show nothing any more."""
        self._stop_observing()
        self._making.stop()
        self._showing.stop()

    def set_thumbnail(self, identity: str, png: bytes) -> None:
        """Show the picture of an instance, a PNG, in its row."""
        pixmap = qt.QPixmap()
        pixmap.loadFromData(png)
        self._thumbnails[identity] = qt.QIcon(pixmap)
        if identity in self._items:
            blocked = self.tree.blockSignals(True)
            self._items[identity].setIcon(_NUMBER, self._thumbnails[identity])
            self.tree.blockSignals(blocked)

    def remove_selected(self, _checked: bool = False) -> None:
        """Take the selected instances off the list."""
        self.session.remove(self.session.selected)

    def move_selected(self, by: int) -> None:
        """Move the selected instances up or down, and show the order."""
        self.tree.sortByColumn(_NUMBER, qt.Qt.AscendingOrder)
        self.session.move(self.session.selected, by)

    def toggle_included(self) -> None:
        """Include the selected instances, or exclude them where all are included."""
        included = all(self.session.decision(identity).include for identity in self.session.selected)
        self._include(self.session.selected, not included)

    def include_selected(self) -> None:
        """Take the selected instances into the export."""
        self._include(self.session.selected, True)

    def _include(self, identities: Sequence[str], include: bool) -> None:
        self.session.change(identities, _("Include") if include else _("Exclude"), include=include)

    def _place(self, identities: Sequence[str], before: str | None) -> None:
        self.tree.sortByColumn(_NUMBER, qt.Qt.AscendingOrder)
        self.session.place(identities, before)

    def _clear(self, _checked: bool = False) -> None:
        self._thumbnails.clear()
        self.session.clear()

    def _changed(self, change: Change) -> None:
        if change.kind is ChangeKind.CHOICES:
            self._fit_tags()
        elif change.kind is ChangeKind.EXAMS:
            self._rebuild()
        elif change.kind is ChangeKind.DECISIONS:
            self._show_rows(change.identities)
        elif change.kind in (ChangeKind.CURRENT, ChangeKind.SELECTION) and not self._making.is_busy:
            self._show_selection()
            self._filter()

    def _fit_tags(self) -> None:
        """Make the column of tags as wide as the longest of the vocabulary."""
        tags = self.session.settings.tags
        lines = (*(str(Tag(site, side)) for site in tags.sites for side in tags.sides or ("",)), *tags.purposes)
        metrics = self.tree.fontMetrics()
        widths = [metrics.horizontalAdvance(line) for line in lines]
        self.tree.setColumnWidth(_TAG, min(max([_LEAST_TAG, *widths]) + _TAG_RIM, _MOST_TAG))

    @property
    def is_busy(self) -> bool:
        """Whether rows are still being made or brought up to date."""
        return self._making.is_busy or self._showing.is_busy

    def _rebuild(self) -> None:
        """Make all rows anew, in slices."""
        self._showing.stop()
        self._to_show.clear()
        self._making.run(self._make_rows(), at_once=True)

    def _make_rows(self) -> Iterator[None]:
        tree = self.tree
        tree.setSortingEnabled(False)
        blocked = tree.blockSignals(True)
        tree.clear()
        tree.blockSignals(blocked)
        self._items.clear()
        self._exam_items = []
        self.hint.setVisible(not self.session.order)
        for exam in self.session.exams:
            parent = self._add_group()
            self._exam_items.append((exam, parent))
            members = {instance.identity for instance in exam.instances}
            for identity in self.session.order:
                if identity in members:
                    self._add_row(parent, identity)
                    yield
        self._add_others()
        tree.setSortingEnabled(True)
        self._show_counts()
        self._show_selection()
        self._filter()

    def _add_group(self) -> qt.QTreeWidgetItem:
        group = qt.QTreeWidgetItem()
        group.setFlags(qt.Qt.ItemIsEnabled)
        self.tree.addTopLevelItem(group)
        group.setFirstColumnSpanned(True)
        group.setExpanded(True)
        return group

    def _add_row(self, parent: qt.QTreeWidgetItem, identity: str) -> None:
        instance = self.session.instance(identity)
        blocked = self.tree.blockSignals(True)
        item = qt.QTreeWidgetItem()
        parent.addChild(item)  # the tree owns it from here on
        flags = (qt.Qt.ItemIsEnabled, qt.Qt.ItemIsSelectable, qt.Qt.ItemIsUserCheckable, qt.Qt.ItemIsDragEnabled)
        item.setFlags(flags[0] | flags[1] | flags[2] | flags[3])
        item.setData(_NUMBER, IDENTITY, identity)
        item.setText(_PICTURE, f"{kind_words(instance)}\n{instance.columns}x{instance.rows}")
        if identity in self._thumbnails:
            item.setIcon(_NUMBER, self._thumbnails[identity])
        if instance.warnings:
            item.setToolTip(_PICTURE, "\n".join(instance.warnings))
        self._items[identity] = item
        self._show_row(identity, item)
        self.tree.blockSignals(blocked)

    def _add_others(self) -> None:
        """Rows for what was found that is no instance; open where something failed."""
        others = self.session.others
        if not others:
            return
        parent = self._add_group()
        failed = sum(other.outcome is Outcome.FAILED for other in others)
        words = (
            _("Not part of an exam: {count}, of which {failed} can't be read") if failed else _("Not part of an exam: {count}")
        )
        parent.setText(_NUMBER, words.format(count=len(others), failed=failed))
        parent.setExpanded(bool(failed))
        for other in others:
            item = qt.QTreeWidgetItem()
            parent.addChild(item)
            item.setFlags(qt.Qt.ItemIsEnabled)
            name = other.source.member or other.source.path.name
            item.setText(_NUMBER, f"{name}: {other.detail}")
            item.setToolTip(_NUMBER, f"{other.source}\n{other.detail}")
            item.setFirstColumnSpanned(True)
            if other.outcome is Outcome.FAILED:
                item.setIcon(_NUMBER, self._icons[Readiness.NOT_READY])

    def _show_rows(self, identities: Sequence[str]) -> None:
        """Show what is decided about these instances, in slices where they are many."""
        self._to_show |= dict.fromkeys(identities)
        if not self._showing.is_busy:
            self._showing.run(self._bring_up_to_date(), at_once=True)

    def _bring_up_to_date(self) -> Iterator[None]:
        while self._to_show:
            identity = next(iter(self._to_show))
            del self._to_show[identity]
            if identity in self._items and identity in self.session.order:
                blocked = self.tree.blockSignals(True)
                self._show_row(identity, self._items[identity])
                self.tree.blockSignals(blocked)
            yield
        self._show_counts()
        self._filter()

    def _show_row(self, identity: str, item: qt.QTreeWidgetItem) -> None:
        decision, state = self.session.decision(identity), self.session.state(identity)
        item.setData(_NUMBER, qt.Qt.DisplayRole, self.session.number(identity))
        item.setCheckState(_NUMBER, qt.Qt.Checked if decision.include else qt.Qt.Unchecked)
        item.setText(_TAG, str(decision.tag or "").replace("/", "\n"))  # the purpose below, as the panel is narrow
        item.setToolTip(_TAG, str(decision.tag or ""))
        item.setText(_STATE, "\n".join((state_words(state), _("crop: {how}").format(how=crop_words(state.crop, decision)))))
        item.setIcon(_STATE, self._icons[state.readiness])
        advice = [state_advice(state)] + [text_advice(bool(self.session.identifying_text_in(identity)))] * (
            decision.include and bool(self.session.text_in(identity))
        )
        box = str(decision.crop or "") + (f" ({decision.proposal})" if decision.proposal else "")
        item.setToolTip(_STATE, "\n".join(filter(None, (*advice, box, decision.note))))

    def _show_counts(self) -> None:
        ready = set(self.session.in_readiness(Readiness.READY))
        for number, (exam, item) in enumerate(self._exam_items, start=1):
            identities = [instance.identity for instance in exam.instances]
            date = next((instance.acquired[:8] for instance in exam.instances if instance.acquired), "")
            when = f" ({date[:4]}-{date[4:6]}-{date[6:]})" if len(date) == 8 else ""
            words = _("Exam {number}{when}: {ready} of {count} instances ready")
            item.setText(
                _NUMBER, words.format(number=number, when=when, ready=len(ready.intersection(identities)), count=len(identities))
            )
        if self.session.order:
            waiting = self.session.in_readiness(Readiness.NOT_READY)
            words = _("{waiting} of {count} need you: look, tag where needed, confirm with Return.")
            if not waiting:
                words = _("Everything that is included is ready.")
            self.summary.setText(words.format(count=len(self.session.order), waiting=len(waiting)))
        else:
            self.summary.setText("")

    def _show_selection(self) -> None:
        blocked = self.tree.blockSignals(True)
        selected = set(self.session.selected)
        for identity, item in self._items.items():
            if item.isSelected() != (identity in selected):
                item.setSelected(identity in selected)
        current = self._items.get(self.session.current or "")
        if current is not None:
            self.tree.setCurrentItem(current, _NUMBER, qt.QItemSelectionModel.NoUpdate)
            self.tree.scrollToItem(current)
        self.tree.blockSignals(blocked)

    def _selected(self) -> None:
        identities = self.tree.selected_identities()
        if len(identities) == 1:
            self.session.select(identities[0])
        elif identities:
            self.session.set_selected(identities)

    def _checked(self, item: qt.QTreeWidgetItem, column: int) -> None:
        identity = identity_of(item)
        if column != _NUMBER or not identity:
            return
        include = int(item.checkState(_NUMBER)) == int(qt.Qt.Checked)
        if include != self.session.decision(identity).include:
            together = self.session.selected if identity in self.session.selected else (identity,)
            self._include(together, include)

    def _filter(self, _checked: bool = False) -> None:
        """Hide what is ready or excluded, where only the rest is wanted; never what is looked at."""
        wanted = self.only_not_ready.isChecked()
        if not wanted and not self._is_filtered:
            return
        self._is_filtered = wanted
        for identity, item in self._items.items():
            if identity in self.session.order:
                readiness = self.session.state(identity).readiness
                done = readiness in (Readiness.READY, Readiness.EXCLUDED) and identity != self.session.current
                item.setHidden(wanted and done)


def _readiness_icons() -> dict[Readiness, qt.QIcon]:
    style = slicer.app.style()
    pictures = {
        Readiness.READY: qt.QStyle.SP_DialogApplyButton,
        Readiness.NOT_READY: qt.QStyle.SP_MessageBoxWarning,
        Readiness.EXCLUDED: qt.QStyle.SP_DialogCancelButton,
        Readiness.CHECKING: qt.QStyle.SP_BrowserReload,
    }
    # A pixmap of that size: the view would show an icon as large as the thumbnails.
    return {readiness: qt.QIcon(style.standardIcon(picture).pixmap(16, 16)) for readiness, picture in pictures.items()}
