# SPDX-License-Identifier: MIT
"""The predictor's fit, its table and its page, from made-up measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.predictions.fit import best_fit, relative_errors
from bench.predictions.measure import Sample
from bench.predictions.page import Measured, render
from bench.predictions.rows import ENOUGH, fit_rows, fitted_samples, read_table, write_table
from milliwatt.backend.mcu.choice.predict import FEATURES, Fitted
from milliwatt.errors import DataError

MAC, CALL = FEATURES.index("mac"), FEATURES.index("call")


def sample(kernel: str, macs: int, rate: float, call: float = 0.0) -> Sample:
    features = [0] * len(FEATURES)
    features[MAC], features[CALL] = macs, 1
    return Sample(kernel, "any Conv2D", tuple(features), round(rate * macs + call))


def some(kernel: str, rate: float, count: int = 9) -> dict[str, list[Sample]]:
    return {kernel: [sample(kernel, 1000 * (at + 1) ** 2, rate, 500.0) for at in range(count)]}


def test_rates_are_found_again() -> None:
    features = np.array([one.features for one in some("k", 2.0)["k"]], np.float64)
    counts = np.array([one.instructions for one in some("k", 2.0)["k"]], np.float64)
    rates, errors = best_fit(features, counts)
    assert rates[MAC] == pytest.approx(2.0)
    assert rates[CALL] == pytest.approx(500.0)
    assert errors.max() < 1e-6
    assert relative_errors(2 * rates, features, counts) == pytest.approx(np.ones(len(counts)))


def test_no_rate_is_negative() -> None:
    with pytest.raises(DataError):
        best_fit(np.array([[-1.0], [-2.0]]), np.array([3.0, 6.0]))


def test_layers_of_networks_come_first() -> None:
    alone = some("k", 3.0)
    assert len(fitted_samples("k", some("k", 2.0, ENOUGH), alone)) == ENOUGH
    assert len(fitted_samples("k", some("k", 2.0, ENOUGH - 1), alone)) == ENOUGH - 1 + 9


def test_the_table_is_read_as_written(tmp_path: Path) -> None:
    rows = fit_rows("dsp", some("fast", 1.0), some("slow", 4.0))
    assert {row.kernel for row in rows} == {"fast", "slow", "any Conv2D"}
    write_table(tmp_path / "table.csv", rows, "some networks")
    found = {row.kernel: row for row in read_table(tmp_path / "table.csv")}
    assert {name: row.rates for name, row in found.items()} == {r.kernel: r.rates for r in rows}


def test_the_page_shows_errors_before_and_now() -> None:
    networks, layers = some("fast", 1.0), some("slow", 4.0)
    rows = fit_rows("dsp", networks, layers)
    guess = tuple(2.0 if at == MAC else 0.0 for at in range(len(FEATURES)))
    before = {("dsp", "any Conv2D"): Fitted(guess, 1.0, 1.0)}
    kept = "<!-- base:start -->\nas it was\n<!-- base:end -->\n"
    page = render(
        kept,
        before,
        rows,
        {"dsp": Measured("nucleo-l4r5zi", networks, layers, {"cortex-m7": some("slow", 8.0)})},
        "some networks",
    )
    assert kept in page
    assert "| `fast` | 9 | 0 |" in page
    assert "(no row) | 0.0% |" in page
    assert "| Conv2D | 2 | 2 |" in page
    assert "cortex-m7" in page
    assert "2.0" in next(line for line in page.splitlines() if line.startswith("On cortex-m7"))
