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
from USDICOMizerLib.pixels.lossy import jpeg_baseline
from USDICOMizerLib.pixels.read_back import encoded

BOX = CropBox(5, 3, 40, 38)
COMPRESSED = [OutputSyntax.RLE, OutputSyntax.JPEG_LS, OutputSyntax.JPEG_2000, OutputSyntax.HTJ2K]
PICTURE = Picture(40, 48, 1, Photometric.MONOCHROME2, 8, 8, signed=False)
SAMPLES = np.multiply.outer(np.arange(40), np.arange(48)).astype(np.uint8)[..., np.newaxis]


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
    encoder = ENCODERS[syntax]
    assert encoded(SAMPLES, PICTURE, encoder) == encoder.encode(SAMPLES, PICTURE)
    short = replace(encoder, encode=lambda samples, picture: encoder.encode(samples, picture)[:length])
    with pytest.raises(RefusedError, match="doesn't decode to the pixels it was made of.*choose --transfer-syntax"):
        encoded(SAMPLES, PICTURE, short)


@pytest.mark.parametrize("encoder", [*ENCODERS.values(), jpeg_baseline(90)], ids=lambda encoder: encoder.name)
def test_an_encoder_that_gives_up_is_named_with_what_to_do(encoder):
    def give_up(samples: np.ndarray, picture: Picture) -> bytes:
        raise MemoryError

    with pytest.raises(RefusedError, match=f"{encoder.name} can't write a frame.*choose --transfer-syntax"):
        encoded(SAMPLES, PICTURE, replace(encoder, encode=give_up))


@pytest.mark.parametrize("hidden", [(), ("imagecodecs",)])
@pytest.mark.parametrize(("bits", "samples"), [(8, 1), (8, 3), (16, 1)])
def test_noise_which_no_encoder_makes_smaller_is_written(without, hidden, bits, samples):
    without(*hidden)
    noise = np.random.default_rng(bits).integers(0, 2**bits, (200, 300, samples)).astype(f"u{bits // 8}")
    photometric = Photometric.RGB if samples == 3 else Photometric.MONOCHROME2
    picture = Picture(200, 300, samples, photometric, bits, bits, signed=False)
    for syntax in (OutputSyntax.RLE, OutputSyntax.JPEG_LS):
        assert len(encoded(noise, picture, ENCODERS[syntax])) > noise.nbytes


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
    together = Barrier(4)

    def one() -> bytes:
        together.wait()
        return ENCODERS[OutputSyntax.HTJ2K].encode(SAMPLES, PICTURE)

    with ThreadPoolExecutor(4) as pool:
        frames = {future.result() for future in [pool.submit(one) for _ in range(4)]}
    assert len(frames) == 1
    assert seen[:2] == [1, "first is done"] and len(seen) == 6
