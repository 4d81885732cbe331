"""How right proposed crop boxes and sectors are: on synthetic screens with known truth, and on real files.

    python Testing/benchmarks/crop_proposals.py                    both tables
    python Testing/benchmarks/crop_proposals.py --seeds 30 --layouts linear dual
    python Testing/benchmarks/crop_proposals.py --real             only the real files, against boxes drawn by hand

The synthetic screens have no ultrasound regions, so that the picture's content alone decides; the real files have what
they have. Each is written as a DICOM file and goes the way of any instance.

    box, sector   intersection over union with the truth: median and 5th percentile
    text          pixels of identifying text inside of the box, in all cases; bar: cases with some of the patient bar
    lost          share of the picture that the box cuts off, the largest
    doubtful      cases that a person has to look at; of them, those that were right nevertheless
    unflagged     cases with some of the patient bar in the box that nobody is told of: there must be none
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from hand_drawn import IDENTIFYING, PICTURES  # noqa: E402
from layouts import LAYOUTS, make_screen  # noqa: E402
from real_files import NAMES, real_file  # noqa: E402
from synthetic_screen import Screen  # noqa: E402

from USDICOMizerLib.choices import Choices, decide  # noqa: E402
from USDICOMizerLib.decision import Decision, Mask  # noqa: E402
from USDICOMizerLib.exam import Instance  # noqa: E402
from USDICOMizerLib.geometry import CropBox  # noqa: E402
from USDICOMizerLib.proposals import DOUBTFUL  # noqa: E402
from USDICOMizerLib.settings import Settings  # noqa: E402
from USDICOMizerLib.sources import discover  # noqa: E402

RIGHT = 0.95
"""A box with this intersection over union, and no patient bar in it, is right."""


@dataclass(frozen=True)
class Measured:
    """What a proposal was worth."""

    name: str
    proposed: CropBox | None
    origin: str
    box: float  # intersection over union
    sector: float  # likewise; nan where the truth isn't known
    text: int  # pixels of identifying text in the box
    bar: bool  # whether some of the patient bar is in the box
    lost: float  # share of the picture outside of the box
    doubtful: bool
    seconds: float

    @property
    def right(self) -> bool:
        """Whether a person would leave the box as it is."""
        return self.box >= RIGHT and self.text == 0


def measure_screen(screen: Screen, folder: Path, settings: Settings) -> Measured:
    """Propose for a synthetic screen that is written into `folder`."""
    instance = discover([write_screen(screen, folder / "screen.dcm")]).instances[0]
    decision, seconds = _decided(instance, settings, Mask.NONE)
    with_sector, more = _decided(instance, settings, Mask.SECTOR)
    sector = 0.0
    if with_sector.sector is not None:
        kept = with_sector.sector.mask(instance.rows, instance.columns)
        sector = np.count_nonzero(kept & screen.picture) / np.count_nonzero(kept | screen.picture)
    lost = 1.0
    if decision.crop:
        box = decision.crop
        lost = 1 - np.count_nonzero(screen.picture[box.top : box.bottom, box.left : box.right]) / np.count_nonzero(screen.picture)
    return _measured(screen.name, decision, screen.box, screen.identifying, screen.outside, sector, lost, max(seconds, more))


def measure_real(name: str, folder: Path, settings: Settings) -> Measured:
    """Propose for one of the real files, with its regions, against what was drawn by hand."""
    instance = discover([real_file(name, folder)]).instances[0]
    decision, seconds = _decided(instance, settings, Mask.NONE)
    truth, texts = PICTURES[name], IDENTIFYING.get(name, ())
    shared = decision.crop.intersection(truth) if decision.crop else None
    lost = 1 - (_area(shared) / _area(truth) if shared else 0)
    return _measured(name, decision, truth, texts, texts, float("nan"), lost, seconds)


def _measured(
    name: str,
    decision: Decision,
    truth: CropBox,
    identifying: Sequence[CropBox],
    bar: Sequence[CropBox],
    sector: float,
    lost: float,
    seconds: float,
) -> Measured:
    box = decision.crop
    return Measured(
        name=name,
        proposed=box,
        origin=decision.proposal.split(" ")[0] if box else "none",
        box=overlap(box, truth) if box else 0.0,
        sector=sector,
        text=sum(_area(box.intersection(text)) for text in identifying) if box else 0,
        bar=any(box.intersection(text) for text in bar) if box else False,
        lost=lost,
        doubtful=box is None or decision.confidence is None or decision.confidence < DOUBTFUL,
        seconds=seconds,
    )


def _decided(instance: Instance, settings: Settings, mask: Mask) -> tuple[Decision, float]:
    begin = time.perf_counter()
    return decide(instance, Choices(mask=mask), settings), time.perf_counter() - begin


def overlap(one: CropBox, other: CropBox) -> float:
    """Intersection over union of two boxes."""
    shared = _area(one.intersection(other))
    return shared / (_area(one) + _area(other) - shared)


def _area(box: CropBox | None) -> int:
    return box.width * box.height if box else 0


def write_screen(screen: Screen, path: Path) -> Path:
    """A synthetic screen as an ultrasound cine, RGB, uncompressed, without regions."""
    frames, rows, columns, _ = screen.frames.shape
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = UltrasoundMultiFrameImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.Modality, header.PatientID = "US", "BENCHMARK"
    header.NumberOfFrames, header.Rows, header.Columns = frames, rows, columns
    header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation = 7, 0
    header.PixelData = screen.frames.tobytes() + b"\0" * (screen.frames.size % 2)
    header.save_as(path, enforce_file_format=True)
    return path


def content_only() -> Settings:
    """Settings under which nothing but the picture's content proposes."""
    settings = Settings()
    return replace(settings, crop=replace(settings.crop, order=("content",)))


def measure_screens(layouts: Sequence[str], seeds: Sequence[int]) -> Iterator[Measured]:
    """All screens, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        for layout in layouts:
            for seed in seeds:
                yield measure_screen(make_screen(layout, seed), Path(folder), content_only())


def measure_real_files(settings: Settings) -> Iterator[Measured]:
    """All real files, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            yield measure_real(name, Path(folder), settings)


_SCREENS = "{:<16} {:>5} {:>7} {:>7} {:>7} {:>7} {:>8} {:>5} {:>7} {:>9} {:>6} {:>10} {:>8}"
_REAL = "{:<32} {:<20} {:<20} {:<9} {:>6} {:>6} {:>9} {:>5} {:>8}"


def summary(name: str, cases: Sequence[Measured]) -> str:
    """A row of the table of screens."""
    boxes, sectors = [case.box for case in cases], [case.sector for case in cases]
    doubtful = [case for case in cases if case.doubtful]
    return _SCREENS.format(
        name,
        len(cases),
        *(f"{value:.3f}" for values in (boxes, sectors) for value in (np.median(values), np.percentile(values, 5))),
        sum(case.text for case in cases),
        sum(case.bar for case in cases),
        f"{max(case.lost for case in cases):.1%}",
        len(doubtful),
        sum(case.right for case in doubtful),
        sum(case.bar and not case.doubtful for case in cases),
        f"{max(case.seconds for case in cases):.2f} s",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS, help="of the synthetic screens")
    parser.add_argument("--seeds", type=int, default=20, help="screens a layout (default: 20)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="N", help="of the screens (default: 0)")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="also name the N worst screens")
    parser.add_argument("--real", action="store_true", help="only the real files")
    options = parser.parse_args(arguments)
    if not options.real:
        heads = ("median", "5 %", "median", "5 %")
        print(
            _SCREENS.format(
                "", "cases", "box", "", "sector", "", "text px", "bar", "lost", "doubtful", "right", "unflagged", "longest"
            )
        )
        print(_SCREENS.format("", "", *heads, "", "", "", "", "", "", ""))
        everything: list[Measured] = []
        for layout in options.layouts:
            cases = list(measure_screens([layout], range(options.first_seed, options.first_seed + options.seeds)))
            print(summary(layout, cases), flush=True)
            everything += cases
        print(summary("all", everything))
        for case in sorted(everything, key=lambda case: case.box)[: options.worst]:
            print(f"    {case.name}: {case.box:.3f}, sector {case.sector:.3f}, {case.proposed}, doubtful {case.doubtful}")
        print()
    for title, settings in (("real file", Settings()), ("the same, by content alone", content_only())):
        print(_REAL.format(title, "drawn by hand", "proposed", "from", "box", "lost", "doubtful", "bar", "seconds"))
        for case in measure_real_files(settings):
            sure, bar = ("yes" if so else "no" for so in (case.doubtful, case.bar))
            found, where = str(case.proposed or "none"), str(PICTURES[case.name])
            took = f"{case.seconds:.2f}"
            print(_REAL.format(case.name, where, found, case.origin, f"{case.box:.3f}", f"{case.lost:.1%}", sure, bar, took))
        print()


if __name__ == "__main__":
    main()
