"""The stored frames of an instance, one at a time: bands of native pixels, codestreams out of fragments."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels.element import UNDEFINED_LENGTH, PixelElement
from USDICOMizerLib.pixels.layout import Family, PixelLayout, readable

_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_JPEG_START = b"\xff\xd8\xff"
_JPEG_2000_STARTS = (b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")
_JPEG_XL_STARTS = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_RLE_HEADER = 64
_LARGEST_FRAME = 2**31
_CUT_SHORT = "the file ends inside its last frame, below the crop box; all that was cut out is there"


def damaged(detail: str) -> RefusedError:
    """The refusal of an instance whose pixel data can't be trusted."""
    return RefusedError(Problem.DAMAGED_PIXEL_DATA, detail)


class NativeFrames:
    """Uncompressed frames (PS3.5 8.1.1, 8.2.1), read as bands of rows at their position in the file."""

    def __init__(self, element: PixelElement, layout: PixelLayout):
        """Settle how many frames there are. Raises RefusedError (damaged-pixel-data)."""
        if element.length is None:
            raise damaged("the pixel data is compressed, but the transfer syntax says that it isn't")
        self.warnings: list[str] = []
        self._element = element
        sizes = [layout.decoded_frame_bytes]
        if layout.subsampled:
            # Two Y, one CB and one CR for two pixels (PS3.3 C.7.6.3.1.2). The standard has no odd width; writers that
            # do either complete the last pair of each row, or let the pairs run on from row to row.
            completed, running = layout.rows * -(-layout.columns // 2) * 4, -(-layout.rows * layout.columns // 2) * 4
            sizes = [completed, running]
        self._frame_bytes = _fitting(sizes, element.length, layout.frames)
        self._rows_of_pairs = layout.subsampled and layout.columns % 2 == 1 and self._frame_bytes == sizes[0]
        # High byte first in each 16-bit word: 8-bit samples that were written as words come in swapped pairs.
        self._swap_pairs = not element.little_endian and element.value_representation == "OW" and layout.bits_allocated == 8
        self.layout = replace(layout, frames=self._count(element.length, layout))

    def _count(self, length: int, layout: PixelLayout) -> int:
        declared = layout.frames
        held, rest = divmod(length, self._frame_bytes)
        if held == 0:
            raise damaged("the pixel data is shorter than one frame")
        if held != declared:
            if rest > 1:
                raise damaged("the length of the pixel data fits neither Number of Frames nor any other number of frames")
            self.warnings.append(f"Number of Frames is {declared}, but the pixel data holds {held}; all {held} were taken")
        elif rest >= min(self._frame_bytes // layout.rows, self._frame_bytes // layout.columns):
            raise damaged("the pixel data is that of a larger picture than Rows and Columns say")
        elif rest > 1:
            self.warnings.append(f"{rest} bytes of padding after the last frame were left out")
        return held

    @property
    def splits_into_pairs(self) -> bool:
        """Whether `pairs` can be read: YBR_FULL_422 with an even width."""
        return self.layout.subsampled and self.layout.columns % 2 == 0

    def read(self, index: int, box: CropBox) -> list[bytes]:
        """The stored rows of frame `index` (from 0) that the box needs, a band for each plane; for `samples`.

        Raises RefusedError (damaged-pixel-data).
        """
        layout, start = self.layout, index * self._frame_bytes
        if layout.subsampled:
            return [self._read(index, start, self._frame_bytes)]
        planes, width = self._planes_and_width()
        stride = width * layout.dtype.itemsize
        firsts = [start + (plane * layout.rows + box.top) * stride for plane in range(planes)]
        bands = [self._read(index, first, box.height * stride) for first in firsts]
        self._look_for_the_end(index)
        return bands

    def samples(self, stored: list[bytes], box: CropBox) -> np.ndarray:
        """What `read` gave for the box as (rows, columns, samples), values as stored; 4:2:2 as 4:4:4."""
        layout = self.layout
        if layout.subsampled:
            return self._unpacked(stored[0], box)
        kind = np.dtype(layout.dtype.str[1:]).newbyteorder("<" if self._element.little_endian else ">")
        bands = [
            np.frombuffer(band, dtype=kind).reshape(box.height, layout.columns, -1)[:, box.left : box.right] for band in stored
        ]
        samples = np.concatenate(bands, axis=2) if len(bands) > 1 else bands[0]
        return self._meaningful(samples.astype(layout.dtype, copy=False))

    def _planes_and_width(self) -> tuple[int, int]:
        """How many planes a frame has, and how many samples a row of one."""
        planes = self.layout.samples_per_pixel if self.layout.planar_configuration else 1
        return planes, self.layout.columns * self.layout.samples_per_pixel // planes

    def pairs(self, index: int, box: CropBox) -> np.ndarray:
        """Pixel pairs of a 4:2:2 frame in the box, whose left and right are even: (rows, columns / 2, Y Y CB CR)."""
        stride = self.layout.columns * 2
        band = self._read(index, index * self._frame_bytes + box.top * stride, box.height * stride)
        self._look_for_the_end(index)
        rows = np.frombuffer(band, dtype=np.uint8).reshape(box.height, -1, 4)
        return rows[:, box.left // 2 : box.right // 2].copy()

    def _unpacked(self, data: bytes, box: CropBox) -> np.ndarray:
        layout = self.layout
        whole = unpack_pairs(np.frombuffer(data, dtype=np.uint8).reshape(1, -1, 4))[0]
        if layout.columns % 2 and not self._rows_of_pairs:
            whole = whole[: layout.rows * layout.columns]
        return whole.reshape(layout.rows, -1, 3)[box.top : box.bottom, box.left : box.right]

    def _meaningful(self, samples: np.ndarray) -> np.ndarray:
        """The value in Bits Stored alone; the other bits could be an overlay with text (PS3.5 8.1.1)."""
        layout = self.layout
        spare = layout.bits_allocated - layout.bits_stored
        if spare == 0:
            return samples
        cleaned = (samples << (layout.bits_allocated - 1 - layout.high_bit)) >> spare
        if layout.high_bit == layout.bits_stored - 1 and not np.array_equal(cleaned, samples):
            note = "bits outside of Bits Stored held something; they were cleared"
            if note not in self.warnings:
                self.warnings.append(note)
        return cleaned

    def _look_for_the_end(self, index: int) -> None:
        """Warn where the file ends inside the last frame, in rows that nobody asked for."""
        if index + 1 == self.layout.frames:
            self._element.stream.seek(self._element.offset + self.layout.frames * self._frame_bytes - 1)
            if not self._element.stream.read(1) and _CUT_SHORT not in self.warnings:
                self.warnings.append(_CUT_SHORT)

    def _read(self, index: int, first: int, length: int) -> bytes | bytearray:
        stream = self._element.stream
        before = first % 2 if self._swap_pairs else 0
        wanted = before + length + ((before + length) % 2 if self._swap_pairs else 0)
        stream.seek(self._element.offset + first - before)
        data = stream.read(wanted)
        if len(data) < before + length:
            raise damaged(f"the file ends inside frame {index + 1} of {self.layout.frames}")
        if not self._swap_pairs:
            return data
        return np.frombuffer(data[: wanted // 2 * 2], dtype="u2").byteswap().tobytes()[before : before + length]


def _fitting(sizes: Sequence[int], length: int, frames: int) -> int:
    """The first size of which so many frames fill the length, else any number of frames, but for a byte of padding."""
    filling = [size for size in sizes if 0 <= length - frames * size <= 1]
    return (filling or [size for size in sizes if length % size <= 1] or list(sizes))[0]


def unpack_pairs(pairs: np.ndarray) -> np.ndarray:
    """4:2:2 pairs (rows, n, Y Y CB CR) as pixels (rows, 2 n, 3): both pixels of a pair get its chroma, as stored."""
    pixels = np.empty((pairs.shape[0], pairs.shape[1] * 2, 3), dtype=pairs.dtype)
    pixels[:, 0::2, 0] = pairs[..., 0]
    pixels[:, 1::2, 0] = pairs[..., 1]
    pixels[..., 1:] = np.repeat(pairs[..., 2:], 2, axis=1)
    return pixels


@dataclass(frozen=True)
class _Fragment:
    offset: int  # of its value, in the stream
    length: int
    begins_frame: bool


class EncapsulatedFrames:
    """Compressed frames in items (PS3.5 A.4). Only the starts of the fragments are read until a frame is asked for.

    Frames are told apart by where codestreams begin, which neither a missing nor a wrong offset table can spoil.
    """

    def __init__(self, element: PixelElement, layout: PixelLayout, header: Dataset):
        """Find the frames. Raises RefusedError (damaged-pixel-data)."""
        self.warnings: list[str] = []
        self._stream = element.stream
        self._layout = layout
        table, fragments = self._scan(element)
        first_item = fragments[0].offset - 8 if fragments else 0
        self._frames = self._group(fragments, layout.frames)
        starts = [frame[0].offset - 8 - first_item for frame in self._frames]
        for offsets in (table, _extended_table(header)):
            if offsets and offsets != starts:
                if len(offsets) > len(starts):
                    raise damaged("the offset table lists more frames than the pixel data holds")
                self.warnings.append("the offset table is wrong; the frames were found without it")
        self.layout = replace(layout, frames=len(self._frames))

    @property
    def total_bytes(self) -> int:
        """Compressed bytes of all frames."""
        return sum(fragment.length for frame in self._frames for fragment in frame)

    def read(self, index: int) -> bytes:
        """The codestream of frame `index` (from 0). Raises RefusedError (damaged-pixel-data)."""
        parts = []
        for fragment in self._frames[index]:
            self._stream.seek(fragment.offset)
            part = self._stream.read(fragment.length)
            if len(part) < fragment.length:
                raise damaged(f"the file ends inside frame {index + 1} of {len(self._frames)}")
            parts.append(part)
        return b"".join(parts)

    def _scan(self, element: PixelElement) -> tuple[list[int], list[_Fragment]]:
        """All items: the basic offset table (in the first one), and the fragments."""
        table: list[int] | None = None
        fragments: list[_Fragment] = []
        position = element.offset
        end = None if element.length is None else element.offset + element.length
        while end is None or position < end:
            self._stream.seek(position)
            start = self._stream.read(8)
            if len(start) < 8:
                self._unended(fragments)
                break
            group, number, length = struct.unpack("<HHL", start)
            position += 8
            if (group, number) == _SEQUENCE_END:
                break
            if (group, number) == _ITEM_END and length == 0:
                self.warnings.append("a stray item delimiter in the pixel data was passed over")
                continue
            if (group, number) != _ITEM or length == UNDEFINED_LENGTH or length > _LARGEST_FRAME:
                raise damaged("the fragments of the pixel data are damaged")
            if table is None:
                table = self._read_table(length)
            else:
                fragments.append(_Fragment(position, length, self._begins_frame(length)))
            position += length
        return table or [], fragments

    def _unended(self, fragments: list[_Fragment]) -> None:
        """The file ended without the sequence's delimiter: fine only when the last fragment is whole and none misses."""
        if fragments:
            last = fragments[-1]
            self._stream.seek(last.offset + last.length - 1)
            whole = len(self._stream.read(1)) == 1
            if whole and sum(fragment.begins_frame for fragment in fragments) >= self._layout.frames:
                self.warnings.append("the end of the pixel data is not marked")
                return
        raise damaged("the file ends inside the pixel data")

    def _read_table(self, length: int) -> list[int]:
        data = self._stream.read(length)
        if len(data) < length or length % 4:
            raise damaged("the basic offset table is damaged")
        return list(struct.unpack(f"<{length // 4}L", data))

    def _begins_frame(self, length: int) -> bool:
        start = self._stream.read(min(length, _RLE_HEADER))
        family = self._layout.family
        if family is Family.RLE:
            return _is_rle_header(start, self._layout)
        if family in (Family.JPEG_2000, Family.HTJ2K):
            return start.startswith(_JPEG_2000_STARTS)
        if family is Family.JPEG_XL:
            return start.startswith(_JPEG_XL_STARTS)
        return start.startswith(_JPEG_START)

    def _group(self, fragments: list[_Fragment], declared: int) -> list[list[_Fragment]]:
        if not fragments or not fragments[0].begins_frame:
            raise damaged(f"the pixel data does not begin as {self._layout.family}")
        frames: list[list[_Fragment]] = []
        for fragment in fragments:
            if fragment.begins_frame:
                frames.append([fragment])
            else:
                frames[-1].append(fragment)
        if len(frames) < declared <= len(fragments):
            raise damaged("a frame of the pixel data has lost its beginning")
        if len(frames) != declared:
            held = len(frames)
            self.warnings.append(f"Number of Frames is {declared}, but the pixel data holds {held}; all {held} were taken")
        return frames


def _is_rle_header(start: bytes, layout: PixelLayout) -> bool:
    """Whether an RLE header (PS3.5 G.5) for this image stands here: its segments, in ascending order from byte 64."""
    if len(start) < _RLE_HEADER:
        return False
    count, *offsets = struct.unpack("<16L", start)
    if count != layout.samples_per_pixel * layout.bits_allocated // 8 or offsets[0] != _RLE_HEADER:
        return False
    used = offsets[:count]
    return used == sorted(set(used))


def _extended_table(header: Dataset) -> list[int]:
    """Extended Offset Table (7FE0,0001): 64-bit offsets from the first item after the basic one."""
    value = readable(header, "ExtendedOffsetTable")
    if not isinstance(value, bytes) or len(value) % 8:
        return []
    return list(struct.unpack(f"<{len(value) // 8}Q", value))


def open_frames(element: PixelElement, layout: PixelLayout, header: Dataset) -> NativeFrames | EncapsulatedFrames:
    """The frames of the pixel data element, by its transfer syntax; `layout` is what the header claims.

    A Number of Frames that alone is wrong is corrected, with a warning: the data says without doubt how many there are. Where
    something else counts frames that the data lacks, they were lost. Raises RefusedError (damaged-pixel-data).
    """
    is_native = layout.family is Family.NATIVE
    frames = NativeFrames(element, layout) if is_native else EncapsulatedFrames(element, layout, header)
    if frames.layout.frames < layout.frames == _times_listed(header):
        raise damaged("Number of Frames and Frame Time Vector tell of more frames than the pixel data holds")
    return frames


def _times_listed(header: Dataset) -> int:
    """How many frames Frame Time Vector (0018,1065) lists."""
    times = readable(header, "FrameTimeVector")
    return len(times) if isinstance(times, MultiValue) else 0
