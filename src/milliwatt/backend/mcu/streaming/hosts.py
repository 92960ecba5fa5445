# SPDX-License-Identifier: MIT
"""Rows that nobody needs any more, as memory for what is made from them.

A depthwise convolution that gathers its input before it writes can put a turn's rows where the
strip it reads has the rows that the turn was the last to need. For that a strip begins with room
for the rows of padding above the map: what is dropped then always lies at its start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from milliwatt.backend.mcu.streaming.lower import RowKernel
from milliwatt.backend.mcu.streaming.rows import Window, map_inputs
from milliwatt.backend.mcu.streaming.schedule import Schedule
from milliwatt.backend.mcu.streaming.stream import Strip
from milliwatt.ir.graph import Graph, Node


def with_hosts(
    graph: Graph,
    nodes: range,
    schedule: Schedule,
    kernels: Sequence[RowKernel],
    strips: Mapping[str, Strip],
) -> dict[str, Strip]:
    """`strips`, with hosts for those made from one strip where that saves memory."""
    found = dict(strips)
    listed = [graph.nodes[i] for i in nodes]
    for node, window, kernel in zip(listed, schedule.windows, kernels, strict=True):
        maps = [node.inputs[i] for i in map_inputs(graph, node)]
        read, made = maps[0], node.outputs[0]
        readers = [other for other in listed if read in other.inputs]
        guest, host = found[made], found[read]
        if len(maps) > 1 or len(readers) > 1 or host.host or host.whole or not host.keeps_rows:
            continue
        if guest.whole or guest.keeps_rows:
            continue
        roomy = _with_room(schedule, host, window)
        if roomy.size_bytes - host.size_bytes < guest.size_bytes and _fits(
            schedule, node, window, kernel, roomy, guest
        ):
            found[read], found[made] = roomy, replace(guest, host=read)
    return found


def _with_room(schedule: Schedule, strip: Strip, window: Window) -> Strip:
    """The strip with room for the rows of padding that the first windows reach."""
    low = replace(strip.low, least=-window.pad)
    rows = strip.end.over(schedule.turns) - low.over(schedule.turns)
    return replace(strip, low=low, capacity=int(rows.max()))


def _fits(
    schedule: Schedule, node: Node, window: Window, kernel: RowKernel, host: Strip, guest: Strip
) -> bool:
    """Whether the rows made fit those dropped after each turn, and the kernel may write there."""
    for turn, piece in schedule.slices(node.outputs[0], window, host.height):
        low = host.low.at(turn)
        dropped = host.low.at(turn + 1) - low
        if piece.out_rows * guest.row_bytes > dropped * host.row_bytes:
            return False
        below = (piece.first - low) * host.row_bytes
        if not any(o.allows(below) for o in kernel.lowered.overlaps):
            return False
    return True
