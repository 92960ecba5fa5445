# SPDX-License-Identifier: MIT
"""Networks at the ends of their numbers, by any kernels, compute what the reference does."""

from __future__ import annotations

from pathlib import Path

import pytest

from milliwatt.run.verify import build_compiled, verify_compiled
from tests.backend.mcu.batch import run_on_core, run_on_host
from tests.backend.mcu.streaming.extremes import compile_extreme
from tests.backend.mcu.streaming.test_random_cnns import assert_equal, samples_of
from tests.support import needs_arm_gcc, needs_gcc, needs_qemu

DSP, PORTABLE, HELIUM = "nucleo-l4r5zi", "rpi-pico", "corstone-300"
BATCH = 8


@needs_gcc
@pytest.mark.parametrize("board", [DSP, PORTABLE, HELIUM])
def test_on_the_host_under_sanitizers(board: str, tmp_path: Path) -> None:
    batch = [compile_extreme(seed, board) for seed in range(BATCH)]
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))


@needs_arm_gcc
@pytest.mark.emulator
@pytest.mark.parametrize("board", [DSP, PORTABLE])
def test_on_the_core(board: str, tmp_path: Path) -> None:
    batch = [compile_extreme(seed, board) for seed in range(100, 100 + BATCH)]
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_core(batch, samples, tmp_path))


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_with_helium() -> None:
    for seed in range(200, 205):
        compiled = compile_extreme(seed, HELIUM)
        (samples,) = samples_of([compiled])
        verify_compiled(compiled, build_compiled(compiled), samples, emulator="qemu")


@pytest.mark.slow
@needs_gcc
@pytest.mark.parametrize("first", range(1000, 2000, 100))
@pytest.mark.parametrize("board", [DSP, PORTABLE, HELIUM])
def test_many_more(board: str, first: int, tmp_path: Path) -> None:
    batch = [compile_extreme(seed, board) for seed in range(first, first + 2 * BATCH)]
    samples = samples_of(batch)
    assert_equal(batch, samples, run_on_host(batch, samples, tmp_path))
