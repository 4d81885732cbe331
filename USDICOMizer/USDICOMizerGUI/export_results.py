"""How an export ended: where the ZIPs and reports are, and a row for each instance that didn't leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.words import outcome_words, problem_words
from USDICOMizerLib.outcomes import Outcome, Problem

_WHERE, _WHAT = range(2)
_WELL = (Outcome.PREPARED.value, Outcome.UNCHANGED.value)
_NOT_WELL = (Outcome.REFUSED.value, Outcome.FAILED.value)


class ExportResults:
    """Rows for what didn't leave and buttons for what did; hidden until there is a result."""

    def __init__(self, layout: qt.QVBoxLayout):
        self.rows = qt.QTreeWidget()
        self.rows.objectName = "exportErrors"
        self.rows.setHeaderLabels([_("Instance"), _("What happened"), _("What to do")])
        self.rows.setRootIsDecorated(False)
        self.rows.setWordWrap(True)
        self._buttons = qt.QWidget()
        self._row = qt.QHBoxLayout(self._buttons)
        self._row.setContentsMargins(0, 0, 0, 0)
        self.folder_button = self._opening("openFolderButton", _("Open folder"))
        self.zip_button = self._opening("openZipButton", _("Open ZIP"))
        self.report_button = self._opening("openReportButton", _("Open report"))
        self._row.addStretch(1)
        self._places: dict[str, Path] = {}
        layout.addWidget(self._buttons)
        layout.addWidget(self.rows)
        self.clear()

    def clear(self) -> None:
        """Show no result."""
        self.rows.clear()
        self.rows.setVisible(False)
        self._buttons.setVisible(False)

    def show(self, result: Mapping) -> str:
        """Show the JSON result of `prepare`. Returns it as a sentence."""
        exports = [Path(exam["path"]) for exam in result["exams"] if exam["path"]]
        reports = [page for page in (path.with_suffix(".html") for path in exports) if page.exists()]
        self._places = {}
        if exports:
            self._places |= {"openFolderButton": exports[0].parent, "openZipButton": exports[0]}
        if reports:
            self._places["openReportButton"] = reports[0]
        for button in (self.folder_button, self.zip_button, self.report_button):
            button.setVisible(button.objectName in self._places)
            button.setToolTip(str(self._places.get(button.objectName, "")))
        self._buttons.setVisible(bool(self._places))
        for number, exam in enumerate(result["exams"], start=1):
            name = _("Exam {number}: ").format(number=number) if len(result["exams"]) > 1 else ""
            for instance in exam["instances"]:
                if instance["outcome"] in _NOT_WELL:
                    self._add(f"{name}{instance['number']:03d}", instance)
        for other in result["others"]:
            if other["outcome"] in _NOT_WELL:
                self._add(_("File {number}").format(number=other["number"]), other)
        self.rows.setVisible(self.rows.topLevelItemCount > 0)
        for column in (_WHERE, _WHAT):
            self.rows.resizeColumnToContents(column)
        return self._sentence(result, exports)

    def _add(self, where: str, ended: Mapping) -> None:
        short, advice = ended["reason"], ""
        if ended["reason"] in list(Problem):
            short, advice = problem_words(Problem(ended["reason"]))
        item = qt.QTreeWidgetItem()
        self.rows.addTopLevelItem(item)
        what = f"{outcome_words(ended['outcome'])}: {short}"
        for column, text in enumerate((where, what, advice or ended["detail"])):
            item.setText(column, text)
            item.setToolTip(column, f"{ended['detail']}\n{advice}".strip())

    @staticmethod
    def _sentence(result: Mapping, exports: list[Path]) -> str:
        outcomes = result["outcomes"]
        done = sum(outcomes.get(outcome, 0) for outcome in _WELL)
        left = sum(outcomes.get(outcome, 0) for outcome in _NOT_WELL)
        errors = [exam[kind] for exam in result["exams"] for kind in ("error", "report_error") if exam[kind]]
        words = _("{done} instances are in {places}.").format(
            done=done, places=", ".join(path.name for path in exports) or _("no export")
        )
        if left:
            words += " " + _("{left} didn't leave; the rows below say why.").format(left=left)
        return "\n".join([words, *errors])

    def _opening(self, name: str, text: str) -> qt.QPushButton:
        button = qt.QPushButton(text)
        button.objectName = name
        button.connect("clicked(bool)", lambda _checked: self._open(name))
        self._row.addWidget(button)
        return button

    def _open(self, name: str) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._places[name])))
