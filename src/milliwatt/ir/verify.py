# SPDX-License-Identifier: MIT
"""The invariants of a graph."""

from __future__ import annotations

from collections.abc import Iterable

from milliwatt.errors import ModelError, UnsupportedError, VerifyError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import Array, DType, Quant, TensorType

SCALE_RANGE = 2.0**-62, 2.0**60
"""Scales outside are corrupt; any product and quotient of two inside is a normal float32."""


def verify(graph: Graph) -> None:
    """Raise unless the graph holds together.

    VerifyError: a value read before it is defined, or defined twice; a value without a type, or a
    type without a value; a constant or initial state that its type does not describe; a node
    whose outputs have other shapes than it infers; outputs or states that nothing defines.
    ModelError: a scale or zero point out of range.
    ModelError and UnsupportedError: what an operator says of its operands, with the node's name;
    everything unsupported at once.
    """
    _check_definitions(graph)
    _check_types(graph)
    for name, value in graph.constants.items():
        _check_value(f"constant '{name}'", value, graph.types[name])
    _check_nodes(graph)
    _check_states(graph)


def _check_definitions(graph: Graph) -> None:
    defined: set[str] = set()
    _define(defined, graph.inputs, "an input")
    _define(defined, graph.constants, "a constant")
    _define(defined, (s.before for s in graph.states), "a state")
    for node in graph.nodes:
        for value in node.inputs:
            if value not in defined:
                raise VerifyError(f"{_named(node)} reads '{value}' before it is defined")
        if not node.outputs:
            raise VerifyError(f"{_named(node)} has no outputs")
        _define(defined, node.outputs, f"an output of {_named(node)}")
    for value in graph.outputs:
        if value not in defined:
            raise VerifyError(f"output '{value}' is not defined")
    for state in graph.states:
        if state.after not in defined:
            raise VerifyError(f"state '{state.before}' becomes '{state.after}', not defined")


def _define(defined: set[str], values: Iterable[str], what: str) -> None:
    for value in values:
        if value in defined:
            raise VerifyError(f"'{value}' is defined twice, the second time as {what}")
        defined.add(value)


def _check_types(graph: Graph) -> None:
    values = {*graph.inputs, *graph.constants, *(s.before for s in graph.states)}
    values |= {v for node in graph.nodes for v in node.outputs}
    if untyped := sorted(values - set(graph.types)):
        raise VerifyError(f"'{untyped[0]}' has no type")
    if unused := sorted(set(graph.types) - values):
        raise VerifyError(f"'{unused[0]}' has a type but is no value of the graph")
    # Values often share one type; a hostile file has very many.
    distinct = {(id(kind), v in graph.constants): (v, kind) for v, kind in graph.types.items()}
    for (_, constant), (value, kind) in distinct.items():
        if kind.quant is not None and not (kind.dtype.is_float or kind.dtype is DType.BOOL):
            _check_quant(value, kind.dtype, kind.quant, signed=constant)


def _check_quant(value: str, dtype: DType, quant: Quant, *, signed: bool) -> None:
    """Scales that arithmetic can take; those of weights may be negative."""
    smallest, largest = SCALE_RANGE
    # NaN compares false, so it is refused too.
    for scale in quant.scale if dtype.bits <= 16 else ():
        if not smallest <= (abs(scale) if signed else scale) <= largest:
            raise ModelError(
                f"'{value}' has scale {scale:g}; scales are from {smallest:.3g} to {largest:.3g}"
            )
    low, high = dtype.integer_range
    if not low <= min(quant.zero_point) <= max(quant.zero_point) <= high:
        raise ModelError(f"'{value}' has a zero point outside {dtype.value}'s {low}..{high}")


def _check_value(what: str, value: Array, kind: TensorType) -> None:
    if tuple(value.shape) != kind.shape or value.dtype != kind.dtype.numpy:
        raise VerifyError(f"{what} is {value.dtype}{list(value.shape)}, typed {kind}")
    if kind.dtype in (DType.INT2, DType.INT4) and value.size:
        low, high = kind.dtype.integer_range
        if value.min() < low or value.max() > high:
            raise VerifyError(
                f"{what} holds {value.min()}..{value.max()}, outside "
                f"{kind.dtype.value}'s {low}..{high}"
            )


def _check_nodes(graph: Graph) -> None:
    unsupported: list[UnsupportedError] = []
    for node in graph.nodes:
        try:
            _check_node(graph, node)
        except UnsupportedError as error:
            unsupported.append(error)
    if len(unsupported) == 1:
        raise unsupported[0]
    if unsupported:
        raise UnsupportedError(f"{graph.name} is not supported:", [str(e) for e in unsupported])


def _check_node(graph: Graph, node: Node) -> None:
    inputs, outputs = graph.input_types(node), graph.output_types(node)
    try:
        shapes = node.op.infer(inputs)
    except ModelError as error:
        raise ModelError(f"node '{node.name}': {error}") from error
    if len(shapes) != len(outputs):
        raise VerifyError(f"{_named(node)} has {len(outputs)} outputs; it makes {len(shapes)}")
    for name, shape, kind in zip(node.outputs, shapes, outputs, strict=True):
        if shape != kind.shape:
            raise VerifyError(f"{_named(node)} makes {list(shape)} for '{name}', typed {kind}")
    try:
        node.op.check(inputs, outputs)
    except UnsupportedError as error:
        raise UnsupportedError(f"node '{node.name}': {error}") from error
    except ModelError as error:
        raise ModelError(f"node '{node.name}': {error}") from error


def _check_states(graph: Graph) -> None:
    for state in graph.states:
        kind = graph.types[state.before]
        if graph.types[state.after] != kind:
            raise VerifyError(
                f"state '{state.before}' is {kind} and becomes '{state.after}', "
                f"{graph.types[state.after]} (or their quantisation differs)"
            )
        _check_value(f"initial value of state '{state.before}'", state.initial, kind)


def _named(node: Node) -> str:
    return f"node '{node.name}' ({node.op.kind})"
