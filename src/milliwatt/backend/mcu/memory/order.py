# SPDX-License-Identifier: MIT
"""Orders of the steps with the smallest peak of live bytes, and a bound on every order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.memory.lifetimes import precedence_closures
from milliwatt.backend.mcu.memory.liveness import Meter, Progress, order_bound_bytes
from milliwatt.backend.mcu.memory.reduce import steps_of

Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """Candidate orders, the lowest peak first, and the bytes that no order can go below."""

    orders: tuple[Order, ...]
    bound_bytes: int


@dataclass(frozen=True, slots=True)
class Partial:
    """The steps of `order` are done, those of the mask `ready` may come next."""

    order: Order
    ready: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Precedence:
    """Direct predecessors as masks, and direct successors, by step."""

    before: tuple[int, ...]
    after: tuple[tuple[int, ...], ...]

    def advance(self, ready: int, step: int, done: int) -> int:
        """The ready mask once `step`, the last of the mask `done`, has run."""
        ready ^= 1 << step
        for successor in self.after[step]:
            if not self.before[successor] & ~done:
                ready |= 1 << successor
        return ready


def search_orders(meter: Meter, max_states: int) -> OrderSearch:
    """Minimise the peak over orders: exactly, if `max_states` sets of done steps suffice."""
    before = meter.core.predecessors
    listed = tuple(range(len(before)))
    if meter.core.has_one_order():
        return OrderSearch((listed,), order_bound_bytes(meter, listed))
    floor = static_bound_bytes(meter)
    if order_bound_bytes(meter, listed) == floor:
        return OrderSearch((listed,), floor)
    precedence = _precedence(before)
    ready = sum(1 << step for step, mask in enumerate(before) if not mask)
    start = Partial((), ready, meter.start())
    furthest, bound = _best_first(meter, precedence, start, floor, max_states)
    orders = {
        listed,
        _finish_greedily(meter, precedence, start),
        _finish_greedily(meter, precedence, furthest),
    }
    ranked = sorted(orders, key=lambda order: (order_bound_bytes(meter, order), order))
    return OrderSearch(tuple(ranked), bound)


def static_bound_bytes(meter: Meter) -> int:
    """Bytes that some step needs in every order.

    A block is live at a step if a writer comes before it and a user after it by dependence.
    """
    ancestors, descendants = precedence_closures(
        meter.core.predecessors, range(len(meter.core.predecessors))
    )
    forced = _forced_live(meter, ancestors, descendants)
    bound = meter.edges_bytes()
    for step, live in enumerate(forced):
        dying = [
            index
            for index in meter.used[step]
            if not meter.core.blocks[index].to_end
            and not meter.core.blocks[index].users & descendants[step]
        ]
        cells = sum(meter.cells[index] for index in steps_of(live))
        bound = max(bound, meter.bound_bytes(live, cells - meter.best_saving(step, dying)))
    return bound


def _forced_live(meter: Meter, ancestors: Sequence[int], descendants: Sequence[int]) -> list[int]:
    """By step, the mask of the blocks that live while it runs, whatever the order."""
    forced = [0] * len(ancestors)
    always = (1 << len(ancestors)) - 1
    for index, block in enumerate(meter.core.blocks):
        after = always if block.from_start else 0
        before = always if block.to_end else 0
        for step in steps_of(block.writers):
            after |= descendants[step] | 1 << step
        for step in steps_of(block.users):
            before |= ancestors[step] | 1 << step
        for step in steps_of(after & before | block.users):
            forced[step] |= 1 << index
    return forced


def _precedence(before: tuple[int, ...]) -> Precedence:
    after: list[list[int]] = [[] for _ in before]
    for step, mask in enumerate(before):
        for predecessor in steps_of(mask):
            after[predecessor].append(step)
    return Precedence(before, tuple(map(tuple, after)))


def _best_first(
    meter: Meter, precedence: Precedence, start: Partial, floor: int, max_states: int
) -> tuple[Partial, int]:
    """Dijkstra over sets of done steps, where a path costs its peak: the end, and the bound.

    Sets leave the queue by ascending peak, so the peak of the one at which the search stops
    bounds every order; among equal peaks the fullest set goes first.
    """
    queue = [(max(floor, meter.edges_bytes()), 0, 0, start)]
    closed: set[int] = set()
    pushed = 0
    while True:
        peak, _, _, partial = heapq.heappop(queue)
        done = partial.progress.done
        if done in closed:
            continue
        if not partial.ready or len(closed) == max_states:
            return partial, peak
        closed.add(done)
        for step in steps_of(partial.ready):
            need, progress = meter.execute(partial.progress, step)
            if progress.done not in closed:
                pushed += 1
                ready = precedence.advance(partial.ready, step, progress.done)
                longer = Partial((*partial.order, step), ready, progress)
                heapq.heappush(queue, (max(peak, need), -len(longer.order), pushed, longer))


def _finish_greedily(meter: Meter, precedence: Precedence, partial: Partial) -> Order:
    """Always take the ready step that needs least, then the one that leaves least alive."""
    while partial.ready:
        moves = ((step, *meter.execute(partial.progress, step)) for step in steps_of(partial.ready))
        step, _, progress = min(moves, key=lambda move: (move[1], move[2].cells, move[0]))
        ready = precedence.advance(partial.ready, step, progress.done)
        partial = Partial((*partial.order, step), ready, progress)
    return partial.order
