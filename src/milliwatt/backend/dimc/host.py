# SPDX-License-Identifier: MIT
"""What the host core computes beside the tiles, and the cycles it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from milliwatt.backend.dimc.extract import is_linear
from milliwatt.backend.dimc.machine import Machine
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import TensorType
from milliwatt.ops.recurrent import Svdf, UnidirectionalLstm
from milliwatt.ops.shape import Reshape

_LSTM_ELEMENTS = 12
"""Values in and out of a unit in one step: 2 sums for each of 4 gates, cell in and out, hidden in
and out."""


@dataclass(frozen=True, slots=True)
class HostWork:
    """A node, or the part of one, that the host core computes."""

    node: str
    """The first value that the node computes."""
    macs: int
    elements: int
    """Values that it reads or writes, each once."""
    read_bits: int
    written_bits: int


def host_work(graph: Graph) -> tuple[HostWork, ...]:
    """Every node that is not one product: pooling, additions, an SVDF's time, an LSTM's gates."""
    return tuple(
        _work(graph, node)
        for node in graph.nodes
        if not is_linear(node) and not isinstance(node.op, Reshape)
    )


def host_cycles(machine: Machine, work: HostWork) -> Fraction:
    """Estimated cycles of the host core, at the tiles' clock; 0 where it is not described."""
    host = machine.host
    if host is None:
        return Fraction(0)
    per_mac, per_element = host.cycles_per_mac.value, host.cycles_per_element.value
    return Fraction(work.macs * per_mac + work.elements * per_element)


def _work(graph: Graph, node: Node) -> HostWork:
    name = node.outputs[0]
    inputs, outputs = graph.input_types(node), graph.output_types(node)
    read = [graph.types[v] for v in node.inputs if v not in graph.constants]
    macs = node.op.macs(inputs, outputs)
    elements = sum(kind.elements for kind in (*read, *outputs))
    if isinstance(node.op, Svdf):
        read, macs = [inputs[4]], inputs[0].shape[0] * inputs[2].elements
    elif isinstance(node.op, UnidirectionalLstm):
        read, macs = [], 0
        elements = _LSTM_ELEMENTS * outputs[0].elements
    return HostWork(name, macs, elements, _bits(read), _bits(outputs))


def _bits(kinds: Sequence[TensorType]) -> int:
    return sum(kind.elements * kind.dtype.bits for kind in kinds)
