"""A slice view on slicer-core: real slice logic and displayable managers, rendered offscreen, inside a Qt widget."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtkmodules.util.numpy_support import vtk_to_numpy

from slicer_runtime import qt_errors
from slicer_runtime.ctk_widgets import stand_in

_DISPLAYABLE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
)


class Rendering:
    """Renderer, logic, displayable managers and interactor style of one slice view. VTK's y runs from the bottom."""

    def __init__(self, name: str, size: tuple[int, int]) -> None:
        self.renderer = vtk.vtkRenderer()
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.interactor.SetEnableRender(False)
        self.interactor.Initialize()
        # The 2D image: what the light box of ctkVTKSliceView does in the application.
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.picture = vtk.vtkActor2D()
        self.picture.SetMapper(self.mapper)
        self.picture.GetProperty().SetDisplayLocationToBackground()
        self.picture.VisibilityOff()
        self.renderer.AddViewProp(self.picture)
        self._make_logic(name)
        self._make_managers()
        self.resize(*size)
        self.node.SetMappedInLayout(1)

    def _make_logic(self, name: str) -> None:
        application_logic = slicer.app.applicationLogic()
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(slicer.mrmlScene)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetLayoutLabel(name[0])
        orientation = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}.get(name, "Axial")
        self.node.SetOrientation(orientation)

    def _make_managers(self) -> None:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for name in _DISPLAYABLE_MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.managers = slicer.vtkMRMLDisplayableManagerGroup()
        self.managers.SetRenderer(self.renderer)
        self.managers.Initialize(factory, self.renderer)
        self.managers.SetMRMLDisplayableNode(self.node)
        self.style = slicer.vtkMRMLSliceViewInteractorStyle()
        self.style.SetSliceLogic(self.logic)
        self.style.SetDisplayableManagers(self.managers)
        self.style.SetInteractor(self.interactor)

    def resize(self, width: int, height: int) -> None:
        self.window.SetSize(width, height)
        self.interactor.UpdateSize(width, height)
        self.logic.ResizeSliceNode(width, height)

    def fit(self) -> None:
        self.logic.ResizeSliceNode(*self.window.GetSize())
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()

    def pixels(self) -> np.ndarray:
        """Render; the view as (height, width, 3) bytes, first row at the top."""
        self.logic.UpdatePipeline()
        connection = self.logic.GetImageDataConnection()
        if connection:
            self.mapper.SetInputConnection(connection)
        self.picture.SetVisibility(bool(connection))
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.ShouldRerenderOff()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()

    def event(self, name: str, x: float, y: float, *, control: bool = False, shift: bool = False, key: str | None = None) -> None:
        """Send an interactor event at a position counted from the bottom left."""
        self.interactor.SetEventInformation(round(x), round(y), int(control), int(shift), chr(0), 0, key)
        self.interactor.InvokeEvent(name)

    def finish(self) -> None:
        """Free the render window before the interpreter ends."""
        self.managers.SetMRMLDisplayableNode(None)
        self.style.SetInteractor(None)
        self.window.Finalize()


@stand_in
class qMRMLSliceView(QtWidgets.QWidget):
    """The view inside a slice widget: draws the rendering, hands mouse events to its interactor."""

    STANDS_FOR = "slicer.qMRMLSliceView"

    def __init__(self, name: str, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.__dict__.update(_rendering=Rendering(name, (400, 300)), _drawing=False)
        rendering = self.__dict__["_rendering"]
        rendering.managers.AddObserver(vtk.vtkCommand.UpdateEvent, self._changed)
        rendering.logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._changed)

    def _changed(self, *_: Any) -> None:
        if not self.__dict__["_drawing"]:
            self.update()

    def mrmlSliceNode(self) -> Any:
        return self.__dict__["_rendering"].node

    def interactor(self) -> Any:
        return self.__dict__["_rendering"].interactor

    def interactorStyle(self) -> Any:
        return self.__dict__["_rendering"].style

    def renderWindow(self) -> Any:
        return self.__dict__["_rendering"].window

    def scheduleRender(self) -> None:
        self.update()

    def forceRender(self) -> None:
        self.repaint()

    def convertDeviceToXYZ(self, position: Any) -> tuple[float, float, float]:
        return (position[0], position[1], 0.0)

    def convertXYZToRAS(self, position: Any) -> tuple[float, float, float]:
        return self.mrmlSliceNode().GetXYToRAS().MultiplyPoint((*position, 1))[:3]

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        size = event.size()
        self.__dict__["_rendering"].resize(size.width(), size.height())

    @qt_errors.painting
    def paintEvent(self, _: QtGui.QPaintEvent) -> None:
        self.__dict__["_drawing"] = True
        try:
            pixels = self.__dict__["_rendering"].pixels()
        finally:
            self.__dict__["_drawing"] = False
        height, width, _ = pixels.shape
        padded = np.zeros((height, (width * 3 + 3) // 4 * 4), np.uint8)
        padded[:, : width * 3] = pixels.reshape(height, -1)
        image = QtGui.QImage(padded.tobytes(), width, height, QtGui.QImage.Format.Format_RGB888)
        painter = QtGui.QPainter(self)
        painter.drawImage(0, 0, image)
        painter.end()

    def _forward(self, event: Any, name: str) -> None:
        where, keys = type(event).position(event), type(event).modifiers(event)  # Qt 6's names: not for modules
        rendering = self.__dict__["_rendering"]
        rendering.event(
            name,
            where.x(),
            rendering.window.GetSize()[1] - 1 - where.y(),
            control=bool(keys & QtCore.Qt.KeyboardModifier.ControlModifier),
            shift=bool(keys & QtCore.Qt.KeyboardModifier.ShiftModifier),
        )

    def _button(self, event: Any) -> str:
        buttons = QtCore.Qt.MouseButton
        return {buttons.RightButton: "Right", buttons.MiddleButton: "Middle"}.get(event.button(), "Left")

    def mouseMoveEvent(self, event: Any) -> None:
        self._forward(event, "MouseMoveEvent")

    def mousePressEvent(self, event: Any) -> None:
        self._forward(event, f"{self._button(event)}ButtonPressEvent")

    def mouseReleaseEvent(self, event: Any) -> None:
        self._forward(event, f"{self._button(event)}ButtonReleaseEvent")

    def mouseDoubleClickEvent(self, event: Any) -> None:
        self._forward(event, f"{self._button(event)}ButtonDoubleClickEvent")

    def wheelEvent(self, event: Any) -> None:
        self._forward(event, "MouseWheelForwardEvent" if event.angleDelta().y() > 0 else "MouseWheelBackwardEvent")

    def enterEvent(self, event: Any) -> None:
        self._forward(event, "EnterEvent")

    def leaveEvent(self, _: Any) -> None:
        self.interactor().InvokeEvent("LeaveEvent")


@stand_in
class qMRMLSliceControllerWidget(QtWidgets.QWidget):
    """The bar above a slice view, empty here."""

    STANDS_FOR = "slicer.qMRMLSliceControllerWidget"

    def __init__(self, logic: Any, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self.__dict__["_logic"] = logic

    def sliceLogic(self) -> Any:
        return self.__dict__["_logic"]

    def fitSliceToBackground(self) -> None:
        self.parent().fitSliceToBackground()


@stand_in
class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view with its bar, as layoutManager().sliceWidget(name) returns it."""

    STANDS_FOR = "slicer.qMRMLSliceWidget"

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.objectName = f"qMRMLSliceWidget{name}"
        view = qMRMLSliceView(name, self)
        rendering = view.__dict__["_rendering"]
        controller = qMRMLSliceControllerWidget(rendering.logic, self)
        self.__dict__.update(_view=view, _controller=controller, _rendering=rendering)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(controller)
        column.addWidget(view, 1)
        controller.setFixedHeight(0)

    def sliceView(self) -> qMRMLSliceView:
        return self.__dict__["_view"]

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self.__dict__["_controller"]

    def sliceLogic(self) -> Any:
        return self.__dict__["_rendering"].logic

    def mrmlSliceNode(self) -> Any:
        return self.__dict__["_rendering"].node

    def mrmlSliceCompositeNode(self) -> Any:
        return self.sliceLogic().GetSliceCompositeNode()

    def interactorStyle(self) -> Any:
        return self.__dict__["_rendering"].style

    def fitSliceToBackground(self) -> None:
        self.__dict__["_rendering"].fit()
