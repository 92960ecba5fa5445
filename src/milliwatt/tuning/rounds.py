# SPDX-License-Identifier: MIT
"""Builds such that every layer meets every kernel that computes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from milliwatt.backend.mcu.choice.select import forms, site_of
from milliwatt.backend.mcu.compile import core_of, optimised
from milliwatt.backend.mcu.planning.place import prepared
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.record import LayerCost, Round

Progress = Callable[[str], None]
Kept = Mapping[str, str]
"""Kernels by node."""
Measured = tuple[Kept, Round]
"""Kernels, and what the network took."""


def kernels_by_node(bench: Workbench, default: Round) -> dict[str, tuple[str, ...]]:
    """The names of the kernels that compute each node, the default's first.

    Nodes that the default computes otherwise, as in bands of columns, are left out.
    """
    graph = prepared(optimised(bench.graph))
    core = core_of(bench.target)
    found: dict[str, tuple[str, ...]] = {}
    for node in graph.nodes:
        names = [kernel.name for kernel in forms(site_of(graph, node), core)]
        layer = default.layers.get(node.name)
        if layer is not None and layer.kernel in names:
            others = (name for name in names if name != layer.kernel)
            found[node.name] = (layer.kernel, *others)
    return found


def make_rounds(names: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Choices such that each layer meets each of its kernels; the first is the default."""
    count = max((len(some) for some in names.values()), default=1)
    return [{node: some[i % len(some)] for node, some in names.items()} for i in range(count)]


def measure_rounds(
    bench: Workbench, rounds: Sequence[Kept], progress: Progress | None
) -> list[Measured]:
    """Each round's figures, the default's first; as many at a time as there are processor cores.

    Threads do: compilers are other processes, and the emulators run outside the interpreter's lock.
    """
    found: list[Measured] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(_measure_parts, bench, kept, rounds[0]) for kept in rounds]
        try:
            for index, one in enumerate(running):
                tell(progress, f"build {index + 1} of {len(rounds)}")
                found += one.result()
        except BaseException:  # an interruption too: what has not begun need not
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def _measure_parts(bench: Workbench, kept: Kept, default: Kept) -> list[Measured]:
    """A round's figures; where the target has no room for it, those of its halves.

    The rest of the layers have their default. A kernel without room alone is left out.
    """
    compiled = bench.compile(kept)
    if kept == default or bench.has_room(compiled):
        return [(kept, bench.measure_compiled(compiled))]
    changed = [node for node in kept if kept[node] != default[node]]
    if len(changed) == 1:
        return []
    halves = ({**default, **{n: kept[n] for n in half}} for half in (changed[::2], changed[1::2]))
    return [one for half in halves for one in _measure_parts(bench, half, default)]


def measured_costs(default: Round, rounds: Sequence[Round], node: str) -> tuple[LayerCost, ...]:
    """The layer by each kernel, the default first, each as the last round had it.

    Only as often as the default calls it: a layer computed by rows costs more than a whole one.
    """
    own = default.layers[node]
    found = {own.kernel: own}
    for one in rounds:
        layer = one.layers.get(node)
        if layer is not None and layer.turns == own.turns:
            found[layer.kernel] = layer
    return tuple(found.values())


def tell(progress: Progress | None, text: str) -> None:
    """Report progress where it is wanted."""
    if progress is not None:
        progress(text)
