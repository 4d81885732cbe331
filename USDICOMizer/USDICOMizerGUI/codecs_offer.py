"""Offers faster codecs once: a button that is there until they are installed or declined. Nothing depends on them."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
import slicer.packaging
from slicer.i18n import tr as _

DECLINED = "USDICOMizer/CodecsDeclined"


class CodecsOffer:
    """The button *Install faster codecs*; `say` gets a sentence with what happened."""

    def __init__(self, section: qt.QWidget, requirements: str, say: Callable[[str], None]):
        self._requirements = requirements
        self._say = say
        self.button = qt.QPushButton(_("Install faster codecs..."))
        self.button.objectName = "installCodecsButton"
        self.button.setToolTip(_("Optional Python packages: JPEG is cut without loss, JPEG 2000 is faster. Slicer asks before."))
        section.layout().addWidget(self.button)
        self.button.connect("clicked(bool)", self.install)
        declined = slicer.util.settingsValue(DECLINED, False, converter=slicer.util.toBool)
        self.button.setVisible(not declined and not self._installed())

    def cleanup(self) -> None:
        """Nothing to undo: the button goes with its section."""

    def install(self, _checked: bool = False) -> None:
        """Let Slicer ask and install; a refusal is remembered, and the offer not repeated."""
        import subprocess

        try:
            slicer.packaging.pip_ensure(slicer.packaging.load_requirements(self._requirements), requester="USDICOMizer")
        except subprocess.CalledProcessError:
            self._say(_("The codecs could not be installed. USDICOMizer works without them; try again when there is a network."))
            return
        except RuntimeError:  # the user declined
            qt.QSettings().setValue(DECLINED, True)
            self.button.setVisible(False)
            self._say(_("No codecs were installed. USDICOMizer works without them."))
            return
        self.button.setVisible(not self._installed())
        self._say(_("The codecs are installed."))

    def _installed(self) -> bool:
        return slicer.packaging.pip_check(slicer.packaging.load_requirements(self._requirements))
