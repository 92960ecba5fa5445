# SPDX-License-Identifier: MIT
"""Taps of depthwise filters in groups, each of which adds up to no more than 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from milliwatt.ir.types import Array

ANY, NINE_TWOS, NINE_THREE_TWOS, NINE_THREES, NINE_ALL, PAIRS = range(6)
"""MW_TAPS_ANY and the others of mw_depthwise_row_s8_mve.h."""
NINE = 9
"""The number of taps with loops of their own."""
LARGEST = 255
"""What weights' magnitudes may come to, so that the sum of their products fits 16 bits."""
_NINE = tuple(range(NINE))
_TWOS = ((0, 1), (2, 3), (4, 5), (6, 7), (8,))

Group = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """Taps by their numbers, line by line, in the order in which they are computed."""

    kind: int
    groups: tuple[Group, ...]

    @property
    def biases_last(self) -> bool:
        """Whether a block's biases come behind its weights."""
        return self.kind == ANY

    @property
    def stored(self) -> tuple[int, ...]:
        """The tap of each stored weight; -1 for the zeros that make a group's number even."""
        if self.kind not in (ANY, PAIRS):
            return tuple(tap for group in self.groups for tap in group)
        return tuple(tap for group in self.groups for tap in (*group, *(-1,) * (len(group) % 2)))

    @property
    def words(self) -> tuple[tuple[int, int], ...]:
        """What the kernel reads for its offsets: the number of a tap (-1: none), or of pairs.

        As (tap, 0) and (-1, pairs).
        """
        if self.kind == PAIRS:
            return ((-1, len(self.groups)), *((tap, 0) for tap in self.stored))
        if self.kind != ANY:
            return tuple((tap, 0) for tap in self.stored)
        found: list[tuple[int, int]] = []
        for group in self.groups:
            found.append((-1, (len(group) + 1) // 2))
            found += [(tap, 0) for tap in group]
            found += [(-1, 0)] * (len(group) % 2)
        return (*found, (-1, 0))


def group_taps(weights: Array) -> Groups:
    """The groups of weights[channels, taps] that take the fewest instructions, of those tried."""
    reach = np.abs(weights.astype(np.int64)).T
    if len(reach) == NINE:
        return _group_nine(reach)
    orders = [np.argsort(-reach.sum(axis=1), kind="stable"), np.arange(len(reach))]
    orders.append(np.argsort(-reach.max(axis=1), kind="stable"))
    groups = min((_fill(reach, order) for order in orders), key=_cost)
    pairs = _pairs(tuple(range(len(reach))))
    return Groups(ANY, groups) if _cost(groups) < _cost_of_pairs(pairs) else Groups(PAIRS, pairs)


def _cost(groups: tuple[Group, ...]) -> int:
    """Instructions of a block's sums, as the kernel's header counts them."""
    return 6 + 17 * len(groups) + sum(16 * len(_pairs(group)) for group in groups)


def _cost_of_pairs(pairs: tuple[Group, ...]) -> int:
    return 6 + 23 * len(pairs)


def _pairs(taps: Group) -> tuple[Group, ...]:
    """Neighbours, the last one alone where their number is odd."""
    return tuple(taps[i : i + 2] for i in range(0, len(taps), 2))


def _fill(reach: Array, order: Array) -> tuple[Group, ...]:
    """Each tap, in that order, to the fullest group that has room for it."""
    groups: list[list[int]] = []
    sums = np.zeros((0, reach.shape[1]), np.int64)
    for tap in order.tolist():
        most = (sums + reach[tap]).max(axis=1)
        room = np.flatnonzero(most <= LARGEST)
        if len(room):
            at = int(room[most[room].argmax()])
            groups[at].append(tap)
            sums[at] += reach[tap]
        else:
            groups.append([tap])
            sums = np.concatenate([sums, reach[tap][None]])
    return tuple(tuple(group) for group in groups)


def _group_nine(reach: Array) -> Groups:
    if _fits(reach, _NINE):
        return Groups(NINE_ALL, (_NINE,))
    threes = [three for three in combinations(_NINE, 3) if _fits(reach, three)]
    for first in threes:
        for second in threes:
            rest = tuple(tap for tap in _NINE if tap not in (*first, *second))
            if first[0] == 0 and len(rest) == 3 and rest in threes:
                return Groups(NINE_THREES, (first, second, rest))
    for three in threes:
        rest = [tap for tap in _NINE if tap not in three]
        for pairs in _pairings(rest):
            if all(_fits(reach, pair) for pair in pairs):
                return Groups(NINE_THREE_TWOS, (three, *pairs))
    return Groups(NINE_TWOS, _TWOS)


def _fits(reach: Array, taps: Group) -> bool:
    return int(reach[list(taps)].sum(axis=0).max()) <= LARGEST


def _pairings(taps: list[int]) -> Iterator[tuple[Group, ...]]:
    """Every way to make pairs of an even number of taps."""
    if not taps:
        yield ()
        return
    for other in taps[1:]:
        rest = [tap for tap in taps[1:] if tap != other]
        for pairs in _pairings(rest):
            yield ((taps[0], other), *pairs)
