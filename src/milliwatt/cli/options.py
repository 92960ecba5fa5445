# SPDX-License-Identifier: MIT
"""Options that several verbs take."""

from __future__ import annotations

from pathlib import Path

import click

target_option = click.option(
    "--target", required=True, help="A board of `milliwatt targets`, or a .toml file."
)

compiler_option = click.option(
    "--compiler",
    type=click.Choice(["auto", "gcc", "zig"]),
    default="auto",
    show_default=True,
    help="auto: arm-none-eabi-gcc where it is installed, else zig.",
)

integer_io_option = click.option(
    "--integer-io",
    is_flag=True,
    help="Give and take integers where the model quantises float inputs and outputs itself.",
)

choices_option = click.option(
    "--choices",
    "choices_file",
    type=click.Path(path_type=Path),
    help="Kernels kept by `milliwatt tune -o FILE`.",
)
