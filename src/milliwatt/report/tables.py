# SPDX-License-Identifier: MIT
"""A compilation's memory map and costs, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milliwatt.report.compilation import CompileReport, MemoryMap
from milliwatt.report.layout import Column, FittedTable, paragraphs
from milliwatt.units import format_bytes, format_si

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_BAR_WIDTH = 60
_BAR_TEXT_WIDTH = 46
"""Columns of the longest text beside a bar."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some bytes of a memory: the letter that draws them, and their name."""

    letter: str
    name: str
    size_bytes: int
    colour: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """A memory as a row of letters, as wide as the terminal allows, and its legend."""

    title: str
    parts: tuple[_Part, ...]
    have_bytes: int

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        used = sum(part.size_bytes for part in self.parts)
        width = max(10, min(_BAR_WIDTH, options.max_width - _BAR_TEXT_WIDTH))
        bar, legend = Text(f"{self.title:6}|"), Text("       ")
        for part, drawn in zip(self.parts, self._widths(width), strict=True):
            if part.size_bytes:
                bar.append(part.letter * drawn, style=part.colour)
                legend.append(f"{part.letter} {part.name} ", style=part.colour)
                legend.append(f"{part.size_bytes:,}  ")
        bar.append("·" * max(0, 7 + width - len(bar)))
        bar.append(f"| {used:,} of {self.have_bytes:,} B ({used / self.have_bytes:.1%})")
        legend.append(f"free {self.have_bytes - used:,}")
        yield bar
        yield legend

    def _widths(self, width: int) -> list[int]:
        """Letters of each part, at least one."""
        return [max(1, round(width * p.size_bytes / self.have_bytes)) for p in self.parts]


def memory_table(memory: MemoryMap) -> RenderableType:
    """Flash and SRAM as bars (weights, constants, code; arena, state, others, stack; free)."""
    from rich.console import Group
    from rich.text import Text

    flash = (
        _Part("W", "weights", memory.weights_bytes, "blue"),
        _Part("K", "constants", memory.constants_bytes, "cyan"),
        _Part("C", "code", memory.code_bytes, "magenta"),
    )
    sram = (
        _Part("A", "arena", memory.arena_bytes, "green"),
        _Part("S", "state", memory.state_bytes, "yellow"),
        _Part("O", "other", memory.other_static_bytes, "magenta"),
        _Part("K", "stack", memory.stack_bytes, "red"),
    )
    bound = Text(
        f"arena: {format_bytes(memory.arena_bytes)}, proven lower bound "
        f"{format_bytes(memory.arena_lower_bound_bytes)}"
        + (" (optimal)" if memory.arena_bytes == memory.arena_lower_bound_bytes else "")
    )
    return Group(
        _Bar("flash", flash, memory.flash_have_bytes),
        _Bar("SRAM", sram, memory.sram_have_bytes),
        bound,
    )


def cost_table(report: CompileReport) -> RenderableType:
    """Instructions layer by layer, and what they come to in time and energy."""
    from rich.console import Group
    from rich.text import Text

    layers = report.layers
    per_mac = f"{report.instructions / report.macs:.2f}" if report.macs else ""
    shares = [layer.instructions / report.instructions for layer in layers]
    table = FittedTable(
        (
            Column("layer", (*(layer.name for layer in layers), "total")),
            Column("operator", (*(layer.op for layer in layers), ""), optional=1),
            Column("kernel", (*(layer.kernel for layer in layers), ""), optional=2),
            _numbers("MACs", [f"{n.macs:,}" if n.macs else "" for n in layers], f"{report.macs:,}"),
            _numbers(
                "instructions",
                [f"{layer.instructions:,}" for layer in layers],
                f"{report.instructions:,}",
            ),
            *_modelled_cycles(report),
            _numbers("share", [f"{share:.1%}" for share in shares], "100.0%"),
            _numbers("per MAC", [_ratio(layer.instructions_per_mac) for layer in layers], per_mac),
        )
    )
    counted = (
        f"{report.instructions:,} instructions per inference, counted on {report.emulator} "
        f"({report.compiler})"
    )
    unknown = (Text(reason) for reason in report.unknown)
    return Group(table, Text(""), Text(counted), paragraphs(_estimates(report)), *unknown)


def _modelled_cycles(report: CompileReport) -> tuple[Column, ...]:
    """Cycles by layer, where a fitted model has them."""
    if report.latency is None or not report.latency.is_modelled:
        return ()
    cells = [f"{layer.cycles or 0:,.0f}" for layer in report.layers]
    total = f"{report.latency.cycles:,.0f}"
    return (Column("modelled cycles", (*cells, total), right=True, optional=3),)


def _numbers(title: str, cells: Sequence[str], total: str) -> Column:
    return Column(title, (*cells, total), right=True)


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _estimates(report: CompileReport) -> list[tuple[str, str]]:
    """Latency and energy with their ranges and where they come from."""
    lines: list[tuple[str, str]] = []
    if report.latency is not None:
        latency = report.latency
        lines += [
            (
                "latency",
                f"{format_si(latency.seconds, 's')} ({format_si(latency.seconds_low, 's')} to "
                f"{format_si(latency.seconds_high, 's')}) on {report.target}",
            ),
            ("", latency.basis),
        ]
    if report.energy is not None:
        energy = report.energy
        lines += [
            (
                "energy",
                f"{format_si(energy.uj * 1e-6, 'J')} ({format_si(energy.uj_low * 1e-6, 'J')} to "
                f"{format_si(energy.uj_high * 1e-6, 'J')}) per inference",
            ),
            ("", energy.basis),
        ]
    return lines
