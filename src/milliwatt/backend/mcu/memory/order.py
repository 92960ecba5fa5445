# SPDX-License-Identifier: MIT
"""Orders of the steps with the smallest peak of live bytes, and a bound on every order."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count, starmap

from milliwatt.backend.mcu.memory.lifetimes import find_lifetimes
from milliwatt.backend.mcu.memory.liveness import Meter, Move, Progress, order_bound_bytes
from milliwatt.backend.mcu.memory.reduce import steps_of

Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order and the peak of its live bytes, below which no placement under it can go."""

    order: Order
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """Candidates, at least one, the lowest peak first, and a bound for every order."""

    candidates: tuple[Candidate, ...]
    bound_bytes: int


def search_orders(meter: Meter, max_moves: int) -> OrderSearch:
    """Minimise the peak over orders: exactly, if trying `max_moves` moves suffices."""
    listed = tuple(range(len(meter.core.predecessors)))
    if meter.core.has_one_order():
        peak_bytes = order_bound_bytes(meter, listed)
        return OrderSearch((Candidate(listed, peak_bytes),), peak_bytes)
    floor = static_bound_bytes(meter)
    walk = _make_walk(meter)
    peaks = {
        order: order_bound_bytes(meter, order)
        for order in (listed, _depth_first(meter), _finish_greedily(walk, walk.start()))
    }
    lowest = min(peaks.values())
    if lowest > floor:
        fullest, bound = _best_first(walk, lowest, max_moves)
        floor = max(floor, bound)
        order = _finish_greedily(walk, fullest)
        peaks[order] = order_bound_bytes(meter, order)
    candidates = sorted(starmap(Candidate, peaks.items()), key=lambda item: item.peak_bytes)
    return OrderSearch(tuple(candidates), floor)


def static_bound_bytes(meter: Meter) -> int:
    """Bytes that some moment needs in every order.

    A block is live at a step if a writer comes before it and a user after it by dependence.
    """
    core = meter.core
    lifetimes = find_lifetimes(core, core.predecessors, range(len(core.predecessors)))
    forced = [0] * len(core.predecessors)
    for index, block in enumerate(core.blocks):
        for step in steps_of(lifetimes.born[index] & lifetimes.needed[index] | block.users):
            forced[step] |= 1 << index
    bound = meter.ends_bytes()
    for step, live in enumerate(forced):
        dying = [
            index
            for index in meter.used[step]
            if not core.blocks[index].to_end
            and not core.blocks[index].users & lifetimes.after[step]
        ]
        saved = meter.best_saving(step, dying)
        bound = max(bound, meter.bound_bytes(live, meter.count(live) - saved))
    return bound


@dataclass(frozen=True, slots=True)
class _Partial:
    """An order begun: `last` came after those of `earlier`; the mask `ready` may come next."""

    ready: int
    progress: Progress
    last: int = -1
    earlier: _Partial | None = None

    def order(self) -> Order:
        steps: list[int] = []
        partial = self
        while partial.earlier is not None:
            steps.append(partial.last)
            partial = partial.earlier
        return tuple(reversed(steps))


@dataclass(frozen=True, slots=True)
class _Walk:
    """The meter, and direct successors by step."""

    meter: Meter
    successors: tuple[tuple[int, ...], ...]

    def start(self) -> _Partial:
        before = self.meter.core.predecessors
        ready = sum(1 << step for step, mask in enumerate(before) if not mask)
        return _Partial(ready, self.meter.start())

    def moves(self, partial: _Partial) -> list[Move]:
        return [self.meter.execute(partial.progress, step) for step in steps_of(partial.ready)]

    def take(self, partial: _Partial, move: Move) -> _Partial:
        ready = partial.ready ^ 1 << move.step
        for successor in self.successors[move.step]:
            if not self.meter.core.predecessors[successor] & ~move.after.done:
                ready |= 1 << successor
        return _Partial(ready, move.after, move.step, partial)

    def is_free(self, partial: _Partial, move: Move, peak_bytes: int) -> bool:
        """Whether taking `move` at once never hurts: no higher peak, and no more alive after it.

        Whatever would come before it then needs no more than otherwise; where the cells stay
        equal, that takes blocks born with no less padding than those that die.
        """
        meter, before, after = self.meter, partial.progress, move.after
        if move.need_bytes > peak_bytes or after.cells > before.cells:
            return False
        if after.cells < before.cells:
            return True
        born = meter.padding_bytes(after.live & ~before.live)
        return born >= meter.padding_bytes(move.dying)


def _make_walk(meter: Meter) -> _Walk:
    successors: list[list[int]] = [[] for _ in meter.core.predecessors]
    for step, mask in enumerate(meter.core.predecessors):
        for predecessor in steps_of(mask):
            successors[predecessor].append(step)
    return _Walk(meter, tuple(map(tuple, successors)))


def _best_first(walk: _Walk, enough_bytes: int, max_moves: int) -> tuple[_Partial, int]:
    """Dijkstra over sets of done steps, where a path costs its peak.

    Returns the fullest set seen and a bound of at most `enough_bytes`. Sets leave the
    queue by ascending peak, so the peak at which the search stops bounds every order; among
    equal peaks the fullest set goes first.
    """
    start = walk.start()
    queue = [(walk.meter.ends_bytes(), 0, 0, start)]
    closed: set[int] = set()
    serial = count(1)
    tried = 0
    fullest = start
    while queue:
        peak_bytes, _, _, partial = heapq.heappop(queue)
        if partial.progress.done in closed:
            continue
        closed.add(partial.progress.done)
        if partial.progress.done.bit_count() > fullest.progress.done.bit_count():
            fullest = partial
        if not partial.ready or tried >= max_moves:
            return fullest, peak_bytes
        moves = walk.moves(partial)
        tried += len(moves)
        free = [move for move in moves if walk.is_free(partial, move, peak_bytes)]
        for move in free[:1] or moves:
            cost = max(peak_bytes, move.need_bytes)
            if cost < enough_bytes and move.after.done not in closed:
                fullness = -move.after.done.bit_count()
                heapq.heappush(queue, (cost, fullness, next(serial), walk.take(partial, move)))
    return fullest, enough_bytes


def _finish_greedily(walk: _Walk, partial: _Partial) -> Order:
    """Always take the ready step that needs least, then the one that leaves least alive."""
    while partial.ready:
        move = min(
            walk.moves(partial),
            key=lambda move: (move.need_bytes, move.after.cells, move.step),
        )
        partial = walk.take(partial, move)
    return partial.order()


def _depth_first(meter: Meter) -> Order:
    """Each step as late as its first reader wants it, of several the deepest first."""
    before = meter.core.predecessors
    depths: list[int] = []
    for mask in before:
        depths.append(1 + max((depths[step] for step in steps_of(mask)), default=0))
    order: dict[int, None] = {}
    needed = 0
    for mask in before:
        needed |= mask
    pending = [step for step in reversed(range(len(before))) if not needed >> step & 1]
    while pending:
        step = pending[-1]
        missing = [earlier for earlier in steps_of(before[step]) if earlier not in order]
        if missing:
            pending.extend(sorted(missing, key=lambda earlier: depths[earlier]))
        else:
            order.setdefault(pending.pop())
    return tuple(order)
