"""The attributes that the settings name: how they are written, and which can't be deleted or kept."""

from __future__ import annotations

import re
from difflib import get_close_matches

from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword

from USDICOMizerLib.deidentify.rules import SafePrivate

# Type 1 at the top level of the Ultrasound and Secondary Capture images (PS3.3 A.6, A.7, A.8), and what pixels can't be
# read or trusted without: deleting any of it would break every export. Identifiers among them get pseudonyms.
_NEEDED_KEYWORDS = """
    SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID Modality ConversionType StudyInstanceUID SeriesInstanceUID
    FrameOfReferenceUID SynchronizationFrameOfReferenceUID SynchronizationTrigger AcquisitionTimeSynchronized
    ClinicalTrialSponsorName ClinicalTrialProtocolID ContainerIdentifier SpecimenDescriptionSequence DeviceSequence
    PatientOrientationCodeSequence PatientEquipmentRelationshipCodeSequence DimensionOrganizationSequence
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence SequenceOfUltrasoundRegions
    PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence BurnedInAnnotation
    FrameTime FrameTimeVector NumberOfFrames FrameIncrementPointer
    SamplesPerPixel PhotometricInterpretation PlanarConfiguration Rows Columns PixelAspectRatio
    BitsAllocated BitsStored HighBit PixelRepresentation
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor
    RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData
    LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
    ExtendedOffsetTable ExtendedOffsetTableLengths PixelData
"""
NEEDED_ATTRIBUTES = frozenset(tag_for_keyword(keyword) for keyword in _NEEDED_KEYWORDS.split())

# Pictures beside the picture, which no crop box reaches.
_UNCROPPED = frozenset({tag_for_keyword("IconImageSequence")})

_TAG = re.compile(r"\(?\s*([0-9a-fA-F]{4})\s*,?\s*([0-9a-fA-F]{4})\s*\)?")
_SAFE_PRIVATE = re.compile(r"\(\s*([0-9a-fA-F]{4})\s*,\s*[xX]{2}([0-9a-fA-F]{2})\s*\)\s*(\S.{0,63})")
_LAST_RESERVED_GROUP = 0x0008
_NOT_IN_A_DATA_SET = frozenset({0x0000, 0x0002, 0x0004, 0x0006, 0xFFFE, 0xFFFF})


def attribute(text: str) -> int:
    """The tag of an attribute written as (gggg,eeee) or as DICOM's keyword, such as PatientName.

    Raises ValueError for anything else, for keywords unknown to the dictionary, and for groups outside of the data set.
    """
    written = _TAG.fullmatch(text)
    if written:
        tag = int(written[1] + written[2], 16)
        if tag >> 16 in _NOT_IN_A_DATA_SET:
            raise ValueError(f"{text!r} isn't in the data set: take it out (file meta information is always written anew)")
        return tag
    tag = tag_for_keyword(text)
    if tag is None:
        keywords = {entry[4].casefold(): entry[4] for entry in DicomDictionary.values()}
        close = [keywords[name] for name in get_close_matches(text.casefold(), keywords, n=3, cutoff=0.75)]
        if close and close[0].casefold() == text.casefold():
            return tag_for_keyword(close[0])
        suggestion = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"{text!r} is neither (gggg,eeee) nor a keyword of DICOM{suggestion}")
    return tag


def attribute_to_delete(text: str) -> int:
    """An attribute whose value may go from every level. Raises ValueError where an export can't do without it."""
    tag = attribute(text)
    if tag in NEEDED_ATTRIBUTES:
        raise ValueError(
            f"{describe(tag)} can't be deleted: without it the export isn't a valid ultrasound image (DICOM Type 1), or its "
            "pixels can't be read or trusted; take the line out (a UID gets a pseudonym in any case)"
        )
    return tag


def attribute_to_keep(text: str) -> int:
    """An attribute that may stay against the profile. Raises ValueError for what may never stay."""
    tag = attribute(text)
    if is_private(tag):
        raise ValueError(f"{describe(tag)} can't be kept: nobody but its vendor knows what a private attribute holds")
    group = tag >> 16
    if tag in _UNCROPPED or group & 0xFF00 in (0x5000, 0x6000):
        raise ValueError(f"{describe(tag)} can't be kept: overlays, curves and icons may show text and are not cropped")
    return tag


def safe_private(text: str) -> SafePrivate:
    """A private element written as "(gggg,xxee) CREATOR", the xx standing for any block of that creator.

    Raises ValueError for anything else, and for a group that isn't private.
    """
    written = _SAFE_PRIVATE.fullmatch(text)
    if not written:
        raise ValueError(
            f"{text!r} is not a private element: write (gggg,xxee) CREATOR, such as (200D,xx37) Philips US Imaging 60"
        )
    group = int(written[1], 16)
    if not group & 1 or group <= _LAST_RESERVED_GROUP:
        raise ValueError(f"{text!r} names no private group: those are odd, from 0009 on")
    return SafePrivate(written[3].strip(), group, int(written[2], 16))


def is_private(tag: int) -> bool:
    """Whether the group is odd (PS3.5 7.8)."""
    return bool(tag >> 16 & 1)


def describe(tag: int) -> str:
    """ "PatientName (0010,0010)", or the bare number of an attribute that the dictionary doesn't have."""
    number = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    keyword = keyword_for_tag(tag)
    return f"{keyword} {number}" if keyword else number
