# SPDX-License-Identifier: MIT
"""The order in which maps are computed and read, branches included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from milliwatt.backend.dimc.extract import gate_names
from milliwatt.backend.dimc.machine import Machine
from milliwatt.backend.dimc.placed import PlacedLayer, Placement
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.arith import Add, Mul, Sub
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.recurrent import UnidirectionalLstm
from milliwatt.ops.shape import Reshape
from milliwatt.units import ceil_div

_BY_ELEMENT = (Add, Sub, Mul, Quantize, Dequantize)


@dataclass(frozen=True, slots=True)
class Read:
    """A map that a step reads, and the bytes of it that one row of its output needs."""

    value: str
    window_bytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """A layer of a list, or a node of a graph."""

    name: str
    reads: tuple[Read, ...]
    writes: tuple[str, ...]
    layers: tuple[PlacedLayer, ...]
    """What tiles compute of it; empty for a node of the host."""
    kernel_bytes: int
    """Bytes off the chip that loading its kernels again takes; 0 where they lie on the chip."""

    @property
    def rounds(self) -> int:
        """Times that its input comes."""
        return max((item.mapping.rounds for item in self.layers), default=1)


@dataclass(frozen=True, slots=True)
class Flow:
    """Steps in order, the bytes of every map, the maps alive before each step and at the end."""

    steps: tuple[Step, ...]
    sizes: Mapping[str, int]
    live: tuple[frozenset[str], ...]


def flow_of(placement: Placement) -> Flow:
    """The steps of a placed network."""
    if placement.graph is None:
        return _list_flow(placement.machine, placement.layers)
    return _graph_flow(placement, placement.graph)


def window_bytes(item: PlacedLayer) -> int:
    """Bytes of the input rows that one row of outputs needs."""
    layer = item.layer
    rows, columns = min(layer.kernel_hw[0], layer.in_hw[0]), layer.in_hw[1]
    return ceil_div(rows * columns * layer.in_channels * layer.activation_bits, 8)


def kernel_bytes(machine: Machine, items: Sequence[PlacedLayer]) -> int:
    """Bytes from off the chip that hold the kernels; 0 where the machine keeps them on it."""
    if machine.weight_memory_bytes is not None:
        return 0
    return sum(ceil_div(item.layer.load_bits, 8) for item in items)


def _list_flow(machine: Machine, layers: Sequence[PlacedLayer]) -> Flow:
    """Layers that follow one another; a map is as large as its reader says."""
    names = [f"input of {item.layer.name}" for item in layers] + ["output"]
    sizes = {n: ceil_div(i.layer.input_bits, 8) for n, i in zip(names, layers, strict=False)}
    sizes["output"] = ceil_div(layers[-1].layer.output_bits, 8)
    steps = tuple(
        Step(
            i.layer.name,
            (Read(names[k], window_bytes(i)),),
            (names[k + 1],),
            (i,),
            kernel_bytes(machine, (i,)),
        )
        for k, i in enumerate(layers)
    )
    return Flow(steps, sizes, tuple(frozenset([name]) for name in names))


def _graph_flow(placement: Placement, graph: Graph) -> Flow:
    placed = {item.layer.name: item for item in placement.layers}
    same = _aliases(graph)
    nodes = [node for node in graph.nodes if not isinstance(node.op, Reshape)]
    steps = tuple(_step(placement.machine, graph, node, placed, same) for node in nodes)
    kept = frozenset(same.get(v, v) for v in (*graph.outputs, *(s.after for s in graph.states)))
    kept -= set(graph.constants)
    maps = {v for step in steps for v in (*step.writes, *(read.value for read in step.reads))}
    shares = placement.feature_shares
    sizes = {v: ceil(_bytes(graph, v, steps, kept) * shares.get(v, 1.0)) for v in maps | kept}
    return Flow(steps, sizes, _live(kept, steps))


def _aliases(graph: Graph) -> dict[str, str]:
    """The map that each reshaped one is, since reshaping moves nothing."""
    same: dict[str, str] = {}
    for node in graph.nodes:
        if isinstance(node.op, Reshape):
            source = node.inputs[0]
            same[node.outputs[0]] = same.get(source, source)
    return same


def _step(
    machine: Machine,
    graph: Graph,
    node: Node,
    placed: Mapping[str, PlacedLayer],
    same: Mapping[str, str],
) -> Step:
    name = node.outputs[0]
    names = gate_names(node) if isinstance(node.op, UnidirectionalLstm) else (name,)
    computed = [v for v in dict.fromkeys(node.inputs) if v not in graph.constants]
    reads = tuple(Read(same.get(v, v), _window(graph, node, v)) for v in computed)
    own = tuple(placed[n] for n in names if n in placed)
    return Step(name, reads, node.outputs, own, kernel_bytes(machine, own))


def _window(graph: Graph, node: Node, value: str) -> int:
    """Rows under the window for what slides over an image, one row of an element's, else all."""
    kind = graph.types[value]
    size = ceil_div(kind.elements * kind.dtype.bits, 8)
    if len(kind.shape) != 4:
        return size
    row = ceil_div(size, kind.shape[0] * kind.shape[1])
    match node.op:
        case Conv2D() | DepthwiseConv2D() as op:
            taps = (graph.types[node.inputs[1]].shape[1] - 1) * op.dilation_hw[0] + 1
        case AveragePool2D() | MaxPool2D() as op:
            taps = op.filter_hw[0]
        case op if isinstance(op, _BY_ELEMENT):
            taps = 1
        case _:
            return size
    return min(size, taps * row)


def _bytes(graph: Graph, value: str, steps: Sequence[Step], kept: frozenset[str]) -> int:
    """Bytes of a map in the bits of the tiles that read it, or of its type if another reads it."""
    kind = graph.types[value]
    readers = [s for s in steps if any(read.value == value for read in s.reads)]
    bits = kind.dtype.bits
    if readers and all(s.layers for s in readers) and value not in kept:
        bits = max(item.layer.activation_bits for s in readers for item in s.layers)
    return ceil_div(kind.elements * bits, 8)


def _live(kept: frozenset[str], steps: Sequence[Step]) -> tuple[frozenset[str], ...]:
    live = [kept]
    for step in reversed(steps):
        live.append(live[-1] - set(step.writes) | {read.value for read in step.reads})
    return tuple(reversed(live))
