"""Frames in, frames out: decoding, cropping, blanking and encoding, one frame at a time.

    source = open_pixels(stream, header)
    converted = convert(source, PixelRequest(box))
    for frame in converted.frames(): ...

layout -> element -> frames -> decode -> display -> source -> encode -> read_back -> lossy -> strategy -> workers -> convert.
"""

from USDICOMizerLib.pixels.convert import ConvertedPixels, PixelDescription, PixelRequest, convert
from USDICOMizerLib.pixels.encode import OutputSyntax
from USDICOMizerLib.pixels.hidden_segments import hidden_segments
from USDICOMizerLib.pixels.layout import PixelLayout, require_supported_syntax
from USDICOMizerLib.pixels.source import LossyStep, PixelSource, open_pixels

__all__ = [
    "ConvertedPixels",
    "LossyStep",
    "OutputSyntax",
    "PixelDescription",
    "PixelLayout",
    "PixelRequest",
    "PixelSource",
    "convert",
    "hidden_segments",
    "open_pixels",
    "require_supported_syntax",
]
