"""Where to crop when nobody said: a preset of the settings, or the header's ultrasound regions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from USDICOMizerLib.exam import Device, Instance, Region
from USDICOMizerLib.geometry import CropBox

if TYPE_CHECKING:
    from USDICOMizerLib.settings import CropPreset, CropSettings, Settings

DOUBTFUL = 0.5
"""A proposal with less confidence than this is not followed until a person has looked at it."""

# Region Spatial Format (0018,6012), PS3.3 C.8.5.5.1.1: 2D, M-mode, spectral. Waveforms (4) and graphics (5) aren't pictures.
_UNKNOWN_FORMAT = 0
_PICTURE_FORMATS = frozenset({1, 2, 3})
# Region Data Type (0018,6014), PS3.3 C.8.5.5.1.2: tissue, colour flow, PW and CW spectral Doppler, integrated backscatter.
_PICTURE_DATA = frozenset({0x01, 0x02, 0x03, 0x04, 0x0F})
# What is not the picture whatever its format says: volume, ECG, pulse and sound curves (8-C), grey and colour bar, area curves.
_BARS_AND_CURVES = frozenset({0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x10, 0x11})

# Scanners often give the size where the last pixel is meant; more than this beyond the image is another image's region.
_OVERHANG_PIXELS = 2
_OVERHANG_SHARE = 0.01

_PRESET_OF_THIS_SIZE = 0.95
_PRESET_OF_ANY_SIZE = 0.8
_REGIONS = 0.8
_REGIONS_IN_DOUBT = 0.4


@dataclass(frozen=True)
class Proposal:
    """A crop box with where it came from ("preset NAME" or "regions"), a confidence from 0 to 1, and why."""

    box: CropBox
    origin: str
    confidence: float
    note: str = ""

    def __str__(self) -> str:
        """The plan's form, with the box, so that a later edit of the box can be told: "regions 32 24 640 416"."""
        return f"{self.origin} {self.box.left} {self.box.top} {self.box.right} {self.box.bottom}"


def propose_crop(instance: Instance, settings: Settings) -> Proposal | None:
    """The first proposal in the order of `[crop] order`; None where no source of proposals has one.

    The box has the margin of the settings, lies in the image, and is at least as large as they want it.
    """
    if instance.columns < 1 or instance.rows < 1:
        return None
    for source in settings.crop.order:
        if source == "preset":
            proposal = _from_presets(instance, settings.presets, settings.crop)
        else:
            proposal = _from_regions(instance, settings.crop)
        if proposal is not None:
            return proposal
    return None


def picture_boxes(instance: Instance) -> tuple[CropBox, ...]:
    """The parts of the image that the header says are diagnostic picture, clamped to the image, in the header's order.

    Regions that only hold bars, curves or graphics are left out, and so are regions that hold nothing of the image.
    """
    clamped = (region.box.clipped_to(instance.columns, instance.rows) for region in _picture_regions(instance))
    return tuple(box for box in clamped if box is not None)


def _from_presets(instance: Instance, presets: Iterable[CropPreset], crop: CropSettings) -> Proposal | None:
    """The box of the most specific preset that matches and fits; among equals, the first of the settings."""
    fitting: list[tuple[CropPreset, CropBox]] = []
    for preset in presets:
        box = preset.multi_frame if instance.frames > 1 else preset.single_frame
        if box is not None and box.fits(instance.columns, instance.rows) and _matches(preset, instance):
            fitting.append((preset, box))
    if not fitting:
        return None
    preset, box = max(fitting, key=lambda found: _specificity(found[0]))
    box = _adjusted(box, instance, crop)
    if box is None:
        return None
    if preset.size is None:
        return Proposal(box, f"preset {preset.name}", _PRESET_OF_ANY_SIZE, "The preset names no image size.")
    return Proposal(box, f"preset {preset.name}", _PRESET_OF_THIS_SIZE)


def _named(value: str) -> str:
    """A preset's criterion as it is compared; empty for one that matches anything."""
    text = " ".join(value.split()).casefold()
    return "" if text == "-" else text


def _matches(preset: CropPreset, instance: Instance) -> bool:
    device = instance.device
    return (
        _named(preset.manufacturer) in ("", _named(device.manufacturer))
        and _named(preset.model) in ("", _named(device.model))
        and (not _named(preset.id) or _named(preset.id) in _identifiers(device))
        and preset.size in (None, (instance.columns, instance.rows))
    )


def _identifiers(device: Device) -> frozenset[str]:
    """What the id of a preset may be: the serial number, a software version, the model or the station."""
    texts = (device.serial_number, device.model, device.station, device.software_version, *device.software_version.split("\\"))
    return frozenset(map(_named, texts))


def _specificity(preset: CropPreset) -> tuple[int, ...]:
    """How much a preset names; with as much named, the id weighs more than the size, the model and the manufacturer."""
    named = (bool(_named(preset.id)), preset.size is not None, bool(_named(preset.model)), bool(_named(preset.manufacturer)))
    return (sum(named), *map(int, named))


def _from_regions(instance: Instance, crop: CropSettings) -> Proposal | None:
    """The smallest box around the picture's regions; in doubt where the regions are."""
    boxes = picture_boxes(instance)
    box = _adjusted(reduce(CropBox.union, boxes), instance, crop) if boxes else None
    if box is None:
        return None
    doubt = doubt_about_regions(instance, box)
    return Proposal(box, "regions", _REGIONS_IN_DOUBT if doubt else _REGIONS, doubt)


def doubt_about_regions(instance: Instance, box: CropBox) -> str:
    """Why the box around the picture's regions may keep what it should cut, as a sentence; empty where nothing says so.

    Regions that reach well beyond the image were written for an image of another size. A box that starts in the first
    row holds the place where scanners write the patient's name.
    """
    if any(_reaches_beyond(region, instance) for region in _picture_regions(instance)):
        return "The ultrasound regions reach beyond the image, so they may belong to an image of another size."
    if box.top == 0:
        return "The box starts in the first row, where scanners write the patient's name."
    return ""


def _picture_regions(instance: Instance) -> list[Region]:
    return [region for region in instance.regions if _is_picture(region)]


def _is_picture(region: Region) -> bool:
    if region.right < region.left or region.bottom < region.top or region.data_type in _BARS_AND_CURVES:
        return False
    if region.spatial_format == _UNKNOWN_FORMAT:
        return region.data_type in _PICTURE_DATA
    return region.spatial_format in _PICTURE_FORMATS


def _reaches_beyond(region: Region, instance: Instance) -> bool:
    def overhangs(last: int, size: int) -> bool:
        return last + 1 - size > max(_OVERHANG_PIXELS, _OVERHANG_SHARE * size)

    return overhangs(region.right, instance.columns) or overhangs(region.bottom, instance.rows)


def _adjusted(box: CropBox, instance: Instance, crop: CropSettings) -> CropBox | None:
    """The box with the margin, as far as the image reaches; None where that is less than the minimum size."""
    if min(box.width, box.height) + 2 * crop.margin < 1:
        return None
    adjusted = box.expanded(crop.margin).clipped_to(instance.columns, instance.rows)
    return adjusted if adjusted and min(adjusted.width, adjusted.height) >= crop.minimum_size else None
