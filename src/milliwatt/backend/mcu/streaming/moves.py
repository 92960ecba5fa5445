# SPDX-License-Identifier: MIT
"""A value moved within the arena: where layers in place leave no room in a row."""

from __future__ import annotations

from dataclasses import replace

from milliwatt.backend.mcu.choice.choose import Lowerings, lowering_of
from milliwatt.backend.mcu.choice.select import select_kernel, site_of
from milliwatt.backend.mcu.kernel import Core, Overlap
from milliwatt.backend.mcu.streaming.stream import Stream, shifted
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.shape import Reshape
from milliwatt.passes.rewrite import unused_name

Layers = tuple[Graph, Lowerings, tuple[Stream, ...]]
"""A network, its kernels, and its streams."""


def movable(graph: Graph, index: int) -> list[str]:
    """The values that may be moved before a node, which reads them."""
    fixed = {*graph.constants, *graph.kept_values()}
    fixed |= {v for state in graph.states for v in (state.before, state.after)}
    return [
        v
        for v in dict.fromkeys(graph.nodes[index].inputs)
        if v not in fixed and graph.types[v].dtype.bits >= 8
    ]


def with_move(layers: Layers, core: Core, index: int, value: str) -> Layers:
    """The same with a copy of `value` before node `index`, which it and those after it read.

    The copy may lie anywhere, over the value too.
    """
    graph, lowerings, streams = layers
    moved = unused_name(graph, f"{value}/moved")
    kind = graph.types[value]
    copy = Node(f"{moved}/copy", Reshape(kind.shape), (value,), (moved,))
    later = [
        replace(node, inputs=tuple(moved if v == value else v for v in node.inputs))
        for node in graph.nodes[index:]
    ]
    types = {**graph.types, moved: kind}
    changed = graph.with_nodes([*graph.nodes[:index], copy, *later], types=types)
    site = site_of(changed, copy)
    lowering = lowering_of(select_kernel(copy.name, site, core), site)
    anywhere = (Overlap(0, 0, -kind.size_bytes),)
    shifted = {i + (i >= index): one for i, one in lowerings.items()}
    shifted[index] = replace(lowering, lowered=replace(lowering.lowered, overlaps=anywhere))
    ordered = dict(sorted(shifted.items()))
    return changed, ordered, tuple(_shifted(s, index, value, moved) for s in streams)


def _shifted(stream: Stream, index: int, value: str, moved: str) -> Stream:
    """The stream one node later, where it comes after the move."""
    if stream.nodes.start < index:
        return stream
    strips = {
        moved if v == value else v: replace(strip, value=moved) if v == value else strip
        for v, strip in stream.strips.items()
    }
    source = moved if stream.source == value else stream.source
    return replace(shifted(stream, 1), source=source, strips=strips)
