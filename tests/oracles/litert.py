# SPDX-License-Identifier: MIT
"""LiteRT's reference kernels: the second oracle, with every intermediate tensor.

Its fully connected layer rounds once where TFLM (and milliwatt) round twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from milliwatt.ir.types import Array


def interpreter(model: bytes) -> Any:
    """A LiteRT interpreter with reference kernels and all tensors kept, or skip the test."""
    litert = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert"
    )
    made = litert.Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    made.allocate_tensors()
    return made


def invoke(litert: Any, inputs: Sequence[Array]) -> list[Array]:
    """The outputs for these inputs; states go on from the last call."""
    for detail, value in zip(litert.get_input_details(), inputs, strict=True):
        litert.set_tensor(detail["index"], np.ascontiguousarray(value))
    litert.invoke()
    return [np.array(litert.get_tensor(d["index"])) for d in litert.get_output_details()]


def run_litert(model: bytes, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of one call of a fresh interpreter."""
    return invoke(interpreter(model), inputs)


def litert_tensors(model: bytes, inputs: Sequence[Array]) -> dict[int, Array]:
    """Every readable tensor, by its index in the file, after one call."""
    litert = interpreter(model)
    invoke(litert, inputs)
    values: dict[int, Array] = {}
    for detail in litert.get_tensor_details():
        try:
            values[detail["index"]] = np.array(litert.get_tensor(detail["index"]))
        except ValueError:
            continue
    return values
