"""No frame leaves that an encoder spoiled: it is decoded again first; and the encoder that did it is started by one thread."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Lock

import imagecodecs
import numpy as np
import pytest

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.pixels import OutputSyntax, PixelRequest, convert, encode
from USDICOMizerLib.pixels.encode import ENCODERS, Picture
from USDICOMizerLib.pixels.layout import Photometric
from USDICOMizerLib.pixels.read_back import require_same_samples

BOX = CropBox(5, 3, 40, 38)
COMPRESSED = [OutputSyntax.RLE, OutputSyntax.JPEG_LS, OutputSyntax.JPEG_2000, OutputSyntax.HTJ2K]


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_cine_of_which_one_sample_was_spoiled_is_refused(files, monkeypatch, syntax):
    pixels = files.speckle(3, 39, 47, 3)
    encoder = ENCODERS[syntax]

    def spoil(samples: np.ndarray, picture: Picture) -> bytes:
        spoiled = samples.copy()
        if np.array_equal(samples, pixels[1, BOX.top : BOX.bottom, BOX.left : BOX.right]):
            spoiled[20, 7, 1] ^= 1
        return encoder.encode(spoiled, picture)

    monkeypatch.setitem(ENCODERS, syntax, replace(encoder, encode=spoil))
    source = files.opened(files.make(pixels.tobytes(), files.explicit, pixels.shape, "RGB"))
    frames = convert(source, PixelRequest(BOX, transfer_syntax=syntax)).frames()
    next(frames)
    with pytest.raises(RefusedError, match="doesn't decode to the pixels it was made of") as refused:
        next(frames)
    assert refused.value.problem is Problem.UNSUPPORTED_TRANSFER_SYNTAX


@pytest.mark.parametrize("length", [0, 5, 30])
@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_frame_that_can_not_be_decoded_is_refused(syntax, length):
    y, x = np.mgrid[:40, :48]
    samples = ((x * y) % 251).astype(np.uint8)[..., None]
    picture = Picture(40, 48, 1, Photometric.MONOCHROME2, 8, 8, signed=False)
    frame = ENCODERS[syntax].encode(samples, picture)
    require_same_samples(frame, samples, picture, ENCODERS[syntax])
    with pytest.raises(RefusedError, match="choose --transfer-syntax"):
        require_same_samples(frame[:length], samples, picture, ENCODERS[syntax])


def test_the_first_frame_of_htj2k_is_encoded_before_any_other_is_begun(monkeypatch):
    """Two threads that begin together gave a spoiled frame in one process of twelve."""
    running, seen, guard = 0, [], Lock()
    really = imagecodecs.htj2k_encode

    def watched(*arguments, **options):
        nonlocal running
        with guard:
            running += 1
            seen.append(running)
        time.sleep(0.02)
        frame = really(*arguments, **options)
        with guard:
            if len(seen) == 1:
                seen.append("first is done")
            running -= 1
        return frame

    monkeypatch.setattr(imagecodecs, "htj2k_encode", watched)
    encode._start_openjph.cache_clear()
    samples = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64, 1)
    picture = Picture(64, 64, 1, Photometric.MONOCHROME2, 8, 8, signed=False)
    together = Barrier(4)

    def one() -> bytes:
        together.wait()
        return ENCODERS[OutputSyntax.HTJ2K].encode(samples, picture)

    with ThreadPoolExecutor(4) as pool:
        frames = {future.result() for future in [pool.submit(one) for _ in range(4)]}
    assert len(frames) == 1
    assert seen[:2] == [1, "first is done"] and len(seen) == 6
