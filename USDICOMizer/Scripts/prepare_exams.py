"""USDICOMizer's command line inside Slicer:

    Slicer --no-splash --no-main-window --python-script prepare_exams.py -- prepare INPUT... --output DIR

Same commands, options, output and exit status as `python -m USDICOMizerLib`. Slicer does not end by itself after a script:
every path out of this one does.
"""

import os
import shutil
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path


def find_library(script):
    """Put the folder that holds USDICOMizerLib on sys.path: the module's own when installed, the one above in a source tree."""
    for folder in Path(script).resolve().parents[1:3]:
        if (folder / "USDICOMizerLib" / "__init__.py").exists():
            if str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
            return folder
    raise ImportError("USDICOMizerLib isn't beside the module: install the extension again, or run this from its source tree.")


def let_workers_start(folder):
    """Workers are started with Slicer's own interpreter (sys.executable is none inside Slicer), which has to find the library."""
    interpreter = shutil.which("PythonSlicer")
    if interpreter:
        import multiprocessing.spawn

        multiprocessing.spawn.set_executable(interpreter)
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(folder) not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, known)])


def run(script, arguments):
    """Run one command; returns its exit status whatever happens."""
    # Slicer puts its console in the place of the streams, and colours and logs what is written there.
    out, errors = sys.__stdout__ or sys.stdout, sys.__stderr__ or sys.stderr
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            let_workers_start(find_library(script))
            from USDICOMizerLib.cli import main

            status = main(arguments[1:] if arguments[:1] == ["--"] else arguments)
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        except KeyboardInterrupt:
            status = 130
        except ImportError as error:
            print(f"USDICOMizer can't start: {error}", file=errors)
            status = 2
        except BaseException:
            traceback.print_exc(file=errors)
            status = 1
        for stream in (out, errors):
            with suppress(OSError, ValueError):  # its reader has left
                stream.flush()
    return status


if __name__ == "__main__":
    import slicer

    slicer.util.exit(run(__file__, sys.argv[1:]))
