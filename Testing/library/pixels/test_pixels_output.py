"""What is written: every lossless syntax read back by other decoders, and the strategy that chose it."""

from __future__ import annotations

import sys

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert
from USDICOMizerLib.pixels.encode import pack_bits

BOX = CropBox(5, 3, 40, 25)
COMPRESSED = [OutputSyntax.RLE, OutputSyntax.JPEG_LS, OutputSyntax.JPEG_2000, OutputSyntax.HTJ2K]
GREY = [(8, False), (8, True), (12, False), (12, True), (16, False), (16, True)]

READ_BY_PYDICOM = [
    (syntax, bits, signed)
    for syntax in COMPRESSED
    for bits, signed in GREY
    if not (syntax is OutputSyntax.HTJ2K and bits == 12)  # refused, see below
]


def bits_of(bits: int, signed: bool) -> dict:
    return {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "PixelRepresentation": int(signed)}


def cut(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, BOX.top : BOX.bottom, BOX.left : BOX.right]


def grey_output(files, bits, signed, syntax):
    pixels = files.speckle(2, 29, 47, 1, bits, signed)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **bits_of(bits, signed)))
    return cut(pixels), convert(source, PixelRequest(BOX, transfer_syntax=syntax))


@pytest.mark.parametrize(("syntax", "bits", "signed"), READ_BY_PYDICOM)
def test_pydicom_reads_grey_output_as_it_was(files, syntax, bits, signed):
    expected, converted = grey_output(files, bits, signed, syntax)
    assert np.array_equal(files.pydicom_pixels(files.written(converted)), expected)


@pytest.mark.parametrize("syntax", [OutputSyntax.RLE, OutputSyntax.JPEG_LS, OutputSyntax.JPEG_2000])
@pytest.mark.parametrize(("bits", "signed"), GREY)
def test_gdcm_reads_grey_output_as_it_was(files, tmp_path, syntax, bits, signed):
    expected, converted = grey_output(files, bits, signed, syntax)
    assert np.array_equal(files.gdcm_pixels(files.written(converted), tmp_path / "out.dcm"), expected)


@pytest.mark.parametrize("syntax", COMPRESSED)
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colour_output_is_read_as_it_was(files, tmp_path, syntax, photometric):
    pixels = files.speckle(2, 29, 47, 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric))
    converted = convert(source, PixelRequest(BOX, transfer_syntax=syntax))
    transformed = photometric == "RGB" and syntax in (OutputSyntax.JPEG_2000, OutputSyntax.HTJ2K)
    assert converted.description.photometric_interpretation == ("YBR_RCT" if transformed else photometric)
    assert converted.description.planar_configuration == 0
    file = files.written(converted)
    assert np.array_equal(files.pydicom_pixels(file), cut(pixels))
    if syntax is not OutputSyntax.HTJ2K:
        assert np.array_equal(files.gdcm_pixels(file, tmp_path / "out.dcm"), cut(pixels))


@pytest.mark.parametrize("hidden", [(), ("imagecodecs",)])
@pytest.mark.parametrize(("bits", "signed"), GREY)
def test_jpeg_2000_has_the_precision_of_bits_stored(files, without, hidden, bits, signed):
    pixels = files.speckle(2, 39, 47, 1, bits, signed)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **bits_of(bits, signed)))
    box = CropBox(5, 3, 40, 38)
    converted = convert(source, PixelRequest(box, transfer_syntax=OutputSyntax.JPEG_2000))
    expected = pixels[:, 3:38, 5:40]
    with pytest.MonkeyPatch.context() as patch:
        for package in hidden:
            patch.setitem(sys.modules, package, None)
        frames = list(converted.frames())
    assert all(frame[42] == (bits - 1) | (128 if signed else 0) for frame in frames)  # Ssiz, ISO 15444-1 A.5.1
    assert np.array_equal(np.stack([imagecodecs.jpeg2k_decode(frame) for frame in frames])[..., np.newaxis], expected)


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_compressed_frames_have_an_even_length(files, syntax):
    pixels = files.speckle(6, 29, 47, 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB"))
    converted = convert(source, PixelRequest(BOX, transfer_syntax=syntax))
    assert converted.description.encapsulated
    assert all(len(frame) % 2 == 0 for frame in converted.frames())


@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 400)), elements=st.integers(0, 2)))
@settings(max_examples=60, deadline=None)
def test_packed_bits_unpack_to_what_they_were_row_by_row(rows):
    packed = pack_bits(rows)
    assert len(packed) % 2 == 0
    for row in rows:
        unpacked, used = bytearray(), 0
        while len(unpacked) < row.size:
            control = packed[used]
            assert control != 128
            if control < 128:
                unpacked += packed[used + 1 : used + 2 + control]
                used += 2 + control
            else:
                unpacked += packed[used + 1 : used + 2] * (257 - control)
                used += 2
        assert bytes(unpacked) == row.tobytes()
        packed = packed[used:]
    assert packed in (b"", b"\0")


def test_rle_agrees_with_another_decoder_on_noise_and_flat_parts(files):
    random = np.random.default_rng(5)
    rows = np.where(np.arange(600) % 300 < 150, random.integers(0, 256, (40, 600)), 9).astype(np.uint8)
    assert imagecodecs.packbits_decode(pack_bits(rows))[: rows.size] == rows.tobytes()


@pytest.mark.parametrize(
    ("source_syntax", "expected"),
    [
        (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        (uid.DeflatedExplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        (uid.JPEGLSLossless, uid.JPEGLSLossless),
        (uid.JPEG2000Lossless, uid.JPEG2000Lossless),
        (uid.HTJ2KLossless, uid.HTJ2KLossless),
    ],
)
def test_same_stays_in_its_family(files, source_syntax, expected):
    pixels = files.speckle(1, 29, 47, 1)
    encoded = {
        uid.JPEGLSLossless: imagecodecs.jpegls_encode,
        uid.JPEG2000Lossless: lambda frame: imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True),
        uid.HTJ2KLossless: lambda frame: imagecodecs.htj2k_encode(frame, reversible=True),
    }
    data = [encoded[source_syntax](pixels[0, ..., 0])] if source_syntax in encoded else pixels.tobytes()
    source = files.opened(files.make(data, source_syntax, pixels.shape, "MONOCHROME2"))
    assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == expected


def test_same_takes_the_next_encoder_where_jpeg_ls_has_none(files, without):
    pixels = files.speckle(1, 29, 47, 1)
    source = files.opened(
        files.make([imagecodecs.jpegls_encode(pixels[0, ..., 0])], uid.JPEGLSLossless, pixels.shape, "MONOCHROME2")
    )
    tiny = convert(source, PixelRequest(CropBox(0, 0, 9, 9)))
    assert tiny.description.transfer_syntax_uid == uid.RLELossless
    without("jpeg_ls")
    assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == uid.RLELossless


def test_a_syntax_that_was_asked_for_is_never_replaced(files, without):
    pixels = files.speckle(1, 29, 47, 1)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2"))
    without("imagecodecs")
    with pytest.raises(RefusedError) as refused:
        convert(source, PixelRequest(BOX, transfer_syntax=OutputSyntax.HTJ2K))
    assert refused.value.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert "imagecodecs" in refused.value.detail


def test_htj2k_of_twelve_bits_is_refused_with_the_way_on(files):
    with pytest.raises(RefusedError) as refused:
        grey_output(files, 12, False, OutputSyntax.HTJ2K)
    assert "jpeg-2000" in refused.value.detail


def test_blanked_pixels_are_blank_in_compressed_output(files):
    pixels = files.speckle(2, 29, 47, 3)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB"))
    keep = np.zeros((29, 47), dtype=bool)
    keep[6:20, 8:33] = True
    converted = convert(source, PixelRequest(CropBox(0, 0, 47, 29), keep, transfer_syntax=OutputSyntax.JPEG_LS))
    expected = np.where(keep[np.newaxis, ..., np.newaxis], pixels, 0)
    assert np.array_equal(files.pydicom_pixels(files.written(converted)), expected)


def test_the_words_of_the_report_tell_what_was_done(files):
    pixels = files.speckle(1, 29, 47, 1)
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2"))
    assert convert(source, PixelRequest(BOX)).strategy == "cut out of the stored bytes, written as explicit little-endian"
    encoded = convert(source, PixelRequest(BOX, transfer_syntax=OutputSyntax.RLE))
    assert encoded.strategy == "cut out of the stored bytes, encoded losslessly as RLE"
