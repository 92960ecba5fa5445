# SPDX-License-Identifier: MIT
"""The goals of the headline networks, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.rows import Figures, Peer
from bench.suite import Group, Model, Suite

BEYOND_WEIGHTS_GOAL_BYTES = 16_384
"""Flash beyond weights and biases, built for speed."""
BEYOND_WEIGHTS_FLASH_GOAL_BYTES = 8_192
"""The same built for flash."""
MOST_MORE_INSTRUCTIONS = 1.1
"""Instructions where layers are computed by rows, over those where they are whole."""
BEST_BUILD_RATIO = {"cortex-m55": 0.75, "cortex-m0plus": 0.6}
"""Instructions over those of the best build that calls CMSIS-NN, where a core has its own goal."""
AS_HEADLINE = ("cortex-m7", "cortex-m33")
"""Cores that are held to the headline's ratio, network by network."""
_CALL_CMSIS_NN = ("aot-cmsis", "aot-cmsis-zig", "tflm-cmsis", "microtvm-cmsis_nn")


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


@dataclass(frozen=True, slots=True)
class CoreGoal:
    """Instructions on a core over those of CMSIS-NN's best build there; None: no limit is set."""

    core: str
    model: str
    ratio: float
    limit: float | None
    text: str

    @property
    def met(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


def core_goals(suite: Suite, figures: Sequence[Figures], peers: Sequence[Peer]) -> list[CoreGoal]:
    """The goals of the other cores: their own, or the headline's ratio network by network."""
    found: list[CoreGoal] = []
    for group in suite.groups:
        if group.compiler != suite.headline.compiler or not group.is_plain:
            continue
        if group.target == suite.headline.target:
            continue
        for row in (row for row in figures if row.group == group.name):
            best = best_build(row, peers)
            if best is not None:
                limit, text = _core_limit(suite, row, peers)
                core = group.core_title.partition(",")[0]
                found.append(CoreGoal(core, row.model, row.instructions / best, limit, text))
    return found


def _core_limit(suite: Suite, row: Figures, peers: Sequence[Peer]) -> tuple[float | None, str]:
    if row.core in BEST_BUILD_RATIO:
        limit = BEST_BUILD_RATIO[row.core]
        return limit, f"≤ {limit:g}"
    if row.core in AS_HEADLINE:
        return _headline_ratio(suite, row.model, peers), "as on the headline's core"
    return None, "no goal"


def best_build(row: Figures, peers: Sequence[Peer]) -> int | None:
    """Fewest instructions of any build that calls CMSIS-NN."""
    builds = [
        peer.instructions
        for peer in peers
        if (peer.core, peer.model) == (row.core, row.model) and peer.peer in _CALL_CMSIS_NN
    ]
    return min(builds, default=None)


def _headline_ratio(suite: Suite, model: str, peers: Sequence[Peer]) -> float | None:
    """The headline's goal over its first peer's instructions."""
    goal = next((m.instructions_goal for m in suite.models if m.key == model), None)
    name = suite.headline.peers[0]
    theirs = next(
        (
            peer.instructions
            for peer in peers
            if peer.key[1:] == (name, model) and peer.core == "cortex-m4"
        ),
        None,
    )
    return None if goal is None or theirs is None else goal / theirs
