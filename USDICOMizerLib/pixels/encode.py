"""Samples -> one encoded frame: explicit little-endian, and the lossless codecs."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from threading import Lock

import numpy as np
from pydicom import uid

from USDICOMizerLib.pixels.layout import Photometric


class OutputSyntax(StrEnum):
    """What `--transfer-syntax` can ask for."""

    SAME = "same"
    EXPLICIT_LITTLE_ENDIAN = "explicit-little-endian"
    RLE = "rle"
    JPEG_LS = "jpeg-ls"
    JPEG_2000 = "jpeg-2000"
    HTJ2K = "htj2k"
    JPEG_BASELINE = "jpeg-baseline"  # the only one with loss; its encoder depends on the quality, see lossy.py


@dataclass(frozen=True)
class Picture:
    """What the encoders need to know of the frames: sizes, bits, and the photometric interpretation of the samples."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric: Photometric
    bits_allocated: int
    bits_stored: int
    signed: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame before it is encoded."""
        return self.rows * self.columns * self.samples_per_pixel * (self.bits_allocated // 8)


@dataclass(frozen=True)
class Encoder:
    """One way to write frames.

    `obstacle` says why it can't write this picture (None: it can). `encode` takes samples (rows, columns, samples) in
    the type of the picture and gives the frame: its bytes where native, an even number of bytes where compressed. It may
    raise whatever its codec does; see `read_back.encoded`.
    `written_as` has the photometric interpretations that the encoding changes. `lossy_method` is a value of (0028,2114);
    "" where nothing is lost.
    """

    transfer_syntax_uid: str
    name: str
    obstacle: Callable[[Picture], str | None]
    encode: Callable[[np.ndarray, Picture], bytes]
    written_as: Mapping[Photometric, Photometric] = field(default_factory=dict)
    lossy_method: str = ""

    def photometric(self, picture: Picture) -> Photometric:
        """As the header has to say it."""
        return self.written_as.get(picture.photometric, picture.photometric)


_REVERSIBLY_DECORRELATED = {Photometric.RGB: Photometric.YBR_RCT}  # PS3.5 8.2.4


# CharLS is given twice the frame's size as room, which a frame of a few pixels can exceed with its header.
_SMALLEST_JPEG_LS = 256
# pylibjpeg-openjpeg always makes six resolutions, each of half the size.
_SMALLEST_OPENJPEG = 32
_INSTALL_IMAGECODECS = 'python -m pip install "imagecodecs>=2024.9.22"'


def _native(samples: np.ndarray, picture: Picture) -> bytes:
    return samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes()


def _rle(samples: np.ndarray, picture: Picture) -> bytes:
    """RLE (PS3.5 Annex G): a segment for each byte of a sample, the most significant first, rows packed on their own."""
    segments = []
    for sample in range(picture.samples_per_pixel):
        words = np.ascontiguousarray(samples[..., sample], dtype=samples.dtype.newbyteorder(">"))
        octets = words.view(np.uint8).reshape(picture.rows, picture.columns, -1)
        segments += [pack_bits(octets[..., byte]) for byte in range(octets.shape[2])]
    header = np.zeros(16, dtype="<u4")
    header[0] = len(segments)
    header[1 : len(segments) + 1] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return header.tobytes() + b"".join(segments)


def pack_bits(rows: np.ndarray) -> bytes:
    """PackBits of a (rows, columns) uint8 array, each row for itself (PS3.5 G.3.1), padded to an even length.

    Runs of three or more become replicate runs, what is between them literal ones; both of at most 128 bytes.
    """
    flat = np.ascontiguousarray(rows).ravel()
    columns = rows.shape[1]
    changes = np.empty(flat.size, dtype=bool)
    changes[0] = True
    np.not_equal(flat[1:], flat[:-1], out=changes[1:])
    changes[::columns] = True
    starts = np.flatnonzero(changes)
    replicate = np.diff(starts, append=flat.size) >= 3
    new_packet = replicate | (starts % columns == 0)
    new_packet[1:] |= replicate[:-1]
    starts, replicate = starts[new_packet], replicate[new_packet]
    lengths = np.diff(starts, append=flat.size)

    pieces = -(-lengths // 128)
    owner = np.repeat(np.arange(starts.size), pieces)
    nth = np.arange(owner.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts, lengths = starts[owner] + 128 * nth, np.minimum(128, lengths[owner] - 128 * nth)
    replicate = replicate[owner] & (lengths > 1)

    sizes = np.where(replicate, 2, lengths + 1)
    ends = np.cumsum(sizes)
    places = ends - sizes
    packed = np.zeros(int(ends[-1]) + int(ends[-1]) % 2, dtype=np.uint8)
    packed[places] = np.where(replicate, 257 - lengths, lengths - 1)
    packed[places[replicate] + 1] = flat[starts[replicate]]
    literal = ~replicate
    counts = lengths[literal]
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    packed[np.repeat(places[literal] + 1, counts) + within] = flat[np.repeat(starts[literal], counts) + within]
    return packed.tobytes()


def _jpeg_ls(samples: np.ndarray, picture: Picture) -> bytes:
    """CharLS: in imagecodecs, which lets other threads run meanwhile, where it can be told the precision; or pyjpegls.

    imagecodecs gives it as much room as the frame has, which one that is all noise exceeds.
    """
    if picture.bits_stored == picture.bits_allocated and find_spec("imagecodecs"):
        import imagecodecs

        patterns = samples.view(f"u{samples.dtype.itemsize}") if picture.signed else samples
        plain = patterns[..., 0] if picture.samples_per_pixel == 1 else patterns
        with contextlib.suppress(imagecodecs.JpeglsError):
            return _even(imagecodecs.jpegls_encode(np.ascontiguousarray(plain)))
    import jpeg_ls

    # JPEG-LS knows no signs: two's complement is coded as it stands, sign bits up to Bits Allocated included, as most
    # decoders don't extend them.
    bits = picture.bits_allocated if picture.signed else picture.bits_stored
    patterns = samples.astype("<u1" if bits <= 8 else "<u2")
    encoded = jpeg_ls.encode_buffer(
        patterns.tobytes(),
        picture.rows,
        picture.columns,
        picture.samples_per_pixel,
        bits,
        lossy_error=0,
        interleave_mode=2 if picture.samples_per_pixel == 3 else 0,
    )
    return _even(bytes(encoded))


def _jpeg_2000(samples: np.ndarray, picture: Picture) -> bytes:
    """Reversible 5-3 wavelet of OpenJPEG, in the package that does it best: imagecodecs lets other threads run meanwhile."""
    rgb = picture.photometric is Photometric.RGB
    plain = samples[..., 0] if picture.samples_per_pixel == 1 else samples
    if find_spec("imagecodecs"):
        import imagecodecs

        return _even(
            imagecodecs.jpeg2k_encode(
                np.ascontiguousarray(plain), codecformat="j2k", reversible=True, mct=rgb, bitspersample=picture.bits_stored
            )
        )
    if _pillow_writes(picture):
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(plain)).save(stream, "JPEG2000", no_jp2=True, irreversible=False, mct=int(rgb))
        return _even(stream.getvalue())
    from openjpeg.utils import encode_array

    return _even(encode_array(np.ascontiguousarray(plain), picture.bits_stored, photometric_interpretation=int(rgb), use_mct=rgb))


def _pillow_writes(picture: Picture) -> bool:
    from PIL import features

    return picture.bits_stored == picture.bits_allocated == 8 and not picture.signed and features.check("jpg_2000")


def _htj2k(samples: np.ndarray, picture: Picture) -> bytes:
    import imagecodecs

    with _openjph_starts:
        _start_openjph()
    plain = samples[..., 0] if picture.samples_per_pixel == 1 else samples
    rgb = picture.photometric is Photometric.RGB
    return _even(imagecodecs.htj2k_encode(np.ascontiguousarray(plain), reversible=True, rgb=rgb, planar=False))


_openjph_starts = Lock()


@cache
def _start_openjph() -> None:
    """OpenJPH fills its tables with the first frame, unguarded (its pull request 243): two at once can be spoiled."""
    import imagecodecs

    imagecodecs.htj2k_encode(np.zeros((8, 8), np.uint8), reversible=True)


def _even(encoded: bytes) -> bytes:
    return encoded + b"\0" * (len(encoded) % 2)


def _always(picture: Picture) -> str | None:
    return None


def _jpeg_ls_obstacle(picture: Picture) -> str | None:
    if picture.bits_allocated > 16 or picture.bits_stored < 2:
        return "JPEG-LS holds 2 to 16 bits a sample"
    if picture.frame_bytes < _SMALLEST_JPEG_LS:
        return "a frame of so few pixels can't be written as JPEG-LS here"
    return None if find_spec("jpeg_ls") else "JPEG-LS needs a package: python -m pip install pyjpegls"


def _jpeg_2000_obstacle(picture: Picture) -> str | None:
    if picture.bits_allocated > 16:
        return "JPEG 2000 is written with up to 16 bits a sample"
    if _pillow_writes(picture) or find_spec("imagecodecs"):
        return None
    if find_spec("openjpeg") and min(picture.rows, picture.columns) >= _SMALLEST_OPENJPEG:
        return None
    return f"JPEG 2000 of other than 8 bits needs a package: {_INSTALL_IMAGECODECS}"


def _htj2k_obstacle(picture: Picture) -> str | None:
    if picture.bits_stored not in (8, 16) or picture.bits_stored != picture.bits_allocated:
        return "HTJ2K is written with 8 or 16 bits a sample only; choose --transfer-syntax jpeg-2000 or jpeg-ls"
    if find_spec("imagecodecs"):
        return None
    return f"HTJ2K needs a package: {_INSTALL_IMAGECODECS}"


ENCODERS = {
    OutputSyntax.EXPLICIT_LITTLE_ENDIAN: Encoder(uid.ExplicitVRLittleEndian, "explicit little-endian", _always, _native),
    OutputSyntax.RLE: Encoder(uid.RLELossless, "RLE", _always, _rle),
    OutputSyntax.JPEG_LS: Encoder(uid.JPEGLSLossless, "JPEG-LS", _jpeg_ls_obstacle, _jpeg_ls),
    OutputSyntax.JPEG_2000: Encoder(uid.JPEG2000Lossless, "JPEG 2000", _jpeg_2000_obstacle, _jpeg_2000, _REVERSIBLY_DECORRELATED),
    OutputSyntax.HTJ2K: Encoder(uid.HTJ2KLossless, "HTJ2K", _htj2k_obstacle, _htj2k, _REVERSIBLY_DECORRELATED),
}
