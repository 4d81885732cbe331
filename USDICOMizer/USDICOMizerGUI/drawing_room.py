"""What the rooms share that draw on the picture: when to show what, who else gets it, and what is a person's own doing."""

import qt
import slicer
from slicer.i18n import tr as _


class DrawingRoom:
    """One kind of thing that is drawn on the session's current instance: on a page of the panel, and on the slice view.

    What derives from it builds its page (`_build`), fills it and shows what there is (`_fill`, `_show`), and
    says what others get of it (`_given`). `nodes` draw it on the picture; their handles are there while it `is_active`.
    """

    def __init__(self, session, page, viewer, dimming):
        self.session = session
        self._viewer = viewer
        self._dimming = dimming
        self._is_filling = False
        self._dragged = None  # the identity on whose picture something is being dragged
        self._is_active = False
        self.nodes = []
        self.message = qt.QLabel(page)
        self.message.wordWrap = True
        self.message.hide()
        self._build(page)
        page.layout().addWidget(self.message)
        page.layout().addStretch(1)
        viewer.when_shown.append(self.refresh)
        self._stop_observing = session.observe(self._on_change)
        self._scene_observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, self._on_scene_closed)

    def cleanup(self):
        """Leave nothing behind."""
        self._stop_observing()
        slicer.mrmlScene.RemoveObserver(self._scene_observer)
        if self.refresh in self._viewer.when_shown:
            self._viewer.when_shown.remove(self.refresh)
        self._remove_nodes()

    @property
    def is_active(self):
        """Whether what it draws can be taken hold of on the picture."""
        return self._is_active

    def set_active(self, active):
        """Let what it draws be taken hold of on the picture, or not."""
        self._is_active = active
        self.refresh()

    def refresh(self):
        """Show what is decided about the current instance, on the page and on the picture."""
        identity = self.session.current
        if self._dragged is not None and self._dragged == identity and self._viewer.shows_before:
            return  # a cine goes on while something is dragged
        if self._dragged is not None:
            self._end_drag()
        self._is_filling = True
        try:
            self._fill(identity)
        finally:
            self._is_filling = False
        if identity is not None and self._viewer.shows_before and self._viewer.identity == identity:
            self._show(identity)
        elif self._viewer.is_entered:
            self._hide()
        else:
            self._remove_nodes()

    def apply(self, scope):
        """Give what is drawn on this instance to those of a scope, as a person's own."""
        from USDICOMizerLib.session import Scope

        identity = self.session.current
        if identity is None:
            return
        like = self.session.like(identity, Scope(scope))
        given = {other: made for other in like if (made := self._given(identity, other)) is not None}
        self.session.decide(self._apply_words(), given)
        sentences = [_("Applied to {count}.").format(count=len(given))]
        if len(like) > len(given):
            sentences.append(self._left_words(len(like) - len(given)))
        self.say(" ".join(sentences))

    def say(self, sentence):
        """Say something about what was just done, until another instance is looked at."""
        self.message.text = sentence
        self.message.visible = bool(sentence)

    # What derives from it says

    def _build(self, page):
        """Build the page."""
        raise NotImplementedError

    def _fill(self, identity):
        """Show on the page what is decided about an instance; None is none. What is set here is no person's doing."""
        raise NotImplementedError

    def _show(self, identity):
        """Show it on the picture."""
        raise NotImplementedError

    def _given(self, identity, other):
        """The decision about another instance that has what this one has; None where that doesn't fit."""
        raise NotImplementedError

    def _apply_words(self):
        """What applying is called in Undo."""
        raise NotImplementedError

    def _left_words(self, count):
        """Why so many instances didn't get it, as a sentence."""
        return _("The image of {count} is smaller: unchanged.").format(count=count)

    # What they use

    def _node(self, place, make):
        """The node at a place; `make` makes those that are missing, and all again where one was deleted in the scene."""
        if not all(node.is_there for node in self.nodes):
            self._remove_nodes()
        while len(self.nodes) <= place:
            self.nodes.append(make(len(self.nodes)))
        return self.nodes[place]

    def _hide(self, first=0):
        """Show nothing on the picture of what is at place `first` and behind."""
        for node in self.nodes[first:]:
            if node.is_there:
                node.hide()

    def _remove_nodes(self):
        for node in self.nodes:
            node.remove()
        self.nodes = []

    def _scope_buttons(self, page, heading, tips):
        """A row for a heading and rows of buttons that apply, one for each scope in `tips`; `self.buttons` has them."""
        from USDICOMizerLib.session import Scope

        grid = qt.QGridLayout()
        grid.addWidget(qt.QLabel(heading, page), 0, 0, 1, 2)
        self.buttons = {}
        for place, (scope, tip) in enumerate(tips.items()):
            button = qt.QPushButton(_("This"), page)
            button.objectName = "applyTo" + "".join(word.capitalize() for word in scope.value.split())
            key = {Scope.SAME_DEVICE_AND_SIZE: "K", Scope.SELECTED: "Shift+K"}.get(scope)
            button.toolTip = f"{tip}\n{_('Key')}: {key}" if key else tip
            button.connect("clicked(bool)", lambda checked, scope=scope: self.apply(scope))
            grid.addWidget(button, 1 + place // 2, place % 2)
            self.buttons[scope] = button
        return grid

    def _count_scopes(self, identity, has_something=True):
        """Say on the buttons how many instances each is about."""
        from USDICOMizerLib.session import Scope

        for scope, text in (
            (Scope.SELECTED, _("Selected ({count})")),
            (Scope.SAME_DEVICE_AND_SIZE, _("Same scanner and size ({count})")),
            (Scope.ALL, _("All ({count})")),
        ):
            if scope in self.buttons:
                count = len(self.session.like(identity, scope)) if identity is not None else 0
                self.buttons[scope].text = text.format(count=count)
                self.buttons[scope].enabled = count > 1 and has_something

    def _begin_drag(self, decision):
        """Something is being dragged, which would make this the decision."""
        self._dragged = self.session.current
        self._dimming.preview(decision)

    def _end_drag(self):
        """It was let go."""
        self._dragged = None
        self._dimming.preview(None)

    def _on_change(self, change):
        from USDICOMizerLib.session import ChangeKind

        if change.kind is ChangeKind.CURRENT:
            self.say("")
        if change.kind is not ChangeKind.CHOICES:
            self.refresh()

    def _on_scene_closed(self, caller, event):
        self._dragged = None
        self.nodes = []  # made again when the viewer shows the picture again


def legend(page, colour, words):
    """A line that says what a colour on the picture means."""
    label = qt.QLabel(page)
    label.wordWrap = True
    label.setTextFormat(qt.Qt.RichText)
    label.text = f'<span style="color:{hex_of(colour)}">&#9632;</span> {words}'
    return label


def swatch(colour):
    """An icon of one colour."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor(hex_of(colour)))
    return qt.QIcon(pixmap)


def hex_of(colour):
    """A colour (red, green, blue; 0 to 1) as Qt reads it."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
