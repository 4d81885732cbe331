"""The adaptor of this library: jobs come in as lines of JSON, each is one whole `prepare`, and a line says that it is done.

The interface that `per_frame.py --peer` asks of another program's adaptor is the same; see there.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from USDICOMizerLib.cli import main


def prepare(job: dict) -> None:
    """Read, crop, de-identify and write the ZIP: the command line's own `prepare`, in this process."""
    arguments = ["prepare", job["source"], "--output", job["output"], "--accept-unreviewed", "--overwrite"]
    arguments += ["--crop", ",".join(map(str, job["box"])), *job.get("options", [])]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = main(arguments)
    if status:
        raise SystemExit(f"prepare ended with {status}: {said.getvalue()}")


if __name__ == "__main__":
    answers = sys.stdout
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):  # the benchmark was ended
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            prepare(json.loads(line))
            print("done", file=answers, flush=True)
