#!/usr/bin/env python3
"""How much of planted text is found, how many clean pictures are flagged, and what looking costs.

    python Testing/benchmarks/burned_in_text.py [--pictures 120] [--seed 1] [--without-ocr]

Lines of 10 to 24 pixels that stand out by a quarter of the range or more, straight and turned, on six backgrounds
(Testing/support/text_plants.py, frozen before the detector). A line counts as found when half of its pixels lie in what
was found and isn't called harmless: all of them identify. A clean picture counts as flagged when anything
doubtful was found in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "support")]

from text_plants import BACKGROUNDS, COLUMNS, ROWS, PlantedPicture, planted_pictures  # noqa: E402

from USDICOMizerLib import burned_in_text  # noqa: E402
from USDICOMizerLib.burned_in_text import find_text  # noqa: E402
from USDICOMizerLib.text_findings import TextBox  # noqa: E402
from USDICOMizerLib.text_reader import reader_is_installed  # noqa: E402


def found_in(planted: PlantedPicture) -> tuple[Sequence[TextBox], float, float]:
    """The doubtful places of a picture, and how many seconds they took: on the clock, and of processors."""
    clock, processors = time.perf_counter(), time.process_time()
    findings = find_text(lambda index: planted.picture, 1)
    return findings.doubtful, time.perf_counter() - clock, time.process_time() - processors


def covered(places: Sequence[TextBox]) -> np.ndarray:
    """Which pixels lie in these places: bool (ROWS, COLUMNS)."""
    pixels = np.zeros((ROWS, COLUMNS), bool)
    for one in places:
        pixels[one.box.top : one.box.bottom, one.box.left : one.box.right] = True
    return pixels


def measure(pictures: int, seed: int) -> None:
    """Print the table for the detector as it is set up now."""
    found: dict[str, list[bool]] = defaultdict(list)
    flagged: dict[str, list[bool]] = defaultdict(list)
    costs: dict[str, list[tuple[float, float]]] = {"clean": [], "with text": []}
    for planted in planted_pictures(pictures, seed):
        places, *cost = found_in(planted)
        costs["with text"].append(tuple(cost))
        pixels = covered(places)
        found[planted.background] += [bool((pixels & line.pixels).sum() >= 0.5 * line.pixels.sum()) for line in planted.lines]
    for planted in planted_pictures(pictures, seed, lines=0):
        places, *cost = found_in(planted)
        costs["clean"].append(tuple(cost))
        flagged[planted.background].append(bool(places))
    print(f"{'background':12}{'lines found':>18}{'clean but flagged':>22}")
    for background in [*BACKGROUNDS, "all"]:
        here = [one for name, ones in found.items() if background in (name, "all") for one in ones]
        false = [one for name, ones in flagged.items() if background in (name, "all") for one in ones]
        shares = f"{sum(here):6} of {len(here):4} {np.mean(here):6.1%}{sum(false):8} of {len(false):4} {np.mean(false):6.1%}"
        print(f"{background:12}{shares}")
    for kind, ones in costs.items():
        cuts = statistics.quantiles((clock for clock, _ in ones), n=4)
        processors = statistics.median(processors for _, processors in ones)
        print(
            f"a frame of {COLUMNS} x {ROWS}, {kind}: median {1000 * cuts[1]:.0f} ms ({1000 * cuts[0]:.0f}-{1000 * cuts[2]:.0f}), "
            f"of processors {1000 * processors:.0f} ms; {os.cpu_count()} cores"
        )
    print()


def main() -> None:
    """Measure without the reader, and with it where it is installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=120, help="how many with text, and as many without")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--without-ocr", action="store_true", help="measure the network alone")
    options = parser.parse_args()
    with_reader = reader_is_installed() and not options.without_ocr
    burned_in_text.reader_is_installed = lambda: False
    print("Without the extra ocr")
    measure(options.pictures, options.seed)
    if with_reader:
        burned_in_text.reader_is_installed = lambda: True
        print("With the extra ocr")
        find_text(lambda index: np.zeros((64, 64, 3), np.uint8), 1)  # its models are loaded
        measure(options.pictures, options.seed)


if __name__ == "__main__":
    main()
