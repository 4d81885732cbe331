"""The tag of an instance: a vocabulary for people, coded attributes for machines.

A tag goes to attributes of the instance level only, so that the instances of a series stay consistent:

- Anatomic Region Sequence (0008,2218) with the SNOMED CT code that DICOM's context groups have for the site, or
  a code of the private scheme 99USDICOMIZER for a site without one;
- Image Laterality (0020,0062);
- Image Comments (0020,4000), a sentence for people;
- a private block: group 0011, creator "USDICOMizer", with the elements of `_Element`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from USDICOMizerLib.errors import CommandError

PRIVATE_GROUP = 0x0011
PRIVATE_CREATOR = "USDICOMizer"
PRIVATE_CODING_SCHEME = "99USDICOMIZER"

SIDES = {"L": "left", "R": "right", "B": "both sides", "U": "unpaired"}
"""What Image Laterality (0020,0062) can say (PS3.3 C.7.6.1), in words."""

DEFAULT_SITES = ("CFVr", "CFV", "GSVr", "GSV", "FVr", "FV", "FV-Dr", "FV-D", "PVr", "PV", "OPT")
DEFAULT_SIDES = ("L", "R")
DEFAULT_PURPOSES = ("diagnostic", "non-diagnostic", "compression", "colour-doppler", "optional")

_SITE_LENGTH = 32  # with the side and the purpose, a tag fits the 64 characters of LO (PS3.5 6.2)
_PURPOSE_LENGTH = 24
_CODE_VALUE_LENGTH = 16  # of SH
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")


class TagError(CommandError):
    """The tag isn't in the vocabulary; the message names the nearest ones that are."""


class _Element(IntEnum):
    """The elements of the private block, (0011,xx01) to (0011,xx04); all LO, absent where there is nothing to say."""

    TAG = 0x01  # as the user writes it: SITE[-SIDE][/PURPOSE]
    SITE = 0x02
    SIDE = 0x03
    PURPOSE = 0x04


@dataclass(frozen=True)
class Tag:
    """What the user says about an instance: where, on which side, what for."""

    site: str
    side: str = ""
    purpose: str = ""

    def __str__(self) -> str:
        side = f"-{self.side}" if self.side else ""
        purpose = f"/{self.purpose}" if self.purpose else ""
        return f"{self.site}{side}{purpose}"


@dataclass(frozen=True)
class TagVocabulary:
    """The sites, sides and purposes that a tag may name, and whether every instance needs a tag.

    Upper and lower case are told apart nowhere: no file system on Windows or macOS does in an export's names.
    Raises ValueError for names that couldn't be written to a file name or an attribute, and for ambiguous ones.
    """

    sites: tuple[str, ...] = DEFAULT_SITES
    sides: tuple[str, ...] = DEFAULT_SIDES
    purposes: tuple[str, ...] = DEFAULT_PURPOSES
    required: bool = False

    def __post_init__(self) -> None:
        check_sites(self.sites)
        check_sides(self.sides)
        check_purposes(self.purposes)
        with_side = {f"{site}-{side}".casefold(): (site, side) for site in self.sites for side in self.sides}
        for site in self.sites:
            if site.casefold() in with_side:
                other, side = with_side[site.casefold()]
                raise ValueError(f"the site {site} reads the same as the site {other} with the side {side}: rename one of them")

    def parse(self, text: str) -> Tag:
        """Read SITE[-SIDE][/PURPOSE], the longest site first: FV-D-L is the site FV-D on the left.

        Raises TagError.
        """
        place, slash, purpose = text.strip().partition("/")
        for site in sorted(self.sites, key=len, reverse=True):
            if not place.casefold().startswith(site.casefold()):
                continue
            rest = place[len(site) :]
            side = _canonical(rest[1:], self.sides) if rest.startswith("-") else None
            if rest == "" or side:
                break
        else:
            raise TagError(f"The tag {text.strip()!r} isn't in the vocabulary: {self._nearest(place)}")
        known_purpose = _canonical(purpose, self.purposes)
        if slash and not known_purpose:
            raise TagError(
                f"The tag {text.strip()!r} isn't in the vocabulary: the purpose {purpose!r} isn't known; "
                f"the purposes are {_listed(self.purposes)}. {_WHERE}"
            )
        return Tag(site, side or "", known_purpose or "")

    def check(self, tag: Tag) -> Tag:
        """The tag with its names written as the vocabulary has them. Raises TagError where it has them not."""
        if not tag.site:
            raise TagError(f"The tag names no site; the sites are {_listed(self.sites)}. {_WHERE}")
        site = _canonical(tag.site, self.sites)
        side = _canonical(tag.side, self.sides)
        if site is None or (tag.side and side is None):
            place = str(Tag(tag.site, tag.side))
            raise TagError(f"The tag {str(tag)!r} isn't in the vocabulary: {self._nearest(place)}")
        return self.parse(str(Tag(site, side or "", tag.purpose)))

    @property
    def places(self) -> tuple[str, ...]:
        """Every site, alone and with each side, in the order of the settings."""
        return tuple(str(Tag(site, side)) for site in self.sites for side in ("", *self.sides))

    def _nearest(self, place: str) -> str:
        written = {name.casefold(): name for name in self.places}
        close = [written[name] for name in get_close_matches(place.casefold(), written, n=3, cutoff=0.6)]
        suggestion = f"did you mean {' or '.join(close)}? " if close else ""
        return f"{suggestion}The sites are {_listed(self.sites)}; the sides {_listed(self.sides)}. {_WHERE}"


_WHERE = "Both stand in [tags] of the settings, where more can be added."


def check_sites(sites: tuple[str, ...]) -> tuple[str, ...]:
    """The same sites. Raises ValueError where one can't be a site, and where there is none."""
    if not sites:
        raise ValueError("there is no site: name at least one, such as CFV")
    return _check_names(sites, _SITE_LENGTH)


def check_sides(sides: tuple[str, ...]) -> tuple[str, ...]:
    """The same sides. Raises ValueError where one isn't a value of Image Laterality (0020,0062)."""
    for side in sides:
        if side not in SIDES:
            raise ValueError(f"{side!r} is not a side that DICOM knows: L (left), R (right), B (both) or U (unpaired)")
    return _check_names(sides, 1)


def check_purposes(purposes: tuple[str, ...]) -> tuple[str, ...]:
    """The same purposes. Raises ValueError where one can't be a purpose."""
    return _check_names(purposes, _PURPOSE_LENGTH)


def _check_names(names: tuple[str, ...], longest: int) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for name in names:
        if len(name) > longest or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} can't be used as a name: write up to {longest} letters of A to Z, digits, '-' and '_', "
                "with a letter or digit at both ends"
            )
        if name.casefold() in seen:
            raise ValueError(f"{name!r} is there twice, as {seen[name.casefold()]!r}: upper and lower case are the same here")
        seen[name.casefold()] = name
    return names


def _canonical(name: str, names: Iterable[str]) -> str | None:
    return next((known for known in names if known.casefold() == name.casefold()), None)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"


@dataclass(frozen=True)
class Anatomy:
    """What a site is: a coded region, narrowed by a coded modifier; `view` adds for people what no code says."""

    region: Code
    modifier: Code | None = None
    view: str = ""

    @property
    def words(self) -> str:
        """For people: "Femoral vein, distal"."""
        return ", ".join(filter(None, (self.region.meaning, self.modifier.meaning.lower() if self.modifier else "", self.view)))


# Femoral and great saphenous vein stand in CID 4 Anatomic Region, common femoral and popliteal vein
# in CID 12110 Lower Extremity Vein, Distal in CID 2 Anatomic Modifier (PS3.16). "r" is for "random" in the labels of the study
# whose vocabulary this is: a view of the same vein taken at will.
_COMMON_FEMORAL = Code("397363009", "SCT", "Common Femoral Vein")
_FEMORAL = Code("83419000", "SCT", "Femoral vein")
_GREAT_SAPHENOUS = Code("60734001", "SCT", "Great saphenous vein")
_POPLITEAL = Code("56849005", "SCT", "Popliteal Vein")
_DISTAL = Code("46053002", "SCT", "Distal")
_RANDOM = "random view"

_ANATOMY = {
    "CFVr": Anatomy(_COMMON_FEMORAL, view=_RANDOM),
    "CFV": Anatomy(_COMMON_FEMORAL),
    "GSVr": Anatomy(_GREAT_SAPHENOUS, view=_RANDOM),
    "GSV": Anatomy(_GREAT_SAPHENOUS),
    "FVr": Anatomy(_FEMORAL, view=_RANDOM),
    "FV": Anatomy(_FEMORAL),
    "FV-Dr": Anatomy(_FEMORAL, _DISTAL, view=_RANDOM),
    "FV-D": Anatomy(_FEMORAL, _DISTAL),
    "PVr": Anatomy(_POPLITEAL, view=_RANDOM),
    "PV": Anatomy(_POPLITEAL),
    "OPT": Anatomy(Code("OPT", PRIVATE_CODING_SCHEME, "Optional view")),
}


def anatomy_of(site: str) -> Anatomy:
    """The anatomy behind a site's name.

    The default sites are a table. Any other name is looked for, spelled out, in CID 4 and CID 12110 of PS3.16
    ("popliteal-artery", "Thyroid"); what they don't have gets a code of the private scheme.
    """
    known = _canonical(site, _ANATOMY)
    if known:
        return _ANATOMY[known]
    spelled = re.sub("[-_]", "", site).casefold()
    for group in (codes.cid4, codes.cid12110):
        for keyword in group.dir(spelled):
            if keyword.casefold() == spelled:
                return Anatomy(getattr(group, keyword))
    return Anatomy(Code(site, PRIVATE_CODING_SCHEME, site))


def image_comment(tag: Tag, kind: str = "") -> str:
    """The sentence of Image Comments: "Femoral vein, left, compression (cine) [FV-L/compression]"."""
    words = ", ".join(filter(None, (anatomy_of(tag.site).words, SIDES.get(tag.side, ""), tag.purpose)))
    return f"{words} ({kind}) [{tag}]" if kind else f"{words} [{tag}]"


def apply_tag(ds: Dataset, tag: Tag, kind: str = "") -> None:
    """Write the tag into the instance, in place, as the head of this module says; `kind` is "frame", "cine" or "".

    A side takes Laterality (0020,0060) away: it is of the series, and has no place beside Image Laterality (PS3.3
    C.7.3.1). An earlier Anatomic Region Sequence, Image Laterality, Image Comments and private block are replaced.
    """
    anatomy = anatomy_of(tag.site)
    region = _code_item(anatomy.region)
    if anatomy.modifier:
        region.AnatomicRegionModifierSequence = Sequence([_code_item(anatomy.modifier)])
    ds.AnatomicRegionSequence = Sequence([region])
    if tag.side:
        ds.ImageLaterality = tag.side
        if "Laterality" in ds:
            del ds.Laterality
    elif "ImageLaterality" in ds:
        del ds.ImageLaterality
    ds.ImageComments = image_comment(tag, kind)

    block = ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    values = {_Element.TAG: str(tag), _Element.SITE: tag.site, _Element.SIDE: tag.side, _Element.PURPOSE: tag.purpose}
    for element, value in values.items():
        if element in block:
            del block[element]
        if value:
            block.add_new(element, "LO", value)


def tag_of(ds: Dataset) -> Tag | None:
    """The tag that `apply_tag` wrote, read back from the private block; None without one."""
    try:
        block = ds.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)
    except KeyError:
        return None
    site, side, purpose = (_text(block[element].value) if element in block else "" for element in list(_Element)[1:])
    return Tag(site, side, purpose) if site else None


def _text(value: object) -> str:
    """A private element's text; it comes as bytes where the reader, by implicit VR, couldn't know better."""
    return value.decode("ascii", "replace").strip(" \0") if isinstance(value, bytes) else str(value)


def _code_item(code: Code) -> Dataset:
    """A code sequence item (PS3.3 Table 8.8-1)."""
    item = Dataset()
    if len(code.value) <= _CODE_VALUE_LENGTH:
        item.CodeValue = code.value
    else:
        item.LongCodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item
