"""The crop box on the slice view: a ROI markup that lies in the image plane, moves and scales, and never turns."""

import slicer
import vtk

from USDICOMizerGUI.picture_nodes import add_hidden, is_there, remove_node

_DEPTH = 2.0  # millimetres: the picture lies in the middle of it


class RoiNode:
    """Shows a box in one view, and calls `on_dragged(box, is_over)` while a person drags it and when they let go."""

    def __init__(self, name, on_dragged):
        self._on_dragged = on_dragged
        self._spacing = (1.0, 1.0)
        self._is_setting = False
        self._is_dragged = False
        self.display = add_hidden(_display())
        roi = slicer.vtkMRMLMarkupsROINode()
        roi.SetName(name)
        roi.SetAndObserveDisplayNodeID(self.display.GetID())  # before it is added: else it is given another one
        self.node = add_hidden(roi)
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

    def show(self, box, spacing, slice_node, colour):
        """Show a box of the stored frame in one slice view, in a colour (red, green, blue; 0 to 1)."""
        self._spacing = spacing
        self._is_setting = True
        try:
            self._lay(*box.to_roi(spacing))
            self.display.SetViewNodeIDs([slice_node.GetID()] if slice_node is not None else [])
            for set_colour in (self.display.SetSelectedColor, self.display.SetColor, self.display.SetActiveColor):
                set_colour(*colour)
            self.display.SetVisibility(True)
        finally:
            self._is_setting = False

    def _lay(self, centre, size):
        """Put it there; where it is there already nothing is drawn again, as a cine shows it with every frame."""
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, centre[0])
        matrix.SetElement(1, 3, centre[1])
        now = self.node.GetObjectToNodeMatrix()
        is_placed = all(now.GetElement(row, column) == matrix.GetElement(row, column) for row in range(4) for column in range(4))
        if not is_placed or tuple(self.node.GetSize()) != (*size, _DEPTH):
            self.node.SetCenter(*centre, 0.0)
            self.node.SetSize(*size, _DEPTH)
            self.node.SetAndObserveObjectToNodeMatrix(matrix)

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

    def box(self):
        """The box that it encloses, in pixels of the stored frame, wherever it lies."""
        from USDICOMizerLib.geometry import CropBox

        centre = [0.0, 0.0, 0.0]
        self.node.GetCenter(centre)
        size = self.node.GetSize()
        return CropBox.from_roi(tuple(centre[:2]), (abs(size[0]), abs(size[1])), self._spacing)

    def _on_start(self, caller, event):
        self._is_dragged = True

    def _on_modified(self, caller, event):
        if not self._is_setting and self.node.GetNumberOfControlPoints() > 0:
            self._on_dragged(self.box(), not self._is_dragged)

    def _on_end(self, caller, event):
        self._is_dragged = False
        if not self._is_setting and self.node.GetNumberOfControlPoints() > 0:
            self._on_dragged(self.box(), True)


def _display():
    display = slicer.vtkMRMLMarkupsROIDisplayNode()
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetScaleHandleVisibility(True)
    display.SetRotationHandleVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetFillVisibility(True)  # else its outline can't be grasped; it is the opacity that hides it
    display.SetFillOpacity(0.0)
    display.SetOutlineOpacity(1.0)
    display.SetVisibility3D(False)
    display.SetInteractionHandleScale(3.0)
    return display
