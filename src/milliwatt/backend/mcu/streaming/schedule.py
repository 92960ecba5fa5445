# SPDX-License-Identifier: MIT
"""Which rows of which map each turn of a stream computes, drops and keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.streaming.rows import Rows, Slice, Window, map_inputs, window_of
from milliwatt.ir.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rows by value and turn.

    At the end of a turn the rows up to `ends[value]` have been computed; from its beginning on
    those below `lows[value]` are not needed any more.
    """

    ends: Mapping[str, Rows]
    lows: Mapping[str, Rows]
    windows: tuple[Window, ...]
    turns: range

    def capacity(self, value: str) -> int:
        """Most rows of `value` that are needed at once."""
        end, low = self.ends[value], self.lows[value]
        return max(end.at(t) - low.at(t) for t in self.turns)

    def keeps_rows(self, value: str) -> bool:
        """Whether some turn needs rows of `value` from a turn before it."""
        end, low = self.ends[value], self.lows[value]
        return any(end.at(t - 1) > low.at(t) for t in self.turns)

    def slices(self, value: str, window: Window, height: int) -> list[tuple[int, Slice]]:
        """The calls of the layer that makes `value` from maps of `height` rows, by turn."""
        end = self.ends[value]
        spans = [(t, end.at(t - 1), end.at(t)) for t in self.turns]
        return [(t, window.slice(a, b, height)) for t, a, b in spans if b > a]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of a stream's result a turn makes: `rows`, or one row in `turns` turns."""

    rows: int = 1
    turns: int = 1


def make_schedule(graph: Graph, nodes: Sequence[Node], pace: Pace) -> Schedule | None:
    """The schedule of `nodes`, whose last one makes rows at `pace`.

    They are listed in order and make one value from one. None where they do not work by rows.
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
    turns = _turns(ends, nodes)
    schedule = Schedule(
        {v: rows.shifted(turns.start) for v, rows in ends.items()},
        {v: rows.shifted(turns.start) for v, rows in lows.items()},
        tuple(windows),
        range(len(turns)),
    )
    return schedule if _is_usable(graph, nodes, schedule) else None


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
        made = ends[node.outputs[0]]
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


def _turns(ends: Mapping[str, Rows], nodes: Sequence[Node]) -> range:
    """From the first turn that computes anything to the one that ends the result."""
    made = [ends[node.outputs[0]] for node in nodes]
    result = made[-1]
    last = result.first_turn()
    while result.at(last) < result.total:
        last += 1
    return range(min(end.first_turn() for end in made), last + 1)


def _is_usable(graph: Graph, nodes: Sequence[Node], schedule: Schedule) -> bool:
    """Whether every call has rows to read."""
    return all(
        piece.in_rows > 0
        for node, window in zip(nodes, schedule.windows, strict=True)
        for value in _maps(graph, node)
        for _, piece in schedule.slices(node.outputs[0], window, graph.types[value].shape[1])
    )
