"""The sample exam in Slicer's Sample Data module: made by the project, so there is nothing to download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

CATEGORY = "USDICOMizer"
FILE_NAME = "USDICOMizer-sample-exam.zip"


def register(icons: Path) -> None:
    """List the sample exam; call it once the application has started."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=_("Ultrasound exam to prepare"),
        thumbnailFileName=str(icons / "SampleExam.png"),
        customDownloader=open_sample,
    )


def sample_path() -> Path:
    """The sample exam as a ZIP in Slicer's cache folder, made when it is not there yet."""
    from USDICOMizerLib.sample_exam import make_sample_exam

    folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    return path if path.exists() else make_sample_exam(path)


def open_sample(_source: Any = None) -> list[str]:
    """Make the exam and open the module with it; what Sample Data calls, and gets the path from."""
    path = sample_path()
    if slicer.util.mainWindow() is not None:
        slicer.util.selectModule("USDICOMizer")
        panel = slicer.modules.USDICOMizerWidget.panel
        if panel is not None:
            panel.add([path])
    return [str(path)]
