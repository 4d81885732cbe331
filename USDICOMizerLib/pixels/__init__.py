"""Frames in, frames out: decoding, cropping, blanking and encoding, one frame at a time.

    source = open_pixels(stream, header)
    converted = convert(source, PixelRequest(box))
    for frame in converted.frames(): ...

layout -> element -> frames -> decode -> display -> source -> encode -> strategy -> convert.
"""

from USDICOMizerLib.pixels.convert import ConvertedPixels, PixelDescription, PixelRequest, convert
from USDICOMizerLib.pixels.encode import OutputSyntax
from USDICOMizerLib.pixels.layout import PixelLayout
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
    "open_pixels",
]
