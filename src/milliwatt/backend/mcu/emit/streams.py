# SPDX-License-Identifier: MIT
"""The C functions of streams: one that computes a turn, one that runs all turns."""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import gcd

from milliwatt.backend.mcu.emit.call_text import listed, named_arguments
from milliwatt.backend.mcu.emit.calls import node_symbol
from milliwatt.backend.mcu.emit.literals import comment_text
from milliwatt.backend.mcu.emit.row_calls import row_parameters
from milliwatt.backend.mcu.planning.plan import PlacedStream, Plan, Step
from milliwatt.backend.mcu.streaming.rows import Rows, Window
from milliwatt.backend.mcu.streaming.stream import Strip


def stream_symbol(plan: Plan, number: int) -> str:
    """The C function that runs all turns of a stream."""
    return f"{plan.name}_stream_{number}"


def turn_symbol(plan: Plan, number: int) -> str:
    """The C function that computes one turn of a stream."""
    return f"{stream_symbol(plan, number)}_turn"


def stream_symbols(plan: Plan) -> tuple[str, ...]:
    """The C functions of all streams and of pushed rows, but those of layers."""
    found: list[str] = []
    for number, placed in enumerate(plan.streams):
        found.append(turn_symbol(plan, number))
        if not placed.stream.fed:
            found.append(stream_symbol(plan, number))
    if plan.fed:
        found += [f"{plan.name}_{name}" for name in ("begin", "push_rows", "advance", "rest")]
    return tuple(found)


def stream_functions(plan: Plan, number: int) -> str:
    """The C definitions of one stream; the turns of a fed one are run as rows come."""
    placed = plan.streams[number]
    turn = _turn_function(plan, placed, number)
    return turn if placed.stream.fed else f"{turn}\n{_loop_function(plan, placed, number)}"


def rows_expression(rows: Rows, turn: str = "turn") -> str:
    """A number of rows as a C expression of the turn."""
    common = gcd(rows.step, rows.period)
    step, phase, period = rows.step // common, rows.phase // common, rows.period // common
    count = turn if step == 1 else f"{step} * {turn}"
    if phase:
        count = f"{count} + {phase}"
    if period > 1:
        count = f"({count}) / {period}" if " " in count else f"{count} / {period}"
    if rows.scale > 1:
        count = f"{rows.scale} * ({count})" if " " in count else f"{rows.scale} * {count}"
    if rows.offset:
        count = f"{count} {'+' if rows.offset > 0 else '-'} {abs(rows.offset)}"
    if rows.least:
        return f"mw_clamp_i32({count}, {rows.least}, {rows.total})"
    return f"mw_rows({count}, {rows.total})"


def _loop_function(plan: Plan, placed: PlacedStream, number: int) -> str:
    turns = placed.stream.turns
    return (
        f"static MW_NOINLINE void {stream_symbol(plan, number)}(void)\n{{\n"
        f"    for (int32_t turn = {turns.start}; turn < {turns.stop}; turn++) {{\n"
        f"        {turn_symbol(plan, number)}(turn);\n    }}\n}}\n"
    )


def _turn_function(plan: Plan, placed: PlacedStream, number: int) -> str:
    stream = placed.stream
    names = {v: f"v{i}" for i, v in enumerate(_in_order(placed, plan))}
    first, last = (plan.steps[placed.steps[i]].node.name for i in (0, -1))
    every = "" if stream.pace.turns == 1 else f" every {stream.pace.turns} turns"
    rows = "row" if stream.pace.rows == 1 else "rows"
    lines = [
        f"/* Rows of '{comment_text(first)}' to '{comment_text(last)}':",
        f" * {stream.pace.rows} {rows} of the last one{every}. */",
        f"static MW_NOINLINE void {turn_symbol(plan, number)}(int32_t turn)",
        "{",
    ]
    if stream.fed:
        low = rows_expression(stream.strips[stream.source].low)
        lines.append(f"    const int32_t {names[stream.source]}_low = {low};")
    for i in placed.steps:
        step = plan.steps[i]
        window = stream.calls[i - placed.steps.start].window
        lines += _call(plan, placed, step, window, names)
    return "\n".join([*lines, "}"]) + "\n"


def _in_order(placed: PlacedStream, plan: Plan) -> list[str]:
    made = [plan.steps[i].node.outputs[0] for i in placed.steps]
    return [placed.stream.source, *made]


def _call(
    plan: Plan, placed: PlacedStream, step: Step, window: Window, names: Mapping[str, str]
) -> list[str]:
    """The rows of a layer in this turn: what is dropped, what is computed."""
    stream = placed.stream
    value = step.node.outputs[0]
    strip = stream.strips[value]
    made = names[value]
    lines = [
        f"    /* {comment_text(value)} */",
        f"    const int32_t {made}_begin = {rows_expression(strip.end.shifted(-1))};",
        f"    const int32_t {made}_end = {rows_expression(strip.end)};",
    ]
    lines += keep_lines(placed, strip, made)
    read = next(v for v in step.node.inputs if v in stream.strips)
    parameters = row_parameters(plan, step)
    words = [_argument(plan, placed, step, names, n, kind) for n, kind in parameters.items()]
    used = {*parameters, *(["first"] if any("first" in w for w in words) else [])}
    used |= {"first"} if {"in_rows", "pad_rows"} & used else set()
    return [
        *lines,
        f"    if ({made}_end > {made}_begin) {{",
        *(f"        {line}" for line in _window_lines(window, stream.strips[read], made, used)),
        listed(node_symbol(plan, step), named_arguments([*parameters], words), ";", " " * 8),
        "    }",
    ]


def keep_lines(placed: PlacedStream, strip: Strip, name: str) -> list[str]:
    """What moves the rows still needed to the start of their strip."""
    if strip.whole or not strip.keeps_rows:
        return []
    start = placed.offset_bytes + strip.offset_bytes
    before = rows_expression(strip.low.shifted(-1))
    return [
        f"    const int32_t {name}_low = {rows_expression(strip.low)};",
        f"    const int32_t {name}_before = {before};",
        f"    mw_drop_rows(arena + {start}, {name}_low - {name}_before, "
        f"{name}_begin - {name}_before, {strip.row_bytes});",
    ]


def _window_lines(window: Window, source: Strip, made: str, used: Container[str]) -> list[str]:
    """The first row read, and of the numbers of rows those that are used."""
    top = _scaled(f"{made}_begin", window.stride, -window.pad)
    bottom = _scaled(f"{made}_end", window.stride, window.reach - window.stride - window.pad)
    lines = {
        "first": f"mw_max_i32({top}, 0)" if window.pad else top,
        "in_rows": f"mw_min_i32({bottom}, {source.height}) - first",
        "out_rows": f"{made}_end - {made}_begin",
        "pad_rows": f"first - ({top})",
    }
    return [f"const int32_t {name} = {lines[name]};" for name in lines if name in used]


def _scaled(name: str, scale: int, offset: int) -> str:
    text = name if scale == 1 else f"{scale} * {name}"
    return f"{text} {'+' if offset > 0 else '-'} {abs(offset)}" if offset else text


def _argument(
    plan: Plan,
    placed: PlacedStream,
    step: Step,
    names: Mapping[str, str],
    name: str,
    kind: str,
) -> str:
    if name[0] == "x" and name[1:].isdigit():
        value = step.node.inputs[int(name[1:])]
        return _row_address(plan, placed, value, "first", names, kind)
    if name[0] == "y" and name[1:].isdigit():
        value = step.node.outputs[int(name[1:])]
        return _row_address(plan, placed, value, f"{names[value]}_begin", names, kind)
    return name


def _row_address(
    plan: Plan, placed: PlacedStream, value: str, row: str, names: Mapping[str, str], kind: str
) -> str:
    """The address of a row of a value."""
    strip = placed.stream.strips[value]
    start = plan.places[value].offset_bytes
    if strip.whole:
        rows = f" + {row} * {strip.row_bytes}"
    elif strip.keeps_rows:
        rows = f" + ({row} - {names[value]}_low) * {strip.row_bytes}"
    else:
        begin = f"{names[value]}_begin"
        rows = "" if row == begin else f" + ({row} - {begin}) * {strip.row_bytes}"
    return f"({kind})(void *)(arena + {start}{rows})"
