"""Frames of an export as files: PNG, NPZ, and MP4 to look at. One frame in memory at a time."""

from __future__ import annotations

import contextlib
import os
import posixpath
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from USDICOMizerLib.errors import CommandError, ExportError
from USDICOMizerLib.exports import ExportedExam, exported_pixels, open_archive
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.pixels import PixelSource
from USDICOMizerLib.pixels.layout import Photometric

_GREY = (Photometric.MONOCHROME1, Photometric.MONOCHROME2)
_DICOM_SUFFIX = ".dcm"
_USUAL_RATE = 25.0  # frames a second, where the header doesn't say
_NEEDS = 'A preview needs the package imageio-ffmpeg. Install it: pip install "USDICOMizerLib[video]"'


class FrameFormat(StrEnum):
    """How frames are written."""

    PNG = "png"  # a file each
    NPZ = "npz"  # a file an instance: `frames`, uint8 (frames, rows, columns, 1 or 3)


@dataclass(frozen=True)
class FrameWork:
    """What is wanted of each instance: `format` None for no frames, `preview` for an MP4 of each cine."""

    folder: Path
    format: FrameFormat | None
    preview: bool = False
    overwrite: bool = False


def write_frames(
    exam: ExportedExam,
    work: FrameWork,
    on_instance: Callable[[str, int], None] = lambda name, frames: None,
    written: set[str] | None = None,
) -> int:
    """Write the frames of an export into `work.folder`/name of the ZIP; returns how many frames were read.

    Frames are as a viewer shows them: 8 bits, colours as RGB, grey by the window of the header. `written` has the
    files of this run, where several exports share one, and is added to. Raises CommandError where files are in the way,
    ExportError where the folder can't be written or a file would be written twice, RefusedError for a damaged frame.
    """
    folder = work.folder / exam.path.stem
    if folder.exists() and any(folder.iterdir()) and not work.overwrite:
        raise CommandError(
            f"{folder} isn't empty. Add --overwrite to replace files of the same names; others stay. Or name another folder."
        )
    names = _Names(set() if written is None else written)
    total = 0
    try:
        with open_archive(exam.path) as archive:
            above = posixpath.commonpath([posixpath.dirname(row.file) for row in exam.rows])
            for row in exam.rows:
                target = folder / PurePosixPath(row.file).relative_to(above)
                target = target.with_name(target.name.removesuffix(_DICOM_SUFFIX))
                target.parent.mkdir(parents=True, exist_ok=True)
                with exported_pixels(archive, row.file) as (header, source):
                    if work.format is FrameFormat.PNG:
                        _write_pngs(target, source, names)
                    elif work.format is FrameFormat.NPZ:
                        _write_npz(names.new(target, ".npz"), source)
                    if work.preview and source.layout.frames > 1:
                        _write_mp4(names.new(target, ".mp4"), source, frame_rate(header))
                    total += source.layout.frames
                    on_instance(row.file, source.layout.frames)
    except OSError as error:
        raise ExportError(f"{folder.name} could not be written: {error.strerror or type(error).__name__}") from error
    return total


class _Names:
    """The names that this run wrote to: no other file of it gets one of them, also where capitals make no difference."""

    def __init__(self, written: set[str]):
        self._written = written

    def new(self, target: Path, ending: str) -> Path:
        """The target's name with an ending behind all of it. Raises ExportError where this run has written it."""
        path = target.with_name(target.name + ending)
        known = os.path.abspath(path).casefold()
        if known in self._written:
            raise ExportError(
                f"{path.name} would be written twice, by two instances or exports of one name: "
                "name exports whose files have other names, or one export with another --output"
            )
        self._written.add(known)
        return path


def _shown(source: PixelSource) -> Iterator[np.ndarray]:
    """(rows, columns, 1 or 3) uint8, one at a time."""
    channels = 1 if source.layout.photometric_interpretation in _GREY else 3
    for frame in source.display_frames():
        yield frame[..., :channels]


def _write_pngs(target: Path, source: PixelSource, names: _Names) -> None:
    several = source.layout.frames > 1
    for number, frame in enumerate(_shown(source), start=1):
        path = names.new(target, f"_{number:04d}.png" if several else ".png")
        with written_whole(path, replace=True) as stream:
            Image.fromarray(np.squeeze(frame, axis=2) if frame.shape[2] == 1 else frame).save(stream, "PNG")


def _write_npz(path: Path, source: PixelSource) -> None:
    """As numpy.savez_compressed does it, but frame by frame."""
    frames = _shown(source)
    first = next(frames)
    header = {"descr": "|u1", "fortran_order": False, "shape": (source.layout.frames, *first.shape)}
    with (
        written_whole(path, replace=True) as stream,
        ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("frames.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, header)
        for frame in chain([first], frames):
            member.write(np.ascontiguousarray(frame).data)


def frame_rate(header: Dataset) -> float:
    """Frames a second: by Cine Rate, Recommended Display Frame Rate or Frame Time (PS3.3 C.7.6.5); 25 where none is said."""
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        with contextlib.suppress(TypeError, ValueError):
            if 0.1 <= float(header.get(keyword)) <= 1000:
                return float(header.get(keyword))
    with contextlib.suppress(TypeError, ValueError):
        if 1 <= float(header.get("FrameTime")) <= 10000:
            return 1000 / float(header.get("FrameTime"))
    return _USUAL_RATE


def require_preview() -> str:
    """Where the encoder is. Raises CommandError where its package isn't installed."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise CommandError(_NEEDS) from None


def _write_mp4(path: Path, source: PixelSource, rate: float) -> None:
    """H.264 in the colours of BT.709, which players assume; odd sizes grow by a black line, as 4:2:0 has pairs."""
    columns, rows = source.layout.columns, source.layout.rows
    with tempfile.TemporaryDirectory(prefix=".usdicomizer-", dir=path.parent) as folder:
        part = Path(folder) / "preview.mp4"
        command = [
            *(require_preview(), "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{columns}x{rows}", "-r", f"{rate:.6f}", "-i", "pipe:0"),
            *("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv"),
            *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-threads", "2"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
            *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart", str(part)),
        ]
        with tempfile.TemporaryFile() as said:
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said) as encoder:
                try:
                    for frame in source.display_frames():
                        encoder.stdin.write(np.ascontiguousarray(frame).data)
                except BrokenPipeError:
                    pass  # its status tells
                except BaseException:
                    encoder.kill()
                    raise
            if encoder.returncode:
                raise ExportError(f"the preview {path.name} could not be encoded (status {encoder.returncode})")
        part.replace(path)
