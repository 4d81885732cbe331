"""Where the crop box comes from, and when it is doubted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from USDICOMizerLib.exam import Device, Instance, Region
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.proposals import DOUBTFUL, picture_boxes, propose_crop
from USDICOMizerLib.settings import CropPreset, CropSettings, Settings

MakeInstance = Callable[..., Instance]

TISSUE = (1, 1)
PICTURE = Region(100, 50, 539, 449, *TISSUE)
SINGLE, MULTI = CropBox(10, 20, 500, 400), CropBox(30, 40, 520, 420)
SCANNER = Device("ACME Medical", "Echo 3", serial_number="4711", software_version="v1\\v2.5", station="ROOM-2")


def preset(name: str, **criteria: object) -> CropPreset:
    boxes = {"single_frame": SINGLE, "multi_frame": MULTI}
    return CropPreset(name, **(boxes | criteria))


def test_the_box_is_the_smallest_around_the_picture_regions_with_their_last_pixels(make_instance: MakeInstance) -> None:
    left, right, grey_bar = Region(32, 24, 335, 415, *TISSUE), Region(336, 24, 639, 410, 1, 2), Region(32, 4, 63, 9, 0, 13)
    proposal = propose_crop(make_instance(regions=(left, right, grey_bar)), Settings())
    assert (proposal.box, proposal.origin) == (CropBox(32, 24, 640, 416), "regions")
    assert proposal.confidence >= DOUBTFUL


@pytest.mark.parametrize("kind", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (3, 4), (3, 7), (1, 0), (0, 1), (0, 3)], ids=str)
def test_tissue_flow_m_mode_and_spectra_are_picture(make_instance: MakeInstance, kind: tuple[int, int]) -> None:
    assert picture_boxes(make_instance(regions=(Region(10, 20, 99, 79, *kind),))) == (CropBox(10, 20, 100, 80),)


@pytest.mark.parametrize("kind", [(0, 0), (0, 13), (1, 13), (1, 14), (4, 10), (4, 5), (5, 1), (3, 10), (0, 14)], ids=str)
def test_bars_curves_and_graphics_are_not_picture(make_instance: MakeInstance, kind: tuple[int, int]) -> None:
    instance = make_instance(regions=(Region(10, 20, 99, 79, *kind),))
    assert picture_boxes(instance) == ()
    assert propose_crop(instance, Settings()) is None


def test_regions_outside_the_image_or_inside_out_are_passed_over(make_instance: MakeInstance) -> None:
    instance = make_instance(regions=(Region(640, 10, 700, 20, *TISSUE), Region(99, 20, 10, 79, *TISSUE)))
    assert picture_boxes(instance) == ()


def test_a_region_that_ends_where_the_image_ends_is_clamped_without_doubt(make_instance: MakeInstance) -> None:
    # Scanners write the size where the standard wants the last pixel.
    proposal = propose_crop(make_instance(regions=(Region(120, 60, 640, 480, *TISSUE),)), Settings())
    assert proposal.box == CropBox(120, 60, 640, 480)
    assert proposal.confidence >= DOUBTFUL


@pytest.mark.parametrize(
    "region", [Region(84, 31, 700, 414, *TISSUE), Region(84, 31, 600, 518, *TISSUE)], ids=["wider", "higher"]
)
def test_a_region_larger_than_the_image_makes_the_clamped_box_doubtful(make_instance: MakeInstance, region: Region) -> None:
    proposal = propose_crop(make_instance(regions=(region,)), Settings())
    assert proposal.box == CropBox(84, 31, min(region.right + 1, 640), min(region.bottom + 1, 480))
    assert proposal.confidence < DOUBTFUL
    assert "another size" in proposal.note


def test_a_box_that_keeps_the_first_row_is_doubtful(make_instance: MakeInstance) -> None:
    proposal = propose_crop(make_instance(regions=(Region(84, 0, 600, 414, *TISSUE),)), Settings())
    assert proposal.confidence < DOUBTFUL
    assert "first row" in proposal.note


def test_the_margin_widens_the_box_as_far_as_the_image_reaches(make_instance: MakeInstance) -> None:
    instance = make_instance(regions=(Region(5, 50, 539, 449, *TISSUE),))
    assert propose_crop(instance, Settings(crop=CropSettings(margin=10))).box == CropBox(0, 40, 550, 460)
    assert propose_crop(instance, Settings(crop=CropSettings(margin=-10))).box == CropBox(15, 60, 530, 440)


@pytest.mark.parametrize("crop", [CropSettings(minimum_size=401), CropSettings(margin=-200), CropSettings(margin=-1000)])
def test_a_box_below_the_minimum_size_is_not_proposed(make_instance: MakeInstance, crop: CropSettings) -> None:
    instance = make_instance(regions=(PICTURE,))
    assert propose_crop(instance, Settings(crop=CropSettings(minimum_size=400))) is not None
    assert propose_crop(instance, Settings(crop=crop)) is None


def test_an_instance_without_an_image_has_no_proposal(make_instance: MakeInstance) -> None:
    anything = Settings(presets=(preset("any"),))
    assert propose_crop(make_instance(rows=0, columns=0, regions=(PICTURE,)), anything) is None


def test_a_preset_has_a_box_for_single_frames_and_one_for_cines(make_instance: MakeInstance) -> None:
    settings = Settings(presets=(preset("acme", manufacturer="ACME Medical"),))
    still = propose_crop(make_instance(device=SCANNER), settings)
    cine = propose_crop(make_instance(device=SCANNER, frames=30), settings)
    assert (still.box, cine.box) == (SINGLE, MULTI)
    assert still.origin == "preset acme"
    assert still.confidence >= DOUBTFUL


@pytest.mark.parametrize(
    "criteria",
    [
        {"manufacturer": "acme  MEDICAL"},
        {"model": "Echo 3"},
        {"id": "4711"},
        {"id": "Echo 3"},
        {"id": "room-2"},
        {"id": "v2.5"},
        {"id": "v1\\v2.5"},
        {"size": (640, 480)},
        {"manufacturer": "-", "model": "", "id": "-"},
    ],
    ids=str,
)
def test_a_preset_matches_on_what_it_names(make_instance: MakeInstance, criteria: dict) -> None:
    assert propose_crop(make_instance(device=SCANNER), Settings(presets=(preset("it", **criteria),))) is not None


@pytest.mark.parametrize(
    "criteria",
    [
        {"manufacturer": "ACME"},
        {"model": "Echo"},
        {"id": "471"},
        {"id": "ACME Medical"},
        {"size": (480, 640)},
        {"manufacturer": "ACME Medical", "id": "4712"},
        {"single_frame": None},
    ],
    ids=str,
)
def test_a_preset_that_names_something_else_does_not_match(make_instance: MakeInstance, criteria: dict) -> None:
    assert propose_crop(make_instance(device=SCANNER), Settings(presets=(preset("it", **criteria),))) is None


def test_the_preset_that_names_most_wins_and_then_the_id_and_then_the_first(make_instance: MakeInstance) -> None:
    maker = preset("maker", manufacturer="ACME Medical")
    number = preset("number", id="4711")
    both = preset("both", manufacturer="ACME Medical", model="Echo 3")
    instance = make_instance(device=SCANNER)

    def chosen(*presets: CropPreset) -> str:
        return propose_crop(instance, Settings(presets=presets)).origin

    assert chosen(maker, number, both) == "preset both"
    assert chosen(maker, number) == chosen(number, maker) == "preset number"
    assert chosen(preset("first", id="4711"), preset("second", id="4711")) == "preset first"


def test_a_preset_whose_box_does_not_fit_the_image_gives_way(make_instance: MakeInstance) -> None:
    too_large = preset("large", id="4711", single_frame=CropBox(0, 0, 641, 480))
    proposal = propose_crop(make_instance(device=SCANNER, regions=(PICTURE,)), Settings(presets=(too_large,)))
    assert proposal.origin == "regions"


def test_the_settings_say_what_is_asked_first(make_instance: MakeInstance) -> None:
    instance = make_instance(device=SCANNER, regions=(PICTURE,))
    presets = (preset("acme", id="4711"),)
    assert propose_crop(instance, Settings(presets=presets)).origin == "preset acme"
    assert propose_crop(instance, Settings(CropSettings(order=("regions", "preset")), presets)).origin == "regions"
    assert propose_crop(make_instance(device=SCANNER), Settings(CropSettings(order=("regions",)), presets)) is None


@pytest.mark.parametrize("last", [(629, 469), (639, 449)], ids=["nearly all", "to the edges"])
def test_a_region_that_holds_nearly_all_of_the_screen_is_doubtful_and_says_so(
    make_instance: MakeInstance, last: tuple[int, int]
) -> None:
    proposal = propose_crop(make_instance(regions=(Region(10, 20, *last, *TISSUE),)), Settings())
    assert proposal.box == CropBox(10, 20, last[0] + 1, last[1] + 1)
    assert proposal.confidence < DOUBTFUL
    assert "nearly all of the screen" in proposal.note
