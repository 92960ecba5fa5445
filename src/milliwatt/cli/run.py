# SPDX-License-Identifier: MIT
"""`milliwatt run DIR`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from milliwatt.cli.console import json_option, say, show, show_json
from milliwatt.units import format_count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from milliwatt.ir.types import Array
    from milliwatt.run.execute import ProjectRun
    from milliwatt.run.measurement import Measurement
    from milliwatt.run.project import Project


@click.command("run")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "input_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Samples (.npy, .npz or raw .bin); may be repeated. Default: one random sample.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the random sample.",
)
@click.option(
    "--on",
    "engine",
    type=click.Choice(["auto", "unicorn", "qemu", "host"]),
    default="auto",
    show_default=True,
    help="auto: Unicorn where it emulates the target's core, else QEMU.",
)
@click.option("--compiler", default="auto", show_default=True, help="auto, gcc, clang or zig.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Save all outputs to this .npz file."
)
@json_option
def command(
    folder: Path,
    input_files: tuple[Path, ...],
    seed: int,
    engine: str,
    compiler: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Build the C project in FOLDER and run it: outputs, and instructions layer by layer.

    Samples are consecutive calls: a streaming model keeps its state from one to the next. The
    host has no instruction counts.
    """
    from milliwatt.errors import OptionError
    from milliwatt.run.execute import run_project
    from milliwatt.run.project import load_project
    from milliwatt.run.samples import load_samples, random_samples

    if output is not None and output.suffix != ".npz":
        raise OptionError(f"{output}: outputs are saved as .npz")
    project = load_project(folder)
    samples = [s for path in input_files for s in load_samples(path, project.inputs)]
    samples = samples or random_samples(project.inputs, 1, seed)
    say(f"running {format_count(len(samples), 'sample')} of {project.name}")
    done = run_project(project, samples, on=engine, compiler=compiler)
    if output is not None:
        _save(done, output)
    if as_json:
        show_json(_as_json(done))
        return
    for index, arrays in enumerate(done.outputs):
        for port, array in zip(project.outputs, arrays, strict=True):
            show(f"sample {index}, {port}: {_preview(array)}")
    if done.measurement is not None:
        show(_table(project, done.measurement))


def _preview(array: Array) -> str:
    values = array.reshape(-1)
    words = [f"{v:.6g}" if isinstance(v, float) else str(int(v)) for v in values[:16].tolist()]
    shown = " ".join(words)
    return shown if values.size <= 16 else f"{shown} … ({values.size} values)"


def _save(done: ProjectRun, path: Path) -> None:
    import numpy as np

    from milliwatt.output import write_file

    stream = io.BytesIO()
    stacks: dict[str, Any] = {
        f"output_{i}": np.stack([row[i] for row in done.outputs])
        for i in range(len(done.project.outputs))
    }
    np.savez(stream, **stacks)
    write_file(path, stream.getvalue())


def _as_json(done: ProjectRun) -> dict[str, object]:
    content: dict[str, object] = {
        "name": done.project.name,
        "outputs": [[array.tolist() for array in arrays] for arrays in done.outputs],
    }
    measured = done.measurement
    if measured is not None:
        content |= {
            "emulator": measured.emulator,
            "core": measured.core,
            "instructions": list(measured.instructions),
            "instructions_by_row": {k: list(v) for k, v in measured.instructions_by_row.items()},
            "stack_bytes": measured.stack_bytes,
        }
    return content


def _table(project: Project, measured: Measurement) -> RenderableType:
    from rich.console import Group

    from milliwatt.report.layout import Column, FittedTable

    counts = [f"{measured.instructions_by_row[node.symbol][-1]:,}" for node in project.nodes]
    table = FittedTable(
        (
            Column("layer", (*(node.name for node in project.nodes), "total")),
            Column("operator", (*(node.op for node in project.nodes), ""), optional=1),
            Column("kernel", (*(node.kernel for node in project.nodes), ""), optional=2),
            Column(
                "instructions, last sample",
                (*counts, f"{measured.instructions[-1]:,}"),
                right=True,
            ),
        )
    )
    where = f"counted on {measured.emulator}, {measured.core}"
    return Group(table, f"{where}; stack {measured.stack_bytes:,} B")
