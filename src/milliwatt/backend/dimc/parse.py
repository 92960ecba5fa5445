# SPDX-License-Identifier: MIT
"""From a TOML table to a Machine, with every cross-check between the fields."""

from __future__ import annotations

from typing import Any, cast, get_args

from milliwatt.backend.dimc.machine import (
    Coding,
    EnergyPoint,
    Machine,
    MeasuredEnergy,
    OperatingPoint,
    TieBreak,
)
from milliwatt.backend.dimc.surroundings import Background, Host, MemoryEnergy
from milliwatt.hardware.model import Basis, Figure
from milliwatt.hardware.table import TableReader

_MOST = 1 << 20


class _Figures:
    """Reads `{ value, source, basis }` and keeps each by its path."""

    def __init__(self) -> None:
        self.read: dict[str, Figure] = {}

    def number(self, reader: TableReader, key: str, low: float, high: float) -> Figure:
        table = reader.table(key)
        figure = Figure(table.number("value", low, high), table.text("source"), _basis(table))
        table.finish()
        self.read[reader.where(key)] = figure
        return figure

    def integer(self, reader: TableReader, key: str, low: int = 1, high: int = _MOST) -> int:
        figure = self.number(reader, key, low, high)
        if figure.value != int(figure.value):
            reader.fail(f"{key}.value", "must be a whole number")
        return int(figure.value)


def parse_machine(content: dict[str, Any], file: str) -> Machine:
    """The machine a TOML file describes; TargetError names the file and the dotted path."""
    reader, figures = TableReader(content, file), _Figures()
    array = reader.table("array")
    precision, links = reader.table("precision"), reader.table("interconnect")
    mapping = reader.table("mapping")
    weight_coding, feature_coding = _codings(reader)
    machine = Machine(
        name=reader.text("name"),
        title=reader.text("title"),
        technology_nm=figures.integer(reader, "technology_nm"),
        clusters=figures.integer(array, "clusters", high=1024),
        tiles_per_cluster=figures.integer(array, "tiles_per_cluster", high=1024),
        rows=figures.integer(array, "rows"),
        row_bits=figures.integer(array, "row_bits"),
        subtensors=figures.integer(array, "subtensors"),
        accumulator_bits=figures.integer(array, "accumulator_bits", 2, 64),
        load_port_bits=figures.integer(array, "load_port_bits"),
        weight_memory_bytes=_optional(figures, array, "weight_memory_bytes"),
        feature_memory_bytes=_optional(figures, array, "feature_memory_bytes"),
        weight_bits=_integers(precision, "weight_bits", 8),
        activation_bits=_integers(precision, "activation_bits", 8),
        input_slice_bits=_optional(figures, precision, "input_slice_bits", 8),
        chain_lengths=_integers(links, "chain_lengths", 1024),
        chain_hop_cycles=figures.integer(links, "chain_hop_cycles", 0, 1024),
        pack_mux_tiles=_integers(links, "pack_mux_tiles", 1024),
        out_mux_lengths=_integers(links, "out_mux_lengths", 1024),
        min_stripe=figures.integer(mapping, "min_stripe"),
        tie_break=TieBreak(
            figures.integer(mapping, "tie_rounds"), figures.integer(mapping, "tie_stripe_multiple")
        ),
        operating_points=_operating_points(reader),
        weight_coding=weight_coding,
        feature_coding=feature_coding,
        skip_zero_rows=_skip_zero_rows(reader),
        area_mm2=_area(reader, figures),
        energy=_energy(reader.table("energy"), figures) if reader.has("energy") else None,
        memory=_memory(reader.table("memory"), figures) if reader.has("memory") else None,
        background=_background(reader, figures),
        host=_host(reader.table("host"), figures) if reader.has("host") else None,
        figures=figures.read,
        aliases=reader.texts("aliases"),
        notes=reader.texts("notes"),
    )
    for table in (precision, links):
        table.text("source")
        _basis(table)
    for table in (array, precision, links, mapping, reader):
        table.finish()
    _check(machine, reader)
    return machine


def _check(machine: Machine, reader: TableReader) -> None:
    if max(machine.weight_bits) > machine.row_bits:
        reader.fail("precision.weight_bits", "has weights wider than a row")
    if machine.row_bits % machine.subtensors:
        reader.fail("array.subtensors.value", "must divide row_bits")
    if max(machine.chain_lengths) > machine.tiles_per_cluster:
        reader.fail(
            "interconnect.chain_lengths",
            f"has chains longer than the {machine.tiles_per_cluster} tiles of a cluster",
        )
    if machine.memory is None:
        return
    if machine.energy is not None:
        reader.fail("memory", "counts twice what the measured [energy] holds; one of them goes")
    if machine.feature_memory_bytes is None:
        reader.fail("memory", "needs array.feature_memory_bytes, to tell what moves off the chip")
    if (machine.memory.kernel_read is None) != (machine.weight_memory_bytes is None):
        reader.fail("memory.kernel_read_fj_per_bit", "goes with array.weight_memory_bytes")


def _optional(figures: _Figures, reader: TableReader, key: str, high: int = 1 << 40) -> int | None:
    return figures.integer(reader, key, 1, high) if reader.has(key) else None


def _basis(table: TableReader) -> Basis:
    return cast("Basis", table.choice("basis", get_args(Basis)))


def _integers(reader: TableReader, key: str, high: int) -> tuple[int, ...]:
    """A rising array of integers from 1, not empty."""
    found = reader.integers(key, 1, high)
    if not found:
        reader.fail(key, "must not be empty")
    if list(found) != sorted(set(found)):
        reader.fail(key, "must rise from each number to the next")
    return found


def _area(reader: TableReader, figures: _Figures) -> float | None:
    if not reader.has("area"):
        return None
    table = reader.table("area")
    figure = figures.number(table, "total_mm2", 1e-6, 1e6)
    table.finish()
    return figure.value


def _codings(reader: TableReader) -> tuple[Coding, Coding]:
    """How kernels and how feature maps are stored."""
    if not reader.has("compression"):
        return "none", "none"
    table = reader.table("compression")
    weights = cast("Coding", table.choice("weights", get_args(Coding)))
    features = cast("Coding", table.choice("features", get_args(Coding)))
    table.text("source")
    _basis(table)
    table.finish()
    return weights, features


def _skip_zero_rows(reader: TableReader) -> bool:
    if not reader.has("sparsity"):
        return False
    table = reader.table("sparsity")
    skipped = table.choice("skips", ("zero-rows",))
    table.text("source")
    _basis(table)
    table.finish()
    return skipped == "zero-rows"


def _memory(table: TableReader, figures: _Figures) -> MemoryEnergy:
    def price(key: str) -> Figure:
        return figures.number(table, f"{key}_fj_per_bit", 0, 1e9)

    memory = MemoryEnergy(
        feature_read=price("feature_read"),
        feature_write=price("feature_write"),
        external_read=price("external_read"),
        external_write=price("external_write"),
        tile_write=price("tile_write"),
        partial_sum=price("partial_sum"),
        kernel_read=price("kernel_read") if table.has("kernel_read_fj_per_bit") else None,
    )
    table.finish()
    return memory


def _background(reader: TableReader, figures: _Figures) -> Background | None:
    if not reader.has("background"):
        return None
    table = reader.table("background")
    clock = figures.number(table, "clock_fj_per_cycle", 0, 1e9)
    leakage = figures.number(table, "leakage_w", 0, 1e3)
    table.finish()
    return Background(clock, leakage)


def _host(table: TableReader, figures: _Figures) -> Host:
    host = Host(
        core=table.text("core"),
        cycles_per_mac=figures.number(table, "cycles_per_mac", 0, 1e6),
        cycles_per_element=figures.number(table, "cycles_per_element", 0, 1e6),
        pj_per_cycle=(
            figures.number(table, "pj_per_cycle", 0, 1e9) if table.has("pj_per_cycle") else None
        ),
    )
    table.finish()
    return host


def _operating_points(reader: TableReader) -> tuple[OperatingPoint, ...]:
    points: list[OperatingPoint] = []
    for index, table in enumerate(reader.tables("operating_point")):
        point = OperatingPoint(
            name=table.text("name"),
            supply_v=table.number("supply_v", 0.05, 10),
            body_bias_v=table.number("body_bias_v", 0, 5),
            clock_hz=table.number("clock_hz", 1e3, 1e11),
            source=table.text("source"),
            basis=_basis(table),
        )
        table.finish()
        if any(point.name == other.name for other in points):
            reader.fail(f"operating_point[{index}].name", f"repeats '{point.name}'")
        points.append(point)
    if not points:
        reader.fail("operating_point", "is missing; at least one clock must be known")
    return tuple(points)


def _energy(table: TableReader, figures: _Figures) -> MeasuredEnergy:
    energy = MeasuredEnergy(
        supply_v=table.number("supply_v", 0.05, 10),
        points=_energy_points(table, figures),
        body_bias_efficiency_loss=figures.number(table, "body_bias_efficiency_loss", 0, 0.99),
        body_bias_speedup=figures.number(table, "body_bias_speedup", 1, 100),
        body_bias_full_v=figures.number(table, "body_bias_full_v", 0.01, 5),
        activity_share=figures.number(table, "activity_share", 0, 1),
        reference_body_bias_v=figures.number(table, "reference_body_bias_v", 0, 5),
        kernel_load_fj_per_bit=figures.number(table, "kernel_load_fj_per_bit", 0, 1e9),
        system_fj_per_mac=figures.number(table, "system_fj_per_mac", 0, 1e9),
        system_standing_w=figures.number(table, "system_standing_w", 0, 1e3),
    )
    table.finish()
    return energy


def _energy_points(table: TableReader, figures: _Figures) -> tuple[EnergyPoint, ...]:
    points: list[EnergyPoint] = []
    for index, item in enumerate(table.tables("point")):
        point = EnergyPoint(
            bits=item.integer("bits", 1, 8),
            tile_tops_per_w=figures.number(item, "tile_tops_per_w", 1e-3, 1e6),
            imnpu_tops_per_w=figures.number(item, "imnpu_tops_per_w", 1e-3, 1e6),
        )
        item.finish()
        if any(point.bits == other.bits for other in points):
            table.fail(f"point[{index}].bits", f"repeats {point.bits}")
        if point.imnpu_tops_per_w.value > point.tile_tops_per_w.value:
            table.fail(f"point[{index}]", "has an IMNPU more efficient than its tiles")
        points.append(point)
    if not points:
        table.fail("point", "is missing; at least one measured point is needed")
    return tuple(sorted(points, key=lambda point: point.bits))
