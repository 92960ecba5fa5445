# SPDX-License-Identifier: MIT
"""TensorFlow Lite Micro on the host: the oracle for whole networks and single operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from milliwatt.ir.types import Array

ARENA_BYTES = 1 << 24


class Tflm:
    """A TFLM interpreter of a .tflite file; making one skips the test where TFLM is absent.

    `keep_all` keeps every intermediate tensor for `tensor`. A broken invariant inside TFLM ends
    the process.
    """

    def __init__(
        self, model: bytes, *, keep_all: bool = False, arena_bytes: int = ARENA_BYTES
    ) -> None:
        runtime: Any = pytest.importorskip(
            "tflite_micro.python.tflite_micro.runtime",
            reason="needs TFLM: pip install tflite-micro (Linux, x86-64)",
        )
        config = runtime.InterpreterConfig
        self._interpreter = runtime.Interpreter.from_bytes(
            model,
            arena_size=arena_bytes,
            intrepreter_config=(
                config.kPreserveAllTensors if keep_all else config.kAllocationRecording
            ),
        )
        graph = runtime.convert_bytearray_to_object(bytearray(model)).subgraphs[0]
        self._outputs = len(graph.outputs)

    def invoke(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs for these inputs; states go on from the last call."""
        for index, value in enumerate(inputs):
            self._interpreter.set_input(np.ascontiguousarray(value), index)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(i)) for i in range(self._outputs)]

    def tensor(self, index: int) -> Array:
        """The value of one tensor after `invoke`, from an interpreter made with `keep_all`."""
        return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])


def run_tflm(model: bytes, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of one call of a fresh interpreter."""
    return Tflm(model).invoke(inputs)
