# SPDX-License-Identifier: MIT
"""example_main.c: one inference from beginning to end."""

from __future__ import annotations

from milliwatt.backend.mcu.emit.header import has_one_scale
from milliwatt.backend.mcu.emit.literals import c_type
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.ir.types import DType, TensorType

_SHOWN_ELEMENTS = 16


def example_text(plan: Plan) -> str:
    """A `main` that fills the inputs with the real value 0, runs, and prints the outputs."""
    name, types = plan.name, plan.graph.types
    fills = "".join(_fill(plan, i, types[v]) for i, v in enumerate(plan.graph.inputs))
    run = _push(plan, types[plan.graph.inputs[0]]) if plan.fed else f"{fills}    {name}_run();\n"
    prints = "".join(_print(plan, i, types[v]) for i, v in enumerate(plan.graph.outputs))
    return f"""/* SPDX-License-Identifier: MIT */
/* One inference on inputs of zeros: put your sensor's data there, and do with the outputs what your
 * application needs. */
#include <stdio.h>

#include "{name}.h"

int main(void)
{{
    {name}_reset();
{run}{prints}    return 0;
}}
"""


def _push(plan: Plan, kind: TensorType) -> str:
    port = f"{plan.name.upper()}_INPUT_0"
    zero = f"{port}_ZERO_POINT" if has_one_scale(kind) else "0"
    return (
        f"    static {c_type(kind.dtype)} row[{port}_ROW_ELEMENTS];\n"
        f"    for (int32_t i = 0; i < {port}_ROW_ELEMENTS; i++) {{\n"
        f"        row[i] = {zero};\n"
        "    }\n"
        f"    {plan.name}_begin();\n"
        f"    while ({plan.name}_push_rows(row, 1) > 0) {{\n"
        "    }\n"
    )


def _fill(plan: Plan, index: int, kind: TensorType) -> str:
    port = f"{plan.name.upper()}_INPUT_{index}"
    zero = f"{port}_ZERO_POINT" if has_one_scale(kind) else "0"
    return (
        f"    for (int32_t i = 0; i < {port}_ELEMENTS; i++) {{\n"
        f"        {plan.name}_input_{index}()[i] = {zero};\n"
        "    }\n"
    )


def _print(plan: Plan, index: int, kind: TensorType) -> str:
    port = f"{plan.name.upper()}_OUTPUT_{index}"
    few = kind.elements <= _SHOWN_ELEMENTS
    limit = f"{port}_ELEMENTS" if few else str(_SHOWN_ELEMENTS)
    form, cast = _PRINTED.get(kind.dtype, ("%ld", "long"))
    return (
        f'    printf("output {index}:");\n'
        f"    for (int32_t i = 0; i < {limit}; i++) {{\n"
        f'        printf(" {form}", ({cast}){plan.name}_output_{index}()[i]);\n'
        "    }\n"
        f'    printf("{"" if few else " ..."}\\n");\n'
    )


_PRINTED = {DType.FLOAT32: ("%g", "double"), DType.INT64: ("%lld", "long long")}
