# SPDX-License-Identifier: MIT
"""Feature maps in on-chip memory, and steps fused so that less moves off the chip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations

from milliwatt.backend.dimc.flow import Flow, Step, flow_of
from milliwatt.backend.dimc.placement import Placement, held_rows
from milliwatt.errors import UnknownFigureError

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

    @property
    def external_bytes(self) -> int:
        """Bytes that move off the chip or from there."""
        return self.read_bytes + self.written_bytes


@dataclass(frozen=True, slots=True)
class _Plan:
    """The best way to get to a cut of the list with certain maps off the chip."""

    cost: tuple[int, int]
    """Bytes moved, steps fused."""
    groups: tuple[FeatureGroup, ...]


def plan_features(placement: Placement) -> tuple[FeatureGroup, ...]:
    """The steps in groups with the fewest bytes off the chip, then the fewest steps fused.

    Optimal over all ways to cut the list into groups of at most MOST_FUSED steps and, at each cut,
    to keep maps on the chip or off it (with more than four alive, the largest go first), by
    dynamic programming. A map that waits for a later branch counts all the while. A group of
    several steps must have its kernels in the tiles together; a step alone is run even if its rows
    do not fit. UnknownFigureError where the machine says no feature memory.
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
    groups = [weigh(flow, i, i + 1, none, none) for i in range(len(flow.steps))]
    return tuple(groups) if all(group.need_bytes <= memory for group in groups) else ()


def _best(placement: Placement, flow: Flow, memory: int) -> tuple[FeatureGroup, ...]:
    count = len(flow.steps)
    plans: list[dict[State, _Plan]] = [{s: _Plan((0, 0), ()) for s in states(flow, 0)}]
    for end in range(1, count + 1):
        found: dict[State, _Plan] = {}
        for start in range(max(0, end - MOST_FUSED), end):
            if not fusible(placement, flow.steps[start:end]):
                continue
            for before, plan in plans[start].items():
                for after in states(flow, end):
                    group = weigh(flow, start, end, before, after)
                    if group.need_bytes > memory and not _alone(flow, start, end, before, after):
                        continue
                    moved, fused = plan.cost
                    cost = moved + group.external_bytes, fused + end - start - 1
                    if after not in found or cost < found[after].cost:
                        found[after] = _Plan(cost, (*plan.groups, group))
        plans.append(found)
    return min(plans[-1].values(), key=lambda plan: plan.cost).groups


def states(flow: Flow, cut: int) -> Iterator[State]:
    """The choices of maps off the chip before step `cut`."""
    live = sorted(flow.live[cut], key=lambda value: (-flow.sizes[value], value))
    if len(live) <= _ALL_SUBSETS:
        subsets = chain.from_iterable(combinations(live, n) for n in range(len(live) + 1))
        yield from map(frozenset, subsets)
    else:
        yield from (frozenset(live[:n]) for n in range(len(live) + 1))


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


def weigh(flow: Flow, start: int, end: int, before: State, after: State) -> FeatureGroup:
    """Steps `start` to `end` as a group, with those maps off the chip before and after it."""
    steps = flow.steps[start:end]
    windows: dict[str, int] = {}
    for read in (read for step in steps for read in step.reads):
        windows[read.value] = max(windows.get(read.value, 0), read.window_bytes)
    rounds = steps[0].rounds if len(steps) == 1 else 1
    need = read_bytes = written_bytes = 0
    for value in flow.live[start] | {v for step in steps for v in step.writes}:
        size, alive = flow.sizes[value], value in flow.live[end]
        here, stays = value in flow.live[start], alive and value not in after
        streamed = here and value in before
        if streamed and (stays or value in windows):
            read_bytes += size if stays else size * rounds
        if alive and value in after and not streamed:
            written_bytes += size
        whole = stays or (here and not streamed and (value in windows or not alive))
        need += size if whole else windows.get(value, 0)
    return FeatureGroup(tuple(s.name for s in steps), need, read_bytes, written_bytes)
