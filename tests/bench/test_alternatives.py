# SPDX-License-Identifier: MIT
"""docs/kernels.md shows the committed figures; those measured now are no worse."""

from __future__ import annotations

import pytest

from bench.kernels import alternatives
from bench.kernels.alternatives_page import PAGE, Row, break_even, filled, render
from bench.kernels.coded_networks import load_networks, measure_networks
from bench.kernels.subbyte_networks import load_subbyte, measure_subbyte
from bench.kernels.tuned_ic import load_tuned
from milliwatt.errors import OptionError
from tests.bench.kernel_gate import allowance, assert_none_is_worse
from tests.support import needs_arm_gcc, shared_file

COMMAND = "python -m bench.kernels.alternatives"


def tables() -> dict[str, str]:
    return render(alternatives.load(), load_networks(), load_subbyte(), load_tuned())


def test_the_page_shows_the_committed_figures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == filled(text, tables()), f"run: {COMMAND}"


def test_a_page_without_a_marker_is_refused() -> None:
    with pytest.raises(OptionError, match="the page needs one <!-- measured:subbyte -->"):
        filled("", tables())


def row(weights: str, instructions: int) -> Row:
    return Row("sparse", "a layer", weights, "kernel", 100, instructions, 0, 0)


def test_break_even_lies_on_the_line_between_two_shares() -> None:
    rows = [row("all", 80), row("2 of 4", 1), row("50% of weights", 120), row("30% of weights", 60)]
    assert break_even(rows) == pytest.approx(0.3 + 0.2 * 20 / 60)
    with pytest.raises(OptionError, match="a layer: no break-even"):
        break_even([row("all", 200), *rows[1:]])


@needs_arm_gcc
@pytest.mark.emulator
def test_no_kernel_became_slower_or_larger() -> None:
    times = allowance([("cortex-m4", "gcc")])
    assert_none_is_worse(alternatives.load(), alternatives.measure(), times)


@needs_arm_gcc
@pytest.mark.emulator
def test_no_network_with_narrow_weights_became_slower_or_larger() -> None:
    times = allowance([("cortex-m4", "gcc")])
    assert_none_is_worse(load_subbyte(), measure_subbyte(shared_file("models")), times)


def test_no_network_with_coded_weights_became_larger() -> None:
    assert_none_is_worse(load_networks(), measure_networks(shared_file("models")))


def test_one_figure_more_is_worse_and_one_less_is_not() -> None:
    committed = [row("all", 80), row("2 of 4", 60)]
    assert_none_is_worse(committed, [row("all", 79), row("2 of 4", 60)])
    with pytest.raises(AssertionError, match="instructions 60 -> 61"):
        assert_none_is_worse(committed, [row("all", 79), row("2 of 4", 61)])
    with pytest.raises(KeyError):
        assert_none_is_worse(committed, [row("all", 79), row("1 of 4", 1)])
