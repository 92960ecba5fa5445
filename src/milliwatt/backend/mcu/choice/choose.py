# SPDX-License-Identifier: MIT
"""The kernel of every node of a graph: kept choices first, then the objective's best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.choice.code_bytes import call_bytes
from milliwatt.backend.mcu.choice.decide import Option, decide
from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.backend.mcu.choice.predict import predict
from milliwatt.backend.mcu.choice.select import candidates, kept_kernel, select_kernel, sites_of
from milliwatt.backend.mcu.kernel import Core, Kernel, Lit, Lowered, Site
from milliwatt.backend.mcu.values.views import is_view
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
    graph: Graph, core: Core, objective: Objective, kept: Mapping[str, str]
) -> Lowerings:
    """A lowering for each node: by the kernel that `kept` names for it, else the objective's best.

    For speed alone that is the first candidate; elsewhere predictions decide. SRAM counts for
    nothing here: `streaming.budget` weighs it. Raises UnsupportedError for a node without a
    kernel; OptionError where `kept` names no node, or a kernel that does not compute it.
    """
    _check_names(graph, kept)
    sites = sites_of(graph)
    views = {i: None for i, node in enumerate(graph.nodes) if is_view(graph, node)}
    known: dict[tuple[Site, str | None], tuple[list[Lowering], list[Option]]] = {}
    ways: dict[int, tuple[list[Lowering], list[Option]]] = {}
    for i, node in enumerate(graph.nodes):
        if i not in views:
            key = sites[i], kept.get(node.name)
            if key not in known:
                kernels = _kernels(node, sites[i], core, objective, kept)
                lowered = [lowering_of(kernel, sites[i]) for kernel in kernels]
                options = [_option(one, sites[i], core) for one in lowered if len(lowered) > 1]
                known[key] = lowered, options
            ways[i] = known[key]
    if all(len(lowered) == 1 for lowered, _ in ways.values()):
        return {**views, **{i: lowered[0] for i, (lowered, _) in ways.items()}}
    rows = [
        options or [_option(lowered[0], sites[i], core)] for i, (lowered, options) in ways.items()
    ]
    chosen = decide(rows, objective.of_code)
    best = {i: lowered[at] for (i, (lowered, _)), at in zip(ways.items(), chosen, strict=True)}
    return {**views, **best}


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
    return (first,) if objective.of_code.is_speed else candidates(site, core)


def lowering_of(kernel: Kernel, site: Site) -> Lowering:
    """The kernel's call for a site that it supports."""
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
