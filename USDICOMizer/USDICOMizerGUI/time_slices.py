"""Long work in short slices of Qt's event loop, so that the window never waits.

Python threads starve inside Slicer; a generator that yields between its pieces can be put down and taken up again.
"""

import time

import qt

SLICE_SECONDS = 0.018


class TimeSlices:
    """Runs one piece of work at a time; new work takes the place of what runs."""

    def __init__(self):
        self._work = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._slice)

    @property
    def is_busy(self):
        """Whether work is under way."""
        return self._work is not None

    def run(self, work, at_once=False):
        """Begin with a generator; `at_once` does its first slice now."""
        self.stop()
        self._work = work
        if at_once:
            self._slice()
        else:
            self._timer.start()

    def stop(self):
        """Put the work down for good."""
        self._timer.stop()
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _slice(self):
        work = self._work
        if work is None:
            return
        until = time.monotonic() + SLICE_SECONDS
        for _ in work:
            if self._work is not work:  # other work was begun meanwhile
                return
            if time.monotonic() >= until:
                self._timer.start()
                return
        if self._work is work:
            self._work = None
