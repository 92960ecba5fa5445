# SPDX-License-Identifier: MIT
"""When the gate fails, and what it says."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.check import check_figures
from bench.gate import changes, layer_changes, verdict, why_incomparable
from bench.measure import Measured, what_is_missing
from bench.suite import Group, load_suite
from bench.tables import load_tables
from milliwatt.errors import ToolchainError
from tests.bench.fakes import figures, layers, suite, tables
from tests.support import find_shared

BEFORE = [figures("one"), figures("two")]


def test_nothing_changed() -> None:
    passed, text = verdict(changes(BEFORE, BEFORE))
    assert passed
    assert "no figure differs" in text


@pytest.mark.parametrize(
    ("figure", "after", "told"),
    [
        ("instructions", 1251, "m4-gcc two: instructions 1,250 -> 1,251 (+0.08%)"),
        ("cycles", 1801, "two: cycles 1,800 -> 1,801 (+0.06%)"),
        ("image_bytes", 1100, "two: image_bytes 1,000 -> 1,100 (+10.00%)"),
        ("sram_bytes", 101, "two: sram_bytes 100 -> 101 (+1.00%)"),
        ("code_bytes", 401, "two: beyond_weights_bytes 460 -> 461 (+0.22%)"),
        ("stack_bytes", 72, "two: stack_bytes 64 -> 72 (+12.50%)"),
    ],
)
def test_one_worse_figure_fails(figure: str, after: int, told: str) -> None:
    passed, text = verdict(changes(BEFORE, [figures("one"), figures("two", **{figure: after})]))
    assert not passed
    assert told in text
    assert "worse than committed in bench/results" in text
    assert text.endswith("to refresh the table: make bench")


def test_a_better_figure_passes_and_asks_for_a_refresh() -> None:
    passed, text = verdict(changes(BEFORE, [figures("one", instructions=1000), figures("two")]))
    assert passed
    assert "better than committed in bench/results" in text
    assert "one: instructions 1,250 -> 1,000 (-20.00%)" in text
    assert "make bench" in text


def test_one_better_figure_does_not_pay_for_a_worse_one() -> None:
    found = changes(BEFORE, [figures("one", instructions=1, sram_bytes=101), figures("two")])
    passed, text = verdict(found)
    assert not passed
    assert text.index("sram_bytes") < text.index("better than") < text.index("instructions")


def test_what_is_not_gated_may_change() -> None:
    assert changes(BEFORE, [figures("one", commit="another", arena_lower_bound_bytes=1)]) == []


def test_a_layer_that_is_worse_fails() -> None:
    before = layers()
    after = [replace(before[0], instructions=301), *before[1:3], replace(before[3], cycles=999)]
    passed, text = verdict(layer_changes(before, after))
    assert not passed
    assert "one: layer 0 'layer 0, conv 1×1': instructions 300 -> 301 (+0.33%)" in text
    assert "layer 3" not in text


def test_layers_that_are_not_at_the_same_place_are_not_compared() -> None:
    before = layers()
    elsewhere = [replace(layer, layer=layer.layer + 1, instructions=9999) for layer in before]
    assert layer_changes(before, [*elsewhere, *layers("two")]) == []


def test_a_network_without_committed_figures_fails() -> None:
    passed, text = verdict(changes([figures("one")], [figures("two")]))
    assert not passed
    assert "two: instructions 1,250, not in the committed table" in text


def test_rows_are_told_apart_by_group() -> None:
    before = [figures("one", instructions=1), figures("one", group="m55-gcc")]
    (change,) = changes(before, [figures("one", instructions=2), figures("one", group="m55-gcc")])
    assert (change.before, change.after) == (1, 2)


@pytest.mark.parametrize(("more", "code"), [(0, 0), (1, 1)])
def test_the_command_fails_for_one_instruction_more(
    more: int, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = figures("one", instructions=1250 + more)
    monkeypatch.setattr("bench.check.why_not", lambda *_: None)
    monkeypatch.setattr("bench.check.measure_suite", lambda *_: [Measured(now, layers("one"))])
    monkeypatch.setattr("bench.__main__.load_suite", suite)
    monkeypatch.setattr("bench.__main__.load_tables", tables)
    monkeypatch.setattr("bench.__main__.find_shared", lambda: tmp_path)
    done = CliRunner().invoke(main, ["--check", "--group", "m4-gcc"])
    assert done.exit_code == code, done.output


def test_figures_of_another_compiler_say_nothing() -> None:
    assert why_incomparable([figures()], "gcc 1.2") is None
    assert (
        why_incomparable([figures()], "gcc 1.3") == "the table was made by gcc 1.2; here is gcc 1.3"
    )


def test_no_networks_here_skips() -> None:
    outcome = check_figures(suite(), tables(), None, pytest.fail)
    assert outcome.passed
    assert outcome.skipped
    assert "MILLIWATT_SHARED" in outcome.text


def test_no_compiler_here_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_found(*_: object) -> None:
        raise ToolchainError("no C compiler for cortex-m4 found\n  - details")

    monkeypatch.setattr("bench.measure.choose_compiler", none_found)
    assert what_is_missing(suite().headline) == "no C compiler for cortex-m4 found (gcc)"


def test_a_target_without_modelled_cycles_is_not_held_to_any() -> None:
    before, after = figures("one", cycles=None), figures("one", cycles=None)
    assert changes([before], [after]) == []


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("group", load_suite().groups, ids=lambda group: group.name)
def test_no_figure_is_worse_than_committed(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.measure.MOST_WORKERS", 1)
    part = replace(load_suite(), groups=(group,))
    outcome = check_figures(part, load_tables(), find_shared(), print)
    if outcome.skipped:
        pytest.skip(outcome.text)
    assert outcome.passed, outcome.text
