"""The viewer in Slicer's scene and views: it takes them, and gives all back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from panel_rooms import press_mode, rooms, settle_until, shown_in, write_instance

from USDICOMizerLib.sample_exam import SampleKind

NODES = ("vtkMRMLVolumeNode", "vtkMRMLMarkupsNode", "vtkMRMLDisplayNode", "vtkMRMLColorTableNode")


def test_side_by_side_shows_both_and_the_layout_comes_back(slice_views, tmp_path):
    import slicer

    manager = slicer.app.layoutManager()
    before = manager.layout
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=4)
    with rooms(tmp_path / "exam", tmp_path) as made:
        press_mode(made, "side_by_side")
        red, yellow = slice_views("Red"), slice_views("Yellow")
        assert red.widget.visible and yellow.widget.visible
        made.viewer.step(2)
        decision = made.session.decision(made.session.current)
        assert np.array_equal(shown_in(red), made.viewer.opened.before(2))
        assert np.array_equal(shown_in(yellow), made.viewer.opened.after(2, decision))
        box = decision.crop
        assert yellow.drawn(100, 100) == pytest.approx(tuple(shown_in(yellow)[100, 100]), abs=40)
        assert (yellow.position(0, 0).x() >= 0) and yellow.position(box.width - 1, 0).x() < yellow.view.width
        press_mode(made, "before")
        assert red.widget.visible and not yellow.widget.visible
        made.viewer.exit()
        assert manager.layout == before
        made.viewer.enter()
        assert manager.layout != before
    assert manager.layout == before


def test_the_scene_may_be_closed_in_the_middle(slice_view, tmp_path):
    import slicer

    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=4)
    with rooms(tmp_path / "exam", tmp_path) as made:
        made.viewer.step(1)
        slicer.mrmlScene.Clear(0)
        settle_until(lambda: slice_view.widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() is not None)
        assert np.array_equal(shown_in(slice_view), made.viewer.opened.before(1))
        slice_view.drag((88 - 0.5, 44 - 0.5), (130, 90))
        assert made.session.decision(made.session.current).crop.left == pytest.approx(130, abs=2)


def test_leaving_the_module_leaves_nothing_behind_and_gives_back_what_was_shown(slice_view, tmp_path):
    import slicer
    from slicer_runtime.hands import click

    own = slicer.util.addVolumeFromArray(np.arange(2000, dtype=np.int16).reshape(5, 20, 20), name="the user's")
    slicer.util.setSliceViewerLayers(background=own, fit=True)
    composite, node = slice_view.widget.mrmlSliceCompositeNode(), slice_view.widget.mrmlSliceNode()
    before = (composite.GetBackgroundVolumeID(), node.GetOrientation(), tuple(node.GetFieldOfView()))
    nodes = {name: slicer.mrmlScene.GetNumberOfNodesByClass(name) for name in NODES}
    write_instance(tmp_path / "exam", SampleKind.RGB_CINE, frames=4)
    with rooms(tmp_path / "exam", tmp_path) as made:
        press_mode(made, "side_by_side")
        click(made.viewer.bar.play_button)
        pixels = made.viewer.opened.pixels
        stream = pixels._frames._element.stream
        made.viewer.exit()
        assert {name: slicer.mrmlScene.GetNumberOfNodesByClass(name) for name in NODES} == nodes
        assert stream.closed and made.viewer.opened is None and not made.viewer.is_playing
    assert {name: slicer.mrmlScene.GetNumberOfNodesByClass(name) for name in NODES} == nodes
    assert (composite.GetBackgroundVolumeID(), node.GetOrientation(), tuple(node.GetFieldOfView())) == before


def test_views_that_a_layout_turns_are_turned_back(slice_views, tmp_path):
    import slicer

    manager = slicer.app.layoutManager()
    nodes = {name: slice_views(name).widget.mrmlSliceNode() for name in ("Red", "Yellow")}
    wanted = {"Red": "Sagittal", "Yellow": "Coronal"}
    for name, orientation in wanted.items():
        nodes[name].SetOrientation(orientation)

    def turn(_layout: int) -> None:  # as vtkMRMLLayoutLogic does by the layout's description
        for node in nodes.values():
            node.SetOrientation("Axial")

    manager.connect("layoutChanged(int)", turn)
    try:
        write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
        with rooms(tmp_path / "exam", tmp_path) as made:
            press_mode(made, "side_by_side")
            assert nodes["Yellow"].GetOrientation() == "Axial"
    finally:
        manager.disconnect("layoutChanged(int)", turn)
    assert {name: node.GetOrientation() for name, node in nodes.items()} == wanted
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal")):
        nodes[name].SetOrientation(orientation)


def test_nothing_of_it_is_saved_with_the_scene_or_listed(clean_application, tmp_path):
    import slicer

    write_instance(tmp_path / "exam", SampleKind.RGB_FRAME)
    with rooms(tmp_path / "exam", tmp_path) as made:
        press_mode(made, "side_by_side")
        scene = slicer.mrmlScene
        own = [
            node
            for node in (scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes()))
            if any(node.IsA(kind) for kind in NODES) and not node.GetName().startswith("Slice Display")
        ]
        ours = [node for node in own if not node.IsA("vtkMRMLModelDisplayNode") and not node.IsA("vtkMRMLSliceDisplayNode")]
        assert len(ours) >= 8
        listed = [node.GetName() for node in ours if not node.GetHideFromEditors() or node.GetSaveWithScene()]
        assert not listed
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        assert not any(hierarchy.GetItemByDataNode(node) for node in ours)
