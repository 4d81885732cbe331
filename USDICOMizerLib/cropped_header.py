"""What a header says about its pixels, after they were cut, masked or stored anew: sizes, regions, frames, history."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from USDICOMizerLib.geometry import CropBox, crop_region
from USDICOMizerLib.moved_planes import keep_groups_of_frames, move_planes
from USDICOMizerLib.pixels import LossyStep, PixelDescription

_LOCATION = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
_CALIBRATION = """
    ReferencePixelX0 ReferencePixelY0 PhysicalUnitsXDirection PhysicalUnitsYDirection
    ReferencePixelPhysicalValueX ReferencePixelPhysicalValueY PhysicalDeltaX PhysicalDeltaY
""".split()
_OVERLAY_POINTER = ("ActiveImageAreaOverlayGroup",)  # no overlay leaves
_STALE = """
    SmallestImagePixelValue LargestImagePixelValue SmallestPixelValueInSeries LargestPixelValueInSeries
    SmallestImagePixelValueInPlane LargestImagePixelValueInPlane SmallestValidPixelValue LargestValidPixelValue
""".split()
_PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")  # of grey as it was stored (PS3.3 C.7.5.1.1.2)
_SHUTTER = """
    ShutterShape ShutterLeftVerticalEdge ShutterRightVerticalEdge ShutterUpperHorizontalEdge ShutterLowerHorizontalEdge
    CenterOfCircularShutter RadiusOfCircularShutter VerticesOfThePolygonalShutter ShutterPresentationValue
    ShutterOverlayGroup ShutterPresentationColorCIELabValue
""".split()
# The calibration of pixel values in a region (PS3.3 C.8.5.5.1.4 to 13) holds for the codes that were stored.
_PIXEL_COMPONENTS = """
    PixelComponentOrganization PixelComponentMask PixelComponentRangeStart PixelComponentRangeStop
    PixelComponentPhysicalUnits PixelComponentDataType NumberOfTableBreakPoints TableOfXBreakPoints
    TableOfYBreakPoints NumberOfTableEntries TableOfPixelValues TableOfParameterValues PixelValueMappingCodeSequence
""".split()
_PALETTES = range(0x00281101, 0x00281225)


def describe_pixels(
    dataset: Dataset, description: PixelDescription, box: CropBox, *, masked: bool, source_header: Dataset
) -> None:
    """Make a de-identified header say what its pixels are now, in place.

    Parameters
    ----------
    dataset
        As `deidentify_header` made it: attributes about pixels are still those of the source. Gets no pixel data.
    description
        The frames as they will be written.
    box
        What was cut out of the stored frame; the whole frame where nothing was.
    masked
        Whether pixels within the box were blanked.
    source_header
        The header of the source: its frame size and colours.
    """
    columns, rows = _integer(source_header.get("Columns")), _integer(source_header.get("Rows"))
    is_cut = (columns, rows) != (box.width, box.height) or box.left != 0 or box.top != 0
    colours = str(source_header.get("PhotometricInterpretation", ""))
    is_recoded = description.photometric_interpretation != colours

    _write_layout(dataset, description)
    _write_frames(dataset, description.frames)
    keep_groups_of_frames(dataset, description.frames)
    _write_regions(dataset, box, forget_pixel_codes=is_recoded)
    _remove(dataset, _STALE)
    if description.photometric_interpretation != "PALETTE COLOR":
        _remove_palettes(dataset)
    if is_recoded or description.lossy_method or description.samples_per_pixel > 1:
        _remove(dataset, _PADDING)
    if is_cut:
        _remove(dataset, (*_SHUTTER, "ZoomCenter"))
        for source in dataset.get("SourceImageSequence") or ():
            _remove(source, ["SpatialLocationsPreserved"])  # a pixel is no longer where it was in that image
        move_planes(dataset, box)
    if is_cut or masked or is_recoded or description.lossy_step or description.lossy_method:
        done = ["pixels outside of the picture blanked"] if masked else []
        done += ["compressed with loss"] if description.lossy_method else []
        _write_derivation(dataset, box, source_size=(columns, rows), is_cut=is_cut, done=done)
    if description.lossy_step:
        _write_lossy_step(dataset, description.lossy_step)
    dataset.file_meta.TransferSyntaxUID = UID(description.transfer_syntax_uid)


def _write_layout(dataset: Dataset, description: PixelDescription) -> None:
    """The Image Pixel Module (PS3.3 C.7.6.3)."""
    dataset.Rows = description.rows
    dataset.Columns = description.columns
    dataset.SamplesPerPixel = description.samples_per_pixel
    dataset.PhotometricInterpretation = description.photometric_interpretation
    dataset.BitsAllocated = description.bits_allocated
    dataset.BitsStored = description.bits_stored
    dataset.HighBit = description.high_bit
    dataset.PixelRepresentation = description.pixel_representation
    if description.planar_configuration is None:
        _remove(dataset, ["PlanarConfiguration"])
    else:
        dataset.PlanarConfiguration = description.planar_configuration


def _write_frames(dataset: Dataset, frames: int) -> None:
    """Number of Frames as it is, and a Frame Increment Pointer that points to something (PS3.3 C.7.6.6, C.7.6.5)."""
    if frames > 1 or "NumberOfFrames" in dataset:
        dataset.NumberOfFrames = frames
    times = _values(dataset.get("FrameTimeVector"))
    if len(times) > frames:
        dataset.FrameTimeVector = times[:frames] if frames > 1 else times[0]
    elif 0 < len(times) < frames:
        _remove(dataset, ["FrameTimeVector"])  # nobody could say which frames it is about
    if "FrameIncrementPointer" not in dataset and frames == 1:
        return
    pointers = [tag for tag in _values(dataset.get("FrameIncrementPointer")) if keyword_for_tag(tag) and tag in dataset]
    if not pointers:
        _write_frame_time(dataset)
        pointers = [tag_for_keyword(keyword) for keyword in ("FrameTime", "FrameTimeVector") if dataset.get(keyword)][:1]
    if pointers:
        dataset.FrameIncrementPointer = pointers if len(pointers) > 1 else pointers[0]
    else:
        _remove(dataset, ["FrameIncrementPointer"])


def _write_frame_time(dataset: Dataset) -> None:
    """Frame Time from the frame rate, where the source has only that; the rate stays as it is."""
    if dataset.get("FrameTime") or dataset.get("FrameTimeVector"):
        return
    rates = [_integer(dataset.get(keyword)) for keyword in ("CineRate", "RecommendedDisplayFrameRate")]
    rate = next((rate for rate in rates if rate), None)
    if rate and rate > 0:
        dataset.FrameTime = f"{1000 / rate:.6g}"


def _write_regions(dataset: Dataset, box: CropBox, *, forget_pixel_codes: bool) -> None:
    """Move and clip the ultrasound regions (PS3.3 C.8.5.5); one that can't be placed, or is wholly outside, goes.

    The retired US Frame of Reference Module has the same attributes for the whole image, at the top level.
    """
    _remove(dataset, _OVERLAY_POINTER)
    kept = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        if not _place_region(item, box):
            continue
        _remove(item, _OVERLAY_POINTER)
        if forget_pixel_codes:
            _remove(item, _PIXEL_COMPONENTS)
        kept.append(item)
    if kept:
        dataset.SequenceOfUltrasoundRegions = Sequence(kept)
    else:
        _remove(dataset, ["SequenceOfUltrasoundRegions"])
    if any(keyword in dataset for keyword in _LOCATION) and not _place_region(dataset, box):
        _remove(dataset, (*_LOCATION, *_CALIBRATION))


def _place_region(item: Dataset, box: CropBox) -> bool:
    """Move and clip a region in place; False where it can't be placed, or nothing of it remains.

    The reference pixel counts from the region's own corner (C.8.5.5.1.16), so it moves only by what the crop takes off
    there. Unchanged are the position of the Doppler sample volume (Table C.8-17: its displacement from the reference pixel,
    in pixels), those of the TM-line (C.8.5.5.1.10: likewise, and likewise the retired ones), steering and correction angles,
    the physical values of the reference pixel, deltas, and what calibrates pixel codes as long as the codes stay.
    """
    corners = [_integer(item.get(keyword)) for keyword in _LOCATION]
    if None in corners or corners[2] < corners[0] or corners[3] < corners[1]:
        return False
    left, top, right, bottom = corners  # inclusive, PS3.3 C.8.5.5.1.14
    placed = crop_region(CropBox(left, top, right + 1, bottom + 1), box)
    if placed is None:
        return False
    for keyword, value in zip(_LOCATION, (placed.left, placed.top, placed.right, placed.bottom), strict=True):
        setattr(item, keyword, value)
    for keyword, clipped in (("ReferencePixelX0", placed.clipped_left), ("ReferencePixelY0", placed.clipped_top)):
        reference = _integer(item.get(keyword))
        if reference is not None:
            setattr(item, keyword, reference - clipped)
    return True


def _write_derivation(
    dataset: Dataset, box: CropBox, *, source_size: tuple[int | None, int | None], is_cut: bool, done: list[str]
) -> None:
    """Image Type value 1 and Derivation Description (PS3.3 C.7.6.1): the pixels aren't those that were acquired."""
    first, *others = _values(dataset.get("ImageType")) or ["DERIVED", "PRIMARY"]
    dataset.ImageType = ["DERIVED", *(others or ["PRIMARY"])]
    if is_cut:
        columns, rows = source_size
        cut = f"cropped to {box.width} x {box.height} pixels at column {box.left}, row {box.top} of {columns} x {rows}"
        done = [cut, *done]
    dataset.DerivationDescription = (", ".join(done) or "stored in another form").capitalize()


def _write_lossy_step(dataset: Dataset, step: LossyStep) -> None:
    """Tell the lossy compression that the source was stored in; a source that tells it itself is left as it is."""
    methods, ratios = _lossy_history(dataset)
    if methods[-1:] == [step.method] or (ratios and not methods):
        methods = methods or [""] * (len(ratios) - 1) + [step.method]
        ratios = ratios or [""] * (len(methods) - 1) + [f"{step.ratio:.6g}"]
        _write_lossy_history(dataset, methods, ratios)
    else:
        append_lossy_step(dataset, step)


def append_lossy_step(dataset: Dataset, step: LossyStep) -> None:
    """Add a lossy compression to the history, in place: it is told for ever (PS3.3 C.7.6.1.1.5), and so is each before it.

    Methods and ratios stay in pairs: one that an earlier step lacks is empty.
    """
    methods, ratios = _lossy_history(dataset)
    earlier = max(len(methods), len(ratios))
    methods += [""] * (earlier - len(methods)) + [step.method]
    ratios += [""] * (earlier - len(ratios)) + [f"{step.ratio:.6g}"]
    _write_lossy_history(dataset, methods, ratios)


def _lossy_history(dataset: Dataset) -> tuple[list[str], list[str]]:
    methods = [str(value) for value in _values(dataset.get("LossyImageCompressionMethod"))]
    return methods, [str(value) for value in _values(dataset.get("LossyImageCompressionRatio"))]


def _write_lossy_history(dataset: Dataset, methods: list[str], ratios: list[str]) -> None:
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = methods if len(methods) > 1 else methods[0]
    dataset.LossyImageCompressionRatio = ratios if len(ratios) > 1 else ratios[0]


def _remove_palettes(dataset: Dataset) -> None:
    for tag in [tag for tag in dataset.keys() if int(tag) in _PALETTES]:  # pydicom's own comparison is slow
        del dataset[tag]


def _remove(dataset: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword in dataset:
            del dataset[keyword]


def _values(value: object) -> list:
    """The values of an element as a list, none where it is absent or empty."""
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | int | float) else list(value)


def _converted(value: object, convert: Callable) -> object | None:
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _integer(value: object) -> int | None:
    """The value as an integer; None where it isn't one."""
    return _converted(value, int)
