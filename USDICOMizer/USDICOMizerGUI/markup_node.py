"""Markups in the image plane of a slice view: laid there by the panel, dragged there by a person, and the two told apart."""

from contextlib import contextmanager

import slicer

from USDICOMizerGUI.picture_nodes import add_hidden, is_there, remove_node


def in_plane(point, spacing):
    """Where a point of the stored frame (x, y; pixel edges at whole numbers) lies on the slice view: (R, A, S) in mm."""
    return (0.5 - point[0]) * spacing[0], (0.5 - point[1]) * spacing[1], 0.0


def on_frame(position, spacing):
    """The point of the stored frame at a position on the slice view."""
    return 0.5 - position[0] / spacing[0], 0.5 - position[1] / spacing[1]


class MarkupNode:
    """One markup and its display, hidden from lists, in one slice view.

    What derives from it says in `_on_moved(is_over)` what it means that a person drags it, and lets it go.
    """

    def __init__(self, name, node, display):
        self._is_setting = False
        self._is_dragged = False
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(False)
        display.SetVisibility3D(False)
        self.display = add_hidden(display)
        node.SetName(name)
        node.SetAndObserveDisplayNodeID(self.display.GetID())  # before it is added: else it is given another one
        self.node = add_hidden(node)
        events = (
            (slicer.vtkMRMLMarkupsNode.PointModifiedEvent, self._on_modified),
            (slicer.vtkMRMLMarkupsNode.PointStartInteractionEvent, self._on_start),
            (slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, self._on_end),
        )
        self._observers = [self.node.AddObserver(event, method) for event, method in events]

    @property
    def is_there(self):
        """Whether its nodes are still in the scene."""
        return is_there(self.node) and is_there(self.display)

    def hide(self):
        """Show it nowhere."""
        self.display.SetVisibility(False)

    def remove(self):
        """Take it out of the scene."""
        for tag in self._observers:
            self.node.RemoveObserver(tag)
        self._observers = []
        remove_node(self.node)
        remove_node(self.display)

    @contextmanager
    def _setting(self):
        """What is done meanwhile is the panel's doing and no person's."""
        before, self._is_setting = self._is_setting, True
        try:
            yield
        finally:
            self._is_setting = before

    def _show_in(self, slice_node, colour):
        """Show it in one slice view, in a colour (red, green, blue; 0 to 1)."""
        self.display.SetViewNodeIDs([slice_node.GetID()] if slice_node is not None else [])
        for set_colour in (self.display.SetSelectedColor, self.display.SetColor, self.display.SetActiveColor):
            set_colour(*colour)
        self.display.SetVisibility(True)

    def _on_start(self, caller, event):
        self._is_dragged = True

    def _on_modified(self, caller, event):
        self._tell(not self._is_dragged)

    def _on_end(self, caller, event):
        self._is_dragged = False
        self._tell(True)

    def _tell(self, is_over):
        if not self._is_setting and self.node.GetNumberOfControlPoints() > 0:
            self._on_moved(is_over)
