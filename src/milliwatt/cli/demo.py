# SPDX-License-Identifier: MIT
"""`milliwatt demo`."""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click

from milliwatt.cli.console import interrupts_wait, json_option, say, show, show_json


@click.command("demo")
@click.option(
    "-o",
    "--output",
    default=Path("out/demo"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for the C project and the picture.",
)
@click.option("--target", default="nucleo-l4r5zi", show_default=True, help="A Cortex-M board.")
@json_option
def command(output: Path, target: str, as_json: bool) -> None:
    """Train a small network on real handwritten digits and bring it to a microcontroller.

    Trains in PyTorch, quantises to int8, compiles to C, and runs every test image on an emulated
    core, comparing each output byte with the integer reference.
    """
    from milliwatt.demo import run_demo
    from milliwatt.report.tables import cost_table, memory_table

    _import_torch()
    result = run_demo(output, target, say)
    if as_json:
        content = asdict(result)
        content["folder"] = str(result.folder)
        content["report"] = result.report.as_json()
        show_json(content)
        return
    show("")
    show(cost_table(result.report))
    show("")
    show(memory_table(result.report.memory))
    show(f"""
accuracy on {result.test_images} test images
  float32, PyTorch           {result.float_accuracy:.2%}
  int8, integer reference    {result.int8_accuracy:.2%}
  int8, emulated core        {result.core_accuracy:.2%}, every output byte equal to the reference

{result.folder}/ holds the C project and memory.png""")


def _import_torch() -> None:
    from milliwatt.errors import OptionError

    try:
        with interrupts_wait():  # PyTorch's start aborts the process where it is interrupted
            import_module("torch")
    except ImportError as error:
        raise OptionError(
            "the demo trains in PyTorch; to install: pip install 'milliwatt[demo]'"
        ) from error
