# SPDX-License-Identifier: MIT
"""Which kernel computes a node."""

from __future__ import annotations

from functools import cache

from milliwatt.backend.mcu.kernel import Core, Kernel, Site
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.errors import UnsupportedError
from milliwatt.ir.graph import Graph, Node


def site_of(graph: Graph, node: Node) -> Site:
    """What a kernel sees of `node`."""
    return Site(
        node.op, graph.input_types(node), graph.output_types(node), graph.constant_inputs(node)
    )


def select_kernel(node_name: str, site: Site, core: Core) -> Kernel:
    """The first kernel, most specialised first, that computes `site` on `core`."""
    for kernel in _ordered_kernels():
        if kernel.supports(site, core):
            return kernel
    operands = ", ".join(str(t) for t in site.inputs)
    results = ", ".join(str(t) for t in site.outputs)
    raise UnsupportedError(
        f"no kernel for node '{node_name}': {site.op.kind}({operands}) -> {results}"
    )


@cache
def _ordered_kernels() -> tuple[Kernel, ...]:
    return all_kernels()


def refuse_unsupported(graph: Graph) -> None:
    """Raise one UnsupportedError that lists every node for which there is no portable kernel."""
    problems: list[str] = []
    for node in graph.nodes:
        try:
            select_kernel(node.name, site_of(graph, node), Core())
        except UnsupportedError as error:
            problems.append(str(error))
    if problems:
        raise UnsupportedError(f"{graph.name} has operators without a kernel:", problems)
