"""What is blanked in the coefficients of a JPEG frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Blanking:
    """What is blanked in one component: its blocks (rows, columns) bool, and the DC coefficient of black; AC are zero."""

    blocks: np.ndarray
    dc: int
