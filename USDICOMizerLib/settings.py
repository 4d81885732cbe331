"""The settings: the INI file as typed values, where it is, and what it says at first.

A key that the file doesn't have takes the default of its class here; default_settings.ini says the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from USDICOMizerLib import settings_values as values
from USDICOMizerLib.deidentify.options import Option
from USDICOMizerLib.deidentify.rules import DEFAULT_DATE_SHIFT, SafePrivate
from USDICOMizerLib.errors import Mistake, SettingsError
from USDICOMizerLib.files import written_whole
from USDICOMizerLib.settings_attributes import attribute_to_delete, attribute_to_keep, describe, safe_private
from USDICOMizerLib.settings_ecrf import ECRF_READERS, EcrfSettings, doubled_name
from USDICOMizerLib.settings_file import LIST_SECTIONS, Entry, normal_name, read_settings_text, update_settings_text
from USDICOMizerLib.settings_values import FILE_NAME_FIELDS, CropPreset, format_crop_preset
from USDICOMizerLib.tags import Tag, TagError, TagVocabulary, check_purposes, check_sides, check_sites

__all__ = [
    "FILE_NAME_FIELDS",
    "PROFILES",
    "TRANSFER_SYNTAXES",
    "CropPreset",
    "CropSettings",
    "DeidentificationSettings",
    "EcrfSettings",
    "ExportSettings",
    "LoggingSettings",
    "ProtocolSettings",
    "ReviewSettings",
    "Settings",
    "default_data_folder",
    "default_settings_path",
    "default_settings_text",
    "ensure_default_settings",
    "format_crop_preset",
    "load_settings",
    "parse_settings",
    "update_settings_text",
]

HOME_VARIABLE = "USDICOMIZER_HOME"
_FOLDER = "USDICOMizer"
_FILE = "settings.ini"

CROP_ORDER = ("preset", "regions", "content")
PROFILES = ("basic",)
TRANSFER_SYNTAXES = ("same", "explicit-little-endian", "rle", "jpeg-ls", "jpeg-2000", "htj2k", "jpeg-baseline")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class CropSettings:
    """[crop]: where a box is proposed from, in order; `margin` and `minimum_size` in pixels of the stored frame."""

    order: tuple[str, ...] = CROP_ORDER
    margin: int = 0
    minimum_size: int = 32


@dataclass(frozen=True)
class ProtocolSettings:
    """[protocol]: the tags that a complete exam has."""

    expected: tuple[Tag, ...] = ()


@dataclass(frozen=True)
class DeidentificationSettings:
    """[deidentification] and the lists that go with it; attributes are tags, 0xggggeeee.

    `allowed_words` are as `deidentify.words` compares them; `date_shift_days` is the least and the greatest.
    """

    profile: str = PROFILES[0]
    options: tuple[Option, ...] = ()
    date_shift_days: tuple[int, int] = DEFAULT_DATE_SHIFT
    allowed_words: tuple[str, ...] = ()
    attributes_to_delete: tuple[int, ...] = ()
    attributes_to_keep: tuple[int, ...] = ()
    safe_private: tuple[SafePrivate, ...] = ()
    key_file: Path | None = None
    linkage_folder: Path | None = None


@dataclass(frozen=True)
class ExportSettings:
    """[export]: where to, under which names, and how pixels and ZIP are stored."""

    folder: Path | None = None
    file_name: str = "{subject}/{exam}/{order:03d}_{site}-{side}.dcm"
    transfer_syntax: str = "same"
    jpeg_quality: int = 95
    zip_compression_level: int = 0
    report: bool = True


@dataclass(frozen=True)
class ReviewSettings:
    """[review]: whether a person has to confirm each picture, and whether text is looked for where nobody did."""

    require_review: bool = True
    require_text_check: bool = True


@dataclass(frozen=True)
class LoggingSettings:
    """[logging]: a level as the logging module names it, and the folder of the log."""

    level: str = "INFO"
    folder: Path | None = None


@dataclass(frozen=True)
class Settings:
    """All that a settings file says."""

    crop: CropSettings = CropSettings()
    presets: tuple[CropPreset, ...] = ()
    tags: TagVocabulary = TagVocabulary()
    protocol: ProtocolSettings = ProtocolSettings()
    deidentification: DeidentificationSettings = DeidentificationSettings()
    export: ExportSettings = ExportSettings()
    review: ReviewSettings = ReviewSettings()
    logging: LoggingSettings = LoggingSettings()
    ecrf: EcrfSettings = EcrfSettings()


# section -> key -> how its text is read. The keys are the fields of the section's class.
_KEYS: dict[str, dict[str, Callable[[str], Any]]] = {
    "crop": {
        "order": values.some_of(CROP_ORDER),
        "margin": values.whole_number(-1000, 1000),
        "minimum_size": values.whole_number(1, values.LARGEST_SIZE),
    },
    "tags": {
        "sites": lambda text: check_sites(values.names(text)),
        "sides": lambda text: check_sides(values.names(text)),
        "purposes": lambda text: check_purposes(values.names(text)),
        "required": values.yes_or_no,
    },
    "protocol": {"expected": values.names},
    "deidentification": {
        "profile": values.one_of(PROFILES),
        "options": values.profile_options,
        "date_shift_days": values.day_range,
        "allowed_words": values.words,
        "key_file": values.folder_or_file,
        "linkage_folder": values.folder_or_file,
    },
    "export": {
        "folder": values.folder_or_file,
        "file_name": values.file_name_template,
        "transfer_syntax": values.one_of(TRANSFER_SYNTAXES),
        "jpeg_quality": values.whole_number(1, 100),
        "zip_compression_level": values.whole_number(0, 9),
        "report": values.yes_or_no,
    },
    "review": {"require_review": values.yes_or_no, "require_text_check": values.yes_or_no},
    "logging": {"level": values.one_of(LOG_LEVELS), "folder": values.folder_or_file},
    "ecrf": ECRF_READERS,
}
_PRESETS = "crop_presets"
_DELETE, _KEEP = "attributes_to_del", "attributes_to_keep"
_SAFE_PRIVATE = "safe_private"
_SECTIONS = (*_KEYS, _PRESETS, _DELETE, _KEEP, _SAFE_PRIVATE)


def load_settings(path: Path) -> Settings:
    """Read a settings file. Raises SettingsError with all that is wrong in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([Mistake(path.name, f"the settings can't be read ({reason}); check --settings")]) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        cure = "this isn't UTF-8 text; save the file with the encoding UTF-8"
        raise SettingsError([Mistake(f"{path.name}, line {line}", cure)]) from None
    return parse_settings(text, path.name)


def parse_settings(text: str, name: str) -> Settings:
    """Read the text of a settings file; `name` is what messages call it. Raises SettingsError with all mistakes."""
    return _Parser(name).parse(text)


class _Parser:
    """One pass over one file, which collects the mistakes of all lines before it raises them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._mistakes: list[tuple[int, Mistake]] = []

    def parse(self, text: str) -> Settings:
        read = read_settings_text(text)
        for misread in read.misread:
            self._wrong(misread.section, misread.line, misread.message)
        for heading in read.headings:
            if heading.section not in _SECTIONS:
                self._wrong(heading.section, heading.line, f"there is no such section; {_meant(heading.section, _SECTIONS)}")

        keyed: dict[str, dict[str, Entry]] = {section: {} for section in _SECTIONS}
        for entry in read.entries:
            if entry.section not in keyed:
                continue
            key = normal_name(entry.name)
            first = keyed[entry.section].setdefault(key, entry)
            if first is not entry:
                self._wrong(entry.section, entry.line, f"{entry.name} is there already, in line {first.line}: take one out")

        read_values = {section: self._values(section, keyed[section]) for section in _KEYS}
        tags_are_right = keyed["tags"].keys() & _KEYS["tags"].keys() <= read_values["tags"].keys()
        vocabulary = self._vocabulary(read_values["tags"], keyed["tags"])
        settings = Settings(
            crop=CropSettings(**read_values["crop"]),
            presets=self._converted(keyed[_PRESETS], lambda entry: values.crop_preset(entry.name, entry.value)),
            tags=vocabulary or TagVocabulary(),
            # Against a vocabulary that is wrong itself, right tags would be called wrong.
            protocol=self._protocol(read_values["protocol"], keyed["protocol"], vocabulary if tags_are_right else None),
            deidentification=DeidentificationSettings(
                **read_values["deidentification"],
                attributes_to_delete=self._converted(keyed[_DELETE], lambda entry: attribute_to_delete(entry.name)),
                attributes_to_keep=self._converted(keyed[_KEEP], lambda entry: attribute_to_keep(entry.name)),
                safe_private=self._converted(keyed[_SAFE_PRIVATE], lambda entry: safe_private(entry.name)),
            ),
            export=ExportSettings(**read_values["export"]),
            review=ReviewSettings(**read_values["review"]),
            logging=LoggingSettings(**read_values["logging"]),
            ecrf=self._ecrf(read_values["ecrf"], keyed["ecrf"]),
        )
        self._check_no_contradiction(settings.deidentification, keyed[_KEEP])
        if self._mistakes:
            raise SettingsError([mistake for _, mistake in sorted(self._mistakes, key=lambda placed: placed[0])])
        return settings

    def _values(self, section: str, entries: Mapping[str, Entry]) -> dict[str, Any]:
        """The values of a section by key, without those that are wrong."""
        known = _KEYS[section]
        converted = {}
        for key, entry in entries.items():
            if key not in known:
                elsewhere = [other for other, keys in _KEYS.items() if key in keys]
                hint = f"it belongs in [{elsewhere[0]}]" if elsewhere else _meant(key, known)
                self._wrong(section, entry.line, f"there is no key {entry.name} in this section; {hint}")
                continue
            try:
                converted[key] = known[key](entry.value)
            except ValueError as error:
                self._wrong(section, entry.line, f"{key}: {error}")
        return converted

    def _converted(self, entries: Mapping[str, Entry], convert: Callable[[Entry], Any]) -> tuple[Any, ...]:
        """The entries of a section whose keys are free, without those that are wrong; each value once."""
        converted: dict[Any, None] = {}
        for entry in entries.values():
            try:
                converted[convert(entry)] = None
            except ValueError as error:
                label = f"{entry.name}: " if entry.section not in LIST_SECTIONS else ""
                self._wrong(entry.section, entry.line, f"{label}{error}")
        return tuple(converted)

    def _vocabulary(self, read: Mapping[str, Any], entries: Mapping[str, Entry]) -> TagVocabulary | None:
        try:
            return TagVocabulary(**read)
        except ValueError as error:  # the names are right each, but not together
            self._wrong("tags", min(entry.line for entry in entries.values()), str(error))
            return None

    def _protocol(
        self, read: Mapping[str, Any], entries: Mapping[str, Entry], vocabulary: TagVocabulary | None
    ) -> ProtocolSettings:
        expected = []
        for text in read.get("expected", ()) if vocabulary else ():
            try:
                expected.append(vocabulary.parse(text))
            except TagError as error:
                self._wrong("protocol", entries["expected"].line, f"expected: {error}")
        return ProtocolSettings(tuple(expected))

    def _ecrf(self, read: Mapping[str, Any], entries: Mapping[str, Entry]) -> EcrfSettings:
        doubled = doubled_name(read)
        if doubled:
            key, name = doubled
            self._wrong("ecrf", entries[key].line, f"{key}: another field is called {name!r} too: each needs its own name")
        return EcrfSettings(**read)

    def _check_no_contradiction(self, settings: DeidentificationSettings, entries: Mapping[str, Entry]) -> None:
        for tag in set(settings.attributes_to_delete) & set(settings.attributes_to_keep):
            line = next(entry.line for entry in entries.values() if _reads_as(entry, tag))
            self._wrong(_KEEP, line, f"{describe(tag)} is in [{_DELETE}] as well: take it out of one of them")

    def _wrong(self, section: str, line: int, message: str) -> None:
        place = f"{self._name}, [{section}], line {line}" if section else f"{self._name}, line {line}"
        self._mistakes.append((line, Mistake(place, message)))


def _reads_as(entry: Entry, tag: int) -> bool:
    try:
        return attribute_to_keep(entry.name) == tag
    except ValueError:
        return False


def _meant(name: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def default_settings_text() -> str:
    """The settings file as it is at first, every key explained."""
    return resources.files("USDICOMizerLib").joinpath("default_settings.ini").read_text(encoding="utf-8")


def default_settings_path() -> Path:
    """The user's own settings file, whether it is there or not.

    In the folder of the environment variable USDICOMIZER_HOME where that is set; else in the user's configuration
    folder: $XDG_CONFIG_HOME or ~/.config, %APPDATA%, ~/Library/Application Support.
    """
    home = _home()
    if home:
        return home / _FILE
    if sys.platform == "win32":
        return _folder_from("APPDATA", Path("AppData", "Roaming")) / _FOLDER / _FILE
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _FOLDER / _FILE
    return _folder_from("XDG_CONFIG_HOME", Path(".config")) / _FOLDER / _FILE


def default_data_folder() -> Path:
    """The folder of the project key, the linkage and the log where the settings don't say; there or not.

    `data` in USDICOMIZER_HOME where that is set; else in the user's data folder: $XDG_DATA_HOME or ~/.local/share,
    %LOCALAPPDATA% (which, unlike the roaming folder, stays on the machine), ~/Library/Application Support.
    """
    home = _home()
    if home:
        return home / "data"
    if sys.platform == "win32":
        return _folder_from("LOCALAPPDATA", Path("AppData", "Local")) / _FOLDER
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / _FOLDER / "data"
    return _folder_from("XDG_DATA_HOME", Path(".local", "share")) / _FOLDER


def _home() -> Path | None:
    named = os.environ.get(HOME_VARIABLE, "")
    return Path(named).expanduser().absolute() if named else None


def _folder_from(variable: str, below_home: Path) -> Path:
    """The folder that an environment variable names; a relative one counts as none, as the XDG specification has it."""
    named = os.environ.get(variable, "")
    return Path(named) if named and Path(named).is_absolute() else Path.home() / below_home


def ensure_default_settings() -> tuple[Settings, bool, Path]:
    """The user's own settings; the file is made on first use. Returns settings, whether it was made, and where it is.

    Raises SettingsError where the file is wrong or can't be made.
    """
    path = default_settings_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            return load_settings(path), False, path
        with written_whole(path, replace=False) as stream:
            stream.write(default_settings_text().encode("utf-8"))
    except FileExistsError:  # another process was faster
        return load_settings(path), False, path
    except OSError as error:
        cure = f"give --settings FILE, or set {HOME_VARIABLE} to a folder that can be written to"
        reason = error.strerror or type(error).__name__
        raise SettingsError([Mistake(str(path), f"the settings can't be created there ({reason}); {cure}")]) from None
    return load_settings(path), True, path
