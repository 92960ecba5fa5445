# SPDX-License-Identifier: MIT
"""An exported program, walked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from milliwatt.errors import ModelError, UnsupportedError
from milliwatt.frontend.torch.operators import CONVERTERS
from milliwatt.frontend.torch.values import TO_CHANNELS_LAST, Importer, Value
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array

if TYPE_CHECKING:
    import torch


def import_torch(
    module: torch.nn.Module, example_inputs: Sequence[torch.Tensor], name: str = "model"
) -> Graph:
    """A float32 graph of `module` (in evaluation mode) for inputs of these shapes.

    Inputs and outputs of four dimensions are NCHW images to PyTorch and NHWC in the graph. Raises
    UnsupportedError listing every operator that is not supported, ModelError where the module
    cannot be exported.
    """
    import torch

    if module.training:
        raise ModelError(f"{name} is in training mode: call eval() before importing it")
    try:
        program = torch.export.export(module, tuple(example_inputs))
    except (RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(f"torch.export cannot export {name}: {first}") from error
    _refuse_unsupported(program, name)
    return _convert(program, name)


def _refuse_unsupported(program: torch.export.ExportedProgram, name: str) -> None:
    problems = [
        f"'{node.name}': {node.target}"
        for node in program.graph.nodes
        if node.op not in ("placeholder", "output")
        and (node.op != "call_function" or str(node.target) not in CONVERTERS)
    ]
    user_inputs = set(program.graph_signature.user_inputs)
    problems += [
        f"'{node.name}': {node.target} changes a value that is read by another name too"
        for node in program.graph.nodes
        if _is_in_place(node) and not _owns_operand(node.args[0], user_inputs)
    ]
    if problems:
        raise UnsupportedError(f"{name} uses operators that are not supported:", problems)


def _is_in_place(node: Any) -> bool:
    schema = getattr(node.target, "_schema", None)
    return node.op == "call_function" and schema is not None and schema.is_mutable


def _owns_operand(operand: Any, user_inputs: set[Any]) -> bool:
    """Whether nothing else reads the memory of `operand`: it, and what it views, have one user."""
    while len(operand.users) == 1:
        if operand.op == "placeholder":
            return operand.name in user_inputs
        if not any(result.alias_info for result in operand.target._schema.returns):
            return True
        operand = operand.args[0]
    return False


def _convert(program: torch.export.ExportedProgram, name: str) -> Graph:
    to = Importer(name)
    parameters = _parameters(program)
    values: dict[str, Any] = {}
    outputs: tuple[str, ...] = ()
    for node in program.graph.nodes:
        if node.op == "placeholder":
            is_input = node.name in program.graph_signature.user_inputs
            values[node.name] = _input(to, node) if is_input else parameters[node.name]
        elif node.op == "output":
            outputs = tuple(_output(values, argument) for argument in node.args[0])
        else:
            arguments = _all_arguments(node)
            converted = [_resolve(values, argument) for argument in arguments]
            values[node.name] = CONVERTERS[str(node.target)](to, node.name, converted)
    return to.builder.finish(outputs)


def _parameters(program: torch.export.ExportedProgram) -> dict[str, Array]:
    """Parameters, buffers and constants by the name of their placeholder."""
    signature = program.graph_signature
    named = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    tensors: dict[str, Any] = {**program.state_dict, **program.constants}
    return {
        placeholder: tensors[target].detach().cpu().numpy() for placeholder, target in named.items()
    }


def _input(to: Importer, node: Any) -> Value:
    meta = node.meta["val"]
    kind = str(getattr(meta, "dtype", type(meta).__name__))
    if kind != "torch.float32":
        raise UnsupportedError(f"input '{node.name}' is {kind}; only float32 is supported")
    shape = tuple(int(d) for d in meta.shape)
    image = len(shape) == 4
    stored = tuple(shape[i] for i in TO_CHANNELS_LAST) if image else shape
    return Value(to.builder.add_input(node.name, stored), channels_last=image)


def _all_arguments(node: Any) -> list[Any]:
    """Positional arguments, with keyword ones put in their places by the operator's schema."""
    arguments = list(node.args)
    if node.kwargs:
        schema = [argument.name for argument in node.target._schema.arguments]
        defaults = [
            argument.default_value if argument.has_default_value() else None
            for argument in node.target._schema.arguments
        ]
        arguments += defaults[len(arguments) :]
        for key, value in node.kwargs.items():
            arguments[schema.index(key)] = value
    return arguments


def _resolve(values: dict[str, Any], argument: Any) -> Any:
    if hasattr(argument, "op") and hasattr(argument, "name"):
        return values[argument.name]
    if isinstance(argument, list | tuple):
        return [_resolve(values, item) for item in argument]
    return argument


def _output(values: dict[str, Any], argument: Any) -> str:
    value = values[argument.name] if hasattr(argument, "name") else argument
    if not isinstance(value, Value):
        raise UnsupportedError(f"output '{argument}' is a constant")
    return value.name
