"""A plugin of the DICOM module: offers ultrasound exams in the browser's advanced list as an exam to prepare."""

import slicer
from DICOMLib import DICOMLoadable, DICOMPlugin
from slicer.i18n import tr as _


class USDICOMizerPluginClass(DICOMPlugin):
    """Offers what it is given of one ultrasound study; loading opens the module with its files.

    The confidence is low and it is never checked by default, so that it takes nothing away from the plugins that load.
    """

    CONFIDENCE = 0.1

    def __init__(self):
        super().__init__()
        self.loadType = _("Exam to prepare (USDICOMizer)")
        self.tags["studyInstanceUID"] = "0020,000D"

    def examineForImport(self, fileLists):
        """One loadable for each study among the lists of files (a list is a series)."""
        exams = {}
        for files in fileLists:
            if files and slicer.dicomDatabase.fileValue(files[0], self.tags["modality"]) in ("US", "IVUS"):
                study = slicer.dicomDatabase.fileValue(files[0], self.tags["studyInstanceUID"])
                exams.setdefault(study, []).extend(files)
        return [self._loadable(files) for files in exams.values()]

    def _loadable(self, files):
        loadable = DICOMLoadable()
        loadable.files = files
        loadable.name = _("Ultrasound exam to prepare, {count} files").format(count=len(files))
        loadable.tooltip = _("Opens USDICOMizer with this exam, to crop, tag, de-identify and export it")
        loadable.selected = False
        loadable.confidence = self.CONFIDENCE
        return loadable

    def load(self, loadable):
        """Open the module with the files of the exam. Nothing is added to the scene."""
        from pathlib import Path

        slicer.util.selectModule("USDICOMizer")
        widget = slicer.modules.USDICOMizerWidget
        if widget.panel is None:
            return False
        widget.panel.add([Path(name) for name in loadable.files])
        return True


class USDICOMizerPlugin:
    """How Slicer finds the plugin: a hidden scripted module that registers it."""

    def __init__(self, parent):
        parent.title = "USDICOMizer DICOM plugin"
        parent.categories = ["Developer Tools.DICOM Plugins"]
        parent.contributors = ["USDICOMizer contributors"]
        parent.helpText = "Offers ultrasound exams in the DICOM module as exams to prepare. It has no panel."
        parent.acknowledgementText = ""
        parent.hidden = True
        if not hasattr(slicer.modules, "dicomPlugins"):
            slicer.modules.dicomPlugins = {}
        slicer.modules.dicomPlugins["USDICOMizerPlugin"] = USDICOMizerPluginClass
