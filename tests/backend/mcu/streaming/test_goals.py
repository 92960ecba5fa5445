# SPDX-License-Identifier: MIT
"""The SRAM that known networks are to fit, at no more than a tenth more instructions."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, ports_of, verify_compiled
from tests.support import needs_arm_gcc

GOALS = [
    ("mlperf_tiny/vww_mobilenetv1_025_96_int8", 34_000, False),
    ("mlperf_tiny/vww_mobilenetv1_025_96_int8", 14_000, True),
    ("mlperf_tiny/ic_resnet8_int8", 24_000, False),
    ("mlperf_tiny/kws_dscnn_int8", 9_500, False),
    ("micronets/micronet_kws_m_int8", 30_000, False),
    ("micronets/micronet_ad_l_int8", 90_000, False),
    ("mit/mcunet-320kb-1mb_imagenet_int8", 150_000, False),
]


def counted(compiled: Compiled) -> tuple[int, int]:
    """Static bytes of SRAM, and instructions of one inference that equals the reference."""
    firmware = build_compiled(compiled)
    samples = random_samples(ports_of(compiled.source), 1, 0)
    done = verify_compiled(compiled, firmware, samples)
    memory = firmware.memory
    return memory.data_bytes + memory.zeroed_bytes, max(done.measurement.instructions)


@pytest.mark.slow
@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize(("model", "sram_bytes", "push_rows"), GOALS)
def test_goal(shared: Path, model: str, sram_bytes: int, push_rows: bool) -> None:
    graph = load_model(shared / "models" / f"{model}.tflite")
    board = load_target("nucleo-l4r5zi")
    _, fastest = counted(compile_graph(graph, board))
    by_rows = compile_graph(graph, board, sram_bytes=sram_bytes - 16, push_rows=push_rows)
    used, instructions = counted(by_rows)
    assert used <= sram_bytes
    assert instructions <= 1.1 * fastest
