"""The lint: each habit that PythonQt refuses is found, and the module has none of them."""

from pathlib import Path

import pytest
from repository import REPOSITORY
from slicer_runtime import lint

MODULE_FILES = sorted((REPOSITORY / "USDICOMizer").rglob("*.py"))

REFUSED = {
    "super of a Qt class": "class D(qt.QDialog):\n    def reject(self):\n        super().reject()",
    "super with an event": "class W(qt.QWidget):\n    def showEvent(self, e):\n        super().showEvent(e)",
    "isinstance with a Qt class": "isinstance(label, qt.QWidget)",
    "isinstance with several": "isinstance(label, (str, qt.QWidget))",
    "issubclass": "issubclass(cls, ctk.ctkSliderWidget)",
    "connect without a signature": "button.connect('clicked', f)",
    "text for a shortcut": "s = qt.QShortcut('Ctrl+S', w)",
    "text for an action's shortcut": "action.setShortcut('Ctrl+K')",
    "a name only PySide has": "qt.Qt.CTRL",
    "a scoped enum": "qt.Qt.Key.Key_A",
    "an enum's value": "qt.QMessageBox.StandardButton.value",
    "an enum's name": "qt.Qt.Key.name",
    "a delegate no one keeps": "view.setItemDelegate(D())",
    "a delegate of a column": "view.setItemDelegateForColumn(0, D())",
    "a model no one keeps": "view.setModel(M())",
    "a validator no one keeps": "line.setValidator(V())",
    "an event filter no one keeps": "w.installEventFilter(F())",
    "a timer without an owner": "def f():\n    t = qt.QTimer()\n    t.start(5)",
    "a dialog without an owner": "def f():\n    d = qt.QDialog()\n    d.show()",
    "a shortcut without an owner": "def f(w):\n    s = qt.QShortcut(qt.QKeySequence('S'), w)",
    "a signal blocker as a context": "with qt.QSignalBlocker(w):\n    pass",
    "a paintEvent of a ctk subclass": "class B(ctk.ctkCollapsibleButton):\n    def paintEvent(self, e):\n        pass",
    "keyword arguments to a constructor": "qt.QLabel('x', parent=w)",
    "keyword arguments to a ctk constructor": "ctk.ctkSliderWidget(parent=w)",
    "value with a type": "settings.value('a', type=bool)",
    "QTest": "qt.QTest.mouseClick(w, 1)",
    "threads": "import threading",
    "threads by another name": "from concurrent.futures import ThreadPoolExecutor",
    "Qt's threads": "qt.QThread()",
    "a class that is gone or was never there": "qt.QFooBar()",
    "a ctk class that does not exist": "ctk.ctkFancySlider()",
    "a ctk method that is not exposed": "ctk.ctkSliderWidget.setRange",
    "a slicer name": "slicer.mrmlSceen",
    "a slicer.util name": "slicer.util.showError('x')",
    "a slicer.app name": "slicer.app.tempPath",
    "a third-party import at file scope": "import pydicom",
}

ACCEPTED = {
    "the base class by name": "class D(qt.QDialog):\n    def reject(self):\n        qt.QDialog.reject(self)",
    "super().__init__": "class D(qt.QDialog):\n    def __init__(self):\n        super().__init__()",
    "super of a plain class": "class D(Base):\n    def reject(self):\n        super().reject()",
    "inherits": "label.inherits('QWidget')",
    "a full signature": "button.connect('clicked(bool)', f)",
    "a key sequence": "s = qt.QShortcut(qt.QKeySequence('Ctrl+S'), w)",
    "an enum": "qt.Qt.ControlModifier",
    "a kept timer": "def f(self):\n    t = qt.QTimer()\n    self.t = t",
    "a timer with a parent": "def f(self, w):\n    t = qt.QTimer(w)\n    t.start(1)",
    "a dialog that is run": "def f():\n    d = qt.QDialog()\n    d.exec_()",
    "a kept model": "view.setModel(self.model)",
    "a third-party import where it is used": "def f():\n    import pydicom",
    "the standard library": "import json",
    "an MRML class": "slicer.vtkMRMLMarkupsROINode",
    "slicer.util": "slicer.util.errorDisplay('x')",
    "slicer.app": "slicer.app.processEvents()",
    "a signal of a Python class": "class A(qt.QObject):\n    s = qt.Signal(str)",
}


@pytest.mark.parametrize("habit", REFUSED)
def test_a_habit_that_the_application_refuses_is_found(habit):
    assert lint.problems(REFUSED[habit])


@pytest.mark.parametrize("habit", ACCEPTED)
def test_what_the_application_takes_is_not_found(habit):
    assert lint.problems(ACCEPTED[habit]) == []


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_the_module_has_none_of_these_habits(path: Path):
    assert lint.problems(path.read_text(encoding="utf-8")) == []


def test_the_lint_tells_the_line():
    assert lint.problems("a = 1\n\nimport pydicom") == [(3, "pydicom is imported at file scope: import it where it is used")]
