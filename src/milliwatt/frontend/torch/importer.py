# SPDX-License-Identifier: MIT
"""An exported program, walked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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

    Inputs of four dimensions are NCHW images to PyTorch and NHWC in the graph. Raises
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
    if problems:
        raise UnsupportedError(f"{name} uses operators that are not supported:", problems)


def _convert(program: torch.export.ExportedProgram, name: str) -> Graph:
    to = Importer(name)
    parameters = _parameters(program)
    values: dict[str, Any] = {}
    outputs: tuple[str, ...] = ()
    for node in program.graph.nodes:
        if node.op == "placeholder":
            known = parameters.get(node.name)
            values[node.name] = _input(to, node) if known is None else known
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
        placeholder: tensors[target].detach().cpu().numpy()
        for placeholder, target in named.items()
        if target in tensors
    }


def _input(to: Importer, node: Any) -> Value:
    meta = node.meta["val"]
    shape = tuple(int(d) for d in meta.shape)
    if str(meta.dtype) != "torch.float32":
        raise UnsupportedError(f"input '{node.name}' is {meta.dtype}; only float32 is supported")
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
    value = values[argument.name]
    if isinstance(value, np.ndarray):
        raise UnsupportedError(f"output '{argument.name}' is a constant")
    name: str = value.name
    return name
