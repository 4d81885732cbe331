"""The tree of exams and instances as a widget: rows, and what a person drags onto and within it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import qt

_INTERNAL = "application/x-qabstractitemmodeldatalist"
IDENTITY = qt.Qt.UserRole


class ExamTree(qt.QTreeWidget):
    """A tree whose rows of instances carry their identity.

    `on_paths` is called with files, folders and ZIPs dropped on it; `on_place` with identities dragged within it, and
    the identity before which they were dropped (None: at the end).
    """

    def __init__(self, on_paths: Callable[[Sequence[Path]], None], on_place: Callable[[Sequence[str], str | None], None]):
        super().__init__()
        self._on_paths = on_paths
        self._on_place = on_place
        self.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        self.setUniformRowHeights(False)
        self.setAlternatingRowColors(True)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDragDropMode(qt.QAbstractItemView.DragDrop)
        self.setDropIndicatorShown(True)
        self.setIconSize(qt.QSize(36, 27))
        self.setIndentation(8)

    def selected_identities(self) -> list[str]:
        """The identities of the selected rows."""
        return [identity for identity in map(identity_of, self.selectedItems()) if identity]

    def dragEnterEvent(self, event: qt.QDragEnterEvent) -> None:
        """Take files, and rows of its own."""
        self._accept(event)

    def dragMoveEvent(self, event: qt.QDragMoveEvent) -> None:
        """Show where a row would go."""
        qt.QTreeWidget.dragMoveEvent(self, event)
        self._accept(event)

    def dropEvent(self, event: qt.QDropEvent) -> None:
        """Hand on what was dropped; the rows themselves move when the session says so."""
        urls = event.mimeData().urls()
        # Not MoveAction: the view would take the rows out itself.
        event.setDropAction(qt.Qt.CopyAction)
        event.accept()
        if urls:
            self._on_paths([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        elif event.mimeData().hasFormat(_INTERNAL):
            dragged = self.selected_identities()
            if dragged:
                # Qt 6 has the one, Qt 5 the other.
                position = event.position().toPoint() if hasattr(event, "position") else event.pos()
                self._on_place(dragged, self._before(position))

    def _accept(self, event: qt.QDropEvent) -> None:
        mime = event.mimeData()
        if mime.hasUrls() or mime.hasFormat(_INTERNAL):
            event.accept()
        else:
            event.ignore()

    def _before(self, position: qt.QPoint) -> str | None:
        """The identity of the row before which a drop at that position goes."""
        item = self.itemAt(position)
        if item is None:
            return None
        rect = self.visualItemRect(item)
        if identity_of(item) and position.y() > rect.top() + rect.height() / 2:
            item = self.itemBelow(item)
        elif not identity_of(item) and item.childCount():
            item = item.child(0)
        return identity_of(item) or None if item is not None else None


def identity_of(item: qt.QTreeWidgetItem) -> str:
    """The identity of an instance's row; "" for other rows."""
    return item.data(0, IDENTITY) or ""
