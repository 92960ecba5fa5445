# SPDX-License-Identifier: MIT
"""Which rows of which map each turn of a stream computes, drops and keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from milliwatt.backend.mcu.streaming.rows import Rows, Slice, Window, map_inputs, window_of
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array


@dataclass(frozen=True, slots=True)
class Spans:
    """Of one value, by turn: rows before and after the turn, and the first one needed in it."""

    begin: Array
    end: Array
    low: Array

    @property
    def capacity(self) -> int:
        """Most rows that are needed at once."""
        return int((self.end - self.low).max())

    @property
    def keeps_rows(self) -> bool:
        """Whether some turn needs rows from a turn before it."""
        return bool((self.begin > self.low).any())


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rows by value and turn.

    At the end of a turn the rows up to `ends[value]` have been computed; from its beginning on
    those below `lows[value]` are not needed any more. `spans` has the same as numbers.
    """

    ends: Mapping[str, Rows]
    lows: Mapping[str, Rows]
    spans: Mapping[str, Spans]
    windows: tuple[Window, ...]
    turns: range

    def slices(self, value: str, window: Window, height: int) -> list[tuple[int, Slice]]:
        """The calls of the layer that makes `value` from maps of `height` rows, by turn."""
        span = self.spans[value]
        rows = zip(self.turns, span.begin.tolist(), span.end.tolist(), strict=True)
        return [(t, window.slice(a, b, height)) for t, a, b in rows if b > a]

    def calls(self, value: str) -> int:
        """The turns in which the layer that makes `value` computes anything."""
        span = self.spans[value]
        return int((span.end > span.begin).sum())


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of a stream's result a turn makes: `rows`, or one row in `turns` turns."""

    rows: int = 1
    turns: int = 1


def make_schedule(graph: Graph, nodes: Sequence[Node], pace: Pace) -> Schedule | None:
    """The schedule of `nodes`, whose last one makes rows at `pace`.

    They are listed in order and make one value from one. None where they do not work by rows, or
    one makes what none of them reads.
    """
    windows: list[Window] = []
    for node in nodes:
        window = window_of(graph, node)
        if window is None:
            return None
        windows.append(window)
    ends = _ends(graph, nodes, windows, pace)
    if ends is None:
        return None
    lows = _lows(graph, nodes, windows, ends)
    start, stop = _turns(ends, nodes)
    schedule = _numbered(ends, lows, windows, start, stop)
    return schedule if _is_usable(graph, nodes, schedule) else None


def _numbered(
    ends: Mapping[str, Rows],
    lows: Mapping[str, Rows],
    windows: Sequence[Window],
    start: int,
    stop: int,
) -> Schedule:
    """The schedule with its turns counted from 0."""
    turns = range(stop - start)
    ends = {v: rows.shifted(start) for v, rows in ends.items()}
    lows = {v: rows.shifted(start) for v, rows in lows.items()}
    rows = {v: ends[v].over(range(-1, len(turns))) for v in ends}
    spans = {v: Spans(rows[v][:-1], rows[v][1:], lows[v].over(turns)) for v in ends}
    return Schedule(ends, lows, spans, tuple(windows), turns)


def _ends(
    graph: Graph, nodes: Sequence[Node], windows: Sequence[Window], pace: Pace
) -> dict[str, Rows] | None:
    """From the last output backwards: what each layer's rows need of its inputs.

    A layer of stride s needs s more rows with each row that it makes; they come evenly, so that
    they are never late: s * (x // period) <= (s * x) // period.
    """
    result = nodes[-1].outputs[0]
    height = graph.types[result].shape[1]
    ends = {result: Rows(pace.rows, 0, pace.turns, 1, pace.rows, height)}
    for node, window in zip(reversed(nodes), reversed(windows), strict=True):
        made = ends.get(node.outputs[0])
        if made is None:
            return None
        for value in _maps(graph, node):
            step, offset = made.step * window.stride, window.end(made.offset)
            total = max(0, min(graph.types[value].shape[1], window.end(made.total)))
            known = ends.get(value)
            if known is not None:
                if known.step != step:
                    return None
                offset, total = max(offset, known.offset), max(total, known.total)
            ends[value] = Rows(step, 0, pace.turns, 1, offset, total)
    return ends


def _lows(
    graph: Graph, nodes: Sequence[Node], windows: Sequence[Window], ends: Mapping[str, Rows]
) -> dict[str, Rows]:
    """The first row that any reader needs in a turn; no higher than the rows before it."""
    readers: dict[str, list[tuple[Window, Rows]]] = {v: [] for v in ends}
    for node, window in zip(nodes, windows, strict=True):
        for value in _maps(graph, node):
            readers[value].append((window, ends[node.outputs[0]]))
    return {v: _low(end, readers[v]).shifted(-1) for v, end in ends.items()}


def _low(end: Rows, readers: Sequence[tuple[Window, Rows]]) -> Rows:
    """The first row needed after a turn, where `end` says how many rows there are."""
    if not readers:
        return end
    total = min(end.total, *(max(0, window.top(made.total)) for window, made in readers))
    if len({window.stride for window, _ in readers}) == 1:
        window, made = readers[0]
        step, scale, late = made.step, window.stride, 0
    else:
        # Their rows advance in different strides: a line below all of them.
        step, scale, late = end.step, 1, int(end.period > 1)
    offset = min(w.top(made.offset) - late * (w.stride - 1) for w, made in readers)
    return Rows(step, 0, end.period, scale, min(offset, end.offset), total)


def _maps(graph: Graph, node: Node) -> list[str]:
    return [node.inputs[i] for i in map_inputs(graph, node)]


def _turns(ends: Mapping[str, Rows], nodes: Sequence[Node]) -> tuple[int, int]:
    """The first turn that computes anything, and the one after the turn that ends the result."""
    made = [ends[node.outputs[0]] for node in nodes]
    result = made[-1]
    last = result.first_turn()
    while result.at(last) < result.total:
        last += 1
    return min(end.first_turn() for end in made), last + 1


def _is_usable(graph: Graph, nodes: Sequence[Node], schedule: Schedule) -> bool:
    """Whether every call has rows to read."""
    for node, window in zip(nodes, schedule.windows, strict=True):
        span = schedule.spans[node.outputs[0]]
        works = span.end > span.begin
        first = np.maximum(window.top(span.begin), 0)
        for value in _maps(graph, node):
            last = np.minimum(window.end(span.end), graph.types[value].shape[1])
            if (last <= first)[works].any():
                return False
    return True
