"""A box on the slice view: a ROI markup that lies in the image plane, moves and scales, and never turns."""

from enum import Enum

import slicer
import vtk

from USDICOMizerGUI.markup_node import MarkupNode

_DEPTH = 2.0  # millimetres: the picture lies in the middle of it
_LARGE = 3.0  # handles of a box as large as the picture, in Slicer's own measure
_DOT, _NO_DOT = 3.0, 0.01  # of the centre's glyph; a hidden centre would hide the box too


class Hold(Enum):
    """What a person can take hold of."""

    NONE = 0
    DOT = 1  # in the middle: which box is meant can be told, and the box be moved
    HANDLES = 2


class RoiNode(MarkupNode):
    """Shows a box in one view, and calls `on_dragged(box, is_over)` while a person drags it and when they let go."""

    def __init__(self, name, on_dragged, *, handle_scale=_LARGE):
        self._on_dragged = on_dragged
        self._spacing = (1.0, 1.0)
        super().__init__(name, slicer.vtkMRMLMarkupsROINode(), _display(handle_scale))

    def show(self, box, spacing, slice_node, colour, *, hold=Hold.HANDLES, fill=0.0):
        """Show a box of the stored frame in one slice view, in a colour (red, green, blue; 0 to 1), filled or not (0 to 1)."""
        self._spacing = spacing
        with self._setting():
            self._lay(*box.to_roi(spacing))
            self._show_in(slice_node, colour)
            self.display.SetFillOpacity(fill)
            self.display.SetHandlesInteractive(hold is Hold.HANDLES)
            self.display.SetGlyphScale(_NO_DOT if hold is Hold.NONE else _DOT)
            self.node.SetLocked(hold is Hold.NONE)

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

    def box(self):
        """The box that it encloses, in pixels of the stored frame, wherever it lies."""
        from USDICOMizerLib.geometry import CropBox

        centre = [0.0, 0.0, 0.0]
        self.node.GetCenter(centre)
        size = self.node.GetSize()
        return CropBox.from_roi(tuple(centre[:2]), (abs(size[0]), abs(size[1])), self._spacing)

    def _on_moved(self, is_over):
        self._on_dragged(self.box(), is_over)


def _display(handle_scale):
    display = slicer.vtkMRMLMarkupsROIDisplayNode()
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetScaleHandleVisibility(True)
    display.SetRotationHandleVisibility(False)
    display.SetFillVisibility(True)  # else its outline can't be grasped; it is the opacity that hides it
    display.SetOutlineOpacity(1.0)
    display.SetInteractionHandleScale(handle_scale)
    return display
