# SPDX-License-Identifier: MIT
"""`milliwatt tune MODEL --target T`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from milliwatt.cli.console import json_option, progress, say, show, show_json
from milliwatt.cli.inputs import read_graph
from milliwatt.cli.options import compiler_option, integer_io_option, target_option

if TYPE_CHECKING:
    from milliwatt.tuning.tune import Tuning


@click.command("tune")
@click.argument("model", type=click.Path(path_type=Path))
@target_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Keep the choice in this .toml file."
)
@click.option(
    "--objective",
    default="speed",
    show_default=True,
    help="speed, sram, flash, or weights such as speed=1,flash=0.2.",
)
@click.option(
    "--sram-bytes",
    type=click.IntRange(min=1),
    help="What arena, state and other static memory may take, as for `milliwatt compile`.",
)
@compiler_option
@click.option(
    "--optimisation",
    type=click.Choice(["-O2", "-O3", "-Os"]),
    help="Compiler optimisation; default: -Os for flash, else -O2.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the random sample.",
)
@integer_io_option
@json_option
def command(
    model: Path,
    target: str,
    output: Path | None,
    objective: str,
    sram_bytes: int | None,
    compiler: str,
    optimisation: str | None,
    seed: int,
    integer_io: bool,
    as_json: bool,
) -> None:
    """Measure every kernel that computes a layer of MODEL on the emulated core; keep the best.

    Networks are built as `milliwatt compile` builds them with these options; with --choices FILE it
    then uses the kept kernels. What was measured is cached, so that an interrupted run continues
    where it stopped.
    """
    from milliwatt.backend.mcu.choice.objective import parse_objective
    from milliwatt.hardware import load_target
    from milliwatt.output import check_file
    from milliwatt.tuning.tune import tune

    if output is not None:
        check_file(output)
    wanted = parse_objective(objective)
    board = load_target(target)
    graph = read_graph(model, integer_io=integer_io)
    say(f"tuning {graph.name} for {board.core}, objective {wanted}")
    done = tune(
        graph,
        board,
        objective=wanted,
        sram_bytes=sram_bytes,
        compiler=compiler,
        optimisation=optimisation,
        seed=seed,
        progress=progress,
    )
    progress("")
    _keep(done, output, as_json)


def _keep(done: Tuning, output: Path | None, as_json: bool) -> None:
    """Write the choice where it is wanted, and print what it gains."""
    from milliwatt.backend.mcu.choice.choices import choices_text
    from milliwatt.output import write_file
    from milliwatt.tuning.describe import tuning_json, tuning_table

    if output is not None:
        write_file(output, choices_text(done.choices))
    if as_json:
        show_json(tuning_json(done))
        return
    show(tuning_table(done))
    show(
        "not kept (add -o FILE)"
        if output is None
        else f"{output}: kept for `milliwatt compile --choices {output}`"
    )
