"""The crop of the instance that is looked at: a box on the picture, the same in four numbers, and who else gets it."""

import qt
import slicer
from slicer.i18n import tr as _

from USDICOMizerGUI.crop_words import COLOURS, crop_words, what_goes, with_edge
from USDICOMizerGUI.picture_nodes import Shade
from USDICOMizerGUI.roi_node import RoiNode
from USDICOMizerGUI.slice_views import RED

_SHADE = 0.6
_EDGES = ("left", "top", "right", "bottom")


class CropRoom:
    """Shows and changes the crop box, and what becomes of the rest, of the session's current instance.

    `viewer` shows the picture that the box lies on; `settings_path` is the file that presets are saved to.
    """

    def __init__(self, session, parent, viewer, settings_path):
        self.session = session
        self._viewer = viewer
        self._settings_path = settings_path
        self._roi = None
        self._shade = None
        self._shaded = None
        self._is_filling = False
        self._dragged = None  # the identity whose box is being dragged
        self._build(parent)
        viewer.when_shown.append(self.refresh)
        self._stop_observing = session.observe(self._on_change)
        self._scene_observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self._on_scene_closed)
        self.refresh()

    def cleanup(self):
        """Leave nothing behind."""
        self._stop_observing()
        slicer.mrmlScene.RemoveObserver(self._scene_observer)
        if self.refresh in self._viewer.when_shown:
            self._viewer.when_shown.remove(self.refresh)
        self._remove_nodes()

    # What others ask for

    def box(self):
        """The crop box of the current instance; its whole frame where none is known."""
        identity = self.session.current
        return self.session.decision(identity).crop or self.session.instance(identity).whole_frame

    def apply(self, scope):
        """Give the crop of this instance to those of a scope, as a person's own."""
        from USDICOMizerLib.session import Scope

        identity = self.session.current
        if identity is None:
            return
        decision = self.session.decision(identity)
        box, like = self.box(), self.session.like(identity, Scope(scope))
        fitting = [other for other in like if self._fits(other, box)]
        changes = {"whole_frame": decision.whole_frame, "mask": decision.mask, "sector": decision.sector}
        crop = None if decision.whole_frame else box
        self.session.change(fitting, _("Apply crop"), crop=crop, proposal="", confidence=None, **changes)
        sentences = [_("Applied to {count}.").format(count=len(fitting))]
        if len(like) > len(fitting):
            sentences.append(_("The image of {count} is smaller: unchanged.").format(count=len(like) - len(fitting)))
        self._say(" ".join(sentences))

    def reset(self):
        """Give the selected instances, or this one, the proposed crop again."""
        if self.session.current is not None:
            self.session.reset({self.session.current, *self.session.selected})

    def next_rest(self):
        """What becomes of the rest of the frame: the next of the ways that the panel offers."""
        if self.rest.enabled:
            self.rest.setCurrentIndex((self.rest.currentIndex + 1) % self.rest.count)
            self._on_rest(self.rest.currentIndex)

    # The panel

    def _build(self, parent):
        self.state_label = qt.QLabel(parent)
        self.state_label.objectName = "cropStateLabel"
        self.state_label.wordWrap = True
        self.message = qt.QLabel(parent)
        self.message.objectName = "cropMessage"
        self.message.wordWrap = True
        self.message.hide()
        layout = parent.layout()
        layout.addLayout(self._build_numbers(parent))
        layout.addLayout(self._build_rest(parent))
        layout.addWidget(self.state_label)
        layout.addLayout(self._build_buttons(parent))
        layout.addWidget(self.message)

    def _build_numbers(self, parent):
        row = qt.QHBoxLayout()
        texts = {
            "left": (_("Left"), _("First column that stays, counted from 0.")),
            "top": (_("Top"), _("First row that stays, counted from 0.")),
            "right": (_("Right"), _("First column that goes.")),
            "bottom": (_("Bottom"), _("First row that goes.")),
        }
        self.spin_boxes = {}
        for edge, (text, tip) in texts.items():
            spin_box = qt.QSpinBox(parent)
            spin_box.objectName = f"{edge}SpinBox"
            spin_box.accessibleName = text
            spin_box.prefix = f"{text} "
            spin_box.keyboardTracking = False
            spin_box.toolTip = tip
            spin_box.connect("valueChanged(int)", lambda value, edge=edge: self._on_number(edge, value))
            self.spin_boxes[edge] = spin_box
            row.addWidget(spin_box)
        return row

    def _build_rest(self, parent):
        from USDICOMizerLib.decision import Mask

        row = qt.QHBoxLayout()
        row.addWidget(qt.QLabel(_("The rest:"), parent))
        self.rest = qt.QComboBox(parent)
        self.rest.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.rest.objectName = "restOfFrame"
        self._rests = (
            (_("is cut off"), {"whole_frame": False, "mask": Mask.NONE}),
            (_("is blanked, the frame keeps its size"), {"whole_frame": False, "mask": Mask.RECTANGLE}),
            (_("is cut off, and all but the ultrasound regions blanked"), {"whole_frame": False, "mask": Mask.OUTSIDE_REGIONS}),
            (_("stays: the whole frame leaves"), {"whole_frame": True, "mask": Mask.NONE, "crop": None}),
        )
        for text, _changes in self._rests:
            self.rest.addItem(text)
        self.rest.connect("activated(int)", self._on_rest)
        row.addWidget(self.rest, 1)
        return row

    def _build_buttons(self, parent):
        from USDICOMizerLib.session import Scope

        grid = qt.QGridLayout()
        grid.addWidget(qt.QLabel(_("Apply this box to:"), parent), 0, 0, 1, 2)
        self.buttons = {}
        tips = {
            Scope.THIS: _("Take this box as your own decision, whatever was proposed."),
            Scope.SELECTED: _("Give this box to all instances that are selected in the table."),
            Scope.SAME_DEVICE_AND_SIZE: _("Give this box to all of this scanner and image size."),
            Scope.ALL: _("Give this box to all instances whose image it fits in."),
        }
        for place, (scope, tip) in enumerate(tips.items()):
            button = qt.QPushButton(_("This"), parent)
            button.objectName = "applyTo" + "".join(word.capitalize() for word in scope.value.split())
            button.toolTip = tip
            button.connect("clicked(bool)", lambda checked, scope=scope: self.apply(scope))
            grid.addWidget(button, 1 + place // 2, place % 2)
            self.buttons[scope] = button
        self.reset_button = qt.QPushButton(_("Reset to proposal"), parent)
        self.reset_button.objectName = "resetCrop"
        self.reset_button.connect("clicked(bool)", lambda checked: self.reset())
        grid.addWidget(self.reset_button, 3, 0)
        self.preset_button = qt.QPushButton(_("Save as preset …"), parent)
        self.preset_button.objectName = "savePreset"
        self.preset_button.toolTip = _("Propose this box for all later exams of this scanner and image size.")
        self.preset_button.connect("clicked(bool)", lambda checked: self.save_as_preset())
        grid.addWidget(self.preset_button, 3, 1)
        return grid

    def _say(self, sentence):
        self.message.text = sentence
        self.message.visible = bool(sentence)

    # What is shown

    def _on_change(self, change):
        from USDICOMizerLib.session import ChangeKind

        if change.kind is ChangeKind.CURRENT:
            self._say("")
        if change.kind is not ChangeKind.CHOICES:
            self.refresh()

    def _on_scene_closed(self, caller, event):
        self._roi = self._shade = self._shaded = self._dragged = None  # made again when the viewer shows the picture again

    def refresh(self):
        """Show the crop of the current instance in numbers, words and on the picture."""
        identity = self.session.current
        if self._dragged is not None and self._dragged == identity and self._viewer.shows_before:
            return  # a cine goes on while its box is dragged
        for widget in (*self.spin_boxes.values(), self.rest, *self.buttons.values(), self.reset_button, self.preset_button):
            widget.enabled = identity is not None
        if identity is None:
            self.state_label.text = ""
            self._hide()
            return
        self._fill(self.box())
        decision = self.session.decision(identity)
        self.rest.currentIndex = self._index_of_rest(decision)
        opened = self._viewer.opened if self._viewer.identity == identity else None
        self.state_label.text = crop_words(decision, self.session.state(identity).crop, opened)
        self.reset_button.enabled = self.session.proposal(identity) is not None
        self._count_scopes(identity)
        if self._viewer.shows_before and self._viewer.identity == identity:
            self._show(identity)
        else:
            self._hide()

    def _fill(self, box):
        """Put a box into the spin boxes."""
        instance = self.session.instance(self.session.current)
        self._is_filling = True
        for edge in _EDGES:
            spin_box = self.spin_boxes[edge]
            size = instance.columns if edge in ("left", "right") else instance.rows
            spin_box.setRange(*((1, max(size, 1)) if edge in ("right", "bottom") else (0, max(size - 1, 0))))
            spin_box.value = getattr(box, edge)
        self._is_filling = False

    def _index_of_rest(self, decision):
        for index, (_text, changes) in enumerate(self._rests):
            if (decision.whole_frame, decision.mask) == (changes["whole_frame"], changes["mask"]):
                return index
        return -1  # a sector, which the plan gave

    def _count_scopes(self, identity):
        from USDICOMizerLib.session import Scope

        for scope, text in (
            (Scope.SELECTED, _("Selected ({count})")),
            (Scope.SAME_DEVICE_AND_SIZE, _("Same scanner and size ({count})")),
            (Scope.ALL, _("All ({count})")),
        ):
            count = len(self.session.like(identity, scope))
            self.buttons[scope].text = text.format(count=count)
            self.buttons[scope].enabled = count > 1

    # The box on the picture

    def _show(self, identity):
        decision = self.session.decision(identity)
        if self._roi is None or not self._roi.is_there:
            self._roi = RoiNode(_("Crop"), self._on_dragged)
        colour = COLOURS[self.session.state(identity).crop.name]
        self._roi.show(self.box(), self._viewer.spacing, self._viewer.views.slice_node(RED), colour)
        self._darken(decision)

    def _hide(self):
        if not self._viewer.is_entered:
            self._remove_nodes()
        if self._roi is not None and self._roi.is_there:
            self._roi.hide()
        self._viewer.views.show_label(RED, None)

    def _remove_nodes(self):
        self._viewer.views.show_label(RED, None)
        for thing in (self._roi, self._shade):
            if thing is not None:
                thing.remove()
        self._roi = self._shade = self._shaded = None

    def _darken(self, decision):
        """Darken what of the frame doesn't leave with a decision."""
        if self._shade is None or not self._shade.is_there:
            self._shade, self._shaded = Shade(_("What goes")), None
        instance = self.session.instance(self.session.current)
        shaded = (instance.identity, decision.crop, decision.whole_frame, decision.mask, decision.sector, decision.redactions)
        if shaded != self._shaded:
            self._shade.show(what_goes(instance, decision), self._viewer.spacing)
            self._shaded = shaded
        self._viewer.views.show_label(RED, self._shade.node, _SHADE)

    def _on_dragged(self, box, is_over):
        """The box was dragged: show where it would be; when it is let go, decide."""
        identity = self.session.current
        if identity is None or self._viewer.identity != identity:
            return
        instance = self.session.instance(identity)
        box = box.clipped_to(instance.columns, instance.rows) or self.box()
        self._dragged = None if is_over else identity
        if is_over:
            self._decide(box, gesture=None)
            self.refresh()  # the box jumps to whole pixels, even where nothing has changed
        else:
            self._fill(box)
            self._darken(self.session.decision(identity).replaced(crop=box, whole_frame=False))

    # Changes

    def _on_number(self, edge, value):
        if self._is_filling or self.session.current is None:
            return
        instance = self.session.instance(self.session.current)
        box = self.box()
        if edge in ("left", "right"):
            left, right = with_edge(box.left, box.right, edge == "left", value, instance.columns)
            top, bottom = box.top, box.bottom
        else:
            top, bottom = with_edge(box.top, box.bottom, edge == "top", value, instance.rows)
            left, right = box.left, box.right
        self._decide(type(box)(left, top, right, bottom), gesture=("crop number", edge, self.session.current))

    def _decide(self, box, gesture):
        identity = self.session.current
        decision = self.session.decision(identity)
        if box == self.box() and (decision.crop is not None or box == self.session.instance(identity).whole_frame):
            return
        self.session.change([identity], _("Crop"), gesture=gesture, crop=box, whole_frame=False)

    def _on_rest(self, index):
        identity = self.session.current
        if identity is not None:
            self.session.change([identity], _("Rest of the frame"), sector=None, **self._rests[index][1])
            if not self._rests[index][1]["whole_frame"] and self.session.decision(identity).crop is None:
                self._propose_again(identity)

    def _propose_again(self, identity):
        """A box was given up for the whole frame, and is wanted again."""
        proposal = self.session.proposal(identity)
        if proposal is not None:
            decision = self.session.decision(identity).following(proposal)
            self.session.decide(_("Rest of the frame"), {identity: decision})

    def _fits(self, identity, box):
        instance = self.session.instance(identity)
        return box.fits(instance.columns, instance.rows)

    def save_as_preset(self):
        """Ask for a name, and write the box into the settings file as a preset of this scanner and image size."""
        from USDICOMizerLib.crop_presets import preset_for, save_preset, suggested_name
        from USDICOMizerLib.errors import USDICOMizerError

        instance, box = self.session.instance(self.session.current), self.box()
        window, title, question = self.preset_button.window(), _("Save as preset"), _("Name of the preset:")
        name = qt.QInputDialog.getText(window, title, question, qt.QLineEdit.Normal, suggested_name(instance))
        if not name or not name.strip():
            return
        try:
            preset = preset_for(instance, box, name.strip(), self.session.settings)
            settings = save_preset(self._settings_path, preset)
        except USDICOMizerError as error:
            self._say(str(error))
            return
        self.session.use_settings(settings)
        self._say(_("Saved: later exams of this scanner and image size get this box."))
