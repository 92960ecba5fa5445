# SPDX-License-Identifier: MIT
"""What `milliwatt targets [NAME]` prints, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from milliwatt.cli.console import json_option, show, show_json
from milliwatt.hardware.describe import SUMMARY_COLUMNS, describe_figures, describe_summary
from milliwatt.hardware.load import list_targets, load_target
from milliwatt.hardware.model import Target

if TYPE_CHECKING:
    from rich.console import RenderableType


def targets_table(name: str | None = None) -> RenderableType:
    """The catalogue as a table, or all figures of one target; TargetError if it is unknown."""
    if name is None:
        return _catalogue_table()
    return _target_table(load_target(name))


def targets_json(name: str | None = None) -> list[dict[str, Any]]:
    """The same as values that `json.dumps` takes: one object for each target."""
    targets = list_targets() if name is None else (load_target(name),)
    return [_as_json(target) for target in targets]


def _as_json(target: Target) -> dict[str, Any]:
    content = asdict(target)
    content["features"] = sorted(target.features)
    content["sram_bytes"] = target.sram_bytes
    content["flash_bytes"] = target.flash_bytes
    return content


_OPTIONAL = {"Cycles/instruction": 4, "Active power": 3, "Chip": 2, "Core": 1}
"""Columns that narrow terminals do without, the largest number first."""


def _catalogue_table() -> RenderableType:
    from rich.console import Group

    from milliwatt.report.layout import Column, FittedTable

    rows = [describe_summary(target) for target in list_targets()]
    columns = tuple(
        Column(
            title,
            tuple(row[i] for row in rows),
            right=title in ("SRAM", "Flash"),
            optional=_OPTIONAL.get(title, 0),
        )
        for i, title in enumerate(SUMMARY_COLUMNS)
    )
    table = FittedTable(columns, name_width=columns[0].width, gap=1)
    return Group(table, "`milliwatt targets NAME`: all figures and their sources")


def _target_table(target: Target) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{target.title} ({target.name}): {target.chip}, {target.core}", style="bold")
    features = Text(f"features: {', '.join(sorted(target.features)) or 'none'}")
    aliases = Text(f"also called: {', '.join(target.aliases) or 'nothing else'}")
    notes = [Text(f"note: {note}") for note in target.notes]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("Figure", "Value", "Basis", "Source"):
        table.add_column(column, overflow="fold")
    for row in describe_figures(target):
        # Text, not str: a source may hold brackets, which are markup in a str.
        table.add_row(*(Text(cell) for cell in (row.what, row.value, row.basis, row.source)))
    return Group(title, features, aliases, *notes, table)


@click.command("targets")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the boards milliwatt knows, or show one with the source of each figure.

    NAME is a board of the catalogue, one of its aliases, or the path of your own .toml file.
    """
    if as_json:
        show_json(targets_json(name))
    else:
        show(targets_table(name))
