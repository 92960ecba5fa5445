# SPDX-License-Identifier: MIT
"""Whole networks with their weights in 8, 4 and 2 bits: flash and speed.

The narrower weights are the published ones, divided and rounded: the figures are those of networks
trained with such weights, the answers are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.rows import read_rows
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.ir.types import Array, DType, Quant, TensorType
from milliwatt.ops.conv import Conv2D, DepthwiseConv2D
from milliwatt.ops.dense import FullyConnected
from milliwatt.report.compilation import compile_report
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, choose_emulator, ports_of, verify_compiled

TABLE = Path(__file__).with_name("subbyte_networks.csv")
NETWORKS = ("kws_dscnn_int8", "ic_resnet8_int8", "ad01_int8")
_WIDTHS = (DType.INT8, DType.INT4, DType.INT2)


@dataclass(frozen=True)
class SubbyteNetwork:
    """One network with weights of one type."""

    network: str
    weights: str
    instructions: int
    flash_bytes: int
    sram_bytes: int


def narrowed(graph: Graph, dtype: DType) -> Graph:
    """The graph with all int8 weights of linear layers as `dtype`, scales made to suit."""
    names = {
        node.inputs[1]
        for node in graph.nodes
        if isinstance(node.op, Conv2D | DepthwiseConv2D | FullyConnected)
    }
    constants, types = dict(graph.constants), dict(graph.types)
    for name in names & set(constants):
        constants[name], types[name] = _narrow(constants[name], types[name], dtype)
    return replace(graph, constants=constants, types=types)


def _narrow(values: Array, kind: TensorType, dtype: DType) -> tuple[Array, TensorType]:
    if kind.dtype is not DType.INT8 or kind.quant is None:
        return values, kind
    low, high = dtype.integer_range
    divisor = 127 / high
    narrow = np.clip(np.round(values / divisor), low, high).astype(np.int8)
    scale = tuple(float(np.float32(s * divisor)) for s in kind.quant.scale)
    quant = Quant(scale, kind.quant.zero_point, kind.quant.axis)
    return narrow, TensorType(kind.shape, dtype, quant)


def measure_subbyte(models: Path, board: str = "nucleo-l4r5zi") -> list[SubbyteNetwork]:
    """Every network with every width, verified against the reference on the emulated core."""
    target = load_target(board)
    return [_measured(models, name, dtype, target) for name in NETWORKS for dtype in _WIDTHS]


def _measured(models: Path, name: str, dtype: DType, target: Target) -> SubbyteNetwork:
    graph = load_model(models / "mlperf_tiny" / f"{name}.tflite")
    if dtype is not DType.INT8:
        graph = narrowed(graph, dtype)
    compiled = compile_graph(graph, target, "net")
    firmware = build_compiled(compiled, compiler="gcc")
    samples = random_samples(ports_of(compiled.source), 1, 0)
    done = verify_compiled(compiled, firmware, samples, emulator=choose_emulator(target.core))
    report = compile_report(compiled, done, samples)
    memory = report.memory
    return SubbyteNetwork(
        name, dtype.value, report.instructions, memory.flash_bytes, memory.sram_bytes
    )


def load_subbyte() -> list[SubbyteNetwork]:
    """The committed rows."""
    return read_rows(TABLE, SubbyteNetwork)
