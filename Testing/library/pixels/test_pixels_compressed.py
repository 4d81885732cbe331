"""Compressed sources: decoded right, whatever header, markers and codestream say of the colours."""

from __future__ import annotations

import io
import subprocess

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from judges import require_dcmtk
from PIL import Image
from pydicom import uid

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, decode, encode

OPTIONAL = ("imagecodecs", "openjpeg", "libjpeg", "rle", "gdcm")
BOX = CropBox(5, 3, 41, 25)
GREY = [(8, False), (8, True), (12, False), (12, True), (16, False), (16, True)]


def jpeg(frame: np.ndarray, subsampling: int = 0, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(frame if frame.shape[2] == 3 else frame[..., 0]).save(
        stream, "JPEG", quality=95, subsampling=subsampling, **options
    )
    return stream.getvalue()


def without_markers(codestream: bytes, *kinds: int) -> bytes:
    """Drop application segments: 0xE0 JFIF, 0xEE Adobe."""
    out, position = codestream[:2], 2
    while codestream[position + 1] != 0xDA:
        length = int.from_bytes(codestream[position + 2 : position + 4], "big") + 2
        if codestream[position + 1] not in kinds:
            out += codestream[position : position + length]
        position += length
    return out + codestream[position:]


def adobe(codestream: bytes, transform: int) -> bytes:
    segment = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return codestream[:2] + segment + codestream[2:]


def with_ids(codestream: bytes, ids: bytes) -> bytes:
    """Rename the three components, in frame and scan header."""
    out = bytearray(codestream)
    for start, step in ((out.find(b"\xff\xc0") + 10, 3), (out.find(b"\xff\xda") + 5, 2)):
        for index, identifier in enumerate(ids):
            out[start + step * index] = identifier
    return bytes(out)


def bits_of(bits: int, signed: bool) -> dict:
    return {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "PixelRepresentation": int(signed)}


def patterns(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement in `bits`, unsigned: how codecs without signs take signed samples."""
    return (pixels.astype(np.int64) & ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")


def pixels_of(source, box: CropBox = BOX) -> np.ndarray:
    return np.stack([source.pixels(index, box) for index in range(source.layout.frames)])


def cut(pixels: np.ndarray, box: CropBox = BOX) -> np.ndarray:
    return pixels[:, box.top : box.bottom, box.left : box.right]


def dcmtk(tool: str, file: bytes, folder, *options: str) -> bytes:
    require_dcmtk()
    (folder / "in.dcm").write_bytes(file)
    subprocess.run([tool, *options, str(folder / "in.dcm"), str(folder / "out.dcm")], check=True, capture_output=True)
    return (folder / "out.dcm").read_bytes()


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
