"""Nodes of the scene that hold what the panel shows: one picture at a time, hidden from lists, never saved.

A picture lies on the slice view as Slicer's own reader of ultrasound lays it: column = -R / x, row = -A / y, with the
centre of the stored frame's first pixel at the origin, and x and y millimetres from pixel to pixel.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


def add_hidden(node, scene=None):
    """Add a node to the scene so that no list shows it and no file holds it."""
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    return (scene or slicer.mrmlScene).AddNode(node)


def remove_node(node):
    """Take a node out of the scene, unless it has gone already."""
    if node is not None and slicer.mrmlScene.IsNodePresent(node):
        slicer.mrmlScene.RemoveNode(node)


def is_there(node):
    """Whether a node is still in the scene."""
    return node is not None and bool(slicer.mrmlScene.IsNodePresent(node))


class _Volume:
    """One picture in the scene: memory for it is made once for each size, and filled again for each picture."""

    _components = 3

    def __init__(self, volume, display):
        self._display = add_hidden(display)
        self.node = add_hidden(volume)
        self.node.SetAndObserveDisplayNodeID(self._display.GetID())
        self._shape = None
        self._array = None

    @property
    def is_there(self):
        """Whether its nodes are still in the scene."""
        return is_there(self.node) and is_there(self._display)

    def pixels(self, rows, columns):
        """The pixels as an array to be filled: (rows, columns, components) uint8. Call `filled` then."""
        if self._shape != (rows, columns):
            image = vtk.vtkImageData()
            image.SetDimensions(columns, rows, 1)
            image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, self._components)
            self._array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, self._components)
            self._array[:] = 0
            self.node.SetAndObserveImageData(image)
            self._shape = (rows, columns)
        return self._array

    def filled(self):
        """Say that the pixels have changed."""
        slicer.util.arrayFromVolumeModified(self.node)
        self.node.GetImageData().Modified()

    def place(self, corner, spacing):
        """Lay the first pixel where the stored frame has its pixel `corner` (column, row)."""
        x, y = spacing
        matrix = vtk.vtkMatrix4x4()
        for axis, value in enumerate((-x, -y, 1.0)):
            matrix.SetElement(axis, axis, value)
        matrix.SetElement(0, 3, -corner[0] * x)
        matrix.SetElement(1, 3, -corner[1] * y)
        self.node.SetIJKToRASMatrix(matrix)

    def remove(self):
        """Take it out of the scene."""
        self._array = None
        remove_node(self.node)
        remove_node(self._display)


class Picture(_Volume):
    """An RGB picture, shown as it is: no window and level."""

    def __init__(self, name):
        volume = slicer.vtkMRMLVectorVolumeNode()
        volume.SetName(name)
        display = slicer.vtkMRMLVectorVolumeDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(255, 127.5)
        super().__init__(volume, display)

    def show(self, rgb: np.ndarray, corner, spacing):
        """Show an array (rows, columns, 3) uint8."""
        self.pixels(*rgb.shape[:2])[:] = rgb
        self._display.SetWindowLevel(255, 127.5)
        self.place(corner, spacing)
        self.filled()


class Shade(_Volume):
    """A label map over the picture that darkens what will be cut or blanked."""

    _components = 1

    def __init__(self, name):
        volume = slicer.vtkMRMLLabelMapVolumeNode()
        volume.SetName(name)
        colours = slicer.vtkMRMLColorTableNode()
        colours.SetTypeToUser()
        colours.SetNumberOfColors(2)
        colours.SetColor(0, "stays", 0, 0, 0, 0)
        colours.SetColor(1, "goes", 0, 0, 0, 1)
        colours.SetName(name)
        self._colours = add_hidden(colours)
        display = slicer.vtkMRMLLabelMapVolumeDisplayNode()
        display.SetAndObserveColorNodeID(self._colours.GetID())
        super().__init__(volume, display)

    def show(self, goes: np.ndarray, spacing):
        """Darken where the array (rows, columns) bool is True."""
        self.pixels(*goes.shape)[..., 0] = goes
        self.place((0, 0), spacing)
        self.filled()

    def remove(self):
        super().remove()
        remove_node(self._colours)
