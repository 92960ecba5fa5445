# SPDX-License-Identifier: MIT
"""Fewer bits for some layers: what that saves in weights, feature maps and cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.dimc.cycles import Mode
from milliwatt.backend.dimc.extract import Precision
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import place
from milliwatt.backend.dimc.workload import Workload
from milliwatt.errors import OptionError


@dataclass(frozen=True, slots=True)
class PrecisionGain:
    """How many times smaller and faster one choice of bits is than another."""

    weights: float
    """Kernel bits of all layers."""
    features: float
    """Input feature-map bits of all layers."""
    bit_operations: float
    """Multiplications of one bit by one bit: MACs times weight bits times activation bits."""
    cycles: float


def with_precision(workload: Workload, bits: Mapping[str, Precision]) -> Workload:
    """The workload with the bits of the layers named; an OptionError for names it lacks."""
    unknown = set(bits) - {layer.name for layer in workload.layers}
    if unknown:
        raise OptionError(
            f"workload '{workload.name}' has no layers {', '.join(sorted(unknown))}; it has: "
            f"{', '.join(layer.name for layer in workload.layers)}"
        )
    layers = tuple(
        layer
        if layer.name not in bits
        else replace(
            layer,
            weight_bits=bits[layer.name].weight_bits,
            activation_bits=bits[layer.name].activation_bits,
            stored_weight_bits=None,
        )
        for layer in workload.layers
    )
    return replace(workload, layers=layers)


def compare_precision(
    machine: Machine, base: Workload, mixed: Workload, *, mode: Mode, clusters: int
) -> PrecisionGain:
    """`base` over `mixed`: the same network, mapped by the mapper in both choices of bits."""
    cycles = [
        float(place(w, machine, mode=mode, clusters=clusters, objective="one-cluster").cycles)
        for w in (base, mixed)
    ]
    return PrecisionGain(
        weights=_ratio(base, mixed, lambda layer: layer.load_bits),
        features=_ratio(base, mixed, lambda layer: layer.input_bits),
        bit_operations=_ratio(
            base, mixed, lambda layer: layer.macs * layer.weight_bits * layer.activation_bits
        ),
        cycles=cycles[0] / cycles[1],
    )


def _ratio(base: Workload, mixed: Workload, count: Callable[[Layer], int]) -> float:
    return sum(map(count, base.layers)) / sum(map(count, mixed.layers))
