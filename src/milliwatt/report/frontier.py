# SPDX-License-Identifier: MIT
"""SRAM against instructions: the same network with more and more layers computed by rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from milliwatt.backend.mcu.choice.objective import SPEED, Objective
from milliwatt.backend.mcu.compile import Compiled, compile_graph, core_of, optimised
from milliwatt.backend.mcu.planning.chains import ByRows, chains_by_rows
from milliwatt.backend.mcu.planning.fit import no_less
from milliwatt.backend.mcu.planning.place import frontier_bytes
from milliwatt.errors import OptionError
from milliwatt.hardware.model import Target
from milliwatt.ir.graph import Graph
from milliwatt.report.compilation import compile_report
from milliwatt.report.layout import Column, FittedTable
from milliwatt.run.samples import random_samples
from milliwatt.run.verify import build_compiled, choose_emulator, ports_of, verify_compiled
from milliwatt.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping

Progress = Callable[[str], None]
POINTS = 8


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One way to place the network: what it needs, and what it costs on the emulated core.

    `sram_bytes` is arena, state and other statics; the stack comes on top. `instructions` are
    counted, `milliseconds` estimated where the board has a timing model, else None. `kernels` are
    those of the layers outside streams, by layer.
    """

    sram_bytes: int
    arena_bytes: int
    stack_bytes: int
    instructions: int
    milliseconds: float | None
    streams: tuple[ByRows, ...]
    kernels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Frontier:
    """Points by falling SRAM; each needs less and costs more than the one before it.

    No choice of streams and kernels needs less SRAM than `lower_bound_bytes`.
    """

    model: str
    target: str
    push_rows: bool
    points: tuple[FrontierPoint, ...]
    lower_bound_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def measure_frontier(
    graph: Graph,
    target: Target,
    *,
    points: int = POINTS,
    push_rows: bool = False,
    objective: Objective = SPEED,
    kept: Mapping[str, str] | None = None,
    compiler: str = "auto",
    optimisation: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Frontier:
    """Compile `graph` for up to `points` amounts of SRAM, or one more; verify and count each.

    Every output equals the reference, or VerifyError. Raises OptionError where `push_rows` asks
    for rows and the network does not take them, and what `compile_graph` raises.
    """
    if points < 1:
        raise OptionError(f"a frontier needs at least 1 point, not {points}")
    sizes, bound_bytes = frontier_bytes(
        optimised(graph),
        core_of(target),
        points,
        objective=objective,
        kept=kept,
        push_rows=push_rows,
    )
    found: list[FrontierPoint] = []
    for i, size in enumerate(sizes):
        if progress is not None:
            progress(f"point {i + 1} of {len(sizes)}: {size:,} B")
        compiled = compile_graph(
            graph,
            target,
            objective=objective,
            kept=kept,
            sram_bytes=size,
            push_rows=push_rows,
        )
        found.append(_measure(compiled, compiler, optimisation, seed))
    return Frontier(graph.name, target.name, push_rows, _best(found), bound_bytes)


def _measure(
    compiled: Compiled, compiler: str, optimisation: str | None, seed: int
) -> FrontierPoint:
    samples = random_samples(ports_of(compiled.source), 1, seed)
    firmware = build_compiled(compiled, compiler=compiler, optimisation=optimisation)
    emulator = choose_emulator(compiled.target.core)
    done = verify_compiled(compiled, firmware, samples, emulator=emulator)
    report = compile_report(compiled, done, samples)
    return FrontierPoint(
        sram_bytes=compiled.plan.static_bytes,
        arena_bytes=compiled.plan.arena_bytes,
        stack_bytes=done.measurement.stack_bytes,
        instructions=report.instructions,
        milliseconds=None if report.latency is None else report.latency.seconds * 1e3,
        streams=chains_by_rows(compiled.plan),
        kernels={s.node.name: s.kernel for s in compiled.plan.steps if s.stream is None},
    )


def _best(points: list[FrontierPoint]) -> tuple[FrontierPoint, ...]:
    """Those that no other beats in both SRAM and instructions, by falling SRAM."""
    kept: list[FrontierPoint] = []
    for point in sorted(points, key=lambda p: (p.sram_bytes, p.instructions)):
        if not kept or point.instructions < kept[-1].instructions:
            kept.append(point)
    return tuple(reversed(kept))


def frontier_table(frontier: Frontier) -> FittedTable:
    """The points as rows of a table; instructions relative to the fastest point too."""
    points = frontier.points
    least = points[0].instructions
    return FittedTable(
        (
            Column("by rows", tuple(_by_rows(p, points[0].kernels) for p in points)),
            Column("SRAM, B", tuple(f"{p.sram_bytes:,}" for p in points), right=True),
            Column("stack, B", tuple(f"{p.stack_bytes:,}" for p in points), right=True, optional=1),
            Column("instructions", tuple(f"{p.instructions:,}" for p in points), right=True),
            Column("more", tuple(f"{p.instructions / least - 1:+.1%}" for p in points), right=True),
            Column("ms", tuple(_milliseconds(p) for p in points), right=True),
        )
    )


def frontier_bound(frontier: Frontier) -> str:
    """How the smallest point compares with the bound, as a line."""
    return no_less(frontier.points[-1].sram_bytes, frontier.lower_bound_bytes)


def _by_rows(point: FrontierPoint, fastest: Mapping[str, str]) -> str:
    """The streams, and how many layers outside have another kernel than in the fastest point."""
    parts = [
        f"{s.layers} from '{s.first}' ({s.rows if s.turns == 1 else f'1/{s.turns}'}"
        f"{f', {s.bands} bands' if s.bands > 1 else ''})"
        for s in point.streams
    ] or ["no layer"]
    others = sum(fastest.get(name, kernel) != kernel for name, kernel in point.kernels.items())
    if others:
        parts.append(format_count(others, "other kernel"))
    return ", ".join(parts)


def _milliseconds(point: FrontierPoint) -> str:
    """Three digits, or all before the point."""
    found = point.milliseconds
    if found is None:
        return ""
    return f"{found:,.0f}" if found >= 100 else f"{found:.3g}"
