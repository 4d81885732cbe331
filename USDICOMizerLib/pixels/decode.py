"""One compressed frame -> samples, with the colours that the codestream and the header together declare.

Every decoder here is asked for the components as they are coded; what they mean is decided in one place,
`jpeg_is_ycc` and `_from_jpeg_2000`, never by a codec's own guess.
"""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.codestream import (
    CodestreamError,
    Jpeg2000Header,
    JpegHeader,
    read_jpeg2000_header,
    read_jpeg_header,
)
from USDICOMizerLib.pixels.frames import damaged
from USDICOMizerLib.pixels.layout import JPEG_XL_RECOMPRESSION, Family, Photometric, PixelLayout
from USDICOMizerLib.pixels.samples import as_stored, check_size

Warn = Callable[[str], None]

FOLLOWED = "bytes behind the end of a frame's codestream were left out"
LOSSY_PROCESSES = (0xC0, 0xC1, 0xC2)
_PROGRESSIVE = 0xC2
_LOSSLESS_PROCESS, _JPEG_LS_PROCESS = 0xC3, 0xF7
_EOI = b"\xff\xd9"
# Bytes put in place of the EOI marker: a decoder needs a few bytes to look ahead, and a complete scan none of them.
_ZEROS, _ONES = b"\x00" * 8, b"\xff\x00" * 8
_RGB_IDS = ((82, 71, 66), (114, 103, 98))  # "RGB", "rgb"


class _MissingCodecError(Exception):
    """No decoder is installed for this; the message names the package."""


def decode_frame(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    """Decode one frame: (rows, columns, samples) of `layout.dtype` in `layout.decoded_photometric`.

    `warn` takes sentences about what was found odd but could be read without doubt.

    Raises RefusedError: damaged-pixel-data, unsupported-transfer-syntax (naming the package that would decode it),
    unsupported-photometric-interpretation.
    """
    decoders = {
        Family.RLE: _from_rle,
        Family.JPEG: _from_jpeg,
        Family.JPEG_LOSSLESS: _from_jpeg_lossless,
        Family.JPEG_LS: _from_jpeg_ls,
        Family.JPEG_2000: _from_jpeg_2000,
        Family.HTJ2K: _from_jpeg_2000,
        Family.JPEG_XL: _from_jpeg_xl,
    }
    try:
        samples = decoders[layout.family](data, layout, warn)
    except RefusedError:
        raise
    except _MissingCodecError as missing:
        raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, str(missing)) from None
    except CodestreamError as error:
        raise damaged(f"the codestream of a frame can't be read: {error}") from None
    except Exception as error:  # each codec has its own kinds of errors
        raise damaged(f"a frame can't be decoded as {layout.family} ({type(error).__name__})") from None
    if samples.shape != (layout.rows, layout.columns, layout.samples_per_pixel):
        raise damaged("a frame decodes to another size than Rows and Columns say")
    return samples


def _from_rle(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    """RLE (PS3.5 Annex G): a segment for each byte of a sample, the most significant first, sample by sample."""
    from PIL import Image

    width = layout.bits_allocated // 8
    count = layout.samples_per_pixel * width
    header = struct.unpack_from("<16L", data)
    if header[0] != count:
        raise damaged("an RLE frame has another number of segments than its samples have bytes")
    pixels = layout.rows * layout.columns
    planes = np.empty((layout.samples_per_pixel, pixels, width), dtype=np.uint8)
    bounds = (*header[1 : count + 1], len(data))
    for segment in range(count):
        packed = data[bounds[segment] : bounds[segment + 1]]
        # PackBits is TIFF's too: one line as long as the image, since some writers let runs cross the rows.
        plane = Image.frombytes("L", (pixels, 1), packed, "packbits", "L")
        if _holds_more(packed, pixels):
            raise damaged("an RLE frame holds more pixels than Rows and Columns say")
        planes[segment // width, :, segment % width] = np.asarray(plane)[0]
    words = planes.view(f">u{width}")[..., 0].astype(f"u{width}").T.reshape(layout.rows, layout.columns, -1)
    spare = layout.bits_allocated - layout.bits_stored
    if spare:  # what stands beside the value could be an overlay with text (PS3.5 8.1.1)
        shifted = words << (layout.bits_allocated - 1 - layout.high_bit)
        return shifted.view(layout.dtype) >> spare
    return words.view(layout.dtype)


def _holds_more(packed: bytes, pixels: int) -> bool:
    """Whether a PackBits segment goes on after so many pixels; zeros at its end are padding."""
    from PIL import Image

    with contextlib.suppress(ValueError):  # Pillow has not enough data, as it should be
        Image.frombytes("L", (pixels + 1, 1), packed.rstrip(b"\0"), "packbits", "L")
        return True
    return False


def jpeg_is_ycc(header: JpegHeader, layout: PixelLayout, warn: Warn) -> bool:
    """Whether a lossy JPEG frame of three components is coded as YCbCr.

    The codestream knows best: the Adobe marker, then component identifiers R, G, B, then JFIF (which allows YCbCr only);
    where JFIF and Adobe's marker contradict each other, or neither is there, the header decides. Components of unequal
    resolution are never RGB.
    """
    declared = layout.photometric_interpretation is not Photometric.RGB
    adobe = {0: False, 1: True}.get(header.adobe_transform)
    if adobe is not None and not (header.jfif and adobe is False):
        coded = adobe
    elif header.component_ids in _RGB_IDS:
        coded = False
    elif header.jfif and adobe is None:
        coded = True
    else:
        coded = declared or header.chroma_subsampled
    if coded != declared:
        names = ("RGB", "YCbCr")
        warn(f"the header says {names[declared]} but the JPEG frames are coded as {names[coded]}; the frames were followed")
    return coded


def jpeg_header(data: bytes, layout: PixelLayout, processes: tuple[int, ...], warn: Warn) -> JpegHeader:
    header = read_jpeg_header(data)
    if header.followed:
        warn(FOLLOWED)
    if header.process not in processes:
        raise damaged(f"a frame's codestream is of another kind of JPEG than the transfer syntax says ({layout.family})")
    check_size(layout, header.rows, header.columns, len(header.component_ids))
    return header


def _from_jpeg(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    header = jpeg_header(data, layout, LOSSY_PROCESSES, warn)
    if header.precision == 8:
        ycc = layout.samples_per_pixel == 3 and jpeg_is_ycc(header, layout, warn)
        return as_stored(_with_pillow(header, ycc), 8, layout)
    if layout.samples_per_pixel != 1:
        raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, "JPEG Extended in colour with 12 bits can't be decoded here")
    return as_stored(_settled(header, partial(_twelve_bit_jpeg, layout=layout)), header.precision, layout)


def _from_jpeg_lossless(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    """JPEG Lossless: the header's photometric interpretation holds, as no conversion belongs to a lossless process."""
    header = jpeg_header(data, layout, (_LOSSLESS_PROCESS,), warn)
    if header.precision == 8 and _pillow_knows_lossless():
        return as_stored(_with_pillow(header, ycc=False), 8, layout)
    return as_stored(_settled(header, partial(_lossless_jpeg, layout=layout)), header.precision, layout)


def _with_pillow(header: JpegHeader, ycc: bool) -> np.ndarray:
    """Decode 8-bit JPEG with libjpeg: the components as they are coded, or from YCbCr to RGB where `ycc`.

    libjpeg fills what is missing with grey and says nothing. So the EOI marker is taken away: then a scan that is
    short of more than its last block runs out of it, which is an error. Where no EOI was there the filling must not
    matter at all.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    def picture(filling: bytes) -> np.ndarray:
        image = JpegImageFile(io.BytesIO(header.bare + filling))
        codec, extents, offset, _ = image.tile[0]
        modes = ("L", "L") if image.mode == "L" else ("RGB", "YCbCr" if ycc else "RGB")
        image.tile = [(codec, extents, offset, modes)]
        return np.asarray(image)

    if header.process == _PROGRESSIVE:  # libjpeg shows nothing of its many scans before it has seen the marker
        return _settled(header, lambda data: picture(data[len(header.bare) :]))
    decoded = picture(_ZEROS)
    if not header.ended and not np.array_equal(decoded, picture(_ONES)):
        raise damaged("a JPEG frame is truncated")
    return decoded


def require_whole_scan(data: bytes, layout: PixelLayout, warn: Warn) -> None:
    """Raise what `decode_frame` raises where an 8-bit lossy JPEG frame is short; some three times as fast.

    An eighth of the size needs all coefficients too, but no transform. A frame that is progressive or has no EOI marker is
    decoded as usual.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    header = jpeg_header(data, layout, LOSSY_PROCESSES, warn)
    if not header.ended or header.process == _PROGRESSIVE:
        decode_frame(data, layout, warn)
        return
    try:
        image = JpegImageFile(io.BytesIO(header.bare + _ZEROS))
        image.draft(image.mode, (max(1, header.columns // 8), max(1, header.rows // 8)))
        image.load()
    except OSError:
        raise damaged("a JPEG frame is truncated") from None


def _settled(header: JpegHeader, decode: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """Decode twice, with different bytes after the scan: only a complete scan gives the same picture."""
    decoded = decode(header.bare + _ZEROS + _EOI)
    if not np.array_equal(decoded, decode(header.bare + _ONES + _EOI)):
        raise damaged("a JPEG frame is truncated")
    return decoded


def _pillow_knows_lossless() -> bool:
    """Lossless processes came with libjpeg-turbo 3; a Pillow of a Linux distribution can have an older one."""
    from PIL import features

    return _version(features.version("libjpeg_turbo")) >= (3,)


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (text or "0").split(".")[:2] if part.isdigit())


def _twelve_bit_jpeg(data: bytes, layout: PixelLayout) -> np.ndarray:
    try:
        import imagecodecs

        return imagecodecs.jpeg8_decode(data)
    except ImportError:
        return _with_simpleitk(data, layout)


def _lossless_jpeg(data: bytes, layout: PixelLayout) -> np.ndarray:
    try:
        import imagecodecs

        return imagecodecs.ljpeg_decode(data)
    except ImportError:
        return _with_simpleitk(data, layout)


def _with_simpleitk(data: bytes, layout: PixelLayout) -> np.ndarray:
    """Decode with GDCM inside SimpleITK, which reads files only: one frame in a file that says nothing else.

    Declared unsigned, and RGB when it has three components, so that GDCM converts nothing.
    """
    import SimpleITK
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

    frame = Dataset()
    frame.file_meta = FileMetaDataset()
    frame.file_meta.TransferSyntaxUID = layout.transfer_syntax
    frame.SOPClassUID = SecondaryCaptureImageStorage
    frame.SOPInstanceUID = generate_uid()
    frame.Modality = "OT"
    frame.Rows, frame.Columns, frame.SamplesPerPixel = layout.rows, layout.columns, layout.samples_per_pixel
    frame.PhotometricInterpretation = "MONOCHROME2" if layout.samples_per_pixel == 1 else "RGB"
    if layout.samples_per_pixel == 3:
        frame.PlanarConfiguration = 0
    precision = read_jpeg_header(data).precision
    frame.BitsAllocated, frame.BitsStored, frame.HighBit = 8 * -(-precision // 8), precision, precision - 1
    frame.PixelRepresentation = 0
    frame.PixelData = encapsulate([data])
    with tempfile.TemporaryDirectory(prefix="usdicomizer-") as folder:
        path = Path(folder) / "frame.dcm"
        frame.save_as(path, enforce_file_format=True)
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        return SimpleITK.GetArrayFromImage(reader.Execute())


def _from_jpeg_ls(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    header = jpeg_header(data, layout, (_JPEG_LS_PROCESS,), warn)
    return as_stored(_decode_jpeg_ls(data, header, layout), header.precision, layout)


def _decode_jpeg_ls(data: bytes, header: JpegHeader, layout: PixelLayout) -> np.ndarray:
    """Both are CharLS; imagecodecs lets other threads run meanwhile."""
    with contextlib.suppress(ImportError):
        import imagecodecs

        return imagecodecs.jpegls_decode(data)
    try:
        import jpeg_ls
    except ImportError:
        raise _MissingCodecError("JPEG-LS needs a package: python -m pip install pyjpegls") from None
    pixels, information = jpeg_ls.decode_buffer(data)
    values = np.frombuffer(pixels, dtype=np.uint8 if header.precision <= 8 else np.uint16)
    if layout.samples_per_pixel == 3 and information["interleave_mode"] == 0:
        values = values.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0)
    return values


def _from_jpeg_2000(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    header = read_jpeg2000_header(data)
    if header.followed:
        warn(FOLLOWED)
    check_size(layout, header.rows, header.columns, header.components)
    if header.subsampled:
        raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, "JPEG 2000 with subsampled components can't be decoded here")
    photometric = layout.photometric_interpretation
    if header.colour_transform and layout.decoded_photometric is Photometric.YBR_FULL:
        raise RefusedError(
            Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION,
            f"the header says {photometric}, but the JPEG 2000 frames carry a colour transform of their own",
        )
    if not header.colour_transform and photometric in (Photometric.YBR_ICT, Photometric.YBR_RCT):
        warn(f"the header says {photometric}, but the JPEG 2000 frames are coded as RGB; the frames were followed")
    return as_stored(_decode_jpeg_2000(header), header.precision, layout)


def _decode_jpeg_2000(header: Jpeg2000Header) -> np.ndarray:
    """Both are OpenJPEG; imagecodecs lets other threads run meanwhile."""
    with contextlib.suppress(ImportError):
        import imagecodecs

        return imagecodecs.jpeg2k_decode(header.bare)
    try:
        import openjpeg

        return openjpeg.decode(header.bare)
    except ImportError:
        return _jpeg_2000_with_pillow(header)


def _jpeg_2000_with_pillow(header: Jpeg2000Header) -> np.ndarray:
    """Pillow scales all samples to 8 or 16 bits unsigned (its Jpeg2KDecode.c); that is undone here."""
    from PIL import features
    from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

    container = 8 if header.precision <= 8 else 16
    beyond_pillow = (
        not features.check("jpg_2000")
        or (header.high_throughput and _version(features.version("jpg_2000")) < (2, 5))
        or (container == 16 and header.components > 1)
        or header.precision > 16
        or header.tiles_interleaved
    )
    if beyond_pillow:
        raise _MissingCodecError("this JPEG 2000 needs a package: python -m pip install pylibjpeg pylibjpeg-openjpeg")
    scaled = np.asarray(Jpeg2KImageFile(io.BytesIO(header.bare)))
    values = scaled >> (container - header.precision)
    if not header.signed:
        return values
    return (values.astype(np.int32) - (1 << (header.precision - 1))).astype(f"i{container // 8}")


def _from_jpeg_xl(data: bytes, layout: PixelLayout, warn: Warn) -> np.ndarray:
    """libjxl, which reports what is cut short. A JPEG that was packed is unpacked to the bit and decoded as JPEG."""
    try:
        import imagecodecs
    except ImportError:
        raise _MissingCodecError('JPEG XL needs a package: python -m pip install "imagecodecs>=2024.9.22"') from None
    colour = layout.samples_per_pixel == 3
    if colour and layout.transfer_syntax == JPEG_XL_RECOMPRESSION:
        return _from_jpeg(imagecodecs.jpegxl_decode_jpeg(data), layout, warn)
    if colour and layout.photometric_interpretation is not Photometric.RGB:
        detail = f"{layout.photometric_interpretation} in JPEG XL that holds no JPEG can't be told from RGB"
        raise RefusedError(Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION, detail)
    if layout.bits_stored != layout.bits_allocated or layout.bits_allocated > 16 or layout.signed:
        detail = "JPEG XL is decoded with 8 or 16 bits a sample, without a sign; convert it to JPEG 2000 Lossless at the PACS"
        raise RefusedError(Problem.UNSUPPORTED_TRANSFER_SYNTAX, detail)
    values = imagecodecs.jpegxl_decode(data)
    if values.dtype != layout.dtype:
        raise damaged("the bits of a codestream contradict Bits Allocated")
    if values.shape != (layout.rows, layout.columns, 3)[: 2 + colour]:
        raise damaged("the size of a codestream contradicts Rows, Columns or Samples per Pixel")
    return values.reshape(layout.rows, layout.columns, -1)
