"""A headless browser that judges an HTML file: Chromium, as PySide6's WebEngine brings it.

    opened = open_page(path, ["document.title"])        in a process of its own, as Qt runs once in each

Started as a program it reads a job as JSON from its standard input, and prints what it saw.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Opened:
    """What the browser saw: lines of the console, addresses that were asked for beside the page, answers to the scripts."""

    console: list[str]
    requests: list[str]
    answers: list[object]


def open_page(
    page: Path,
    scripts: list[str],
    *,
    screenshot: Path | None = None,
    pdf: Path | None = None,
    size: tuple = (1280, 1600),
) -> Opened:
    """Open a file, run the scripts in it one after the other, and take pictures. Skips where there is no WebEngine."""
    _require_webengine()
    job = {"page": str(page), "scripts": scripts, "screenshot": str(screenshot or ""), "pdf": str(pdf or ""), "size": size}
    # Chromium's own sandbox doesn't start for root, as which containers run.
    flags = "--disable-gpu" + (" --no-sandbox" if os.name == "posix" and os.geteuid() == 0 else "")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_CHROMIUM_FLAGS": flags}
    ran = subprocess.run(
        [sys.executable, __file__], input=json.dumps(job), capture_output=True, text=True, env=environment, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return Opened(**json.loads(ran.stdout.splitlines()[-1]))


def _require_webengine() -> None:
    try:
        import PySide6.QtWebEngineWidgets  # noqa: F401
    except ImportError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI runs without the browser: {error}")
        pytest.skip(f"the browser isn't there (README, Tests): {error}")


def _serve(job: dict) -> Opened:
    from PySide6.QtCore import QEventLoop, QTimer, QUrl
    from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineUrlRequestInterceptor
    from PySide6.QtWebEngineWidgets import QWebEngineView
    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    opened = Opened([], [], [])
    address = QUrl.fromLocalFile(job["page"])

    class Console(QWebEnginePage):
        def javaScriptConsoleMessage(self, level, message, line, source):
            opened.console.append(f"{level.name}: {message} ({line})")

    class Requests(QWebEngineUrlRequestInterceptor):
        def interceptRequest(self, information):
            asked = information.requestUrl()
            if asked != address and asked.scheme() != "data":
                opened.requests.append(asked.toString())

    def wait(start) -> object:
        loop, answers = QEventLoop(), []

        def finish(*answer: object) -> None:
            answers.append(answer[0] if answer else None)
            loop.quit()

        start(finish)
        if not answers:
            loop.exec()
        return answers[0]

    view = QWebEngineView()
    page = Console(view)
    requests = Requests()
    page.setUrlRequestInterceptor(requests)
    view.setPage(page)
    view.resize(*job["size"])
    view.show()
    page.loadFinished.connect(loaded := _Signal())
    assert wait(lambda finish: (loaded.then(finish), page.load(address))), "the page could not be loaded"
    for script in job["scripts"]:
        script = f"JSON.stringify({script})"
        opened.answers.append(json.loads(wait(lambda finish, script=script: page.runJavaScript(script, finish))))
    wait(lambda finish: QTimer.singleShot(500, finish))  # until it is painted
    if job["screenshot"]:
        view.grab().save(job["screenshot"])
    if job["pdf"]:
        page.pdfPrintingFinished.connect(printed := _Signal())
        wait(lambda finish: (printed.then(finish), page.printToPdf(job["pdf"])))
    view.deleteLater()
    application.processEvents()
    return opened


class _Signal:
    """Remembers that a signal came, and tells who waits for it."""

    def __init__(self):
        self._wait = None

    def then(self, wait) -> None:
        self._wait = wait

    def __call__(self, *answer: object) -> None:
        if self._wait:
            self._wait(answer[-1])


if __name__ == "__main__":
    seen = _serve(json.load(sys.stdin))
    print(json.dumps(asdict(seen)), flush=True)
    os._exit(0)  # Chromium's processes end with it; taking Qt apart in order is not what is judged here
