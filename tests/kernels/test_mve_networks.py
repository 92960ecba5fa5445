# SPDX-License-Identifier: MIT
"""Whole networks on a Cortex-M55: every output byte, and instructions beside CMSIS-NN's."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.backend.mcu.choice.objective import parse_objective
from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.report.compilation import compile_report
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.kernels.mve import GCC, ZIG
from tests.support import find_shared

PEERS = {
    "kws_dscnn_int8": 1_702_000,
    "vww_mobilenetv1_025_96_int8": 6_147_000,
    "ad01_int8": 62_296,
    "ic_resnet8_int8": 4_556_000,
    "sww_int8": 378_533,
}
"""Instructions of straight-line C calling CMSIS-NN, best built: zig cc -Os, measured 2026-11."""
SHARE = 0.75


def _path(name: str) -> Path:
    shared = find_shared()
    if shared is None:
        pytest.skip("needs the shared folder: its networks")
    return shared / "models" / "mlperf_tiny" / f"{name}.tflite"


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiler", [pytest.param("gcc", marks=GCC), pytest.param("zig", marks=ZIG)]
)
@pytest.mark.parametrize("name", PEERS)
def test_network(name: str, compiler: str) -> None:
    compiled = compile_graph(load_model(_path(name)), load_target("corstone-300"), name)
    firmware = build_compiled(compiled, compiler=compiler, optimisation="-O2")
    samples = random_samples(ports_of(compiled.source), 2, 0)
    done = verify_compiled(compiled, firmware, samples, emulator="qemu")
    assert compile_report(compiled, done, samples).instructions <= SHARE * PEERS[name]


@pytest.mark.parametrize("compiler", [pytest.param("gcc", marks=GCC)])
def test_network_for_flash(compiler: str) -> None:
    """At -Os, where gcc 12 lost the last column of some depthwise lines."""
    graph = load_model(_path("vww_mobilenetv1_025_96_int8"))
    target, objective = load_target("corstone-300"), parse_objective("flash")
    compiled = compile_graph(graph, target, "vww", objective=objective)
    firmware = build_compiled(compiled, compiler=compiler, optimisation="-Os")
    verify_compiled(
        compiled, firmware, random_samples(ports_of(compiled.source), 1, 0), emulator="qemu"
    )
