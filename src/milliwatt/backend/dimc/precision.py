# SPDX-License-Identifier: MIT
"""Fewer bits for some layers: what that saves in weights, feature maps and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.dimc.cycles import Mode
from milliwatt.backend.dimc.extract import Precision
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
    weights = [sum(layer.load_bits for layer in w.layers) for w in (base, mixed)]
    features = [sum(layer.input_bits for layer in w.layers) for w in (base, mixed)]
    return PrecisionGain(weights[0] / weights[1], features[0] / features[1], cycles[0] / cycles[1])
