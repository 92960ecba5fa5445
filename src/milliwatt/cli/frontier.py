# SPDX-License-Identifier: MIT
"""`milliwatt frontier MODEL --target T`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from milliwatt.cli.console import json_option, progress, say, show, show_json
from milliwatt.cli.inputs import read_choices, read_graph
from milliwatt.cli.options import (
    choices_option,
    compiler_option,
    integer_io_option,
    target_option,
)

if TYPE_CHECKING:
    from milliwatt.report.frontier import Frontier

_MARKER = "frontier.json"
_PICTURE = "frontier.svg"


@click.command("frontier")
@click.argument("model", type=click.Path(path_type=Path))
@target_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the picture (frontier.svg) and the data (frontier.json).",
)
@click.option(
    "--points",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="About how many amounts of SRAM to try.",
)
@click.option(
    "--push-rows", is_flag=True, help="The input comes row by row, and is never in memory."
)
@choices_option
@integer_io_option
@compiler_option
@json_option
def command(
    model: Path,
    target: str,
    output: Path | None,
    points: int,
    push_rows: bool,
    choices_file: Path | None,
    integer_io: bool,
    compiler: str,
    as_json: bool,
) -> None:
    """Show what less SRAM costs MODEL: each point compiled, verified and counted.

    More and more layers are computed a few rows at a time. `milliwatt compile --sram-bytes` makes
    any of the points.
    """
    from milliwatt.backend.mcu.choice.objective import SPEED
    from milliwatt.hardware import load_target
    from milliwatt.output import check_folder
    from milliwatt.report.frontier import frontier_bound, frontier_table, measure_frontier

    if output is not None:
        check_folder(output, _MARKER)
    board = load_target(target)
    choices = None if choices_file is None else read_choices(choices_file, board.core)
    graph = read_graph(model, integer_io=integer_io)
    say(f"measuring {graph.name} on {board.core}")
    found = measure_frontier(
        graph,
        board,
        points=points,
        push_rows=push_rows,
        objective=SPEED if choices is None else choices.objective,
        kept=None if choices is None else choices.kernels,
        compiler=compiler,
        optimisation=None if choices is None else choices.optimisation,
        progress=progress,
    )
    progress("")
    if output is not None:
        _write(output, found)
    if as_json:
        show_json(found.as_json())
        return
    show(frontier_table(found))
    show(frontier_bound(found))
    if output is not None:
        show(f"{output}: {_PICTURE}, {_MARKER}")


def _write(output: Path, found: Frontier) -> None:
    from milliwatt.output import write_folder
    from milliwatt.report.frontier_picture import frontier_picture

    text = json.dumps(found.as_json(), indent=2) + "\n"
    write_folder(output, {_PICTURE: frontier_picture(found), _MARKER: text}, _MARKER)
