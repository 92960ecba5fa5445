# SPDX-License-Identifier: MIT
"""The hardware catalogue: what boards there are, each figure with its source."""

from milliwatt.hardware.load import list_targets, load_target
from milliwatt.hardware.model import (
    Basis,
    CacheGeometry,
    Figure,
    FittedTiming,
    MemoryRegion,
    PowerMode,
    Target,
    Timing,
)

__all__ = [
    "Basis",
    "CacheGeometry",
    "Figure",
    "FittedTiming",
    "MemoryRegion",
    "PowerMode",
    "Target",
    "Timing",
    "list_targets",
    "load_target",
]
