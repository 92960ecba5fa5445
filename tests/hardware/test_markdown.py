# SPDX-License-Identifier: MIT
"""The page of the documentation says what the catalogue says."""

import tomllib
from pathlib import Path

from milliwatt.hardware import list_targets, load_target
from milliwatt.hardware.describe import describe_figures
from milliwatt.hardware.markdown import EXAMPLE, REGENERATE, catalogue_markdown
from milliwatt.hardware.parse import parse_target

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == catalogue_markdown(list_targets()), f"run: {REGENERATE}"


def test_the_example_is_a_target() -> None:
    target = parse_target(tomllib.loads(EXAMPLE), "my-board.toml")
    assert target.power[0].active_power_mw is not None
    assert round(target.power[0].active_power_mw.value, 6) == 39.6


def test_every_figure_is_shown_with_its_source() -> None:
    rows = {row.what: row for row in describe_figures(load_target("nucleo-l4r5zi"))}
    assert rows["clock"].value == "120 MHz"
    assert rows["memory sram"].value == "655,360 B at 0x20000000, sram, for data"
    assert rows["cycles per instruction"].value == "1.52 (1.38 to 1.72)"
    assert rows["error of the fitted model, largest"].value == "11.0%"
    power = rows["active power, 3v0 (3 V supply, internal regulator)"]
    assert power.value == "74.4 mW (69.7 to 78.3)"
    assert "MLPerf Tiny v1.1" in power.source
    assert len(rows) == 11


def test_figures_with_a_limit_or_a_current_only() -> None:
    rows = {row.what: row.value for row in describe_figures(load_target("rpi-pico"))}
    assert rows["clock"] == "125 MHz, 133 MHz at most"
    current = "sleep current, datasheet (chip; supply voltage not known here)"
    assert rows[current] == "390 µA, SLEEP state of the datasheet"
