"""The Red and Yellow slice views while the panel uses them; what they showed before comes back afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import slicer
import vtk

RED, YELLOW = "Red", "Yellow"
_RIM = 1.04


@dataclass
class _View:
    """What one slice view showed."""

    layers: tuple
    opacities: tuple
    orientation: str
    slice_to_ras: vtk.vtkMatrix4x4
    field_of_view: tuple
    origin: tuple


class SliceViews:
    """Takes the slice views over, shows volumes in them, and gives them back."""

    def __init__(self):
        self._before = {}
        self._layout = None

    @property
    def are_taken(self):
        """Whether the views are the panel's now."""
        return self._layout is not None

    def take(self):
        """Remember what is shown, and make room for one picture."""
        if self.are_taken or slicer.app.layoutManager() is None:
            return
        self._layout = slicer.app.layoutManager().layout
        self.set_side_by_side(False)

    def give_back(self):
        """Show again what was shown before."""
        if not self.are_taken:
            return
        manager = slicer.app.layoutManager()
        layout, self._layout = self._layout, None
        if manager is None:  # the application ends
            self._before = {}
            return
        manager.setLayout(layout)  # before the views, as a layout may turn them
        for name, view in self._before.items():
            widget = manager.sliceWidget(name)
            if widget is not None:
                _restore(widget, view)
        self._before = {}

    def set_side_by_side(self, side_by_side):
        """Lay out two views, or the red one alone."""
        if not self.are_taken:
            return
        layouts = slicer.vtkMRMLLayoutNode
        wanted = layouts.SlicerLayoutSideBySideView if side_by_side else layouts.SlicerLayoutOneUpRedSliceView
        manager = slicer.app.layoutManager()
        for name in (RED, YELLOW):
            self._remember(name)  # before the layout changes, which turns views
        if manager.layout != wanted:
            manager.setLayout(wanted)

    def slice_node(self, name):
        """The slice node of a view; None where there is no such view."""
        widget = self._widget(name)
        return widget.mrmlSliceNode() if widget is not None else None

    def show(self, name, volume):
        """Show a volume, or nothing, in a view."""
        widget = self._widget(name)
        if self.are_taken and widget is not None:
            composite = widget.mrmlSliceCompositeNode()
            composite.SetForegroundVolumeID(None)
            composite.SetBackgroundVolumeID(volume.GetID() if volume else None)

    def show_label(self, name, label, opacity=0.0):
        """Show a label map, or none, over the volume of a view."""
        widget = self._widget(name)
        if self.are_taken and widget is not None:
            composite = widget.mrmlSliceCompositeNode()
            composite.SetLabelVolumeID(label.GetID() if label else None)
            composite.SetLabelOpacity(opacity)

    def fit(self, name):
        """Make the volume of a view fill it, but for a rim, so that handles on the picture's edge can be grasped."""
        widget = self._widget(name)
        if self.are_taken and widget is not None and widget.mrmlSliceCompositeNode().GetBackgroundVolumeID():
            node, logic = widget.mrmlSliceNode(), widget.sliceLogic()
            node.SetOrientation("Axial")
            logic.FitSliceToBackground()
            logic.SnapSliceOffsetToIJK()
            width, height, depth = node.GetFieldOfView()
            node.SetFieldOfView(width * _RIM, height * _RIM, depth)

    def _widget(self, name):
        manager = slicer.app.layoutManager()
        return manager.sliceWidget(name) if manager is not None else None

    def _remember(self, name):
        widget = self._widget(name)
        if widget is None or name in self._before:
            return
        composite, node = widget.mrmlSliceCompositeNode(), widget.mrmlSliceNode()
        matrix = vtk.vtkMatrix4x4()
        matrix.DeepCopy(node.GetSliceToRAS())
        self._before[name] = _View(
            (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID(), composite.GetLabelVolumeID()),
            (composite.GetForegroundOpacity(), composite.GetLabelOpacity()),
            node.GetOrientation(),
            matrix,
            tuple(node.GetFieldOfView()),
            tuple(node.GetXYZOrigin()),
        )


def _restore(widget, view):
    composite, node = widget.mrmlSliceCompositeNode(), widget.mrmlSliceNode()

    def still_there(node_id):
        return node_id if node_id and slicer.mrmlScene.GetNodeByID(node_id) else None

    background, foreground, label = map(still_there, view.layers)
    composite.SetBackgroundVolumeID(background)
    composite.SetForegroundVolumeID(foreground)
    composite.SetLabelVolumeID(label)
    composite.SetForegroundOpacity(view.opacities[0])
    composite.SetLabelOpacity(view.opacities[1])
    if view.orientation != "Reformat":
        node.SetOrientation(view.orientation)
    node.GetSliceToRAS().DeepCopy(view.slice_to_ras)
    node.UpdateMatrices()
    node.SetFieldOfView(*view.field_of_view)
    node.SetXYZOrigin(*view.origin)
