# SPDX-License-Identifier: MIT
"""Graph and target to a C project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version

from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.emit.calls import node_symbol
from milliwatt.backend.mcu.emit.header import has_one_scale
from milliwatt.backend.mcu.emit.literals import c_identifier
from milliwatt.backend.mcu.emit.project import project_files
from milliwatt.backend.mcu.emit.streams import stream_symbols
from milliwatt.backend.mcu.kernel import Core
from milliwatt.backend.mcu.planning.fit import require_sram
from milliwatt.backend.mcu.planning.place import make_plan
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.passes.pipeline import run_pipeline
from milliwatt.passes.remove_constant_channels import remove_constant_channels


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model as C: the graph it came from, its plan, and the files by name."""

    source: Graph
    plan: Plan
    target: Target
    files: Mapping[str, str]

    @property
    def node_symbols(self) -> tuple[str, ...]:
        """C functions of the layers, in the order of their calls."""
        return tuple(node_symbol(self.plan, step) for step in self.plan.steps)

    @property
    def stream_symbols(self) -> tuple[str, ...]:
        """C functions of streams and of pushed rows, which call those of the layers."""
        return stream_symbols(self.plan)


def compile_graph(
    graph: Graph,
    target: Target,
    name: str | None = None,
    *,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
    sram_bytes: int | None = None,
    push_rows: bool = False,
) -> Compiled:
    """Optimise, place and emit `graph` for `target`; `name` (default the graph's) prefixes symbols.

    `kept` names kernels already decided, by node; the others are the objective's best. Layers are
    computed by rows where SRAM counts in the objective, or arena, state and other statics would
    need more than `sram_bytes`, by default the board's SRAM less some stack; with `push_rows` the
    caller gives the input row by row. Raises UnsupportedError where no kernel computes a node,
    OptionError where a kept one does not or rows cannot be pushed, FitError where nothing found
    needs as little as `sram_bytes`.
    """
    prefix = c_identifier(graph.name if name is None else name)
    core = core_of(target)
    place = partial(
        make_plan,
        optimised(graph),
        core,
        prefix,
        objective=objective,
        kept=kept,
        push_rows=push_rows,
    )
    plan = place(sram_bytes=sram_bytes)
    room_bytes = target.sram_bytes - STACK_ROOM_BYTES
    if sram_bytes is not None:
        require_sram(plan, sram_bytes)
    elif plan.static_bytes > room_bytes:
        plan = place(sram_bytes=room_bytes)
    return Compiled(graph, plan, target, project_files(plan, manifest(plan, target)))


def optimised(graph: Graph) -> Graph:
    """The graph that is placed: all passes done."""
    return remove_constant_channels(run_pipeline(graph))


STACK_ROOM_BYTES = 2048
"""What is left of a board's SRAM to the stack where streams make a model fit."""


def core_of(target: Target) -> Core:
    """What kernel choice needs to know of the target's processor."""
    dsp, mve = "dsp" in target.features, "mve" in target.features
    return Core(dsp, mve, swar=not (dsp or mve))


def manifest(plan: Plan, target: Target) -> dict[str, object]:
    """What a runner and a report need to know of the generated project."""
    return {
        "milliwatt": version("milliwatt"),
        "name": plan.name,
        "model": plan.graph.name,
        "target": target.name,
        "core": target.core,
        "inputs": [_port(plan, v) for v in plan.graph.inputs],
        "outputs": [_port(plan, v) for v in plan.graph.outputs],
        "arena_bytes": plan.arena_bytes,
        "arena_lower_bound_bytes": plan.arena_bound_bytes,
        "arena_choice_bound_bytes": plan.choice_bound_bytes,
        "state_bytes": plan.state_bytes,
        "weight_bytes": plan.weight_bytes,
        "macs": plan.macs,
        "nodes": [
            {
                "symbol": node_symbol(plan, step),
                "name": step.node.name,
                "op": step.node.op.kind,
                "kernel": step.kernel,
                "macs": step.macs,
            }
            for step in plan.steps
        ],
        "stream_symbols": list(stream_symbols(plan)),
        "streams": [
            {
                "nodes": [plan.steps[i].node.name for i in placed.steps],
                "rows": placed.stream.pace.rows,
                "turns": placed.stream.pace.turns,
                "memory_bytes": placed.stream.inner_bytes,
                "band": None if placed.stream.band is None else asdict(placed.stream.band),
            }
            for placed in plan.streams
        ],
        "pushed_rows": plan.graph.types[plan.graph.inputs[0]].shape[1] if plan.fed else None,
    }


def _port(plan: Plan, value: str) -> dict[str, object]:
    kind = plan.graph.types[value]
    port: dict[str, object] = {
        "name": value,
        "dtype": kind.dtype.value,
        "shape": list(kind.shape),
        "bytes": kind.size_bytes,
    }
    if has_one_scale(kind):
        port |= {"scale": kind.scale, "zero_point": kind.zero_point}
    return port
