# SPDX-License-Identifier: MIT
"""The kernel of every node of a graph: kept choices first, then the objective's best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.code_bytes import call_bytes
from milliwatt.backend.mcu.decide import Arena, Choice, Option, decide
from milliwatt.backend.mcu.kernel import Core, Kernel, Lit, Lowered, Site
from milliwatt.backend.mcu.objective import Objective
from milliwatt.backend.mcu.predict import predict
from milliwatt.backend.mcu.select import candidates, kept_kernel, select_kernel, site_of
from milliwatt.backend.mcu.views import is_view
from milliwatt.errors import OptionError
from milliwatt.ir.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Lowering:
    """A kernel and its call for one node."""

    kernel: str
    header: str
    lowered: Lowered


Lowerings = Mapping[int, Lowering | None]
"""By index of the node; None where a node is only a view."""


def lower_graph(
    graph: Graph,
    core: Core,
    objective: Objective,
    kept: Mapping[str, str],
    arena_of: Callable[[Lowerings], Arena],
) -> Lowerings:
    """A lowering for each node: by the kernel that `kept` names for it, else the objective's best.

    For speed alone that is the first candidate; elsewhere predictions decide. `arena_of` says
    what memory lowerings need, and which nodes fill it. Raises UnsupportedError for a node
    without a kernel; OptionError where `kept` names no node, or a kernel that does not compute it.
    """
    _check_names(graph, kept)
    options = {
        i: _kernels(node, site_of(graph, node), core, objective, kept)
        for i, node in enumerate(graph.nodes)
        if not is_view(graph, node)
    }
    sites = {i: site_of(graph, graph.nodes[i]) for i in options}
    views = dict.fromkeys(i for i in range(len(graph.nodes)) if i not in options)
    lowered = {
        i: [_lowering(kernel, sites[i]) for kernel in kernels] for i, kernels in options.items()
    }
    if all(len(some) == 1 for some in lowered.values()):
        return {**views, **{i: some[0] for i, some in lowered.items()}}
    layers = list(lowered)

    def taken(choice: Choice) -> Lowerings:
        return {**views, **{i: lowered[i][at] for i, at in zip(layers, choice, strict=True)}}

    def measured(choice: Choice) -> Arena:
        arena = arena_of(taken(choice))
        at = tuple(position for position, i in enumerate(layers) if i in arena.full_at)
        return Arena(arena.size_bytes, at)

    rows = [[_option(one, sites[i], core) for one in lowered[i]] for i in layers]
    return taken(decide(rows, objective, measured))


def code_key(lowered: Lowered) -> str:
    """Equal for calls that share compiled code: one function, equal fixed numbers."""
    words = (repr(arg.value) if isinstance(arg, Lit) and arg.fixed else "_" for arg in lowered.args)
    return " ".join([lowered.function, *words])


def _check_names(graph: Graph, kept: Mapping[str, str]) -> None:
    names = {node.name for node in graph.nodes}
    unknown = [name for name in kept if name not in names]
    if unknown:
        raise OptionError(
            f"the kept choices name nodes that {graph.name} does not have: "
            f"{', '.join(unknown[:3])}{' …' if len(unknown) > 3 else ''}; tune this model again"
        )


def _kernels(
    node: Node, site: Site, core: Core, objective: Objective, kept: Mapping[str, str]
) -> tuple[Kernel, ...]:
    if node.name in kept:
        return (kept_kernel(node.name, site, core, kept[node.name]),)
    first = select_kernel(node.name, site, core)
    return (first,) if objective.is_speed else candidates(site, core)


def _lowering(kernel: Kernel, site: Site) -> Lowering:
    return Lowering(kernel.name, kernel.header, kernel.lower(site))


def _option(lowering: Lowering, site: Site, core: Core) -> Option:
    cost = predict(lowering.kernel, lowering.lowered, site, core)
    return Option(
        kernel=lowering.kernel,
        work=cost.instructions,
        own_bytes=cost.table_bytes + call_bytes(lowering.lowered),
        code=code_key(lowering.lowered),
        code_bytes=cost.code.own_bytes,
        scratch_bytes=lowering.lowered.scratch_bytes,
        helpers=cost.code.helpers,
    )
