# SPDX-License-Identifier: MIT
"""Whatever the graph, its C gives what its interpreter gives: on the host, on emulated cores.

Many small graphs go into one program, so that the compiler starts a few times only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from milliwatt.backend.mcu.compile import Compiled, compile_graph
from milliwatt.hardware import load_target
from milliwatt.ir.types import Array, DType
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import agree, ports_of, reference_outputs
from tests.backend.mcu.batch import Outputs, run_on_core, run_on_host
from tests.backend.mcu.random_graphs import LARGE, SMALL, Size, random_graph
from tests.support import needs_arm_gcc, needs_clang, needs_gcc

BATCH = 12
CALLS = 3
"""Consecutive calls of each graph, so that states matter."""
DSP, PORTABLE = "nucleo-l4r5zi", "rp2040"
TYPES = {"int8": DType.INT8, "int16": DType.INT16, "float32": DType.FLOAT32}


def compile_batch(first_seed: int, dtype: DType, board: str, size: Size = SMALL) -> list[Compiled]:
    """Graphs of consecutive seeds, each with its own prefix."""
    target = load_target(board)
    seeds = range(first_seed, first_seed + BATCH)
    return [compile_graph(random_graph(s, dtype, size), target, f"net{s}") for s in seeds]


def samples_of(batch: Sequence[Compiled]) -> list[list[tuple[Array, ...]]]:
    return [random_samples(ports_of(c.source), CALLS, seed) for seed, c in enumerate(batch)]


def assert_equal(
    batch: Sequence[Compiled], samples: Sequence[list[tuple[Array, ...]]], got: Sequence[Outputs]
) -> None:
    """Every output of every call equals the interpreter's, floats within the verifier's bound."""
    import numpy as np

    for compiled, some, rows in zip(batch, samples, got, strict=True):
        expected = reference_outputs(compiled.source, some)
        for call, (arrays, row) in enumerate(zip(expected, rows, strict=True)):
            for name, array, data in zip(compiled.source.outputs, arrays, row, strict=True):
                actual = np.frombuffer(data, array.dtype).reshape(array.shape)
                where = f"{compiled.source.name}, call {call}, output {name}"
                assert agree(actual, array), where


def check_on_host(
    first_seed: int,
    dtype: DType,
    board: str,
    folder: Path,
    *,
    compiler: str = "gcc",
    plain: Sequence[str] = (),
) -> None:
    batch = compile_batch(first_seed, dtype, board)
    samples = samples_of(batch)
    outputs = run_on_host(batch, samples, folder, compiler=compiler, plain=plain)
    assert_equal(batch, samples, outputs)


def check_on_core(
    first_seed: int, dtype: DType, board: str, folder: Path, size: Size = SMALL
) -> None:
    batch = compile_batch(first_seed, dtype, board, size)
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_core(batch, samples, folder))


@needs_gcc
@pytest.mark.parametrize("board", [DSP, PORTABLE])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("first_seed", [0, 100])
def test_on_the_host_under_sanitizers(
    first_seed: int, dtype: str, board: str, tmp_path: Path
) -> None:
    check_on_host(first_seed, TYPES[dtype], board, tmp_path)


@needs_clang
@pytest.mark.parametrize("dtype", TYPES)
def test_on_the_host_with_clang(dtype: str, tmp_path: Path) -> None:
    check_on_host(200, TYPES[dtype], DSP, tmp_path, compiler="clang")


@needs_gcc
@pytest.mark.parametrize("dtype", TYPES)
def test_on_the_host_with_link_time_optimisation(dtype: str, tmp_path: Path) -> None:
    check_on_host(300, TYPES[dtype], DSP, tmp_path, plain=("-O3", "-flto=1"))


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("board", [DSP, PORTABLE])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("first_seed", [400, 500])
def test_on_the_core(first_seed: int, dtype: str, board: str, tmp_path: Path) -> None:
    check_on_core(first_seed, TYPES[dtype], board, tmp_path)


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("first_seed", [600, 700])
def test_larger_graphs_on_the_core(first_seed: int, tmp_path: Path) -> None:
    check_on_core(first_seed, DType.INT8, DSP, tmp_path, LARGE)


@pytest.mark.slow
@needs_gcc
@needs_arm_gcc
@pytest.mark.parametrize("first_seed", range(1000, 1600, BATCH))
@pytest.mark.parametrize("dtype", TYPES)
def test_many_more(first_seed: int, dtype: str, tmp_path: Path) -> None:
    host, core = tmp_path / "host", tmp_path / "core"
    host.mkdir()
    core.mkdir()
    check_on_host(first_seed, TYPES[dtype], PORTABLE, host)
    check_on_core(first_seed, TYPES[dtype], DSP, core)


@pytest.mark.slow
@needs_arm_gcc
@pytest.mark.parametrize("first_seed", range(2000, 2600, BATCH))
def test_many_more_larger_ones(first_seed: int, tmp_path: Path) -> None:
    check_on_core(first_seed, DType.INT8, DSP, tmp_path, LARGE)
