# SPDX-License-Identifier: MIT
"""The C functions of the layers: one per layer, and one per specialisation that layers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.emit.argument_tables import FEWEST_CALLS, Argument, argument_tables
from milliwatt.backend.mcu.emit.literals import (
    c_type,
    comment_text,
    float_literal,
    int_literal,
)
from milliwatt.backend.mcu.emit.row_calls import row_expression, row_parameters
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
from milliwatt.backend.mcu.plan import Plan, Step
from milliwatt.errors import VerifyError


@dataclass(frozen=True, slots=True)
class SharedFunction:
    """A kernel with its fixed literals bound, called by several layers.

    With `tables` its one parameter points to a struct, whose type `before` defines; `tables` holds
    the initialiser of each layer's by the index of the step.
    """

    symbol: str
    parameters: tuple[str, ...]
    call: str
    before: str = ""
    tables: Mapping[int, str] | None = None

    @property
    def definition(self) -> str:
        return (
            f"{self.before}"
            f"static MW_NOINLINE void {self.symbol}({', '.join(self.parameters)})\n"
            f"{_body(self.call)}"
        )


SharedKey = tuple[str, tuple[tuple[str, str], ...]]


def _body(call: str) -> str:
    """A function's braces around a barrier and a call.

    The barrier comes first: gcc 12 takes some loops over a static array, as its induction variable
    pass rewrites them, for loads from a null pointer; it stops reading there, finds the function
    `const`, and drops the call. What it read before that point counts.
    """
    return f"{{\n    MW_BARRIER();\n    {call};\n}}\n"


def node_symbol(plan: Plan, step: Step) -> str:
    """The C function of one layer."""
    return f"{plan.name}_node_{step.index}"


def shared_functions(plan: Plan) -> dict[SharedKey, SharedFunction]:
    """The specialisations that two or more layers use, keyed by kernel and fixed literals."""
    users: dict[SharedKey, list[Step]] = {}
    for step in plan.steps:
        users.setdefault(_key(plan, step), []).append(step)
    several = {key: steps for key, steps in users.items() if len(steps) > 1}
    return {
        key: _shared(plan, steps, f"{plan.name}_shared_{i}")
        for i, (key, steps) in enumerate(several.items())
    }


def code_symbols(plan: Plan) -> dict[int, str]:
    """By index of each step that shares its code, the function that holds it."""
    shared = shared_functions(plan)
    found = ((step.index, shared.get(_key(plan, step))) for step in plan.steps)
    return {index: function.symbol for index, function in found if function is not None}


def node_function(plan: Plan, step: Step, shared: Mapping[SharedKey, SharedFunction]) -> str:
    """The C definition of one layer."""
    function = shared.get(_key(plan, step))
    args = step.lowered.args
    before = ""
    if function is None:
        call = f"{step.lowered.function}({_join(_value(plan, step, a) for a in args)})"
    elif function.tables is not None:
        before = f"static const {function.symbol}_args {node_symbol(plan, step)}_args = "
        before += f"{function.tables[step.index]};\n"
        call = f"{function.symbol}(&{node_symbol(plan, step)}_args)"
    else:
        passed = [a for a in args if not _is_fixed(a)]
        call = f"{function.symbol}({_join(_value(plan, step, a) for a in passed)})"
    comment = f"/* {comment_text(step.node.name)}: {step.node.op.kind}, {step.kernel} */"
    parameters = "void"
    if step.stream is not None:
        parameters = _join(f"{kind}{name}" for name, kind in row_parameters(plan, step).items())
    head = f"{comment}\n{before}static MW_NOINLINE void {node_symbol(plan, step)}({parameters})"
    return f"{head}\n{_body(call)}"


def _join(words: Iterable[str]) -> str:
    return ", ".join(words)


def _is_fixed(arg: Arg) -> bool:
    return isinstance(arg, Lit) and arg.fixed


def _key(plan: Plan, step: Step) -> SharedKey:
    return step.lowered.function, tuple(
        (_key_kind(arg), _key_word(plan, step, arg)) for arg in step.lowered.args
    )


def _key_kind(arg: Arg) -> str:
    """What an argument is; a number that rows decide is passed like any other."""
    return Lit.__name__ if isinstance(arg, RowCount) else type(arg).__name__


def _key_word(plan: Plan, step: Step, arg: Arg) -> str:
    if isinstance(arg, Lit) and arg.fixed:
        return _literal(arg.value)
    return _c_pointer(plan, step, arg)


def _shared(plan: Plan, steps: Sequence[Step], symbol: str) -> SharedFunction:
    small = plan.objective.optimisation == "-Os" and len(steps) >= FEWEST_CALLS
    if small and all(step.stream is None for step in steps):
        calls = [[_argument(plan, step, arg) for arg in step.lowered.args] for step in steps]
        if any(call != calls[0] for call in calls):
            return _shared_by_tables(steps, symbol, calls)
    step = steps[0]
    parameters: list[str] = []
    words: list[str] = []
    for i, arg in enumerate(step.lowered.args):
        if isinstance(arg, Lit) and arg.fixed:
            words.append(_literal(arg.value))
        else:
            parameters.append(f"{_c_pointer(plan, step, arg)}a{i}")
            words.append(f"a{i}")
    return SharedFunction(symbol, tuple(parameters), f"{step.lowered.function}({_join(words)})")


def _shared_by_tables(
    steps: Sequence[Step], symbol: str, calls: Sequence[Sequence[Argument]]
) -> SharedFunction:
    packed = argument_tables(f"{symbol}_args", calls)
    return SharedFunction(
        symbol,
        (f"const {symbol}_args *a",),
        f"{steps[0].lowered.function}({_join(packed.words)})",
        packed.definition,
        {step.index: table for step, table in zip(steps, packed.tables, strict=True)},
    )


def _argument(plan: Plan, step: Step, arg: Arg) -> Argument:
    kind, expression = _c_pointer(plan, step, arg), _value(plan, step, arg)
    match arg:
        case In(index) | Out(index):
            values = step.node.inputs if isinstance(arg, In) else step.node.outputs
            place = plan.places[values[index]]
            offset = place.offset_bytes if place.region == "arena" else None
            return Argument(kind, expression, offset_bytes=offset)
        case Scratch():
            return Argument(kind, expression, offset_bytes=step.scratch_offset_bytes)
        case Lit(value, _) if isinstance(value, int):
            return Argument(kind, expression, number=value)
        case _:
            return Argument(kind, expression)


def _c_pointer(plan: Plan, step: Step, arg: Arg) -> str:
    """The C type of an argument, ready to be followed by a name."""
    match arg:
        case In(index):
            return f"const {c_type(plan.graph.types[step.node.inputs[index]].dtype)} *"
        case Out(index):
            return f"{c_type(plan.graph.types[step.node.outputs[index]].dtype)} *"
        case Scratch():
            return "void *"
        case Ref(table):
            return f"const {c_type(_find_table(step.lowered, table).data.dtype)} *"
        case Lit(value, _):
            return "float " if isinstance(value, float) else "int32_t "
        case RowCount():
            return "int32_t "


def _value(plan: Plan, step: Step, arg: Arg) -> str:
    match arg:
        case In(index) if step.stream is not None and not _is_constant(plan, step, index):
            return f"x{index}"
        case Out(index) if step.stream is not None:
            return f"y{index}"
        case RowCount():
            return row_expression(arg)
        case In(index):
            return address(plan, step.node.inputs[index], const=True)
        case Out(index):
            return address(plan, step.node.outputs[index], const=False)
        case Scratch():
            if step.scratch_offset_bytes is None:
                raise VerifyError(f"{step.kernel} asks for scratch memory it did not declare")
            memory = f"arena + {step.scratch_offset_bytes}"
            return f"(void *)({memory})" if step.stream is None else f"mw_opaque({memory})"
        case Ref(table):
            return plan.tables.symbols[step.index, table]
        case Lit(value, _):
            return _literal(value)


def _is_constant(plan: Plan, step: Step, index: int) -> bool:
    return step.node.inputs[index] in plan.graph.constants


def _find_table(lowered: Lowered, name: str) -> Table:
    """The table of that name; a VerifyError where the kernel did not declare it."""
    for table in lowered.tables:
        if table.name == name:
            return table
    raise VerifyError(f"{lowered.function} refers to table '{name}', which it did not declare")


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


def _literal(value: int | float) -> str:
    return float_literal(value) if isinstance(value, float) else int_literal(value)
