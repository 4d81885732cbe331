"""Where to crop when nobody said: a preset of the settings, the header's ultrasound regions, or the picture's content.

The content is looked at (and pixels are read) only where neither a preset nor regions without doubt decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from USDICOMizerLib.exam import Device, Instance, Region
from USDICOMizerLib.geometry import CropBox, RectangleSector, Sector

if TYPE_CHECKING:
    from USDICOMizerLib.content.picture import Picture
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
_REGIONS_OF_SCREEN = 0.49  # in doubt, but they lose nothing: content that is in doubt as well may
MOST_OF_CONTENT = 0.75  # content that is as clear as can be, still less sure than regions
_CONFIRMED = 0.8  # content and regions, found independently, that agree

_AGREEMENT = 0.8  # intersection over union of boxes that mean the same picture
_SCREEN = 0.85  # share of the image: some scanners declare their whole screen, with its settings and bars, as one region
_HELD = 0.9  # share of what the content shows that lies in the regions
# Scanners that store a smaller image forget to make its regions smaller: by these factors.
_FORGOTTEN_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0)

CONTENT = "content"


@dataclass(frozen=True)
class Proposal:
    """A crop box with where it came from ("preset NAME", "regions" or "content"), a confidence from 0 to 1, and why.

    `sector` is the outline of the picture in it, where one was asked for and found.
    """

    box: CropBox
    origin: str
    confidence: float
    note: str = ""
    sector: Sector | None = None

    def __str__(self) -> str:
        """The plan's form, with the box, so that a later edit of the box can be told: "regions 32 24 640 416"."""
        return f"{self.origin} {self.box.left} {self.box.top} {self.box.right} {self.box.bottom}"


def propose_crop(instance: Instance, settings: Settings) -> Proposal | None:
    """The first proposal without doubt in the order of `[crop] order`, else the surest; None where nothing proposes.

    The box has the margin of the settings, lies in the image, and is at least as large as they want it.
    """
    if instance.columns < 1 or instance.rows < 1:
        return None
    doubted: list[Proposal] = []
    for source in settings.crop.order:
        if source == "preset":
            proposal = _from_presets(instance, settings.presets, settings.crop)
        elif source == "regions":
            proposal = _from_regions(instance, settings.crop)
        else:
            proposal = _from_content(instance, settings.crop)
        if proposal is not None and proposal.confidence >= DOUBTFUL:
            return proposal
        if proposal is not None:
            doubted.append(proposal)
    return max(doubted, key=lambda proposal: proposal.confidence, default=None)


def looks_at_pixels(instance: Instance, settings: Settings) -> bool:
    """Whether `propose_crop` would read the pixels of the instance, as nothing that comes first in the order is sure."""
    for source in settings.crop.order:
        if source == CONTENT:
            from USDICOMizerLib.content.find import is_worth_a_look  # as in `_picture_of`

            return is_worth_a_look(instance)
        presets = source == "preset"
        found = _from_presets(instance, settings.presets, settings.crop) if presets else _from_regions(instance, settings.crop)
        if found is not None and found.confidence >= DOUBTFUL:
            return False
    return False


def propose_sector(instance: Instance, settings: Settings) -> Proposal | None:
    """A proposal with the outline of the picture: fitted to its content, else the box around its regions; None without either.

    The content is trusted more where the regions agree, and less where they are sure and say otherwise. The crop box is
    that of `propose_crop`, or that of the outline where nothing else proposes.
    """
    crop = propose_crop(instance, settings)
    picture = _picture_of(instance)
    box = _adjusted(picture.box, instance, settings.crop) if picture else None
    if box is None:
        if crop is None or crop.origin != "regions":
            return None
        note = f"{crop.note} No outline was found in the picture: the sector is the box of the regions.".strip()
        return replace(crop, sector=RectangleSector(crop.box), note=note)
    found = _from_content(instance, settings.crop)
    if crop is None or crop.origin == CONTENT:
        return replace(found, sector=picture.sector)
    if not crop.box.expanded(_OVERHANG_PIXELS).contains(box) and overlap(crop.box, box) < _AGREEMENT:
        note = "The outline in the picture's content reaches out of the crop box."
        return replace(crop, sector=picture.sector, confidence=_REGIONS_IN_DOUBT, note=note)
    return replace(crop, sector=picture.sector, confidence=min(crop.confidence, found.confidence), note=found.note)


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
    if not doubt:
        return Proposal(box, "regions", _REGIONS)
    whole = _is_screen(instance, box) and not _looks_wrong(instance, box)
    return Proposal(box, "regions", _REGIONS_OF_SCREEN if whole else _REGIONS_IN_DOUBT, doubt)


def _from_content(instance: Instance, crop: CropSettings) -> Proposal | None:
    """The box around what the frames show, confirmed by regions that were in doubt, or not."""
    picture = _picture_of(instance)
    box = _adjusted(picture.box, instance, crop) if picture else None
    if box is None:
        return None
    confidence, note = MOST_OF_CONTENT * picture.confidence, picture.note
    if (confidence >= DOUBTFUL or _are_in_doubt(instance)) and _confirmed_by_regions(instance, picture.box):
        return Proposal(box, CONTENT, _CONFIRMED, f"{note} The ultrasound regions agree.")
    if _reaches_out_of_regions(instance, picture.box):
        note += " It reaches out of the ultrasound regions."
        return Proposal(box, CONTENT, round(min(confidence, _REGIONS_IN_DOUBT), 2), note)
    if (around := _around_regions(instance)) is not None and _is_screen(instance, around):
        note += " The ultrasound regions hold nearly all of the screen."
    if confidence < DOUBTFUL:
        note += " Its edges are hard to tell."
    return Proposal(box, CONTENT, round(confidence, 2), note)


def _picture_of(instance: Instance) -> Picture | None:
    from USDICOMizerLib.content.find import picture_of  # opens pixels: only where the content is asked for

    return picture_of(instance)


def _confirmed_by_regions(instance: Instance, found: CropBox) -> bool:
    """Whether the regions mean the box that was found, perhaps in an image of another size."""
    boxes = [region.box for region in _picture_regions(instance)]
    if not boxes:
        return False
    around = reduce(CropBox.union, boxes)
    for scale in _FORGOTTEN_SCALES:
        edges = [round(edge / scale) for edge in (around.left, around.top, around.right, around.bottom)]
        if edges[0] < edges[2] and edges[1] < edges[3]:
            scaled = CropBox(*edges).clipped_to(instance.columns, instance.rows)
            if scaled is not None and overlap(scaled, found) >= _AGREEMENT:
                return True
    return False


def overlap(one: CropBox, other: CropBox) -> float:
    """Intersection over union."""
    shared = one.intersection(other)
    area = shared.width * shared.height if shared else 0
    return area / (one.width * one.height + other.width * other.height - area)


def doubt_about(instance: Instance, box: CropBox, proposal: str) -> str:
    """Why a proposal of low confidence, named as the plan names it, may be wrong: a sentence without what a person wrote."""
    if proposal.startswith(CONTENT):
        return "The crop box was told from the picture's content, whose edges are hard to tell, or differ from the exam's others."
    return doubt_about_regions(instance, box) or "The confidence of the proposal is low."


def doubt_about_regions(instance: Instance, box: CropBox) -> str:
    """Why the box around the picture's regions may keep what it should cut, as a sentence; empty where nothing says so.

    Regions that reach well beyond the image were written for an image of another size. A box that starts in the first
    row holds the place where scanners write the patient's name. One that is nearly all of the image is the screen.
    """
    if doubt := _looks_wrong(instance, box):
        return doubt
    if _is_screen(instance, box):
        return "The ultrasound regions hold nearly all of the screen, with what stands beside the picture."
    return ""


def _looks_wrong(instance: Instance, box: CropBox) -> str:
    if any(_reaches_beyond(region, instance) for region in _picture_regions(instance)):
        return "The ultrasound regions reach beyond the image, so they may belong to an image of another size."
    if box.top == 0:
        return "The box starts in the first row, where scanners write the patient's name."
    return ""


def _is_screen(instance: Instance, box: CropBox) -> bool:
    return box.width * box.height >= _SCREEN * instance.columns * instance.rows


def _around_regions(instance: Instance) -> CropBox | None:
    boxes = picture_boxes(instance)
    return reduce(CropBox.union, boxes) if boxes else None


def _are_in_doubt(instance: Instance) -> bool:
    """Whether the regions alone decide nothing; those that do need no doubtful content beside them."""
    around = _around_regions(instance)
    return around is None or bool(doubt_about_regions(instance, around))


def _reaches_out_of_regions(instance: Instance, found: CropBox) -> bool:
    """Whether the header says that much of what was found is no picture; regions of another image say nothing."""
    around = _around_regions(instance)
    if around is None or any(_reaches_beyond(region, instance) for region in _picture_regions(instance)):
        return False
    held = around.intersection(found)
    return (held.width * held.height if held else 0) < _HELD * found.width * found.height


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
