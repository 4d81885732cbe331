"""Boxes and sectors on the stored frame, and every conversion between their forms: pure arithmetic.

Coordinates are pixels of the stored frame: x is the column from the left, y the row from the top; pixel
(column, row) covers [column, column + 1) x [row, row + 1). Boxes are half-open.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CropBox:
    """Columns left..right-1 and rows top..bottom-1 of the stored frame. Never empty, never inverted."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(f"the crop box {self} is empty: right must exceed left, and bottom must exceed top")

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.right},{self.bottom}"

    @property
    def width(self) -> int:
        """Columns that it holds."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows that it holds."""
        return self.bottom - self.top
