# SPDX-License-Identifier: MIT
"""What streams are thought to cost decides for those that cost less."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from milliwatt.backend.mcu.compile import compile_graph
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from tests.backend.mcu.streaming.test_goals import counted
from tests.support import needs_arm_gcc


@pytest.mark.slow
@needs_arm_gcc
@pytest.mark.emulator
def test_more_memory_is_not_slower(shared: Path) -> None:
    """But for what estimates cannot tell."""
    graph = load_model(shared / "models/mlperf_tiny/vww_mobilenetv1_025_96_int8.tflite")
    board = load_target("nucleo-l4r5zi")
    counts = [
        counted(compile_graph(graph, board, sram_bytes=sram_bytes, push_rows=True))[1]
        for sram_bytes in (14_000, 15_000, 17_000, 20_000)
    ]
    assert all(more <= 1.01 * less for less, more in pairwise(counts))
