# SPDX-License-Identifier: MIT
"""The streams and kernels of a network for a given amount of SRAM, or for the least."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowerings
from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.backend.mcu.choice.predict import predict
from milliwatt.backend.mcu.choice.select import candidates, forms, select_kernel, site_of
from milliwatt.backend.mcu.kernel import Core, Kernel, Site
from milliwatt.backend.mcu.memory.liveness import make_meter
from milliwatt.backend.mcu.memory.order import search_orders
from milliwatt.backend.mcu.memory.reduce import reduce_problem
from milliwatt.backend.mcu.planning.arena import arena_problem
from milliwatt.backend.mcu.streaming.alone import LoneLayers
from milliwatt.backend.mcu.streaming.builder import Builder, Variant
from milliwatt.backend.mcu.streaming.choose import Choice, StreamChooser
from milliwatt.backend.mcu.streaming.lower import lean_first, lean_kernels, remembering
from milliwatt.backend.mcu.streaming.moves import Layers
from milliwatt.backend.mcu.streaming.needs import find_surroundings
from milliwatt.backend.mcu.streaming.rows import map_inputs, window_of
from milliwatt.backend.mcu.streaming.segments import Price, find_alive, stream_ranges
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph
from milliwatt.ops.conv import DepthwiseConv2D

_TIE = 1e-6
"""What instructions weigh where they do not count."""
CHOICE_EFFORT = 0.1
"""Of the memory solver, where choices are compared."""
_MOVES_IN_ORDERS = 150_000
"""That the search for the least order tries, where its bound is asked for."""
_STEPS_APART = 64
"""A mix weighs arenas that differ by at least this part."""


def stream_chooser(
    graph: Graph,
    core: Core,
    lowerings: Lowerings,
    objective: Objective,
    *,
    kept: Collection[str] = (),
    push_rows: bool,
) -> StreamChooser:
    """What chooses streams for `graph`, and the kernels of the layers outside them.

    `lowerings` are the objective's own; nodes named in `kept` have no others. Raises OptionError
    where rows cannot be pushed.
    """
    if push_rows:
        _require_rows(graph)
    _, problem, _ = arena_problem(graph, lowerings, ())
    changing = frozenset(state.after for state in graph.states)

    def arena_of(some: Layers) -> int:
        _, found, _ = arena_problem(*some)
        return memory.solve(found, CHOICE_EFFORT).arena_bytes

    def floor_of(some: Layers) -> int:
        _, found, _ = arena_problem(*some)
        return search_orders(make_meter(reduce_problem(found)), _MOVES_IN_ORDERS).bound_bytes

    layers = LoneLayers(
        graph=graph,
        core=core,
        around=find_surroundings(problem, changing),
        arena=frozenset(buffer.name for buffer in problem.buffers),
        price=_price(graph, core, lowerings, objective),
        lowerings=lowerings,
        kept=kept,
    )
    builder = Builder(layers, _variants(graph, core, lowerings))
    return StreamChooser(builder, arena_of, floor_of, push_rows)


def _price(graph: Graph, core: Core, lowerings: Lowerings, objective: Objective) -> Price:
    """Cost relative to the objective's own code, without SRAM."""
    costs = [
        predict(one.kernel, one.lowered, site_of(graph, graph.nodes[i]), core)
        for i, one in lowerings.items()
        if one is not None
    ]
    work = max(1.0, sum(cost.instructions for cost in costs))
    flash = max(1, sum(cost.table_bytes + cost.code.own_bytes for cost in costs))

    def price(more_work: float, more_flash: int) -> float:
        instructions = more_work / work
        return _TIE * instructions + objective.cost(instructions, 0.0, more_flash / flash)

    return price


def _variants(graph: Graph, core: Core, lowerings: Lowerings) -> tuple[Variant, ...]:
    """The kernels of streams: the objective's own, the fastest, those that gather less."""
    wanted, lean = _unusual(graph, core, lowerings)

    @remembering
    def fastest(index: int, site: Site) -> Sequence[Kernel]:
        return candidates(site, core)

    @remembering
    def own(index: int, site: Site) -> Sequence[Kernel]:
        if index not in wanted:
            return candidates(site, core)
        kept = [kernel for kernel in forms(site, core) if kernel.name == wanted[index]]
        return [*kept, *(k for k in candidates(site, core) if k.name != wanted[index])]

    variants = [Variant(own, frozenset(), lean=False)]
    if wanted:
        variants.append(Variant(fastest, frozenset(wanted), lean=False))
    if lean:
        variants.append(Variant(lean_first(fastest), lean, lean=True))
    return tuple(variants)


def _unusual(
    graph: Graph, core: Core, lowerings: Lowerings
) -> tuple[dict[int, str], frozenset[int]]:
    """Nodes that work by rows: kernels other than the first, and where there are lean ones."""
    wanted: dict[int, str] = {}
    lean: set[int] = set()
    for i, one in lowerings.items():
        node = graph.nodes[i]
        if one is None or window_of(graph, node) is None:
            continue
        site = site_of(graph, node)
        if one.kernel != select_kernel(node.name, site, core).name:
            wanted[i] = one.kernel
        if isinstance(node.op, DepthwiseConv2D) and lean_kernels(candidates(site, core)):
            lean.add(i)
    return wanted, frozenset(lean)


def choice_within(chooser: StreamChooser, objective: Objective, arena_bytes: int | None) -> Choice:
    """The objective's best within so many bytes, or else the smallest arena that was found.

    Without a number any arena will do; where rows are pushed, the smallest is taken. Where SRAM
    counts, so does the arena: alone, the smallest that was found is taken; in a mix, the least
    weighted sum.
    """
    if objective.is_sram or (arena_bytes is None and chooser.fed and not objective.sram):
        return chooser.smallest()
    if arena_bytes is None:
        first = chooser.fastest() if chooser.fed else chooser.without_streams()
    else:
        first = chooser.choose(arena_bytes)
    return chooser.smallest() if first is None else _best_mix(chooser, objective, first)


def _best_mix(chooser: StreamChooser, objective: Objective, first: Choice) -> Choice:
    """The least weighted sum from a choice on to smaller arenas."""
    if objective.sram == 0:
        return first
    whole_bytes = max(1, chooser.without_streams().arena_bytes)

    def cost(choice: Choice) -> float:
        return choice.cost + objective.cost(0.0, choice.arena_bytes / whole_bytes, 0.0)

    least = objective.cost(0.0, chooser.bound_bytes() / whole_bytes, 0.0)
    best, at = first, first
    while at.cost + least < cost(best):
        step = max(1, at.arena_bytes // _STEPS_APART)
        found = chooser.choose(at.arena_bytes - step)
        if found is None:
            return min(best, chooser.smallest(), key=cost)
        at = found
        best = min(best, at, key=cost)
    return best


def arenas_of_frontier(chooser: StreamChooser, points: int) -> list[int]:
    """Up to so many arenas worth building, from the least work to the smallest that was found."""
    largest = (chooser.fastest() if chooser.fed else chooser.without_streams()).arena_bytes
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
        elif not any(stream_ranges(graph, find_alive(graph, frozenset(graph.types)), fed=True)):
            problem = "its input is needed as a whole further on"
    if problem is not None:
        raise OptionError(f"{graph.name} cannot take its input row by row: {problem}")
