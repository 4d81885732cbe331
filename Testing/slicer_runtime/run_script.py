"""`Slicer --no-splash --no-main-window --python-script SCRIPT -- ARGUMENTS` on the runtime.

As in the application, the script runs once the event loop does, as `__main__` with `__file__` set, its arguments are in
sys.argv[1:], sys.stdout is not a real stream, and the process ends only when the script asks for it.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path


class Redirect:
    """What PythonQt puts in the place of sys.stdout: it writes, and that is all."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def write(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            sys.__stdout__.write(self._prefix + line)

    def flush(self) -> None:
        sys.__stdout__.flush()


def main(script: str, arguments: list[str]) -> int:
    """Run the script; the status that it asks for with slicer.util.exit."""
    from slicer_runtime import start

    app = start(window=False)
    import qt

    sys.argv = [script, *arguments]
    sys.stdout, sys.stderr = Redirect("[slicer] "), Redirect("[slicer error] ")

    def execute() -> None:
        scope = {"__name__": "__main__", "__file__": script}
        try:
            exec(compile(Path(script).read_bytes(), script, "exec"), scope)
        except Exception:  # the application prints it, and goes on running
            traceback.print_exc()

    qt.QTimer.singleShot(0, execute)
    return app.exec()


if __name__ == "__main__":
    status = main(sys.argv[1], [argument for argument in sys.argv[2:]])
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    sys.__stdout__.flush()
    import os

    os._exit(status)  # VTK and Qt have no order of ending outside of the application
