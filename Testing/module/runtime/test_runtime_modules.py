"""A scripted module on the runtime: loading, showing, input, slice views, reload."""

from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).with_name("ExampleModule") / "ExampleModule.py"


@pytest.fixture
def example(clean_application):
    from slicer_runtime.hands import loaded

    with loaded(EXAMPLE) as widget:
        yield widget


def show_frame(columns=64, rows=48):
    """A grey frame with one red pixel at (40, 30), in all slice views, in the geometry that Slicer gives ultrasound."""
    import slicer
    import vtk

    frame = np.full((1, rows, columns, 3), 90, np.uint8)
    frame[0, 30, 40] = (250, 10, 10)
    volume = slicer.util.addVolumeFromArray(frame, name="frame", nodeClassName="vtkMRMLVectorVolumeNode")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 0, -1)
    matrix.SetElement(1, 1, -1)
    volume.SetIJKToRASMatrix(matrix)
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    volume.GetDisplayNode().SetInterpolate(False)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    return volume


def test_the_widget_is_entered_when_its_module_is_selected_and_left_when_not(example):
    import slicer

    assert example.log == ["entered"]
    slicer.util.moduleSelector().selectModule("")
    slicer.util.selectModule("ExampleModule")
    assert example.log == ["entered", "left", "entered"]


def test_a_click_and_a_key_reach_the_module(example):
    from PySide6 import QtCore
    from slicer_runtime import hands

    hands.click(example.ui.runButton)
    assert example.ui.statusLabel.text == "Done"
    hands.press_key(QtCore.Qt.Key.Key_Return, QtCore.Qt.KeyboardModifier.ControlModifier)
    assert example.log == ["entered", "run", "run"]


def test_a_hidden_button_can_not_be_clicked(example):
    from slicer_runtime import hands

    example.ui.exportButton.collapsed = True
    example.ui.runButton.enabled = False
    with pytest.raises(AssertionError, match="hidden or disabled"):
        hands.click(example.ui.runButton)


def test_a_click_on_the_title_of_a_collapsible_button_folds_it(example):
    from PySide6 import QtCore
    from slicer_runtime import hands

    hands.click(example.ui.cropButton, position=QtCore.QPoint(20, 5))
    assert example.ui.cropButton.collapsed
    assert not example.ui.roiSelector.visible
    hands.click(example.ui.cropButton, position=QtCore.QPoint(20, 5))
    assert example.ui.roiSelector.visible


def test_a_node_box_follows_the_scene(example):
    import slicer

    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Crop")
    example.ui.roiSelector.setCurrentNode(roi)
    assert example.ui.roiSelector.currentNode().GetName() == "Crop"
    slicer.mrmlScene.Clear(0)
    assert example.ui.roiSelector.currentNode() is None
    assert "Crop" in example.log and "closed" in example.log


def test_reload_makes_a_new_widget_and_cleans_the_old_one_up(example):
    import slicer

    slicer.util.reloadScriptedModule("ExampleModule")
    new = slicer.modules.ExampleModuleWidget
    assert new is not example
    assert example.log[-1] == "cleaned up"
    assert new.ui.runButton.text


def test_an_exception_in_a_slot_is_recorded(clean_application):
    import qt
    from slicer_runtime import qt_errors

    button = qt.QPushButton("x")
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    assert [type(error) for error in qt_errors.take()] == [ZeroDivisionError]


def test_the_slice_view_draws_the_frame_and_knows_its_pixels(slice_view):
    show_frame()
    assert slice_view.drawn(40, 30) == (250, 10, 10)
    assert slice_view.drawn(20, 20) == (90, 90, 90)


def test_dragging_a_handle_changes_the_roi(slice_view):
    import slicer

    show_frame(640, 480)
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Crop")
    roi.CreateDefaultDisplayNodes()
    roi.SetCenter(-320, -240, 0)
    roi.SetSize(300, 200, 20)
    display = roi.GetDisplayNode()
    display.SetHandlesInteractive(True)
    display.SetScaleHandleVisibility(True)
    slicer.app.processEvents()
    slice_view.pixels()
    before = roi.GetSize()
    slice_view.drag((170, 140), (120, 100))
    assert roi.GetSize()[0] > before[0] + 10


def test_the_side_by_side_layout_shows_two_views(clean_application, slice_views):
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    slicer.app.processEvents()
    show_frame()
    assert slice_views("Red").widget.visible and slice_views("Yellow").widget.visible
    assert not slice_views("Green").widget.visible
    slice_views("Yellow").widget.mrmlSliceNode().SetOrientation("Axial")
    slice_views("Yellow").widget.fitSliceToBackground()
    assert slice_views("Yellow").drawn(40, 30) == (250, 10, 10)


def test_a_screenshot_shows_the_panel(example, panel_screenshot):
    path = panel_screenshot("example")
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert path.stat().st_size > 5000
