# SPDX-License-Identifier: MIT
"""Feature maps in on-chip memory, and steps fused so that less moves off the chip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations, product

from milliwatt.backend.dimc.cycles import Cycles
from milliwatt.backend.dimc.flow import Flow, Step, flow_of
from milliwatt.backend.dimc.placed import Placement, held_rows
from milliwatt.errors import UnknownFigureError
from milliwatt.units import ceil_div

MOST_FUSED = 12
"""Steps in a group at most."""
_ALL_SUBSETS = 4
"""Maps alive at a time for which every choice of those off the chip is tried."""

State = frozenset[str]
"""The maps off the chip between two groups."""


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Steps computed together: of the maps between them only the rows in use exist."""

    steps: tuple[str, ...]
    need_bytes: int
    """Maps on the chip while the group runs, whole or the rows in use."""
    read_bytes: int
    """Bytes that come from off the chip, in every round that needs them."""
    written_bytes: int
    """Bytes that go off the chip."""
    pieces: int = 1
    """Parts in which a single step's input comes, each for all rounds, kernels loaded for each."""
    kernel_bytes: int = 0
    """Bytes from off the chip in which kernels come again."""

    @property
    def external_bytes(self) -> int:
        """Bytes that move off the chip or from there, kernels' first load not counted."""
        return self.read_bytes + self.written_bytes + self.kernel_bytes


@dataclass(frozen=True, slots=True)
class _Plan:
    """The best way to get to a cut of the list with certain maps off the chip."""

    cost: tuple[int, int]
    """Bytes moved, steps fused."""
    groups: tuple[FeatureGroup, ...]


def plan_features(placement: Placement) -> tuple[FeatureGroup, ...]:
    """The steps in groups with the fewest bytes off the chip, then the fewest steps fused.

    Optimal over all ways to cut the list into groups of at most MOST_FUSED steps and, at each cut,
    to keep maps on the chip or off it (with more than four alive: none, the largest 1, 4, 16 and so
    on, or all off it), by dynamic programming. A map that waits for a later branch counts all the
    while. A group of several steps must have its kernels in the tiles together; a step alone is run
    even if its rows do not fit. A layer of several rounds whose input is off the chip reads it in
    each, or piece by piece with its kernels loaded for each, whichever moves less.
    UnknownFigureError where the machine says no feature memory.
    """
    memory = placement.machine.feature_memory_bytes
    if memory is None:
        raise UnknownFigureError(
            f"{placement.machine.name} does not say array.feature_memory_bytes, so whether "
            "feature maps fit cannot be told"
        )
    flow = flow_of(placement)
    unfused = _all_on_chip(flow, memory)
    return unfused or _best(placement, flow, memory)


def _all_on_chip(flow: Flow, memory: int) -> tuple[FeatureGroup, ...]:
    """Every step alone, if every map then fits: nothing moves, so nothing is better."""
    none: State = frozenset()
    groups = [weigh(flow, i, i + 1, none, none, memory) for i in range(len(flow.steps))]
    return tuple(groups) if all(group.need_bytes <= memory for group in groups) else ()


def _best(placement: Placement, flow: Flow, memory: int) -> tuple[FeatureGroup, ...]:
    plans: list[dict[State, _Plan]] = [{state: _Plan((0, 0), ()) for state in states(flow, 0)}]
    for end in range(1, len(flow.steps) + 1):
        found: dict[State, _Plan] = {}
        for start in range(max(0, end - MOST_FUSED), end):
            if fusible(placement, flow.steps[start:end]):
                _extend(flow, start, end, memory, plans[start], found)
        plans.append(found)
    return min(plans[-1].values(), key=lambda plan: plan.cost).groups


def _extend(
    flow: Flow,
    start: int,
    end: int,
    memory: int,
    plans: Mapping[State, _Plan],
    found: dict[State, _Plan],
) -> None:
    """Put into `found` every plan with steps `start` to `end` behind it that is the best so far."""
    for (before, plan), after in product(plans.items(), states(flow, end)):
        group = weigh(flow, start, end, before, after, memory)
        if group.need_bytes > memory and not _alone(flow, start, end, before, after):
            continue
        moved, fused = plan.cost
        cost = moved + group.external_bytes, fused + end - start - 1
        if after not in found or cost < found[after].cost:
            found[after] = _Plan(cost, (*plan.groups, group))


def states(flow: Flow, cut: int) -> Iterator[State]:
    """The choices of maps off the chip before step `cut`."""
    live = sorted(flow.live[cut], key=lambda value: (-flow.sizes[value], value))
    if len(live) <= _ALL_SUBSETS:
        subsets = chain.from_iterable(combinations(live, n) for n in range(len(live) + 1))
        yield from map(frozenset, subsets)
    else:
        counts = {0, len(live), *(4**n for n in range(12) if 4**n < len(live))}
        yield from (frozenset(live[:n]) for n in sorted(counts))


def fusible(placement: Placement, steps: tuple[Step, ...]) -> bool:
    """Whether the steps may be one group: a single one, or all kernels in the tiles at once."""
    if len(steps) == 1:
        return True
    have = placement.clusters * placement.machine.tiles_per_cluster * placement.machine.rows
    items = [item for step in steps for item in step.layers]
    return sum(held_rows(placement.machine, item) for item in items) <= have


def _alone(flow: Flow, start: int, end: int, before: State, after: State) -> bool:
    """Whether a step that does not fit runs with everything off the chip, since it must."""
    return end - start == 1 and before == flow.live[start] and after == flow.live[end]


def weigh(
    flow: Flow, start: int, end: int, before: State, after: State, memory: int
) -> FeatureGroup:
    """Steps `start` to `end` as a group, with those maps off the chip before and after it."""
    steps = flow.steps[start:end]
    windows: dict[str, int] = {}
    for read in (read for step in steps for read in step.reads):
        windows[read.value] = max(windows.get(read.value, 0), read.window_bytes)
    need = read_bytes = written_bytes = 0
    streams: list[str] = []
    for value in flow.live[start] | {v for step in steps for v in step.writes}:
        size, alive = flow.sizes[value], value in flow.live[end]
        here, stays = value in flow.live[start], alive and value not in after
        streamed = here and value in before
        if streamed and stays:
            read_bytes += size
        elif streamed and value in windows:
            streams.append(value)
        if alive and value in after and not streamed:
            written_bytes += size
        whole = stays or (here and not streamed and (value in windows or not alive))
        need += size if whole else windows.get(value, 0)
    names = tuple(step.name for step in steps)
    rounds = steps[0].rounds if len(steps) == 1 else 1
    read_bytes += rounds * sum(flow.sizes[value] for value in streams)
    group = FeatureGroup(names, need, read_bytes, written_bytes)
    if rounds == 1 or len(streams) != 1:
        return group
    size, window = flow.sizes[streams[0]], windows[streams[0]]
    cut = _cut(group, steps[0], size, window, memory)
    return min(group, cut, key=lambda choice: choice.external_bytes)


def _cut(group: FeatureGroup, step: Step, size: int, window: int, memory: int) -> FeatureGroup:
    """The step with its input of `size` bytes in as few pieces as fit, a window more for each."""
    room = memory - group.need_bytes
    if room <= 0:
        return group
    pieces = ceil_div(size, room)
    again = (pieces - 1) * window
    read_bytes = group.read_bytes - step.rounds * size + size + again
    return replace(
        group,
        need_bytes=group.need_bytes + ceil_div(size, pieces),
        read_bytes=read_bytes,
        pieces=pieces,
        kernel_bytes=(pieces - 1) * step.kernel_bytes,
    )


def cut_maps(placement: Placement) -> Placement:
    """The placement with its layers' kernels loaded for each piece of an input that is cut.

    As it is where the machine says no feature memory, or keeps its kernels in the tiles.
    """
    if placement.machine.feature_memory_bytes is None or placement.weights == "resident":
        return placement
    pieces = {group.steps[0]: group.pieces for group in plan_features(placement)}
    layers = tuple(
        item
        if pieces.get(item.layer.name, 1) == 1
        else replace(
            item,
            pieces=pieces[item.layer.name],
            cycles=Cycles(item.cycles.compute, item.cycles.load * pieces[item.layer.name]),
        )
        for item in placement.layers
    )
    return replace(placement, layers=layers)
