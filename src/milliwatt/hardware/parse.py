# SPDX-License-Identifier: MIT
"""From a TOML table to a Target, with every cross-check between the fields."""

from __future__ import annotations

import re
from typing import Any, cast, get_args

from milliwatt.hardware.figure import optional_figure, read_figure
from milliwatt.hardware.model import (
    CORE_FEATURES,
    CacheGeometry,
    Feature,
    Figure,
    FittedTiming,
    Holds,
    MemoryKind,
    MemoryRegion,
    PowerMode,
    Target,
    Timing,
)
from milliwatt.hardware.table import TableReader

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_ADDRESS_SPACE_BYTES = 2**32
_MAX_LINES = 2**20


def parse_target(content: dict[str, Any], file: str) -> Target:
    """The target a TOML file describes; TargetError names the file and the dotted path."""
    reader = TableReader(content, file)
    core = reader.choice("core", tuple(CORE_FEATURES))
    target = Target(
        name=_name(reader, "name"),
        title=reader.text("title"),
        vendor=reader.text("vendor"),
        chip=reader.text("chip"),
        core=core,
        features=_features(reader, core),
        clock_hz=read_figure(reader, "clock_hz", 1e3, 1e10),
        memories=_memories(reader),
        timing=_timing(reader.table("timing")) if reader.has("timing") else None,
        power=_power_modes(reader),
        aliases=reader.texts("aliases"),
        notes=reader.texts("notes"),
    )
    reader.finish()
    return target


def _name(reader: TableReader, key: str) -> str:
    name = reader.text(key)
    if not _NAME.fullmatch(name):
        reader.fail(key, f"is '{name}'; allowed: lower-case letters, digits, '-' and '.' inside")
    return name


def _features(reader: TableReader, core: str) -> frozenset[Feature]:
    always, possible = CORE_FEATURES[core]
    found = frozenset(cast("tuple[Feature, ...]", reader.texts("features", get_args(Feature))))
    if found - possible:
        allowed = ", ".join(sorted(possible)) or "none"
        reader.fail(
            "features",
            f"has {', '.join(sorted(found - possible))}, which {core} "
            f"cannot have; allowed: {allowed}",
        )
    if always - found:
        reader.fail(
            "features", f"lacks {', '.join(sorted(always - found))}, which every {core} has"
        )
    return found


def _memories(reader: TableReader) -> tuple[MemoryRegion, ...]:
    regions: list[MemoryRegion] = []
    for index, table in enumerate(reader.tables("memory")):
        region = _memory(table)
        for other in regions:
            if region.name == other.name:
                reader.fail(f"memory[{index}].name", f"repeats '{region.name}'")
            if (
                region.origin < other.origin + other.bytes
                and other.origin < region.origin + region.bytes
            ):
                reader.fail(f"memory[{index}]", f"overlaps '{other.name}'")
        regions.append(region)
    for what in get_args(Holds):
        if not any(what in region.holds for region in regions):
            reader.fail("memory", f"has no region that holds {what}")
    return tuple(regions)


def _memory(table: TableReader) -> MemoryRegion:
    region = MemoryRegion(
        name=_name(table, "name"),
        kind=cast("MemoryKind", table.choice("kind", get_args(MemoryKind))),
        bytes=table.integer("bytes", 1, _ADDRESS_SPACE_BYTES),
        origin=table.integer("origin", 0, _ADDRESS_SPACE_BYTES - 1),
        holds=cast("tuple[Holds, ...]", table.texts("holds", get_args(Holds))),
        source=table.text("source"),
    )
    table.finish()
    if region.origin + region.bytes > _ADDRESS_SPACE_BYTES:
        table.fail("bytes", "goes past the end of the 32-bit address space")
    if not region.holds:
        table.fail("holds", f"must name at least one of: {', '.join(get_args(Holds))}")
    if region.kind == "flash" and "data" in region.holds:
        table.fail("holds", "has 'data', which flash cannot hold")
    return region


def _timing(table: TableReader) -> Timing:
    timing = Timing(
        cycles_per_instruction=read_figure(table, "cycles_per_instruction", 0.1, 100),
        fitted=_fitted(table.table("fitted")) if table.has("fitted") else None,
    )
    table.finish()
    return timing


def _fitted(table: TableReader) -> FittedTiming:
    fitted = FittedTiming(
        taken_branch_cycles=read_figure(table, "taken_branch_cycles", 0, 1e3),
        flash_line_miss_cycles=read_figure(table, "flash_line_miss_cycles", 0, 1e3),
        mean_error=read_figure(table, "mean_error", 0, 1),
        max_error=read_figure(table, "max_error", 0, 1),
        instruction_cache=_cache(table.table("instruction_cache")),
        data_cache=_cache(table.table("data_cache")),
    )
    table.finish()
    if fitted.mean_error.value > fitted.max_error.value:
        table.fail("mean_error", "must not be above max_error")
    return fitted


def _cache(table: TableReader) -> CacheGeometry:
    geometry = CacheGeometry(
        lines=table.integer("lines", 1, _MAX_LINES),
        line_bytes=table.integer("line_bytes", 4, 4096),
    )
    table.finish()
    if geometry.line_bytes & (geometry.line_bytes - 1):
        table.fail("line_bytes", "must be a power of two")
    return geometry


def _power_modes(reader: TableReader) -> tuple[PowerMode, ...]:
    modes: list[PowerMode] = []
    for index, table in enumerate(reader.tables("power")):
        mode = _power_mode(table)
        if any(mode.name == other.name for other in modes):
            reader.fail(f"power[{index}].name", f"repeats '{mode.name}'")
        modes.append(mode)
    return tuple(modes)


def _power_mode(table: TableReader) -> PowerMode:
    supply_v = optional_figure(table, "supply_v", 0.1, 60)
    active_ma = optional_figure(table, "active_current_ma", 1e-6, 1e5)
    sleep_ua = optional_figure(table, "sleep_current_ua", 1e-6, 1e8)
    mode = PowerMode(
        name=_name(table, "name"),
        title=table.text("title"),
        supply_v=supply_v,
        active_power_mw=_power(table, "active_power_mw", active_ma, supply_v),
        active_current_ma=active_ma,
        sleep_power_uw=_power(table, "sleep_power_uw", sleep_ua, supply_v),
        sleep_current_ua=sleep_ua,
        sleep_state=table.text("sleep_state") if table.has("sleep_state") else None,
    )
    table.finish()
    if (mode.sleep_power_uw or sleep_ua) and mode.sleep_state is None:
        table.fail("sleep_state", "is missing; a sleep figure means little without it")
    return mode


def _power(
    table: TableReader, key: str, current: Figure | None, supply_v: Figure | None
) -> Figure | None:
    """The stated power, or current times supply where both are known (mA V = mW, µA V = µW)."""
    if table.has(key):
        if current is not None:
            table.fail(key, "and a current are both given; state what the source states")
        return read_figure(table, key, 1e-6, 1e9)
    if current is None or supply_v is None:
        return None
    current_low, current_high = current.bounds
    supply_low, supply_high = supply_v.bounds
    spread = current.error is not None or supply_v.error is not None
    return Figure(
        value=current.value * supply_v.value,
        source=f"{current.source}, times {supply_v.value:g} V",
        basis=current.basis,
        low=current_low * supply_low if spread else None,
        high=current_high * supply_high if spread else None,
    )
