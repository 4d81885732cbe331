"""The stand-in refuses what PythonQt refuses and takes what it takes: one test for each row of what was probed."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("clean_application")


@pytest.fixture
def qt(slicer_app):
    import qt

    return qt


@pytest.fixture
def ctk(slicer_app):
    import ctk

    return ctk


def test_properties_are_attributes(qt):
    button = qt.QPushButton("x")
    button.text = "y"
    assert button.text == "y" and button.objectName == button.name == ""
    assert qt.QTableWidget(2, 3).rowCount == 2


@pytest.mark.parametrize("name", ["foo", "dataChanged", "toggledd", "windowHandel"])
def test_an_unknown_name_is_refused(qt, name):
    with pytest.raises(AttributeError):
        getattr(qt.QTableWidget(), name)()


def test_a_name_of_qt_6_only_is_refused(qt):
    assert not hasattr(qt.QLabel(), "setAlignmentt")
    assert not hasattr(qt, "QTest")
    assert not hasattr(qt.Qt, "CTRL")
    assert int(qt.Qt.ControlModifier) == 0x04000000


@pytest.mark.parametrize("name", ["QRegExp", "QDesktopWidget"])
def test_a_class_that_is_gone_in_qt_6_is_refused(qt, name):
    with pytest.raises(AttributeError):
        getattr(qt, name)


def test_methods_and_signals_that_are_gone_in_qt_6_are_refused(qt):
    with pytest.raises(AttributeError):
        qt.QVBoxLayout().setMargin(3)
    with pytest.raises(AttributeError):
        qt.QLabel().fontMetrics().width("x")
    with pytest.raises(ValueError):
        qt.QComboBox().connect("currentIndexChanged(QString)", print)
    with pytest.raises(ValueError):
        qt.QButtonGroup().connect("buttonClicked(int)", print)


def test_a_widget_takes_no_new_attributes_but_a_subclass_does(qt):
    with pytest.raises(AttributeError):
        qt.QLabel().mine = 1

    class Mine(qt.QLabel):
        def __init__(self):
            super().__init__()
            self.mine = 1

    assert Mine().mine == 1


def test_an_item_takes_no_new_attributes(qt):
    item = qt.QTableWidgetItem("a")
    with pytest.raises(AttributeError):
        item.mine = 1
    item.setData(qt.Qt.UserRole, 5)
    assert item.data(qt.Qt.UserRole) == 5


@pytest.mark.parametrize("signal", ["clicked", "clickd(bool)", "clicked(QString)"])
def test_a_signal_that_would_not_connect_is_refused(qt, signal):
    with pytest.raises(ValueError):
        qt.QPushButton().connect(signal, print)


def test_a_slot_that_needs_more_than_the_signal_gives_is_refused(qt):
    with pytest.raises(ValueError):
        qt.QPushButton().connect("clicked()", lambda checked: None)


def test_a_slot_may_take_less_than_the_signal_gives(qt):
    button, seen = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda: seen.append("none"))
    button.connect("clicked(bool)", seen.append)
    button.click()
    assert seen == ["none", False]


def test_a_bound_method_is_held_by_its_connection(qt, slicer_app):
    class Holder:
        def __init__(self, seen):
            self.seen = seen

        def slot(self):
            self.seen.append(1)

    seen, button = [], qt.QPushButton()
    button.connect("clicked()", Holder(seen).slot)
    button.clicked.connect(Holder(seen).slot)
    button.click()
    qt.QTimer.singleShot(0, Holder(seen).slot)
    slicer_app.processEvents()
    slicer_app.processEvents()
    assert seen == [1, 1, 1]


def test_disconnect_of_one_slot_and_of_all(qt):
    button, seen = qt.QPushButton(), []

    def slot():
        seen.append(1)

    button.connect("clicked()", slot)
    assert button.disconnect("clicked()", slot)
    assert not button.disconnect("clicked()", slot)
    button.connect("clicked()", slot)
    button.connect("clicked()", lambda: seen.append(2))
    assert button.disconnect("clicked()")
    button.click()
    assert seen == []


def test_calling_a_signal_emits_it(qt):
    button, seen = qt.QPushButton(), []
    button.connect("toggled(bool)", seen.append)
    button.toggled(True)
    assert seen == [True]


@pytest.mark.parametrize("value", [Path("x"), {1}, object(), b"x", ["a", 1], {"a": 1}])
def test_settings_refuse_what_crashes_the_next_session(qt, value):
    with pytest.raises(TypeError):
        qt.QSettings().setValue("key", value)


def test_settings_refuse_numpy_scalars_and_dates(qt):
    import datetime

    import numpy as np

    for value in (np.float64(1), np.int64(1), datetime.datetime(2020, 1, 1)):
        with pytest.raises(TypeError):
            qt.QSettings().setValue("key", value)


def test_settings_give_lists_as_tuples(qt):
    settings = qt.QSettings()
    settings.setValue("key", ["a", "b"])
    settings.sync()
    assert settings.value("key") == ("a", "b")
    assert settings.value("none", "default") == "default"
    with pytest.raises(TypeError):
        settings.value("key", type=bool)


def test_text_is_no_key_sequence(qt):
    with pytest.raises(ValueError):
        qt.QShortcut("Ctrl+S", qt.QWidget())
    with pytest.raises(ValueError):
        qt.QPushButton().setShortcut("Ctrl+K")
    with pytest.raises(ValueError):
        qt.QPushButton().shortcut = "Ctrl+K"
    action = qt.QAction("x", None)
    action.setShortcut(qt.QKeySequence("Ctrl+K"))
    assert action.shortcut.toString() == "Ctrl+K"


def test_images_are_made_of_padded_bytes(qt):
    import numpy as np

    with pytest.raises(ValueError):
        qt.QImage(bytes(12), 2, 2, 6, qt.QImage.Format_RGB888)
    with pytest.raises(ValueError):
        qt.QImage(np.zeros((2, 2, 3), np.uint8), 2, 2, qt.QImage.Format_RGB888)
    with pytest.raises(ValueError):
        qt.QImage(bytes(12), 2, 2, qt.QImage.Format_RGB888)
    image = qt.QImage(b"\x10\x20\x30" * 2 + b"\0\0" + b"\x10\x20\x30" * 2 + b"\0\0", 2, 2, qt.QImage.Format_RGB888)
    assert qt.QColor(image.pixel(1, 1)).name() == "#102030"


def test_images_pixmaps_and_icons_are_not_mixed(qt):
    image = qt.QImage(2, 2, qt.QImage.Format_RGB32)
    with pytest.raises(ValueError):
        qt.QPixmap(image)
    pixmap = qt.QPixmap.fromImage(image)
    with pytest.raises(ValueError):
        qt.QPushButton().setIcon(pixmap)
    with pytest.raises(ValueError):
        qt.QPushButton().icon = pixmap
    qt.QPushButton().setIcon(qt.QIcon(pixmap))


def test_byte_arrays_have_methods_only(qt):
    array = qt.QByteArray(b"abc")
    for habit in (len, bytes, lambda a: a[0]):
        with pytest.raises(TypeError):
            habit(array)
    assert array.size() == 3 and array.data() == b"abc"


def test_a_signal_blocker_is_no_context_manager(qt):
    with pytest.raises(TypeError), qt.QSignalBlocker(qt.QWidget()):
        pass
    widget = qt.QCheckBox()
    assert widget.blockSignals(True) is False


def test_lists_are_tuples(qt):
    table = qt.QTableWidget(1, 1)
    assert isinstance(table.findChildren(qt.QWidget), tuple)
    assert table.selectedItems() == ()
    data = qt.QMimeData()
    data.setUrls([qt.QUrl.fromLocalFile("/x")])
    assert isinstance(data.urls(), tuple)


@pytest.mark.parametrize("call", [("setRange", (0, 5)), ("setMinimum", (1,)), ("setMaximum", (1,))])
def test_a_ctk_slider_has_properties_instead_of_setters(ctk, call):
    slider = ctk.ctkSliderWidget()
    with pytest.raises(AttributeError):
        getattr(slider, call[0])(*call[1])
    slider.minimum, slider.maximum, slider.value = 2, 9, 5
    assert (slider.minimum, slider.maximum, slider.value) == (2, 9, 5)


def test_ctk_methods_that_are_not_exposed_are_refused(ctk):
    with pytest.raises(AttributeError):
        ctk.ctkPathLineEdit().setFilters(1)
    with pytest.raises(AttributeError):
        ctk.ctkCollapsibleButton().setCollapsed(True)
    with pytest.raises(ValueError):
        ctk.ctkCollapsibleButton("title")
    button = ctk.ctkCollapsibleButton()
    button.text, button.collapsed = "title", True
    assert button.collapsed


@pytest.mark.parametrize("kind", ["ctkCollapsibleButton", "ctkCollapsibleGroupBox"])
def test_what_unfolds_shows_what_was_not_hidden_by_itself_before_or_meanwhile(ctk, qt, kind):
    section = getattr(ctk, kind)()
    section.setLayout(qt.QVBoxLayout())
    shown, hidden, meanwhile = (qt.QLabel(name) for name in ("shown", "hidden", "meanwhile"))
    for label in (shown, hidden, meanwhile):
        section.layout().addWidget(label)
    hidden.hide()
    section.show()
    section.collapsed = True
    assert not any(label.visible for label in (shown, hidden, meanwhile))
    meanwhile.hide()
    hidden.show()
    assert not hidden.visible
    section.collapsed = False
    assert (shown.visible, hidden.visible, meanwhile.visible) == (True, True, False)


def test_a_ctk_subclass_with_a_paint_event_is_refused(ctk):
    with pytest.raises(TypeError):

        class Mine(ctk.ctkCollapsibleButton):
            def paintEvent(self, event):
                pass


def test_an_unknown_ctk_class_is_refused(ctk):
    assert not hasattr(ctk, "ctkFancyWidget")


@pytest.mark.parametrize("value", ["7", None, [1]])
def test_a_number_property_takes_numbers(qt, value):
    with pytest.raises(ValueError):
        qt.QSpinBox().value = value


def test_a_fraction_is_cut_for_a_whole_number_property(qt):
    spin = qt.QSpinBox()
    spin.value = 3.9
    assert spin.value == 3


def test_text_for_a_check_box_is_refused(qt):
    with pytest.raises(ValueError):
        qt.QCheckBox().checked = "false"


@pytest.mark.parametrize("habit", [lambda f: f == 1, int, lambda f: f & 1])
def test_flag_properties_are_opaque(qt, habit):
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight
    with pytest.raises(TypeError):
        habit(label.alignment)


def test_integers_stand_for_enums(qt):
    label = qt.QLabel()
    label.setAlignment(int(qt.Qt.AlignRight) | 0x80)
    item = qt.QTableWidgetItem()
    item.setCheckState(2)
    assert item.checkState() == 2 == qt.Qt.Checked
    assert item.flags() & qt.Qt.ItemIsEnabled


def test_text_is_made_of_anything(qt):
    label = qt.QLabel()
    label.setText(5)
    assert label.text == "5"
    label.setText(None)
    assert label.text == "None"


def test_dialogs_return_plain_values(qt, monkeypatch):
    from PySide6 import QtWidgets

    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileName", lambda *_: ("/a.dcm", "all"))
    monkeypatch.setattr(QtWidgets.QFileDialog, "getOpenFileNames", lambda *_: (["/a.dcm"], "all"))
    monkeypatch.setattr(QtWidgets.QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QtWidgets.QInputDialog, "getText", lambda *_: ("typed", False))
    assert qt.QFileDialog.getOpenFileName(None, "x", "") == "/a.dcm"
    assert qt.QFileDialog.getOpenFileNames(None, "x", "") == ("/a.dcm",)
    assert qt.QFileDialog.getSaveFileName(None, "x", "") == ""
    assert qt.QInputDialog.getText(None, "x", "y") == ""


def test_a_progress_bar_has_a_range(qt):
    bar = qt.QProgressBar()
    bar.setRange(0, 5)
    bar.setValue(3)
    bar.maximum = 7
    assert (bar.minimum, bar.maximum, bar.value) == (0, 7, 3)


def test_a_range_widget_has_values(ctk):
    widget, seen = ctk.ctkRangeWidget(), []
    widget.connect("valuesChanged(double,double)", lambda low, high: seen.append((low, high)))
    widget.setValues(2, 5)
    assert (widget.minimumValue, widget.maximumValue) == (2, 5) and seen[-1] == (2, 5)


def test_python_subclasses_may_override_virtual_methods(qt, slicer_app):
    painted = []

    class Mine(qt.QWidget):
        def paintEvent(self, event):
            painted.append(event.rect().width())

        def sizeHint(self):
            return qt.QSize(40, 30)

    widget = Mine()
    widget.show()
    slicer_app.processEvents()
    assert painted
    assert widget.sizeHint().width() == 40
    assert qt.QLabel("x").sizeHint.width() > 0


def test_children_are_attributes_by_their_names(qt):
    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    child.objectName = "theLabel"
    assert parent.theLabel.text == "x"


def test_an_alias_runs_a_dialog(qt):
    dialog = qt.QDialog()
    qt.QTimer.singleShot(0, dialog.reject)
    assert dialog.exec_() == 0


def test_system_exit_in_a_slot_is_not_swallowed(slicer_app):
    from slicer_runtime import qt_errors

    with pytest.raises(SystemExit):
        qt_errors.guarded(lambda: exit(3))()
    assert qt_errors.take() == []


def test_a_file_of_widgets_with_an_unknown_class_is_refused(qt, tmp_path):
    path = tmp_path / "x.ui"
    path.write_text('<ui version="4.0"><widget class="ctkNothing" name="x"/></ui>')
    file = qt.QFile(str(path))
    file.open(qt.QFile.ReadOnly)
    with pytest.raises(RuntimeError, match="ctkNothing"):
        qt.QUiLoader().load(file)
