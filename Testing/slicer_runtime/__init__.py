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
    from slicer_runtime import application, main_window, mrml_widgets, scripted_modules, slicer_packages

    mrml_widgets.install()
    slicer_packages.install()
    scripted_modules.install()
    app = application.boot(home, testing=testing)
    if window:
        app.__dict__["_window"] = main_window.show()
    return app
