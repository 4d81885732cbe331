"""What this machine needs at least for a frame, measured in this process: the floor that a row is compared with."""

from __future__ import annotations

import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bench_sources import Input, Source
from pydicom import dcmread
from pydicom.encaps import generate_frames

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import PixelRequest, convert, open_pixels
from USDICOMizerLib.pixels.decode import decode_frame
from USDICOMizerLib.pixels.encode import OutputSyntax

_NEEDLE = b"not-in-any-frame"
_TIMES = 15


def floor_of(source: Source, box: CropBox, syntax: OutputSyntax) -> tuple[float, str]:
    """Milliseconds a frame, and what they are made of."""
    if source.input is not Input.JPEG and syntax in (OutputSyntax.SAME, OutputSyntax.EXPLICIT_LITTLE_ENDIAN):
        return _native(source, box), "copy + CRC + write + one scan"
    return _codec(source, box, syntax), "encode" if source.input is not Input.JPEG else "decode + encode"


def _native(source: Source, box: CropBox) -> float:
    """Cut a frame out of a band of rows in memory, sum its CRC, write it, search it once for one value."""
    header = dcmread(source.first_file)
    samples = header.SamplesPerPixel
    frame = np.frombuffer(header.PixelData, np.uint8, header.Rows * header.Columns * samples).reshape(header.Rows, -1)
    cut = frame[box.top : box.bottom, box.left * samples : box.right * samples]
    with tempfile.TemporaryFile(dir=source.path.parent) as stream:

        def work() -> None:
            data = cut.tobytes()
            zlib.crc32(data)
            stream.write(data)
            data.find(_NEEDLE)

        return _median(work)


def _codec(source: Source, box: CropBox, syntax: OutputSyntax) -> float:
    """One decode, where the source is compressed, and one encode, each with the codec that the library takes."""
    path = source.first_file
    header = dcmread(path)
    with path.open("rb") as stream:
        pixels = open_pixels(stream, header)
        samples = np.ascontiguousarray(pixels.pixels(0, box))
        converted = convert(pixels, PixelRequest(box, transfer_syntax=syntax))
        encoder, picture = converted._encoder, converted._picture
        layout = pixels.layout
    encode = _median(lambda: encoder.encode(samples, picture))
    if source.input is not Input.JPEG:
        return encode
    codestream = next(generate_frames(header.PixelData, number_of_frames=int(header.get("NumberOfFrames") or 1)))
    return encode + _median(lambda: decode_frame(codestream, layout, lambda _: None))


def _median(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(_TIMES):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def output_bytes(folder: Path) -> int:
    """Bytes of all that a job wrote."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
