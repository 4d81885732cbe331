"""The sector outside of which all is blanked: on or off, shaped by points on the picture or by numbers, given to others."""

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.drawing_room import DrawingRoom, legend
from USDICOMizerGUI.sector_node import SectorNode
from USDICOMizerGUI.slice_views import RED

COLOUR = (0.2, 0.95, 0.85)
_FARTHEST = 100_000.0  # pixels: of an apex, or a radius
_WIDEST = 720.0  # degrees: of a side's direction


class SectorRoom(DrawingRoom):
    """Shows and changes the sector of the session's current instance, where its mask is one."""

    colour = COLOUR

    def __init__(self, session, page, viewer, dimming):
        super().__init__(session, page, viewer, dimming)
        self.message.objectName = "sectorMessage"

    # What others ask for

    @property
    def sector(self):
        """The sector of the current instance; None where its mask is no sector."""
        from USDICOMizerLib.decision import Mask

        if self.session.current is None:
            return None
        decision = self.session.decision(self.session.current)
        return decision.sector if decision.mask is Mask.SECTOR else None

    def toggle(self):
        """Blank what is outside of a sector, or what was blanked before it."""
        if self.toggle_button.enabled:
            self.toggle_button.setChecked(not self.toggle_button.checked)

    def reset(self):
        """Give the selected instances with a sector, or this one, the outline that was found in their picture again."""
        from USDICOMizerLib.decision import Mask

        decisions = {}
        for identity in {self.session.current, *self.session.selected} - {None}:
            decision, proposal = self.session.decision(identity), self.session.sector_proposal(identity)
            if proposal is not None and decision.mask is Mask.SECTOR:
                decisions[identity] = self.session.with_sector(identity, proposal.sector)
        self.session.decide(_("Reset sector"), decisions)

    def _apply_words(self):
        return _("Apply sector")

    def _given(self, identity, other):
        here, there = self.session.instance(identity), self.session.instance(other)
        if self.sector is None or (here.columns, here.rows) != (there.columns, there.rows):
            return None
        found = self.session.sector_proposal(identity)
        seen = found if found is not None and found.sector == self.sector else None
        return self.session.with_sector(other, self.sector, seen)

    def _left_words(self, count):
        return _("The image of {count} has another size: unchanged.").format(count=count)

    # The page

    def _build(self, page):
        layout = page.layout()
        layout.addWidget(
            legend(page, COLOUR, _("All outside of this line leaves black. Drag its points to the edges of the picture."))
        )
        row = qt.QHBoxLayout()
        self.toggle_button = qt.QCheckBox(_("Blank all but the sector"), page)
        self.toggle_button.objectName = "sectorToggle"
        self.toggle_button.toolTip = f"{_('The fan, say, that the scanner draws: what is beside it is blanked.')}\n{_('Key')}: S"
        self.toggle_button.connect("toggled(bool)", self._on_toggled)
        row.addWidget(self.toggle_button, 1)
        self.shape = qt.QComboBox(page)
        self.shape.objectName = "sectorShape"
        self.shape.accessibleName = _("Shape of the sector")
        self.shape.toolTip = _("A fan for curved and phased probes, a rectangle for linear ones, a polygon for anything else.")
        self._shapes = ("fan", "rectangle", "polygon")
        for text in (_("Fan"), _("Rectangle"), _("Polygon")):
            self.shape.addItem(text)
        self.shape.connect("activated(int)", self._on_shape)
        row.addWidget(self.shape)
        layout.addLayout(row)
        self.state_label = qt.QLabel(page)
        self.state_label.objectName = "sectorStateLabel"
        self.state_label.wordWrap = True
        layout.addWidget(self.state_label)
        layout.addLayout(self._build_numbers(page))
        layout.addLayout(self._build_buttons(page))

    def _build_numbers(self, page):
        grid = qt.QGridLayout()
        tips = {
            "apex_x": (_("Apex column "), _("Column where the fan's sides meet; it may lie outside of the image.")),
            "apex_y": (_("Apex row "), _("Row where the fan's sides meet; above the image it is negative.")),
            "inner_radius": (_("Inner radius "), _("Pixels from the apex to the inner arc: 0 for a phased probe.")),
            "outer_radius": (_("Outer radius "), _("Pixels from the apex to the outer arc.")),
            "start_angle": (_("Right "), _("Direction of the side on the right, in degrees: 0 is right, 90 is down.")),
            "end_angle": (_("Left "), _("Direction of the side on the left, in degrees: 90 is down, 180 is left.")),
        }
        self.numbers = {}
        for place, (name, (prefix, tip)) in enumerate(tips.items()):
            is_angle = name.endswith("angle")
            highest = _WIDEST if is_angle else _FARTHEST
            spin_box = qt.QDoubleSpinBox(page)
            spin_box.objectName = "sector" + name.title().replace("_", "")
            spin_box.accessibleName = prefix.strip()
            spin_box.prefix = prefix
            spin_box.suffix = " °" if is_angle else ""
            spin_box.decimals = 1
            spin_box.setRange(0.0 if name.endswith("radius") else -highest, highest)
            spin_box.keyboardTracking = False
            spin_box.toolTip = tip
            spin_box.connect("valueChanged(double)", lambda value, name=name: self._on_number(name, value))
            grid.addWidget(spin_box, place // 2, place % 2)
            self.numbers[name] = spin_box
        return grid

    def _build_buttons(self, page):
        from USDICOMizerLib.session import Scope

        tips = {
            Scope.SELECTED: _("Give this sector to all instances that are selected in the table."),
            Scope.SAME_DEVICE_AND_SIZE: _("Give this sector to all of this scanner and image size."),
        }
        grid = self._scope_buttons(page, _("Apply this sector to:"), tips)
        self.reset_button = qt.QPushButton(_("Reset to proposal"), page)
        self.reset_button.objectName = "resetSector"
        self.reset_button.toolTip = f"{_('Take the outline that was found in the picture again.')}\n{_('Key')}: E"
        self.reset_button.connect("clicked(bool)", lambda checked: self.reset())
        grid.addWidget(self.reset_button, 2, 0)
        return grid

    def _fill(self, identity):
        from USDICOMizerLib.sector_handles import shape_of

        sector = self.sector
        self.toggle_button.enabled = identity is not None
        self.toggle_button.checked = sector is not None
        self.shape.enabled = sector is not None
        self.shape.currentIndex = self._shapes.index(shape_of(sector).value) if sector is not None else 0
        proposal = self.session.sector_proposal(identity) if identity is not None else None
        self.reset_button.enabled = sector is not None and proposal is not None and proposal.sector != sector
        self.state_label.text = _words(sector, proposal) if identity is not None else ""
        self._count_scopes(identity, sector is not None)
        self._fill_numbers(sector)

    def _fill_numbers(self, sector):
        for name, spin_box in self.numbers.items():
            spin_box.visible = hasattr(sector, name)
            if hasattr(sector, name):
                spin_box.value = getattr(sector, name)

    # The sector on the picture

    def _show(self, identity):
        if self.sector is None:
            self._hide()
        else:
            self._lay(self.sector)

    def _lay(self, sector):
        node = self._node(0, lambda place: SectorNode(_("Sector"), self._on_pulled))
        place = (self._viewer.spacing, self._viewer.views.slice_node(RED))
        node.show(sector, *place, COLOUR, has_handles=self.is_active)

    def _on_pulled(self, handle, point, is_over):
        """A point was pulled: show what it would make of the sector; when it is let go, decide."""
        from USDICOMizerLib.sector_handles import pulled

        identity, sector = self.session.current, self.sector
        if identity is None or sector is None or self._viewer.identity != identity:
            return
        instance = self.session.instance(identity)
        made = pulled(sector, handle, point, instance.columns, instance.rows)
        if is_over:
            self._end_drag()
            self._decide(made, gesture=None)
            self.refresh()  # the points go to where they belong, even where nothing has changed
        else:
            self._is_filling = True
            self._fill_numbers(made)
            self._is_filling = False
            self._lay(made)
            self._begin_drag(self.session.decision(identity).replaced(sector=made))

    # Changes

    def _decide(self, sector, gesture):
        identity = self.session.current
        self.session.decide(_("Sector"), {identity: self.session.with_sector(identity, sector)}, gesture=gesture)

    def _on_toggled(self, checked):
        identity = self.session.current
        if self._is_filling or identity is None:
            return
        if checked:
            self._viewer.show_before()  # where its points are
            self._decide(self.session.sector_for(identity), gesture=None)
            return
        self.session.decide(_("Sector"), {identity: self.session.without_sector(identity)})

    def _on_shape(self, index):
        from USDICOMizerLib.sector_handles import Shape, as_shape

        if self.sector is not None:
            instance = self.session.instance(self.session.current)
            self._decide(as_shape(self.sector, Shape(self._shapes[index]), instance.columns, instance.rows), gesture=None)

    def _on_number(self, name, value):
        from USDICOMizerLib.sector_handles import with_number

        if not self._is_filling and hasattr(self.sector, name):
            self._decide(with_number(self.sector, name, value), gesture=("sector number", name, self.session.current))
            self.refresh()  # the number that was possible, where another one was typed


def _words(sector, proposal):
    """Where the sector came from, and what there is to take."""
    from USDICOMizerLib.proposals import DOUBTFUL

    found = proposal is not None and proposal.sector is not None
    doubtful = " " + _("It is doubtful: look closely.") if found and proposal.confidence < DOUBTFUL else ""
    if sector is None:
        return _("An outline was found in the picture.") + doubtful if found else _("No outline was found in the picture yet.")
    if found and sector == proposal.sector:
        return _("Proposed: this is the outline that was found in the picture.") + doubtful
    if found:
        return _("Edited: this is your sector. Reset takes the outline that was found in the picture.")
    return _("This is your sector. No outline was found in the picture yet.")
