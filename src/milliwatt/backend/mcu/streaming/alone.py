# SPDX-License-Identifier: MIT
"""Layers by themselves: the kernels worth choosing among where memory is short."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from milliwatt.backend.mcu import memory
from milliwatt.backend.mcu.choice.choose import Lowering, lowering_of
from milliwatt.backend.mcu.choice.predict import predict
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.choice.steps import lone_step
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.streaming.needs import Surroundings
from milliwatt.backend.mcu.streaming.segments import (
    LEAST_WORK,
    Price,
    Segment,
    Terms,
    any_other,
)
from milliwatt.ir.graph import Graph


@dataclass(frozen=True, slots=True)
class LoneLayers:
    """The nodes of a network outside streams.

    `lowerings` are the objective's own, None for views; nodes named in `kept` have no others.
    `arena` holds the values that lie there.
    """

    graph: Graph
    core: Core
    around: Surroundings
    arena: frozenset[str]
    price: Price
    lowerings: Mapping[int, Lowering | None]
    kept: Collection[str]
    lowered: dict[tuple[int, int], Lowering] = field(
        default_factory=dict[tuple[int, int], Lowering]
    )
    """Those of other kernels, by node and variant, counted from 1."""
    predicted: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def terms(self) -> Terms:
        """What segments of this network are weighed by."""
        return Terms(self.graph, self.core, self.around, self.price)

    def segments(self) -> Iterator[Segment]:
        """Every node by its own kernel, and what all other kernels need at least."""
        for index in range(len(self.graph.nodes)):
            own = self._segment(index, 0, self._step(index, self.lowerings[index]), 0.0)
            yield own
            if self.lowerings[index] is not None and self.graph.nodes[index].name not in self.kept:
                nodes, least = range(index, index + 1), self._least_step(index)
                other = any_other(nodes, self.around, self.price, least)
                if other.need_bytes < own.need_bytes:
                    yield other

    def build(self, index: int) -> list[Segment]:
        """The node by each other kernel that is smaller than any that costs no more."""
        own, site = self.lowerings[index], site_of(self.graph, self.graph.nodes[index])
        assert own is not None
        others = [kernel for kernel in candidates(site, self.core) if kernel.name != own.kernel]
        best = self._segment(index, 0, self._step(index, own), 0.0).need_bytes
        found: list[Segment] = []
        for variant, kernel in enumerate(others, start=1):
            other = lowering_of(kernel, site)
            self.lowered[index, variant] = other
            cost = self._more(index, own, other)
            found.append(self._segment(index, variant, self._step(index, other), cost))
        found.sort(key=lambda segment: (segment.cost, segment.need_bytes))
        kept: list[Segment] = []
        for segment in found:
            if segment.need_bytes < best:
                kept.append(segment)
                best = segment.need_bytes
        return kept

    def _segment(self, index: int, variant: int, step: memory.Step, cost: float) -> Segment:
        nodes = range(index, index + 1)
        need = self.around.need_bytes(nodes, step)
        return Segment(nodes, None, variant, fed=False, need_bytes=need, cost=cost, built=True)

    def _step(self, index: int, lowering: Lowering | None) -> memory.Step:
        return lone_step(self.graph, index, lowering, self.arena)

    def _least_step(self, index: int) -> memory.Step:
        """No scratch memory, and the results anywhere in what is read."""
        step = self._step(index, self.lowerings[index])
        shared = tuple(memory.InPlace(r, w, None, None) for r in step.reads for w in step.writes)
        return replace(step, scratch_bytes=0, in_place=shared)

    def instructions(self, index: int) -> float:
        """What the node's own kernel takes, as predicted."""
        if index not in self.predicted:
            own, site = self.lowerings[index], site_of(self.graph, self.graph.nodes[index])
            found = own and predict(own.kernel, own.lowered, site, self.core).instructions
            self.predicted[index] = found or 0.0
        return self.predicted[index]

    def _more(self, index: int, own: Lowering, other: Lowering) -> float:
        """What the other kernel costs beyond the node's own."""
        site = site_of(self.graph, self.graph.nodes[index])
        was, now = (predict(one.kernel, one.lowered, site, self.core) for one in (own, other))
        work = max(LEAST_WORK, now.instructions - was.instructions)
        tables = now.table_bytes - was.table_bytes
        return self.price(work, max(0, tables + now.code.own_bytes - was.code.own_bytes))
