"""One instance and its decision -> one prepared instance: cut, cleaned, tagged, proven, ready to be written."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import IO

from pydicom.dataset import Dataset

from USDICOMizerLib.cropped_header import append_lossy_step, describe_pixels
from USDICOMizerLib.decision import Decision, blanking, decision_is_reviewed, output_box
from USDICOMizerLib.deidentify.header import DeidentifiedHeader, Rules, deidentify_header
from USDICOMizerLib.deidentify.pseudonyms import Pseudonyms
from USDICOMizerLib.deidentify.residue import (
    Needles,
    find_residue,
    find_unmoved_dates,
    identifying_values,
    judge_alone,
    scan_bytes,
)
from USDICOMizerLib.dicom_writer import file_up_to_pixel_data
from USDICOMizerLib.errors import RefusedError, USDICOMizerError
from USDICOMizerLib.exam import Instance, Source, SourceState
from USDICOMizerLib.files import Writable
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import (
    ConvertedPixels,
    LossyStep,
    OutputSyntax,
    PixelRequest,
    PixelSource,
    convert,
    hidden_segments,
    open_pixels,
    require_supported_syntax,
)
from USDICOMizerLib.recent_headers import take
from USDICOMizerLib.sources import read_header, verify
from USDICOMizerLib.tags import apply_tag

_SPOOL_IN_MEMORY = 8 * 2**20
_ITEM = struct.pack("<HH", 0xFFFE, 0xE000)
_SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
_PIXEL_DATA = struct.pack("<HH", 0x7FE0, 0x0010)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_LONGEST_ELEMENT = 0xFFFFFFFE


_CHANGED = "the source changed after the input was read; run the command again"


class SourceChangedError(USDICOMizerError):
    """The source is not what it was when the input was read."""


class SourceGoneError(USDICOMizerError):
    """The source was there when the input was read, and can't be reached any more."""


@dataclass(frozen=True)
class Preparation:
    """What is the same for all instances of a run. `workers` is how many frames of one may be worked on at once."""

    rules: Rules
    pseudonyms: Pseudonyms
    transfer_syntax: OutputSyntax
    jpeg_quality: int
    workers: int = 1


@dataclass(frozen=True)
class PreparedInstance:
    """A prepared instance: its header is complete, its frames come one at a time while it is written.

    `dataset` has file meta information and no pixel data; `box` is what was cut, after any snapping.
    """

    dataset: Dataset
    box: CropBox
    header: DeidentifiedHeader
    pixels: ConvertedPixels
    needles: Needles
    require_unchanged: Callable[[], None]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about this instance; no identifying value."""
        cut = self.header.texts_cut
        looked_at = cut + self.header.texts_kept
        texts = (f"{cut} of {looked_at} descriptive texts were cut: not every word is known",) if cut else ()
        return (*self.pixels.warnings, *texts)

    @property
    def size(self) -> int:
        """About how many bytes `write` puts out; for compressed frames an upper bound in practice."""
        description = self.pixels.description
        return description.decoded_frame_bytes * description.frames + 2**16

    def write(self, stream: Writable) -> None:
        """Write the DICOM file (PS3.10), one frame in memory at a time.

        Raises RefusedError where a frame is damaged, or an identifying value of the source stands in the bytes, and
        SourceChangedError where the source changed meanwhile.
        """
        with contextlib.ExitStack() as open_files:
            if self.pixels.description.encapsulated:
                # Compressed frames are spooled: their lengths and their ratio stand before them.
                spool = open_files.enter_context(tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY))
                lengths = self._spooled(spool)
                header, chunks = self._header(sum(lengths)), _encapsulated(spool, lengths)
            else:
                header, chunks = self._header(0), self._native()
            found = scan_bytes(_written(chunks, stream, first=header), self.needles)
        self.require_unchanged()
        if found:
            raise RefusedError(Problem.RESIDUE, f"the written bytes hold a value of the source's {', '.join(sorted(found))}")

    def _header(self, compressed: int) -> bytes:
        """Everything before the pixel data; `compressed` is the number of bytes of all frames where they are compressed."""
        dataset, description = self.dataset, self.pixels.description
        if description.lossy_method:
            dataset = deepcopy(dataset)  # what was proven is left as it is
            ratio = description.decoded_frame_bytes * description.frames / compressed
            append_lossy_step(dataset, LossyStep(description.lossy_method, ratio))
        return file_up_to_pixel_data(dataset)

    def _spooled(self, spool: IO[bytes]) -> list[int]:
        """Write the compressed frames to `spool`; returns their lengths."""
        lengths = []
        family = require_supported_syntax(self.pixels.description.transfer_syntax_uid)
        for frame in self.pixels.frames():
            if hidden := hidden_segments(frame, family):
                raise RefusedError(Problem.RESIDUE, f"a compressed frame would hold {' and '.join(hidden)}")
            lengths.append(len(frame))
            spool.write(frame)
        spool.seek(0)
        return lengths

    def _native(self) -> Iterator[bytes]:
        description = self.pixels.description
        length = description.native_frame_bytes * description.frames
        padded = length + length % 2
        if padded > _LONGEST_ELEMENT:
            raise RefusedError(
                Problem.UNSUPPORTED_TRANSFER_SYNTAX,
                "the uncompressed frames exceed the 4 GiB that DICOM allows; add --transfer-syntax jpeg-ls",
            )
        vr = b"OW" if description.bits_allocated > 8 else b"OB"
        yield _PIXEL_DATA + vr + struct.pack("<HL", 0, padded)
        written = 0
        for frame in self.pixels.frames():
            written += len(frame)
            yield frame
        if written != length:
            raise RefusedError(Problem.DAMAGED_PIXEL_DATA, "the frames don't fill the size that the header gives")
        if padded > length:
            yield b"\0"


def _encapsulated(spool: IO[bytes], lengths: list[int]) -> Iterator[bytes]:
    """A fragment a frame behind a basic offset table (PS3.5 A.4)."""
    yield _PIXEL_DATA + b"OB" + struct.pack("<HL", 0, _UNDEFINED_LENGTH)
    yield _basic_offset_table(lengths)
    for length in lengths:
        yield _ITEM + struct.pack("<L", length)
        yield spool.read(length)
    yield _SEQUENCE_END


def _basic_offset_table(lengths: list[int]) -> bytes:
    offsets, offset = [], 0
    for length in lengths:
        offsets.append(offset)
        offset += 8 + length
    if offset > _LONGEST_ELEMENT:
        offsets = []  # beyond 32 bits: the table may be empty
    return _ITEM + struct.pack(f"<L{len(offsets)}L", 4 * len(offsets), *offsets)


def _written(chunks: Iterable[bytes], stream: Writable, *, first: bytes) -> Iterator[bytes]:
    """Write each chunk and hand it on to the residue scan: one pass for both."""
    stream.write(first)
    yield first
    for chunk in chunks:
        stream.write(chunk)
        yield chunk


@contextlib.contextmanager
def prepare(
    instance: Instance, decision: Decision, subject: str, preparation: Preparation, *, sides_are_tagged: bool = False
) -> Iterator[PreparedInstance]:
    """Prepare one instance; the source stays open for the frames until the block ends.

    `sides_are_tagged` says that instances of its exam have a side of their own: then the series' Laterality goes, which
    has to be the same for all of a series.

    Raises RefusedError for a problem of this instance, SourceChangedError where the file was written to or replaced
    since the input was read, SourceGoneError where it can't be reached any more.
    """
    state = instance.state or _state(instance.source)
    require_unchanged = partial(_require_unchanged, instance.source, state)
    require_unchanged()
    parsed = take(instance.source)
    header = parsed.dataset if parsed else read_header(instance.source)
    if str(header.get("SOPInstanceUID", "")) != instance.sop_instance_uid:
        raise SourceChangedError(_CHANGED)
    verify(instance.source)
    reviewed = decision_is_reviewed(instance, decision)
    if decision.reviewed and not reviewed:
        raise SourceChangedError("the source isn't what was reviewed; make a new plan, look at the picture and confirm it")
    with instance.source.open() as stream:
        source = open_pixels(stream, header, parsed.pixel_data_at if parsed else None)
        pixels = pixels_that_leave(instance, decision, source, preparation, reviewed=reviewed)
        cleaned = header_that_leaves(
            instance, decision, subject, preparation, header, pixels, reviewed=reviewed, sides_are_tagged=sides_are_tagged
        )
        needles = identifying_values(header, preparation.rules)
        residue = [*find_residue(cleaned.dataset, needles), *find_unmoved_dates(header, cleaned.dataset, preparation.rules)]
        if residue:
            places = ", ".join(sorted({found.place for found in residue}))
            raise RefusedError(Problem.RESIDUE, f"a value that identifies the patient stands in {places}")
        if residue := judge_alone(cleaned.dataset, preparation.rules):
            raise RefusedError(Problem.RESIDUE, "; ".join(sorted(map(str, residue))))
        left = needles.without_dates_of(cleaned.dataset)
        yield PreparedInstance(cleaned.dataset, pixels.box, cleaned, pixels, left, require_unchanged)


def _require_unchanged(source: Source, before: SourceState) -> None:
    """Raise SourceChangedError where the file was written to or replaced, SourceGoneError where it can't be reached."""
    if not _state(source).is_same(before):
        raise SourceChangedError(_CHANGED)


def _state(source: Source) -> SourceState:
    try:
        return source.state()
    except OSError as error:
        raise SourceGoneError(
            f"the source can't be reached any more ({error.strerror}); when it is there again, run the command with --resume"
        ) from None


def pixels_that_leave(
    instance: Instance, decision: Decision, source: PixelSource, preparation: Preparation, *, reviewed: bool
) -> ConvertedPixels:
    """The frames as they leave, cut as the review showed them where they are `reviewed`. Raises RefusedError."""
    request = PixelRequest(
        box=output_box(instance, decision),
        keep=blanking(instance, decision),
        redactions=decision.redactions,
        transfer_syntax=preparation.transfer_syntax,
        on_jpeg_grid=reviewed,
        jpeg_quality=preparation.jpeg_quality,
        workers=preparation.workers,
    )
    if reviewed:
        # The picture that was reviewed is cut as `same` cuts it, which may be further inward: no other syntax shows more.
        request = replace(request, box=convert(source, replace(request, transfer_syntax=OutputSyntax.SAME)).box)
    return convert(source, request)


def header_that_leaves(
    instance: Instance,
    decision: Decision,
    subject: str,
    preparation: Preparation,
    header: Dataset,
    pixels: ConvertedPixels,
    *,
    reviewed: bool,
    sides_are_tagged: bool = False,
) -> DeidentifiedHeader:
    """The header as it leaves with these pixels: cleaned, its picture described anew, tagged. Not yet proven clean.

    Raises RefusedError.
    """
    cleaned = deidentify_header(
        header,
        preparation.rules,
        preparation.pseudonyms,
        subject,
        instance_identity=instance.identity,
        reviewed=reviewed,
    )
    masked = blanking(instance, decision) is not None or bool(decision.redactions)
    describe_pixels(cleaned.dataset, pixels.description, pixels.box, masked=masked, source_header=header)
    if decision.tag:
        apply_tag(cleaned.dataset, decision.tag, "cine" if instance.frames > 1 else "frame")
    if sides_are_tagged and "Laterality" in cleaned.dataset:
        del cleaned.dataset.Laterality
    return cleaned
