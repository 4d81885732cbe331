"""The closed lists of how an input can end: outcomes, and the problems behind a refusal."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one input. Every input ends in exactly one."""

    PREPARED = "prepared"
    UNCHANGED = "unchanged"  # resumed: the export is already there
    EXCLUDED = "excluded"  # by the user's decision
    SKIPPED = "skipped"  # not DICOM, DICOMDIR, a duplicate
    REFUSED = "refused"  # a problem below
    FAILED = "failed"  # an error, named


class Skip(StrEnum):
    """Why an input was skipped: it isn't an instance that could be prepared, and nothing is wrong with that."""

    NOT_DICOM = "not-dicom"
    DICOMDIR = "dicomdir"
    DUPLICATE = "duplicate"


class Problem(StrEnum):
    """Why an instance is refused. `advice` says what to do next, with the command that does it."""

    NO_CROP = "no-crop"
    CROP_OUTSIDE_IMAGE = "crop-outside-image"
    DOUBTFUL_PROPOSAL = "doubtful-proposal"
    NO_TAG = "no-tag"
    TEXT_IN_IMAGE = "text-in-image"
    NOT_REVIEWED = "not-reviewed"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported-transfer-syntax"
    UNSUPPORTED_PHOTOMETRIC_INTERPRETATION = "unsupported-photometric-interpretation"
    UNSUPPORTED_OBJECT = "unsupported-object"
    DAMAGED_PIXEL_DATA = "damaged-pixel-data"
    NO_PIXEL_DATA = "no-pixel-data"
    NOT_ULTRASOUND = "not-ultrasound"
    MIXED_PATIENTS = "mixed-patients"
    RESIDUE = "residue"

    @property
    def advice(self) -> str:
        """One or two sentences for people: what is wrong, and what to do next."""
        return _ADVICE[self]


_ADVICE = {
    Problem.NO_CROP: (
        "No crop box is known for this instance. Give one box for all with --crop L,T,R,B, add a preset for the device "
        "to [crop_presets] of the settings, or write one into the crop column of a plan (plan INPUT --output plan.csv)."
    ),
    Problem.CROP_OUTSIDE_IMAGE: (
        "The crop box reaches outside of the image. Correct --crop or the crop column of the plan: left, top, right, "
        "bottom in pixels, right and bottom not included."
    ),
    Problem.DOUBTFUL_PROPOSAL: (
        "The proposed crop box may be wrong. Look at it: plan INPUT --output plan.csv --images FOLDER writes the picture "
        "that would leave; then set reviewed to yes in the plan, or give the right box there or with --crop L,T,R,B."
    ),
    Problem.NO_TAG: (
        "The settings require a tag and this instance has none. Give one for all with --tag SITE-SIDE, fill the site and "
        "side columns of a plan, or set required = no in [tags] of the settings."
    ),
    Problem.TEXT_IN_IMAGE: (
        "There is text inside the picture that would leave. Crop it away; or blank it with redaction boxes, which plan INPUT "
        "--text redact --output plan.csv writes for you; or accept it by reviewing the instance. Text that is like what the "
        "header says about the patient has to be cropped or blanked."
    ),
    Problem.NOT_REVIEWED: (
        "No person has confirmed the picture that would leave. Review it, in Slicer where the extension is installed or "
        "through a plan (plan INPUT --output plan.csv --images FOLDER, look, set reviewed to yes, prepare INPUT --plan plan.csv "
        "--output DIR); or crop to a box smaller than the frame and add --accept-unreviewed, which exports pictures that nobody "
        "has looked at."
    ),
    Problem.UNSUPPORTED_TRANSFER_SYNTAX: (
        "The pixel data is stored in a form that can't be decoded here. The detail names the transfer syntax and, where one "
        "helps, the package to install; otherwise export the exam again from the scanner or the PACS in another form."
    ),
    Problem.UNSUPPORTED_PHOTOMETRIC_INTERPRETATION: (
        "The colours are stored in a way that isn't understood, so the picture could come out wrong. Export the exam again "
        "from the scanner or the PACS as RGB or MONOCHROME2."
    ),
    Problem.UNSUPPORTED_OBJECT: (
        "This kind of DICOM object (a report, a volume, a waveform) can't be prepared. Leave it out of the input; "
        "the other instances of the exam are not affected."
    ),
    Problem.DAMAGED_PIXEL_DATA: (
        "The pixel data is incomplete or contradicts its header, so a frame could be wrong or missing. Copy the file again "
        "from the scanner or the PACS."
    ),
    Problem.NO_PIXEL_DATA: "The file holds no pixel data. Leave it out of the input, or copy it again from its source.",
    Problem.NOT_ULTRASOUND: (
        "This isn't an ultrasound image. Only Ultrasound Image Storage, Ultrasound Multi-frame Image Storage, and Secondary "
        "Capture with Modality US are prepared; leave the others out of the input."
    ),
    Problem.MIXED_PATIENTS: (
        "The study holds instances of more than one patient, so one of them carries a wrong name. Find out which at the "
        "PACS, and give only the right files as INPUT."
    ),
    Problem.RESIDUE: (
        "Identifying information is still there after de-identification. The detail names the attribute; add it to "
        "[attributes_to_del] of the settings, or crop the picture further."
    ),
}
