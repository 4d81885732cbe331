"""JPEG Baseline output, asked for by name: its sampling, its colours, what it refuses, and that nothing else is lossy."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, uid
from pydicom.encaps import generate_frames

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, turbojpeg
from USDICOMizerLib.pixels.codestream import read_jpeg_header

BOX = CropBox(6, 3, 40, 25)
ODD = CropBox(5, 3, 40, 25)


def lossy(source, box: CropBox = BOX, quality: int = 95, **more):
    return convert(source, PixelRequest(box, transfer_syntax=OutputSyntax.JPEG_BASELINE, jpeg_quality=quality, **more))


def opened(files, photometric: str = "RGB", frames: int = 2, bits: int = 8, signed: bool = False, **attributes):
    pixels = files.speckle(
        frames, 29, 48, 1 if photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else 3, bits, signed
    )
    described = {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "PixelRepresentation": int(signed)}
    file = files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric, **(described | attributes))
    return pixels, files.opened(file)


def cut(pixels: np.ndarray, box: CropBox = BOX) -> np.ndarray:
    return pixels[:, box.top : box.bottom, box.left : box.right].astype(int)


def shown(files, converted) -> np.ndarray:
    """The output as Pillow shows it, which knows nothing of DICOM: grey or RGB."""
    dataset = dcmread(io.BytesIO(files.written(converted)))
    frames = generate_frames(dataset.PixelData, number_of_frames=dataset.NumberOfFrames)
    return np.stack([np.atleast_3d(np.asarray(Image.open(io.BytesIO(frame)))) for frame in frames]).astype(int)


def components(frame: bytes) -> np.ndarray:
    """Y, CB and CR as the codestream has them."""
    image = Image.open(io.BytesIO(frame))
    image.draft("YCbCr", None)
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("box", [BOX, ODD])
@pytest.mark.parametrize("quality", [1, 85, 100])
def test_colour_is_4_2_2_and_the_header_says_so(files, photometric, box, quality):
    converted = lossy(opened(files, photometric)[1], box, quality)
    headers = [read_jpeg_header(frame) for frame in converted.frames()]
    assert {header.sampling for header in headers} == {((2, 1), (1, 1), (1, 1))}
    assert {header.process for header in headers} == {0xC0}
    assert {(header.columns, header.rows) for header in headers} == {(box.width, box.height)}
    assert converted.description.photometric_interpretation == "YBR_FULL_422"
    assert converted.description.planar_configuration == 0
    assert converted.description.transfer_syntax_uid == uid.JPEGBaseline8Bit
    assert converted.description.lossy_method == "ISO_10918_1"
    assert all(len(frame) % 2 == 0 for frame in converted.frames())


def test_colour_that_was_4_2_2_keeps_its_components(files):
    pixels = files.speckle(1, 29, 48, 3)
    source = files.opened(files.make(files.to_422(pixels[0]), files.explicit, pixels.shape, "YBR_FULL_422"))
    assert np.abs(components(next(lossy(source, quality=100).frames())) - source.pixels(0, BOX)).mean() < 2


@pytest.fixture(params=["turbojpeg", "imagecodecs", "pillow"])
def encoder(request, monkeypatch) -> str:
    """Leave only one of the packages that encode."""
    if request.param == "turbojpeg" and turbojpeg.library() is None:
        pytest.skip("libturbojpeg is not installed")
    if request.param != "turbojpeg":
        monkeypatch.setattr(turbojpeg, "library", lambda: None)
    if request.param == "pillow":
        monkeypatch.setattr("USDICOMizerLib.pixels.lossy.find_spec", lambda name: None)
    return request.param


@pytest.mark.parametrize("photometric", ["RGB", "MONOCHROME2"])
def test_every_encoder_gives_the_same_picture_at_the_same_size(files, encoder, photometric):
    _, source = opened(files, photometric)
    with pytest.MonkeyPatch.context() as plain:
        plain.setattr(turbojpeg, "library", lambda: None)
        plain.setattr("USDICOMizerLib.pixels.lossy.find_spec", lambda name: None)
        expected = lossy(source, ODD, 85)
        shown_there, size = shown(files, expected), sum(map(len, expected.frames()))
    found = lossy(source, ODD, 85)
    assert read_jpeg_header(next(found.frames())).process == 0xC0
    assert np.abs(shown(files, found) - shown_there).max() <= 2
    assert sum(map(len, found.frames())) == pytest.approx(size, rel=0.01)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_grey_stays_what_it_is(files, photometric):
    pixels, source = opened(files, photometric)
    converted = lossy(source)
    assert converted.description.photometric_interpretation == photometric
    assert converted.description.samples_per_pixel == 1
    assert np.abs(shown(files, converted) - cut(pixels)).mean() < 2


def test_rgb_comes_back_as_it_was_but_for_the_loss(files):
    pixels, source = opened(files, "RGB")
    assert np.abs(shown(files, lossy(source)) - cut(pixels)).mean() < 4
    assert np.array_equal(shown(files, lossy(source)), shown(files, lossy(source, workers=3)))


def test_ybr_is_encoded_without_a_detour_through_rgb(files):
    pixels, source = opened(files, "YBR_FULL")
    luma = components(next(lossy(source, quality=100).frames()))[..., 0]
    assert np.abs(luma - cut(pixels)[0, ..., 0]).max() <= 2


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_becomes_the_colours_that_it_shows(files, bits):
    pixels, source = opened(files, "PALETTE COLOR", bits=bits, **files.palette())
    converted = lossy(source, quality=100)
    assert converted.description.photometric_interpretation == "YBR_FULL_422"
    assert (converted.description.samples_per_pixel, converted.description.bits_allocated) == (3, 8)
    weights = np.array([0.299, 0.587, 0.114])  # luma alone: neighbours of a speckle share their colour in 4:2:2
    expected = source.display.show(source.pixels(0, BOX)) @ weights
    assert np.abs(shown(files, converted)[0] @ weights - expected).mean() < 12
    flat = np.full_like(pixels, 80)
    described = {"BitsAllocated": bits, "BitsStored": bits}
    file = files.make(flat.tobytes(), files.explicit, flat.shape, "PALETTE COLOR", **described, **files.palette())
    of_one_colour = files.opened(file)
    expected = of_one_colour.display.show(of_one_colour.pixels(0, BOX)).astype(int)
    assert np.abs(shown(files, lossy(of_one_colour, quality=100))[0] - expected).max() <= 2


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR"])
def test_what_is_blanked_shows_black(files, photometric):
    attributes = files.palette() if photometric == "PALETTE COLOR" else {}
    _, source = opened(files, photometric, **attributes)
    keep = np.zeros((29, 48), dtype=bool)
    keep[:, :24] = True
    blank = shown(files, lossy(source, CropBox(0, 0, 48, 29), keep=keep))[:, :, 33:]  # beyond what the edge reaches
    black = 255 if photometric == "MONOCHROME1" else 0
    assert np.abs(blank - black).max() <= 2


def jpeg_source(files, syntax: str = uid.JPEGBaseline8Bit):
    pixels = files.speckle(2, 29, 48, 3)
    frames = []
    for frame in pixels:
        stream = io.BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", quality=90, subsampling="4:2:2")
        frames.append(stream.getvalue())
    return files.opened(files.make(frames, syntax, pixels.shape, "YBR_FULL_422"))


def test_a_jpeg_baseline_source_is_cut_and_loses_nothing_more(files, jpeg_codec):
    jpeg_codec("turbojpeg")
    source = jpeg_source(files)
    converted = lossy(source, CropBox(16, 8, 48, 29), quality=20)
    assert list(converted.frames()) == list(convert(source, PixelRequest(CropBox(16, 8, 48, 29))).frames())
    assert converted.description.lossy_method == ""
    assert converted.strategy == "JPEG cut without decoding, in its own quality"


@pytest.mark.parametrize(
    ("codec", "syntax", "box"),
    [
        ("none", uid.JPEGBaseline8Bit, BOX),  # nothing cuts it
        ("turbojpeg", uid.JPEGBaseline8Bit, CropBox(1, 1, 15, 7)),  # no whole block
        ("turbojpeg", uid.JPEGExtended12Bit, BOX),  # not what was asked for
    ],
)
def test_a_jpeg_source_that_cannot_be_cut_is_encoded_again_as_asked(files, jpeg_codec, codec, syntax, box):
    jpeg_codec(codec)
    source = jpeg_source(files, syntax)
    assert convert(source, PixelRequest(box)).description.lossy_method == ""
    converted = lossy(source, box)
    assert converted.description.transfer_syntax_uid == uid.JPEGBaseline8Bit
    assert converted.description.lossy_step.method == converted.description.lossy_method == "ISO_10918_1"
    assert np.abs(shown(files, converted) - np.stack([source.pixels(index, box) for index in range(2)])).mean() < 3
    assert "with loss as JPEG Baseline of quality 95, as asked" in converted.strategy


def test_a_higher_quality_is_nearer_and_larger(files):
    pixels, source = opened(files, "MONOCHROME2")
    errors = [np.abs(shown(files, lossy(source, quality=quality)) - cut(pixels)).mean() for quality in (30, 85, 100)]
    sizes = [sum(map(len, lossy(source, quality=quality).frames())) for quality in (30, 85, 100)]
    assert errors == sorted(errors, reverse=True)
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    "described",
    [dict(bits=16), dict(bits=12), dict(signed=True), dict(BitsStored=7)],
)
def test_what_jpeg_baseline_has_no_room_for_is_refused_with_the_way_on(files, described):
    _, source = opened(files, "MONOCHROME2", **described)
    with pytest.raises(RefusedError) as refused:
        lossy(source)
    assert refused.value.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert "jpeg-ls" in refused.value.detail


def test_no_other_syntax_says_that_it_loses_anything(files):
    _, source = opened(files, "RGB")
    for syntax in set(OutputSyntax) - {OutputSyntax.JPEG_BASELINE}:
        assert convert(source, PixelRequest(BOX, transfer_syntax=syntax)).description.lossy_method == ""
