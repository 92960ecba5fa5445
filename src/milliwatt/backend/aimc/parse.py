# SPDX-License-Identifier: MIT
"""From a TOML table to a crossbar machine."""

from __future__ import annotations

from typing import Any, cast, get_args

from milliwatt.backend.aimc.model import (
    ArrayEnergy,
    ChargeNoise,
    CircuitNoise,
    Cores,
    Crossbar,
    DepthwiseEngine,
    DeviceNoise,
    Machine,
    NextMemory,
    PartialSums,
    PcmNoise,
    ReramNoise,
    ReramPoint,
    System,
    Technology,
)
from milliwatt.hardware.figure import figure_of, optional_figure, read_figure
from milliwatt.hardware.model import Figure
from milliwatt.hardware.table import TableReader

_Four = tuple[Figure, Figure, Figure, Figure]


def parse_machine(content: dict[str, Any], file: str) -> Machine:
    """The machine a TOML file describes; TargetError names the file and the dotted path."""
    reader = TableReader(content, file)
    technology = cast("Technology", reader.choice("technology", get_args(Technology)))
    machine = Machine(
        name=reader.text("name"),
        title=reader.text("title"),
        technology=technology,
        arrays=_whole(reader, "arrays", 1, 1_000_000),
        crossbar=_crossbar(reader.table("crossbar")),
        energy=_energy(reader.table("energy")) if reader.has("energy") else None,
        system=_system(reader.table("system")),
        device_noise=_device_noise(reader.table("device_noise"), technology),
        circuit_noise=_circuit_noise(reader.table("circuit_noise")),
        error=read_figure(reader, "error", 0, 10) if reader.has("error") else None,
        notes=reader.texts("notes"),
    )
    reader.finish()
    if machine.system.concurrent_arrays.value > machine.arrays.value:
        reader.fail("system.concurrent_arrays", "must not be above arrays")
    return machine


def _whole(reader: TableReader, key: str, low: int, high: int) -> Figure:
    figure = read_figure(reader, key, low, high)
    if not figure.value.is_integer():
        reader.fail(f"{key}.value", f"must be a whole number, not {figure.value:g}")
    return figure


def _polynomial(reader: TableReader, key: str, least: int, most: int) -> tuple[Figure, ...]:
    tables = reader.tables(key)
    if not least <= len(tables) <= most:
        reader.fail(key, f"must have {least} to {most} figures, not {len(tables)}")
    return tuple(
        figure_of(reader, f"{key}[{i}]", table, -1e6, 1e6) for i, table in enumerate(tables)
    )


def _crossbar(table: TableReader) -> Crossbar:
    crossbar = Crossbar(
        rows=_whole(table, "rows", 1, 65536),
        columns=_whole(table, "columns", 1, 65536),
        cell_bits=_whole(table, "cell_bits", 1, 16),
        cells_per_weight=_whole(table, "cells_per_weight", 1, 64),
        dac_bits=_whole(table, "dac_bits", 1, 16),
        adc_bits=_whole(table, "adc_bits", 2, 24),
        dac_bits_per_pulse=_whole(table, "dac_bits_per_pulse", 1, 16),
        columns_per_adc=_whole(table, "columns_per_adc", 1, 65536),
        adc_bound=read_figure(table, "adc_bound", 1e-3, 1e6),
        mvm_latency_ns=optional_figure(table, "mvm_latency_ns", 1e-3, 1e9),
        area_mm2=optional_figure(table, "area_mm2", 1e-6, 1e4),
        rewrite_mvms=optional_figure(table, "rewrite_mvms", 1e-3, 1e12),
        rewrite_energy_nj=optional_figure(table, "rewrite_energy_nj", 0, 1e12),
    )
    table.finish()
    if crossbar.dac_bits_per_pulse.value > crossbar.dac_bits.value:
        table.fail("dac_bits_per_pulse", "must not be above dac_bits")
    if crossbar.columns_per_adc.value > crossbar.columns.value:
        table.fail("columns_per_adc", "must not be above columns")
    return crossbar


def _energy(table: TableReader) -> ArrayEnergy:
    energy = ArrayEnergy(
        dac_pj=read_figure(table, "dac_pj", 0, 1e6),
        adc_pj=read_figure(table, "adc_pj", 0, 1e6),
        cell_fj=read_figure(table, "cell_fj", 0, 1e6),
        digital_pj=read_figure(table, "digital_pj", 0, 1e6),
    )
    table.finish()
    return energy


def _system(table: TableReader) -> System:
    system = System(
        clock_hz=read_figure(table, "clock_hz", 1e3, 1e11),
        bus_bits=_whole(table, "bus_bits", 1, 1 << 20),
        l1_bytes=_whole(table, "l1_bytes", 1, 1 << 40),
        interface_cycles=read_figure(table, "interface_cycles", 0, 1e6),
        concurrent_arrays=_whole(table, "concurrent_arrays", 1, 1_000_000),
        base_power_mw=read_figure(table, "base_power_mw", 0, 1e6),
        bus_pj_per_byte=read_figure(table, "bus_pj_per_byte", 0, 1e6),
        area_mm2=optional_figure(table, "area_mm2", 0, 1e4),
        partial_sums=_partial_sums(table),
        next_memory=_next_memory(table.table("next_memory")) if table.has("next_memory") else None,
        cores=_cores(table.table("cores")) if table.has("cores") else None,
        depthwise_engine=(
            _engine(table.table("depthwise_engine")) if table.has("depthwise_engine") else None
        ),
    )
    table.finish()
    return system


def _partial_sums(table: TableReader) -> PartialSums:
    if not table.has("partial_sums"):
        return "moved"
    return cast("PartialSums", table.choice("partial_sums", get_args(PartialSums)))


def _next_memory(table: TableReader) -> NextMemory:
    memory = NextMemory(
        bus_bits=_whole(table, "bus_bits", 1, 1 << 20),
        pj_per_byte=read_figure(table, "pj_per_byte", 0, 1e6),
    )
    table.finish()
    return memory


def _cores(table: TableReader) -> Cores:
    cores = Cores(
        count=_whole(table, "count", 1, 100_000),
        macs_per_cycle=read_figure(table, "macs_per_cycle", 1e-3, 1e6),
        depthwise_macs_per_cycle=read_figure(table, "depthwise_macs_per_cycle", 1e-3, 1e6),
        elements_per_cycle=read_figure(table, "elements_per_cycle", 1e-3, 1e6),
        power_mw=read_figure(table, "power_mw", 0, 1e6),
    )
    table.finish()
    return cores


def _engine(table: TableReader) -> DepthwiseEngine:
    engine = DepthwiseEngine(
        macs_per_cycle=read_figure(table, "macs_per_cycle", 1e-3, 1e6),
        power_mw=read_figure(table, "power_mw", 0, 1e6),
    )
    table.finish()
    return engine


def _device_noise(table: TableReader, technology: Technology) -> DeviceNoise:
    match technology:
        case "pcm":
            noise: DeviceNoise = _pcm(table)
        case "reram":
            noise = _reram(table)
        case "charge-sram":
            noise = ChargeNoise(mismatch=read_figure(table, "mismatch", 0, 1))
    table.finish()
    return noise


def _pcm(table: TableReader) -> PcmNoise:
    return PcmNoise(
        g_max_us=read_figure(table, "g_max_us", 1e-3, 1e6),
        programming_us=_polynomial(table, "programming_us", 1, 9),
        reference_us=read_figure(table, "reference_us", 1e-3, 1e6),
        drift_t0_s=read_figure(table, "drift_t0_s", 1e-9, 1e6),
        drift_mean=cast("_Four", _polynomial(table, "drift_mean", 4, 4)),
        drift_std=cast("_Four", _polynomial(table, "drift_std", 4, 4)),
        read_q=cast("tuple[Figure, Figure, Figure]", _polynomial(table, "read_q", 3, 3)),
        t_read_s=read_figure(table, "t_read_s", 1e-12, 1),
    )


def _reram(table: TableReader) -> ReramNoise:
    points = tuple(_reram_point(point) for point in table.tables("points"))
    times = [point.time_s.value for point in points]
    if not times or times != sorted(set(times)):
        table.fail("points", "must hold one or more points of rising time_s")
    return ReramNoise(
        g_max_us=read_figure(table, "g_max_us", 1e-3, 1e6),
        reference_us=read_figure(table, "reference_us", 1e-3, 1e6),
        points=points,
    )


def _reram_point(table: TableReader) -> ReramPoint:
    point = ReramPoint(
        time_s=read_figure(table, "time_s", 1e-9, 1e12),
        spread_us=_polynomial(table, "spread_us", 1, 9),
    )
    table.finish()
    return point


def _circuit_noise(table: TableReader) -> CircuitNoise:
    noise = CircuitNoise(
        output=read_figure(table, "output", 0, 1e3),
        short_term=read_figure(table, "short_term", 0, 1),
        wire_ohm_per_cell=read_figure(table, "wire_ohm_per_cell", 0, 1e3),
        drift_compensation=table.choice("drift_compensation", ("global", "none")) == "global",
    )
    table.finish()
    return noise
