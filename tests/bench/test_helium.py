# SPDX-License-Identifier: MIT
"""docs/kernels.md shows the committed figures on Helium; those measured now are no worse."""

from __future__ import annotations

import pytest

from bench.kernels import helium
from bench.kernels.alternatives_page import PAGE, Row, filled
from bench.kernels.helium_page import break_even, render
from milliwatt.errors import OptionError
from tests.bench.kernel_gate import allowance, assert_none_is_worse
from tests.support import needs_arm_gcc, needs_qemu, shared_file

COMMAND = "python -m bench.kernels.helium"


def test_the_page_shows_the_committed_figures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = render(helium.load(), helium.load_network_rows())
    assert text == filled(text, tables), f"run: {COMMAND}"


def row(weights: str, instructions: int) -> Row:
    return Row("helium-sparse", "a layer", weights, "kernel", 100, instructions, 0, 0)


def test_break_even_lies_on_the_line_between_two_shares() -> None:
    shares = [row("75% of blocks 1×16", 120), row("50% of blocks 1×16", 60), row("2 of 4", 1)]
    assert break_even([row("all", 80), *shares]) == pytest.approx(0.5 + 0.25 * 20 / 60)
    with pytest.raises(OptionError, match="a layer: no break-even"):
        break_even([row("all", 200), *shares])


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_no_kernel_became_slower_or_larger() -> None:
    times = allowance([("cortex-m55", "gcc")])
    assert_none_is_worse(helium.load(), helium.measure(), times)


@needs_arm_gcc
@needs_qemu
@pytest.mark.qemu
def test_no_network_with_narrow_weights_became_slower_or_larger() -> None:
    times = allowance([("cortex-m55", "gcc")])
    measured = helium.measure_networks(shared_file("models"))
    assert_none_is_worse(helium.load_network_rows(), measured, times)
