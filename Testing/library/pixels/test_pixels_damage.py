"""Real files, damaged in many ways: each gives exactly the frames that it held, with a warning, or is refused.

Never a crash, a black frame, a frame twice, or one frame less.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from real_files import real_bytes

from USDICOMizerLib.errors import RefusedError, USDICOMizerError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import open_pixels
from USDICOMizerLib.source_header import read_header_of, source_error

NATIVE = ("OBXXXX1A_2frame.dcm", "ExplVR_BigEnd.dcm", "gdcm-US-ALOKA-16.dcm", "examples_rgb_color.dcm")
COMPRESSED = (
    "examples_ybr_color.dcm",  # JPEG Baseline, 30 frames
    "OBXXXX1A_rle_2frame.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "US1_J2KI.dcm",
    "examples_jpeg2k.dcm",
)
PLACES = [index / 23 for index in range(1, 23)] + [0.999, 0.9999, 0.99999]
ITEM, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
STRAY = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"


@cache
def stored(name: str) -> bytes:
    return real_bytes(name)


@cache
def frames_of(name: str) -> tuple[np.ndarray, ...]:
    return tuple(read(stored(name))[0])


def read(file: bytes) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """All frames, and the warnings. Raises RefusedError, or SourceError for a header that can't be read."""
    try:
        header, _ = read_header_of(io.BytesIO(file))
    except Exception as error:
        raise source_error(error, is_member=False) from error  # as `sources.read_header` does
    source = open_pixels(io.BytesIO(file), header)
    whole = CropBox(0, 0, source.layout.columns, source.layout.rows)
    frames = [source.pixels(index, whole) for index in range(source.layout.frames)]
    return frames, source.warnings


def assert_intact_or_refused(name: str, damaged: bytes, *, told: bool = False) -> bool:
    """Whether it was read: then as it was, and with a warning where `told`."""
    try:
        frames, warnings = read(damaged)
    except USDICOMizerError:
        return False
    expected = frames_of(name)
    assert len(frames) == len(expected)
    assert all(np.array_equal(one, other) for one, other in zip(frames, expected, strict=True))
    assert warnings or not told
    return True


def with_values(name: str, **values: object) -> bytes:
    """The file with other values in its header; what stands before and behind stays to the byte."""
    file = stored(name)
    dataset = dcmread(io.BytesIO(file))
    implicit, little = dataset.original_encoding
    for keyword, value in values.items():
        element = dataset[keyword]
        before = encoded(element, implicit, little)
        assert file.count(before) == 1
        element.value = value
        file = file.replace(before, encoded(element, implicit, little))
    return file


def encoded(element, implicit: bool, little: bool) -> bytes:
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, little
    write_data_element(stream, element)
    return stream.getvalue()


def parts_of(name: str) -> tuple[bytes, bytes, list[bytes]]:
    """What stands before the items, the value of the offset table, and the frames."""
    file = stored(name)
    start = file.rindex(b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff") + 12
    position, values = start, []
    while file[position : position + 4] == ITEM:
        (length,) = struct.unpack_from("<L", file, position + 4)
        values.append(file[position + 8 : position + 8 + length])
        position += 8 + length
    table, *fragments = values
    if len(frames_of(name)) == 1:
        fragments = [b"".join(fragments)]
    assert len(fragments) == len(frames_of(name))
    return file[:start], table, fragments


def item(value: bytes) -> bytes:
    return ITEM + struct.pack("<L", len(value)) + value


def rebuilt(name: str, change: Callable[[list[bytes]], list[bytes]], table: bytes = b"", end: bytes = SEQUENCE_END) -> bytes:
    """The file with other items: `change` gets the frames and gives the bytes of the items."""
    start, _, frames = parts_of(name)
    return start + item(table) + b"".join(change(frames)) + end


@pytest.mark.parametrize("name", [*NATIVE, *COMPRESSED])
@pytest.mark.parametrize("place", PLACES)
def test_a_file_cut_off_anywhere_is_refused_or_whole(name, place):
    file = stored(name)
    assert_intact_or_refused(name, file[: int(len(file) * place)])


@pytest.mark.parametrize("name", [*NATIVE, *COMPRESSED])
@pytest.mark.parametrize("missing", [1, 2, 3, 7, 8, 9, 16, 40])
def test_a_file_that_lacks_its_last_bytes_is_refused_or_whole(name, missing):
    assert_intact_or_refused(name, stored(name)[:-missing])


@pytest.mark.parametrize("name", ["OBXXXX1A_2frame.dcm", "examples_ybr_color.dcm", "OBXXXX1A_rle_2frame.dcm"])
@pytest.mark.parametrize("change", [-2, -1, 1, 2, 1000])
def test_a_wrong_number_of_frames_neither_drops_nor_repeats_one(name, change):
    declared = len(frames_of(name)) + change
    assert assert_intact_or_refused(name, with_values(name, NumberOfFrames=str(declared)), told=declared > 0)


@pytest.mark.parametrize("name", [*NATIVE, *COMPRESSED])
@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize("factor", [0.5, 0.99, 1.01, 2])
def test_a_size_that_the_pixels_contradict_never_gives_frames_of_that_size(name, keyword, factor):
    size = int(dcmread(io.BytesIO(stored(name)), stop_before_pixels=True)[keyword].value)
    file = with_values(name, **{keyword: round(size * factor)})
    try:
        frames, warnings = read(file)
    except RefusedError:
        return
    # Uncompressed bytes have no size of their own: what is read accounts for all of them, or a warning says what was left.
    assert name in NATIVE
    assert warnings
    assert sum(frame.nbytes for frame in frames) <= sum(frame.nbytes for frame in frames_of(name))


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("table", [b"", bytes(4), struct.pack("<2L", 8, 16), struct.pack("<L", 2**31), b"\1\2\3"])
def test_any_offset_table_gives_the_same_frames_or_none(name, table):
    read_well = assert_intact_or_refused(name, rebuilt(name, lambda frames: list(map(item, frames)), table))
    assert read_well or table


@pytest.mark.parametrize("name", COMPRESSED)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_frames_in_any_fragments_are_joined(name, data):
    def fragmented(frames: list[bytes]) -> list[bytes]:
        items = []
        for frame in frames:
            cuts = sorted(data.draw(st.sets(st.integers(1, len(frame) // 2 - 1), max_size=3)))
            edges = [0, *(2 * cut for cut in cuts), len(frame)]
            items += [item(frame[start:end]) for start, end in zip(edges, edges[1:], strict=False)]
        return items

    assert_intact_or_refused(name, rebuilt(name, fragmented))


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("where", ["first", "between", "last", "everywhere"])
def test_stray_delimiters_are_passed_over_and_told(name, where):
    def strewn(frames: list[bytes]) -> list[bytes]:
        items = list(map(item, frames))
        if where == "first":
            return [STRAY, *items]
        if where == "last":
            return [*items, STRAY, STRAY]
        return [items[0], STRAY, *items[1:]] if where == "between" else [part for one in items for part in (one, STRAY)]

    assert assert_intact_or_refused(name, rebuilt(name, strewn), told=True)


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("padding", [b"\0", b"\0\0", bytes(64)])
def test_padding_behind_a_frame_changes_nothing(name, padding):
    assert assert_intact_or_refused(name, rebuilt(name, lambda frames: [item(frame + padding) for frame in frames]))


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_codestream_that_stops_early_is_refused(name, keep):
    def cut(frames: list[bytes]) -> list[bytes]:
        *others, last = frames
        return [*map(item, others), item(last[: int(len(last) * keep) // 2 * 2])]

    assert not assert_intact_or_refused(name, rebuilt(name, cut))


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_codestream_that_is_filled_up_with_zeros_is_refused(name, keep):
    """As a file system leaves a file after a crash, or a download that was given up."""

    def zeroed(frames: list[bytes]) -> list[bytes]:
        *others, last = frames
        kept = last[: int(len(last) * keep)]
        return [*map(item, others), item(kept + bytes(len(last) - len(kept)))]

    assert not assert_intact_or_refused(name, rebuilt(name, zeroed))


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("length", [0xFFFFFFFF, 0xFFFFFFFE, 2**31, 10**6])
def test_an_item_with_an_absurd_length_is_refused(name, length):
    def absurd(frames: list[bytes]) -> list[bytes]:
        return [ITEM + struct.pack("<L", length) + frames[0], *map(item, frames[1:])]

    assert not assert_intact_or_refused(name, rebuilt(name, absurd))


@pytest.mark.filterwarnings("ignore:Invalid value")
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_in_the_structure_never_crashes(data):
    """Anywhere in the header or an item's start: it is read or refused, and no other error comes out."""
    name = data.draw(st.sampled_from(["US1_J2KI.dcm", "OBXXXX1A_rle_2frame.dcm", "ExplVR_BigEnd.dcm", "examples_jpeg2k.dcm"]))
    file = bytearray(stored(name))
    pixels = file.rindex(b"\x7f\xe0\x00\x10" if name == "ExplVR_BigEnd.dcm" else b"\xe0\x7f\x10\x00")
    place = data.draw(st.integers(132, pixels + 60))
    file[place] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(USDICOMizerError):
        read(bytes(file))
