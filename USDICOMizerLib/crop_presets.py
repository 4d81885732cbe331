"""A crop box that a person drew -> a preset of the settings file, for all later exams of that scanner."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from USDICOMizerLib.errors import CommandError
from USDICOMizerLib.exam import Instance
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.settings import (
    CropPreset,
    Settings,
    format_crop_preset,
    load_settings,
    parse_settings,
    update_settings_text,
)
from USDICOMizerLib.settings_file import normal_name

_SECTION = "crop_presets"


def suggested_name(instance: Instance) -> str:
    """A name for the preset of an instance's scanner and image size: "epiq-5g-1024x768"."""
    device = instance.device
    words = re.findall(r"[a-z0-9]+", f"{device.model or device.manufacturer or 'scanner'}".casefold())
    return "-".join([*(words or ["scanner"]), f"{instance.columns}x{instance.rows}"])


def preset_for(instance: Instance, box: CropBox, name: str, settings: Settings) -> CropPreset:
    """The preset that proposes this box for the instance's scanner, image size and kind (frame or cine).

    A preset of that name which matches the same keeps its box for the other kind. The serial number isn't named: it
    would make the preset one of a single machine.
    """
    device, size = instance.device, (instance.columns, instance.rows)
    new = CropPreset(name, device.manufacturer, device.model, "", size)
    old = next((preset for preset in settings.presets if normal_name(preset.name) == normal_name(name)), None)
    if old and (old.manufacturer, old.model, old.id, old.size) == (new.manufacturer, new.model, new.id, new.size):
        new = old
    return replace(new, multi_frame=box) if instance.frames > 1 else replace(new, single_frame=box)


def save_preset(path: Path, preset: CropPreset) -> Settings:
    """Write the preset into the settings file, whose comments stay, and return the settings that it now says.

    Raises CommandError where the name can't be one or the file can't be written, SettingsError where it is wrong.
    """
    load_settings(path)  # so that what is wrong already is told by itself
    try:
        text = path.read_bytes().decode("utf-8-sig")
        changed = update_settings_text(text, {(_SECTION, preset.name): format_crop_preset(preset)})
    except ValueError:
        raise CommandError("A preset's name has letters, digits, spaces and hyphens, and doesn't start with # ; or [.") from None
    settings = parse_settings(changed, path.name)
    if preset not in settings.presets:
        raise CommandError("The scanner's name in the header can't be written to the settings file; add the preset by hand.")
    try:
        with written_whole(path, replace=True) as stream:
            stream.write(changed.encode("utf-8"))
    except OSError as error:
        raise CommandError(f"The settings can't be written ({error.strerror}). Check the rights of {path.name}.") from None
    return settings
