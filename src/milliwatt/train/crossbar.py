# SPDX-License-Identifier: MIT
"""A crossbar's errors as differentiable PyTorch operations: one tile, as `backend.aimc` has it.

The same machine description, the same formulas, the same random numbers in the same order as
`backend.aimc.crossbar`. Gradients pass every rounding as if it were none, are zero where a
converter clips, and take the size of an error as given: they see what an error does to the sums,
not how another weight would have had another error.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from milliwatt.backend.aimc import noise
from milliwatt.backend.aimc.converters import adc_step
from milliwatt.backend.aimc.crossbar import Error, full_conductance_us
from milliwatt.backend.aimc.model import ChargeNoise, DeviceNoise, Machine, PcmNoise, ReramNoise
from milliwatt.backend.aimc.placement import Weights
from milliwatt.backend.aimc.weights import largest_digit
from milliwatt.ir.types import Array

Normals = Callable[[tuple[int, ...]], Tensor]
"""Standard normal numbers of a shape."""


def seeded_normals(seed: int, dtype: torch.dtype = torch.float32) -> Normals:
    """Normals from a generator of their own, so that training draws no one else's numbers."""
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=generator, dtype=dtype)


def rounded(x: Tensor) -> Tensor:
    """x rounded half to even; the gradient is that of x."""
    return x + (torch.round(x) - x).detach()


def through_dac(x: Tensor, step: float) -> Tensor:
    """Values rounded to multiples of the step."""
    return x if step == 1.0 else rounded(x / step) * step


def through_adc(sums: Tensor, full_scale: float, bits: int) -> Tensor:
    """Sums rounded to the converter's steps and clipped to its range."""
    step = adc_step(full_scale, bits)
    return torch.clamp(rounded(sums / step) * step, -full_scale, full_scale)


def stored(
    codes: Tensor, weights: Weights, weight_bits: int, cell_bits: int, slices: int
) -> tuple[Tensor, list[float]]:
    """What the cells hold [..., slices] of integer codes, and the factor of each slice.

    The gradient of a sliced weight goes through its highest digit.
    """
    if weights != "sliced":
        factor = float(1 << max(0, weight_bits - cell_bits))
        share = codes[..., None] / factor
        return (rounded(share) if weights == "rounded" else share), [factor]
    base, half = 1 << cell_bits, largest_digit(cell_bits)
    factors = [float(base**i) for i in range(slices)]
    rest = codes.detach()
    parts: list[Tensor] = []
    for _ in range(slices - 1):
        digit = torch.remainder(rest + half, base) - half
        parts.append(digit)
        rest = (rest - digit) / base
    highest = rest + (codes - codes.detach()) / factors[-1]
    return torch.stack([*parts, highest], dim=-1), factors


def effective_digits(
    digits: Tensor,
    machine: Machine,
    errors: frozenset[Error],
    time_s: float,
    first_row: int,
    normals: Normals,
) -> Tensor:
    """What unit cells programmed to digits [rows, columns] seem to hold after `time_s`.

    UnknownFigureError at times at which the device's errors are not known.
    """
    device = machine.device_noise
    scale = full_conductance_us(machine) / largest_digit(machine.cell_bits)
    pairs = max(1, int(machine.crossbar.cells_per_weight.value) // 2)
    zero = torch.zeros((), dtype=digits.dtype)
    made: list[tuple[Tensor, Tensor, Tensor]] = []
    for part in (torch.maximum(digits, zero), torch.maximum(-digits, zero)):
        target = (part * scale).expand(pairs, *digits.shape)
        made.append((target, *_program(target, device, normals, "programming" not in errors)))
    found = [_after(*devices, device, errors, time_s, normals) for devices in made]
    wire_ohm = machine.circuit_noise.wire_ohm_per_cell.value
    if "ir drop" in errors and wire_ohm:
        found = [_with_ir_drop(g, wire_ohm, first_row) for g in found]
    net = found[0] - found[1]
    if "drift" in errors and machine.circuit_noise.drift_compensation:
        before = made[0][1].mean(dim=0) - made[1][1].mean(dim=0)
        now = net.detach().abs().sum()
        net = net * (before.detach().abs().sum() / now if now > 0 else 1.0)
    return net / scale


def multiply(
    vectors: Tensor,
    digits: Tensor,
    machine: Machine,
    errors: frozenset[Error],
    input_max: float,
    full_scale: float | None,
    normals: Normals,
) -> Tensor:
    """Sums [vectors, columns] as the converters give them (see `aimc.crossbar.multiply`)."""
    sums = vectors @ digits
    on, circuit = largest_digit(machine.cell_bits), machine.circuit_noise
    variance = torch.zeros((len(vectors), 1), dtype=sums.dtype)
    if "short-term" in errors:
        power = vectors.detach().square().sum(dim=1, keepdim=True)
        variance = variance + (circuit.short_term.value * on) ** 2 * power
    if "output" in errors:
        variance = variance + (circuit.output.value * on * input_max) ** 2
    if bool((variance > 0).any()):
        sums = sums + torch.sqrt(variance) * normals(tuple(sums.shape))
    if "adc" in errors:
        own = machine.crossbar.adc_bound.value * on * input_max
        bits = int(machine.crossbar.adc_bits.value)
        sums = through_adc(sums, own if full_scale is None else full_scale, bits)
    return sums


def _program(
    target: Tensor, device: DeviceNoise, normals: Normals, exact: bool
) -> tuple[Tensor, Tensor]:
    """Programmed conductances, and what makes each device age (see `noise.Devices`)."""
    shape, values = tuple(target.shape), _values(target)
    match device:
        case PcmNoise():
            error = _like(noise.programming_std_us(values, device), target) * normals(shape)
            mean, std = (_like(x, target) for x in noise.drift_exponent(values, device))
            exponent = torch.abs(mean + std * normals(shape))
            return (target if exact else torch.relu(target + error)), exponent
        case ReramNoise():
            place = normals(shape)
            first_s = device.points[0].time_s.value
            first = _like(noise.spread_std_us(values, device, first_s), target)
            return (target if exact else torch.relu(target + first * place)), place
        case ChargeNoise():
            place = normals(shape)
            return (target if exact else target * (1 + device.mismatch.value * place)), place


def _after(
    target: Tensor,
    programmed: Tensor,
    character: Tensor,
    device: DeviceNoise,
    errors: frozenset[Error],
    time_s: float,
    normals: Normals,
) -> Tensor:
    """Conductances `time_s` after programming, pairs averaged."""
    found = programmed
    if "drift" in errors:
        match device:
            case PcmNoise():
                t0_s = device.drift_t0_s.value
                found = programmed * ((time_s + t0_s) / t0_s) ** -character
            case ReramNoise():
                spread = _like(noise.spread_std_us(_values(target), device, time_s), target)
                found = torch.relu(target + spread * character)
            case ChargeNoise():
                pass
    if "read" in errors and isinstance(device, PcmNoise):
        std = _like(noise.read_std(_values(programmed), device, time_s), target)
        found = torch.relu(found * (1 + std * normals(tuple(found.shape))))
    return found.mean(dim=0)


def _with_ir_drop(conductance_us: Tensor, wire_ohm: float, first_row: int) -> Tensor:
    """Columns of conductances behind a resistive bit line (see `noise.with_ir_drop`)."""
    siemens = conductance_us * 1e-6
    places = torch.arange(len(siemens), dtype=siemens.dtype, device=siemens.device)
    distance = (first_row + 1 + places)[:, None]
    nearer = torch.cumsum(siemens * distance, dim=0)
    farther = distance * (siemens.sum(dim=0) - torch.cumsum(siemens, dim=0))
    return conductance_us * (1 - wire_ohm * (nearer + farther))


def _values(x: Tensor) -> Array:
    return x.detach().cpu().numpy()


def _like(values: Array, x: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=x.dtype, device=x.device)
