# SPDX-License-Identifier: MIT
"""Targets as rows of text: what the command line and the documentation print."""

from __future__ import annotations

from dataclasses import dataclass

from milliwatt.hardware.model import Figure, MemoryRegion, PowerMode, Target, Timing
from milliwatt.units import format_bytes, format_si

SUMMARY_COLUMNS = (
    "Target",
    "Chip",
    "Core",
    "Clock",
    "SRAM",
    "Flash",
    "Cycles/instruction",
    "Active power",
)
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of a target, as text."""

    what: str
    value: str
    basis: str
    source: str


def describe_summary(target: Target) -> tuple[str, ...]:
    """One line about a target, a cell for each of `SUMMARY_COLUMNS`."""
    ratio = target.timing.cycles_per_instruction if target.timing else None
    power = target.power[0].active_power_mw if target.power else None
    return (
        target.name,
        target.chip,
        f"{target.core} {' '.join(sorted(target.features))}".strip(),
        format_si(target.clock_hz.value, "Hz"),
        format_bytes(target.sram_bytes),
        format_bytes(target.flash_bytes),
        _with_range(ratio, "") if ratio else UNKNOWN,
        _with_range(power, " mW") if power else UNKNOWN,
    )


def describe_figures(target: Target) -> tuple[FigureRow, ...]:
    """Every figure of a target with its basis and source."""
    rows = [_row("clock", target.clock_hz, format_si(target.clock_hz.value, "Hz"))]
    if target.clock_hz.high is not None:
        limit = format_si(target.clock_hz.high, "Hz")
        rows = [_row("clock", target.clock_hz, f"{rows[0].value}, {limit} at most")]
    rows += [_memory_row(region) for region in target.memories]
    if target.timing is not None:
        rows += _timing_rows(target.timing)
    for mode in target.power:
        rows += _power_rows(mode)
    return tuple(rows)


def _with_range(figure: Figure, unit: str) -> str:
    if figure.error is None:
        return f"{figure.value:.3g}{unit}"
    low, high = figure.bounds
    return f"{figure.value:.3g}{unit} ({low:.3g} to {high:.3g})"


def _row(what: str, figure: Figure, value: str) -> FigureRow:
    return FigureRow(what, value, figure.basis, figure.source)


def _memory_row(region: MemoryRegion) -> FigureRow:
    value = (
        f"{format_bytes(region.bytes)} at 0x{region.origin:08x}, {region.kind}, "
        f"for {', '.join(region.holds)}"
    )
    return FigureRow(f"memory {region.name}", value, "published", region.source)


def _timing_rows(timing: Timing) -> list[FigureRow]:
    ratio = timing.cycles_per_instruction
    rows = [_row("cycles per instruction", ratio, _with_range(ratio, ""))]
    fitted = timing.fitted
    if fitted is not None:
        for what, figure in (
            ("cycles per taken branch, fitted", fitted.taken_branch_cycles),
            ("cycles per flash-line miss, fitted", fitted.flash_line_miss_cycles),
        ):
            rows.append(_row(what, figure, _with_range(figure, "")))
        for what, figure in (
            ("error of the fitted model, mean", fitted.mean_error),
            ("error of the fitted model, largest", fitted.max_error),
        ):
            rows.append(_row(what, figure, f"{figure.value:.1%}"))
    return rows


def _power_rows(mode: PowerMode) -> list[FigureRow]:
    rows: list[FigureRow] = []
    place = f"{mode.name} ({mode.title})"
    if mode.active_power_mw is not None:
        value = _with_range(mode.active_power_mw, " mW")
        rows.append(_row(f"active power, {place}", mode.active_power_mw, value))
    if mode.sleep_power_uw is not None:
        value = f"{_with_range(mode.sleep_power_uw, ' µW')}, {mode.sleep_state}"
        rows.append(_row(f"sleep power, {place}", mode.sleep_power_uw, value))
    elif mode.sleep_current_ua is not None:
        value = f"{_with_range(mode.sleep_current_ua, ' µA')}, {mode.sleep_state}"
        rows.append(_row(f"sleep current, {place}", mode.sleep_current_ua, value))
    return rows
