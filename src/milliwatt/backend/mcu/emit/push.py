# SPDX-License-Identifier: MIT
"""The C functions through which an application hands over the input row by row."""

from __future__ import annotations

from milliwatt.backend.mcu.emit.literals import c_type
from milliwatt.backend.mcu.emit.streams import rows_expression, turn_symbol
from milliwatt.backend.mcu.planning.plan import PlacedStream, Plan


def push_functions(plan: Plan) -> str:
    """Definitions of `NAME_begin` and `NAME_push_rows`, and of what they share.

    `NAME_rest` runs the layers behind the stream.
    """
    number, placed = _fed_stream(plan)
    counters = (
        "/* Rows of the input that came, and turns of the stream that are done. */\n"
        "static int32_t rows_come, turns_done;\n"
    )
    advance = _advance(plan, placed, turn_symbol(plan, number))
    return "\n".join([counters, advance, _begin(plan), _push(plan, placed)])


def _fed_stream(plan: Plan) -> tuple[int, PlacedStream]:
    """The stream whose source is pushed, and its number."""
    return next((i, placed) for i, placed in enumerate(plan.streams) if placed.stream.fed)


def _memory(placed: PlacedStream) -> str:
    """Where the rows of the input that layers still read lie."""
    strip = placed.stream.strips[placed.stream.source]
    return f"arena + {placed.offset_bytes + strip.offset_bytes}"


def _advance(plan: Plan, placed: PlacedStream, run_turn: str) -> str:
    strip = placed.stream.strips[placed.stream.source]
    turns = placed.stream.turns.stop
    return f"""/* Does what the rows that came suffice for. */
static MW_NOINLINE void {plan.name}_advance(void)
{{
    while (turns_done < {turns}) {{
        const int32_t turn = turns_done;
        const int32_t low = {rows_expression(strip.low)};
        if (rows_come < {rows_expression(strip.end)}) {{
            return;
        }}
        {run_turn}(turn);
        turns_done++;
        if (turns_done < {turns}) {{
            const int32_t next = {rows_expression(strip.low.shifted(1))};
            mw_drop_rows({_memory(placed)}, next - low, rows_come - low, {strip.row_bytes});
        }} else {{
            {plan.name}_rest();
        }}
    }}
}}
"""


def _begin(plan: Plan) -> str:
    ready = f"    if (!state_ready) {{\n        {plan.name}_reset();\n    }}\n"
    return f"""void {plan.name}_begin(void)
{{
{ready if plan.state_bytes else ""}    rows_come = 0;
    turns_done = 0;
    {plan.name}_advance();
}}
"""


def _push(plan: Plan, placed: PlacedStream) -> str:
    stream = placed.stream
    strip = stream.strips[stream.source]
    kind = c_type(plan.graph.types[stream.source].dtype)
    return f"""int32_t {plan.name}_push_rows(const {kind} *rows, int32_t count)
{{
    const uint8_t *from = (const uint8_t *)rows;
    while (count > 0 && turns_done < {stream.turns.stop}) {{
        const int32_t turn = turns_done;
        const int32_t low = {rows_expression(strip.low)};
        const int32_t taken = mw_min_i32(count, {rows_expression(strip.end)} - rows_come);
        uint8_t *to = {_memory(placed)} + (rows_come - low) * {strip.row_bytes};
        mw_move_bytes(to, from, taken * {strip.row_bytes});
        from += taken * {strip.row_bytes};
        count -= taken;
        rows_come += taken;
        {plan.name}_advance();
    }}
    /* Rows that no layer reads. */
    rows_come += mw_clamp_i32(count, 0, {strip.height} - rows_come);
    return {strip.height} - rows_come;
}}
"""
