# SPDX-License-Identifier: MIT
"""docs/tuning.md shows the committed figures, and its picture the committed layers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.kernels.alternatives_page import filled as filled_marks
from bench.plot_tuned import PICTURE, draw
from bench.rows import read_rows
from bench.suite import RESULTS
from bench.tuning import PAGE, choices_table, tuning_block
from bench.tuning_rows import CHOICES, LAYERS, ChoiceCost, TunedLayerCost
from tests.bench.fakes import figures, suite, tables

COMMAND = "python -m bench.choices"


def test_the_page_shows_the_committed_choices() -> None:
    text = PAGE.read_text("utf-8")
    rows = read_rows(RESULTS / CHOICES, ChoiceCost)
    assert text == filled_marks(text, {"choices": choices_table(rows)}), f"run: {COMMAND}"


def test_nothing_costs_less_than_the_best() -> None:
    for row in read_rows(RESULTS / CHOICES, ChoiceCost):
        assert row.compiled >= row.kernels >= row.tuned, row


def test_the_picture_shows_the_committed_layers() -> None:
    pytest.importorskip("matplotlib")
    layers = read_rows(RESULTS / LAYERS, TunedLayerCost)
    assert (RESULTS / PICTURE).read_text("utf-8") == draw(layers), f"run: {COMMAND}"


def test_regret_is_relative_to_the_best() -> None:
    table = choices_table([ChoiceCost("one", "speed", 1.1, 1.0, 0.8, 2, 9)])
    assert table.splitlines()[-1] == (
        "| one | `speed` | 1.1000 | 1.0000 | 10.0% | 2 of 9 | 0.8000 | 37.5% |"
    )


def test_tuned_networks_stand_beside_the_default() -> None:
    lines = tuning_block(suite(), tables()).splitlines()
    assert lines[0].startswith("| Cortex-M4, gcc -O2 | instructions | tuned |")
    (row,) = [line for line in lines if line.startswith("| one |")]
    assert " 1,200 |" in row


def test_a_core_without_a_cycle_model_has_a_table_of_instructions() -> None:
    (m4,) = [group for group in suite().groups if group.name == "m4-gcc-tuned"]
    m55 = replace(m4, name="m55-gcc-tuned", platform="m55", core_title="Cortex-M55")
    both = replace(suite(), groups=(*suite().groups, m55))
    rows = (*tables().figures, figures("one", m55.name, instructions=90, cycles=None))
    last = tuning_block(both, replace(tables(), figures=rows)).splitlines()[-1]
    assert last.startswith("| Cortex-M55 | one | 100 | 90 | -10.0% |")
