# SPDX-License-Identifier: MIT
"""How device conductances differ from their targets, at programming and over time.

Phase change: the statistics of Nandakumar et al., ICECS 2019, as in aihwkit's `PCMLikeNoiseModel`.
ReRAM: the spread of Wan et al., Nature 2022, as in aihwkit's `ReRamWan2022NoiseModel`. All
functions take arrays of any shape; conductances are in microsiemens, times in seconds since the
end of programming.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from milliwatt.backend.aimc.model import ChargeNoise, DeviceNoise, PcmNoise, ReramNoise
from milliwatt.errors import UnknownFigureError
from milliwatt.hardware.model import Figure
from milliwatt.ir.types import Array

_SMALLEST_RELATIVE = 1e-7
_SMALLEST_ROOT = 1e-3


@dataclass(frozen=True, slots=True)
class Devices:
    """Programmed devices: what was asked, what came out, and what makes each of them age."""

    target_us: Array
    programmed_us: Array
    character: Array
    """PCM: the drift exponent; ReRAM: the device's place in the spread, a standard normal."""


def programming_std_us(target_us: Array, noise: PcmNoise) -> Array:
    """Standard deviation of PCM programming: a polynomial in g/g_max, scaled to g_max."""
    relative = target_us / noise.g_max_us.value
    scale = noise.g_max_us.value / noise.reference_us.value
    return _polynomial(relative, noise.programming_us) * scale


def drift_exponent(target_us: Array, noise: PcmNoise) -> tuple[Array, Array]:
    """Mean and standard deviation of PCM's drift exponent, for each target."""
    relative = np.maximum(np.abs(target_us) / noise.g_max_us.value, _SMALLEST_RELATIVE)
    logarithm = np.log(relative)
    mean, std = (
        np.clip(slope.value * logarithm + offset.value, low.value, high.value)
        for slope, offset, low, high in (noise.drift_mean, noise.drift_std)
    )
    return mean, std


def read_std(programmed_us: Array, noise: PcmNoise, time_s: float) -> Array:
    """Relative standard deviation of PCM's 1/f noise accumulated until `time_s`."""
    factor, exponent, ceiling = (figure.value for figure in noise.read_q)
    relative = np.abs(programmed_us) / noise.g_max_us.value
    quality = np.minimum(factor / np.maximum(relative**exponent, _SMALLEST_ROOT), ceiling)
    elapsed, t_read = time_s + noise.drift_t0_s.value, noise.t_read_s.value
    return quality * sqrt(log((elapsed + t_read) / (2 * t_read)))


def spread_std_us(target_us: Array, noise: ReramNoise, time_s: float) -> Array:
    """Standard deviation of ReRAM at `time_s`, linear in log(time) between measured times.

    UnknownFigureError before the first and after the last measurement.
    """
    relative = target_us / noise.g_max_us.value
    scale = noise.g_max_us.value / noise.reference_us.value
    times = [point.time_s.value for point in noise.points]
    if not times[0] <= time_s <= times[-1]:
        raise UnknownFigureError(
            f"the spread of this ReRAM is known from {times[0]:g} s to {times[-1]:g} s after "
            f"programming, not at {time_s:g} s"
        )
    spreads = [_polynomial(relative, point.spread_us) * scale for point in noise.points]
    later = next(i for i, time in enumerate(times) if time_s <= time)
    if later == 0:
        return spreads[0]
    part = log(time_s / times[later - 1]) / log(times[later] / times[later - 1])
    return (1 - part) * spreads[later - 1] + part * spreads[later]


def program(
    target_us: Array, noise: DeviceNoise, rng: np.random.Generator, *, exact: bool = False
) -> Devices:
    """Devices written to their targets; `exact` leaves out the error of writing."""
    match noise:
        case PcmNoise():
            error = programming_std_us(target_us, noise) * rng.standard_normal(target_us.shape)
            mean, std = drift_exponent(target_us, noise)
            exponent = np.abs(mean + std * rng.standard_normal(target_us.shape))
            written = target_us if exact else np.maximum(target_us + error, 0.0)
            return Devices(target_us, written, exponent)
        case ReramNoise():
            place = rng.standard_normal(target_us.shape)
            first = spread_std_us(target_us, noise, noise.points[0].time_s.value)
            written = target_us if exact else np.maximum(target_us + first * place, 0.0)
            return Devices(target_us, written, place)
        case ChargeNoise():
            place = rng.standard_normal(target_us.shape)
            factor = 1.0 if exact else 1 + noise.mismatch.value * place
            return Devices(target_us, target_us * factor, place)


def aged(devices: Devices, noise: DeviceNoise, time_s: float) -> Array:
    """Conductances at `time_s` without read noise: PCM drifts, ReRAM spreads, SRAM stays."""
    match noise:
        case PcmNoise():
            t0_s = noise.drift_t0_s.value
            return devices.programmed_us * ((time_s + t0_s) / t0_s) ** -devices.character
        case ReramNoise():
            spread = spread_std_us(devices.target_us, noise, time_s)
            return np.maximum(devices.target_us + spread * devices.character, 0.0)
        case ChargeNoise():
            return devices.programmed_us


def with_read_noise(
    conductance_us: Array,
    devices: Devices,
    noise: DeviceNoise,
    time_s: float,
    rng: np.random.Generator,
) -> Array:
    """Conductances with PCM's accumulated 1/f noise; other devices have none known."""
    if not isinstance(noise, PcmNoise):
        return conductance_us
    std = read_std(devices.programmed_us, noise, time_s)
    noisy = conductance_us * (1 + std * rng.standard_normal(conductance_us.shape))
    return np.maximum(noisy, 0.0)


def with_ir_drop(conductance_us: Array, wire_ohm: float, first_row: int) -> Array:
    """What columns of conductances [rows, columns] seem to be behind a resistive bit line.

    First order in the wire's resistance r, rows driven by ideal sources, row 0 of the array
    nearest to the converter: the current of row k raises the line at row i by r·min(i, k), which
    takes g_i of it from the sum. So g_k becomes g_k · (1 - r Σ_i g_i min(i, k)), positions counted
    from the converter; it is linear in the input, and holds while the drop is small.
    """
    siemens = conductance_us * 1e-6
    distance = (first_row + 1 + np.arange(len(siemens), dtype=np.float64))[:, None]
    nearer = np.cumsum(siemens * distance, axis=0)
    farther = distance * (siemens.sum(axis=0) - np.cumsum(siemens, axis=0))
    return conductance_us * (1 - wire_ohm * (nearer + farther))


def _polynomial(x: Array, coefficients: Sequence[Figure]) -> Array:
    """Lowest power first."""
    total = np.zeros_like(x, dtype=np.float64)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient.value
    return total
