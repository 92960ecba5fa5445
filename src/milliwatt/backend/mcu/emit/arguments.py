# SPDX-License-Identifier: MIT
"""The arguments of a kernel's call in C: their types, and their values in a plan."""

from __future__ import annotations

from collections.abc import Sequence

from milliwatt.backend.mcu.emit.literals import c_type, float_literal, int_literal
from milliwatt.backend.mcu.emit.row_calls import row_expression
from milliwatt.backend.mcu.kernel import (
    Arg,
    In,
    Lit,
    Lowered,
    Out,
    Ref,
    RowCount,
    Scratch,
    Table,
)
from milliwatt.backend.mcu.planning.plan import Plan, Step
from milliwatt.errors import VerifyError
from milliwatt.ir.types import TensorType


def is_fixed(arg: Arg) -> bool:
    """Whether the argument is a constant inside the compiled kernel."""
    return isinstance(arg, Lit) and arg.fixed


def argument_type(
    arg: Arg, lowered: Lowered, inputs: Sequence[TensorType], outputs: Sequence[TensorType]
) -> str:
    """The C type of an argument, ready to be followed by a name."""
    match arg:
        case In(index):
            return f"const {c_type(inputs[index].dtype)} *"
        case Out(index):
            return f"{c_type(outputs[index].dtype)} *"
        case Scratch():
            return "void *"
        case Ref(table):
            return f"const {c_type(_find_table(lowered, table).data.dtype)} *"
        case Lit(value, _):
            return "float " if isinstance(value, float) else "int32_t "
        case RowCount():
            return "int32_t "


def _find_table(lowered: Lowered, name: str) -> Table:
    """The table of that name; a VerifyError where the kernel did not declare it."""
    for table in lowered.tables:
        if table.name == name:
            return table
    raise VerifyError(f"{lowered.function} refers to table '{name}', which it did not declare")


def argument_value(plan: Plan, step: Step, arg: Arg) -> str:
    """The C expression of an argument: in a stream, of the layer function's parameters."""
    streamed = step.stream is not None
    match arg:
        case In(index):
            value = step.node.inputs[index]
            if streamed and value not in plan.graph.constants:
                return f"x{index}"
            return address(plan, value, const=True)
        case Out(index):
            return f"y{index}" if streamed else address(plan, step.node.outputs[index], const=False)
        case Scratch():
            return _scratch(step)
        case Ref(table):
            return plan.tables.symbols[step.index, table]
        case Lit(value, _):
            return number_literal(value)
        case RowCount():
            return row_expression(arg)


def _scratch(step: Step) -> str:
    if step.scratch_offset_bytes is None:
        raise VerifyError(f"{step.kernel} asks for scratch memory it did not declare")
    memory = f"arena + {step.scratch_offset_bytes}"
    return f"(void *)({memory})" if step.stream is None else f"mw_opaque({memory})"


def number_literal(value: int | float) -> str:
    """A number as a constant of C type float or int32_t."""
    return float_literal(value) if isinstance(value, float) else int_literal(value)


def address(plan: Plan, value: str, *, const: bool) -> str:
    """The C expression of a pointer to a value."""
    place = plan.places[value]
    if place.region == "flash":
        return constant_symbol(plan, value)
    kind = c_type(plan.graph.types[value].dtype)
    return f"({'const ' if const else ''}{kind} *)(void *)({place.region} + {place.offset_bytes})"


def constant_symbol(plan: Plan, value: str) -> str:
    """The C name of a constant of the graph that a kernel reads as it stands."""
    return f"{plan.name}_const_{sorted(plan.graph.constants).index(value)}"
