"""The crop of the instance that is looked at: a box on the picture, the same in four numbers, and who else gets it."""

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.box_numbers import BoxNumbers
from USDICOMizerGUI.crop_words import COLOURS, crop_words
from USDICOMizerGUI.drawing_room import DrawingRoom
from USDICOMizerGUI.roi_node import Hold, RoiNode
from USDICOMizerGUI.slice_views import RED


class CropRoom(DrawingRoom):
    """Shows and changes the crop box, and what becomes of the rest, of the session's current instance.

    `viewer` shows the picture that the box lies on; `settings_path` is the file that presets are saved to.
    """

    def __init__(self, session, page, viewer, dimming, settings_path):
        self._settings_path = settings_path
        super().__init__(session, page, viewer, dimming)
        self.message.objectName = "cropMessage"

    # What others ask for

    @property
    def colour(self):
        """The colour of the box now."""
        identity = self.session.current
        return COLOURS[self.session.state(identity).crop.name if identity is not None else "MISSING"]

    def box(self):
        """The crop box of the current instance; its whole frame where none is known."""
        identity = self.session.current
        return self.session.decision(identity).crop or self.session.instance(identity).whole_frame

    def reset(self):
        """Give the selected instances, or this one, the proposed crop again."""
        if self.reset_button.enabled:
            self.session.reset({self.session.current, *self.session.selected})

    def next_rest(self):
        """What becomes of the rest of the frame: the next of the ways that the panel offers."""
        if self.rest.enabled:
            self.rest.setCurrentIndex((self.rest.currentIndex + 1) % self.rest.count)
            self._on_rest(self.rest.currentIndex)

    def _apply_words(self):
        return _("Apply crop")

    def _given(self, identity, other):
        """The box, and whether it cuts or blanks. What else blanks there, and the doubt about that, is of that picture."""
        from USDICOMizerLib.decision import Mask

        here, there, box = self.session.decision(identity), self.session.decision(other), self.box()
        instance = self.session.instance(other)
        if not box.fits(instance.columns, instance.rows):
            return None
        by_box = (Mask.NONE, Mask.RECTANGLE)
        mask = here.mask if here.mask in by_box and there.mask in by_box else there.mask
        made = there.replaced(
            crop=None if here.whole_frame else box, whole_frame=here.whole_frame, mask=mask, proposal="", confidence=None
        )
        return made.doubting_sector_of(there)

    # The page

    def _build(self, page):
        self.state_label = qt.QLabel(page)
        self.state_label.objectName = "cropStateLabel"
        self.state_label.wordWrap = True
        self._numbers = BoxNumbers(page, "", self._on_typed)
        self.spin_boxes = self._numbers.spin_boxes
        layout = page.layout()
        layout.addLayout(self._numbers.row)
        layout.addLayout(self._build_rest(page))
        layout.addWidget(self.state_label)
        layout.addLayout(self._build_buttons(page))

    def _build_rest(self, page):
        from USDICOMizerLib.decision import Mask

        row = qt.QHBoxLayout()
        row.addWidget(qt.QLabel(_("The rest:"), page))
        self.rest = qt.QComboBox(page)
        self.rest.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.rest.objectName = "restOfFrame"
        self._rests = (
            (_("is cut off"), {"whole_frame": False, "mask": Mask.NONE}),
            (_("is blanked, the frame keeps its size"), {"whole_frame": False, "mask": Mask.RECTANGLE}),
            (_("is cut off, and all but the ultrasound regions blanked"), {"whole_frame": False, "mask": Mask.OUTSIDE_REGIONS}),
            (_("is cut off, and all but the sector blanked"), {"whole_frame": False, "mask": Mask.SECTOR}),
            (_("stays: the whole frame leaves"), {"whole_frame": True, "mask": Mask.NONE, "crop": None}),
        )
        for text, _changes in self._rests:
            self.rest.addItem(text)
        self.rest.connect("activated(int)", self._on_rest)
        row.addWidget(self.rest, 1)
        return row

    def _build_buttons(self, page):
        from USDICOMizerLib.session import Scope

        tips = {
            Scope.THIS: _("Take this box as your own decision, whatever was proposed."),
            Scope.SELECTED: _("Give this box to all instances that are selected in the table."),
            Scope.SAME_DEVICE_AND_SIZE: _("Give this box to all of this scanner and image size."),
            Scope.ALL: _("Give this box to all instances whose image it fits in."),
        }
        grid = self._scope_buttons(page, _("Apply this box to:"), tips)
        self.reset_button = qt.QPushButton(_("Reset to proposal"), page)
        self.reset_button.objectName = "resetCrop"
        self.reset_button.toolTip = f"{_('Give the selected instances the proposed box again.')}\n{_('Key')}: E"
        self.reset_button.connect("clicked(bool)", lambda checked: self.reset())
        grid.addWidget(self.reset_button, 3, 0)
        self.preset_button = qt.QPushButton(_("Save as preset …"), page)
        self.preset_button.objectName = "savePreset"
        self.preset_button.toolTip = _("Propose this box for all later exams of this scanner and image size.")
        self.preset_button.connect("clicked(bool)", lambda checked: self.save_as_preset())
        grid.addWidget(self.preset_button, 3, 1)
        return grid

    def _fill(self, identity):
        for widget in (self.rest, *self.buttons.values(), self.reset_button, self.preset_button):
            widget.enabled = identity is not None
        if identity is None:
            self.state_label.text = ""
            self._numbers.fill(None, 1, 1)
            return
        decision, instance = self.session.decision(identity), self.session.instance(identity)
        self._numbers.fill(self.box(), instance.columns, instance.rows)
        self.rest.currentIndex = self._index_of_rest(decision)
        opened = self._viewer.opened if self._viewer.identity == identity else None
        self.state_label.text = crop_words(decision, self.session.state(identity).crop, opened)
        self.reset_button.enabled = self.session.proposal(identity) is not None
        self._count_scopes(identity)

    def _index_of_rest(self, decision):
        for index, (_text, changes) in enumerate(self._rests):
            if (decision.whole_frame, decision.mask) == (changes["whole_frame"], changes["mask"]):
                return index
        return -1  # a mask over the whole frame, which the plan gave

    # The box on the picture

    def _show(self, identity):
        roi = self._node(0, lambda place: RoiNode(_("Crop"), self._on_dragged))
        place = (self._viewer.spacing, self._viewer.views.slice_node(RED))
        roi.show(self.box(), *place, self.colour, hold=Hold.HANDLES if self.is_active else Hold.NONE)

    def _on_dragged(self, box, is_over):
        """The box was dragged: show where it would be; when it is let go, decide."""
        identity = self.session.current
        if identity is None or self._viewer.identity != identity:
            return
        instance = self.session.instance(identity)
        box = box.clipped_to(instance.columns, instance.rows) or self.box()
        if is_over:
            self._end_drag()
            self._decide(box, gesture=None)
            self.refresh()  # the box jumps to whole pixels, even where nothing has changed
        else:
            self._numbers.fill(box, instance.columns, instance.rows)
            self._begin_drag(self.session.decision(identity).replaced(crop=box, whole_frame=False))

    # Changes

    def _on_typed(self, box, edge):
        if self.session.current is not None:
            self._decide(box, gesture=("crop number", edge, self.session.current))

    def _decide(self, box, gesture):
        identity = self.session.current
        decision = self.session.decision(identity)
        if box == self.box() and (decision.crop is not None or box == self.session.instance(identity).whole_frame):
            return
        self.session.change([identity], _("Crop"), gesture=gesture, crop=box, whole_frame=False)

    def _on_rest(self, index):
        identity = self.session.current
        if identity is None:
            return
        changes = self._rests[index][1]
        decision = self.session.box_alone(identity).replaced(sector=None, **changes)
        if not decision.whole_frame and decision.crop is None:
            proposal = self.session.proposal(identity)  # a box was given up for the whole frame, and is wanted again
            decision = decision.following(proposal) if proposal is not None else decision
        if decision.mask.value == "sector":
            sector = self.session.sector_for(identity)
            decision = decision.replaced(sector=sector)
            if (found := self.session.sector_proposal(identity)) is not None and found.sector == sector:
                decision = decision.taking(found)
        if decision.lacks_box and decision.mask.value == "rectangle":
            self.refresh()  # the list says again what is decided
            self.say(_("Nothing is changed, as blanking the rest needs a box. Draw a crop box first."))
            return
        self.say("")
        self.session.decide(_("Rest of the frame"), {identity: decision})

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
            self.say(str(error))
            return
        self.session.use_settings(settings)
        self.say(_("Saved: later exams of this scanner and image size get this box."))
