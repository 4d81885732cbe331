"""Clinical values that an export has to keep, and where in the body a pixel is, computed from the standard's text."""

from __future__ import annotations

from pydicom.dataset import Dataset

# Values at the top level, all of ultrasound modules (PS3.3 C.8.5.6, C.7.6.5, C.7.6.6, C.8.5.3).
CLINICAL = {
    "MechanicalIndex": "1.1",
    "BoneThermalIndex": "0.4",
    "SoftTissueThermalIndex": "0.7",
    "CranialThermalIndex": "1.3",
    "SoftTissueFocusThermalIndex": "0.6",
    "SoftTissueSurfaceThermalIndex": "0.5",
    "DepthOfScanField": "120",
    "FocusDepth": "62.5",
    "TransducerData": ["C5-1", "CURVED", "ABDOMEN"],
    "TransducerType": "CURVED LINEAR",
    "ProcessingFunction": "LOWER EXTREMITY",
    "HeartRate": "71",
    "StageName": "REST",
    "StageNumber": "1",
    "NumberOfStages": "2",
    "ViewName": "TRANSVERSE",
    "ViewNumber": "2",
    "NumberOfViewsInStage": "3",
    "TriggerTime": "12.5",
    "NominalInterval": "845",
    "EffectiveDuration": "1.5",
    "CineRate": "25",
    "RecommendedDisplayFrameRate": "25",
    "PixelSpacing": ["0.21", "0.21"],
    "UltrasoundColorDataPresent": 1,
    "BodyPartExamined": "LEG",
    "PatientPosition": "HFS",
}
# Values of a region that no crop changes (PS3.3 C.8.5.5). Pulse repetition frequency in Hz, transducer frequency in kHz.
REGION = {
    "TransducerFrequency": 5000,
    "PulseRepetitionFrequency": 6250,
    "DopplerCorrectionAngle": 60.0,
    "SteeringAngle": -12.5,
    "DopplerSampleVolumeXPosition": -35,
    "DopplerSampleVolumeYPosition": 140,
    "TMLinePositionX0": -3,
    "TMLinePositionY0": 2,
    "TMLinePositionX1": 55,
    "TMLinePositionY1": 210,
    "DopplerSampleVolumeXPositionRetired": 35,
    "DopplerSampleVolumeYPositionRetired": 140,
    "TMLinePositionX0Retired": 3,
    "TMLinePositionY1Retired": 210,
    "RegionSpatialFormat": 3,
    "RegionDataType": 4,
    "RegionFlags": 2,
    "PhysicalUnitsXDirection": 3,
    "PhysicalUnitsYDirection": 3,
    "ReferencePixelPhysicalValueX": 0.25,
    "ReferencePixelPhysicalValueY": -1.5,
    "PhysicalDeltaX": 0.0213,
    "PhysicalDeltaY": 0.0197,
    "PixelComponentOrganization": 1,
    "PixelComponentRangeStart": 0,
    "PixelComponentRangeStop": 255,
    "PixelComponentPhysicalUnits": 5,
    "PixelComponentDataType": 1,
    "NumberOfTableBreakPoints": 2,
    "TableOfXBreakPoints": [0, 255],
    "TableOfYBreakPoints": [-40.0, 40.0],
}


def add_clinical_values(dataset: Dataset) -> None:
    """Give the header, and each of its regions, every clinical value; the regions keep their place and reference pixel."""
    for keyword, value in CLINICAL.items():
        setattr(dataset, keyword, value)
    for region in dataset.SequenceOfUltrasoundRegions:
        for keyword, value in REGION.items():
            setattr(region, keyword, value)
    for sequence, value, meaning in (("StageCodeSequence", "F-05019", "Rest"), ("ViewCodeSequence", "G-A117", "Transverse")):
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SRT", meaning
        setattr(dataset, sequence, [code])


def lost_clinical_values(before: Dataset, after: Dataset, box: tuple[int, int, int, int]) -> list[str]:
    """The clinical values of `before` that `after`, cut to the box (left, top, right, bottom), has not, or otherwise."""
    lost = [keyword for keyword in CLINICAL if before.get(keyword) != after.get(keyword)]
    for sequence in ("StageCodeSequence", "ViewCodeSequence"):
        if [item.CodeValue for item in before[sequence].value] != [item.CodeValue for item in after.get(sequence) or ()]:
            lost.append(sequence)
    for keyword in ("FrameTime", "FrameTimeVector"):
        if keyword in before and before[keyword].value != after.get(keyword):
            lost.append(keyword)
    left, top, right, bottom = box
    inside = [
        region
        for region in before.SequenceOfUltrasoundRegions
        if region.RegionLocationMinX0 < right
        and region.RegionLocationMaxX1 >= left
        and region.RegionLocationMinY0 < bottom
        and region.RegionLocationMaxY1 >= top
    ]
    kept = list(after.get("SequenceOfUltrasoundRegions") or ())
    if len(kept) != len(inside):
        return [*lost, "SequenceOfUltrasoundRegions"]
    for old, new in zip(inside, kept, strict=True):
        lost += [keyword for keyword in REGION if old.get(keyword) != new.get(keyword)]
        for column, row in ((left, top), (left + 7, top + 5), (right - 1, bottom - 1)):
            if physical_position(old, column, row) != physical_position(new, column - left, row - top):
                lost.append("the physical position of a pixel")
        if marked_pixels(old) != [(x + left, y + top) for x, y in marked_pixels(new)]:
            lost.append("the pixels of the sample volume and the TM-line")
    return lost


def physical_position(region: Dataset, column: int, row: int) -> tuple[float, float]:
    """What the region says of a pixel of the frame: the reference pixel counts from the region's corner (C.8.5.5.1.16, .17)."""
    x = column - (region.RegionLocationMinX0 + region.ReferencePixelX0)
    y = row - (region.RegionLocationMinY0 + region.ReferencePixelY0)
    return (
        region.ReferencePixelPhysicalValueX + x * region.PhysicalDeltaX,
        region.ReferencePixelPhysicalValueY + y * region.PhysicalDeltaY,
    )


def marked_pixels(region: Dataset) -> list[tuple[int, int]]:
    """The pixels of the frame that a region marks: displacements from the reference pixel (C.8.5.5.1.10, Table C.8-17)."""
    x = region.RegionLocationMinX0 + region.ReferencePixelX0
    y = region.RegionLocationMinY0 + region.ReferencePixelY0
    return [
        (x + region.DopplerSampleVolumeXPosition, y + region.DopplerSampleVolumeYPosition),
        (x + region.TMLinePositionX0, y + region.TMLinePositionY0),
        (x + region.TMLinePositionX1, y + region.TMLinePositionY1),
    ]
