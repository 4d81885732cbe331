"""Reads the frames of the instance that is looked at: each when it is asked for, the next one ahead where that is quick.

In memory are the frame that is shown and at most one that was read ahead, whatever the length of the cine.
"""

import logging
import time

from slicer.i18n import tr as _

from USDICOMizerGUI.time_slices import SLICE_SECONDS, TimeSlices


class FrameReader:
    """Holds one instance open. What goes wrong is told as a sentence, to `on_problem`."""

    def __init__(self, on_opened, on_problem):
        self.opened = None  # the OpenedInstance, once it can be read
        self._on_opened = on_opened
        self._on_problem = on_problem
        self._opening = TimeSlices()
        self._working = TimeSlices()
        self._ahead = None  # (what, array)
        self._seconds = 0.0  # that the last frame took

    def open(self, instance):
        """Open an instance; `on_opened` is called when its frames can be read, which is at once for a small file."""
        self.close()
        self._opening.run(self._open(instance), at_once=True)

    @property
    def is_opening(self):
        """Whether a ZIP is still being unpacked."""
        return self._opening.is_busy

    def close(self):
        """Close the file, and forget what was read."""
        self._opening.stop()
        self._working.stop()
        self._ahead = None
        self._seconds = 0.0
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.close()

    def frame(self, index, decision=None):
        """Frame `index` (from 0) as stored, or with a decision as it would leave; None where it can't be had."""
        ahead, self._ahead = self._ahead, None
        self._working.stop()
        if ahead is not None and ahead[0] == (index, decision):
            return ahead[1]
        try:
            return self._decoded(index, decision)
        except Exception as error:
            self._tell(error)
            return None

    def read_ahead(self, index, decision=None):
        """Read a frame that will be asked for next, unless frames take longer than a slice."""
        if self.opened is not None and self._seconds <= SLICE_SECONDS:
            self._working.run(self._read_ahead(index, decision))

    def all_frames(self, decision, on_progress, on_done):
        """Make one picture of all frames as they would leave: `on_progress` gets their count, `on_done` the picture."""
        self._working.run(self._all_frames(decision, on_progress, on_done), at_once=True)

    def _open(self, instance):
        from USDICOMizerLib.opened import OpenedInstance, Opening

        opening = Opening(instance.source)
        try:
            while not opening.step():
                yield
            opened = OpenedInstance(instance, opening)
        except Exception as error:
            opening.close()
            self._tell(error)
            return
        except GeneratorExit:
            opening.close()
            raise
        yield from self._reading_headers(opened)
        self.opened = opened
        self._on_opened()

    def _reading_headers(self, opened):
        """What the crop of a JPEG cine needs of each frame, while nobody waits for it; what is wrong is told with the frame."""
        try:
            yield from opened.pixels.reading_jpeg_headers()
        except GeneratorExit:
            opened.close()
            raise
        except Exception:
            return

    def _read_ahead(self, index, decision):
        yield
        try:
            self._ahead = ((index, decision), self._decoded(index, decision))
        except Exception:  # told when the frame is asked for
            self._ahead = None

    def _all_frames(self, decision, on_progress, on_done):
        from USDICOMizerLib.after_images import AllFrames

        frames = AllFrames()
        try:
            for index in range(self.opened.frames):
                frames.add(self._decoded(index, decision))
                on_progress(frames.count)
                yield
        except Exception as error:
            self._tell(error)
            return
        on_done(frames.picture())

    def _decoded(self, index, decision):
        start = time.monotonic()
        array = self.opened.before(index) if decision is None else self.opened.after(index, decision)
        self._seconds = time.monotonic() - start
        return array

    def _tell(self, error):
        self._on_problem(sentence_of(error))


def sentence_of(error):
    """An error as sentences for people; of one that the library didn't foresee its kind, as its words may quote a value."""
    from USDICOMizerLib.errors import RefusedError, USDICOMizerError
    from USDICOMizerLib.outcomes import Problem

    if isinstance(error, RefusedError):
        detail = error.detail[:1].upper() + error.detail[1:].rstrip(".")
        advice = error.problem.advice
        if error.problem in (Problem.NO_CROP, Problem.CROP_OUTSIDE_IMAGE):
            advice = _("Look at the picture as it was, and drag the crop box to what is to stay.")
        return f"{detail}. {advice}" if detail else advice
    if isinstance(error, USDICOMizerError):
        return str(error)
    logging.error("USDICOMizer can't show an instance: %s", type(error).__name__)
    return _("The picture can't be shown ({kind}).").format(kind=type(error).__name__)
