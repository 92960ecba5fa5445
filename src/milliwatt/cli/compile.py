# SPDX-License-Identifier: MIT
"""`milliwatt compile MODEL --target T -o DIR`."""

from __future__ import annotations

from dataclasses import dataclass
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
from milliwatt.units import format_count

if TYPE_CHECKING:
    from milliwatt.backend.mcu.choice.choices import Choices
    from milliwatt.backend.mcu.choice.objective import Objective
    from milliwatt.backend.mcu.compile import Compiled
    from milliwatt.hardware.model import Target
    from milliwatt.ir.graph import Graph
    from milliwatt.report.compilation import CompileReport
    from milliwatt.run.samples import Sample


@click.command("compile")
@click.argument("model", type=click.Path(path_type=Path))
@target_option
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for the C."
)
@click.option("--name", help="Prefix of all C symbols; default: the model file's name.")
@click.option("--verify", is_flag=True, help="Build it, run it on the emulated core, compare.")
@click.option(
    "--input",
    "input_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Also verify on these samples (.npy, .npz or raw .bin); may be repeated.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=8,
    show_default=True,
    help="Random samples to verify on.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the random samples.",
)
@click.option(
    "--emulator",
    type=click.Choice(["auto", "unicorn", "qemu"]),
    default="auto",
    show_default=True,
    help="auto: Unicorn where it has the core, else QEMU.",
)
@compiler_option
@click.option(
    "--optimisation",
    type=click.Choice(["-O2", "-O3", "-Os"]),
    help="Compiler optimisation of the verified firmware; default: -Os for flash, else -O2.",
)
@click.option(
    "--objective",
    help="speed, sram, flash, or weights such as speed=1,flash=0.2; default: that of --choices, "
    "else speed.",
)
@choices_option
@click.option(
    "--sram-bytes",
    type=click.IntRange(min=1),
    help="What arena, state and other static memory may take; layers are computed a few rows at a "
    "time to fit it. Default: that of --choices, else whole layers, unless the board's SRAM is too "
    "small for them.",
)
@click.option(
    "--push-rows",
    is_flag=True,
    help="Take the input row by row (NAME_push_rows) instead of as a whole.",
)
@integer_io_option
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Draw memory over time (.svg, .png, .pdf)."
)
@json_option
def command(
    model: Path,
    target: str,
    output: Path,
    name: str | None,
    verify: bool,
    input_files: tuple[Path, ...],
    samples: int,
    seed: int,
    emulator: str,
    compiler: str,
    optimisation: str | None,
    objective: str | None,
    choices_file: Path | None,
    sram_bytes: int | None,
    push_rows: bool,
    integer_io: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Turn MODEL into a C project in a folder, for a board.

    With --verify the firmware is built, runs random and given inputs on the emulated core, and
    every output byte is compared with the integer reference; then its memory map and costs are
    printed.
    """
    from milliwatt.hardware import load_target

    _check(output, input_files, verify)
    board = load_target(target)
    choices = None if choices_file is None else read_choices(choices_file, board.core)
    wanted = _Wanted(_objective(objective, choices), choices, sram_bytes, push_rows)
    graph = read_graph(model, integer_io=integer_io)
    compiled = _compiled(graph, board, model.stem if name is None else name, wanted)
    drawing = b"" if picture is None else _draw(compiled, picture)
    report = None
    if verify:
        chosen = _samples(compiled, input_files, samples, seed)
        if optimisation is None and choices is not None and objective is None:
            optimisation = choices.optimisation
        report = _verify(compiled, chosen, emulator, compiler, optimisation)
    _write(output, compiled, picture, drawing)
    _print(output, compiled, report, as_json)


def _check(output: Path, input_files: tuple[Path, ...], verify: bool) -> None:
    """Refuse what cannot end well before the work."""
    from milliwatt.backend.mcu.emit.project import MANIFEST
    from milliwatt.errors import OptionError
    from milliwatt.output import check_folder

    if input_files and not verify:
        raise OptionError("--input names samples to verify on: add --verify")
    check_folder(output, MANIFEST)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the generated code is to be."""

    objective: Objective
    choices: Choices | None
    sram_bytes: int | None
    push_rows: bool


def _compiled(graph: Graph, board: Target, name: str, wanted: _Wanted) -> Compiled:
    """The model as C; what its tables and values need is there."""
    from milliwatt.backend.mcu.compile import compile_graph
    from milliwatt.backend.mcu.planning.fit import require_fit
    from milliwatt.report.remarks import other_kernels

    choices, sram_bytes = wanted.choices, wanted.sram_bytes
    if sram_bytes is None and choices is not None:
        sram_bytes = choices.sram_bytes
    compiled = compile_graph(
        graph,
        board,
        name,
        objective=wanted.objective,
        kept=None if choices is None else choices.kernels,
        sram_bytes=sram_bytes,
        push_rows=wanted.push_rows,
    )
    plan = compiled.plan
    flash_bytes = plan.weight_bytes + plan.constant_bytes
    require_fit(plan, board, flash_bytes=flash_bytes, sram_bytes=plan.static_bytes)
    for line in [] if choices is None else other_kernels(plan, choices.kernels):
        say(line)
    return compiled


def _objective(text: str | None, choices: Choices | None) -> Objective:
    """The one asked for, else that of the kept choices, else speed."""
    from milliwatt.backend.mcu.choice.objective import SPEED, parse_objective

    if text is not None:
        return parse_objective(text)
    return SPEED if choices is None else choices.objective


def _write(output: Path, compiled: Compiled, picture: Path | None, drawing: bytes) -> None:
    """The folder and the picture, or neither."""
    from milliwatt.backend.mcu.emit.project import MANIFEST
    from milliwatt.output import staged_file, write_file, write_folder

    if picture is None:
        write_folder(output, compiled.files, MANIFEST)
    elif picture.resolve().is_relative_to(output.resolve()):
        write_folder(output, compiled.files, MANIFEST)
        write_file(picture, drawing)
    else:
        with staged_file(picture, drawing):
            write_folder(output, compiled.files, MANIFEST)


def _draw(compiled: Compiled, picture: Path) -> bytes:
    from milliwatt.report.pictures import memory_picture

    return memory_picture(compiled.plan, picture.suffix)


def _samples(
    compiled: Compiled, input_files: tuple[Path, ...], count: int, seed: int
) -> list[Sample]:
    from milliwatt.errors import OptionError
    from milliwatt.run.samples import load_samples, random_samples
    from milliwatt.run.verify import ports_of

    ports = ports_of(compiled.source)
    given = [sample for path in input_files for sample in load_samples(path, ports)]
    chosen = [*given, *random_samples(ports, count, seed)]
    if not chosen:
        raise OptionError("nothing to verify on: --samples is 0 and no --input has any")
    return chosen


def _verify(
    compiled: Compiled,
    samples: list[Sample],
    emulator: str,
    compiler: str,
    optimisation: str | None,
) -> CompileReport:
    from milliwatt.backend.mcu.planning.fit import require_fit
    from milliwatt.report.compilation import compile_report
    from milliwatt.run.verify import build_compiled, choose_emulator, verify_compiled

    say(f"building for {compiled.target.core}")
    firmware = build_compiled(compiled, compiler=compiler, optimisation=optimisation)
    engine = choose_emulator(compiled.target.core, emulator)
    say(f"running {format_count(len(samples), 'sample')} on {engine}")
    done = verify_compiled(compiled, firmware, samples, emulator=engine, progress=progress)
    progress("")
    report = compile_report(compiled, done, samples)
    require_fit(
        compiled.plan,
        compiled.target,
        flash_bytes=report.memory.flash_bytes,
        sram_bytes=report.memory.sram_bytes,
    )
    return report


def _as_json(compiled: Compiled, report: CompileReport | None) -> dict[str, object]:
    from milliwatt.backend.mcu.compile import manifest

    project = manifest(compiled.plan, compiled.target)
    if report is None:
        return {"verified_samples": 0, **project}
    beside = ("arena_choice_bound_bytes", "streams", "pushed_rows")
    return {
        "verified_samples": report.samples,
        **{name: project[name] for name in beside},
        **report.as_json(),
    }


def _print(output: Path, compiled: Compiled, report: CompileReport | None, as_json: bool) -> None:
    from milliwatt.report.remarks import remarks

    plan = compiled.plan
    if as_json:
        show_json(_as_json(compiled, report))
        return
    if report is not None:
        _print_report(report)
    for line in remarks(compiled):
        show(line)
    others = plan.static_bytes - plan.arena_bytes - plan.state_bytes
    show(
        f"{output}: {len(compiled.files)} files, arena {plan.arena_bytes:,} B, state "
        f"{plan.state_bytes:,} B, "
        + (f"other static {others:,} B, " if others else "")
        + f"weights {plan.weight_bytes:,} B"
        + ("" if report is not None else "; not verified (add --verify)")
    )


def _print_report(report: CompileReport) -> None:
    from milliwatt.report.tables import cost_table, memory_table

    show(cost_table(report))
    show("")
    show(memory_table(report.memory))
    show(f"verified: {report.samples} samples, every output equals the reference")
