# SPDX-License-Identifier: MIT
"""Compile trained neural networks to bit-exact C for microcontrollers.

`import milliwatt as mw` gives the whole road from a model file to verified firmware. A name is
loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milliwatt.backend.imc import Mapped, load_machine, map_graph
    from milliwatt.backend.mcu.choice.choices import Choices, choices_text, load_choices
    from milliwatt.backend.mcu.choice.objective import Objective, parse_objective
    from milliwatt.backend.mcu.compile import Compiled, compile_graph
    from milliwatt.backend.mcu.planning.fit import require_fit
    from milliwatt.demo import run_demo
    from milliwatt.errors import MilliwattError
    from milliwatt.frontend.load import load_model
    from milliwatt.frontend.torch import import_torch
    from milliwatt.hardware.load import list_targets, load_target
    from milliwatt.hardware.model import Target
    from milliwatt.ir.graph import Graph
    from milliwatt.ir.interpret import run as run_graph
    from milliwatt.ir.text import from_text, to_text
    from milliwatt.output import write_folder
    from milliwatt.passes.pipeline import run_pipeline
    from milliwatt.passes.use_integer_io import use_integer_io
    from milliwatt.quant.calibrate import quantize_graph
    from milliwatt.report.compare.comparison import compare
    from milliwatt.report.compare.workload import load_labelled, make_workload
    from milliwatt.report.compilation import CompileReport, compile_report
    from milliwatt.report.frontier import Frontier, measure_frontier
    from milliwatt.report.frontier_picture import frontier_picture
    from milliwatt.report.inspection import Inspection, inspect_graph
    from milliwatt.report.pictures import memory_picture
    from milliwatt.run.execute import run_project
    from milliwatt.run.project import load_project
    from milliwatt.run.samples import load_samples, random_samples
    from milliwatt.run.verify import build_compiled, choose_emulator, ports_of, verify_compiled
    from milliwatt.tuning.tune import Tuning, tune

__version__ = "0.1.0"

__all__ = [
    "Choices",
    "CompileReport",
    "Compiled",
    "Frontier",
    "Graph",
    "Inspection",
    "Mapped",
    "MilliwattError",
    "Objective",
    "Target",
    "Tuning",
    "build_compiled",
    "choices_text",
    "choose_emulator",
    "compare",
    "compile_graph",
    "compile_report",
    "from_text",
    "frontier_picture",
    "import_torch",
    "inspect_graph",
    "list_targets",
    "load_choices",
    "load_labelled",
    "load_machine",
    "load_model",
    "load_project",
    "load_samples",
    "load_target",
    "make_workload",
    "map_graph",
    "measure_frontier",
    "memory_picture",
    "parse_objective",
    "ports_of",
    "quantize_graph",
    "random_samples",
    "require_fit",
    "run_demo",
    "run_graph",
    "run_pipeline",
    "run_project",
    "to_text",
    "tune",
    "use_integer_io",
    "verify_compiled",
    "write_folder",
]

# `run_graph` cannot be called `run`: that name is the package of runners, and importing any of
# them would put the package in its place.
_HOMES = {
    "Choices": "backend.mcu.choice.choices",
    "CompileReport": "report.compilation",
    "Compiled": "backend.mcu.compile",
    "Frontier": "report.frontier",
    "Graph": "ir.graph",
    "Inspection": "report.inspection",
    "Mapped": "backend.imc",
    "MilliwattError": "errors",
    "Objective": "backend.mcu.choice.objective",
    "Target": "hardware.model",
    "Tuning": "tuning.tune",
    "build_compiled": "run.verify",
    "choices_text": "backend.mcu.choice.choices",
    "choose_emulator": "run.verify",
    "compare": "report.compare.comparison",
    "compile_graph": "backend.mcu.compile",
    "compile_report": "report.compilation",
    "from_text": "ir.text",
    "frontier_picture": "report.frontier_picture",
    "import_torch": "frontend.torch",
    "inspect_graph": "report.inspection",
    "list_targets": "hardware.load",
    "load_choices": "backend.mcu.choice.choices",
    "load_machine": "backend.imc",
    "load_labelled": "report.compare.workload",
    "load_model": "frontend.load",
    "load_project": "run.project",
    "load_samples": "run.samples",
    "load_target": "hardware.load",
    "map_graph": "backend.imc",
    "make_workload": "report.compare.workload",
    "measure_frontier": "report.frontier",
    "memory_picture": "report.pictures",
    "parse_objective": "backend.mcu.choice.objective",
    "ports_of": "run.verify",
    "quantize_graph": "quant.calibrate",
    "random_samples": "run.samples",
    "require_fit": "backend.mcu.planning.fit",
    "run_demo": "demo",
    "run_graph": "ir.interpret",
    "run_pipeline": "passes.pipeline",
    "run_project": "run.execute",
    "to_text": "ir.text",
    "tune": "tuning.tune",
    "use_integer_io": "passes.use_integer_io",
    "verify_compiled": "run.verify",
    "write_folder": "output",
}
_NAMES_AT_HOME = {"run_graph": "run"}

if not TYPE_CHECKING:
    # Hidden from type checkers, which would otherwise accept any name.

    def __getattr__(name: str) -> object:
        """The public name, from the module it lives in (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'milliwatt' has no attribute '{name}'")
        value = getattr(import_module(f"milliwatt.{_HOMES[name]}"), _NAMES_AT_HOME.get(name, name))
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
