# SPDX-License-Identifier: MIT
"""A compilation's memory map and costs, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milliwatt.report.compilation import CompileReport, MemoryMap
from milliwatt.units import format_bytes, format_si

if TYPE_CHECKING:
    from rich.console import RenderableType

_BAR_WIDTH = 60


def memory_table(memory: MemoryMap) -> RenderableType:
    """Flash and SRAM as bars (weights, code, constants; arena, state, stack; free) and bytes."""
    from rich.console import Group
    from rich.text import Text

    flash = [
        ("weights", memory.weights_bytes, "blue"),
        ("constants", memory.constants_bytes, "cyan"),
        ("code", memory.code_bytes, "magenta"),
    ]
    sram = [
        ("arena", memory.arena_bytes, "green"),
        ("state", memory.state_bytes, "yellow"),
        ("other", memory.other_static_bytes, "magenta"),
        ("stack", memory.stack_bytes, "red"),
    ]
    bound = Text(
        f"arena: {format_bytes(memory.arena_bytes)}, proven lower bound "
        f"{format_bytes(memory.arena_lower_bound_bytes)}"
        + (" (optimal)" if memory.arena_bytes == memory.arena_lower_bound_bytes else "")
    )
    return Group(
        _bar("flash", flash, memory.flash_have_bytes),
        _bar("SRAM", sram, memory.sram_have_bytes),
        bound,
    )


def _bar(title: str, parts: list[tuple[str, int, str]], have_bytes: int) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    used = sum(size for _, size, _ in parts)
    bar, legend = Text(f"{title:6}|"), Text("       ")
    drawn = 0
    for name, size, colour in parts:
        if size == 0:
            continue
        width = max(1, round(_BAR_WIDTH * size / have_bytes))
        drawn += width
        bar.append(name[0].upper() * width, style=colour)
        legend.append(f"{name} ", style=colour)
        legend.append(f"{size:,}  ")
    bar.append("·" * max(0, _BAR_WIDTH - drawn))
    bar.append(f"| {used:,} of {have_bytes:,} B ({used / have_bytes:.1%})")
    legend.append(f"free {have_bytes - used:,}")
    return Group(bar, legend)


def cost_table(report: CompileReport) -> RenderableType:
    """Instructions layer by layer, and what they come to in time and energy."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("layer", "operator", "kernel"):
        table.add_column(title, overflow="fold")
    for title in ("MACs", "instructions", "share", "per MAC"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in report.layers:
        per_mac = layer.instructions_per_mac
        table.add_row(
            Text(layer.name),
            layer.op,
            layer.kernel,
            f"{layer.macs:,}" if layer.macs else "",
            f"{layer.instructions:,}",
            f"{layer.instructions / report.instructions:.1%}",
            "" if per_mac is None else f"{per_mac:.2f}",
        )
    per_mac = f"{report.instructions / report.macs:.2f}" if report.macs else ""
    table.add_row(
        "total", "", "", f"{report.macs:,}", f"{report.instructions:,}", "100.0%", per_mac
    )
    return Group(table, Text(""), *(Text(line) for line in summary_lines(report)))


def summary_lines(report: CompileReport) -> list[str]:
    """Latency and energy with their ranges and where they come from."""
    lines = [
        f"{report.instructions:,} instructions per inference, counted on {report.emulator} "
        f"({report.compiler})"
    ]
    if report.latency is not None:
        latency = report.latency
        lines.append(
            f"latency  {format_si(latency.seconds, 's')} "
            f"({format_si(latency.seconds_low, 's')} to {format_si(latency.seconds_high, 's')}) "
            f"on {report.target}\n         {latency.basis}"
        )
    if report.energy is not None:
        energy = report.energy
        lines.append(
            f"energy   {format_si(energy.uj * 1e-6, 'J')} "
            f"({format_si(energy.uj_low * 1e-6, 'J')} to {format_si(energy.uj_high * 1e-6, 'J')})"
            f" per inference\n         {energy.basis}"
        )
    return lines + list(report.unknown)
