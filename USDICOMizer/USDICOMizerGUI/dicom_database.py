"""Adding exams from where Slicer has them: its DICOM database, and the data that is loaded in the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.dicom_queries import DatabaseStudy, files_of, loaded_files, selected_studies, ultrasound_studies
from USDICOMizerGUI.time_slices import TimeSlices


class DatabaseInputs:
    """Two buttons beside those for files: *Add from DICOM database...* and *Add loaded*.

    `add` gets the files; `say` a sentence where there is nothing to add.
    """

    def __init__(self, buttons: qt.QLayout, add: Callable[[Sequence[Path]], None], say: Callable[[str], None]):
        self._add = add
        self._say = say
        self._dialog: DatabaseDialog | None = None
        self.database_button = qt.QPushButton(_("Add from DICOM database..."))
        self.database_button.objectName = "addFromDatabaseButton"
        self.database_button.setToolTip(_("Choose patients and studies with ultrasound from Slicer's DICOM database."))
        self.loaded_button = qt.QPushButton(_("Add loaded"))
        self.loaded_button.objectName = "addLoadedButton"
        self.loaded_button.setToolTip(_("Add the DICOM files of the volumes and sequences that are loaded."))
        for button in (self.database_button, self.loaded_button):
            buttons.addWidget(button)
        self.database_button.connect("clicked(bool)", self.choose)
        self.loaded_button.connect("clicked(bool)", self.add_loaded)

    def cleanup(self) -> None:
        """Close the dialog if it is open."""
        if self._dialog is not None:
            self._dialog.cleanup()
            self._dialog = None

    def choose(self, _checked: bool = False) -> None:
        """Let a person choose studies; the browser's selection is checked already."""
        database = slicer.dicomDatabase
        if database is None or not database.isOpen:
            self._say(_("Slicer's DICOM database isn't open. Open the DICOM module once, then try again."))
            return
        self.cleanup()
        self._dialog = DatabaseDialog(slicer.util.mainWindow(), database, self._add)
        self._dialog.open()

    def add_loaded(self, _checked: bool = False) -> None:
        """Add the files of what is loaded."""
        files, missing = loaded_files(slicer.dicomDatabase, slicer.mrmlScene)
        if files:
            self._add(files)
            self._say(_("{count} loaded instances have no file in the DICOM database.").format(count=missing) if missing else "")
        else:
            self._say(_("Nothing that is loaded came from the DICOM database. Add its files or folder instead."))


class DatabaseDialog:
    """Patients and studies with ultrasound; check some, and their files are added."""

    def __init__(self, window: qt.QWidget | None, database: object, add: Callable[[Sequence[Path]], None]):
        self.database = database
        self._add = add
        self._studies: dict[str, DatabaseStudy] = {}
        self._work = TimeSlices()
        self.dialog = qt.QDialog(window)
        self.dialog.objectName = "databaseDialog"
        self.dialog.setWindowTitle(_("USDICOMizer: add from the DICOM database"))
        self.search = qt.QLineEdit()
        self.search.objectName = "databaseSearch"
        self.search.setPlaceholderText(_("Search patients and studies"))
        self.tree = qt.QTreeWidget()
        self.tree.objectName = "databaseTree"
        self.tree.setHeaderLabels([_("Patient and study"), _("Date"), _("Series")])
        self.words = qt.QLabel()
        self.words.objectName = "databaseWords"
        self.words.setWordWrap(True)
        self.add_button = qt.QPushButton(_("Add"))
        self.add_button.objectName = "databaseAddButton"
        self.add_button.setDefault(True)
        self.cancel_button = qt.QPushButton(_("Cancel"))
        self.cancel_button.objectName = "databaseCancelButton"
        row = qt.QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.add_button)
        row.addWidget(self.cancel_button)
        layout = qt.QVBoxLayout(self.dialog)
        for widget in (self.search, self.tree, self.words):
            layout.addWidget(widget)
        layout.addLayout(row)
        self.dialog.resize(640, 480)
        self.tree.connect("itemChanged(QTreeWidgetItem*,int)", self._changed)
        self.search.connect("textChanged(QString)", self._filter)
        self.add_button.connect("clicked(bool)", self._accept)
        self.cancel_button.connect("clicked(bool)", self._cancel)

    def open(self) -> None:
        """Show the dialog and fill it, some studies at a time."""
        self.words.setText(_("Looking through the database..."))
        self.add_button.setEnabled(False)
        self.dialog.setModal(True)
        self.dialog.show()
        self._work.run(self._fill(selected_studies(self.database)))

    def cleanup(self) -> None:
        """Close it for good."""
        self._work.stop()
        self.dialog.hide()
        self.dialog.deleteLater()

    def checked(self) -> list[DatabaseStudy]:
        """The studies that are checked, as listed."""
        return [self._studies[item.data(0, qt.Qt.UserRole)] for item in self._items() if item.checkState(0) == qt.Qt.Checked]

    def _fill(self, selected: frozenset[str]) -> Iterator[None]:
        patients: dict[str, qt.QTreeWidgetItem] = {}
        first = None
        for study in ultrasound_studies(self.database):
            wasBlocked = self.tree.blockSignals(True)
            self._studies[study.uid] = study
            if study.patient_uid not in patients:
                patient = qt.QTreeWidgetItem([study.patient, "", ""])
                self.tree.addTopLevelItem(patient)
                patient.setExpanded(True)
                patients[study.patient_uid] = patient
            item = qt.QTreeWidgetItem([study.description or _("Study"), _readable(study.date), str(len(study.series))])
            item.setData(0, qt.Qt.UserRole, study.uid)
            item.setCheckState(0, qt.Qt.Checked if study.uid in selected else qt.Qt.Unchecked)
            patients[study.patient_uid].addChild(item)
            first = first or (item if study.uid in selected else None)
            self.tree.blockSignals(wasBlocked)
            yield
        self.tree.resizeColumnToContents(0)
        if first is not None:
            self.tree.scrollToItem(first)
        self._filter(self.search.text)
        self._changed()

    def _items(self) -> Iterator[qt.QTreeWidgetItem]:
        for index in range(self.tree.topLevelItemCount):
            patient = self.tree.topLevelItem(index)
            for child in range(patient.childCount()):
                yield patient.child(child)

    def _changed(self, _item: qt.QTreeWidgetItem | None = None, _column: int = 0) -> None:
        count = len(self.checked())
        self.add_button.setEnabled(count > 0)
        self.add_button.setText(_("Add {count} studies").format(count=count) if count > 1 else _("Add"))
        if not self._studies:
            self.words.setText(_("The database holds no ultrasound. Import an exam in the DICOM module, or add its files."))
        else:
            self.words.setText("" if count else _("Check the studies that you want to prepare."))

    def _filter(self, text: str) -> None:
        """Hide the studies where neither patient nor study holds the text; what is checked stays checked."""
        wanted = text.strip().lower()
        for index in range(self.tree.topLevelItemCount):
            patient = self.tree.topLevelItem(index)
            whole = wanted in patient.text(0).lower()
            children = [patient.child(child) for child in range(patient.childCount())]
            for child in children:
                child.setHidden(not (whole or wanted in f"{child.text(0)} {child.text(1)}".lower()))
            patient.setHidden(all(child.isHidden() for child in children))

    def _accept(self, _checked: bool = False) -> None:
        files = [path for study in self.checked() for path in files_of(self.database, study)]
        self.dialog.hide()
        self._add(files)

    def _cancel(self, _checked: bool = False) -> None:
        self._work.stop()
        self.dialog.hide()


def _readable(date: str) -> str:
    """A DICOM date (YYYYMMDD) as YYYY-MM-DD; the database may hold either."""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date
