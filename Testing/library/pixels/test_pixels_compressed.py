"""Lossless codecs with runs and predictions: JPEG Lossless, RLE; and what holds for all."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
from codestreams import BOX, GREY, OPTIONAL, bits_of, cut, dcmtk, pixels_of
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, decode, encode


class TestLosslessJpeg:
    """Made and judged by GDCM and dcmtk; the originals are the truth."""

    def encoded(self, files, pixels, photometric, tmp_path, syntax="JPEGLosslessProcess14_1", **attributes):
        import gdcm

        path = tmp_path / "native.dcm"
        path.write_bytes(files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric, **attributes))
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(tmp_path / "out.dcm"))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return (tmp_path / "out.dcm").read_bytes()

    @pytest.mark.parametrize("packages", ["all", "bare", "bare with an old Pillow"])
    @pytest.mark.parametrize(("bits", "signed"), GREY)
    def test_grey_is_exact(self, files, tmp_path, without, monkeypatch, packages, bits, signed):
        pixels = files.speckle(2, 28, 48, 1, bits, signed)
        file = self.encoded(files, pixels, "MONOCHROME2", tmp_path, **bits_of(bits, signed))
        if packages != "all":
            without(*OPTIONAL)
        if packages == "bare with an old Pillow":
            monkeypatch.setattr(decode, "_pillow_knows_lossless", lambda: False)
        assert np.array_equal(pixels_of(files.opened(file)), cut(pixels))

    @pytest.mark.parametrize("packages", ["all", "bare", "bare with an old Pillow"])
    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
    def test_colour_components_are_exact_and_never_converted(self, files, tmp_path, without, monkeypatch, packages, photometric):
        pixels = files.speckle(2, 28, 48, 3)
        file = self.encoded(files, pixels, photometric, tmp_path)
        if packages != "all":
            without(*OPTIONAL)
        if packages == "bare with an old Pillow":
            monkeypatch.setattr(decode, "_pillow_knows_lossless", lambda: False)
        source = files.opened(file)
        assert np.array_equal(pixels_of(source), cut(pixels))
        assert convert(source, PixelRequest(BOX)).description.photometric_interpretation == photometric

    def test_what_dcmtk_wrote_is_exact(self, files, tmp_path):
        pixels = files.speckle(2, 29, 47, 3)
        native = files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB")
        assert np.array_equal(pixels_of(files.opened(dcmtk("dcmcjpeg", native, tmp_path, "+e1"))), cut(pixels))

    @pytest.mark.parametrize("bits", [8, 16])
    @pytest.mark.parametrize("old_pillow", [False, True])
    def test_a_truncated_frame_is_refused(self, files, tmp_path, without, monkeypatch, bits, old_pillow):
        from pydicom import dcmread
        from pydicom.encaps import generate_frames

        pixels = files.speckle(1, 64, 96, 1, bits)
        dataset = dcmread(io.BytesIO(self.encoded(files, pixels, "MONOCHROME2", tmp_path, **bits_of(bits, False))))
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\0")[:-500] + b"\xff\xd9"
        file = files.make([frame], uid.JPEGLosslessSV1, pixels.shape, "MONOCHROME2", **bits_of(bits, False))
        if old_pillow:
            without(*OPTIONAL)
            monkeypatch.setattr(decode, "_pillow_knows_lossless", lambda: False)
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(file))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


class TestRle:
    @pytest.mark.parametrize(("bits", "signed"), GREY)
    def test_grey_is_exact(self, files, bits, signed):
        from pydicom.pixels.encoders.base import get_encoder

        pixels = files.speckle(2, 29, 47, 1, bits, signed)
        options = {
            "rows": 29,
            "columns": 47,
            "samples_per_pixel": 1,
            "photometric_interpretation": "MONOCHROME2",
            "number_of_frames": 1,
            "bits_allocated": 8 if bits == 8 else 16,
            "bits_stored": bits,
            "pixel_representation": int(signed),
        }
        encoder = get_encoder(uid.RLELossless)
        frames = [encoder.encode(frame[..., 0], encoding_plugin="pydicom", **options) for frame in pixels]
        file = files.make(frames, uid.RLELossless, pixels.shape, "MONOCHROME2", **bits_of(bits, signed))
        assert np.array_equal(pixels_of(files.opened(file)), cut(pixels))

    @pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
    def test_colour_that_dcmtk_wrote_is_exact(self, files, tmp_path, photometric):
        pixels = files.speckle(2, 29, 47, 3)
        native = files.make(pixels.tobytes(), files.explicit, pixels.shape, photometric)
        source = files.opened(dcmtk("dcmcrle", native, tmp_path))
        assert np.array_equal(pixels_of(source), cut(pixels))
        assert convert(source, PixelRequest(BOX)).description.transfer_syntax_uid == uid.RLELossless

    def test_runs_that_cross_rows_are_decoded(self, files):
        packed = bytes([257 - 128, 7]) * 9 + bytes([257 - 48, 7])
        header = np.zeros(16, dtype="<u4")
        header[:2] = 1, 64
        file = files.make([header.tobytes() + packed], uid.RLELossless, (1, 30, 40, 1), "MONOCHROME2")
        assert (pixels_of(files.opened(file), CropBox(0, 0, 40, 30)) == 7).all()

    def test_a_truncated_segment_is_refused(self, files):
        rows = files.speckle(1, 30, 40, 1)[0, ..., 0]
        header = np.zeros(16, dtype="<u4")
        header[:2] = 1, 64
        frame = header.tobytes() + encode.pack_bits(rows)[:-60]
        with pytest.raises(RefusedError) as refused:
            pixels_of(files.opened(files.make([frame], uid.RLELossless, (1, 30, 40, 1), "MONOCHROME2")), CropBox(0, 0, 9, 9))
        assert refused.value.problem is Problem.DAMAGED_PIXEL_DATA


def test_a_decoder_that_is_missing_is_named(files, without):
    pixels = files.speckle(1, 29, 47, 1)
    frame = imagecodecs.jpegls_encode(pixels[0, ..., 0])
    source = files.opened(files.make([frame], uid.JPEGLSLossless, pixels.shape, "MONOCHROME2"))
    without("jpeg_ls", "imagecodecs")
    with pytest.raises(RefusedError) as refused:
        pixels_of(source)
    assert refused.value.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX
    assert "pyjpegls" in refused.value.detail


def test_palette_indices_survive_compression(files):
    pixels = files.speckle(2, 29, 47, 1)
    frames = [imagecodecs.jpegls_encode(frame[..., 0]) for frame in pixels]
    file = files.make(frames, uid.JPEGLSLossless, pixels.shape, "PALETTE COLOR", **files.palette())
    converted = convert(files.opened(file), PixelRequest(BOX, transfer_syntax=OutputSyntax.EXPLICIT_LITTLE_ENDIAN))
    assert b"".join(converted.frames()) == cut(pixels).tobytes()
    assert converted.description.photometric_interpretation == "PALETTE COLOR"
