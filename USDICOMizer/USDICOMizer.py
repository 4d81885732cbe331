"""The Slicer module: what it is, its panel, and its self-test. The panel's rooms are in USDICOMizerGUI."""

import sys
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

_SOURCE_TREE = Path(__file__).resolve().parent.parent
if (_SOURCE_TREE / "USDICOMizerLib" / "__init__.py").exists() and str(_SOURCE_TREE) not in sys.path:
    sys.path.append(str(_SOURCE_TREE))  # an installed library comes first


class USDICOMizer(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("USDICOMizer")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Ultrasound")]
        parent.dependencies = []
        parent.contributors = ["USDICOMizer contributors"]
        parent.helpText = _(
            "Prepares ultrasound DICOM exams for AI research: load, crop, tag, de-identify, export a ZIP. "
            "Press ? in the module for its keys."
        )
        parent.acknowledgementText = _(
            "Re-creates the workflow of US-DICOMizer (BIOSTEC 2025, HEALTHINF, DOI 10.5220/0013379400003911)."
        )
        slicer.app.connect("startupCompleted()", self.register_sample_exam)

    def register_sample_exam(self):
        """List the sample exam in Slicer's Sample Data module."""
        from USDICOMizerGUI import sample_data

        sample_data.register(Path(self.resourcePath("Icons")))


class USDICOMizerWidget(ScriptedLoadableModuleWidget):
    """The panel: a frame for its rooms, or the reason why there are none."""

    def __init__(self, parent=None):
        self.logic = None
        self.panel = None
        self._problem = None
        ScriptedLoadableModuleWidget.__init__(self, parent)  # sets up at once where there is no parent

    def setup(self):
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        ui = slicer.util.loadUI(self.resourcePath("UI/USDICOMizer.ui"))
        self.layout.addWidget(ui)
        ui.setMRMLScene(slicer.mrmlScene)
        try:
            from USDICOMizerGUI.panel import Panel

            self.logic = USDICOMizerLogic()
            self.panel = Panel(ui, slicer.util.childWidgetVariables(ui), self.logic)
        except ImportError as error:
            ui.setVisible(False)
            self._problem = qt.QLabel(missing_words(error))
            self._problem.objectName = "missingPackage"
            self._problem.setWordWrap(True)
            self.layout.addWidget(self._problem)
        # A reload while the module is shown sets up, and nobody enters.
        if slicer.util.mainWindow() and slicer.util.selectedModule() == self.moduleName:
            self.enter()

    def enter(self):
        """Take the keys and the slice views."""
        if self.panel:
            self.panel.enter()

    def exit(self):
        """Give them back."""
        if self.panel:
            self.panel.exit()

    def cleanup(self):
        """Leave nothing behind."""
        if self.panel:
            self.panel.cleanup()
            self.panel = None

    def onReload(self):
        """Reload the rooms and the library too, not only this file."""
        for name in list(sys.modules):
            if name.split(".")[0] in ("USDICOMizerGUI", "USDICOMizerLib"):
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class USDICOMizerLogic(ScriptedLoadableModuleLogic):
    """The work in hand, without a window: a session with the user's own settings."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        from USDICOMizerLib.errors import SettingsError
        from USDICOMizerLib.session import Session
        from USDICOMizerLib.settings import Settings, default_settings_path, ensure_default_settings

        self.settings_path = default_settings_path()
        self.settings_error = ""
        try:
            settings, _was_made, self.settings_path = ensure_default_settings()
        except SettingsError as error:
            settings, self.settings_error = Settings(), str(error)
        self.session = Session(settings, reads_content=False)

    def save_from_now_on(self, anew=False):
        """Save the session's work in the linkage folder; `anew` where the settings may name another one.

        Returns why that can't be, or what a person should know.
        """
        from USDICOMizerLib.errors import USDICOMizerError
        from USDICOMizerLib.session_plans import SavedPlans

        if self.session.saves and not anew:
            return ""
        try:
            saved = SavedPlans.of(self.session.settings)
        except USDICOMizerError as error:
            return _("Your work isn't being saved. {why}").format(why=error)
        self.session.save_to(saved)
        if saved.new_key is None:
            return ""
        return _("A new project key was made: {path}. Keep it, and never hand it on.").format(path=saved.new_key)


class USDICOMizerTest(ScriptedLoadableModuleTest):
    """The self-test: the whole job on the sample exam, inside the application."""

    def runTest(self):
        """Run it in an empty scene."""
        self.setUp()
        from USDICOMizerGUI.self_test import run_whole_job

        run_whole_job(self)


def missing_words(error):
    """What to do where a Python package is missing, as a sentence."""
    words = _("USDICOMizer can't start: the Python package {name} is missing. Install it in Slicer's Python console with {how}.")
    name = (error.name or str(error)).split(".")[0]
    return words.format(name=name, how=f'slicer.packaging.pip_install("{name}")')
