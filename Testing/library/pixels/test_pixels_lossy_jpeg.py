"""JPEG with loss: its colours, its damage, and that nothing is lost a second time."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from codestreams import BOX, OPTIONAL, adobe, bits_of, cut, dcmtk, jpeg, pixels_of, with_ids, without_markers
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import PixelRequest, convert


class TestLossyJpeg:
    """Baseline and Extended, judged by libjpeg-turbo through imagecodecs and by dcmtk."""

    def source(self, files, codestreams, shape, photometric, syntax=uid.JPEGBaseline8Bit, **attributes):
        return files.opened(files.make(codestreams, syntax, shape, photometric, **attributes))

    @pytest.mark.parametrize("subsampling", [0, 1, 2])
    @pytest.mark.parametrize("columns", [48, 47])
    @pytest.mark.parametrize("markers", ["jfif", "none", "adobe"])
    def test_ycbcr_frames_come_out_as_rgb(self, files, jpeg_codec, subsampling, columns, markers):
        jpeg_codec("none")
        pixels = files.speckle(2, 29, columns, 3)
        frames = [jpeg(frame, subsampling) for frame in pixels]
        expected = np.stack([imagecodecs.jpeg8_decode(frame) for frame in frames])
        if markers != "jfif":
            frames = [without_markers(frame, 0xE0) for frame in frames]
        if markers == "adobe":
            frames = [adobe(frame, 1) for frame in frames]
        source = self.source(files, frames, pixels.shape, "YBR_FULL_422" if subsampling else "YBR_FULL")
        assert np.array_equal(pixels_of(source), cut(expected))
        assert source.warnings == ()
        converted = convert(source, PixelRequest(BOX))
        assert converted.description.photometric_interpretation == "RGB"
        assert converted.description.transfer_syntax_uid == uid.JPEGLSLossless
        assert np.array_equal(files.pydicom_pixels(files.written(converted)), cut(expected))

    @pytest.mark.parametrize("subsampling", [0, 1, 2])
    def test_ycbcr_frames_agree_with_dcmtk(self, files, tmp_path, subsampling):
        pixels = files.speckle(2, 32, 48, 3)
        file = files.make([jpeg(frame, subsampling) for frame in pixels], uid.JPEGBaseline8Bit, pixels.shape, "YBR_FULL_422")
        decoded = files.pydicom_pixels(dcmtk("dcmdjpeg", file, tmp_path))
        assert np.array_equal(pixels_of(files.opened(file)), cut(decoded))

    def test_grey_frames(self, files):
        pixels = files.speckle(2, 29, 47, 1)
        frames = [jpeg(frame) for frame in pixels]
        source = self.source(files, frames, pixels.shape, "MONOCHROME2")
        expected = np.stack([imagecodecs.jpeg8_decode(frame) for frame in frames])[..., np.newaxis]
        assert np.array_equal(pixels_of(source), cut(expected))

    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
    @pytest.mark.parametrize("evidence", ["adobe 0", "RGB identifiers"])
    def test_rgb_coded_frames_are_not_converted(self, files, photometric, evidence):
        pixels = files.speckle(1, 29, 47, 3)
        frame = without_markers(jpeg(pixels[0], keep_rgb=True), 0xE0, 0xEE)
        expected = imagecodecs.jpeg8_decode(frame, colorspace="RGB", outcolorspace="RGB")[np.newaxis]
        frame = with_ids(frame, b"RGB" if evidence == "RGB identifiers" else b"\1\2\3")
        if evidence == "adobe 0":
            frame = adobe(frame, 0)
        source = self.source(files, [frame], pixels.shape, photometric)
        assert np.array_equal(pixels_of(source), cut(expected))
        assert bool(source.warnings) == (photometric != "RGB")
        assert np.abs(pixels_of(source).astype(int) - cut(pixels)).mean() < 6

    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
    def test_without_any_marker_the_header_decides(self, files, photometric):
        pixels = files.speckle(1, 29, 47, 3)
        frame = with_ids(without_markers(jpeg(pixels[0], keep_rgb=photometric == "RGB"), 0xE0, 0xEE), b"\1\2\3")
        source = self.source(files, [frame], pixels.shape, photometric)
        assert np.abs(pixels_of(source).astype(int) - cut(pixels)).mean() < 6
        assert source.warnings == ()

    @pytest.mark.parametrize("evidence", ["jfif", "adobe 1", "subsampling"])
    def test_ycbcr_frames_under_a_header_that_says_rgb_are_converted_with_a_warning(self, files, evidence):
        pixels = files.speckle(1, 29, 47, 3)
        frame = jpeg(pixels[0], 1 if evidence == "subsampling" else 0)
        expected = imagecodecs.jpeg8_decode(frame)[np.newaxis]
        if evidence != "jfif":
            frame = without_markers(frame, 0xE0)
        if evidence == "adobe 1":
            frame = adobe(frame, 1)
        source = self.source(files, [frame], pixels.shape, "RGB")
        assert np.array_equal(pixels_of(source), cut(expected))
        assert any("YCbCr" in warning for warning in source.warnings)

    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
    def test_markers_that_contradict_each_other_leave_it_to_the_header(self, files, photometric):
        pixels = files.speckle(1, 29, 47, 3)
        ycc = jpeg(pixels[0])
        rgb = without_markers(jpeg(pixels[0], keep_rgb=True), 0xEE)
        jfif = ycc[2 : ycc.find(b"\xff\xdb")]
        frame = ycc if photometric == "YBR_FULL" else with_ids(rgb[:2] + jfif + rgb[2:], b"\1\2\3")
        source = self.source(files, [adobe(frame, 0)], pixels.shape, photometric)
        assert np.abs(pixels_of(source).astype(int) - cut(pixels)).mean() < 6

    @pytest.mark.parametrize("bare", [False, True])
    def test_twelve_bits_agree_with_dcmtk(self, files, tmp_path, without, bare):
        pixels = files.speckle(2, 32, 48, 1, 12)
        native = files.make(pixels.tobytes(), files.explicit, pixels.shape, "MONOCHROME2", **bits_of(12, False))
        file = dcmtk("dcmcjpeg", native, tmp_path, "+ee")
        expected = files.pydicom_pixels(dcmtk("dcmdjpeg", file, tmp_path))
        if bare:
            without(*OPTIONAL)
        source = files.opened(file)
        assert np.array_equal(pixels_of(source), cut(expected))
        converted = convert(source, PixelRequest(BOX))
        assert (converted.description.bits_stored, converted.description.bits_allocated) == (12, 16)

    def test_eight_bits_in_extended_are_decoded(self, files):
        pixels = files.speckle(1, 29, 47, 1)
        frame = bytearray(jpeg(pixels[0]))
        frame[frame.find(b"\xff\xc0") + 1] = 0xC1
        source = self.source(files, [bytes(frame)], pixels.shape, "MONOCHROME2", uid.JPEGExtended12Bit)
        assert np.array_equal(pixels_of(source)[0, ..., 0], imagecodecs.jpeg8_decode(bytes(frame))[3:25, 5:41])

    def test_the_lossy_step_is_told_with_its_ratio(self, files):
        pixels = files.speckle(2, 29, 47, 3)
        frames = [jpeg(frame) for frame in pixels]
        step = convert(self.source(files, frames, pixels.shape, "YBR_FULL"), PixelRequest(BOX)).description.lossy_step
        assert step.method == "ISO_10918_1"
        assert step.ratio == pytest.approx(pixels.nbytes / sum(map(len, frames)), rel=0.02)

    @pytest.mark.parametrize(("lost", "ended"), [(2, False), (30, False), (300, False), (300, True), (3000, True)])
    def test_a_truncated_frame_is_never_filled_with_grey(self, files, lost, ended):
        pixels = files.speckle(1, 64, 96, 3)
        frame = jpeg(pixels[0])[: -2 - lost] + (b"\xff\xd9" if ended else b"")
        source = self.source(files, [frame], pixels.shape, "YBR_FULL")
        with pytest.raises(RefusedError) as refused:
            pixels_of(source)
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA

    def test_a_missing_end_marker_alone_does_no_harm(self, files):
        pixels = files.speckle(1, 29, 47, 3)
        frame = jpeg(pixels[0])
        source = self.source(files, [frame[:-2]], pixels.shape, "YBR_FULL")
        assert np.array_equal(pixels_of(source), cut(imagecodecs.jpeg8_decode(frame)[np.newaxis]))

    @pytest.mark.parametrize("shape", [(1, 28, 47, 3), (1, 29, 48, 3), (1, 29, 47, 1)])
    def test_a_codestream_that_contradicts_the_header_is_refused(self, files, shape):
        frame = jpeg(files.speckle(1, 29, 47, 3)[0])
        source = self.source(files, [frame], shape, "YBR_FULL" if shape[3] == 3 else "MONOCHROME2")
        with pytest.raises(RefusedError) as refused:
            pixels_of(source, CropBox(0, 0, 9, 9))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA
