# SPDX-License-Identifier: MIT
"""The parameters of a layer that is called for a few rows at a time."""

from __future__ import annotations

from milliwatt.backend.mcu.emit.literals import c_type, int_literal
from milliwatt.backend.mcu.kernel import In, Out, RowCount
from milliwatt.backend.mcu.planning.plan import Plan, Step

ROW_VARIABLES = ("in_rows", "out_rows", "pad_rows")


def row_parameters(plan: Plan, step: Step) -> dict[str, str]:
    """C name to C type, in order: the maps read and made, then the numbers of rows needed."""
    args = step.lowered.args
    graph, node = plan.graph, step.node
    read = sorted({a.index for a in args if isinstance(a, In)})
    found = {
        f"x{i}": f"const {c_type(graph.types[node.inputs[i]].dtype)} *"
        for i in read
        if node.inputs[i] not in graph.constants
    }
    made = sorted({a.index for a in args if isinstance(a, Out)})
    found |= {f"y{i}": f"{c_type(graph.types[node.outputs[i]].dtype)} *" for i in made}
    used = {a.variable for a in args if isinstance(a, RowCount)}
    return found | {name: "int32_t " for name in ROW_VARIABLES if name in used}


def row_expression(count: RowCount) -> str:
    """The number as a C expression of its variable."""
    if count.cases:
        *cases, (_, last) = count.cases
        tests = (f"{count.variable} == {rows} ? {int_literal(n)} : " for rows, n in cases)
        return f"{''.join(tests)}{int_literal(last)}"
    term = count.variable if count.scale == 1 else f"{count.variable} * {int_literal(count.scale)}"
    if count.offset == 0:
        return term
    return f"{term} {'+' if count.offset > 0 else '-'} {int_literal(abs(count.offset))}"
