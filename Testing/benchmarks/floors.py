"""What this machine needs at least for a frame, measured in this process: the floor that a row is compared with."""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
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
from USDICOMizerLib.pixels.jpeg_crop import installed_codec

_NEEDLE = b"not-in-any-frame"
_TIMES = 15


Clock = Callable[[], float]


def processor_seconds() -> float:
    """The processor's time of this process and of the programs that it ran (POSIX)."""
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def floor_of(source: Source, box: CropBox, syntax: OutputSyntax, clock: Clock = time.perf_counter) -> tuple[float, str]:
    """Milliseconds a frame by the clock, and what they are made of."""
    if source.input is not Input.JPEG and syntax in (OutputSyntax.SAME, OutputSyntax.EXPLICIT_LITTLE_ENDIAN):
        return _native(source, box, clock), "copy + CRC + write + one scan"
    if source.input is Input.JPEG and syntax is OutputSyntax.SAME:
        return _jpeg_cut(source, box, clock)
    return _codec(source, box, syntax, clock), "encode" if source.input is not Input.JPEG else "decode + encode"


def _native(source: Source, box: CropBox, clock: Clock) -> float:
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

        return _median(work, clock)


def _jpeg_cut(source: Source, box: CropBox, clock: Clock) -> tuple[float, str]:
    """What jpegtran takes for a frame, its own start included; without it, the cut of one frame by the library's codec."""
    path = source.first_file
    header = dcmread(path)
    frames = int(header.get("NumberOfFrames") or 1)
    if program := shutil.which("jpegtran"):
        with tempfile.TemporaryDirectory() as folder:
            frame = Path(folder) / "frame.jpg"
            frame.write_bytes(next(generate_frames(header.PixelData, number_of_frames=frames)))
            command = [program, "-crop", f"{box.width}x{box.height}+{box.left}+{box.top}", "-outfile", f"{frame}.cut", frame]
            return _median(lambda: subprocess.run(command, check=True), clock), "jpegtran"
    with path.open("rb") as stream:
        pixels = open_pixels(stream, header)
        if pixels.jpeg_grid is None or installed_codec() is None:
            return math.nan, "no codec that cuts JPEG"
        cut = pixels.stored_jpeg(0)
        return _median(lambda: cut(box, None), clock), "cut of one frame"


def _codec(source: Source, box: CropBox, syntax: OutputSyntax, clock: Clock) -> float:
    """One decode, where the source is compressed, and one encode, each with the codec that the library takes."""
    path = source.first_file
    header = dcmread(path)
    with path.open("rb") as stream:
        pixels = open_pixels(stream, header)
        samples = np.ascontiguousarray(pixels.pixels(0, box))
        converted = convert(pixels, PixelRequest(box, transfer_syntax=syntax))
        encoder, picture = converted._encoder, converted._picture
        layout = pixels.layout
    encode = _median(lambda: encoder.encode(samples, picture), clock)
    if source.input is not Input.JPEG:
        return encode
    codestream = next(generate_frames(header.PixelData, number_of_frames=int(header.get("NumberOfFrames") or 1)))
    return encode + _median(lambda: decode_frame(codestream, layout, lambda _: None), clock)


def _median(work: Callable[[], object], clock: Clock) -> float:
    work()
    times = []
    for _ in range(_TIMES):
        begin = clock()
        work()
        times.append(clock() - begin)
    return 1000 * statistics.median(times)


def output_bytes(folder: Path) -> int:
    """Bytes of all that a job wrote."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
