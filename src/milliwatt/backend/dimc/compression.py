# SPDX-License-Identifier: MIT
"""What zeros are worth: kernels and feature maps coded as a bit mask and what is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milliwatt.backend.dimc.coding import coded_bits
from milliwatt.backend.dimc.extract import graph_products, has_products
from milliwatt.backend.dimc.layer import Layer
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placed import Placement
from milliwatt.backend.dimc.rows import kept_rows, kernel_codes
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array, TensorType


@dataclass(frozen=True, slots=True)
class Savings:
    """Bits of one tensor as it is, and coded; a mask bit an element and the non-zero ones."""

    name: str
    raw_bits: int
    coded_bits: int
    empty_rows: float = 0.0
    """Share of kernel rows that are all zero, which a machine that skips them leaves out."""

    @property
    def gain(self) -> float:
        """Times smaller; 1 where coding does not pay and is left out."""
        return self.raw_bits / min(self.raw_bits, self.coded_bits)


def weight_savings(placement: Placement) -> tuple[Savings, ...]:
    """The real kernels of every layer of a placed graph."""
    products = graph_products(_graph(placement))
    return tuple(
        _weights(placement.machine, item.layer, products[item.layer.name].matrix)
        for item in placement.layers
    )


def _weights(machine: Machine, layer: Layer, matrix: Array) -> Savings:
    rows = kernel_codes(machine, layer, matrix)
    skipping = replace(machine, skip_zero_rows=True)
    empty = 1 - len(kept_rows(skipping, layer, rows)) / len(rows.codes)
    coded = coded_bits(matrix, layer.weight_bits)
    return Savings(layer.name, layer.kernels * layer.kernel_bits, coded, empty)


def feature_savings(placement: Placement, inputs: Sequence[Array]) -> tuple[Savings, ...]:
    """The input map of every layer of a placed graph, for one sample."""
    graph = _graph(placement)
    values = trace(graph, inputs)
    products = graph_products(graph)
    found: list[Savings] = []
    for item in placement.layers:
        source = products[item.layer.name].source
        bits, value = item.layer.activation_bits, values[source]
        coded = coded_bits(value, bits, graph.types[source].zero_point)
        found.append(Savings(item.layer.name, value.size * bits, coded))
    return tuple(found)


def feature_shares(graph: Graph, samples: Sequence[Sequence[Array]]) -> dict[str, float]:
    """What coding leaves of each map that only tiles read, 0 to 1: the mean over the samples.

    For `place`; by value. Maps that the host reads, and outputs, stay as they are.
    """
    sources = {product.source for product in graph_products(graph).values()}
    hosts = {v for node in graph.nodes if not has_products(node) for v in node.inputs}
    coded = sources - hosts - set(graph.outputs) - {s.after for s in graph.states}
    traces = [trace(graph, sample) for sample in samples]
    return {v: _share([values[v] for values in traces], graph.types[v]) for v in sorted(coded)}


def _share(values: Sequence[Array], kind: TensorType) -> float:
    raw = kind.elements * kind.dtype.bits
    coded = [coded_bits(value, kind.dtype.bits, kind.zero_point) for value in values]
    return sum(min(raw, bits) for bits in coded) / (raw * len(coded))


def _graph(placement: Placement) -> Graph:
    if placement.graph is None:
        raise OptionError(
            f"'{placement.network}' is a list of layers without weights; only a graph has zeros"
        )
    return placement.graph
