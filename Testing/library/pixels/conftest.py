"""Small DICOM files of every kind, and decoders to judge by that the library doesn't use for them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

from USDICOMizerLib.pixels import ConvertedPixels, PixelSource, open_pixels


def _speckle(frames: int, rows: int, columns: int, samples: int, bits: int = 8, signed: bool = False) -> np.ndarray:
    """(frames, rows, columns, samples): smooth enough for JPEG, using the whole range, different in every frame."""
    random = np.random.default_rng(rows * columns + samples)
    y, x = np.mgrid[0:rows, 0:columns]
    picture = np.empty((frames, rows, columns, samples))
    for frame in range(frames):
        for sample in range(samples):
            wave = np.sin(x / (7 + sample) + frame) * np.cos(y / (9 - sample) + sample)
            picture[frame, ..., sample] = 0.5 + 0.4 * wave + random.normal(0, 0.02, (rows, columns))
    values = np.clip(picture, 0, 1) * ((1 << bits) - 1)
    if signed:
        values -= 1 << (bits - 1)
    return np.rint(values).astype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")


def _to_422(frame: np.ndarray) -> bytes:
    """YBR (rows, even columns, 3) as Y Y CB CR, with the chroma of the first pixel of each pair."""
    pairs = np.stack([frame[:, 0::2, 0], frame[:, 1::2, 0], frame[:, 0::2, 1], frame[:, 0::2, 2]], axis=-1)
    return pairs.tobytes()


def _file(pixel_data: bytes | list[bytes], syntax: str, shape: tuple[int, ...], photometric: str, **attributes) -> bytes:
    """A DICOM file. `shape` is (frames, rows, columns, samples); a list of frames is encapsulated."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.SOPClassUID, dataset.SOPInstanceUID = UltrasoundMultiFrameImageStorage, "1.2.3.4"
    dataset.Modality = "US"
    dataset.PatientID = "a"
    frames, dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = shape
    dataset.NumberOfFrames = frames
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation = 8, 8, 0
    if shape[3] == 3:
        dataset.PlanarConfiguration = 0
    representation = attributes.pop("pixel_vr", None)
    dataset.HighBit = attributes.get("BitsStored", 8) - 1
    if isinstance(pixel_data, list):
        dataset.PixelData = encapsulate(pixel_data)
    else:
        dataset.PixelData = pixel_data + b"\0" * (len(pixel_data) % 2)
        dataset["PixelData"].VR = representation or ("OW" if attributes.get("BitsAllocated") == 16 else "OB")
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _add_palette(entries: int = 256, bits: int = 16, first: int = 0) -> dict:
    """A palette that is nowhere monotonous: entry 37 is the darkest."""
    index = np.arange(entries)
    scale = 257 if bits == 16 else 1
    colours = [(60 + (index * step) % 190) * scale for step in (7, 11, 13)]
    attributes = {}
    for name, colour in zip(("Red", "Green", "Blue"), colours, strict=True):
        colour[37] = 0
        attributes[f"{name}PaletteColorLookupTableDescriptor"] = [entries % 65536, first, bits]
        attributes[f"{name}PaletteColorLookupTableData"] = colour.astype("<u2" if bits == 16 else "u1").tobytes()
    return attributes


def _opened(file: bytes) -> PixelSource:
    return open_pixels(io.BytesIO(file), dcmread(io.BytesIO(file), stop_before_pixels=True))


def _written(converted: ConvertedPixels, **attributes) -> bytes:
    """The output as a file, described by nothing but its description."""
    found = converted.description
    frames = list(converted.frames())
    shape = (found.frames, found.rows, found.columns, found.samples_per_pixel)
    described = {
        "BitsAllocated": found.bits_allocated,
        "BitsStored": found.bits_stored,
        "PixelRepresentation": found.pixel_representation,
    }
    if found.planar_configuration is not None:
        described["PlanarConfiguration"] = found.planar_configuration
    data = frames if found.encapsulated else b"".join(frames)
    return _file(data, found.transfer_syntax_uid, shape, found.photometric_interpretation, **described, **attributes)


def _pydicom_pixels(file: bytes) -> np.ndarray:
    """(frames, rows, columns, samples) by pydicom, with no colour conversion."""
    from pydicom.pixels import iter_pixels

    frames = list(iter_pixels(dcmread(io.BytesIO(file)), raw=True))
    return np.stack([frame if frame.ndim == 3 else frame[..., np.newaxis] for frame in frames])


def _gdcm_pixels(file: bytes, path: Path) -> np.ndarray:
    """(frames, rows, columns, samples) by GDCM."""
    import gdcm

    path.write_bytes(file)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    image = reader.GetImage()
    dataset = dcmread(path, stop_before_pixels=True)
    dtype = np.dtype(f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")
    pixels = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), dtype=dtype)
    shape = (int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    if image.GetPlanarConfiguration() == 1:
        frames, rows, columns, samples = shape
        return pixels.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    return pixels.reshape(shape)


def _big_endian(file: bytes) -> bytes:
    """The same instance in Explicit VR Big Endian, its words swapped by hand: pydicom swaps none."""
    dataset = dcmread(io.BytesIO(file))
    for element in dataset:
        if element.VR == "OW":
            element.value = np.frombuffer(element.value, dtype="<u2").astype(">u2").tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    stream = io.BytesIO()
    dcmwrite(stream, dataset, implicit_vr=False, little_endian=False, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture(scope="session")
def files() -> SimpleNamespace:
    """Functions that make, open and judge DICOM files."""
    return SimpleNamespace(
        speckle=_speckle,
        to_422=_to_422,
        make=_file,
        palette=_add_palette,
        opened=_opened,
        written=_written,
        pydicom_pixels=_pydicom_pixels,
        gdcm_pixels=_gdcm_pixels,
        big_endian=_big_endian,
        explicit=str(ExplicitVRLittleEndian),
    )


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hide packages, as where they aren't installed."""
    import sys

    def hide(*packages: str) -> None:
        for package in packages:
            monkeypatch.setitem(sys.modules, package, None)

    return hide


@pytest.fixture
def jpeg_codec(monkeypatch: pytest.MonkeyPatch, without: Callable[..., None]) -> Callable[[str], None]:
    """Leave only one of the codecs that cut JPEG without decoding it: turbojpeg, jpeglib, or none."""
    import os
    from importlib.util import find_spec

    from USDICOMizerLib.pixels import turbojpeg

    def only(name: str) -> None:
        there = {"turbojpeg": turbojpeg.library(), "jpeglib": find_spec("jpeglib"), "none": True}[name]
        if there is None:
            if os.environ.get("CI"):
                pytest.fail(f"CI runs without {name}")
            pytest.skip(f"{name} is not installed")
        if name != "turbojpeg":
            monkeypatch.setattr(turbojpeg, "library", lambda: None)
        if name != "jpeglib":
            without("jpeglib")

    return only
