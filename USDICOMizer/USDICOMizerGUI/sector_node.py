"""A sector on the slice view: the line around it, and points that shape it when they are pulled."""

import slicer
import vtk

from USDICOMizerGUI.markup_node import MarkupNode, in_plane, on_frame


class SectorNode:
    """Shows a sector in one view, and calls `on_pulled(handle, point, is_over)` while a person pulls one of its points.

    `handle` counts as `USDICOMizerLib.sector_handles.handles` does; `point` is on the stored frame.
    """

    def __init__(self, name, on_pulled):
        self._line = _Line(name)
        self._points = _Points(name, on_pulled)

    @property
    def is_there(self):
        """Whether its nodes are still in the scene."""
        return self._line.is_there and self._points.is_there

    @property
    def has_handles(self):
        """Whether there are points to pull."""
        return bool(self._points.display.GetVisibility())

    def show(self, sector, spacing, slice_node, colour, *, has_handles=True):
        """Show a sector of the stored frame in one slice view, in a colour (red, green, blue; 0 to 1)."""
        from USDICOMizerLib.sector_handles import handles, outline, shown_handles

        self._line.show(outline(sector), spacing, slice_node, colour)
        self._points.show(handles(sector), shown_handles(sector), spacing, slice_node, colour)
        if not has_handles:
            self._points.hide()

    def hide(self):
        """Show it nowhere."""
        self._line.hide()
        self._points.hide()

    def remove(self):
        """Take it out of the scene."""
        self._line.remove()
        self._points.remove()

    def handles(self):
        """Where its points are on the stored frame."""
        return self._points.on_frame()


class _Line(MarkupNode):
    """A closed line that nobody can take hold of."""

    def __init__(self, name):
        node = slicer.vtkMRMLMarkupsClosedCurveNode()
        node.SetCurveTypeToLinear()
        node.SetLocked(True)
        super().__init__(name, node, slicer.vtkMRMLMarkupsDisplayNode())
        self._shown = None

    def show(self, points, spacing, slice_node, colour):
        if self._shown != (points, spacing):
            self._shown = (points, spacing)
            positions = vtk.vtkPoints()
            for point in points:
                positions.InsertNextPoint(in_plane(point, spacing))
            with self._setting():
                self.node.SetControlPointPositionsWorld(positions)
                for index in range(self.node.GetNumberOfControlPoints()):
                    self.node.SetNthControlPointVisibility(index, False)
        self._show_in(slice_node, colour)

    def _on_moved(self, is_over):
        """It is locked."""


class _Points(MarkupNode):
    """Points that can be pulled, and neither be taken away nor added to."""

    def __init__(self, name, on_pulled):
        self._on_pulled = on_pulled
        self._spacing = (1.0, 1.0)
        super().__init__(name, slicer.vtkMRMLMarkupsFiducialNode(), slicer.vtkMRMLMarkupsFiducialDisplayNode())

    def show(self, points, are_shown, spacing, slice_node, colour):
        self._spacing = spacing
        with self._setting():
            if self.node.GetNumberOfControlPoints() != len(points):
                self.node.SetFixedNumberOfControlPoints(False)
                self.node.RemoveAllControlPoints()
                for point in points:
                    self.node.AddControlPoint(*in_plane(point, spacing))
                self.node.SetFixedNumberOfControlPoints(True)
            for index, (point, is_shown) in enumerate(zip(points, are_shown, strict=True)):
                position = in_plane(point, spacing)
                if tuple(self.node.GetNthControlPointPosition(index)) != position:
                    self.node.SetNthControlPointPosition(index, *position)
                if bool(self.node.GetNthControlPointVisibility(index)) != is_shown:
                    self.node.SetNthControlPointVisibility(index, is_shown)
            self._show_in(slice_node, colour)

    def on_frame(self):
        """Where the points are on the stored frame."""
        return tuple(self._point(index) for index in range(self.node.GetNumberOfControlPoints()))

    def _point(self, index):
        return on_frame(self.node.GetNthControlPointPosition(index), self._spacing)

    def _on_moved(self, is_over):
        handle = self.display.GetActiveControlPoint()
        if 0 <= handle < self.node.GetNumberOfControlPoints():
            self._on_pulled(handle, self._point(handle), is_over)
