"""Crop presets out of what a person confirmed: for the next exam of the same scanner nobody has to look for the box again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from USDICOMizerLib.decision import Decision, decision_is_reviewed
from USDICOMizerLib.exam import Exam, Instance
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.settings import CropPreset, parse_settings, update_settings_text
from USDICOMizerLib.settings_values import format_crop_preset

_PRESETS = "crop_presets"


def learn_presets(
    exams: Iterable[Exam], decisions: Mapping[str, Decision], presets: Sequence[CropPreset]
) -> tuple[list[CropPreset], list[str]]:
    """The presets that reviewed boxes make, new or in place of those of the same name; and what was not learned, in words.

    A preset is learned for a model and image size whose reviewed boxes are all the same, else for each scanner (by its
    serial number) where they are; one that matches the same already gets the new boxes and keeps its name.
    """
    confirmed: dict[tuple[str, str, tuple[int, int]], list[tuple[Instance, CropBox]]] = defaultdict(list)
    for exam in exams:
        for instance in exam.instances:
            decision = decisions[instance.identity]
            if decision.include and decision.crop is not None and decision_is_reviewed(instance, decision):
                device = instance.device
                confirmed[(device.manufacturer, device.model, (instance.columns, instance.rows))].append(
                    (instance, decision.crop)
                )
    learned: list[CropPreset] = []
    notes: list[str] = []
    for (manufacturer, model, size), boxes in confirmed.items():
        what = f"{model or manufacturer or 'an unnamed scanner'}, {size[0]}x{size[1]}"
        for device_id, own in _by_scanner(boxes):
            found = _boxes(own)
            if found is None:
                notes.append(f"Nothing was learned for {what}: the reviewed boxes of one scanner differ.")
                continue
            wanted = CropPreset("", manufacturer, model, device_id, size, *found)
            learned.append(_named(wanted, [*presets, *learned]))
    return learned, notes


def with_presets(text: str, presets: Iterable[CropPreset]) -> str:
    """The text of a settings file with these presets in it; all else, comments too, stays as it is."""
    return update_settings_text(text, {(_PRESETS, preset.name): format_crop_preset(preset) for preset in presets})


def write_presets(path: Path, presets: Iterable[CropPreset]) -> None:
    """Put these presets into a settings file. Raises SettingsError, and writes nothing, where it couldn't be read again."""
    text = with_presets(path.read_text(encoding="utf-8-sig"), presets)
    parse_settings(text, path.name)
    with written_whole(path, replace=True) as stream:
        stream.write(text.encode("utf-8"))


def _by_scanner(boxes: list[tuple[Instance, CropBox]]) -> Iterable[tuple[str, list[tuple[Instance, CropBox]]]]:
    """All together where they agree, else by serial number."""
    if _boxes(boxes) is not None:
        return [("", boxes)]
    scanners: dict[str, list[tuple[Instance, CropBox]]] = defaultdict(list)
    for instance, box in boxes:
        scanners[instance.device.serial_number].append((instance, box))
    return scanners.items()


def _boxes(boxes: list[tuple[Instance, CropBox]]) -> tuple[CropBox | None, CropBox | None] | None:
    """The box of single frames and that of cines; None where one of them isn't one box."""
    single = {box for instance, box in boxes if instance.frames == 1}
    multi = {box for instance, box in boxes if instance.frames > 1}
    if len(single) > 1 or len(multi) > 1:
        return None
    return next(iter(single), None), next(iter(multi), None)


def _named(wanted: CropPreset, known: Sequence[CropPreset]) -> CropPreset:
    """The preset with the name, and the box not learned now, of one that names the same; else with a name of its own."""

    def criteria(preset: CropPreset) -> tuple:
        texts = (preset.manufacturer, preset.model, preset.id)
        return (*(" ".join(text.split()).casefold() for text in texts), preset.size)

    for preset in known:
        if criteria(preset) == criteria(wanted):
            single, multi = wanted.single_frame or preset.single_frame, wanted.multi_frame or preset.multi_frame
            return replace(preset, single_frame=single, multi_frame=multi)
    words = re.sub(r"[^a-z0-9]+", "-", (wanted.model or wanted.manufacturer or "scanner").casefold()).strip("-") or "scanner"
    base = f"{words}-{wanted.size[0]}x{wanted.size[1]}"
    taken = {preset.name.casefold() for preset in known}
    names = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return replace(wanted, name=next(name for name in names if name not in taken))
