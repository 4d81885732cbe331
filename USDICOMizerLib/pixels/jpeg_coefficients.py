"""Cutting without decoding through jpeglib (MPL 2.0, wheels for all platforms), which reads and writes files only."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from USDICOMizerLib.pixels.codestream import JpegHeader

if TYPE_CHECKING:
    from USDICOMizerLib.geometry import CropBox
    from USDICOMizerLib.pixels.blanking import Blanking

_FASTEST = "turbo210"  # of the libjpegs that it brings; what they write is the same


def cut(data: bytes, header: JpegHeader, box: CropBox, blanked: Sequence[Blanking], is_filled: bool) -> bytes:
    """See `jpeg_crop.Codec`; of a codestream that can be decoded, as jpeglib says nothing of damage."""
    import jpeglib

    if jpeglib.version.get() != _FASTEST:
        jpeglib.version.set(_FASTEST)
    sampling = ((1, 1),) if len(header.sampling) == 1 else header.sampling
    across, down = (max(factors) for factors in zip(*sampling, strict=True))
    # In blocks of 8 x 8 samples of each component; the box lies on the grid, except at the image's own edges.
    places = []
    for horizontal, vertical in sampling:
        left, top = box.left * horizontal // (8 * across), box.top * vertical // (8 * down)
        width, height = -(-box.width * horizontal // (8 * across)), -(-box.height * vertical // (8 * down))
        places.append((slice(top, top + height), slice(left, left + width)))
    colours = jpeglib.Colorspace.JCS_RGB if header.adobe_transform == 0 else jpeglib.Colorspace.JCS_YCbCr
    if len(sampling) == 1:
        colours = jpeglib.Colorspace.JCS_GRAYSCALE
    whole = _jpeg(data, header.rows, header.columns, sampling, colours)
    whole.load()
    parts = []
    for index, (component, place) in enumerate(zip(_components(whole), places, strict=True)):
        part = np.ascontiguousarray(component[place])
        if blanked:
            blocks = blanked[index].blocks[: part.shape[0], : part.shape[1]]
            part[blocks] = 0
            part[blocks, 0, 0] = blanked[index].dc
        parts.append(part)
    made = _jpeg(None, box.height, box.width, sampling, colours)
    made.Y, made.Cb, made.Cr = (*parts, None, None)[:3]
    made.qt, made.quant_tbl_no = whole.qt, whole.quant_tbl_no
    with tempfile.TemporaryDirectory(prefix="usdicomizer-") as folder:
        path = Path(folder) / "frame.jpg"
        # It would code RGB with the Huffman tables of chroma, which don't suit.
        made.write_dct(str(path), flags=["+OPTIMIZE_CODING"] if colours is jpeglib.Colorspace.JCS_RGB else [])
        return path.read_bytes()


def _jpeg(content: bytes | None, rows: int, columns: int, sampling: Sequence[tuple[int, int]], colours):
    """jpeglib's picture of this form, without what it would decode the whole file for."""
    import jpeglib

    across, down = (max(factors) for factors in zip(*sampling, strict=True))
    sizes = [[-(-rows * vertical // (8 * down)), -(-columns * horizontal // (8 * across))] for horizontal, vertical in sampling]
    return jpeglib.DCTJPEG(
        path=None,
        content=content,
        height=rows,
        width=columns,
        block_dims=np.array(sizes),
        samp_factor=np.array([[vertical, horizontal] for horizontal, vertical in sampling]),
        markers=None,
        huffmans=None,
        jpeg_color_space=colours,
        progressive_mode=False,
        num_scans=1,
        Y=None,
        Cb=None,
        Cr=None,
        K=None,
        qt=None,
        quant_tbl_no=None,
    )


def _components(picture) -> list[np.ndarray]:
    return [component for component in (picture.Y, picture.Cb, picture.Cr) if component is not None]
