"""Boxes inside the picture that are blanked, in all frames or some: drawn, listed, and given to others."""

from functools import partial

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.box_numbers import BoxNumbers
from USDICOMizerGUI.drawing_room import DrawingRoom, legend
from USDICOMizerGUI.roi_node import Hold, RoiNode
from USDICOMizerGUI.slice_views import RED

COLOUR = (1.0, 0.4, 0.85)
_HANDLES = 2.0  # smaller than the crop box's: a line of text is low
_FILL = 0.3


class RedactionRoom(DrawingRoom):
    """Shows and changes the blanked boxes of the session's current instance.

    While it is active the selected one has handles, and the others a dot in their middle, by which they are selected.
    """

    colour = COLOUR

    def __init__(self, session, page, viewer, dimming):
        self._selected = None  # (identity, place among its boxes)
        super().__init__(session, page, viewer, dimming)
        self.message.objectName = "redactionMessage"

    # What others ask for

    @property
    def selected(self):
        """Which of the boxes is selected, from 0; None where none is."""
        identity, index = self._selected or (None, 0)
        return index if identity is not None and identity == self.session.current and index < len(self._boxes()) else None

    def select(self, index):
        """Select one of the boxes, or None."""
        self._selected = (self.session.current, index) if index is not None and index >= 0 else None
        self.refresh()

    def add(self):
        """Put a new box into the picture, and select it."""
        from USDICOMizerLib.redactions import new_redaction

        identity = self.session.current
        if identity is None:
            return
        self._viewer.show_before()  # where it can be seen and moved
        decision = self.session.decision(identity)
        self._selected = (identity, len(decision.redactions))
        made = new_redaction(self.session.instance(identity), decision)
        self.session.change([identity], _("Blank a box"), redactions=(*decision.redactions, made))

    def delete(self):
        """Take the selected box away, and select the one that follows."""
        from USDICOMizerLib.redactions import without

        index = self.selected
        if index is None:
            self.say(_("Select a box first, in the list or by its dot on the picture.") if self._boxes() else "")
            return
        identity, left = self.session.current, without(self._boxes(), index)
        self._selected = (identity, min(index, len(left) - 1)) if left else None
        self.session.change([identity], _("Delete a blanked box"), redactions=left)

    def reset(self):
        """Nothing is proposed here but text that was found, which has a button of its own."""
        self.say(_("Boxes have no proposal to go back to: delete them, or undo."))

    def _boxes(self):
        identity = self.session.current
        return self.session.decision(identity).redactions if identity is not None else ()

    def _apply_words(self):
        return _("Apply blanked boxes")

    def _given(self, identity, other):
        from USDICOMizerLib.redactions import given_to

        return given_to(self.session.instance(other), self.session.decision(other), self.session.decision(identity).redactions)

    # The page

    def _build(self, page):
        layout = page.layout()
        layout.addWidget(legend(page, COLOUR, _("These boxes leave black. Filled: in the frame that is shown.")))
        self.list = qt.QListWidget(page)
        self.list.objectName = "redactionList"
        self.list.accessibleName = _("Blanked boxes")
        self.list.setMaximumHeight(96)
        self.list.connect("currentRowChanged(int)", self._on_row)
        layout.addWidget(self.list)
        row = qt.QHBoxLayout()
        self.add_button = qt.QPushButton(_("Add a box"), page)
        self.add_button.objectName = "addRedaction"
        self.add_button.toolTip = (
            f"{_('Blank a box: drag it over what is to go, and its corners until it covers it.')}\n{_('Key')}: R"
        )
        self.add_button.connect("clicked(bool)", lambda checked: self.add())
        self.delete_button = qt.QPushButton(_("Delete"), page)
        self.delete_button.objectName = "deleteRedaction"
        self.delete_button.toolTip = f"{_('Take the selected box away.')}\n{_('Key')}: Del"
        self.delete_button.connect("clicked(bool)", lambda checked: self.delete())
        row.addWidget(self.add_button)
        row.addWidget(self.delete_button)
        layout.addLayout(row)
        self._numbers = BoxNumbers(page, "redaction", self._on_typed)
        self.spin_boxes = self._numbers.spin_boxes
        layout.addLayout(self._numbers.row)
        layout.addLayout(self._build_frames(page))
        layout.addLayout(self._build_buttons(page))

    def _build_frames(self, page):
        row = qt.QHBoxLayout()
        self.all_frames = qt.QCheckBox(_("In all frames"), page)
        self.all_frames.objectName = "redactionAllFrames"
        self.all_frames.connect("toggled(bool)", self._on_all_frames)
        row.addWidget(self.all_frames)
        self.frames = {}
        for name, prefix, tip in (
            ("first_frame", _("from "), _("First frame that it is blanked in, counted from 1.")),
            ("last_frame", _("to "), _("Last frame that it is blanked in.")),
        ):
            spin_box = qt.QSpinBox(page)
            spin_box.objectName = f"redaction{name.title().replace('_', '')}"
            spin_box.prefix = prefix
            spin_box.keyboardTracking = False
            spin_box.toolTip = tip
            spin_box.connect("valueChanged(int)", lambda value, name=name: self._on_frame(name, value))
            self.frames[name] = spin_box
            row.addWidget(spin_box, 1)
        return row

    def _build_buttons(self, page):
        from USDICOMizerLib.session import Scope

        tips = {
            Scope.SELECTED: _("Blank these boxes in all instances that are selected in the table too; theirs stay."),
            Scope.SAME_DEVICE_AND_SIZE: _("Blank these boxes in all of this scanner and image size too; theirs stay."),
        }
        return self._scope_buttons(page, _("Add these boxes to:"), tips)

    def _fill(self, identity):
        boxes, index = self._boxes(), self.selected
        self._fill_list(boxes, index)
        self.add_button.enabled = identity is not None
        self.delete_button.enabled = index is not None
        frames = self.session.instance(identity).frames if identity is not None else 1
        box = boxes[index] if index is not None else None
        instance = self.session.instance(identity) if identity is not None else None
        self._numbers.fill(box and box.box, instance.columns if instance else 1, instance.rows if instance else 1)
        is_range = box is not None and box.first_frame is not None
        for widget in (self.all_frames, *self.frames.values()):
            widget.visible = frames > 1
        self.all_frames.enabled = box is not None
        self.all_frames.checked = box is not None and not is_range
        for name, spin_box in self.frames.items():
            spin_box.enabled = is_range
            spin_box.setRange(1, max(frames, 1))
            spin_box.value = getattr(box, name) if is_range else 1 if name == "first_frame" else frames
        self._count_scopes(identity, bool(boxes))

    def _fill_list(self, boxes, index):
        texts = [_box_words(box) for box in boxes]
        shown = [self.list.item(row).text() for row in range(self.list.count)]
        if texts != shown:
            self.list.clear()
            for text in texts:
                self.list.addItem(text)
        self.list.currentRow = -1 if index is None else index

    # The boxes on the picture

    def _show(self, identity):
        boxes = self._boxes()
        for place, redaction in enumerate(boxes):
            self._node(place, self._make_node).show(
                redaction.box,
                self._viewer.spacing,
                self._viewer.views.slice_node(RED),
                COLOUR,
                hold=Hold.NONE if not self.is_active else Hold.HANDLES if place == self.selected else Hold.DOT,
                fill=_FILL if redaction.covers(self._viewer.index + 1) else 0.0,
            )
        self._hide(len(boxes))

    def _make_node(self, place):
        return RoiNode(_("Blanked"), partial(self._on_dragged, place), handle_scale=_HANDLES)

    def _on_dragged(self, place, box, is_over):
        """One of the boxes was dragged: show what it would blank; when it is let go, decide, and select it."""
        from USDICOMizerLib.redactions import changed

        identity, boxes = self.session.current, self._boxes()
        if identity is None or self._viewer.identity != identity or place >= len(boxes):
            return
        instance = self.session.instance(identity)
        box = box.clipped_to(instance.columns, instance.rows) or boxes[place].box
        made = changed(boxes, place, box=box)
        if is_over:
            self._end_drag()
            self._selected = (identity, place)
            self.session.change([identity], _("Move a blanked box"), redactions=made)
            self.refresh()  # the box jumps to whole pixels, even where nothing has changed
        else:
            if place == self.selected:
                self._numbers.fill(box, instance.columns, instance.rows)
            self._begin_drag(self.session.decision(identity).replaced(redactions=made))

    # Changes

    def _change_selected(self, words, gesture, **changes):
        from USDICOMizerLib.redactions import changed

        index = self.selected
        if index is not None:
            made = changed(self._boxes(), index, **changes)
            self.session.change([self.session.current], words, gesture=gesture, redactions=made)

    def _on_row(self, row):
        if not self._is_filling:
            self.select(row)

    def _on_typed(self, box, edge):
        self._change_selected(_("Move a blanked box"), ("redaction", edge, self._selected), box=box)

    def _on_all_frames(self, checked):
        if not self._is_filling and self.session.current is not None:
            frames = self.session.instance(self.session.current).frames
            first, last = (None, None) if checked else (1, frames)
            self._change_selected(_("Frames of a blanked box"), None, first_frame=first, last_frame=last)

    def _on_frame(self, name, value):
        """A frame was typed; where it would pass the other end of the range, that one goes with it."""
        if self._is_filling or self.selected is None:
            return
        other = {"first_frame": "last_frame", "last_frame": "first_frame"}[name]
        push = max if name == "first_frame" else min
        changes = {name: value, other: push(value, self.frames[other].value)}
        self._change_selected(_("Frames of a blanked box"), ("redaction", name, self._selected), **changes)


def _box_words(redaction):
    box = redaction.box
    place = _("{width} x {height} at {left}, {top}").format(width=box.width, height=box.height, left=box.left, top=box.top)
    if redaction.first_frame is None:
        return place
    return _("{place}, frames {first} to {last}").format(place=place, first=redaction.first_frame, last=redaction.last_frame)
