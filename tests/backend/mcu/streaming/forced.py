# SPDX-License-Identifier: MIT
"""Networks compiled with streams that the test decides on, not the planner."""

from __future__ import annotations

import numpy as np

from milliwatt.backend.mcu.choice.choose import Lowerings, lower_graph
from milliwatt.backend.mcu.choice.objective import SPEED
from milliwatt.backend.mcu.choice.select import candidates
from milliwatt.backend.mcu.compile import Compiled, core_of, manifest
from milliwatt.backend.mcu.emit.project import project_files
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.arena import arena_problem
from milliwatt.backend.mcu.planning.place import place_layers
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.backend.mcu.streaming.band_segments import COUNTS
from milliwatt.backend.mcu.streaming.banded import Banded, make_banded, with_banded
from milliwatt.backend.mcu.streaming.bands import make_bands
from milliwatt.backend.mcu.streaming.build import make_stream
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.backend.mcu.streaming.schedule import Pace
from milliwatt.backend.mcu.streaming.segments import find_alive, paces, stream_ranges
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.hardware import load_target
from milliwatt.ir.graph import Graph


def lowerings_of(graph: Graph, core: Core) -> Lowerings:
    return lower_graph(graph, core, SPEED, {})


def build(
    graph: Graph, core: Core, nodes: range, pace: Pace, *, fed: bool = False
) -> Stream | None:
    """A stream of the first kernels that can be called by rows."""
    return make_stream(graph, nodes, pace, lambda _, site: candidates(site, core), fed=fed)


def random_streams(graph: Graph, core: Core, seed: int, *, fed: bool = False) -> list[Stream]:
    """Streams side by side: ranges and paces drawn from all that are possible."""
    rng = np.random.default_rng(seed)
    lowerings = lowerings_of(graph, core)
    _, problem, _ = arena_problem(graph, lowerings, ())
    alive = find_alive(graph, frozenset(buffer.name for buffer in problem.buffers))
    found: list[Stream] = []
    at = 0
    for is_fed in (True, False) if fed else (False,):
        ranges = list(stream_ranges(graph, alive, fed=is_fed))
        rng.shuffle(ranges)
        for nodes in sorted(ranges[: 1 if is_fed else 3], key=lambda r: (r.start, -len(r))):
            if nodes.start < at:
                continue
            options = paces(graph, nodes)
            if not options:
                continue
            stream = build(graph, core, nodes, options[rng.integers(len(options))], fed=is_fed)
            if stream is not None:
                found.append(stream)
                at = nodes.stop
    return found


def random_banded(graph: Graph, core: Core, seed: int) -> Banded | None:
    """One chain in bands: the range, their number and the pace drawn from all that are possible."""
    rng = np.random.default_rng(seed)
    ranges = list(stream_ranges(graph, find_alive(graph, frozenset(graph.types)), fed=False))
    rng.shuffle(ranges)
    for nodes in ranges:
        chain = column_chain(graph, nodes)
        options = paces(graph, nodes)
        bands = None if chain is None else make_bands(graph, chain, int(rng.choice(COUNTS)))
        if bands is not None and options:
            pace = options[int(rng.integers(len(options)))]
            found = make_banded(graph, bands, pace, lambda _, site: candidates(site, core))
            if found is not None:
                return found
    return None


def compiled_in_bands(graph: Graph, board: str, banded: Banded) -> Compiled:
    """The network as C with this chain in bands."""
    target = load_target(board)
    core = core_of(target)
    layers = with_banded((graph, lowerings_of(graph, core), ()), core, banded)
    cut, lowerings, streams = layers
    plan = place_layers(cut, core, graph.name, lowerings, streams)
    return Compiled(graph, plan, target, project_files(plan, manifest(plan, target)))


def plan_of(graph: Graph, core: Core, streams: list[Stream], name: str = "net") -> Plan:
    return place_layers(graph, core, name, lowerings_of(graph, core), streams)


def compiled_with(graph: Graph, board: str, streams: list[Stream]) -> Compiled:
    """The network as C with these streams."""
    target = load_target(board)
    plan = plan_of(graph, core_of(target), streams, graph.name)
    return Compiled(graph, plan, target, project_files(plan, manifest(plan, target)))
