# SPDX-License-Identifier: MIT
"""The page and the picture, and that the committed ones are of the committed tables."""

import dataclasses

import pytest

from bench.markdown import count, ratio, table
from bench.page import render
from bench.plot import PICTURE, draw
from bench.suite import BENCH, RESULTS, load_suite
from bench.tables import files_of, load_tables
from tests.bench.fakes import layers, suite, tables


def test_cells() -> None:
    assert count(1234567) == "1,234,567"
    assert count(None) == "–"
    assert ratio(50, 200) == "0.25"
    assert ratio(50, None) == "–"
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_goals_are_counted_and_what_is_missed_named() -> None:
    page = render(suite(), tables())
    assert "**6 of 7 goals met**; missed: two instructions 1,250 of 1,000." in page
    assert "| one | 1,250 | 2,500 | 0.50 | – | – | yes |" in page
    assert "| two | 1,250 | 1,000 | 1.25 | – | – | **no** |" in page


def test_all_goals_met() -> None:
    page = render(suite(), dataclasses.replace(tables(), figures=tables().figures[:1]))
    assert "**4 of 4 goals met**." in page
    assert "missed" not in page


def test_layers_by_type() -> None:
    page = render(suite(), tables())
    assert "| one | 1.50 | 1.50 | 1.50 | 1.50 | 4.0% | 1.25 |" in page


def test_latency_and_times() -> None:
    page = render(suite(), tables())
    assert "| one | 1.5 | 1.25 to 1.75 | 3 |" in page
    assert "| one | 4.00 s | 3 s | **no** |" in page
    assert "| milliwatt --help | 0.10 s | 0.3 s | yes |" in page


def test_a_page_of_empty_tables() -> None:
    nothing = dataclasses.replace(tables(), figures=(), layers=(), times=())
    assert "**0 of 0 goals met**." in render(suite(), nothing)


def test_equal_layers_make_equal_pictures() -> None:
    pytest.importorskip("matplotlib")
    first = draw(layers())
    assert first == draw(layers())
    assert "SMLAD" in first


def test_the_committed_page_is_of_the_committed_tables() -> None:
    committed = load_tables()
    text = (BENCH / "README.md").read_text("utf-8")
    assert text == render(load_suite(), committed), "run: python -m bench --page"
    for name, content in files_of(committed).items():
        assert (RESULTS / name).read_text("utf-8") == content
    assert (RESULTS / PICTURE).is_file()


def test_committed_figures_add_up() -> None:
    committed = load_tables()
    assert {row.key for row in committed.figures} <= set(load_suite().keys())
    for row in committed.figures:
        assert row.flash_bytes == row.weights_bytes + row.constants_bytes + row.code_bytes
        assert row.image_bytes >= row.flash_bytes
        assert row.sram_bytes == row.arena_bytes + row.state_bytes + row.static_bytes
        assert row.arena_bytes >= row.arena_lower_bound_bytes
        own = [layer for layer in committed.layers if layer.key == row.key]
        assert sum(layer.macs for layer in own) == row.macs
        assert sum(layer.instructions for layer in own) < row.instructions
