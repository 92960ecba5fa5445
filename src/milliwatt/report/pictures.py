# SPDX-License-Identifier: MIT
"""Pictures: memory over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.figures import picture
from milliwatt.units import format_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def memory_picture(plan: Plan, suffix: str) -> bytes:
    """The arena over time: a box for each buffer, from its first to its last step.

    `suffix` is one of `figures.PICTURE_SUFFIXES`. The same plan gives the same bytes.
    """
    width = max(6.0, 0.36 * len(plan.solution.order) + 2.5)
    return picture(suffix, (width, 4.2), lambda figure: _draw(figure, plan))


def _draw(figure: Figure, plan: Plan) -> None:
    axes = figure.add_subplot()
    steps = len(plan.solution.order)
    colours = ["#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#eeca3b"]
    for i, buffer in enumerate(plan.memory.buffers):
        live = plan.solution.live[buffer.name]
        left, right = max(live.first, -1) - 0.5, min(live.last, steps) + 0.5
        axes.broken_barh(
            [(left, right - left)],
            (plan.solution.offsets[buffer.name], buffer.size_bytes),
            facecolor=colours[i % len(colours)],
            edgecolor="black",
            linewidth=0.5,
            alpha=0.75,
        )
        if buffer.size_bytes > 0.06 * plan.arena_bytes:
            axes.text(
                (left + right) / 2,
                plan.solution.offsets[buffer.name] + buffer.size_bytes / 2,
                f"{buffer.size_bytes:,}",
                ha="center",
                va="center",
                fontsize=6,
            )
    for position, index in enumerate(plan.solution.order):
        scratch = plan.solution.scratch_offsets.get(plan.memory.steps[index].name)
        if scratch is not None:
            size = plan.memory.steps[index].scratch_bytes
            axes.broken_barh([(position - 0.5, 1)], (scratch, size), facecolor="none", hatch="////")
    _label(axes, plan)


def _label(axes: Any, plan: Plan) -> None:
    order = plan.solution.order
    axes.axhline(plan.arena_bytes, color="black", linewidth=1)
    axes.axhline(plan.arena_bound_bytes, color="red", linewidth=1, linestyle="--")
    axes.set_xlim(-1.6, len(order) + 0.6)
    axes.set_ylim(0, plan.arena_bytes * 1.06 or 1)
    axes.set_xticks([-1, *range(len(order)), len(order)])
    names = [_unit_title(plan, plan.units[i]) for i in order]
    axes.set_xticklabels(["inputs", *names, "outputs"], rotation=90)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel("arena offset (bytes)")
    axes.set_title(
        f"{plan.graph.name}: arena {format_bytes(plan.arena_bytes)}, proven lower bound "
        f"{format_bytes(plan.arena_bound_bytes)} (dashed); hatched: scratch"
    )


def _unit_title(plan: Plan, unit: range) -> str:
    kinds = [plan.graph.nodes[i].op.kind for i in unit]
    return kinds[0] if len(unit) == 1 else f"stream of {len(unit)}: {kinds[0]} …"
