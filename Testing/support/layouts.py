"""Synthetic screens of ten layouts with known truth: where the picture is, and where text identifies somebody.

The layouts were fixed before the detector was written, and aren't tuned to it. Position, size, frame rate of change, gain,
noise and JPEG compression vary with the seed; the same layout and seed give the same screen.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin

import numpy as np
from PIL import Image, ImageDraw
from synthetic_screen import GREEN, GREY, WHITE, YELLOW, Canvas, Part, Screen, render, through_jpeg

from USDICOMizerLib.geometry import CropBox

SIZES = ((640, 480), (800, 600), (1024, 768), (1016, 672))
NAMES = ("DOE^JANE", "MUSTERMANN, ERIKA", "Rossi, Mario", "TANAKA HANAKO", "Smith, John A.")


def make_screen(layout: str, seed: int) -> Screen:
    """The screen of a layout for a seed."""
    rng = np.random.default_rng([LAYOUTS.index(layout), seed, 20240917])
    columns, rows = SIZES[rng.integers(len(SIZES))]
    canvas = Canvas(columns, rows, rng)
    _DRAW[layout](canvas)
    count = 1 if seed % 3 == 0 else int(rng.integers(6, 13))
    frames = render(canvas, count)
    quality = (None, 92, 75, None, 60)[rng.integers(5)]
    if quality:
        frames = np.stack([through_jpeg(frame, quality, int(seed % 2) * 2) for frame in frames])
    picture = np.logical_or.reduce([part.mask for part in canvas.parts])
    return Screen(f"{layout} {seed}", frames, picture, tuple(canvas.identifying))


def _grid(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0 : canvas.rows, 0 : canvas.columns].astype(np.float32)
    return x + 0.5, y + 0.5


def _fan(canvas: Canvas, apex: tuple[float, float], radii: tuple[float, float], half: float, window: CropBox) -> Part:
    """A fan that points down, `half` degrees to each side, as far as the window shows it."""
    x, y = _grid(canvas)
    x, y = x - apex[0], y - apex[1]
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    mask = (radius >= radii[0]) & (radius < radii[1]) & (np.abs(angle) <= radians(half))
    inside = np.zeros_like(mask)
    inside[window.top : window.bottom, window.left : window.right] = True
    return Part(mask & inside, radius - radii[0], angle * (radii[0] + radii[1]) / 2)


def _rectangle(canvas: Canvas, box: CropBox, **more: object) -> Part:
    x, y = _grid(canvas)
    mask = np.zeros((canvas.rows, canvas.columns), bool)
    mask[box.top : box.bottom, box.left : box.right] = True
    return Part(mask, y - box.top, x - (box.left + box.right) / 2, **more)


def _bar(canvas: Canvas, *, at_bottom: bool = False) -> int:
    """The patient bar, and the first row below it."""
    rng, u = canvas.rng, canvas.u
    height = u(rng.uniform(30, 48))
    top = canvas.rows - height if at_bottom else 0
    fill = ((0, 0, 0), (38, 52, 66), (40, 40, 44), (20, 60, 110))[rng.integers(4)]
    ImageDraw.Draw(canvas.still).rectangle((0, top, canvas.columns, top + height), fill=fill)
    name = NAMES[rng.integers(len(NAMES))]
    canvas.text(u(8), top + u(2), name, 14, names=True)
    canvas.text(u(8), top + u(17), f"ID {rng.integers(10**6, 10**8)}", 12, names=True)
    canvas.text(canvas.columns * 0.42, top + u(2), "ST ELSEWHERE HOSPITAL", 13, names=True)
    canvas.text(
        canvas.columns - u(8),
        top + u(2),
        f"{rng.integers(1, 29):02d}-MAR-2021 10:{rng.integers(10, 60)}",
        13,
        names=True,
        right=True,
    )
    return height


def _side(canvas: Canvas, x: int, top: int, *, right: bool = False, colour=GREY) -> None:
    """Settings of the scanner in a column, and its logo."""
    for number, words in enumerate(
        ("ACME", "C5-1", "28Hz", "11cm", "2D", "Gn 60", "DR 58", "P Med")[: canvas.rng.integers(5, 9)]
    ):
        canvas.text(x, top + canvas.u(6 + 19 * number), words, 17 if number == 0 else 12, colour, right=right)


def _depth_scale(canvas: Canvas, x: int, top: int, bottom: int, colour=WHITE) -> None:
    draw = ImageDraw.Draw(canvas.still)
    for number, y in enumerate(np.linspace(top, bottom - 1, 12)):
        draw.line((x, y, x + canvas.u(9 if number % 5 == 0 else 4), y), fill=colour)


def _grey_bar(canvas: Canvas, x: int, top: int, *, colour: bool = False) -> None:
    width, height = canvas.u(14), canvas.u(160)
    ramp = np.repeat(np.linspace(250, 0, height).astype(np.uint8)[:, None], width, 1)
    bar = np.repeat(ramp[..., None], 3, 2)
    if colour:
        bar = bar * np.where(np.arange(height) < height / 2, 1, 0)[:, None, None].astype(np.uint8)
        bar[height // 2 :, :, 2] = ramp[::-1][height // 2 :]
    canvas.still.paste(Image.fromarray(bar), (x, top))


def _heart_trace(canvas: Canvas, left: int, right: int, y: int) -> None:
    def draw(pen: ImageDraw.ImageDraw, phase: float) -> None:
        xs = np.arange(left, left + max(4, int((right - left) * (0.3 + 0.7 * phase))))
        beat = ((xs - left) % canvas.u(120)) / canvas.u(120)
        ys = y - canvas.u(30) * np.exp(-(((beat - 0.3) / 0.03) ** 2)) - canvas.u(8) * np.exp(-(((beat - 0.6) / 0.08) ** 2))
        pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=GREEN, width=max(1, canvas.u(1.5)))

    canvas.moving.append(draw)


def _window(canvas: Canvas, top: int, bottom_margin: float = 20) -> CropBox:
    """Where the picture may be: below the bar, between the side columns."""
    return CropBox(canvas.u(90), top, canvas.columns - canvas.u(90), canvas.rows - canvas.u(bottom_margin))


def _curved_fan(canvas: Canvas, window: CropBox, *, fits: bool = True) -> Part:
    """A curved array's fan below the top of the window; one that fits is inside of it, else its sides are cut."""
    rng = canvas.rng
    half = rng.uniform(24, 38) if fits else rng.uniform(34, 42)
    height = window.height * rng.uniform(0.86, 0.97)
    ratio = rng.uniform(0.15, 0.32)  # inner radius to outer
    # From the corners of the inner arc, the highest points, to the lowest of the outer arc.
    outer = height / (1 - ratio * cos(radians(half)))
    widest = 0.49 * window.width / sin(radians(half))
    outer = min(outer, widest) if fits else max(outer, widest * rng.uniform(1.12, 1.3))
    x = (window.left + window.right) / 2 + (rng.uniform(-6, 6) if fits else rng.uniform(-30, 30))
    y = window.top + canvas.u(rng.uniform(3, 12)) - outer * ratio * cos(radians(half))
    return _fan(canvas, (x, y), (outer * ratio, outer), half, window)


def _around(canvas: Canvas, top: int, bottom: int) -> None:
    """What stands beside most pictures."""
    _side(canvas, canvas.u(6), top + canvas.u(20))
    _depth_scale(canvas, canvas.columns - canvas.u(70), top + canvas.u(10), bottom)
    _grey_bar(canvas, canvas.columns - canvas.u(30), top + canvas.u(30))


def _draw_curved(canvas: Canvas) -> None:
    window = _window(canvas, _bar(canvas) + canvas.u(6))
    canvas.parts.append(_curved_fan(canvas, window))
    _around(canvas, window.top, window.bottom)


def _draw_linear(canvas: Canvas) -> None:
    rng, at_bottom = canvas.rng, canvas.rng.random() < 0.3
    bar = _bar(canvas, at_bottom=at_bottom)
    window = _window(canvas, canvas.u(8) if at_bottom else bar + canvas.u(8), bar / canvas.unit + 8 if at_bottom else 20)
    left, right = window.left + int(rng.uniform(0, 60)), window.right - int(rng.uniform(0, 60))
    box = CropBox(left, window.top + int(rng.uniform(0, 30)), right, window.bottom - int(rng.uniform(0, 60)))
    canvas.parts.append(_rectangle(canvas, box))
    _around(canvas, window.top, window.bottom)


def _draw_phased(canvas: Canvas) -> None:
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6), 60)
    half = rng.uniform(36, 46)
    outer = min(window.height * rng.uniform(0.88, 0.97), 0.49 * window.width / sin(radians(half)))
    apex = (window.left + window.right) / 2 + rng.uniform(-10, 10), window.top + canvas.u(3)
    canvas.parts.append(_fan(canvas, apex, (outer * rng.uniform(0.01, 0.07), outer), half, window))
    _around(canvas, window.top, window.bottom)
    draw = ImageDraw.Draw(canvas.still)
    for step in range(1, 15):  # the depth in dots along the right side of the fan
        x, y = (apex[axis] + outer * step / 15 * direction(radians(half + 1.5)) for axis, direction in ((0, sin), (1, cos)))
        draw.rectangle((x + 2, y, x + 3, y + 1), fill=WHITE)
    _heart_trace(canvas, window.left, window.right - canvas.u(100), canvas.rows - canvas.u(16))


def _draw_dual(canvas: Canvas) -> None:
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6), 30)
    middle, gap = (window.left + window.right) // 2, canvas.u(rng.uniform(2, 14))
    halves = (
        CropBox(window.left, window.top, middle - gap, window.bottom),
        CropBox(middle + gap, window.top, window.right, window.bottom),
    )
    linear, height = rng.random() < 0.5, rng.uniform(0.6, 0.95)
    half, ratio = rng.uniform(24, 34), rng.uniform(0.2, 0.3)
    for part in halves:
        if linear:
            box = CropBox(part.left, part.top, part.right, part.top + int(part.height * height))
            canvas.parts.append(_rectangle(canvas, box))
        else:
            outer = min(part.height * 0.95 / (1 - ratio * cos(radians(half))), 0.49 * part.width / sin(radians(half)))
            apex = (part.left + part.right) / 2, part.top + canvas.u(4) - outer * ratio * cos(radians(half))
            canvas.parts.append(_fan(canvas, apex, (outer * ratio, outer), half, part))
    _around(canvas, window.top, window.bottom)


def _draw_m_mode(canvas: Canvas) -> None:
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6), 34)
    split = window.top + int(window.height * rng.uniform(0.38, 0.52))
    above = CropBox(window.left, window.top, window.right, split - canvas.u(14))
    if rng.random() < 0.5:
        canvas.parts.append(_curved_fan(canvas, above))
    else:
        inset = int(above.width * rng.uniform(0.15, 0.3))
        canvas.parts.append(_rectangle(canvas, CropBox(above.left + inset, above.top + 4, above.right - inset, above.bottom)))
    canvas.parts.append(_rectangle(canvas, CropBox(window.left, split, window.right, window.bottom), sweeping=True))
    _around(canvas, window.top, window.bottom)
    for number in range(6):  # the time scale under the strip
        canvas.text(window.left + number * window.width / 6, window.bottom + 3, f"{number}s", 10, GREY)


def _draw_colour_box(canvas: Canvas) -> None:
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6))
    part = _curved_fan(canvas, window) if rng.random() < 0.6 else _rectangle(canvas, window)
    depth, side = part.depth[part.mask].max(), np.abs(part.lateral[part.mask]).max()
    near, wide = depth * rng.uniform(0.25, 0.4), side * rng.uniform(0.25, 0.5)
    part.flow = part.mask & (part.depth > near) & (part.depth < near + 0.35 * depth) & (np.abs(part.lateral) < wide)
    canvas.parts.append(part)
    _around(canvas, window.top, window.bottom)
    _grey_bar(canvas, canvas.columns - canvas.u(50), window.top + canvas.u(220), colour=True)
    canvas.text(canvas.columns - canvas.u(60), window.top + canvas.u(200), "+59.3", 11, GREY)


def _draw_white_interface(canvas: Canvas) -> None:
    rng, u = canvas.rng, canvas.u
    shade = int(rng.integers(200, 246))
    canvas.still.paste((shade, shade, shade + 6), (0, 0, canvas.columns, canvas.rows))
    window = CropBox(u(120), u(60), canvas.columns - u(100), canvas.rows - u(50))
    fan = rng.random() < 0.6
    if fan:
        ImageDraw.Draw(canvas.still).rectangle((window.left, window.top, window.right - 1, window.bottom - 1), fill=(0, 0, 0))
        canvas.parts.append(_curved_fan(canvas, window))
    else:
        inset = int(rng.uniform(0, 40))
        ImageDraw.Draw(canvas.still).rectangle((window.left, window.top, window.right - 1, window.bottom - 1), fill=(0, 0, 0))
        canvas.parts.append(
            _rectangle(canvas, CropBox(window.left + inset, window.top, window.right - inset, window.bottom - inset))
        )
    canvas.text(u(10), u(8), NAMES[rng.integers(len(NAMES))], 15, (20, 20, 24), names=True)
    canvas.text(u(10), u(30), f"ID {rng.integers(10**6, 10**8)}", 12, (20, 20, 24), names=True)
    canvas.text(canvas.columns - u(10), u(8), "12.03.2021 10:31", 13, (20, 20, 24), names=True, right=True)
    _side(canvas, u(8), u(80), colour=(60, 60, 70))
    for number in range(5):
        x = u(130 + 120 * number)
        ImageDraw.Draw(canvas.still).rectangle(
            (x, canvas.rows - u(40), x + u(100), canvas.rows - u(12)), outline=(90, 90, 120), fill=(225, 228, 240)
        )
        canvas.text(x + u(10), canvas.rows - u(36), ("Freeze", "Gain", "Depth", "Store", "Menu")[number], 13, (30, 30, 60))


def _draw_annotations(canvas: Canvas) -> None:
    """Text over the picture: what it shows, callipers; with every second seed also who the patient is."""
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6))
    canvas.parts.append(_curved_fan(canvas, window) if rng.random() < 0.5 else _rectangle(canvas, window))
    _around(canvas, window.top, window.bottom)
    x, y = (window.left + window.right) / 2, window.top + window.height * rng.uniform(0.5, 0.7)
    canvas.text(x - canvas.u(90), y, "RT KIDNEY LONG", 18, YELLOW, over=True)
    draw = ImageDraw.Draw(canvas.over)
    for dx, dy in ((-60, -80), (70, -40)):
        px, py, arm = x + canvas.u(dx), y + canvas.u(dy), canvas.u(6)
        draw.line((px - arm, py, px + arm, py), fill=WHITE, width=2)
        draw.line((px, py - arm, px, py + arm), fill=WHITE, width=2)
    if rng.random() < 0.5:
        canvas.text(x - canvas.u(60), y + canvas.u(40), NAMES[rng.integers(len(NAMES))], 16, WHITE, names=True, over=True)


def _draw_clipped_fan(canvas: Canvas) -> None:
    window = _window(canvas, _bar(canvas) + canvas.u(6), 30)
    canvas.parts.append(_curved_fan(canvas, window, fits=False))
    _around(canvas, window.top, window.bottom)


def _draw_trapezoid(canvas: Canvas) -> None:
    """A linear probe that steers its lines outwards: flat above, and below an arc or flat."""
    rng = canvas.rng
    window = _window(canvas, _bar(canvas) + canvas.u(6))
    half, middle = rng.uniform(10, 20), (window.left + window.right) / 2
    height = window.height * rng.uniform(0.85, 0.97)
    width = min(window.width * 0.95 - 2 * height * sin(radians(half)), window.width * 0.6)
    x, y = _grid(canvas)
    depth = y - window.top - canvas.u(4)
    mask = (depth >= 0) & (depth < height) & (np.abs(x - middle) <= width / 2 + depth * sin(radians(half)) / cos(radians(half)))
    canvas.parts.append(Part(mask, depth, x - middle))
    _around(canvas, window.top, window.bottom)


_DRAW: dict[str, Callable[[Canvas], None]] = {
    "curved": _draw_curved,
    "linear": _draw_linear,
    "phased": _draw_phased,
    "dual": _draw_dual,
    "m-mode": _draw_m_mode,
    "colour-box": _draw_colour_box,
    "white-interface": _draw_white_interface,
    "annotations": _draw_annotations,
    "clipped-fan": _draw_clipped_fan,
    "trapezoid": _draw_trapezoid,
}
LAYOUTS = tuple(_DRAW)
