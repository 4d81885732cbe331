"""The inputs of the benchmark: speckle of 1200 x 800 pixels under the header of the sample exam, of any length."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.sample_exam import SampleKind, dicom_bytes, sample_dataset

COLUMNS, ROWS = 1200, 800
AREAS = ((576, 432), (768, 576), (1024, 768))
SINGLE_FRAMES = 20  # files in the exam of a single-frame row
_DRAWN = 10  # frames that differ; a longer cine repeats them, each with its number in a corner
_JPEG_QUALITY = 90


class Input(StrEnum):
    """What the benchmark prepares."""

    MONOCHROME2 = "MONOCHROME2 native"
    JPEG = "YBR_FULL_422 JPEG Baseline"
    RGB = "RGB native"


_KINDS = {
    Input.MONOCHROME2: (SampleKind.MONOCHROME_FRAME, SampleKind.MONOCHROME_CINE),
    Input.JPEG: (SampleKind.JPEG_CINE, SampleKind.JPEG_CINE),
    Input.RGB: (SampleKind.RGB_FRAME, SampleKind.RGB_CINE),
}


@dataclass(frozen=True)
class Source:
    """What one job reads: a cine, or a folder of single frames."""

    path: Path
    input: Input
    frames: int

    @property
    def first_file(self) -> Path:
        """The file, or the first of the folder."""
        return self.path if self.path.is_file() else min(self.path.iterdir())


def centred(columns: int, rows: int) -> CropBox:
    """A box of that size about the middle of the frame, on the blocks of JPEG 4:2:2, so that all methods cut the same."""
    left, top = (COLUMNS - columns) // 2 // 16 * 16, (ROWS - rows) // 2 // 8 * 8
    return CropBox(left, top, left + columns, top + rows)


def make_source(folder: Path, kind: Input, frames: int) -> Source:
    """Write the input of a row: one cine, or, for one frame, a folder of `SINGLE_FRAMES` files of one exam."""
    if frames > 1:
        path = folder / f"{kind.name}-{frames}.dcm"
        _write(path, kind, frames, number=1)
        return Source(path, kind, frames)
    files = folder / f"{kind.name}-singles"
    files.mkdir()
    for number in range(1, SINGLE_FRAMES + 1):
        _write(files / f"{number:02d}.dcm", kind, 1, number=number)
    return Source(files, kind, SINGLE_FRAMES)


def _write(path: Path, kind: Input, frames: int, number: int) -> None:
    """Write one file, a frame at a time."""
    dataset = _header(kind, frames, number)
    with path.open("wb") as stream:
        stream.write(dicom_bytes(dataset))
        pictures = _stored(kind, frames)
        if kind is not Input.JPEG:
            length = ROWS * COLUMNS * dataset.SamplesPerPixel * frames
            stream.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, length))
            stream.writelines(pictures)
            return
        stream.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF))
        stream.write(struct.pack("<HHL", 0xFFFE, 0xE000, 0))
        for picture in pictures:
            stream.write(struct.pack("<HHL", 0xFFFE, 0xE000, len(picture)) + picture)
        stream.write(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))


def _header(kind: Input, frames: int, number: int) -> Dataset:
    single, cine = _KINDS[kind]
    dataset = sample_dataset(cine if frames > 1 else single, number=number, frames=1)
    del dataset.PixelData
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[kind, str(frames), str(number)])
    if frames > 1 or "NumberOfFrames" in dataset:
        dataset.NumberOfFrames = frames
    if kind is Input.JPEG:
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset.LossyImageCompressionRatio = "10"
    return dataset


def _stored(kind: Input, frames: int) -> Iterator[bytes]:
    """The stored frames, without end-to-end repetition: each has its number in the corner, and is a speckle in motion."""
    random = np.random.default_rng(7)
    samples = 1 if kind is Input.MONOCHROME2 else 3
    noise = np.asarray(Image.fromarray(random.integers(0, 256, (ROWS // 2, COLUMNS // 2), np.uint8)).resize((COLUMNS, ROWS)))
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    tissue = (0.55 + 0.35 * np.sin(x / 90.0) * np.cos(y / 70.0)).astype(np.float32)
    drawn: list[np.ndarray] = []
    for index in range(min(frames, _DRAWN)):
        grey = (np.roll(noise, 3 * index, axis=0) * tissue).astype(np.uint8)
        picture = grey if samples == 1 else np.stack([grey, grey, grey // 8 * 7], axis=-1)
        if samples == 3:
            picture[300:420, 400 + 8 * index : 520 + 8 * index] = (200, 30 + index, 40)  # colour flow
        drawn.append(picture)
    for index in range(frames):
        picture = drawn[index % len(drawn)].copy()
        picture[ROWS // 2, COLUMNS // 2 : COLUMNS // 2 + 2] = divmod(index, 250)[1]
        yield _jpeg(picture) if kind is Input.JPEG else picture.tobytes()


def _jpeg(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=_JPEG_QUALITY, subsampling="4:2:2")
    encoded = stream.getvalue()
    return encoded + b"\0" * (len(encoded) % 2)
