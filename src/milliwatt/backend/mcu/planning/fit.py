# SPDX-License-Identifier: MIT
"""Whether a plan fits a target, and what stands in the way."""

from __future__ import annotations

from milliwatt.backend.mcu.memory import usage_over_time
from milliwatt.backend.mcu.planning.plan import Plan
from milliwatt.errors import FitError
from milliwatt.hardware.model import Target
from milliwatt.units import format_bytes

LARGEST_SHOWN = 5


def require_fit(plan: Plan, target: Target, *, flash_bytes: int, sram_bytes: int) -> None:
    """Raise FitError unless the needed bytes fit; it says need, have, and what is largest.

    `flash_bytes` and `sram_bytes` are the needs known so far: weights, arena and state before
    the C is compiled, the whole firmware and its stack after.
    """
    problems: list[str] = []
    if flash_bytes > target.flash_bytes:
        problems += [
            f"flash: needs {format_bytes(flash_bytes)}, has {format_bytes(target.flash_bytes)}",
            f"  largest constants: {', '.join(_largest_tables(plan))}",
        ]
    if sram_bytes > target.sram_bytes:
        problems += [
            f"SRAM: needs {format_bytes(sram_bytes)}, has {format_bytes(target.sram_bytes)}",
            f"  arena {format_bytes(plan.arena_bytes)} (proven lower bound "
            f"{format_bytes(plan.arena_bound_bytes)}), state {format_bytes(plan.state_bytes)}",
            f"  largest values: {', '.join(_largest_values(plan))}",
            f"  peak at: {peak_node(plan)}",
        ]
    if problems:
        title = f"{plan.graph.name} does not fit {target.name} ({target.title}):"
        raise FitError("\n  ".join([title, *problems]))


def require_sram(plan: Plan, sram_bytes: int) -> None:
    """Raise FitError unless what the plan needs of SRAM, but its stack, is at most `sram_bytes`."""
    if plan.static_bytes > sram_bytes:
        lines = [
            f"{plan.graph.name} does not fit {format_bytes(sram_bytes)} of SRAM:",
            f"the smallest that was found needs {format_bytes(plan.static_bytes)}, its layers "
            "computed by rows where that helps",
            *proof_lines(plan),
            f"largest values: {', '.join(_largest_values(plan))}",
            f"peak at: {peak_node(plan)}",
        ]
        raise FitError("\n  ".join(lines))


def proof_lines(plan: Plan) -> list[str]:
    """What is known of the least SRAM that any choice needs; nothing where none was made."""
    bound_bytes = plan.static_bound_bytes
    if bound_bytes is None:
        return []
    return [no_less(plan.static_bytes, bound_bytes)]


def no_less(found_bytes: int, bound_bytes: int) -> str:
    """How the smallest SRAM that was found compares with its bound."""
    proven = ": proven smallest" if found_bytes == bound_bytes else ""
    return f"no choice of streams and kernels needs less than {format_bytes(bound_bytes)}{proven}"


def peak_node(plan: Plan) -> str:
    """The node at which most bytes of the arena are in use, shared bytes counted once."""
    usage = usage_over_time(plan.memory, plan.solution)
    if not usage:
        return "no node"
    at = max(range(len(usage)), key=lambda position: usage[position].live_bytes)
    unit = plan.units[plan.solution.order[at]]
    first, last = plan.graph.nodes[unit[0]], plan.graph.nodes[unit[-1]]
    what = f"'{first.name}' ({first.op.kind})"
    if len(unit) > 1:
        what = f"the stream of '{first.name}' to '{last.name}'"
    return f"{what}, {format_bytes(usage[at].live_bytes)} in use"


def _largest_values(plan: Plan) -> list[str]:
    buffers = sorted(plan.memory.buffers, key=lambda b: (-b.size_bytes, b.name))
    return [f"'{b.name}' {format_bytes(b.size_bytes)}" for b in buffers[:LARGEST_SHOWN]]


def _largest_tables(plan: Plan) -> list[str]:
    sizes = [
        (sum(int(t.data.nbytes) for t in step.lowered.tables), step.node.name)
        for step in plan.steps
    ]
    sizes.sort(key=lambda item: (-item[0], item[1]))
    return [f"'{name}' {format_bytes(size)}" for size, name in sizes[:LARGEST_SHOWN]]
