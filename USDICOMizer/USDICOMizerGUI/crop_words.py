"""What the crop room says of a box in words, colours and darkness; and how an edge pushes the other one."""

from slicer.i18n import tr as _

# By the names of CropState: red, green, blue. Told apart in the usual colour blindnesses, and said in words as well.
COLOURS = {
    "MISSING": (1.0, 0.35, 0.35),
    "PROPOSED": (1.0, 0.8, 0.2),
    "EDITED": (0.35, 0.75, 1.0),
    "WHOLE_FRAME": (0.8, 0.8, 0.8),
    "APPLIED": (0.4, 0.95, 0.45),
}


def crop_words(decision, state, opened):
    """Where the box stands, and what really leaves as far as an OpenedInstance can tell (None: it isn't open)."""
    from USDICOMizerLib.session_state import CropState

    words = {
        CropState.MISSING: _("No box is proposed: drag the box to what is to stay."),
        CropState.PROPOSED: _origin(decision),
        CropState.EDITED: _("Edited: this is your box."),
        CropState.WHOLE_FRAME: _("The whole frame leaves, once you have confirmed it."),
        CropState.APPLIED: _("Confirmed: this is what leaves."),
    }[state]
    return f"{words} {_size_words(decision, opened)}".strip() if opened is not None else words


def _size_words(decision, opened):
    from USDICOMizerLib.decision import output_box
    from USDICOMizerLib.errors import USDICOMizerError

    try:
        box, wanted = opened.leaving(decision).box, output_box(opened.instance, decision)
    except (USDICOMizerError, ValueError):  # told where the picture is shown
        return ""
    size = _("{width} x {height} pixels leave").format(width=box.width, height=box.height)
    if box == wanted:
        return f"{size}."
    return _("{size} ({box}), as its pixels are stored in blocks.").format(size=size, box=str(box).replace(",", " "))


def _origin(decision):
    """Where a proposed box came from, how sure that is, and whether it is to be doubted."""
    source, _space, name = decision.proposal.rsplit(" ", 4)[0].partition(" ")
    words = {
        "preset": _("Proposed by the preset {name}.").format(name=name),
        "regions": _("Proposed from the scanner's own ultrasound regions."),
        "content": _("Proposed from what moves and shines in the picture."),
    }.get(source, _("Proposed."))
    if decision.confidence is None:
        return words
    advice = _("Doubtful ({sure} % sure): look closely.") if decision.is_doubtful else _("{sure} % sure.")
    return words + " " + advice.format(sure=round(100 * decision.confidence))


def with_edge(first, last, is_first, value, size):
    """An edge moved: where it would pass the other one, that one is pushed on, so that the box keeps its size if it can."""
    extent = last - first
    if is_first:
        first = min(max(value, 0), size - 1)
        return first, last if last > first else min(first + extent, size)
    last = min(max(value, 1), size)
    return (first if first < last else max(last - extent, 0)), last


def what_goes(instance, decision, frame_number):
    """Which pixels of a frame, counted from 1, don't leave: boolean (rows, columns). None where it isn't known yet."""
    import numpy as np

    from USDICOMizerLib.decision import blanking, lacks_geometry, output_box

    goes = np.zeros((instance.rows, instance.columns), bool)
    if not lacks_geometry(instance, decision):
        goes[:] = True
        box = output_box(instance, decision)
        goes[box.top : box.bottom, box.left : box.right] = False
        kept = blanking(instance, decision)
        if kept is not None:
            goes |= ~kept
    for redaction in decision.redactions:
        box = redaction.box.clipped_to(instance.columns, instance.rows)
        if box is not None and redaction.covers(frame_number):
            goes[box.top : box.bottom, box.left : box.right] = True
    return goes
