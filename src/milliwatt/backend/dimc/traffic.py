# SPDX-License-Identifier: MIT
"""Bits that move around the tiles while a layer runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from milliwatt.backend.dimc.cycles import kernel_rows, load_times
from milliwatt.backend.dimc.features import plan_features
from milliwatt.backend.dimc.flow import flow_of
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.units import ceil_div


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bits of one inference."""

    kernel_bits: int
    """Kernels out of their memory, each once, since they are broadcast."""
    cell_bits: int
    """Kernels into cells, with every copy."""
    read_bits: int
    """Input map out of on-chip memory, in every round, rows under two stripes twice."""
    written_bits: int
    """Output map into on-chip memory."""
    partial_sum_bits: int
    """Partial sums from tile to tile."""

    @property
    def memory_bytes(self) -> int:
        """Bytes between tiles and the memories around them."""
        return sum(ceil_div(b, 8) for b in (self.kernel_bits, self.read_bits, self.written_bits))


@dataclass(frozen=True, slots=True)
class External:
    """Bits of feature maps that come from off the chip and go there."""

    read_bits: int = 0
    written_bits: int = 0


def layer_traffic(placement: Placement, item: PlacedLayer) -> Traffic:
    """What one layer moves."""
    machine, layer, mapping = placement.machine, item.layer, item.mapping
    kernels = 0
    if placement.weights == "reloaded":
        kernels = layer.load_bits * load_times(layer, mapping) * item.pieces
    passes = len(machine.activation_slices(layer.activation_bits))
    sums = layer.repeats * layer.pixels * kernel_rows(machine, layer) * passes
    shares = placement.feature_shares
    read = _input_bits(layer, mapping.stripes, mapping.shares) * mapping.rounds * layer.repeats
    written = layer.output_bits * layer.repeats
    return Traffic(
        kernel_bits=kernels,
        cell_bits=kernels * mapping.stripes * mapping.shares,
        read_bits=ceil(read * shares.get(item.source or "", 1.0)),
        written_bits=ceil(written * shares.get(layer.name, 1.0)),
        partial_sum_bits=sums * (mapping.chains - 1) * machine.accumulator_bits,
    )


def _input_bits(layer: Layer, stripes: int, shares: int) -> int:
    """The input map once, and again the rows and columns that lie under two parts of the output."""
    rows, columns = layer.in_hw
    seams = (stripes - 1) * max(0, layer.kernel_hw[0] - layer.stride_hw[0])
    rows = min(rows + seams, stripes * rows)
    seams = (shares - 1) * max(0, layer.kernel_hw[1] - layer.stride_hw[1])
    columns = min(columns + seams, shares * columns)
    return rows * columns * layer.in_channels * layer.activation_bits


def external_traffic(placement: Placement) -> Mapping[str, External]:
    """Maps that move off the chip, by layer or host node: reads with a group's first, writes with
    its last. Empty where the machine's feature memory is not known."""
    if placement.machine.feature_memory_bytes is None:
        return {}
    names = {
        s.name: s.layers[0].layer.name if s.layers else s.name for s in flow_of(placement).steps
    }
    read, written = defaultdict[str, int](int), defaultdict[str, int](int)
    for group in plan_features(placement):
        read[names[group.steps[0]]] += 8 * group.read_bytes
        written[names[group.steps[-1]]] += 8 * group.written_bytes
    return {name: External(read[name], written[name]) for name in {*read, *written}}
