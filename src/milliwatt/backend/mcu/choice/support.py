# SPDX-License-Identifier: MIT
"""Whether C can be made of a graph, and everything that stands in the way."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.choice.select import select_kernel, sites_of
from milliwatt.backend.mcu.choice.wide import divide_wide
from milliwatt.backend.mcu.kernel import Core, Lowered, Site
from milliwatt.backend.mcu.values.states import plan_states, separate_outputs
from milliwatt.backend.mcu.values.views import is_view
from milliwatt.errors import UnsupportedError
from milliwatt.ir.graph import Graph


def refuse_unsupported(graph: Graph) -> None:
    """Raise one UnsupportedError that lists everything in `graph` that C has no form for.

    Nodes that no portable kernel computes, ports and states below a byte, constants that are not
    finite, states that exchange their values.
    """
    graph = separate_outputs(divide_wide(graph))
    lowered: dict[int, Lowered] = {}
    known: dict[Site, Lowered] = {}
    problems: list[str] = []
    for index, (node, site) in enumerate(zip(graph.nodes, sites_of(graph), strict=True)):
        if is_view(graph, node):
            continue
        try:
            if site not in known:
                known[site] = select_kernel(node.name, site, Core()).lower(site)
            lowered[index] = known[site]
        except UnsupportedError as error:
            problems.append(str(error))
    problems += _unstorable_values(graph)
    if problems:
        raise UnsupportedError(f"{graph.name} cannot become C:", problems)
    plan_states(graph, lowered)


def _unstorable_values(graph: Graph) -> list[str]:
    ports = dict.fromkeys((*graph.inputs, *graph.outputs, *(s.before for s in graph.states)))
    problems = [
        f"'{v}' is {graph.types[v]}: inputs, outputs and states need whole bytes"
        for v in ports
        if graph.types[v].dtype.bits < 8
    ]
    held = {**graph.constants, **{s.before: s.initial for s in graph.states}}
    return problems + [
        f"'{v}' holds values that are not finite"
        for v, array in held.items()
        if graph.types[v].dtype.is_float and not np.isfinite(array).all()
    ]
