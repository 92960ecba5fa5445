# SPDX-License-Identifier: MIT
"""The C functions of the layers: one per layer, and one per specialisation that layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milliwatt.backend.mcu.emit.argument_tables import FEWEST_CALLS, Argument, argument_tables
from milliwatt.backend.mcu.emit.arguments import (
    argument_type,
    argument_value,
    is_fixed,
    number_literal,
)
from milliwatt.backend.mcu.emit.call_text import listed, named_arguments
from milliwatt.backend.mcu.emit.literals import comment_text
from milliwatt.backend.mcu.emit.parameters import parameter_names
from milliwatt.backend.mcu.emit.row_calls import row_parameters
from milliwatt.backend.mcu.kernel import Arg, In, Lit, Out, RowCount, Scratch
from milliwatt.backend.mcu.planning.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class SharedFunction:
    """A kernel with its fixed literals bound, called by several layers.

    `call` is the statement in it. With `tables` its one parameter points to a struct, whose type
    `before` defines; `tables` holds the initialiser of each layer's by the index of the step.
    """

    symbol: str
    parameters: tuple[str, ...]
    call: str
    before: str = ""
    tables: Mapping[int, str] | None = None

    @property
    def definition(self) -> str:
        return f"{self.before}{_head(self.symbol, self.parameters)}\n{_body(self.call)}"


SharedKey = tuple[str, tuple[tuple[str, str], ...]]


def _head(symbol: str, parameters: Sequence[str]) -> str:
    return listed(f"static MW_NOINLINE void {symbol}", parameters or ["void"], "")


def _body(call: str) -> str:
    """A function's braces around a barrier and a call, which is a statement of its own lines.

    The barrier comes first: gcc 12 takes some loops over a static array, as its induction variable
    pass rewrites them, for loads from a null pointer; it stops reading there, finds the function
    `const`, and drops the call. What it read before that point counts.
    """
    return f"{{\n    MW_BARRIER();\n{call}\n}}\n"


def _call(function: str, words: Sequence[str]) -> str:
    return listed(function, words, ";", indent="    ")


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
        call = _call(function.symbol, [f"&{symbol}_args"])
    else:
        called = step.lowered.function if function is None else function.symbol
        passed = [
            (name, argument_value(plan, step, arg))
            for name, arg in zip(_names(step), step.lowered.args, strict=True)
            if function is None or not is_fixed(arg)
        ]
        call = _call(called, named_arguments(*zip(*passed, strict=True)))
    parameters: list[str] = []
    if step.stream is not None:
        parameters = [f"{kind}{name}" for name, kind in row_parameters(plan, step).items()]
    return f"{_comment(plan, step)}\n{table}{_head(symbol, parameters)}\n{_body(call)}"


def _comment(plan: Plan, step: Step) -> str:
    """The layer's name, operator and kernel, and below them its shapes."""
    graph, node = plan.graph, step.node
    read = ", ".join(str(graph.types[v]) for v in node.inputs if v not in graph.constants)
    made = ", ".join(str(kind) for kind in graph.output_types(node))
    return (
        f"/* {comment_text(node.name)}: {node.op.kind}, {step.kernel};\n"
        f" * {f'{read} -> ' if read else ''}{made} */"
    )


def _names(step: Step) -> tuple[str, ...]:
    """The names of the parameters of the step's kernel."""
    return parameter_names(step.header, step.lowered.function)


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
    names = _names(step)
    for name, arg in zip(names, step.lowered.args, strict=True):
        if isinstance(arg, Lit) and arg.fixed:
            words.append(number_literal(arg.value))
        else:
            parameters.append(f"{_type(plan, step, arg)}{name}")
            words.append(name)
    call = _call(step.lowered.function, named_arguments(names, words))
    return SharedFunction(symbol, tuple(parameters), call)


def _shared_by_tables(
    steps: Sequence[Step], symbol: str, calls: Sequence[Sequence[Argument]]
) -> SharedFunction:
    packed = argument_tables(f"{symbol}_args", calls)
    return SharedFunction(
        symbol,
        (f"const {symbol}_args *a",),
        _call(steps[0].lowered.function, named_arguments(_names(steps[0]), packed.words)),
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
