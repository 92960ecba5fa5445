# SPDX-License-Identifier: MIT
"""Proof that streams read what was computed and lose nothing they need.

Every turn is gone through with the arena's bytes labelled by the row that they hold, as the
generated C addresses them. Of the scheduler only its form of a schedule, `Rows`, is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.streaming.rows import Rows
from milliwatt.backend.mcu.streaming.stream import Call, Stream, Strip
from milliwatt.errors import VerifyError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.pool import AveragePool2D, MaxPool2D

_NOTHING = -1


def check_stream(
    graph: Graph, stream: Stream, offsets: Mapping[str, int], base_bytes: int, arena_bytes: int
) -> None:
    """Raise VerifyError, naming the layer, the turn and the row, unless the stream is right.

    `offsets` are where its whole values lie in the arena of `arena_bytes`, `base_bytes` where the
    stream's own memory begins. Right means: every row read is the right one, or padding; no call
    writes where it reads, but as its kernel allows; everything stays in its memory; in the end
    the whole result is there.
    """
    arena = _Arena(graph, stream, offsets, base_bytes, arena_bytes)
    if not stream.fed:
        arena.label(stream.source, 0, graph.types[stream.source].shape[1])
    for turn in stream.turns:
        if stream.fed:
            arena.feed(turn)
        for call in stream.calls:
            arena.run(call, turn)
    height = graph.types[stream.result].shape[1]
    arena.expect(stream.result, 0, height, f"{stream.step_name}, after the last turn")


@dataclass(frozen=True, slots=True)
class _Taps:
    """The rows an operator reads for output row r: r * stride - pad + tap."""

    stride: int
    pad: int
    taps: tuple[int, ...]


def _taps(graph: Graph, node: Node) -> _Taps:
    op = node.op
    match op:
        case Conv2D() | DepthwiseConv2D():
            rows = graph.types[node.inputs[1]].shape[1]
            taps = tuple(k * op.dilation_hw[0] for k in range(rows))
            return _Taps(op.stride_hw[0], op.padding.top, taps)
        case AveragePool2D() | MaxPool2D():
            return _Taps(op.stride_hw[0], op.padding.top, tuple(range(op.filter_hw[0])))
        case _:
            return _Taps(1, 0, (0,))


def _in_c(rows: Rows, turn: int) -> int:
    """A number of rows as the C expression has it, whose division drops the fraction."""
    count = rows.step * turn + rows.phase
    whole = abs(count) // rows.period * (1 if count >= 0 else -1)
    return max(rows.least, min(rows.scale * whole + rows.offset, rows.total))


class _Arena:
    """The arena, each byte labelled with the row of a value that it belongs to."""

    def __init__(
        self,
        graph: Graph,
        stream: Stream,
        offsets: Mapping[str, int],
        base_bytes: int,
        arena_bytes: int,
    ) -> None:
        self.graph = graph
        self.stream = stream
        self.base = base_bytes
        self.starts = {
            v: offsets[v] if strip.whole else base_bytes + strip.offset_bytes
            for v, strip in stream.strips.items()
        }
        self.numbers = {v: i << 32 for i, v in enumerate(stream.strips)}
        self.labels: Array = np.full(arena_bytes, _NOTHING, np.int64)
        self.turn = 0

    def label(self, value: str, first: int, end: int, slot: int = 0) -> None:
        """Rows first..end of a value are written, the first at row `slot` of its memory."""
        strip = self.stream.strips[value]
        start, stop = self._span(value, slot, end - first)
        rows = np.arange(first, end, dtype=np.int64) + self.numbers[value]
        self.labels[start:stop] = np.repeat(rows, strip.row_bytes)

    def expect(self, value: str, first: int, end: int, where: str, slot: int = 0) -> None:
        """VerifyError unless rows first..end of a value lie from row `slot` of its memory."""
        strip = self.stream.strips[value]
        start, stop = self._span(value, slot, end - first)
        rows = np.arange(first, end, dtype=np.int64) + self.numbers[value]
        wrong = np.flatnonzero(self.labels[start:stop] != np.repeat(rows, strip.row_bytes))
        if wrong.size:
            row = first + int(wrong[0]) // strip.row_bytes
            raise VerifyError(f"{where}: row {row} of '{value}' is not in memory")

    def feed(self, turn: int) -> None:
        """The caller hands over the rows of the source that this turn needs."""
        value = self.stream.source
        strip = self.stream.strips[value]
        begin, low = self._move(strip, turn) if turn else (0, self._low(strip, turn))
        self.label(value, begin, _in_c(strip.end, turn), begin - low)

    def run(self, call: Call, turn: int) -> None:
        """One call: rows dropped, rows read, scratch memory overwritten, rows written."""
        node = self.graph.nodes[call.node_index]
        where = f"{self.stream.step_name}, turn {turn}, '{node.name}'"
        value = node.outputs[0]
        strip = self.stream.strips[value]
        begin, low = self._move(strip, turn)
        end = _in_c(strip.end, turn)
        if end <= begin:
            return
        slot = begin if strip.whole else begin - low
        written = self._span(value, slot, end - begin)
        for index, read in enumerate(node.inputs):
            if read in self.stream.strips:
                first, stop = self._window(call, node, read, begin, end, where)
                held = self.stream.strips[read]
                at = first if held.whole else first - self._low(held, turn)
                self.expect(read, first, stop, where, at)
                self._check_apart(call, index, self._span(read, at, stop - first), written, where)
        self.label(value, begin, end, slot)

    def _move(self, strip: Strip, turn: int) -> tuple[int, int]:
        """Drop the rows not needed any more; the rows there are, and the first one kept."""
        begin = _in_c(strip.end.shifted(-1), turn)
        low = self._low(strip, turn)
        if strip.whole or not strip.keeps_rows:
            return begin, low
        before = _in_c(strip.low.shifted(-1), turn)
        start, stop = self._span(strip.value, 0, max(0, begin - before))
        kept = self.labels[start + (low - before) * strip.row_bytes : stop].copy()
        self.labels[start:stop] = _NOTHING
        self.labels[start : start + kept.size] = kept
        return begin, low

    def _low(self, strip: Strip, turn: int) -> int:
        return _in_c(strip.low if strip.keeps_rows else strip.end.shifted(-1), turn)

    def _window(
        self, call: Call, node: Node, read: str, begin: int, end: int, where: str
    ) -> tuple[int, int]:
        """The rows the call reads, once it is sure that they are what the operator needs."""
        height = self.graph.types[read].shape[1]
        window, taps = call.window, _taps(self.graph, node)
        top = begin * window.stride - window.pad
        first = max(top, 0)
        stop = min((end - 1) * window.stride + window.reach - window.pad, height)
        for row in range(begin, end):
            for tap in taps.taps:
                needed = row * taps.stride - taps.pad + tap
                given = top + (row - begin) * taps.stride + tap
                inside = first <= needed < stop
                if given != needed or inside != (0 <= needed < height):
                    raise VerifyError(f"{where}: row {row} needs row {needed} of '{read}'")
        return first, stop

    def _check_apart(
        self, call: Call, index: int, read: tuple[int, int], written: tuple[int, int], where: str
    ) -> None:
        """VerifyError where a call's memory overlaps otherwise than its kernel allows."""
        scratch = self._scratch(call)
        for span in (read, written):
            if scratch[0] < span[1] and span[0] < scratch[1]:
                raise VerifyError(f"{where}: scratch memory overlaps a value")
        self.labels[scratch[0] : scratch[1]] = _NOTHING
        if written[0] >= read[1] or read[0] >= written[1]:
            return
        below = read[0] - written[0]
        for overlap in call.lowered.overlaps:
            if overlap.input == index and overlap.allows(below):
                return
        raise VerifyError(f"{where}: writes where it reads")

    def _scratch(self, call: Call) -> tuple[int, int]:
        if call.scratch_offset_bytes is None:
            return 0, 0
        start = self.base + call.scratch_offset_bytes
        stop = start + call.lowered.scratch_bytes
        if stop > self.base + self.stream.inner_bytes:
            raise VerifyError(f"{self.stream.step_name}: scratch memory ends outside its memory")
        return start, stop

    def _span(self, value: str, slot: int, rows: int) -> tuple[int, int]:
        """The bytes of so many rows from row `slot` of a value's memory."""
        strip = self.stream.strips[value]
        size = strip.height * strip.row_bytes if strip.whole else strip.size_bytes
        start, stop = slot * strip.row_bytes, (slot + rows) * strip.row_bytes
        if start < 0 or stop > size:
            raise VerifyError(f"{self.stream.step_name}: rows of '{value}' lie outside its memory")
        return self.starts[value] + start, self.starts[value] + stop
