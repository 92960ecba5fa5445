# SPDX-License-Identifier: MIT
"""Random networks with random streams compute what the reference does, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from milliwatt.backend.mcu.choice.objective import SRAM
from milliwatt.backend.mcu.compile import Compiled, compile_graph, core_of
from milliwatt.hardware import load_target
from milliwatt.ir.types import Array, DType
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import (
    agree,
    build_compiled,
    ports_of,
    reference_outputs,
    verify_compiled,
)
from tests.backend.mcu.batch import Outputs, run_on_core, run_on_host
from tests.backend.mcu.streaming.forced import compiled_with, random_streams
from tests.backend.mcu.streaming.networks import random_cnn
from tests.support import needs_arm_gcc, needs_gcc, needs_qemu

BATCH = 12
DSP, PORTABLE = "nucleo-l4r5zi", "rp2040"


def compile_batch(first: int, dtype: DType, board: str, *, fed: bool) -> list[Compiled]:
    core = core_of(load_target(board))
    found: list[Compiled] = []
    for seed in range(first, first + 4 * BATCH):
        graph = random_cnn(seed, dtype)
        streams = random_streams(graph, core, seed, fed=fed)
        if streams and any(s.fed for s in streams) == fed and len(found) < BATCH:
            found.append(compiled_with(graph, board, streams))
    assert len(found) == BATCH
    return found


def assert_equal(
    batch: Sequence[Compiled], samples: Sequence[list[tuple[Array, ...]]], got: Sequence[Outputs]
) -> None:
    for compiled, some, rows in zip(batch, samples, got, strict=True):
        expected = reference_outputs(compiled.source, some)
        for (array,), (data,) in zip(expected, rows, strict=True):
            actual = np.frombuffer(data, array.dtype).reshape(array.shape)
            paces = [(p.stream.nodes, p.stream.pace) for p in compiled.plan.streams]
            assert agree(actual, array), f"{compiled.source.name} with {paces}"


def samples_of(batch: Sequence[Compiled]) -> list[list[tuple[Array, ...]]]:
    return [random_samples(ports_of(c.source), 2, seed) for seed, c in enumerate(batch)]


@needs_gcc
@pytest.mark.parametrize("fed", [False, True], ids=["whole", "pushed"])
@pytest.mark.parametrize("board", [DSP, PORTABLE])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16, DType.FLOAT32])
def test_on_the_host_under_sanitizers(dtype: DType, board: str, fed: bool, tmp_path: Path) -> None:
    batch = compile_batch(0, dtype, board, fed=fed)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("fed", [False, True], ids=["whole", "pushed"])
@pytest.mark.parametrize("board", [DSP, PORTABLE])
def test_on_the_core(board: str, fed: bool, tmp_path: Path) -> None:
    batch = compile_batch(1000, DType.INT8, board, fed=fed)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_core(batch, samples, tmp_path))


@needs_arm_gcc
@needs_qemu
@pytest.mark.emulator
@pytest.mark.parametrize("fed", [False, True], ids=["whole", "pushed"])
def test_with_helium(fed: bool) -> None:
    for compiled in compile_batch(3000, DType.INT8, "corstone-300", fed=fed)[:5]:
        samples = random_samples(ports_of(compiled.source), 2, 0)
        verify_compiled(compiled, build_compiled(compiled), samples, emulator="qemu")


@needs_arm_gcc
def test_no_warnings_where_loops_are_unrolled() -> None:
    """A strip at the arena's end, whose few bytes gcc moves 16 at a time if there are so many."""
    graph, board = random_cnn(40000033, DType.INT16), load_target("corstone-300")
    compiled = compile_graph(graph, board, objective=SRAM)
    assert "mw_drop_rows(" in compiled.files[f"{compiled.plan.name}.c"]
    build_compiled(compiled, optimisation="-O3")


@pytest.mark.slow
@needs_gcc
@pytest.mark.parametrize("first", range(2000, 6000, 400))
@pytest.mark.parametrize("fed", [False, True], ids=["whole", "pushed"])
def test_many_more(first: int, fed: bool, tmp_path: Path) -> None:
    for board in (DSP, PORTABLE):
        folder = tmp_path / board
        folder.mkdir()
        batch = compile_batch(first, DType.INT8, board, fed=fed)
        samples = samples_of(batch)
        assert_equal(batch, samples, run_on_host(batch, samples, folder))
