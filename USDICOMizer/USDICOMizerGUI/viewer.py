"""The instance that is looked at, in the slice views: any frame, played at its real rate, before and after."""

from enum import Enum

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.frame_bar import FrameBar
from USDICOMizerGUI.frame_reader import FrameReader
from USDICOMizerGUI.picture_nodes import Picture
from USDICOMizerGUI.pressed import bold_while_pressed
from USDICOMizerGUI.slice_views import RED, YELLOW, SliceViews


class ViewMode(Enum):
    """What is shown."""

    BEFORE = 0  # the frame as it is stored
    AFTER = 1  # what leaves
    SIDE_BY_SIDE = 2  # before in the red view, after in the yellow one


class Viewer:
    """Shows the session's current instance while the module is entered.

    `when_shown` are functions that are called, without arguments, whenever another picture is shown.
    """

    def __init__(self, session, parent):
        self.session = session
        self.views = SliceViews()
        self.mode = ViewMode.BEFORE
        self.when_shown = []
        self._is_entered = False
        self._identity = None
        self._before = None  # Picture
        self._after = None
        self._seen = set()  # frames of the after-image that were on the screen
        self._seen_of = None  # and the picture that they are of
        self._fitted = {}
        self._reader = FrameReader(self._on_opened, self._on_problem)
        self._build(parent)
        # A view that has just appeared in the layout gets its size from the event loop.
        self._fit_timer = qt.QTimer()
        self._fit_timer.setSingleShot(True)
        self._fit_timer.setInterval(0)
        self._fit_timer.connect("timeout()", self._fit)
        self._scene_timer = qt.QTimer()
        self._scene_timer.setSingleShot(True)
        self._scene_timer.setInterval(0)
        self._scene_timer.connect("timeout()", self._show)
        self._stop_observing = session.observe(self._on_change)
        self._scene_observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self._on_scene_closed)

    # What others ask for

    @property
    def opened(self):
        """The OpenedInstance that is shown; None while there is none."""
        return self._reader.opened

    @property
    def identity(self):
        """The identity of the instance that is shown; None while there is none."""
        return self._identity if self._reader.opened is not None else None

    @property
    def spacing(self):
        """Millimetres from pixel to pixel on the slice view, to the right and down."""
        from USDICOMizerLib.opened import pixel_spacing

        return pixel_spacing(self.opened.header) if self.opened is not None else (1.0, 1.0)

    @property
    def is_entered(self):
        """Whether the module is, and with it the slice views are the viewer's."""
        return self._is_entered

    @property
    def shows_before(self):
        """Whether the frame as it is stored is in the red view."""
        return self._is_entered and self.identity is not None and self.mode is not ViewMode.AFTER

    @property
    def is_playing(self):
        """Whether the cine is played."""
        return self.bar.is_playing

    @property
    def index(self):
        """The frame that is shown, from 0."""
        return self.bar.index

    def set_mode(self, mode):
        """Show before, after, or both."""
        self._mode_buttons[mode].setChecked(True)
        if mode is not self.mode:
            self.mode = mode
            self.views.set_side_by_side(mode is ViewMode.SIDE_BY_SIDE)
            self._fitted = {}
            self._show()

    def toggle_after(self):
        """Show what leaves, or from there the frame as it is stored."""
        self.set_mode(ViewMode.BEFORE if self.mode is ViewMode.AFTER else ViewMode.AFTER)

    def show_before(self):
        """Show the frame as it is stored, if it isn't shown: what is drawn is drawn there."""
        if self.mode is ViewMode.AFTER:
            self.set_mode(ViewMode.BEFORE)

    def show_all_that_leaves(self):
        """Show what leaves so that nothing of it is missed: of a cine, all frames in one."""
        self.in_one.setChecked(True)
        self.set_mode(ViewMode.AFTER)

    def toggle_play(self):
        """Play the cine, or pause it."""
        self.bar.toggle_play()

    def step(self, by):
        """Show a frame further on, or back; at the ends, the first and the last one."""
        self.bar.step(by)

    def enter(self):
        """Take the slice views."""
        if not self._is_entered:
            self._is_entered = True
            self.views.take()
            self.views.set_side_by_side(self.mode is ViewMode.SIDE_BY_SIDE)
            self._open_current()

    def exit(self):
        """Give the slice views back, close the file, and take everything out of the scene."""
        self.bar.close()
        self._is_entered = False
        self._identity = None
        self._reader.close()
        self._tell_shown()
        self.views.give_back()
        self._remove_pictures()

    def cleanup(self):
        """Leave nothing behind."""
        self.exit()
        self._stop_observing()
        slicer.mrmlScene.RemoveObserver(self._scene_observer)
        self._fit_timer.stop()
        self._scene_timer.stop()
        self.when_shown.clear()

    # The panel

    def _build(self, parent):
        layout = qt.QVBoxLayout()
        parent.layout().addLayout(layout)
        layout.addLayout(self._build_modes(parent))
        layout.addWidget(self.in_one)
        self.bar = FrameBar(parent, layout, self._on_frame)
        self.message = qt.QLabel(parent)
        self.message.objectName = "viewerMessage"
        self.message.wordWrap = True
        self.message.hide()
        layout.addWidget(self.message)

    def _build_modes(self, parent):
        row = qt.QHBoxLayout()
        self._mode_group = qt.QButtonGroup(parent)
        self._mode_buttons = {}
        for mode, text, tip in (
            (ViewMode.BEFORE, _("Before"), _("The picture as it is stored, with the crop box.")),
            (ViewMode.AFTER, _("After"), _("Exactly the picture that leaves. Confirm the review here.")),
            (ViewMode.SIDE_BY_SIDE, _("Side by side"), _("As it is stored on the left, as it leaves on the right.")),
        ):
            button = qt.QPushButton(text, parent)
            button.objectName = f"{mode.name.lower()}Button"
            button.checkable = True
            button.toolTip = tip
            bold_while_pressed(button)
            self._mode_group.addButton(button, mode.value)
            self._mode_buttons[mode] = button
            row.addWidget(button)
            button.connect("toggled(bool)", lambda checked, mode=mode: self.set_mode(mode) if checked else None)
        self._mode_group.setExclusive(True)
        self._mode_buttons[ViewMode.BEFORE].setChecked(True)
        self.in_one = qt.QCheckBox(_("All frames in one"), parent)
        self.in_one.objectName = "allFramesInOne"
        self.in_one.toolTip = _(
            "After: the brightest and the darkest value of every pixel in any frame, side by side, so that text in any frame "
            "shows. Without it, look at every frame before you confirm."
        )
        self.in_one.checked = True
        self.in_one.connect("toggled(bool)", self._on_in_one)
        return row

    def _say(self, sentence):
        self.message.text = sentence
        self.message.visible = bool(sentence)

    # The instance

    def _on_change(self, change):
        from USDICOMizerLib.session import ChangeKind

        if not self._is_entered:
            return
        if self.session.current != self._identity:
            self._open_current()
        elif change.kind is ChangeKind.DECISIONS and self._identity in change.identities:
            self._on_decision()

    def _on_decision(self):
        if self.mode is not ViewMode.BEFORE and self._picture() != self._seen_of:
            self._show()

    def _open_current(self):
        self.bar.close()
        self.in_one.enabled = False
        self._reader.close()
        self._identity = self.session.current
        self._seen_of = None
        self._fitted = {}
        self._say("")
        if self._identity is None:
            self._show_nothing()
            return
        instance = self.session.instance(self._identity)
        self._reader.open(instance)
        if self._reader.is_opening:
            self._say(_("The ZIP is being unpacked …") if instance.source.member else _("The file is being read …"))
            self._show_nothing()

    def _on_opened(self):
        self._say("")
        self.bar.open(self.opened.frames, self.opened.frame_rate)
        self.in_one.enabled = self.opened.frames > 1
        self._show()

    def _on_problem(self, sentence):
        self.bar.pause()
        self._say(sentence)
        if self.opened is None:
            self._show_nothing()

    def _on_scene_closed(self, caller, event):
        self._before = self._after = None
        self._fitted = {}
        if self._is_entered:
            self._scene_timer.start()  # others that observe the scene still put things away

    # The pictures

    def _picture(self):
        """The decision about the current instance, as far as its picture depends on it."""
        from USDICOMizerLib.session_state import picture

        return picture(self.session.decision(self._identity))

    def _show(self):
        """Show the frame before, after, or both."""
        if not self._is_entered or self.opened is None:
            return
        self._say("")
        if self.mode is not ViewMode.AFTER:
            self._show_before()
        if self.mode is not ViewMode.BEFORE and self.opened is not None:
            self._show_after()
        self._tell_shown()

    def _show_before(self):
        frame = self._reader.frame(self.index)
        if frame is None:
            self.views.show(RED, None)
        else:
            self._before = self._shown(self._before, _("Before"), frame, (0, 0), RED)

    def _show_after(self):
        if self._seen_of != self._picture():
            self._seen_of = self._picture()
            self._seen = set()
        decision = self.session.decision(self._identity)
        if self.mode is ViewMode.AFTER and self.in_one.checked and self.opened.frames > 1 and not self.is_playing:
            self.views.show(RED, None)  # what was there is no after-image, or that of another instance or crop
            self._reader.all_frames(decision, self._on_counted, self._on_all_frames)
            return
        frame = self._reader.frame(self.index, decision)
        if frame is None:
            self.views.show(self._after_view, None)
        else:
            self._put_after(frame, decision)
            self._note_seen({self.index})

    def _on_counted(self, count):
        if count < self.opened.frames:
            self._say(_("Frame {count} of {frames} …").format(count=count, frames=self.opened.frames))

    def _on_all_frames(self, array):
        self._say(_("Left: the brightest value of every pixel in any frame. Right: the darkest."))
        self._put_after(array, self.session.decision(self._identity))
        self._note_seen(set(range(self.opened.frames)))
        self._tell_shown()

    @property
    def _after_view(self):
        return YELLOW if self.mode is ViewMode.SIDE_BY_SIDE else RED

    def _put_after(self, array, decision):
        box = self.opened.leaving(decision).box
        self._after = self._shown(self._after, _("After"), array, (box.left, box.top), self._after_view)

    def _shown(self, picture, name, array, corner, view):
        """The picture with the array, in a view, which it fills when its size or place is new."""
        if picture is None or not picture.is_there:
            picture = Picture(name)
        picture.show(array, corner, self.spacing)
        self.views.show(view, picture.node)
        fitted = (self._identity, self.mode, array.shape, corner)
        if self._fitted.get(view) != fitted:
            self._fitted[view] = fitted
            self.views.fit(view)
            self._fit_timer.start()
        return picture

    def _fit(self):
        for name in (RED, YELLOW) if self.mode is ViewMode.SIDE_BY_SIDE else (RED,):
            self.views.fit(name)

    def _show_nothing(self):
        for name in (RED, YELLOW):
            self.views.show(name, None)
        self._tell_shown()

    def _note_seen(self, frames):
        self._seen |= frames
        if len(self._seen) == self.opened.frames:
            self.session.after_image_shown(self._identity)

    def _tell_shown(self):
        for tell in tuple(self.when_shown):
            tell()

    def _remove_pictures(self):
        for picture in (self._before, self._after):
            if picture is not None:
                picture.remove()
        self._before = self._after = None
        self._fitted = {}

    # The frame

    def _on_frame(self):
        """Another frame was chosen, by hand or because its time has come."""
        if self.opened is None:
            return
        if self.mode is ViewMode.AFTER and self.in_one.checked:
            blocked = self.in_one.blockSignals(True)
            self.in_one.checked = False
            self.in_one.blockSignals(blocked)
        self._show()
        if self.bar.is_playing and self.mode is not ViewMode.SIDE_BY_SIDE:
            after = self.session.decision(self._identity) if self.mode is ViewMode.AFTER else None
            self._reader.read_ahead(self.bar.following, after)

    def _on_in_one(self, checked):
        if self.mode is ViewMode.AFTER:
            self.bar.pause()
            self._show()
