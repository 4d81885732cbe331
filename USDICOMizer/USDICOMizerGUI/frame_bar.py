"""Chooses the frame that is shown: a slider, and play at the cine's real rate."""

import time

import ctk
import qt
from slicer.i18n import tr as _


class FrameBar:
    """A row of the panel. `index` is the frame, from 0; `on_frame()` is called whenever another one is chosen."""

    def __init__(self, parent, layout, on_frame):
        self.index = 0
        self._frames = 1
        self._rate = 1.0  # frames a second
        self._on_frame = on_frame
        self._playing_since = None  # (time, frame)
        row = qt.QHBoxLayout()
        layout.addLayout(row)
        self.play_button = qt.QPushButton(_("Play"), parent)
        self.play_button.objectName = "playButton"
        self.play_button.checkable = True
        self.play_button.connect("toggled(bool)", self._on_play)
        row.addWidget(self.play_button)
        self.slider = ctk.ctkSliderWidget(parent)
        self.slider.objectName = "frameSlider"
        self.slider.decimals = 0
        self.slider.singleStep = 1
        self.slider.minimum = 1
        self.slider.maximum = 1
        self.slider.toolTip = _("Frame, counted from 1.")
        self.slider.connect("valueChanged(double)", self._on_slider)
        row.addWidget(self.slider)
        self.rate_label = qt.QLabel(parent)
        self.rate_label.objectName = "frameRateLabel"
        row.addWidget(self.rate_label)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self._on_time)
        self.close()

    @property
    def is_playing(self):
        """Whether the cine is played."""
        return self._playing_since is not None

    @property
    def following(self):
        """The frame that playing comes to next."""
        return (self.index + 1) % self._frames

    def open(self, frames, rate):
        """Begin with the first frame of an instance of so many, at so many a second."""
        self.pause()
        self.index, self._frames, self._rate = 0, frames, rate
        is_cine = frames > 1
        self.slider.enabled = is_cine
        self.play_button.enabled = is_cine
        cine = _("of {frames}, {rate:.0f}/s").format(frames=frames, rate=rate)
        self.rate_label.text = cine if is_cine else _("single frame")
        self._show_index()

    def close(self):
        """There is no instance."""
        self.open(1, 1.0)
        self.rate_label.text = ""

    def go_to(self, index):
        """Choose a frame; before the first and beyond the last, those."""
        self.index = min(max(index, 0), self._frames - 1)
        self._show_index()
        self._on_frame()

    def step(self, by):
        """Choose a frame further on, or back."""
        self.pause()
        self.go_to(self.index + by)

    def toggle_play(self):
        """Play the cine, or pause it."""
        if self.play_button.enabled:
            self.play_button.setChecked(not self.play_button.checked)

    def pause(self):
        """Stay at the frame."""
        if self.play_button.checked:
            self.play_button.setChecked(False)

    def _show_index(self):
        blocked = self.slider.blockSignals(True)
        self.slider.maximum = self._frames
        self.slider.value = self.index + 1
        self.slider.blockSignals(blocked)

    def _on_slider(self, value):
        self.pause()
        self.go_to(round(value) - 1)

    def _on_play(self, checked):
        self.play_button.text = _("Pause") if checked else _("Play")
        if checked:
            self._playing_since = (time.monotonic(), self.index)
            self.go_to(self.index)
            self._wait_for(1)
        else:
            self._playing_since = None
            self._timer.stop()

    def _wait_for(self, number):
        """Wait until the frame is due that is `number` frames after playing began."""
        if self.is_playing:
            due = self._playing_since[0] + number / self._rate
            self._timer.setInterval(max(1, round(1000 * (due - time.monotonic()))))
            self._timer.start()

    def _on_time(self):
        """Choose the frame that is due, which leaves some out where they take longer than they last."""
        if self.is_playing:
            start, first = self._playing_since
            number = int((time.monotonic() - start) * self._rate)
            index = (first + number) % self._frames
            if index != self.index:
                self.go_to(index)
            self._wait_for(number + 1)
