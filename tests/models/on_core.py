# SPDX-License-Identifier: MIT
"""One published .tflite file compiled to C and run on an emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.errors import UnsupportedError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ir.types import DType
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import FLOAT_TOLERANCE, build_compiled, ports_of, verify_compiled

CORE_CALLS = 2
"""Calls of each network on the core, its states going on from one to the next."""

BOARD = "nucleo-l4r5zi"


def measure_on_core(path: Path) -> str:
    """What the table says of the core: empty where the file is refused.

    Raises VerifyError where an output of the core is not the reference's.
    """
    try:
        graph = load_model(path)
    except UnsupportedError:
        return ""
    compiled = compile_graph(graph, load_target(BOARD), "network")
    samples = random_samples(ports_of(graph), CORE_CALLS, seed=11)
    verify_compiled(compiled, build_compiled(compiled), samples)
    return f"within {FLOAT_TOLERANCE:g}" if _computes_floats(compiled) else "equal"


def _computes_floats(compiled: Compiled) -> bool:
    """Whether an output comes out of float arithmetic, and not only out of a Dequantize."""
    graph = compiled.plan.graph
    makers = graph.producers()
    return any(
        graph.types[v].dtype is DType.FLOAT32 and makers[v].op.kind != "Dequantize"
        for v in graph.outputs
    )
