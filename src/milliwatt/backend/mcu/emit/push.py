# SPDX-License-Identifier: MIT
"""The C functions through which an application hands over the input row by row."""

from __future__ import annotations

from milliwatt.backend.mcu.emit.literals import c_type
from milliwatt.backend.mcu.emit.streams import rows_expression, turn_symbol
from milliwatt.backend.mcu.plan import PlacedStream, Plan


def fed_stream(plan: Plan) -> tuple[int, PlacedStream]:
    """The stream whose source is pushed, and its number."""
    return next((i, placed) for i, placed in enumerate(plan.streams) if placed.stream.fed)


def push_functions(plan: Plan) -> str:
    """Definitions of `NAME_begin` and `NAME_push_rows`, and of what they share.

    `NAME_rest` runs the layers behind the stream.
    """
    number, placed = fed_stream(plan)
    name, stream = plan.name, placed.stream
    strip = stream.strips[stream.source]
    kind = c_type(plan.graph.types[stream.source].dtype)
    memory = f"arena + {placed.offset_bytes + strip.offset_bytes}"
    turns = stream.turns.stop
    return f"""/* Rows of the input that came, and turns of the stream that are done. */
static int32_t rows_come, turns_done;

/* Does what the rows that came suffice for. */
static MW_NOINLINE void {name}_advance(void)
{{
    while (turns_done < {turns}) {{
        const int32_t turn = turns_done;
        const int32_t low = {rows_expression(strip.low)};
        if (rows_come < {rows_expression(strip.end)}) {{
            return;
        }}
        {turn_symbol(plan, number)}(turn);
        turns_done++;
        if (turns_done < {turns}) {{
            const int32_t next = {rows_expression(strip.low.shifted(1))};
            mw_drop_rows({memory}, next - low, rows_come - low, {strip.row_bytes});
        }} else {{
            {name}_rest();
        }}
    }}
}}

void {name}_begin(void)
{{
{_ready(plan)}    rows_come = 0;
    turns_done = 0;
    {name}_advance();
}}

int32_t {name}_push_rows(const {kind} *rows, int32_t count)
{{
    const uint8_t *from = (const uint8_t *)rows;
    while (count > 0 && turns_done < {turns}) {{
        const int32_t turn = turns_done;
        const int32_t low = {rows_expression(strip.low)};
        const int32_t taken = mw_min_i32(count, {rows_expression(strip.end)} - rows_come);
        uint8_t *to = {memory} + (rows_come - low) * {strip.row_bytes};
        mw_move_bytes(to, from, taken * {strip.row_bytes});
        from += taken * {strip.row_bytes};
        count -= taken;
        rows_come += taken;
        {name}_advance();
    }}
    /* Rows that no layer reads. */
    rows_come += mw_clamp_i32(count, 0, {strip.height} - rows_come);
    return {strip.height} - rows_come;
}}
"""


def _ready(plan: Plan) -> str:
    if not plan.state_bytes:
        return ""
    return f"    if (!state_ready) {{\n        {plan.name}_reset();\n    }}\n"
