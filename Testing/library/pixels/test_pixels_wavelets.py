"""JPEG-LS, JPEG 2000 and HTJ2K, each by every package that is there."""

from __future__ import annotations

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from codestreams import BOX, GREY, bits_of, cut, dcmtk, patterns, pixels_of
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import PixelRequest, convert


@pytest.fixture(params=["imagecodecs", "pyjpegls"])
def _each_jpeg_ls(request, without):
    """Either package alone."""
    without("imagecodecs" if request.param == "pyjpegls" else "jpeg_ls")


@pytest.mark.usefixtures("_each_jpeg_ls")
class TestJpegLs:
    """Made by imagecodecs (CharLS) and dcmtk."""

    @pytest.mark.parametrize(("bits", "signed"), GREY)
    def test_grey_is_exact(self, files, tmp_path, bits, signed):
        pixels = files.speckle(2, 29, 47, 1, bits, signed)
        frames = [imagecodecs.jpegls_encode(frame[..., 0]) for frame in patterns(pixels, bits)]
        file = files.make(frames, uid.JPEGLSLossless, pixels.shape, "MONOCHROME2", **bits_of(bits, signed))
        assert np.array_equal(pixels_of(files.opened(file)), cut(pixels))

    @pytest.mark.parametrize("mode", ["line", "sample", "none"])
    def test_every_interleave_mode_of_dcmtk_is_exact(self, files, tmp_path, mode):
        pixels = files.speckle(2, 29, 47, 3)
        native = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB")
        assert np.array_equal(pixels_of(files.opened(dcmtk("dcmcjpls", native, tmp_path, f"--interleave-{mode}"))), cut(pixels))

    def test_interleave_by_plane_is_exact(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        planes = np.ascontiguousarray(pixels[0].transpose(2, 0, 1)).tobytes()
        frame = bytes(jpeg_ls.encode_buffer(planes, 29, 47, 3, 8, interleave_mode=0))
        source = files.opened(files.make([frame], uid.JPEGLSLossless, pixels.shape, "RGB"))
        assert np.array_equal(pixels_of(source), cut(pixels))

    def test_near_lossless_is_decoded_as_its_encoder_does_and_told_as_lossy(self, files):
        pixels = files.speckle(1, 29, 47, 1)
        frame = imagecodecs.jpegls_encode(pixels[0, ..., 0], level=3)
        source = files.opened(files.make([frame], uid.JPEGLSNearLossless, pixels.shape, "MONOCHROME2"))
        assert np.array_equal(pixels_of(source)[0, ..., 0], imagecodecs.jpegls_decode(frame)[3:25, 5:41])
        assert source.lossy_step.method == "ISO_14495_1"

    def test_a_truncated_frame_is_refused(self, files):
        pixels = files.speckle(1, 64, 96, 1)
        frame = imagecodecs.jpegls_encode(pixels[0, ..., 0])[:-200] + b"\xff\xd9"
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(files.make([frame], uid.JPEGLSLossless, pixels.shape, "MONOCHROME2")))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


JPEG_2000_READERS = [(), ("imagecodecs",), ("imagecodecs", "openjpeg")]


class TestJpeg2000:
    """Made by imagecodecs, read by each decoder that may be there."""

    @pytest.mark.parametrize("hidden", JPEG_2000_READERS)
    @pytest.mark.parametrize(("bits", "signed"), GREY)
    def test_grey_is_exact(self, files, without, hidden, bits, signed):
        pixels = files.speckle(1, 29, 47, 1, bits, signed)
        frame = imagecodecs.jpeg2k_encode(pixels[0, ..., 0], codecformat="j2k", reversible=True, bitspersample=bits)
        without(*hidden)
        source = files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "MONOCHROME2", **bits_of(bits, signed)))
        assert np.array_equal(pixels_of(source), cut(pixels))

    @pytest.mark.parametrize("hidden", JPEG_2000_READERS)
    @pytest.mark.parametrize(
        ("photometric", "transform"), [("YBR_RCT", True), ("RGB", False), ("RGB", True), ("YBR_FULL", False)]
    )
    def test_colour_is_exact(self, files, without, hidden, photometric, transform):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.jpeg2k_encode(pixels[0], codecformat="j2k", reversible=True, mct=transform)
        without(*hidden)
        source = files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, photometric))
        assert np.array_equal(pixels_of(source), cut(pixels))
        expected = "YBR_FULL" if photometric == "YBR_FULL" else "YBR_RCT"
        assert convert(source, PixelRequest(BOX)).description.photometric_interpretation == expected
        assert source.warnings == ()

    def test_ybr_ict_comes_out_as_rgb_and_is_told_as_lossy(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.jpeg2k_encode(pixels[0], level=40, codecformat="j2k", reversible=False, mct=True)
        source = files.opened(files.make([frame], uid.JPEG2000, pixels.shape, "YBR_ICT"))
        assert np.array_equal(pixels_of(source), cut(imagecodecs.jpeg2k_decode(frame)[np.newaxis]))
        assert source.lossy_step.method == "ISO_15444_1"

    def test_a_header_that_claims_a_transform_which_is_not_there_is_told(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.jpeg2k_encode(pixels[0], codecformat="j2k", reversible=True, mct=False)
        source = files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "YBR_RCT"))
        assert np.array_equal(pixels_of(source), cut(pixels))
        assert any("coded as RGB" in warning for warning in source.warnings)

    def test_ybr_full_with_a_transform_of_its_own_is_refused(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.jpeg2k_encode(pixels[0], codecformat="j2k", reversible=True, mct=True)
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "YBR_FULL")))
        assert refused.value.problem is Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION

    def test_a_jp2_file_in_the_fragment_is_unwrapped(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.jpeg2k_encode(pixels[0], codecformat="jp2", reversible=True)
        assert np.array_equal(
            pixels_of(files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "YBR_RCT"))), cut(pixels)
        )

    def test_signed_samples_in_an_unsigned_codestream_follow_the_header(self, files):
        pixels = files.speckle(1, 29, 47, 1, 12, signed=True)
        frame = imagecodecs.jpeg2k_encode(patterns(pixels, 12)[0, ..., 0], codecformat="j2k", reversible=True, bitspersample=12)
        source = files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "MONOCHROME2", **bits_of(12, True)))
        assert np.array_equal(pixels_of(source), cut(pixels))

    def test_numbers_beyond_bits_stored_are_refused(self, files):
        pixels = files.speckle(1, 29, 47, 1, 16)
        frame = imagecodecs.jpeg2k_encode(pixels[0, ..., 0], codecformat="j2k", reversible=True, bitspersample=16)
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "MONOCHROME2", **bits_of(12, False))))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA

    @pytest.mark.parametrize("hidden", JPEG_2000_READERS)
    def test_a_truncated_frame_is_refused(self, files, without, hidden):
        pixels = files.speckle(1, 64, 96, 1)
        frame = imagecodecs.jpeg2k_encode(pixels[0, ..., 0], codecformat="j2k", reversible=True)[:-100] + b"\xff\xd9"
        without(*hidden)
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(files.make([frame], uid.JPEG2000Lossless, pixels.shape, "MONOCHROME2")))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


class TestHtj2k:
    """Made by imagecodecs (OpenJPH)."""

    @pytest.mark.parametrize("hidden", JPEG_2000_READERS)
    @pytest.mark.parametrize(("bits", "signed"), [(8, False), (16, False), (16, True)])
    @pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
    def test_grey_is_exact(self, files, without, hidden, bits, signed, syntax):
        pixels = files.speckle(1, 29, 47, 1, bits, signed)
        frame = imagecodecs.htj2k_encode(pixels[0, ..., 0], reversible=True)
        without(*hidden)
        source = files.opened(files.make([frame], syntax, pixels.shape, "MONOCHROME2", **bits_of(bits, signed)))
        assert np.array_equal(pixels_of(source), cut(pixels))

    @pytest.mark.parametrize("hidden", JPEG_2000_READERS)
    @pytest.mark.parametrize(("photometric", "transform"), [("YBR_RCT", True), ("RGB", False), ("YBR_FULL", False)])
    def test_colour_is_exact(self, files, without, hidden, photometric, transform):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.htj2k_encode(pixels[0], reversible=True, rgb=transform, planar=False)
        without(*hidden)
        source = files.opened(files.make([frame], uid.HTJ2KLossless, pixels.shape, photometric))
        assert np.array_equal(pixels_of(source), cut(pixels))

    def test_same_falls_back_to_jpeg_2000_without_an_encoder(self, files, without):
        pixels = files.speckle(1, 29, 47, 3)
        frame = imagecodecs.htj2k_encode(pixels[0], reversible=True, rgb=True, planar=False)
        source = files.opened(files.make([frame], uid.HTJ2KLossless, pixels.shape, "YBR_RCT"))
        assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == uid.HTJ2KLossless
        without("imagecodecs")
        assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == uid.JPEG2000Lossless
