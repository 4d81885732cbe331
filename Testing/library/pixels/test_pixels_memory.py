"""The memory that frames take on their way: that of a few, however many there are."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from jpeg_files import coded
from pydicom import dcmread, uid

from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import PixelRequest, convert, open_pixels

SIZE = 200, 300, 3


@pytest.mark.parametrize("stored", ["native", "JPEG"])
def test_memory_does_not_grow_with_the_number_of_frames(files, tmp_path, stored):
    def peak(frames: int) -> int:
        (frame,) = files.speckle(1, *SIZE)
        data = [coded(frame, "4:2:2")] * frames if stored == "JPEG" else np.tile(frame, (frames, 1, 1)).tobytes()
        syntax, photometric = (uid.JPEGBaseline8Bit, "YBR_FULL_422") if stored == "JPEG" else (files.explicit, "RGB")
        path = tmp_path / f"{frames}.dcm"
        path.write_bytes(files.make(data, syntax, (frames, *SIZE), photometric))
        header = dcmread(path, stop_before_pixels=True)
        with path.open("rb") as stream:
            source = open_pixels(stream, header)
            tracemalloc.start()
            for _ in convert(source, PixelRequest(CropBox(5, 5, 290, 190))).frames():
                pass
            _, top = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return top

    peak(1)  # what is made once
    assert peak(40) < peak(4) + 100_000
