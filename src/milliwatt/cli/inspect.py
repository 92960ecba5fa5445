# SPDX-License-Identifier: MIT
"""`milliwatt inspect MODEL`."""

from __future__ import annotations

from pathlib import Path

import click

from milliwatt.cli.console import json_option, show, show_json


@click.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@json_option
def command(model: Path, as_json: bool) -> None:
    """Show the operators, shapes, MACs, parameters and memory over time of MODEL.

    MODEL is a .tflite, .onnx or .mw file. Everything that is not supported is listed at once, and
    the exit code is 2.
    """
    from milliwatt.backend.mcu.choice.support import refuse_unsupported
    from milliwatt.frontend.load import load_model
    from milliwatt.passes.pipeline import run_pipeline
    from milliwatt.report.inspection import inspect_graph, inspection_table

    graph = load_model(model)
    inspection = inspect_graph(graph)
    if as_json:
        show_json(inspection.as_json())
    else:
        show(inspection_table(inspection))
    refuse_unsupported(run_pipeline(graph))
