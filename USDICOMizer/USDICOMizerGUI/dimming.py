"""What of the frame doesn't leave is darkened on the picture: what is decided, or what a person is just drawing."""

import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.crop_words import what_goes
from USDICOMizerGUI.picture_nodes import Shade
from USDICOMizerGUI.slice_views import RED

_SHADE = 0.6


class Dimming:
    """Darkens the viewer's picture of the session's current instance, as it is before, by what is decided about it."""

    def __init__(self, session, viewer):
        self.session = session
        self._viewer = viewer
        self._shade = None
        self._shaded = None
        self._preview = None  # (identity, decision) that a person is drawing
        viewer.when_shown.append(self.refresh)
        self._stop_observing = session.observe(self.refresh)
        self._scene_observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self._on_scene_closed)
        self.refresh()

    def cleanup(self):
        """Leave nothing behind."""
        self._stop_observing()
        slicer.mrmlScene.RemoveObserver(self._scene_observer)
        if self.refresh in self._viewer.when_shown:
            self._viewer.when_shown.remove(self.refresh)
        self._remove()

    def preview(self, decision):
        """Darken by a decision about the current instance that isn't made yet; None goes back to what is decided."""
        self._preview = (self.session.current, decision) if decision is not None else None
        self.refresh()

    def refresh(self, change=None):
        """Darken what goes now."""
        from USDICOMizerLib.session_steps import ChangeKind

        if change is not None and change.kind is ChangeKind.CHOICES:
            return
        identity = self.session.current
        if identity is None or not self._viewer.shows_before or self._viewer.identity != identity:
            self._viewer.views.show_label(RED, None)
            if not self._viewer.is_entered:
                self._remove()
            return
        is_drawn = self._preview is not None and self._preview[0] == identity
        self._darken(identity, self._preview[1] if is_drawn else self.session.decision(identity))

    def _darken(self, identity, decision):
        if self._shade is None or not self._shade.is_there:
            self._shade, self._shaded = Shade(_("What goes")), None
        frame = self._viewer.index + 1
        boxes = tuple(redaction.box for redaction in decision.redactions if redaction.covers(frame))
        shaded = (identity, decision.crop, decision.whole_frame, decision.mask, decision.sector, boxes)
        if shaded != self._shaded:
            self._shade.show(what_goes(self.session.instance(identity), decision, frame), self._viewer.spacing)
            self._shaded = shaded
        self._viewer.views.show_label(RED, self._shade.node, _SHADE)

    def _remove(self):
        self._viewer.views.show_label(RED, None)
        if self._shade is not None:
            self._shade.remove()
        self._shade = self._shaded = None

    def _on_scene_closed(self, caller, event):
        self._shade = self._shaded = None  # made again when the viewer shows the picture again
