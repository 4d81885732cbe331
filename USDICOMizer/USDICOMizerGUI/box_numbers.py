"""A box as four numbers in pixels, each of which can be typed."""

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.crop_words import with_edge

EDGES = ("left", "top", "right", "bottom")


class BoxNumbers:
    """Four spin boxes in a row. `on_typed(box, edge)` is called with the box that was typed, and the edge that was."""

    def __init__(self, parent, prefix, on_typed):
        self._on_typed = on_typed
        self._box = None
        self._size = (1, 1)
        self._is_filling = False
        self.row = qt.QHBoxLayout()
        self.spin_boxes = {}
        texts = {
            "left": (_("Left"), _("First column that is in the box, counted from 0.")),
            "top": (_("Top"), _("First row that is in the box, counted from 0.")),
            "right": (_("Right"), _("First column that isn't in the box any more.")),
            "bottom": (_("Bottom"), _("First row that isn't in the box any more.")),
        }
        for edge, (text, tip) in texts.items():
            spin_box = qt.QSpinBox(parent)
            spin_box.objectName = f"{prefix}{edge.capitalize()}SpinBox" if prefix else f"{edge}SpinBox"
            spin_box.accessibleName = text
            spin_box.prefix = f"{text} "
            spin_box.keyboardTracking = False
            spin_box.toolTip = tip
            spin_box.connect("valueChanged(int)", lambda value, edge=edge: self._on_number(edge, value))
            self.spin_boxes[edge] = spin_box
            self.row.addWidget(spin_box)

    def fill(self, box, columns, rows):
        """Show a box of an image of this size; None is no box."""
        self._box, self._size = box, (columns, rows)
        self._is_filling = True
        for edge, spin_box in self.spin_boxes.items():
            spin_box.enabled = box is not None
            if box is not None:
                size = columns if edge in ("left", "right") else rows
                spin_box.setRange(*((1, max(size, 1)) if edge in ("right", "bottom") else (0, max(size - 1, 0))))
                spin_box.value = getattr(box, edge)
        self._is_filling = False

    def _on_number(self, edge, value):
        if self._is_filling or self._box is None:
            return
        box, (columns, rows) = self._box, self._size
        left, top, right, bottom = box.left, box.top, box.right, box.bottom
        if edge in ("left", "right"):
            left, right = with_edge(left, right, edge == "left", value, columns)
        else:
            top, bottom = with_edge(top, bottom, edge == "top", value, rows)
        self._on_typed(type(box)(left, top, right, bottom), edge)
