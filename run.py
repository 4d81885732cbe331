#!/usr/bin/env python3
"""Run USDICOMizer or its tests on a machine that has Python 3.11 or newer and nothing else.

    python3 run.py demo                     make a sample exam, prepare it, check it
    python3 run.py test [pytest arguments]  run all tests
    python3 run.py prepare exam.zip --output out      (any command of the command line)

The first call makes the virtual environment .venv beside this file and installs into it; later calls start at once.
Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
EXTRAS = {"run": "codecs,report,terminal", "test": "test"}


def installed_marker(purpose: str) -> Path:
    """A file that exists once the extras for `purpose` are installed as pyproject.toml now names them."""
    wanted = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    return ENVIRONMENT / f"installed-{purpose}-{hashlib.sha256(wanted).hexdigest()[:16]}"


def set_up(purpose: str) -> None:
    """Make .venv where it is missing, and install the package with the extras for `purpose`."""
    marker = installed_marker(purpose)
    if marker.exists() and PYTHON.exists():
        return
    print(f"Setting up {ENVIRONMENT} (once; needs the network) ...", file=sys.stderr, flush=True)
    # Made anew when another Python made it, or an interrupted first call left it without pip.
    broken = not PYTHON.exists() or subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode
    venv.create(ENVIRONMENT, with_pip=True, clear=bool(broken))
    subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", f"{ROOT}[{EXTRAS[purpose]}]"],
        check=True,
    )
    marker.touch()


def main(arguments: list[str]) -> int:
    """Set up where needed, then pass the arguments on: `test` to pytest, everything else to the command line."""
    if sys.version_info < (3, 11):
        print(f"USDICOMizer needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    testing = arguments[:1] == ["test"]
    try:
        set_up("test" if testing else "run")
    except (subprocess.CalledProcessError, OSError) as error:
        print(
            f"The environment could not be set up ({error}). Check the network connection; on Debian and Ubuntu install the "
            f"package python3-venv; then delete {ENVIRONMENT} and run this again.",
            file=sys.stderr,
        )
        return 2
    module = ["pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}"] if testing else ["USDICOMizerLib"]
    passed_on = arguments[1:] if testing else arguments
    if testing and not any(not argument.startswith("-") for argument in passed_on):
        passed_on.append(str(ROOT / "Testing"))
    process = subprocess.Popen([PYTHON, "-m", *module, *passed_on])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child has it too, cleans up and says how it ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
