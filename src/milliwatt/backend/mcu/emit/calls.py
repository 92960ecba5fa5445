# SPDX-License-Identifier: MIT
"""The C functions of the layers: one per layer, and one per specialisation that layers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.emit.argument_tables import FEWEST_CALLS, Argument, argument_tables
from milliwatt.backend.mcu.emit.arguments import (
    argument_type,
    argument_value,
    is_fixed,
    number_literal,
)
from milliwatt.backend.mcu.emit.literals import comment_text
from milliwatt.backend.mcu.emit.row_calls import row_parameters
from milliwatt.backend.mcu.kernel import Arg, In, Lit, Out, RowCount, Scratch
from milliwatt.backend.mcu.planning.plan import Plan, Step


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
            f"static MW_NOINLINE void {self.symbol}({_join(self.parameters)})\n"
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
    symbol, function = node_symbol(plan, step), shared.get(_key(plan, step))
    table = ""
    if function is not None and function.tables is not None:
        table = f"static const {function.symbol}_args {symbol}_args = "
        table += f"{function.tables[step.index]};\n"
        call = f"{function.symbol}(&{symbol}_args)"
    else:
        name = step.lowered.function if function is None else function.symbol
        passed = [a for a in step.lowered.args if function is None or not is_fixed(a)]
        call = f"{name}({_join(argument_value(plan, step, a) for a in passed)})"
    comment = f"/* {comment_text(step.node.name)}: {step.node.op.kind}, {step.kernel} */"
    parameters = "void"
    if step.stream is not None:
        parameters = _join(f"{kind}{name}" for name, kind in row_parameters(plan, step).items())
    return f"{comment}\n{table}static MW_NOINLINE void {symbol}({parameters})\n{_body(call)}"


def _join(words: Iterable[str]) -> str:
    return ", ".join(words)


def _key(plan: Plan, step: Step) -> SharedKey:
    return step.lowered.function, tuple(
        (_key_kind(arg), _key_word(plan, step, arg)) for arg in step.lowered.args
    )


def _key_kind(arg: Arg) -> str:
    """What an argument is; a number that rows decide is passed like any other."""
    return Lit.__name__ if isinstance(arg, RowCount) else type(arg).__name__


def _key_word(plan: Plan, step: Step, arg: Arg) -> str:
    if isinstance(arg, Lit) and arg.fixed:
        return number_literal(arg.value)
    return _type(plan, step, arg)


def _type(plan: Plan, step: Step, arg: Arg) -> str:
    """The C type of one of the step's arguments."""
    graph, node = plan.graph, step.node
    return argument_type(arg, step.lowered, graph.input_types(node), graph.output_types(node))


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
            words.append(number_literal(arg.value))
        else:
            parameters.append(f"{_type(plan, step, arg)}a{i}")
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
    kind, expression = _type(plan, step, arg), argument_value(plan, step, arg)
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
