# SPDX-License-Identifier: MIT
"""Files that several verbs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milliwatt.backend.mcu.choice.choices import Choices
    from milliwatt.ir.graph import Graph


def read_graph(model: Path, *, integer_io: bool) -> Graph:
    """The model's graph; with `integer_io` as `use_integer_io` makes it."""
    from milliwatt.frontend.load import load_model
    from milliwatt.passes.use_integer_io import use_integer_io

    graph = load_model(model)
    return use_integer_io(graph) if integer_io else graph


def read_choices(path: Path, core: str) -> Choices:
    """The kernels that `milliwatt tune` kept; OptionError where they are another core's."""
    from milliwatt.backend.mcu.choice.choices import load_choices

    choices = load_choices(path)
    choices.require_core(core)
    return choices
