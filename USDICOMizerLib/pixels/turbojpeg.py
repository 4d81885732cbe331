"""The TurboJPEG library (libjpeg-turbo 2.0 and newer), as far as cutting without decoding, and encoding, need it.

It is no Python package: the system brings it (libturbojpeg), and it is used where it is found. The functions called here
are those of version 2, which version 3 keeps.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from ctypes.util import find_library
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from USDICOMizerLib.pixels.codestream import CodestreamError, JpegHeader

if TYPE_CHECKING:
    from USDICOMizerLib.geometry import CropBox
    from USDICOMizerLib.pixels.blanking import Blanking

_NO_OPERATION = 0
_CROP, _COPY_NO_MARKERS = 4, 64
_LIMIT_SCANS = 32768
_RGB, _GREY = 0, 6  # pixel formats
_SUBSAMPLED_422, _SUBSAMPLED_GREY = 1, 3
_ACCURATE = 4096  # the transform that every libjpeg takes unless told otherwise
# Where installers put it outside of the loader's own path.
_PLACES = {
    "win32": (r"C:\libjpeg-turbo64\bin\turbojpeg.dll", r"C:\libjpeg-turbo-gcc64\bin\libturbojpeg.dll"),
    "darwin": (
        "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/opt/local/lib/libturbojpeg.dylib",
        "/opt/libjpeg-turbo/lib/libturbojpeg.dylib",
        "/opt/libjpeg-turbo/lib64/libturbojpeg.dylib",
    ),
}
_ELSEWHERE = ("libturbojpeg.so.0", "/opt/libjpeg-turbo/lib64/libturbojpeg.so")
# What libjpeg says of the filling that stands behind a scan without an EOI marker; elsewhere it means damage.
_FILLING = "extraneous bytes"


class _Region(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("x", "y", "w", "h")]


_Filter = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _Region, _Region, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


class _Transform(ctypes.Structure):
    _fields_ = [
        ("region", _Region),
        ("operation", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("filter", _Filter),
    ]


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None where it isn't installed or is older than 2.0."""
    named = find_library("turbojpeg") or find_library("libturbojpeg")
    for place in (named, *_PLACES.get(sys.platform, _ELSEWHERE)):
        if place is None:
            continue
        try:
            return _declared(ctypes.CDLL(place))
        except (OSError, AttributeError):
            continue
    return None


def _declared(found: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the functions that are used; AttributeError where one is missing."""
    handle, buffer, size = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong
    found.tjInitTransform.argtypes, found.tjInitTransform.restype = [], handle
    found.tjTransform.argtypes = [
        handle,
        ctypes.c_char_p,
        size,
        ctypes.c_int,
        ctypes.POINTER(buffer),
        ctypes.POINTER(size),
        ctypes.POINTER(_Transform),
        ctypes.c_int,
    ]
    found.tjTransform.restype = ctypes.c_int
    found.tjInitCompress.argtypes, found.tjInitCompress.restype = [], handle
    found.tjCompress2.argtypes = [
        handle,
        ctypes.c_void_p,
        *[ctypes.c_int] * 4,
        ctypes.POINTER(buffer),
        ctypes.POINTER(size),
        *[ctypes.c_int] * 3,
    ]
    found.tjCompress2.restype = ctypes.c_int
    found.tjGetErrorStr2.argtypes, found.tjGetErrorStr2.restype = [handle], ctypes.c_char_p
    found.tjFree.argtypes, found.tjFree.restype = [buffer], None
    found.tjDestroy.argtypes, found.tjDestroy.restype = [handle], ctypes.c_int
    return found


def cut(data: bytes, header: JpegHeader, box: CropBox, blanked: Sequence[Blanking], is_filled: bool) -> bytes:
    """See `jpeg_crop.Codec`. Raises CodestreamError where the library reports damage."""
    turbo = library()
    transform = _Transform(_Region(box.left, box.top, box.width, box.height), _NO_OPERATION, _CROP | _COPY_NO_MARKERS)
    if blanked:
        transform.filter = _filter(blanked)
    handle = turbo.tjInitTransform()
    made, size = ctypes.c_void_p(), ctypes.c_ulong()
    try:
        status = turbo.tjTransform(
            handle, data, len(data), 1, ctypes.byref(made), ctypes.byref(size), ctypes.byref(transform), _LIMIT_SCANS
        )
        message = turbo.tjGetErrorStr2(handle) if status else b""
        if status and not (is_filled and _FILLING in message.decode("ascii", "replace")):
            raise CodestreamError("libjpeg-turbo finds it damaged")
        return ctypes.string_at(made, size.value)
    finally:
        turbo.tjFree(made)
        turbo.tjDestroy(handle)


def encode(samples: np.ndarray, quality: int) -> bytes:
    """Encode (rows, columns, 1 or 3) uint8, grey or RGB, as JPEG Baseline; colour as 4:2:2. Rows may stand apart in memory.

    Raises CodestreamError.
    """
    turbo = library()
    rows, columns, count = samples.shape
    if samples.strides[1:] != (count, 1) or samples.strides[0] < columns * count:
        samples = np.ascontiguousarray(samples)
    pixel_format, subsampling = (_GREY, _SUBSAMPLED_GREY) if count == 1 else (_RGB, _SUBSAMPLED_422)
    handle = turbo.tjInitCompress()
    made, size = ctypes.c_void_p(), ctypes.c_ulong()
    try:
        place, pitch = samples.ctypes.data, samples.strides[0]
        target = ctypes.byref(made), ctypes.byref(size)
        if turbo.tjCompress2(handle, place, columns, pitch, rows, pixel_format, *target, subsampling, quality, _ACCURATE):
            raise CodestreamError("libjpeg-turbo can't encode it")
        return ctypes.string_at(made, size.value)
    finally:
        turbo.tjFree(made)
        turbo.tjDestroy(handle)


def _filter(blanked: Sequence[Blanking]) -> _Filter:
    """A function that the library calls with the coefficients of each component, a few rows of blocks at a time."""

    def blank(coefficients: int, here: _Region, plane: _Region, component: int, number: int, transform: int) -> int:
        first, rows, columns = here.y // 8, here.h // 8, here.w // 8
        blocks = blanked[component].blocks[first : first + rows, :columns]
        if blocks.any():
            values = np.frombuffer((ctypes.c_short * (rows * columns * 64)).from_address(coefficients), dtype=np.int16)
            values = values.reshape(rows, columns, 64)
            values[blocks] = 0
            values[blocks, 0] = blanked[component].dc
        return 0

    def guarded(*arguments: object) -> int:
        try:
            return blank(*arguments)
        except Exception:  # nothing may pass through the library; it gives up when it hears -1
            return -1

    return _Filter(guarded)
