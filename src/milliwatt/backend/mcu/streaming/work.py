# SPDX-License-Identifier: MIT
"""What a stream costs beyond whole layers: instructions and bytes of code, roughly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.streaming.bands import Bands
from milliwatt.backend.mcu.streaming.columns import AXIS, ColumnChain, Held
from milliwatt.backend.mcu.streaming.rows import Window, map_inputs
from milliwatt.backend.mcu.streaming.schedule import Schedule
from milliwatt.ir.graph import Graph, Node
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D

InstructionsOf = Callable[[int], float]
"""What the objective's own kernel of a whole layer takes, by its index."""
CODE_BYTES_PER_LAYER = 110
"""Of the function of a turn, for each layer that it calls, gcc -Os; and once for the stream."""
CODE_BYTES_PER_BAND_LAYER = 190
"""Of each layer of a band beyond those of the chain: its function, and its call."""
# Extra instructions, roughly, as counted on a Cortex-M4.
_PER_TURN = 25
_PER_CALL = 40
_PER_LEAN_READ = 0.75
_PER_LEAN_ROW = 70
_PER_MOVED_BYTE = 0.75
_PER_COPIED_BYTE = 0.75
_PER_COPIED_ROW = 60
_PER_ODD_MAC = 0.6
_PIXELS_TOGETHER = 4
_SMALL_TAPS = 3
"""Depthwise filters of that size have kernels of single rows, with DSP instructions."""
_SMALL_WIDTH = 28
"""Rows that those take whole in little memory too."""


@dataclass(frozen=True, slots=True)
class _ChannelCall:
    """Of a depthwise convolution's call: for each channel, and for each element read again."""

    own: float
    by_reread: float


_CALL = _ChannelCall(60, 3.0)
_CALL_DSP = _ChannelCall(30, 4.0)
_ROW_DSP = _ChannelCall(10, 2.0)
"""Where single rows have kernels of their own."""


def extra_work(graph: Graph, core: Core, nodes: range, schedule: Schedule) -> float:
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
                again = max(0, window.reach - window.stride) * width
                cost = _channel_call(graph, core, node, schedule)
                work += max(0, calls - 1) * channels * (cost.own + again * cost.by_reread)
            case Conv2D():
                work += (
                    _odd_pixels(graph, schedule, made)
                    * _PER_ODD_MAC
                    * prod(graph.types[node.inputs[1]].shape)
                )
            case _:
                pass
    return work


def _channel_call(graph: Graph, core: Core, node: Node, schedule: Schedule) -> _ChannelCall:
    if not core.dsp or core.mve:
        return _CALL
    return _ROW_DSP if _is_row_by_row(graph, node, schedule) else _CALL_DSP


def lean_work(graph: Graph, nodes: range, schedule: Schedule) -> float:
    """Instructions beyond those of a stream whose kernels take more scratch memory."""
    found = zip(nodes, schedule.windows, strict=True)
    return sum(_lean_work(graph, graph.nodes[i], window, schedule) for i, window in found)


def halo_work(
    graph: Graph, instructions: InstructionsOf, chain: ColumnChain, bands: Sequence[Held]
) -> float:
    """Instructions for what bands of a chain compute beyond what it computes as a whole."""
    return sum(
        instructions(layer.index) * (_columns(layer.makes, bands) / _width(graph, layer.makes) - 1)
        for layer in chain.layers
    )


def _columns(value: str, bands: Sequence[Held]) -> int:
    return sum(end - begin for begin, end in (held[value] for held in bands))


def _width(graph: Graph, value: str) -> int:
    return graph.types[value].shape[AXIS]


def copy_work(bands: Bands) -> float:
    """Instructions for what bands copy: columns that they read, and their results."""
    copies = [one.kind for one in bands.nodes if one.is_copy]
    results = [band[-1].kind for band in bands.bands]
    return sum(
        _PER_COPIED_BYTE * kind.size_bytes + _PER_COPIED_ROW * kind.shape[1]
        for kind in (*copies, *results)
    )


def _lean_work(graph: Graph, node: Node, window: Window, schedule: Schedule) -> float:
    """A depthwise convolution's: for what it reads, and for each line that it makes."""
    if not isinstance(node.op, DepthwiseConv2D):
        return 0.0
    _, _, width, channels = graph.types[node.inputs[0]].shape
    height = graph.types[node.outputs[0]].shape[1]
    if _is_row_by_row(graph, node, schedule):
        return _PER_LEAN_ROW * height * channels * (width > _SMALL_WIDTH)
    shared = max(0, window.reach - window.stride) * schedule.calls(node.outputs[0])
    read = (height * window.stride + shared) * width * channels
    return _PER_LEAN_READ * read + _PER_LEAN_ROW * height * channels


def _is_row_by_row(graph: Graph, node: Node, schedule: Schedule) -> bool:
    """Whether a depthwise convolution makes single rows, with a filter for which that pays."""
    span = schedule.spans[node.outputs[0]]
    taps = graph.types[node.inputs[1]].shape[1:3]
    return taps == (_SMALL_TAPS, _SMALL_TAPS) and int((span.end - span.begin).max()) == 1


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
