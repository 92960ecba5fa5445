# SPDX-License-Identifier: MIT
"""The Plan: everything the emitter, the cost models and the reports need, decided once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.kernel import Core, In, Lowered
from milliwatt.backend.mcu.memory import Problem, Solution
from milliwatt.backend.mcu.streaming.stream import Stream
from milliwatt.backend.mcu.values.tables import TablePool
from milliwatt.ir.graph import Graph, Node, State

PUSH_STATE_BYTES = 8
"""What the generated code remembers between pushed rows: how many came, and the turn."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value lives: a region and the byte offset in it."""

    region: str
    """"arena" (reused from layer to layer), "state" (kept between calls) or "flash"."""
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """A node with its kernel: one C function of the generated code."""

    index: int
    """Position in the generated sequence of calls."""
    node: Node
    kernel: str
    header: str
    lowered: Lowered
    scratch_offset_bytes: int | None
    macs: int
    stream: int | None = None
    """The stream that calls it in every turn, by its place in the plan; None outside streams."""


@dataclass(frozen=True, slots=True)
class StateCopy:
    """A state whose new value is copied over the old one at the end of a call."""

    state: State
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PlacedStream:
    """A stream whose own memory lies at `offset_bytes` of the arena; `steps` are its calls."""

    stream: Stream
    offset_bytes: int
    steps: range


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph placed on a microcontroller.

    `arena_bytes` is the memory reused from layer to layer, inputs and outputs included;
    `arena_bound_bytes` a proven lower bound for any order and any placement under the same
    in-place rules. `memory` and `solution` keep the planning problem for reports and checks;
    `units` holds the nodes of each of its steps, several where they are a stream. A value within
    a stream has the place of its strip, which holds a few of its rows at a time.
    `choice_bound_bytes` is a proven lower bound for any choice of streams and kernels as well,
    None where SRAM had no say in it.
    """

    name: str
    graph: Graph
    core: Core
    steps: tuple[Step, ...]
    tables: TablePool
    places: Mapping[str, Place]
    arena_bytes: int
    arena_bound_bytes: int
    proven_optimal: bool
    state_bytes: int
    state_copies: tuple[StateCopy, ...]
    memory: Problem
    solution: Solution
    units: tuple[range, ...]
    streams: tuple[PlacedStream, ...] = ()
    choice_bound_bytes: int | None = None
    objective: Objective = SPEED

    @property
    def fed(self) -> bool:
        """Whether the input comes row by row, and is never in memory as a whole."""
        return any(placed.stream.fed for placed in self.streams)

    @property
    def static_bytes(self) -> int:
        """SRAM of the generated code but its stack: arena, state, and what it remembers."""
        remembered = bool(self.state_bytes) + PUSH_STATE_BYTES * self.fed
        return self.arena_bytes + self.state_bytes + remembered

    @property
    def static_bound_bytes(self) -> int | None:
        """No choice of streams and kernels needs less SRAM than that, the stack not counted."""
        if self.choice_bound_bytes is None:
            return None
        return self.static_bytes - self.arena_bytes + self.choice_bound_bytes

    @property
    def macs(self) -> int:
        return sum(s.macs for s in self.steps)

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and biases as stored in flash."""
        return self.tables.size_bytes("weights")

    @property
    def constant_bytes(self) -> int:
        """Bytes of what kernels need in flash besides weights and biases: tables, operands."""
        operands = (self.graph.constants[v].nbytes for v in self.constants_read)
        return self.tables.size_bytes("constants") + sum(operands)

    @property
    def constants_read(self) -> tuple[str, ...]:
        """Constants of the graph that lie in flash as they stand, by name.

        Operands that kernels read, outputs, and what states become.
        """
        read = {
            step.node.inputs[arg.index]
            for step in self.steps
            for arg in step.lowered.args
            if isinstance(arg, In)
        }
        read |= {*self.graph.outputs, *(copy.state.after for copy in self.state_copies)}
        return tuple(sorted(read & set(self.graph.constants)))
