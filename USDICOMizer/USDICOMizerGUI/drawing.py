"""What is drawn on the picture, a page each: crop box, blanked boxes, sector. The page that is open has its handles there."""

import qt
from slicer.i18n import tr as _

from USDICOMizerGUI.crop_roi import CropRoom
from USDICOMizerGUI.dimming import Dimming
from USDICOMizerGUI.drawing_room import swatch
from USDICOMizerGUI.redaction_room import RedactionRoom
from USDICOMizerGUI.sector_room import SectorRoom


class Drawing:
    """The pages, and which one is open. Keys that mean one of several things mean that of the open page."""

    def __init__(self, session, section, viewer, settings_path):
        self.session = session
        self.dimming = Dimming(session, viewer)
        self.pages = qt.QTabWidget(section)
        self.pages.objectName = "drawingPages"
        section.layout().addWidget(self.pages)
        self.crop = CropRoom(session, self._page(_("Crop")), viewer, self.dimming, settings_path)
        self.redactions = RedactionRoom(session, self._page(_("Blank")), viewer, self.dimming)
        self.sector = SectorRoom(session, self._page(_("Sector")), viewer, self.dimming)
        self.rooms = (self.crop, self.redactions, self.sector)
        self._colours = [None] * len(self.rooms)
        self.pages.connect("currentChanged(int)", self._on_page)
        self._stop_observing = session.observe(self._on_change)
        self._on_page(self.pages.currentIndex)
        self._on_change()

    def cleanup(self):
        """Leave nothing behind."""
        self._stop_observing()
        for room in reversed(self.rooms):
            room.cleanup()
        self.dimming.cleanup()

    @property
    def room(self):
        """The room whose page is open."""
        return self.rooms[self.pages.currentIndex]

    def open(self, room):
        """Open the page of a room."""
        self.pages.currentIndex = self.rooms.index(room)

    def next_page(self):
        """Open the next page; after the last the first."""
        self.pages.currentIndex = (self.pages.currentIndex + 1) % len(self.rooms)

    def apply(self, scope):
        """Give what the open page is about to others."""
        self.room.buttons[scope].click()  # which does nothing where there is nobody else

    def reset(self):
        """Reset what the open page is about to its proposal."""
        self.room.reset()

    def add_redaction(self):
        """Blank a new box."""
        self.open(self.redactions)
        self.redactions.add()

    def toggle_sector(self):
        """Blank what is outside of a sector, or no more; from another page, open that of a sector there is."""
        if self.room is self.sector or self.sector.sector is None:
            self.sector.toggle()
        self.open(self.sector)

    def _page(self, title):
        page = qt.QWidget()
        page.setLayout(qt.QVBoxLayout())
        self.pages.addTab(page, title)
        return page

    def _on_page(self, index):
        for number, room in enumerate(self.rooms):
            room.set_active(number == index)

    def _on_change(self, change=None):
        """Show on the tabs what is drawn: the colour that it has on the picture, and how many boxes there are."""
        identity = self.session.current
        count = len(self.session.decision(identity).redactions) if identity is not None else 0
        self.pages.setTabText(1, _("Blank ({count})").format(count=count) if count else _("Blank"))
        for index, room in enumerate(self.rooms):
            if self._colours[index] != room.colour:
                self._colours[index] = room.colour
                self.pages.setTabIcon(index, swatch(room.colour))
