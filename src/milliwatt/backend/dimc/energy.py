# SPDX-License-Identifier: MIT
"""Energy from what silicon showed: a row-cycle's energy by precision, supply, bias and activity.

A ladder of levels: "tile" is the array alone, "imnpu" adds moving data and clocks inside the
accelerator, "system" adds shared memory, I/O and the host. Leakage and kernel loads are inside the
measured points, since the sources do not part them.
"""

from __future__ import annotations

from typing import Literal

from milliwatt.backend.dimc.activity import Activity
from milliwatt.backend.dimc.machine import EnergyPoint, Machine, MeasuredEnergy, OperatingPoint

Level = Literal["tile", "imnpu", "system"]
LEVELS: tuple[Level, ...] = ("tile", "imnpu", "system")


def row_cycle_fj(machine: Machine, weight_bits: int, level: Literal["tile", "imnpu"]) -> float:
    """Femtojoules of one full row-cycle at the measured supply, bias and full activity.

    Between measured precisions a straight line; beyond them the nearest. 2 operations a MAC.
    """
    points = machine.measured_energy().points
    known = {p.bits: _point_fj(machine, p, level) for p in points}
    below = [b for b in known if b <= weight_bits]
    above = [b for b in known if b >= weight_bits]
    if not below or not above:
        return known[min(above) if above else max(below)]
    low, high = max(below), min(above)
    if low == high:
        return known[low]
    share = (weight_bits - low) / (high - low)
    return known[low] + share * (known[high] - known[low])


def _point_fj(machine: Machine, point: EnergyPoint, level: Literal["tile", "imnpu"]) -> float:
    figure = point.tile_tops_per_w if level == "tile" else point.imnpu_tops_per_w
    return 2 * machine.lanes(point.bits) * 1e3 / figure.value


def array_factor(energy: MeasuredEnergy, activity: Activity) -> float:
    """What activity makes of the array's energy; 1 at full activity."""
    share = energy.activity_share.value
    return 1 - share + share * activity.level


def condition_factor(machine: Machine, point: OperatingPoint) -> float:
    """What supply (squared) and body bias make of the energy at the measured condition."""
    energy = machine.measured_energy()
    efficiency = _efficiency(energy, point.body_bias_v)
    reference = _efficiency(energy, energy.reference_body_bias_v.value)
    return (point.supply_v / energy.supply_v) ** 2 * reference / efficiency


def _efficiency(energy: MeasuredEnergy, body_bias_v: float) -> float:
    """Relative TOPS/W, falling in a straight line with body bias; 1 without."""
    loss = energy.body_bias_efficiency_loss.value
    return 1 - loss * body_bias_v / energy.body_bias_full_v.value


def clock_factor(machine: Machine, body_bias_v: float) -> float:
    """Clock with this body bias over the clock without, at one supply; a straight line."""
    energy = machine.measured_energy()
    gain = energy.body_bias_speedup.value - 1
    return 1 + gain * body_bias_v / energy.body_bias_full_v.value


def tops_per_watt(macs: float, energy_pj: float, operations_per_mac: Literal[1, 2]) -> float:
    """Tera-operations a joule; ST's peak points count 2 operations a MAC, its networks 1."""
    return operations_per_mac * macs / energy_pj


def battery_days(
    battery_mwh: float, always_on_mw: float, woken_mw: float, woken_share: float
) -> float:
    """Days a battery lasts with one part always on and another on for a share of the time."""
    return battery_mwh / (always_on_mw + woken_share * woken_mw) / 24
