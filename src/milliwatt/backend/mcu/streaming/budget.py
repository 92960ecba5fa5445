# SPDX-License-Identifier: MIT
"""The streams of a network for a given amount of SRAM."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.arena import arena_problem
from milliwatt.backend.mcu.choose import Lowerings
from milliwatt.backend.mcu.kernel import Core, Kernel, Lowered, Site
from milliwatt.backend.mcu.select import candidates, forms, site_of
from milliwatt.backend.mcu.streaming.choose import StreamChooser
from milliwatt.backend.mcu.streaming.lower import lean_kernels
from milliwatt.backend.mcu.streaming.rows import map_inputs, window_of
from milliwatt.backend.mcu.streaming.segments import find_alive
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph
from milliwatt.ops.conv import DepthwiseConv2D


def stream_chooser(
    graph: Graph, core: Core, lowerings: Lowerings, *, push_rows: bool
) -> StreamChooser:
    """What chooses streams for `graph`, whose nodes are lowered as `lowerings` where alone.

    Raises OptionError where rows cannot be pushed.
    """
    if push_rows:
        _require_rows(graph)
    _, problem, _ = arena_problem(graph, lowerings, ())
    arena = frozenset(buffer.name for buffer in problem.buffers)

    def arena_of(streams: tuple[Stream, ...]) -> int:
        _, some, _ = arena_problem(graph, lowerings, streams)
        return memory.solve(some).arena_bytes

    wanted = {i: _wanted(graph, core, lowerings, i) for i in lowerings}

    def kernels(index: int, site: Site) -> Sequence[Kernel]:
        found = candidates(site, core)
        if wanted[index] is None:
            return found
        kept = [kernel for kernel in forms(site, core) if kernel.name == wanted[index]]
        return [*kept, *(k for k in found if k.name != wanted[index])]

    lowered = {i: None if x is None else x.lowered for i, x in lowerings.items()}
    lean = {i: one for i in lowered if (one := _lean(graph, core, i)) is not None}
    alive = find_alive(graph, arena)
    return StreamChooser(graph, alive, lowered, lean, kernels, arena_of, push_rows)


def _wanted(graph: Graph, core: Core, lowerings: Lowerings, index: int) -> str | None:
    """The kernel that a node was given for other reasons than being the first that computes it."""
    lowering = lowerings[index]
    if lowering is None:
        return None
    first = candidates(site_of(graph, graph.nodes[index]), core)[0].name
    return None if lowering.kernel == first else lowering.kernel


def _lean(graph: Graph, core: Core, index: int) -> Lowered | None:
    """The call of a kernel that takes less scratch memory, where there is one."""
    node = graph.nodes[index]
    if not isinstance(node.op, DepthwiseConv2D):
        return None
    site = site_of(graph, node)
    found = lean_kernels(candidates(site, core))
    return found[0].lower(site) if found else None


def streams_within(chooser: StreamChooser, arena_bytes: int | None) -> tuple[Stream, ...]:
    """The streams of least extra work within so many bytes, or else of the smallest arena.

    Without a number: none, or the smallest arena where rows are pushed.
    """
    if arena_bytes is None:
        return chooser.smallest().streams if chooser.fed else ()
    if not chooser.fed and chooser.without_streams().arena_bytes <= arena_bytes:
        return ()
    found = chooser.choose(arena_bytes)
    return (chooser.smallest() if found is None else found).streams


def arenas_of_frontier(chooser: StreamChooser, points: int) -> list[int]:
    """Up to so many arenas worth building, from the least work to the smallest that was found."""
    if chooser.fed:
        largest = chooser.fastest().arena_bytes
    else:
        largest = chooser.without_streams().arena_bytes
    smallest = min(largest, chooser.smallest().arena_bytes)
    steps = [i / (points - 1) for i in range(points)] if points > 1 else [0.0]
    limits = [round(largest * (smallest / max(largest, 1)) ** step) for step in steps]
    found = {choice.arena_bytes for limit in limits if (choice := chooser.choose(limit))}
    return sorted({*found, largest, smallest}, reverse=True)


def _require_rows(graph: Graph) -> None:
    """OptionError unless the network has one input, whose rows its first layer reads in order."""
    problem = None
    if len(graph.inputs) != 1:
        problem = f"it has {len(graph.inputs)} inputs, not one"
    elif not graph.nodes or graph.inputs[0] in graph.kept_values():
        problem = "its input is an output, or a state's next value"
    else:
        node = graph.nodes[0]
        maps = [node.inputs[i] for i in map_inputs(graph, node)]
        if window_of(graph, node) is None or maps[:1] != [graph.inputs[0]]:
            problem = f"its first layer '{node.name}' ({node.op.kind}) does not work by rows"
    if problem is not None:
        raise OptionError(f"{graph.name} cannot take its input row by row: {problem}")
