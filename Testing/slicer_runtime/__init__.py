"""3D Slicer without the application: real MRML, logics and slice views, and stand-ins for PythonQt, CTK and qMRML widgets.

`start()` makes `import qt, ctk, slicer` work as they do inside Slicer, offscreen, in this process. See README.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def start(home: Path | None = None, *, testing: bool = True, window: bool = True) -> Any:
    """Boot once a process and return `slicer.app`. Without `window` there is no layout manager (--no-main-window)."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from slicer_runtime import ctk_widgets, qt_namespace

    qt_namespace.install()
    ctk_widgets.install()
    import slicer
    import slicer.util  # noqa: F401

    if getattr(slicer, "app", None) is not None:
        return slicer.app
    from slicer_runtime import (
        application,
        dicom_browser,
        dicom_database,
        dicom_lib,
        main_window,
        mrml_widgets,
        sample_data,
        scripted_modules,
        slicer_packages,
    )

    mrml_widgets.install()
    slicer_packages.install()
    scripted_modules.install()
    app = application.boot(home, testing=testing)
    dicom_database.open_main(app.__dict__["_home"])
    dicom_browser.install()
    dicom_lib.install()
    sample_data.install()
    if window:
        app.__dict__["_window"] = main_window.show()
    return app


def reset() -> None:
    """An empty scene, settings as after the first start, an empty DICOM database; forget what slots raised."""
    import slicer
    from PySide6 import QtCore

    from slicer_runtime import dicom_database, qt_errors

    slicer.mrmlScene.Clear(0)
    QtCore.QSettings().clear()
    dicom_database.open_main(slicer.app.__dict__["_home"])
    slicer.modules.DICOMInstance.browserWidget = None
    slicer.modules.dicomPlugins.clear()
    if slicer.app.layoutManager():
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    slicer.app.processEvents()
    qt_errors.take()
