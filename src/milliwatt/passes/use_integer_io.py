# SPDX-License-Identifier: MIT
"""Integers at the edges of a quantised network whose inputs or outputs are float."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milliwatt.errors import UnsupportedError
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import DType, TensorType
from milliwatt.ops.quantize import Dequantize, Quantize
from milliwatt.ops.shape import Reshape, Slice, Transpose
from milliwatt.passes.remove_dead_nodes import remove_dead_nodes
from milliwatt.passes.rewrite import unused_name
from milliwatt.quant.to_int8 import FIXED_OUTPUTS

_MOVES = Reshape | Transpose | Slice
"""Operators that hand elements on as they are, whatever their type."""


def use_integer_io(graph: Graph) -> Graph:
    """Take the outermost Quantize and Dequantize off, so that callers give and get integers.

    A float input becomes what its Quantize made of it, a float output what its Dequantize read; a
    Softmax, LogSoftmax, Logistic or Tanh behind the Dequantize becomes its int8 form. Ports that
    are integers stay. Not in PASSES: it changes what callers pass. UnsupportedError lists every
    float port that is not quantised.
    """
    graph = remove_dead_nodes(graph)
    steps = [(_with_integer_input, port) for port in graph.inputs]
    steps += [(_with_integer_output, port) for port in _last_first(graph)]
    problems: list[str] = []
    for step, port in steps:
        if graph.types[port].dtype.is_float:
            try:
                graph = remove_dead_nodes(step(graph, port))
            except UnsupportedError as error:
                problems.append(str(error))
    if problems:
        raise UnsupportedError(f"{graph.name} cannot have integer inputs and outputs:", problems)
    return graph


def _last_first(graph: Graph) -> list[str]:
    """The outputs, each before those that it is computed from."""
    computed = [v for node in graph.nodes for v in node.outputs if v in graph.outputs]
    return [*reversed(computed), *(v for v in graph.outputs if v not in computed)]


def _with_integer_input(graph: Graph, port: str) -> Graph:
    where = f"input '{port}' ({graph.types[port]})"
    readers = graph.consumers()
    moved, quantizers = [port], list[Node]()
    for value in moved:
        if value in graph.kept_values():
            raise UnsupportedError(f"{where} is an output or a state too, '{value}'")
        for node in readers[value]:
            if isinstance(node.op, _MOVES):
                moved += node.outputs
            elif isinstance(node.op, Quantize):
                quantizers.append(node)
            else:
                raise UnsupportedError(f"{where} is read in float by {_named(node)}")
    kinds = [graph.types[node.outputs[0]] for node in quantizers]
    if not kinds:
        raise UnsupportedError(f"{where} is not quantised: nothing reads it")
    if any((kind.dtype, kind.quant) != (kinds[0].dtype, kinds[0].quant) for kind in kinds):
        raise UnsupportedError(f"{where} is quantised in more than one way")
    types = {v: replace(kinds[0], shape=graph.types[v].shape) for v in moved}
    copies = {id(node): _copy(node, graph.types) for node in quantizers}
    nodes = [copies.get(id(node), node) for node in graph.nodes]
    return graph.with_nodes(nodes, types={**graph.types, **types})


def _with_integer_output(graph: Graph, port: str) -> Graph:
    where = f"output '{port}' ({graph.types[port]})"
    if any(port in (s.before, s.after) for s in graph.states):
        raise UnsupportedError(f"{where} is a state too")
    if readers := graph.consumers()[port]:
        raise UnsupportedError(f"{where} is read in float by {_named(readers[0])}")
    chain = _chain_from_dequantize(graph, port, where)
    last = chain[-1]
    types = dict(graph.types)
    value, added = chain[0].inputs[0], list[Node]()
    for node in chain[1:] or [_copy(chain[0], graph.types)]:
        result = port if node.outputs == (port,) else unused_name(graph, f"{node.outputs[0]}/codes")
        types[result] = _integer_type(node, types[value], graph.types[node.outputs[0]], where)
        added.append(replace(node, inputs=(value,), outputs=(result,)))
        value = result
    nodes = [new for node in graph.nodes for new in (added if node is last else [node])]
    return graph.with_nodes(nodes, types=types)


def _chain_from_dequantize(graph: Graph, port: str, where: str) -> list[Node]:
    """The Dequantize that `port` comes from, and the operators from there to it."""
    producers = graph.producers()
    chain: list[Node] = []
    value, functions = port, 0
    while (node := producers.get(value)) is not None:
        chain.append(node)
        if isinstance(node.op, Dequantize):
            return chain[::-1]
        functions += type(node.op) in FIXED_OUTPUTS
        if functions > 1 or not (isinstance(node.op, _MOVES) or type(node.op) in FIXED_OUTPUTS):
            raise UnsupportedError(f"{where} is computed in float by {_named(node)}")
        value = node.inputs[0]
    raise UnsupportedError(f"{where} is not quantised: it is '{value}'")


def _integer_type(node: Node, source: TensorType, float_type: TensorType, where: str) -> TensorType:
    fixed = FIXED_OUTPUTS.get(type(node.op))
    if fixed is None:
        return replace(source, shape=float_type.shape)
    result = TensorType(float_type.shape, DType.INT8, fixed)
    try:
        node.op.check((source,), (result,))
    except UnsupportedError as error:
        raise UnsupportedError(f"{where}: {_named(node)} has no int8 form: {error}") from error
    return result


def _copy(node: Node, types: Mapping[str, TensorType]) -> Node:
    """`node` as an identity, which `remove_no_ops` removes where it can."""
    return replace(node, op=Reshape(types[node.outputs[0]].shape))


def _named(node: Node) -> str:
    return f"{node.op.kind} '{node.name}'"
