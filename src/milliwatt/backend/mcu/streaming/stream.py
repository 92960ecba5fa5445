# SPDX-License-Identifier: MIT
"""A Stream: what the emitter, the checker and the reports need of layers computed by rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from milliwatt.backend.mcu.kernel import Lowered
from milliwatt.backend.mcu.memory import Problem, Solution
from milliwatt.backend.mcu.streaming.rows import Rows, Window
from milliwatt.backend.mcu.streaming.schedule import Pace


@dataclass(frozen=True, slots=True)
class Strip:
    """The rows of a value that are in memory: in a turn those from `low` to `end`.

    The lowest one lies at `offset_bytes` of the stream's own memory. A `whole` value lies
    outside it, with all of its rows, and `offset_bytes` is 0. A value with a `host` is made where
    that strip has rows which nobody needs any more, and is gone by the next turn.
    """

    value: str
    end: Rows
    low: Rows
    height: int
    row_bytes: int
    capacity: int
    keeps_rows: bool
    whole: bool
    offset_bytes: int = 0
    host: str | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the stream's own memory."""
        return 0 if self.whole else self.capacity * self.row_bytes

    def first_row(self, turn: int) -> int:
        """The row of the value that lies at the strip's start during a turn."""
        return 0 if self.whole else self.low.at(turn)


@dataclass(frozen=True, slots=True)
class Call:
    """A layer of a stream: its kernel, and the rows it reads for those it makes.

    Arguments of `lowered` that depend on the number of rows are RowCounts.
    `scratch_offset_bytes` counts from the start of the stream's own memory.
    """

    node_index: int
    kernel: str
    header: str
    lowered: Lowered
    window: Window
    scratch_offset_bytes: int | None


@dataclass(frozen=True, slots=True)
class Band:
    """Of a chain of layers of these names, cut into `count` bands, the one of `number`, from 1.

    `more_macs` are the multiplications of all bands beyond those of whole layers.
    """

    number: int
    count: int
    layers: tuple[str, ...]
    more_macs: int


@dataclass(frozen=True, slots=True)
class Stream:
    """Consecutive nodes computed by rows, the last one's at `pace`.

    They make `result` from `source`, both whole, and need `inner_bytes` of memory meanwhile, laid
    out by `memory` and `solution`. In every turn the `calls` come in their order. A `fed` stream
    has no whole source: the caller hands it rows as they come. `gap_bytes`: how far below the
    source the result must at least begin to share its memory; None where it may not. A `band`
    makes some columns of a chain's result; other streams make the others.
    """

    nodes: range
    pace: Pace
    turns: range
    source: str
    result: str
    fed: bool
    strips: Mapping[str, Strip]
    calls: tuple[Call, ...]
    inner_bytes: int
    gap_bytes: int | None
    memory: Problem
    solution: Solution
    band: Band | None = None

    @property
    def step_name(self) -> str:
        """The name of its step in the plan's memory problem."""
        return stream_name(self.nodes)


def shifted(stream: Stream, nodes: int) -> Stream:
    """The stream so many nodes later in its graph."""
    calls = (replace(call, node_index=call.node_index + nodes) for call in stream.calls)
    there = range(stream.nodes.start + nodes, stream.nodes.stop + nodes)
    return replace(stream, nodes=there, calls=tuple(calls))


def stream_name(nodes: range) -> str:
    """What the step of a stream is called."""
    return f"stream {nodes.start}:{nodes.stop - 1}"
