# SPDX-License-Identifier: MIT
"""Candidates with chosen figures, for tests of what is computed from them."""

from __future__ import annotations

from milliwatt.report.compare.candidate import (
    Candidate,
    Comparison,
    Known,
    MemoryUse,
    Quantity,
    Standby,
    Unknown,
)

NOTHING = Unknown("not said")


def candidate(
    name: str,
    *,
    energy_j: float | None = 1e-3,
    spread: float = 0.0,
    latency_s: float | None = 1e-2,
    standby_w: tuple[float | None, float] = (0.0, 0.0),
) -> Candidate:
    """A target whose system energy is known to ± `spread` of it; None is unknown."""
    energy: Known = NOTHING
    if energy_j is not None:
        energy = Quantity(
            energy_j, "estimated", "made", energy_j * (1 - spread), energy_j * (1 + spread)
        )
    return Candidate(
        target=name,
        title=f"the {name}",
        family="Cortex-M",
        settings="made up",
        macs=1000,
        accuracy=NOTHING,
        latency_s=NOTHING if latency_s is None else Quantity(latency_s, "estimated", "made"),
        interval_s=NOTHING if latency_s is None else Quantity(latency_s, "estimated", "made"),
        macro_energy_j=NOTHING,
        accelerator_energy_j=NOTHING,
        system_energy_j=energy,
        standby=Standby(*standby_w, "estimated", "made"),
        area_mm2=NOTHING,
        memory=(MemoryUse("flash", 1, 2), MemoryUse("SRAM", 1, None)),
        utilisation=NOTHING,
        units=(),
        notes=(),
    )


def comparison(*rows: Candidate) -> Comparison:
    """A comparison of these rows."""
    return Comparison("made", 1000, 10, rows)
