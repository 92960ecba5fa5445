# SPDX-License-Identifier: MIT
"""What a stream costs beyond whole layers: instructions and bytes of code, roughly."""

from __future__ import annotations

from math import prod

from milliwatt.backend.mcu.streaming.rows import map_inputs
from milliwatt.backend.mcu.streaming.schedule import Schedule
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D

CODE_BYTES_PER_LAYER = 110
"""Of the function of a turn, for each layer that it calls, gcc -Os; and once for the stream."""
# Extra instructions, roughly, as counted on a Cortex-M4.
_PER_TURN = 25
_PER_CALL = 40
_PER_LEAN_READ = 0.75
_PER_MOVED_BYTE = 0.75
_PER_CHANNEL_CALL = 60
_PER_REREAD = 3.0
_PER_ODD_MAC = 0.6
_PIXELS_TOGETHER = 4


def extra_work(graph: Graph, nodes: range, schedule: Schedule) -> float:
    """Instructions beyond those of whole layers."""
    work = 0.0
    for index, window in zip(nodes, schedule.windows, strict=True):
        node = graph.nodes[index]
        read, made = node.inputs[map_inputs(graph, node)[0]], node.outputs[0]
        calls = schedule.calls(made)
        work += _PER_TURN * len(schedule.turns) + _PER_CALL * calls
        work += _PER_MOVED_BYTE * _moved_bytes(graph, schedule, made)
        match node.op:
            case DepthwiseConv2D():
                _, _, width, channels = graph.types[read].shape
                again = max(0, window.reach - window.stride) * width * _PER_REREAD
                work += max(0, calls - 1) * channels * (again + _PER_CHANNEL_CALL)
            case Conv2D():
                work += (
                    _odd_pixels(graph, schedule, made)
                    * _PER_ODD_MAC
                    * prod(graph.types[node.inputs[1]].shape)
                )
            case _:
                pass
    return work


def lean_work(graph: Graph, nodes: range, schedule: Schedule) -> float:
    """Instructions beyond those of a stream whose kernels take more scratch memory."""
    return _PER_LEAN_READ * sum(_gathered(graph, graph.nodes[i], schedule) for i in nodes)


def _gathered(graph: Graph, node: Node, schedule: Schedule) -> int:
    """Elements that a depthwise convolution reads, those read again in later turns included."""
    if not isinstance(node.op, DepthwiseConv2D):
        return 0
    _, _, width, channels = graph.types[node.inputs[0]].shape
    rows = graph.types[node.inputs[1]].shape[1]
    return schedule.calls(node.outputs[0]) * rows * width * channels


def _moved_bytes(graph: Graph, schedule: Schedule, value: str) -> int:
    span = schedule.spans[value]
    if not span.keeps_rows:
        return 0
    drops = span.low > schedule.lows[value].shifted(-1).over(schedule.turns)
    rows = int((span.begin - span.low)[drops].sum())
    return rows * graph.types[value].size_bytes // graph.types[value].shape[1]


def _odd_pixels(graph: Graph, schedule: Schedule, value: str) -> int:
    """Pixels that are left of blocks of four, beyond those without a stream."""
    _, height, width, _ = graph.types[value].shape
    span = schedule.spans[value]
    by_turn = (span.end - span.begin) * width % _PIXELS_TOGETHER
    return max(0, int(by_turn.sum()) - height * width % _PIXELS_TOGETHER)
