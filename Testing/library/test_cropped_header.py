import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset

from USDICOMizerLib.cropped_header import describe_pixels
from USDICOMizerLib.geometry import CropBox
from USDICOMizerLib.pixels import LossyStep, PixelDescription

WHOLE = CropBox(0, 0, 640, 480)
CROP = CropBox(101, 40, 541, 440)


def description(box: CropBox = CROP, **changes) -> PixelDescription:
    facts = dict(
        rows=box.height,
        columns=box.width,
        frames=1,
        samples_per_pixel=3,
        photometric_interpretation="RGB",
        planar_configuration=0,
        bits_allocated=8,
        bits_stored=8,
        high_bit=7,
        pixel_representation=0,
        transfer_syntax_uid="1.2.840.10008.1.2.4.80",
        lossy_step=None,
    )
    return PixelDescription(**(facts | changes))


def region(left: int, top: int, right: int, bottom: int, **more) -> Dataset:
    ds = Dataset()
    ds.RegionLocationMinX0, ds.RegionLocationMinY0, ds.RegionLocationMaxX1, ds.RegionLocationMaxY1 = left, top, right, bottom
    ds.RegionSpatialFormat = ds.RegionDataType = 1
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def location(ds: Dataset) -> tuple[int, int, int, int]:
    return (ds.RegionLocationMinX0, ds.RegionLocationMinY0, ds.RegionLocationMaxX1, ds.RegionLocationMaxY1)


def header(**more) -> Dataset:
    ds = Dataset()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SMALL PARTS", "0001"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 1
    ds.Rows, ds.Columns = 480, 640
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    return ds


def described(ds: Dataset, box: CropBox = CROP, *, masked: bool = False, **changes) -> Dataset:
    """`ds` after `describe_pixels`, with the header of its source as it was before."""
    source = Dataset()
    for keyword in ("Rows", "Columns", "PhotometricInterpretation"):
        source[keyword] = ds[keyword]
    describe_pixels(ds, description(box, **changes), box, masked=masked, source_header=source)
    return ds


def test_the_layout_is_that_of_the_new_frames():
    out = described(header())
    assert (out.Rows, out.Columns, out.SamplesPerPixel, out.PlanarConfiguration) == (400, 440, 3, 0)
    assert out.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.80"
    grey = described(header(), samples_per_pixel=1, photometric_interpretation="MONOCHROME2", planar_configuration=None)
    assert "PlanarConfiguration" not in grey


def test_regions_move_with_the_crop_and_are_clipped_to_it():
    inside = region(110, 50, 199, 149, ReferencePixelX0=45, ReferencePixelY0=-3)
    over_the_edge = region(81, 20, 639, 479, ReferencePixelX0=300, ReferencePixelY0=0)
    outside = region(0, 0, 100, 39)
    out = described(header(SequenceOfUltrasoundRegions=[inside, over_the_edge, outside]))
    first, second = out.SequenceOfUltrasoundRegions
    assert location(first) == (9, 10, 98, 109)
    assert (first.ReferencePixelX0, first.ReferencePixelY0) == (45, -3)
    assert location(second) == (0, 0, 439, 399)
    assert (second.ReferencePixelX0, second.ReferencePixelY0) == (280, -20)


@given(
    left=st.integers(0, 600), top=st.integers(0, 400), width=st.integers(1, 300), height=st.integers(1, 300),
    reference=st.tuples(st.integers(-500, 500), st.integers(-500, 500)),
)  # fmt: skip
def test_a_physical_position_is_the_same_before_and_after(left, top, width, height, reference):
    item = region(left, top, left + width - 1, top + height - 1, ReferencePixelX0=reference[0], ReferencePixelY0=reference[1])
    item.PhysicalDeltaX, item.PhysicalDeltaY, item.DopplerSampleVolumeXPosition, item.TMLinePositionX0 = 0.02, 0.03, 17, -4
    out = described(header(SequenceOfUltrasoundRegions=[item]))
    kept = out.get("SequenceOfUltrasoundRegions")
    if not kept:
        assert left >= CROP.right or top >= CROP.bottom or left + width <= CROP.left or top + height <= CROP.top
        return
    new = kept[0]
    assert new.RegionLocationMinX0 + new.ReferencePixelX0 == left + reference[0] - CROP.left
    assert new.RegionLocationMinY0 + new.ReferencePixelY0 == top + reference[1] - CROP.top
    assert 0 <= new.RegionLocationMinX0 <= new.RegionLocationMaxX1 < 440
    assert 0 <= new.RegionLocationMinY0 <= new.RegionLocationMaxY1 < 400
    assert (new.PhysicalDeltaX, new.PhysicalDeltaY) == (0.02, 0.03)
    assert (new.DopplerSampleVolumeXPosition, new.TMLinePositionX0) == (17, -4)


def test_a_region_larger_than_the_image_is_clipped_to_the_whole_frame_too():
    out = described(header(SequenceOfUltrasoundRegions=[region(84, 31, 700, 500)]), WHOLE)
    assert location(out.SequenceOfUltrasoundRegions[0]) == (84, 31, 639, 479)


def test_regions_that_cannot_be_placed_are_removed_and_no_empty_sequence_stays():
    broken = region(0, 0, 10, 10)
    del broken.RegionLocationMaxX1
    out = described(header(SequenceOfUltrasoundRegions=[broken, region(200, 200, 100, 100), region(0, 0, 5, 5)]))
    assert "SequenceOfUltrasoundRegions" not in out


@given(left=st.integers(0, 500), top=st.integers(0, 400), width=st.integers(1, 300), height=st.integers(1, 300))
def test_the_calibration_of_the_whole_image_in_the_retired_module_moves_like_a_region(left, top, width, height):
    place = region(left, top, left + width - 1, top + height - 1, ReferencePixelX0=70, ReferencePixelY0=-9, PhysicalDeltaX=0.02)
    out = described(header(**{element.keyword: element.value for element in place}))
    if left >= CROP.right or top >= CROP.bottom or left + width <= CROP.left or top + height <= CROP.top:
        left_over = {"RegionLocationMinX0", "ReferencePixelX0", "ReferencePixelY0", "PhysicalDeltaX"} & set(out.dir())
        assert not left_over
        return
    assert out.RegionLocationMinX0 + out.ReferencePixelX0 == left + 70 - CROP.left
    assert out.RegionLocationMinY0 + out.ReferencePixelY0 == top - 9 - CROP.top
    assert location(out) == (
        max(left, CROP.left) - CROP.left,
        max(top, CROP.top) - CROP.top,
        min(left + width, CROP.right) - 1 - CROP.left,
        min(top + height, CROP.bottom) - 1 - CROP.top,
    )
    assert out.PhysicalDeltaX == 0.02


def test_nothing_points_to_an_overlay_that_stayed_behind():
    item = region(110, 50, 199, 149, ActiveImageAreaOverlayGroup=0x6000)
    for box in (CROP, WHOLE):
        out = described(header(SequenceOfUltrasoundRegions=[item], ActiveImageAreaOverlayGroup=0x6000), box)
        assert "ActiveImageAreaOverlayGroup" not in out
        assert "ActiveImageAreaOverlayGroup" not in out.SequenceOfUltrasoundRegions[0]


def test_what_else_counts_from_the_old_corner_goes():
    source = Dataset()
    source.SpatialLocationsPreserved, source.ReferencedSOPInstanceUID = "YES", "1.2.3"
    more = dict(SourceImageSequence=[source], ZoomCenter=[240, 320], ZoomFactor=[1, 1])
    whole = described(header(**more), WHOLE)
    assert whole.SourceImageSequence[0].SpatialLocationsPreserved == "YES" and "ZoomCenter" in whole
    out = described(header(**more))
    assert "SpatialLocationsPreserved" not in out.SourceImageSequence[0] and out.SourceImageSequence[0].ReferencedSOPInstanceUID
    assert "ZoomCenter" not in out and out.ZoomFactor == [1, 1]


def test_the_first_pixel_stays_where_only_the_right_and_bottom_are_cut():
    out = described(header(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), CropBox(0, 0, 300, 200))
    assert list(out.ImagePositionPatient) == [1, 2, 3]


def test_the_calibration_of_pixel_codes_goes_with_the_codes():
    calibrated = dict(PixelComponentOrganization=0, PixelComponentMask=255, NumberOfTableEntries=2, TableOfPixelValues=[1, 2])
    palette = header(
        PhotometricInterpretation="PALETTE COLOR", SequenceOfUltrasoundRegions=[region(150, 60, 400, 300, **calibrated)]
    )
    recoded = described(palette).SequenceOfUltrasoundRegions[0]
    assert not any(keyword in recoded for keyword in calibrated)
    same = described(header(SequenceOfUltrasoundRegions=[region(150, 60, 400, 300, **calibrated)])).SequenceOfUltrasoundRegions[0]
    assert all(keyword in same for keyword in calibrated)


def test_what_was_done_is_said():
    cropped = described(header())
    assert cropped.ImageType == ["DERIVED", "PRIMARY", "SMALL PARTS", "0001"]
    assert cropped.DerivationDescription == "Cropped to 440 x 400 pixels at column 101, row 40 of 640 x 480"
    masked = described(header(), WHOLE, masked=True)
    assert masked.ImageType[0] == "DERIVED"
    assert masked.DerivationDescription == "Pixels outside of the picture blanked"


@pytest.mark.parametrize("image_type", [None, "", "ORIGINAL", ["ORIGINAL"]])
def test_an_incomplete_image_type_is_completed(image_type):
    assert described(header(ImageType=image_type)).ImageType == ["DERIVED", "PRIMARY"]


def test_pixels_that_are_what_they_were_are_not_called_derived():
    out = described(header(), WHOLE)
    assert out.ImageType[0] == "ORIGINAL"
    assert "DerivationDescription" not in out


def test_statistics_of_the_old_pixels_go():
    out = described(header(SmallestImagePixelValue=0, LargestImagePixelValue=255, SmallestPixelValueInSeries=0))
    assert not any("PixelValue" in element.keyword for element in out)


def test_the_value_of_padding_stays_with_the_grey_that_it_is_of():
    padded = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 3, "SamplesPerPixel": 1}
    grey = {"samples_per_pixel": 1, "planar_configuration": None, "photometric_interpretation": "MONOCHROME2"}
    kept = described(header(**padded, PhotometricInterpretation="MONOCHROME2"), **grey)
    assert (kept.PixelPaddingValue, kept.PixelPaddingRangeLimit) == (0, 3)
    lossy = described(header(**padded, PhotometricInterpretation="MONOCHROME2"), lossy_method="ISO_10918_1", **grey)
    for gone in (lossy, described(header(**padded))):
        assert "PixelPaddingValue" not in gone and "PixelPaddingRangeLimit" not in gone


def test_palettes_stay_with_their_indices_only():
    def with_palette() -> Dataset:
        ds = header(PhotometricInterpretation="PALETTE COLOR", RedPaletteColorLookupTableDescriptor=[256, 0, 16])
        ds.RedPaletteColorLookupTableData = ds.SegmentedRedPaletteColorLookupTableData = bytes(512)
        ds.PaletteColorLookupTableUID = "2.25.1"
        return ds

    kept = described(with_palette(), samples_per_pixel=1, photometric_interpretation="PALETTE COLOR", planar_configuration=None)
    assert "RedPaletteColorLookupTableData" in kept
    assert not any("Palette" in element.keyword for element in described(with_palette()))


def test_frames_are_counted_and_the_pointer_points_to_something():
    out = described(header(NumberOfFrames=30, FrameTime="33.3", FrameIncrementPointer=tag_for_keyword("FrameTime")), frames=29)
    assert (out.NumberOfFrames, out.FrameTime, out.FrameIncrementPointer) == (29, 33.3, tag_for_keyword("FrameTime"))
    assert "NumberOfFrames" not in described(header())


@pytest.mark.parametrize(
    "pointer", [None, 0x00091001, tag_for_keyword("FrameTimeVector"), [0x00091001, tag_for_keyword("FrameTime")]]
)
def test_a_pointer_to_nothing_is_set_to_what_is_there(pointer):
    ds = header(NumberOfFrames=3, FrameTime="40")
    if pointer is not None:
        ds.FrameIncrementPointer = pointer
    assert described(ds, frames=3).FrameIncrementPointer == tag_for_keyword("FrameTime")


def test_the_frame_time_is_taken_from_the_rate_where_there_is_only_that():
    out = described(header(NumberOfFrames=3, CineRate=25), frames=3)
    assert (out.FrameTime, out.FrameIncrementPointer) == (40, tag_for_keyword("FrameTime"))
    assert "FrameIncrementPointer" not in described(header(NumberOfFrames=3, FrameIncrementPointer=0x00091001), frames=3)


def test_times_of_frames_that_are_not_there_go():
    ds = header(
        NumberOfFrames=4, FrameTimeVector=["0", "40", "41", "40"], FrameIncrementPointer=tag_for_keyword("FrameTimeVector")
    )
    assert described(ds, frames=3).FrameTimeVector == [0, 40, 41]
    assert described(header(NumberOfFrames=2, FrameTimeVector=["0", "40"]), frames=1).FrameTimeVector == 0


@pytest.mark.parametrize("times", [["0", "40"], "40"])
def test_times_of_fewer_frames_than_there_are_go(times):
    vector, time = tag_for_keyword("FrameTimeVector"), tag_for_keyword("FrameTime")
    out = described(header(NumberOfFrames=3, FrameTimeVector=times, FrameIncrementPointer=vector, CineRate=25), frames=3)
    assert "FrameTimeVector" not in out
    assert (out.FrameTime, out.FrameIncrementPointer) == (40, time)
    out = described(header(NumberOfFrames=3, FrameTimeVector=times, FrameIncrementPointer=vector), frames=3)
    assert "FrameTimeVector" not in out and "FrameIncrementPointer" not in out


def lossy_history(ds: Dataset) -> tuple:
    def values(keyword):
        value = ds.get(keyword)
        return [] if value in (None, "") else [str(value)] if isinstance(value, str | float) else [str(one) for one in value]

    return ds.get("LossyImageCompression"), values("LossyImageCompressionMethod"), values("LossyImageCompressionRatio")


JPEG = LossyStep("ISO_10918_1", 19.25)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (dict(), ("01", ["ISO_10918_1"], ["19.25"])),
        (dict(LossyImageCompression="00"), ("01", ["ISO_10918_1"], ["19.25"])),
        (
            dict(LossyImageCompression="01", LossyImageCompressionMethod="ISO_10918_1", LossyImageCompressionRatio="20"),
            ("01", ["ISO_10918_1"], ["20"]),
        ),
        (
            dict(LossyImageCompression="01", LossyImageCompressionMethod="ISO_15444_1", LossyImageCompressionRatio="8"),
            ("01", ["ISO_15444_1", "ISO_10918_1"], ["8", "19.25"]),
        ),
        (dict(LossyImageCompression="01", LossyImageCompressionRatio="20"), ("01", ["ISO_10918_1"], ["20"])),
        (dict(LossyImageCompression="01", LossyImageCompressionMethod="ISO_10918_1"), ("01", ["ISO_10918_1"], ["19.25"])),
    ],
)
def test_lossy_compression_is_told_for_ever(before, after):
    assert lossy_history(described(header(**before), lossy_step=JPEG)) == after


def test_the_history_of_a_lossless_copy_is_left_alone():
    before = dict(LossyImageCompression="01", LossyImageCompressionMethod="ISO_10918_1", LossyImageCompressionRatio="20")
    assert lossy_history(described(header(**before))) == ("01", ["ISO_10918_1"], ["20"])


def test_the_position_of_the_first_pixel_moves_with_the_crop():
    placed = dict(ImagePositionPatient=[10, 20, 30], PixelSpacing=[0.5, 0.25], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    out = described(header(**placed))
    assert list(out.ImagePositionPatient) == [10 + 101 * 0.25, 20, 30 - 40 * 0.5]
    assert list(out.PixelSpacing) == [0.5, 0.25]
    assert list(described(header(**placed), WHOLE).ImagePositionPatient) == [10, 20, 30]
    del placed["PixelSpacing"]
    assert "ImagePositionPatient" not in described(header(**placed))


def test_a_shutter_is_not_left_at_its_old_place():
    assert "ShutterLeftVerticalEdge" not in described(header(ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=10))
    assert "ShutterLeftVerticalEdge" in described(header(ShutterShape="RECTANGULAR", ShutterLeftVerticalEdge=10), WHOLE)
