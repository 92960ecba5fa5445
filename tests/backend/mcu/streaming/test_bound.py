# SPDX-License-Identifier: MIT
"""The bound on the arena holds for every choice: small networks, all streams, all kernels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowering, Lowerings, lower_graph, lowering_of
from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.arena import arena_problem
from milliwatt.backend.mcu.planning.budget import stream_chooser
from milliwatt.backend.mcu.planning.place import make_plan
from milliwatt.backend.mcu.streaming.build import make_stream
from milliwatt.backend.mcu.streaming.choose import StreamChooser
from milliwatt.backend.mcu.streaming.segments import find_alive, paces, stream_ranges
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.values.states import separate_outputs
from milliwatt.ir.graph import Graph
from tests.backend.mcu.random_graphs import random_graph
from tests.backend.mcu.streaming.networks import random_cnn

DSP = Core(dsp=True)
SRAM = Objective(sram=1.0)
MOST_CHOICES = 400


def chooser_of(graph: Graph, *, fed: bool = False) -> StreamChooser:
    lowerings = lower_graph(graph, DSP, SRAM, {})
    return stream_chooser(graph, DSP, lowerings, SRAM, push_rows=fed)


def all_streams(chooser: StreamChooser) -> dict[int, list[Stream]]:
    """By its first node, every stream at every pace by every kernel that streams may use."""
    graph = chooser.layers.graph
    alive = find_alive(graph, chooser.layers.arena)
    found: dict[int, list[Stream]] = {i: [] for i in range(len(graph.nodes))}
    for fed in {False, chooser.fed}:
        for nodes in stream_ranges(graph, alive, fed=fed):
            for pace, variant in product(paces(graph, nodes), chooser.builder.variants):
                stream = make_stream(graph, nodes, pace, variant.kernels, fed=fed)
                if stream is not None and (fed or not (chooser.fed and nodes.start == 0)):
                    found[nodes.start].append(stream)
    return found


def stream_sets(starts: dict[int, list[Stream]], at: int, *, fed: bool) -> Iterator[list[Stream]]:
    """Every set of streams side by side, from a node on."""
    if at == len(starts):
        yield []
        return
    if not (fed and at == 0):
        yield from stream_sets(starts, at + 1, fed=fed)
    for stream in starts[at]:
        for others in stream_sets(starts, stream.nodes.stop, fed=fed):
            yield [stream, *others]


def kernel_sets(chooser: StreamChooser, streams: list[Stream]) -> Iterator[Lowerings]:
    """Every choice of kernels for the nodes outside streams; one for each scratch memory."""
    graph, own = chooser.layers.graph, chooser.layers.lowerings
    inside = {i for stream in streams for i in stream.nodes}
    options: list[list[Lowering | None]] = []
    for i, lowering in own.items():
        site = site_of(graph, graph.nodes[i])
        if lowering is None or i in inside:
            options.append([lowering])
            continue
        some = [lowering_of(kernel, site) for kernel in candidates(site, DSP)]
        options.append(
            list({(x.lowered.scratch_bytes, x.lowered.overlaps): x for x in some}.values())
        )
    for taken in product(*options):
        yield dict(zip(own, taken, strict=True))


def every_arena(chooser: StreamChooser) -> Iterator[int]:
    """The arenas of all choices, or of the first of them."""
    sets = stream_sets(all_streams(chooser), 0, fed=chooser.fed)
    for streams in sets:
        for lowerings in kernel_sets(chooser, streams):
            _, problem, _ = arena_problem(chooser.layers.graph, lowerings, tuple(streams))
            yield memory.solve(problem, 0.1).arena_bytes


def least_arena(chooser: StreamChooser) -> int:
    arenas = every_arena(chooser)
    return min(arena for arena, _ in zip(arenas, range(MOST_CHOICES), strict=False))


@given(st.integers(0, 10_000))
@settings(max_examples=12)
def test_no_choice_is_below_the_bound(seed: int) -> None:
    chooser = chooser_of(random_cnn(seed, layers=2))
    found, bound = chooser.smallest(), chooser.bound_bytes()
    assert bound <= least_arena(chooser)
    assert bound <= found.arena_bytes


@given(st.integers(0, 10_000))
@settings(max_examples=6)
def test_no_choice_is_below_the_bound_where_rows_are_pushed(seed: int) -> None:
    chooser = chooser_of(random_cnn(seed, layers=2), fed=True)
    assert chooser.bound_bytes() <= least_arena(chooser)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_the_bound_holds_for_views_states_and_branches(seed: int) -> None:
    graph = separate_outputs(random_graph(seed))
    chooser = chooser_of(graph)
    assert chooser.bound_bytes() <= least_arena(chooser)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_lies_between_the_bound_and_every_choice(seed: int) -> None:
    chooser = chooser_of(random_cnn(seed, layers=1))
    least = min(every_arena(chooser))
    found = chooser.smallest().arena_bytes
    assert chooser.bound_bytes() <= found <= least


def test_proven_plans_say_so() -> None:
    proven = 0
    for seed in range(12):
        plan = make_plan(random_cnn(seed), DSP, "net", objective=SRAM)
        assert plan.choice_bound_bytes is not None
        assert plan.choice_bound_bytes <= plan.arena_bytes
        proven += plan.choice_bound_bytes == plan.arena_bytes
    assert proven
