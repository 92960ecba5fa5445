# SPDX-License-Identifier: MIT
"""What zeros are worth: kernels and feature maps coded as a bit mask and what is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.dimc.coding import coded_bits
from milliwatt.backend.dimc.extract import is_linear, kernel_matrix
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placement import PlacedLayer, Placement
from milliwatt.backend.dimc.tiles import link_elements
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.interpret import trace
from milliwatt.ir.types import Array


@dataclass(frozen=True, slots=True)
class Savings:
    """Bits of one tensor as it is, and coded; a mask bit an element and the non-zero ones."""

    name: str
    raw_bits: int
    coded_bits: int
    empty_rows: float = 0.0
    """Share of tile rows that are all zero: cycles that a machine which skips them would save."""

    @property
    def gain(self) -> float:
        """Times smaller; 1 where coding does not pay and is left out."""
        return self.raw_bits / min(self.raw_bits, self.coded_bits)


def weight_savings(placement: Placement) -> tuple[Savings, ...]:
    """The real kernels of every layer of a placed graph."""
    graph = _graph(placement)
    nodes = {node.outputs[0]: node for node in graph.nodes if is_linear(node)}
    return tuple(
        _weights(placement.machine, graph, nodes[item.layer.name], item)
        for item in placement.layers
    )


def _weights(machine: Machine, graph: Graph, node: Node, item: PlacedLayer) -> Savings:
    layer = item.layer
    matrix = kernel_matrix(node, graph.constants[node.inputs[1]])
    links = [link_elements(machine, layer, link) for link in range(item.mapping.chains)]
    empty = [~matrix[:, part.start : part.stop].any(axis=1) for part in links]
    coded = coded_bits(matrix, layer.weight_bits)
    return Savings(layer.name, layer.kernels * layer.kernel_bits, coded, float(np.mean(empty)))


def feature_savings(placement: Placement, inputs: Sequence[Array]) -> tuple[Savings, ...]:
    """The input map of every layer of a placed graph, for one sample."""
    graph = _graph(placement)
    values = trace(graph, inputs)
    nodes = {node.outputs[0]: node for node in graph.nodes if is_linear(node)}
    found: list[Savings] = []
    for item in placement.layers:
        source = nodes[item.layer.name].inputs[0]
        bits, value = item.layer.activation_bits, values[source]
        coded = coded_bits(value, bits, graph.types[source].zero_point)
        found.append(Savings(item.layer.name, value.size * bits, coded))
    return tuple(found)


def _graph(placement: Placement) -> Graph:
    if placement.graph is None:
        raise OptionError(
            f"'{placement.network}' is a list of layers without weights; only a graph has zeros"
        )
    return placement.graph
