# SPDX-License-Identifier: MIT
"""Which kernel computes a node."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cache
from hashlib import blake2b

from milliwatt.backend.mcu.choice.shaped import SUFFIX, with_shapes
from milliwatt.backend.mcu.kernel import Core, Kernel, Site
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.errors import OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node


def site_of(graph: Graph, node: Node) -> Site:
    """What a kernel sees of `node`."""
    return Site(
        node.op, graph.input_types(node), graph.output_types(node), graph.constant_inputs(node)
    )


def sites_of(graph: Graph) -> tuple[Site, ...]:
    """What kernels see of each node; nodes that look the same to them share one site."""
    digests = {v: blake2b(array.tobytes()).digest() for v, array in graph.constants.items()}
    known: dict[Hashable, Site] = {}
    found: list[Site] = []
    for node in graph.nodes:
        site = site_of(graph, node)
        values = tuple(map(digests.get, node.inputs))
        found.append(known.setdefault((site.op, site.inputs, site.outputs, values), site))
    return tuple(found)


def candidates(site: Site, core: Core) -> tuple[Kernel, ...]:
    """Every kernel that computes `site` on `core`, in order of preference for speed."""
    return tuple(_supporting(site, core))


def forms(site: Site, core: Core) -> tuple[Kernel, ...]:
    """What a choice may name: the candidates, and each compiled for its shape."""
    return with_shapes(candidates(site, core))


def kept_kernel(node_name: str, site: Site, core: Core, wanted: str) -> Kernel:
    """The form called `wanted`; OptionError where it does not compute the site on this core."""
    named = (kernel for kernel in with_shapes(_ordered_kernels()) if kernel.name == wanted)
    for kernel in named:
        if kernel.supports(site, core):
            return kernel
    names = ", ".join(kernel.name for kernel in candidates(site, core))
    raise OptionError(
        f"the kept choice of node '{node_name}', kernel '{wanted}', does not compute it on "
        f"this core; there are: {names or 'none'} (and each with {SUFFIX})"
    )


def select_kernel(node_name: str, site: Site, core: Core) -> Kernel:
    """The first candidate, the choice for speed; UnsupportedError where there is none."""
    for kernel in _supporting(site, core):
        return kernel
    operands = ", ".join(str(t) for t in site.inputs)
    results = ", ".join(str(t) for t in site.outputs)
    raise UnsupportedError(
        f"no kernel for node '{node_name}': {site.op.kind}({operands}) -> {results}"
    )


def _supporting(site: Site, core: Core) -> Iterator[Kernel]:
    return (kernel for kernel in _ordered_kernels() if kernel.supports(site, core))


@cache
def _ordered_kernels() -> tuple[Kernel, ...]:
    return all_kernels()
