# SPDX-License-Identifier: MIT
"""Which kernel computes a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from milliwatt.backend.mcu.kernel import Core, Kernel, Site
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.backend.mcu.objective import SPEED, Objective
from milliwatt.backend.mcu.predict import Predicted, predict
from milliwatt.errors import OptionError, UnsupportedError
from milliwatt.ir.graph import Graph, Node


def site_of(graph: Graph, node: Node) -> Site:
    """What a kernel sees of `node`."""
    return Site(
        node.op, graph.input_types(node), graph.output_types(node), graph.constant_inputs(node)
    )


def candidates(site: Site, core: Core) -> tuple[Kernel, ...]:
    """Every kernel that computes `site` on `core`, in order of preference for speed."""
    return tuple(_supporting(site, core))


def choose(
    node_name: str,
    site: Site,
    core: Core,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
) -> Kernel:
    """The kernel of `node_name`: the one that `kept` names for it, else the objective's best.

    For speed alone that is the first candidate; elsewhere the one of least predicted cost, the
    first of equals. UnsupportedError without a candidate; OptionError where the kept kernel is
    none of them.
    """
    if kept is not None and node_name in kept:
        return _kept(node_name, site, core, kept[node_name])
    if objective.is_speed:
        return select_kernel(node_name, site, core)
    found = candidates(site, core) or (select_kernel(node_name, site, core),)
    first = predict(found[0], site)
    return min(found, key=lambda kernel: _cost(predict(kernel, site), first, objective))


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


def _kept(node_name: str, site: Site, core: Core, wanted: str) -> Kernel:
    found = {kernel.name: kernel for kernel in candidates(site, core)}
    if wanted not in found:
        raise OptionError(
            f"the kept choice of node '{node_name}', kernel '{wanted}', does not compute it on "
            f"this core; there are: {', '.join(found) or 'none'}"
        )
    return found[wanted]


def _cost(predicted: Predicted, first: Predicted, objective: Objective) -> float:
    """Cost relative to the first candidate's."""
    return objective.cost(
        instructions=predicted.instructions / max(first.instructions, 1),
        sram=(predicted.scratch_bytes + 1) / (first.scratch_bytes + 1),
        flash=predicted.flash_bytes / max(first.flash_bytes, 1),
    )


@cache
def _ordered_kernels() -> tuple[Kernel, ...]:
    return all_kernels()
