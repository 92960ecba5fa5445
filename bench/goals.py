# SPDX-License-Identifier: MIT
"""The goals of the headline networks, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.rows import Figures, Peer
from bench.suite import Group, Model


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that shall be no more than a limit."""

    model: str
    figure: str
    ours: int
    limit: int

    @property
    def met(self) -> bool:
        return self.ours <= self.limit

    @property
    def ratio(self) -> float:
        """Ours over the limit."""
        return self.ours / self.limit


def goals_of(figures: Figures, peer: Peer, model: Model) -> list[Goal]:
    """Instructions, flash and SRAM no more than the peer's, and the arena no more than its goal.

    Flash is the whole binary on both sides. The limit of arena and statics together is the
    peer's arena alone.
    """
    pairs = [
        ("instructions", figures.instructions, peer.instructions),
        ("flash", figures.image_bytes, peer.flash_bytes),
        ("SRAM", figures.sram_bytes, peer.arena_bytes),
        ("arena", figures.arena_bytes, model.arena_goal_bytes),
    ]
    return [Goal(figures.model, name, ours, at) for name, ours, at in pairs if at is not None]


def headline_goals(group: Group, figures: Iterable[Figures], peers: Sequence[Peer]) -> list[Goal]:
    """The goals of every network of `group` that was measured, against its first peer."""
    rows = {row.model: row for row in figures if row.group == group.name}
    theirs = {peer.model: peer for peer in peers if peer.key[1] == group.peers[0]}
    return [
        goal
        for model in group.models
        if (row := rows.get(model.key)) and (peer := theirs.get(model.key))
        if peer.core == row.core
        for goal in goals_of(row, peer, model)
    ]
