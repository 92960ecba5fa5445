# SPDX-License-Identifier: MIT
"""Packing a strip into a given capacity, depth first with restarts that learn what is hard."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milliwatt.backend.mcu.memory.skyline import Clash, State, empty, lift, place, settle
from milliwatt.backend.mcu.memory.strip import Strip
from milliwatt.backend.mcu.memory.valley import Move, Part, moves, parts

_CLASHES = (50, 150)
"""After so many the search starts again, in turns: those that succeed do so with few."""
_FOLLOW, _NEAR = 0.3, 0.5
"""The share of starts that stay near the deepest one, and how near: the width of their draws."""
_FADE = 0.002
"""Of the blocks, what the depth to be beaten loses with each start."""
_FORGET = 0.95
"""Of what was learned, what a restart keeps."""
_SPREAD = 3.5
"""Most of the random share of a priority."""


@dataclass(frozen=True, slots=True)
class Fill:
    """Offsets by block, None where none were found, and the nodes that it took."""

    offsets: list[int] | None
    nodes: int


@dataclass(frozen=True, slots=True)
class _Guide:
    """What a search is to reach, and what it goes by."""

    strip: Strip
    capacity: int
    weights: NDArray[np.float64]
    priority: Sequence[float]
    max_clashes: int


@dataclass(frozen=True, slots=True)
class _Probe(Fill):
    """Also how deep the search went."""

    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Pending:
    """A part to be filled after others; where it cannot be, the search turns back to `back`."""

    part: Part
    back: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """A node: moves not tried, the part they are of, what is to be done when it is filled."""

    state: State
    moves: list[Move]
    part: Part
    pending: tuple[_Pending, ...]
    back: int


def fill(strip: Strip, capacity: int, max_nodes: int, seed: int) -> Fill:
    """Offsets with which all blocks end at or below the capacity, where the search finds them.

    Each start draws new priorities, some near those that led deepest. Where blocks clash, their
    moments gain weight, by which later choices are made there first. Equal arguments give equal
    offsets.
    """
    draw = random.Random(seed)
    weights = np.ones(len(strip.load))
    deepest, depth = [0.0] * len(strip.blocks), 0.0
    nodes = start = 0
    while nodes < max_nodes:
        priority = _priority(strip, draw)
        if depth and draw.random() < _FOLLOW:
            priority = [value + _NEAR * _bell(draw) for value in deepest]
        guide = _Guide(strip, capacity, weights, priority, _CLASHES[start % len(_CLASHES)])
        found = _probe(guide, max_nodes - nodes)
        nodes += found.nodes
        start += 1
        if found.offsets is not None:
            return Fill(found.offsets, nodes)
        weights = 1 + (weights - 1) * _FORGET
        depth -= _FADE * len(strip.blocks)
        if found.depth > depth:
            deepest, depth = priority, found.depth
    return Fill(None, nodes)


def _priority(strip: Strip, draw: random.Random) -> list[float]:
    """A random power of each block's length times one of its size, times a random factor."""
    by_length, by_size, spread = draw.random(), draw.random(), draw.random() * _SPREAD
    lengths = (strip.ends - strip.firsts).tolist()
    return [
        by_length * round(math.log(length), 9)
        + by_size * round(math.log(size), 9)
        + spread * _bell(draw)
        for length, size in zip(lengths, strip.sizes.tolist(), strict=True)
    ]


def _bell(draw: random.Random) -> float:
    """Between -2 and 2, mostly near 0: the deviation is 0.58."""
    return sum(draw.random() for _ in range(4)) - 2


def _probe(guide: _Guide, max_nodes: int) -> _Probe:
    """One search, until it succeeds, has clashed too often, or has run out of nodes.

    `guide.weights` grow on the way.
    """
    strip = guide.strip
    offsets = [0] * len(strip.blocks)
    stack: list[_Frame] = []
    frame = _open(guide, empty(strip, guide.capacity), Part(0, len(strip.load)), (), -1)
    nodes = clashes = depth = 0
    while True:
        if frame is None:
            return _Probe(offsets, nodes, depth)
        if isinstance(frame, Clash):
            guide.weights[frame.first : frame.end] += 1 / (frame.end - frame.first)
            clashes += 1
        else:
            clashes *= frame.back == len(stack) - 1
            stack.append(frame)
            depth = max(depth, len(stack))
        while stack and not stack[-1].moves:
            del stack[stack[-1].back + 1 :]
        if not stack or clashes >= guide.max_clashes or nodes >= max_nodes:
            return _Probe(None, max(nodes, 1), depth)
        nodes += 1
        top = stack[-1]
        move = top.moves.pop()
        if move.block is None:
            state = lift(top.state, move.moment, move.offset)
        else:
            offsets[strip.blocks[move.block]] = move.offset
            state = place(strip, top.state, move.block, move.offset)
        frame = _open(guide, state, top.part, top.pending, len(stack) - 1)


def _open(
    guide: _Guide, state: State, part: Part, pending: tuple[_Pending, ...], back: int
) -> _Frame | Clash | None:
    """The node after a move within `part`; None where everything is placed.

    Parts that no block left connects are filled one by one, so that where one cannot be filled,
    the search turns back beyond the others at once.
    """
    settled = settle(guide.strip, state, guide.capacity)
    if isinstance(settled, Clash):
        return settled
    own = back
    while not (pieces := parts(settled, part)):
        if not pending:
            return None
        part, own = pending[0].part, pending[0].back
        pending = pending[1:]
    pending = (*(_Pending(piece, back) for piece in pieces[1:]), *pending)
    at = moves(guide.strip, settled, pieces[0], guide.capacity, guide.weights, guide.priority)
    return _Frame(settled.state, at, pieces[0], pending, own)
