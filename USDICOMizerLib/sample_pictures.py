"""The pictures of the sample exam: what a scanner's screen shows, drawn from arithmetic.

A curved array looks at a thigh: speckle that moves with the tissue, fascia, bone with its shadow, an artery that
pulsates and a vein that the probe presses shut and lets open over the cine. Around the fan stand what every
scanner draws: the patient bar, a grey bar, a depth scale, settings. The same call gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, pi, radians, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from USDICOMizerLib.geometry import CropBox

ROWS, COLUMNS = 600, 800
BAR_HEIGHT = 40  # rows of the patient bar
PICTURE = CropBox(88, 44, 744, 572)  # what the scanner declares as its region: below the bar, beside the grey bar
COLOUR_BOX = CropBox(294, 179, 523, 341)  # the region of the colour flow
PROBE = (408, 72)  # column and row of the middle of the probe's face: the zero of the depth scale
CENTIMETRES_PER_PIXEL = 0.025

_APEX_X, _APEX_Y = 408.0, -48.0
_INNER_RADIUS, _OUTER_RADIUS = 120.0, 588.0
_HALF_ANGLE = radians(33.0)
_BOX_NEAR, _BOX_FAR, _BOX_ANGLE = 118, 268, radians(17.0)  # the colour box: depths, and the angle to either side
_GREY, _YELLOW, _WHITE, _BAR = (150, 158, 164), (236, 208, 92), (232, 236, 240), (38, 52, 66)


@dataclass(frozen=True)
class BarText:
    """What the scanner burns into the patient bar; each line is one string."""

    left: tuple[str, str]
    right: tuple[str, str]


def draw_frame(bar: BarText, index: int = 0, count: int = 1, *, colour_flow: bool = False) -> np.ndarray:
    """One frame of a cine of `count` frames, as uint8 RGB (ROWS, COLUMNS, 3).

    Over the cine the probe presses the vein shut once and lets it open again. `colour_flow` adds a colour box.
    """
    phase = index / count
    frame = _screen(bar, colour_flow).copy()
    fan = _fan()
    grey, flow = _tissue(fan, phase)
    frame[fan.y, fan.x] = grey[:, None]
    if colour_flow:
        _paint_flow(frame, fan, flow)
    if count > 1:
        done = PICTURE.left + round((PICTURE.width - 1) * (index + 1) / count)
        frame[ROWS - 6 : ROWS - 3, PICTURE.left : PICTURE.right] = 40
        frame[ROWS - 6 : ROWS - 3, PICTURE.left : done] = _YELLOW
    return frame


@dataclass(frozen=True)
class _Fan:
    """The pixels of the fan as flat arrays: where they are, and how deep (pixels) and how far aside (radians)."""

    y: np.ndarray
    x: np.ndarray
    depth: np.ndarray
    angle: np.ndarray


@cache
def _fan() -> _Fan:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)  # single precision throughout: the pictures are 8 bits deep
    radius = np.hypot(x - _APEX_X, y - _APEX_Y)
    angle = np.arctan2(x - _APEX_X, y - _APEX_Y)
    inside = (radius >= _INNER_RADIUS) & (radius < _OUTER_RADIUS) & (np.abs(angle) <= _HALF_ANGLE)
    rows, columns = np.nonzero(inside)
    return _Fan(rows, columns, radius[inside] - np.float32(_INNER_RADIUS), angle[inside])


@cache
def _speckle() -> np.ndarray:
    """Fully developed speckle in dB on a (depth, angle) grid that repeats: the envelope of band-limited noise."""
    generator = np.random.default_rng(20240311)
    depth, angle = 1024, 512
    noise = generator.standard_normal((depth, angle)) + 1j * generator.standard_normal((depth, angle))
    axial, lateral = np.fft.fftfreq(depth)[:, None], np.fft.fftfreq(angle)[None, :]
    point_spread = np.exp(-0.5 * (axial / 0.17) ** 2 - 0.5 * (lateral / 0.16) ** 2)
    envelope = np.abs(np.fft.ifft2(np.fft.fft2(noise) * point_spread))
    return (20 * np.log10(envelope / np.median(envelope) + 0.03)).astype(np.float32)


def _sample_speckle(depth: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Speckle at a depth in pixels and an angle in radians, linear between the grid's nodes."""
    rows, columns = _speckle().shape
    down = depth * 1.25
    across = (angle / (2 * _HALF_ANGLE) + 0.5) * 230
    upper, left = np.floor(down), np.floor(across)
    down, across = down - upper, across - left
    node = (upper.astype(np.int32) % rows) * columns + left.astype(np.int32) % columns
    # The texture repeats, so its nodes' right and lower neighbours are the texture itself, rolled.
    here, right, below, diagonal = (_rolled(*by)[node] for by in ((0, 0), (0, 1), (1, 0), (1, 1)))
    above = here + (right - here) * across
    return above + (below + (diagonal - below) * across - above) * down


@cache
def _rolled(rows_up: int, columns_left: int) -> np.ndarray:
    return np.roll(_speckle(), (-rows_up, -columns_left), axis=(0, 1)).ravel()


@dataclass(frozen=True)
class _Flow:
    """How far inside the artery and the vein each pixel of the fan is: 1 at the centre, 0 at the wall, below outside."""

    artery: np.ndarray
    vein: np.ndarray


def _tissue(fan: _Fan, phase: float) -> tuple[np.ndarray, _Flow]:
    """Grey values (uint8) of the fan's pixels at a phase 0..1 of the cine, and where the vessels are."""
    pressed = 0.5 - 0.5 * cos(2 * pi * phase)
    pulse = max(0.0, sin(2 * pi * 3 * phase)) ** 2
    # Pressed tissue comes closer to the probe, and the more so the shallower it lies.
    depth = fan.depth * (1 + 0.16 * pressed) - 0.00016 * pressed * fan.depth**2
    aside = (depth + _INNER_RADIUS) * np.sin(fan.angle)

    artery = _inside(aside, depth, centre=(-46, 176), half_size=(27 + 3 * pulse, 27 + 3 * pulse))
    vein = _inside(aside, depth, centre=(40, 200), half_size=(47 + 6 * pressed, 33 * (1 - 0.9 * pressed)))
    decibel = _layers(aside, depth)
    for vessel, thickness in ((artery, 0.16), (vein, 0.10)):
        lumen = _step(vessel * 16)
        decibel = decibel * (1 - lumen) - 27 * lumen
        decibel += 14 * np.exp(-((vessel / thickness) ** 2)) * (vessel < 0.05)
    # Blood attenuates less than tissue, so what lies beneath a vessel is brighter.
    below = _step((depth - 235) / 8)
    decibel += 4 * below * (np.exp(-(((aside + 60) / 24) ** 2)) + (1 - pressed) * np.exp(-(((aside - 52) / 34) ** 2)))
    decibel += _sample_speckle(depth, fan.angle) * 0.98 - depth * 0.010
    return np.clip(109 + 4.9 * decibel, 3, 250).astype(np.uint8), _Flow(artery, vein)


def _inside(aside: np.ndarray, depth: np.ndarray, centre: tuple[float, float], half_size: tuple[float, float]) -> np.ndarray:
    """1 at the centre of an ellipse, 0 on its edge, negative outside."""
    across = (aside - centre[0]) / half_size[0]
    down = (depth - centre[1]) / half_size[1]
    return 1 - np.sqrt(across**2 + down**2)


def _step(value: np.ndarray) -> np.ndarray:
    """A soft step from 0 (below -3) to 1 (above 3)."""
    return 0.5 + 0.5 * np.tanh(value)


def _fourth(value: np.ndarray) -> np.ndarray:
    return np.square(np.square(value))  # numpy's own power is ten times slower


def _layers(aside: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """How strongly the tissue scatters, in dB: skin, fat with septa, fascia, muscle with fibres, bone with its shadow."""
    decibel = 15 * np.exp(-((depth / 7) ** 2)) - 4 * _step((depth - 10) / 4)
    bend = depth + 0.0004 * aside**2 + 5 * np.sin(aside / 46)
    fat = _step((bend - 12) / 4) * (1 - _step((bend - 92) / 4))
    decibel += fat * (5 * np.square(_fourth(np.sin(bend / 7.5 + np.sin(aside / 37)))) - 2)
    for level, strength, width in ((92, 15, 3.2), (138, 8, 2.4), (292, 11, 3.0)):
        wave = 6 * np.sin(aside / 71 + level)
        decibel += strength * np.exp(-(((bend - level - wave) / width) ** 2)) * (0.75 + 0.25 * np.sin(aside / 17))
    muscle = _step((bend - 142) / 6)
    fibres = np.sin(depth * 0.15 + aside * 0.05 + 2.6 * np.sin(aside / 61 + depth / 47)) * np.sin(aside / 29 - depth / 23)
    decibel += muscle * (7 * _fourth(fibres) - 5)
    bone = depth - 366 - 0.0034 * (aside + 70) ** 2
    over_bone = np.exp(-_fourth((aside + 70) / 62))
    decibel += 24 * np.exp(-((bone / 5) ** 2)) * over_bone
    return decibel - 24 * _step((bone - 14) / 8) * over_bone


def _paint_flow(frame: np.ndarray, fan: _Fan, flow: _Flow) -> None:
    """Draw the colour box and colour the blood in it: arterial flow towards the probe red, venous flow away from it blue."""
    boxed = (fan.depth > _BOX_NEAR) & (fan.depth < _BOX_FAR) & (np.abs(fan.angle) < _BOX_ANGLE)
    flicker = 0.85 + 0.03 * _sample_speckle(fan.depth * 0.6, fan.angle * 0.6)
    for speed, towards in ((flow.artery, True), (flow.vein, False)):
        seen = boxed & (speed > 0.08)
        frame[fan.y[seen], fan.x[seen]] = _flow_colours(np.clip(np.sqrt(speed[seen]) * flicker[seen], 0, 1), towards)
    edge = np.minimum(fan.depth - _BOX_NEAR, _BOX_FAR - fan.depth)
    edge = np.minimum(edge, (_BOX_ANGLE - np.abs(fan.angle)) * (fan.depth + _INNER_RADIUS))
    outline = np.abs(edge) < 0.6
    frame[fan.y[outline], fan.x[outline]] = _WHITE


def _flow_colours(speed: np.ndarray, towards: bool) -> np.ndarray:
    """The velocity map, uint8 (n, 3): dark to bright red and yellow towards the probe, blue to cyan away from it."""
    strong = 90 + 165 * speed
    fast = 220 * np.clip(speed - 0.35, 0, 1)
    faint = 24 * speed
    return np.stack((strong, fast, faint) if towards else (faint, fast, strong), axis=-1).astype(np.uint8)


@cache
def _screen(bar: BarText, colour_flow: bool) -> np.ndarray:
    """All that doesn't move: the patient bar and what stands around the fan. uint8 (ROWS, COLUMNS, 3)."""
    image = Image.new("RGB", (COLUMNS, ROWS), (0, 0, 0))
    draw = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(size=15), ImageFont.load_default(size=12)

    draw.rectangle((0, 0, COLUMNS - 1, BAR_HEIGHT - 1), fill=_BAR)
    draw.line((0, BAR_HEIGHT - 1, COLUMNS - 1, BAR_HEIGHT - 1), fill=(84, 108, 128))
    for top, font, left, right in ((2, large, bar.left[0], bar.right[0]), (22, small, bar.left[1], bar.right[1])):
        draw.text((8, top), left, font=font, fill=_WHITE)
        draw.text((COLUMNS - 8 - draw.textlength(right, font=font), top), right, font=font, fill=_WHITE)

    settings = ("Venous", "C5-2", "FR 29Hz", "12 cm", "2D", " 62%", " C 55", " P Low", "TIS 0.4", "MI 1.1")
    flow_settings = ("CF", " 58%", " 1500Hz", " WF 90Hz")
    for line, text in enumerate(settings + (flow_settings if colour_flow else ())):
        draw.text((8, 232 + 16 * line), text, font=small, fill=_GREY)
    draw.text((330, 576), "Left common femoral vein", font=small, fill=_YELLOW)
    draw.ellipse((308, 54, 318, 64), outline=_YELLOW, width=2)

    _draw_depth_scale(draw, small)
    pixels = np.array(image)
    pixels[60:210, 16:32] = np.linspace(255, 0, 150).astype(np.uint8)[:, None, None]
    if colour_flow:
        speed = np.linspace(1, 0, 60)
        pixels[60:120, 46:62] = _flow_colours(speed, towards=True)[:, None]
        pixels[124:184, 46:62] = _flow_colours(speed[::-1], towards=False)[:, None]
    return pixels


def _draw_depth_scale(draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont) -> None:
    """A tick each half centimetre at the right of the fan, a number each second one, and the focus."""
    top = _APEX_Y + _INNER_RADIUS
    for half in range(24):
        y = round(top + half * 0.5 / CENTIMETRES_PER_PIXEL)
        length = 9 if half % 2 == 0 else 5
        draw.line((720 - length, y, 720, y), fill=_GREY)
        if half % 4 == 0 and half:
            draw.text((725, y - 8), str(half // 2), font=font, fill=_GREY)
    focus = round(top + 185)
    draw.polygon([(696, focus - 5), (696, focus + 5), (704, focus)], fill=_YELLOW)
