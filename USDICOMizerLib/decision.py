"""What the user says about an instance, and what leaves because of it: one answer for review, readiness and pixels."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from USDICOMizerLib.errors import RefusedError
from USDICOMizerLib.exam import Instance, Source
from USDICOMizerLib.geometry import CropBox, RectangleSector, Redaction, Sector, format_redactions
from USDICOMizerLib.outcomes import Problem
from USDICOMizerLib.proposals import DOUBTFUL, Proposal, picture_boxes

if TYPE_CHECKING:
    from USDICOMizerLib.tags import Tag

_ABOUT_SECTOR = " sector"
_BOX_AT_THE_END = re.compile(r"(?:^| )([0-9]+ [0-9]+ [0-9]+ [0-9]+)$")


class Mask(StrEnum):
    """What is blanked although it isn't cut off. All but `rectangle` go together with a crop box."""

    NONE = "none"
    OUTSIDE_REGIONS = "outside-regions"  # all but the header's picture regions
    RECTANGLE = "rectangle"  # the crop box blanks instead of cutting: the frame keeps its size
    SECTOR = "sector"


@dataclass(frozen=True)
class Decision:
    """What the user says about one instance.

    `crop` None means that no box is known, unless `whole_frame` says that nothing is to be cut. `order` is the place
    in the export. `review_digest` is that of the picture which the review, or the plan's row, is about. `proposal`
    says where the box came from and `confidence` how sure that was (None: a person gave the box).
    """

    include: bool = True
    order: int | None = None
    crop: CropBox | None = None
    whole_frame: bool = False
    mask: Mask = Mask.NONE
    sector: Sector | None = None
    redactions: tuple[Redaction, ...] = ()
    tag: Tag | None = None
    reviewed: bool = False
    review_digest: str = ""
    proposal: str = ""
    confidence: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.whole_frame and self.crop is not None:
            raise ValueError("a decision keeps the whole frame or has a crop box, not both")

    def replaced(self, **changes: object) -> Decision:
        """The same decision with some fields changed. A review remains only as far as its digest still fits."""
        return replace(self, **changes)

    def following(self, proposal: Proposal) -> Decision:
        """The same decision with the crop box of a proposal, and its sector where the mask is one and it has one."""
        made = replace(
            self,
            crop=proposal.box,
            whole_frame=False,
            sector=(proposal.sector or self.sector) if self.mask is Mask.SECTOR else self.sector,
            proposal=str(proposal),
            confidence=proposal.confidence,
            note=self.note or proposal.note,
        )
        return made if proposal.sector else made.doubting_sector_of(self)

    def taking(self, found: Proposal) -> Decision:
        """The same decision as unsure as the outline of a proposal, which is its sector now.

        A doubtful outline stays so whatever becomes of the crop box: its proposal names no box.
        """
        surest = self.confidence if self.follows_proposal else 1.0
        if found.confidence < DOUBTFUL:
            words = f"{found.origin}{_ABOUT_SECTOR}"
            return self.replaced(proposal=words, confidence=min(found.confidence, surest), note=self.note or found.note)
        return self.replaced(confidence=min(found.confidence, surest)) if self.follows_proposal else self

    def doubting_sector_of(self, other: Decision) -> Decision:
        """The same decision, as doubtful about the sector that they share as the other one is."""
        if self.mask is not Mask.SECTOR or self.sector != other.sector or not (other.is_about_sector and other.is_doubtful):
            return self
        surest = 1.0 if self.confidence is None else self.confidence
        return self.replaced(proposal=other.proposal, confidence=min(other.confidence, surest))

    @property
    def is_about_sector(self) -> bool:
        """Whether proposal and confidence are those of the sector, whoever gave the crop box."""
        return self.proposal.endswith(_ABOUT_SECTOR)

    @property
    def follows_proposal(self) -> bool:
        """Whether the crop box is still the proposed one, so that its confidence counts.

        A proposal that names no box can't be told from the decision's: then it is.
        """
        if self.confidence is None or self.whole_frame:
            return False
        proposed = _BOX_AT_THE_END.search(self.proposal)
        return proposed is None or self.crop is None or proposed[1] == str(self.crop).replace(",", " ")

    @property
    def is_doubtful(self) -> bool:
        """Whether it follows a proposal that a person has to look at first."""
        return self.follows_proposal and self.confidence < DOUBTFUL

    @property
    def wants_a_look(self) -> bool:
        """Whether a person has to say first where to crop: the proposal is doubtful, or there is none."""
        return self.include and not self.reviewed and (self.is_doubtful or (self.crop is None and not self.whole_frame))

    @property
    def lacks_box(self) -> bool:
        """Whether nothing says what stays: there is no crop box, and no mask that says it without one."""
        return self.crop is None and not self.whole_frame and self.mask in (Mask.NONE, Mask.RECTANGLE)


def lacks_geometry(instance: Instance, decision: Decision) -> str:
    """Why it isn't known what to keep of the instance, as a sentence; empty when it is known."""
    if decision.mask is Mask.SECTOR and decision.sector is None:
        return "The mask is sector, and no sector is given or was found in the frames."
    if decision.mask is Mask.OUTSIDE_REGIONS and not picture_boxes(instance):
        return "The mask is outside-regions, and the header names no ultrasound region with a picture in the image."
    if decision.lacks_box:
        return "No box was given, no preset matches, no ultrasound region helps, and no picture was found in the frames."
    return ""


def output_box(instance: Instance, decision: Decision) -> CropBox:
    """The part of the stored frame that is cut out: the crop box, or the whole frame where nothing is cut.

    Raises RefusedError(NO_CROP) when it isn't known what to keep.
    """
    _require_geometry(instance, decision)
    if decision.crop is None or decision.mask is Mask.RECTANGLE:
        return instance.whole_frame
    return decision.crop


def blanking(instance: Instance, decision: Decision) -> np.ndarray | None:
    """The mask over the stored frame: boolean (rows, columns), False where pixels are blanked; None where none are.

    Redactions are not in it, as they may be for some frames only. Raises RefusedError(NO_CROP) like `output_box`.
    """
    _require_geometry(instance, decision)
    rows, columns = instance.rows, instance.columns
    match decision.mask:
        case Mask.RECTANGLE if decision.crop is not None:
            return RectangleSector(decision.crop).mask(rows, columns)
        case Mask.SECTOR:
            return decision.sector.mask(rows, columns)
        case Mask.OUTSIDE_REGIONS:
            return np.logical_or.reduce([RectangleSector(box).mask(rows, columns) for box in picture_boxes(instance)])
    return None


def narrows(instance: Instance, decision: Decision) -> bool:
    """Whether a crop box or mask takes anything of the frame away. Redactions don't count: they are inside the picture."""
    if lacks_geometry(instance, decision):
        return False
    if output_box(instance, decision) != instance.whole_frame:
        return True
    kept = blanking(instance, decision)
    return kept is not None and not kept.all()


@dataclass(frozen=True)
class Misfit:
    """A part of a decision, named by its column of the plan, that doesn't fit the image."""

    column: str
    message: str


def misfits(instance: Instance, decision: Decision) -> tuple[Misfit, ...]:
    """What of the decision reaches outside of the image, or leaves nothing of it."""
    size = f"the image of {instance.columns} x {instance.rows} pixels"
    found = []
    if decision.crop is not None and not decision.crop.fits(instance.columns, instance.rows):
        found.append(Misfit("crop", f"the box {decision.crop} reaches outside of {size}"))
    for redaction in decision.redactions:
        if not redaction.box.fits(instance.columns, instance.rows):
            found.append(Misfit("redactions", f"the box {redaction.box} reaches outside of {size}"))
        if redaction.last_frame is not None and redaction.last_frame > instance.frames:
            found.append(
                Misfit("redactions", f"frame {redaction.last_frame} is beyond the last of {instance.frames}; frames count from 1")
            )
    if not found and not lacks_geometry(instance, decision):
        kept = blanking(instance, decision)
        box = output_box(instance, decision)
        if kept is not None and not kept[box.top : box.bottom, box.left : box.right].any():
            column = "sector" if decision.mask is Mask.SECTOR else "mask"
            found.append(Misfit(column, f"the mask keeps nothing of what is left of {size}"))
    return tuple(found)


def review_digest(instance: Instance, decision: Decision) -> str:
    """SHA-256, in hexadecimal, over the instance's bytes and all that makes its picture leave as it does.

    Any later edit of crop box, mask, sector or redactions changes it, and so does any other content under the same UID:
    both void the review. Empty where the source can't be read.
    """
    content = _content_digest(instance.source)
    if not content:
        return ""
    regions = picture_boxes(instance) if decision.mask is Mask.OUTSIDE_REGIONS else ()
    parts = (
        "usdicomizer review 1",
        content,
        f"{instance.columns} {instance.rows} {instance.frames}",
        "none" if decision.whole_frame else str(decision.crop or ""),
        decision.mask.value,
        str(decision.sector or ""),
        format_redactions(decision.redactions),
        " ".join(map(str, regions)),
    )
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def decision_is_reviewed(instance: Instance, decision: Decision) -> bool:
    """Whether a person confirmed the picture exactly as it would leave now."""
    return decision.reviewed and decision.review_digest != "" and decision.review_digest == review_digest(instance, decision)


@dataclass(frozen=True)
class Content:
    """What a source's bytes are (SHA-256 in hexadecimal), as long as its file has this size and time of change."""

    size: int
    modified: int  # nanoseconds, as the file system tells them
    digest: str


_CONTENTS: dict[Source, Content] = {}


def content_of(source: Source) -> Content | None:
    """The content of a source as it is now, read once as long as the file isn't touched; None where it can't be read."""
    known = known_content(source)
    if known:
        return known
    try:
        status = source.path.stat()
        content = Content(status.st_size, status.st_mtime_ns, source.sha256())
    except Exception:  # zipfile raises nearly anything on damaged input
        return None
    remember_content(source, content)
    return content


def known_content(source: Source) -> Content | None:
    """The content, where it was read before and the file wasn't touched since: this reads nothing."""
    try:
        status = source.path.stat()
    except OSError:
        return None
    known = _CONTENTS.get(source)
    return known if known and (known.size, known.modified) == (status.st_size, status.st_mtime_ns) else None


def remember_content(source: Source, content: Content) -> None:
    """Take over what another process has read, so that a window needn't wait for it here."""
    _CONTENTS[source] = content


def _content_digest(source: Source) -> str:
    """The digest of the source's bytes as they are now; "" where they can't be read."""
    content = content_of(source)
    return content.digest if content else ""


def _require_geometry(instance: Instance, decision: Decision) -> None:
    reason = lacks_geometry(instance, decision)
    if reason:
        raise RefusedError(Problem.NO_CROP, reason)
