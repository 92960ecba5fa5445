# SPDX-License-Identifier: MIT
"""Where in a stream the emulated core first computes something else than the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from milliwatt.backend.mcu.compile import Compiled
from milliwatt.backend.mcu.emit.streams import turn_symbol
from milliwatt.backend.mcu.planning.plan import PlacedStream
from milliwatt.backend.mcu.streaming.stream import Strip
from milliwatt.ir.types import Array

if TYPE_CHECKING:
    from milliwatt.run.unicorn_machine import UnicornMachine

Agree = Callable[[Array, Array], bool]


def first_stream_difference(
    machine: UnicornMachine,
    compiled: Compiled,
    number: int,
    values: Mapping[str, Array],
    agree: Agree,
) -> str | None:
    """Run the stream's turns; what differs first of the rows that last beyond their turn, or None.

    A whole source must be in the arena; a fed one is written here. Rows that are gone at the end of
    their turn show in what was made from them.
    """
    placed = compiled.plan.streams[number]
    stream = placed.stream
    symbol = turn_symbol(compiled.plan, number)
    for turn in stream.turns:
        if stream.fed:
            source = stream.strips[stream.source]
            rows = values[stream.source][0, source.low.at(turn) : source.end.at(turn)]
            machine.write(_address(machine, compiled, source), rows.tobytes())
        machine.call(symbol, turn)
        for call in stream.calls:
            node = compiled.plan.graph.nodes[call.node_index]
            strip = stream.strips[node.outputs[0]]
            if strip.whole or strip.keeps_rows:
                wrong = _wrong_rows(machine, compiled, strip, values[strip.value], turn, agree)
                if wrong is not None:
                    return _blame(compiled, placed, node.name, turn, wrong)
    return None


def _wrong_rows(
    machine: UnicornMachine,
    compiled: Compiled,
    strip: Strip,
    expected: Array,
    turn: int,
    agree: Agree,
) -> int | None:
    """The first row made in this turn that differs."""
    first = strip.first_row(turn)
    for row in range(strip.end.at(turn - 1), strip.end.at(turn)):
        address = _address(machine, compiled, strip) + (row - first) * strip.row_bytes
        wanted = expected[0, row]
        got = np.frombuffer(machine.read(address, strip.row_bytes), wanted.dtype)
        if not agree(got.reshape(wanted.shape), wanted):
            return row
    return None


def _address(machine: UnicornMachine, compiled: Compiled, strip: Strip) -> int:
    arena = machine.firmware.find_symbol("arena").address
    return arena + compiled.plan.places[strip.value].offset_bytes


def _blame(compiled: Compiled, placed: PlacedStream, name: str, turn: int, row: int) -> str:
    first, last = (compiled.plan.steps[placed.steps[i]].node.name for i in (0, -1))
    return (
        f"first rows that differ: row {row} of '{name}', turn {turn} of the stream of '{first}' to "
        f"'{last}'; the layer is this one, or one before it whose rows are gone"
    )
