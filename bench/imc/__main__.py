# SPDX-License-Identifier: MIT
"""`python -m bench.imc`: time our mappers, ZigZag's where installed, and write the page."""

from __future__ import annotations

import sys

import click

from bench.imc import figures
from bench.imc.figures import HERE, LAYER, RESNET
from bench.imc.page import cost_table, render, time_table
from bench.imc.peer import measured_seconds
from bench.times import describe_machine
from milliwatt.output import write_file


def our_figures() -> dict[str, figures.Figures]:
    """The cost of each case."""
    return {
        "layer, digital": figures.digital_figures(LAYER),
        "layer, analogue": figures.analogue_figures(),
        "ResNet-18, digital": figures.digital_figures(RESNET),
    }


def _our_seconds() -> dict[str, float]:
    """Reading the machine's and the workload's file, mapping and costing."""
    median = figures.median_seconds
    return {
        "layer, digital": median(lambda: figures.digital_cost(figures.workload(LAYER))),
        "layer, analogue": median(lambda: figures.analogue_cost(figures.example_matrix())),
        "ResNet-18, digital": median(lambda: figures.digital_cost(figures.workload(RESNET))),
    }


@click.command()
def main() -> None:
    """Measure, and write bench/imc/README.md."""
    times = time_table(_our_seconds(), measured_seconds(), describe_machine())
    page = render(cost_table(our_figures()), times)
    write_file(HERE / "README.md", page.encode())
    click.echo(page)


if __name__ == "__main__":
    sys.exit(main())
