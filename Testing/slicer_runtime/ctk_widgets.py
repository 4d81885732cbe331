"""The module `ctk`: stand-ins for the CTK widgets that the panel uses.

CTK exposes properties, slots and invokables to Python only; the names are checked against the record (names.py). A ctk widget
that has no stand-in yet raises when it is asked for.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from slicer_runtime import names, qt_errors
from slicer_runtime.ui_files import for_ui_files

Signal = QtCore.Signal
_VIRTUAL_EVENTS = ("paintEvent", "mousePressEvent", "mouseReleaseEvent", "keyPressEvent", "resizeEvent", "event", "eventFilter")


def stored(
    kind: type | str, name: str, default: Any = None, changed: Callable[[Any, Any], None] | None = None
) -> QtCore.Property:
    """A Qt property that keeps its value in the stand-in; `changed(widget, value)` runs when it becomes another one."""

    def get(self: Any) -> Any:
        return self.__dict__.get("_" + name, default)

    def set_(self: Any, value: Any) -> None:
        before = get(self)
        self.__dict__["_" + name] = value
        if changed is not None and before != value:
            changed(self, value)

    return QtCore.Property(kind, get, set_)


def forwarded(kind: type | str, part: str, name: str) -> QtCore.Property:
    """A Qt property of a stand-in that belongs to one of the widgets it is made of."""
    return QtCore.Property(
        kind, lambda self: getattr(self.__dict__[part], name), lambda self, value: setattr(self.__dict__[part], name, value)
    )


def of_spin_box() -> tuple[QtCore.Property, ...]:
    """Value, minimum, maximum, single step, decimals, suffix and prefix of the spin box `_box` that a stand-in is made of."""
    numbers = [forwarded(float, "_box", name) for name in ("value", "minimum", "maximum", "singleStep")]
    return (*numbers, forwarded(int, "_box", "decimals"), forwarded(str, "_box", "suffix"), forwarded(str, "_box", "prefix"))


def in_a_row(owner: QtWidgets.QWidget, *widgets: QtWidgets.QWidget) -> None:
    """Lay out what a stand-in is made of: the first widget gets the room that there is."""
    row = QtWidgets.QHBoxLayout(owner)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(widget, int(widget is widgets[0]))


def stand_in(cls: type) -> type:
    """Class decorator: register for .ui files, and give the recorded set... slot of each property."""
    recorded = names.members(cls.STANDS_FOR)
    for name, value in list(vars(cls).items()):
        slot = "set" + name[:1].upper() + name[1:]
        if isinstance(value, QtCore.Property) and (slot in recorded or not recorded) and not hasattr(cls, slot):
            setattr(cls, slot, lambda self, value, name=name: setattr(self, name, value))
    cls.__init_subclass__ = classmethod(_refuse_overrides)
    return for_ui_files(cls)


def _refuse_overrides(cls: type, **_: Any) -> None:
    own = [name for name in _VIRTUAL_EVENTS if name in vars(cls) and "STANDS_FOR" not in vars(cls)]
    if own:
        raise TypeError(
            f"{cls.__name__}.{own[0]} would never be called: PythonQt does not subclass CTK widgets; subclass a Qt widget"
        )


class Folding:
    """What folds hides its widgets, and shows again those that weren't hidden by themselves, meanwhile or before."""

    _BY_ITSELF = "visibilityToParent"  # CTK's own name for it

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        if event.added() and event.child().isWidgetType():
            event.child().installEventFilter(self)

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        kind = event.type()
        if kind in (QtCore.QEvent.Type.ShowToParent, QtCore.QEvent.Type.HideToParent) and not self.__dict__.get("_is_forcing"):
            child.setProperty(self._BY_ITSELF, kind == QtCore.QEvent.Type.ShowToParent)
            if self.collapsed:
                self._show_children()
        return False

    def _show_children(self) -> None:
        self.__dict__["_is_forcing"] = True
        for child in self.children():
            if child.isWidgetType():
                is_wanted = child.property(self._BY_ITSELF) is not False
                child.setVisible(not self.collapsed and is_wanted)
                if is_wanted:  # else Qt wouldn't tell when it is hidden by itself meanwhile
                    child.setAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self.__dict__["_is_forcing"] = False


@stand_in
class ctkCollapsibleButton(Folding, QtWidgets.QAbstractButton):
    """A titled part of the panel that folds."""

    STANDS_FOR = "ctk.ctkCollapsibleButton"
    HEADER = 24
    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        if isinstance(parent, str):
            raise ValueError('ctkCollapsibleButton takes no title: write button.text = "title"')
        super().__init__(parent)
        self.__dict__["_folded"] = False
        self.setContentsMargins(4, ctkCollapsibleButton.HEADER, 4, 4)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setCheckable(True)
        self.setChecked(True)
        self.connect("toggled(bool)", lambda opened: self._fold(not opened))

    def _fold(self, folded: bool) -> None:
        if folded == self.__dict__["_folded"]:
            return
        self.__dict__["_folded"] = folded
        self.setChecked(not folded)
        self._show_children()
        self.updateGeometry()
        self.contentsCollapsed.emit(folded)

    collapsed = QtCore.Property(bool, lambda self: self.__dict__["_folded"], lambda self, value: self._fold(value))
    flat = stored(bool, "flat", False)
    contentsFrameShape = stored(int, "contentsFrameShape", 0)
    collapsedHeight = stored(int, "collapsedHeight", 0)

    def sizeHint(self) -> QtCore.QSize:
        header = ctkCollapsibleButton.HEADER
        if self.__dict__["_folded"] or self.layout() is None:
            return QtCore.QSize(120, header)
        wanted = self.layout().totalSizeHint()
        return QtCore.QSize(wanted.width(), max(wanted.height(), header))

    minimumSizeHint = sizeHint

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < ctkCollapsibleButton.HEADER

    @qt_errors.painting
    def paintEvent(self, _: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        box = QtCore.QRect(0, 0, self.width, ctkCollapsibleButton.HEADER - 2)
        painter.fillRect(box, self.palette.button())
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(6, 5, 12, 12)
        element = QtWidgets.QStyle.PrimitiveElement
        shape = element.PE_IndicatorArrowRight if self.__dict__["_folded"] else element.PE_IndicatorArrowDown
        QtWidgets.QApplication.style().drawPrimitive(shape, arrow, painter, self)
        font = self.font
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(box.adjusted(24, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text.replace("&&", "&"))


@stand_in
class ctkCollapsibleGroupBox(Folding, QtWidgets.QGroupBox):
    """A group box that folds."""

    STANDS_FOR = "ctk.ctkCollapsibleGroupBox"
    collapsed = stored(bool, "collapsed", False, lambda self, _folded: self._show_children())
    collapsedHeight = stored(int, "collapsedHeight", 14)


@stand_in
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box."""

    STANDS_FOR = "ctk.ctkSliderWidget"
    STEPS = 10000
    valueChanged = Signal(float)
    valueIsChanging = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        slider, box = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self), QtWidgets.QDoubleSpinBox(self)
        self.__dict__.update(_slider=slider, _box=box)
        in_a_row(self, slider, box)
        slider.setRange(0, ctkSliderWidget.STEPS)
        box.connect("valueChanged(double)", self._box_changed)
        slider.connect("valueChanged(int)", self._slider_changed)

    def _slider_changed(self, step: int) -> None:
        box = self.__dict__["_box"]
        exact = box.minimum + (box.maximum - box.minimum) * step / ctkSliderWidget.STEPS
        box.setValue(box.minimum + round((exact - box.minimum) / box.singleStep) * box.singleStep)

    def _box_changed(self, value: float) -> None:
        box, slider = self.__dict__["_box"], self.__dict__["_slider"]
        extent = box.maximum - box.minimum
        blocked = slider.blockSignals(True)
        slider.setValue(round((value - box.minimum) / extent * ctkSliderWidget.STEPS) if extent else 0)
        slider.blockSignals(blocked)
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    value, minimum, maximum, singleStep, decimals, suffix, prefix = of_spin_box()
    pageStep, tracking = stored(float, "pageStep", 1.0), stored(bool, "tracking", True)
    spinBoxVisible = stored(bool, "spinBoxVisible", True, lambda self, shown: self.__dict__["_box"].setVisible(shown))


@stand_in
class ctkRangeWidget(QtWidgets.QWidget):
    """A range between two values."""

    STANDS_FOR = "ctk.ctkRangeWidget"
    valuesChanged = Signal(float, float)
    minimum, maximum = stored(float, "minimum", 0.0), stored(float, "maximum", 99.0)
    decimals, singleStep = stored(int, "decimals", 2), stored(float, "singleStep", 1.0)

    def _announce(self, _: float) -> None:
        self.valuesChanged.emit(self.minimumValue, self.maximumValue)

    minimumValue = stored(float, "minimumValue", 0.0, _announce)
    maximumValue = stored(float, "maximumValue", 99.0, _announce)

    def setValues(self, low: float, high: float) -> None:
        self.minimumValue, self.maximumValue = low, high


@stand_in
class ctkPathLineEdit(QtWidgets.QWidget):
    """A path with a button to browse for it."""

    STANDS_FOR = "ctk.ctkPathLineEdit"
    Dirs, Files, Readable, Writable, Executable = 0x001, 0x002, 0x010, 0x020, 0x040
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        line, button = QtWidgets.QLineEdit(self), QtWidgets.QToolButton(self)
        self.__dict__["_line"] = line
        button.setText("...")
        in_a_row(self, line, button)
        line.connect("textChanged(QString)", lambda text: self.currentPathChanged.emit(text))
        button.connect("clicked()", lambda: self.browse())

    currentPath = forwarded(str, "_line", "text")
    filters, options = stored(int, "filters", 2), stored(int, "options", 0)
    label, settingKey = stored(str, "label", ""), stored(str, "settingKey", "")
    nameFilters = stored("QStringList", "nameFilters", [])
    showBrowseButton, showHistoryButton = stored(bool, "showBrowseButton", True), stored(bool, "showHistoryButton", True)
    sizeAdjustPolicy, minimumContentsLength = stored(int, "sizeAdjustPolicy", 0), stored(int, "minimumContentsLength", 0)

    def browse(self) -> None:
        qt = sys.modules["qt"]
        ask = qt.QFileDialog.getExistingDirectory if self.filters & self.Dirs else qt.QFileDialog.getOpenFileName
        chosen = ask(self, self.label, self.currentPath)
        if chosen:
            self.currentPath = chosen

    def _history(self) -> list[str]:
        kept = QtCore.QSettings().value(self.settingKey) or ()
        return [kept] if isinstance(kept, str) else list(kept)

    def addCurrentPathToHistory(self) -> None:
        if self.settingKey:
            kept = [path for path in self._history() if path != self.currentPath]
            QtCore.QSettings().setValue(self.settingKey, [self.currentPath, *kept])

    def retrieveHistory(self) -> None:
        if self._history():
            self.currentPath = self._history()[0]


@stand_in
class ctkDirectoryButton(QtWidgets.QPushButton):
    """A button that shows and chooses a folder."""

    STANDS_FOR = "ctk.ctkDirectoryButton"
    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def _show(self, folder: str) -> None:
        self.setText(folder)
        self.directoryChanged.emit(folder)

    directory, caption = stored(str, "directory", "", _show), stored(str, "caption", "")


@stand_in
class ctkComboBox(QtWidgets.QComboBox):
    STANDS_FOR = "ctk.ctkComboBox"
    defaultText, forceDefault = stored(str, "defaultText", ""), stored(bool, "forceDefault", False)


@stand_in
class ctkCheckBox(QtWidgets.QCheckBox):
    STANDS_FOR = "ctk.ctkCheckBox"


@stand_in
class ctkPushButton(QtWidgets.QPushButton):
    STANDS_FOR = "ctk.ctkPushButton"


@stand_in
class ctkCheckablePushButton(QtWidgets.QPushButton):
    STANDS_FOR = "ctk.ctkCheckablePushButton"
    checkBoxToggled = Signal(bool)
    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)


@stand_in
class ctkMenuButton(QtWidgets.QPushButton):
    STANDS_FOR = "ctk.ctkMenuButton"


@stand_in
class ctkDoubleSpinBox(QtWidgets.QWidget):
    """A spin box of doubles; a widget around one, as in CTK."""

    STANDS_FOR = "ctk.ctkDoubleSpinBox"
    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        box = QtWidgets.QDoubleSpinBox(self)
        self.__dict__["_box"] = box
        in_a_row(self, box)
        box.connect("valueChanged(double)", lambda value: self.valueChanged.emit(value))

    value, minimum, maximum, singleStep, decimals, suffix, prefix = of_spin_box()


@stand_in
class ctkSearchBox(QtWidgets.QLineEdit):
    STANDS_FOR = "ctk.ctkSearchBox"
    showSearchIcon, alwaysShowClearIcon = stored(bool, "showSearchIcon", False), stored(bool, "alwaysShowClearIcon", False)


@stand_in
class ctkMessageBox(QtWidgets.QMessageBox):
    STANDS_FOR = "ctk.ctkMessageBox"
    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")


class CtkModule(types.ModuleType):
    """Attribute access of the module `ctk`."""

    def __getattr__(self, name: str) -> Any:
        if not names.known(f"ctk.{name}"):
            raise AttributeError(f"ctk has no {name!r}")
        from slicer_runtime import dicom_browser, dicom_database

        rooms = (globals(), vars(dicom_database), vars(dicom_browser))
        found = next((room[name] for room in rooms if name in room), None)
        if found is None:
            raise AttributeError(f"ctk.{name} has no stand-in yet: add one to Testing/slicer_runtime/ctk_widgets.py")
        return found


def install() -> types.ModuleType:
    """Make `import ctk` work in this process."""
    return sys.modules.setdefault("ctk", CtkModule("ctk", __doc__))
