# SPDX-License-Identifier: MIT
"""From a TOML table to a Figure."""

from __future__ import annotations

from typing import cast, get_args

from milliwatt.hardware.model import Basis, Figure
from milliwatt.hardware.table import TableReader


def read_figure(reader: TableReader, key: str, low: float, high: float) -> Figure:
    """The figure at `key`, its value and its bounds from `low` to `high`."""
    return figure_of(reader, key, reader.table(key), low, high)


def optional_figure(reader: TableReader, key: str, low: float, high: float) -> Figure | None:
    """The figure at `key`, None where there is none."""
    return read_figure(reader, key, low, high) if reader.has(key) else None


def figure_of(reader: TableReader, key: str, table: TableReader, low: float, high: float) -> Figure:
    """The figure that `table` holds, which stands at `key` of `reader`."""
    figure = Figure(
        value=table.number("value", low, high),
        source=table.text("source"),
        basis=cast("Basis", table.choice("basis", get_args(Basis))),
        low=table.number("low", low, high) if table.has("low") else None,
        high=table.number("high", low, high) if table.has("high") else None,
    )
    table.finish()
    bottom, top = figure.bounds
    if not bottom <= figure.value <= top:
        reader.fail(
            key, f"must have low <= value <= high, not {bottom:g}, {figure.value:g}, {top:g}"
        )
    return figure
