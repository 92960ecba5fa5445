# SPDX-License-Identifier: MIT
"""Networks as the planner makes them for the least SRAM compute what the reference does."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.backend.mcu.choice.objective import Objective
from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.hardware import load_target
from milliwatt.ir.types import DType
from tests.backend.mcu.batch import run_on_core, run_on_host
from tests.backend.mcu.streaming.networks import random_cnn
from tests.backend.mcu.streaming.test_random_cnns import assert_equal, samples_of
from tests.support import needs_arm_gcc, needs_gcc

SRAM = Objective(sram=1.0)
DSP, PORTABLE = "nucleo-l4r5zi", "rp2040"
BATCH = 10


def smallest(board: str, dtype: DType = DType.INT8, *, fed: bool = False) -> list[Compiled]:
    target = load_target(board)
    return [
        compile_graph(random_cnn(seed, dtype), target, objective=SRAM, push_rows=fed)
        for seed in range(BATCH)
    ]


def moves(compiled: Compiled) -> list[tuple[int, int]]:
    """From where to where values are moved in the arena."""
    places = compiled.plan.places
    return [
        (places[step.node.inputs[0]].offset_bytes, places[step.node.outputs[0]].offset_bytes)
        for step in compiled.plan.steps
        if step.kernel == "copy"
    ]


def test_values_are_moved_where_that_makes_room() -> None:
    batch = smallest(DSP)
    moved = [pair for compiled in batch for pair in moves(compiled)]
    assert moved
    assert all(old != new for old, new in moved)
    assert any(compiled.plan.streams and moves(compiled) for compiled in batch)


@needs_gcc
@pytest.mark.parametrize("fed", [False, True], ids=["whole", "pushed"])
@pytest.mark.parametrize("board", [DSP, PORTABLE])
def test_on_the_host_under_sanitizers(board: str, fed: bool, tmp_path: Path) -> None:
    batch = smallest(board, fed=fed)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


@needs_gcc
def test_16_bit_values(tmp_path: Path) -> None:
    batch = smallest(DSP, DType.INT16)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


@needs_arm_gcc
@pytest.mark.emulator
def test_on_the_core(tmp_path: Path) -> None:
    batch = smallest(DSP)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_core(batch, samples, tmp_path))
