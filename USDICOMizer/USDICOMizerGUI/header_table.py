"""The header of the instance that is looked at: every attribute before and after, with what is done to it and why."""

import qt
import slicer
from slicer.i18n import tr as _

_NAME, _BEFORE, _AFTER, _ACTION, _REASON, _TAG = range(6)
_REFRESH_MILLISECONDS = 150
_KEYWORD_ROLE = 256  # Qt.UserRole


class HeaderTable:
    """A tree of attributes that can be searched. It is filled while it can be seen; `viewer` holds the instance open."""

    def __init__(self, session, parent, viewer):
        self.session = session
        self._viewer = viewer
        self._rows = ()
        self._shown_for = None
        self._menu = None
        self._build(parent)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MILLISECONDS)
        self._timer.connect("timeout()", self.refresh)
        self._parent = parent
        if parent.inherits("ctkCollapsibleButton"):
            parent.connect("contentsCollapsed(bool)", self._on_collapsed)
        viewer.when_shown.append(self._refresh_soon)
        self._stop_observing = session.observe(lambda change: self._refresh_soon())

    def cleanup(self):
        """Leave nothing behind."""
        self._timer.stop()
        self._stop_observing()
        if self._refresh_soon in self._viewer.when_shown:
            self._viewer.when_shown.remove(self._refresh_soon)
        self.tree.clear()
        self._rows = ()

    def _build(self, parent):
        row = qt.QHBoxLayout()
        self.search = qt.QLineEdit(parent)
        self.search.objectName = "headerSearch"
        self.search.placeholderText = _("Search attributes, values, actions …")
        self.search.clearButtonEnabled = True
        self.search.connect("textChanged(QString)", lambda text: self._filter())
        row.addWidget(self.search)
        self.only_changed = qt.QCheckBox(_("Only what changes"), parent)
        self.only_changed.objectName = "onlyChanged"
        self.only_changed.connect("toggled(bool)", lambda checked: self._filter())
        row.addWidget(self.only_changed)
        parent.layout().addLayout(row)
        self.tree = qt.QTreeWidget(parent)
        self.tree.objectName = "headerTree"
        self.tree.setHeaderLabels([_("Attribute"), _("Before"), _("After"), _("What is done"), _("Why"), _("Tag")])
        self.tree.alternatingRowColors = True
        self.tree.uniformRowHeights = True
        self.tree.minimumHeight = 240
        self.tree.setContextMenuPolicy(qt.Qt.CustomContextMenu)
        self.tree.connect("customContextMenuRequested(QPoint)", self._on_menu)
        for column, width in ((_NAME, 150), (_BEFORE, 95), (_AFTER, 85), (_ACTION, 90), (_REASON, 300)):
            self.tree.setColumnWidth(column, width)
        parent.layout().addWidget(self.tree)
        self.message = qt.QLabel(parent)
        self.message.objectName = "headerMessage"
        self.message.wordWrap = True
        parent.layout().addWidget(self.message)

    # Filling

    def _on_collapsed(self, collapsed):
        if not collapsed:
            self._refresh_soon()

    def _refresh_soon(self):
        self._timer.start()

    def refresh(self):
        """Show the header of the instance that is looked at, as it would leave now."""
        if not self.tree.isVisible():
            return
        identity = self._viewer.identity
        if identity is None or identity != self.session.current:
            self._show(None, (), "")
            return
        decision = self.session.decision(identity)
        wanted = (identity, decision, self.session.settings, self.session.choices)
        if wanted != self._shown_for:
            rows, sentence = self._compared(identity, decision)
            self._show(wanted, rows, sentence)

    def _compared(self, identity, decision):
        """The rows, and what there is to say in their place."""
        from USDICOMizerGUI.frame_reader import sentence_of
        from USDICOMizerLib.header_comparison import compare_header, preparation_to_show

        try:
            preparation = preparation_to_show(self.session.settings, self.session.choices)
            instance = self.session.exam_of(identity).instances[0]  # whose patient is the exam's, as `prepare` takes it
            derived = preparation.pseudonyms.subject(instance.patient, study_uid=instance.study_uid)
            subject = self.session.choices.subject or derived
            reviewed = decision.reviewed
            return compare_header(self._viewer.opened, decision, subject, preparation, reviewed=reviewed), ""
        except Exception as error:
            return (), sentence_of(error)

    def _show(self, wanted, rows, sentence):
        self._shown_for = wanted
        if rows != self._rows:
            self._rows = rows
            open_places = self._open_places()
            self.tree.clear()
            self._add(self.tree.invisibleRootItem(), rows, open_places, ())
        self.message.text = sentence or self._counted(rows)
        self._filter()

    def _counted(self, rows):
        changed = sum(row.is_changed for row in rows)
        return _("{changed} of {count} attributes change.").format(changed=changed, count=len(rows)) if rows else ""

    def _add(self, parent, rows, open_places, path):
        for row in rows:
            item = qt.QTreeWidgetItem()
            texts = (row.name, _shown(row.before), _shown(row.after), row.action, row.reason, row.tag)
            for column, text in enumerate(texts):
                item.setText(column, text)
                item.setToolTip(column, f"{row.tag} {row.keyword}" if column == _NAME else text)
            item.setData(_TAG, _KEYWORD_ROLE, row.keyword)
            if row.is_changed:
                _mark(item)
            parent.addChild(item)
            place = (*path, row.tag or row.name)
            self._add(item, row.rows, open_places, place)
            if place in open_places:
                item.setExpanded(True)

    def _open_places(self):
        """The places that are unfolded, to stay so."""
        places = set()

        def collect(item, path):
            for number in range(item.childCount()):
                child = item.child(number)
                place = (*path, child.text(_TAG) or child.text(_NAME))
                if child.isExpanded():
                    places.add(place)
                collect(child, place)

        collect(self.tree.invisibleRootItem(), ())
        return places

    # Searching

    def _filter(self):
        """Hide what doesn't match; what holds a match stays, unfolded while something is searched for."""
        words = self.search.text.casefold().split()
        only_changed = self.only_changed.checked

        def show(item, row, above):
            texts = (row.tag, row.tag.replace(",", ""), row.keyword, row.name, row.before or "", row.after or "", row.action)
            text = " ".join(texts).casefold()
            matches = above or all(word in text for word in words)
            children = [show(item.child(number), below, matches) for number, below in enumerate(row.rows)]
            visible = (matches or any(children)) and (row.is_changed or not only_changed)
            item.setHidden(not visible)
            if words and any(children) and not above:
                item.setExpanded(True)
            return visible

        root = self.tree.invisibleRootItem()
        for number, row in enumerate(self._rows):
            show(root.child(number), row, False)

    # Copying

    def _on_menu(self, position):
        item = self.tree.itemAt(position)
        if item is None:
            return
        menu = qt.QMenu(self.tree)
        menu.objectName = "headerMenu"
        value = item.text(_AFTER) if self.tree.columnAt(position.x()) == _AFTER else item.text(_BEFORE)
        for text, copied in (
            (_("Copy tag"), item.text(_TAG)),
            (_("Copy keyword"), item.data(_TAG, _KEYWORD_ROLE)),
            (_("Copy value"), value),
            (_("Copy row"), "\t".join(item.text(column) for column in range(self.tree.columnCount))),
        ):
            action = menu.addAction(text)
            action.enabled = bool(copied)
            action.connect("triggered(bool)", lambda checked, copied=copied: _copy(copied))
        self._menu = menu  # else it is deleted at once
        menu.popup(self.tree.viewport().mapToGlobal(position))


def _shown(value):
    return _("—") if value is None else value


def _mark(item):
    """Bold where it is changed: readable in any theme, and without colour."""
    for column in (_NAME, _ACTION):
        font = item.font(column)
        font.setBold(True)
        item.setFont(column, font)


def _copy(text):
    slicer.app.clipboard().setText(text)
