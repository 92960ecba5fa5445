# SPDX-License-Identifier: MIT
"""From a TOML table to a Machine, with every cross-check between the fields."""

from __future__ import annotations

from typing import Any, cast, get_args

from milliwatt.backend.dimc.machine import (
    EnergyPoint,
    Machine,
    MeasuredEnergy,
    OperatingPoint,
    TieBreak,
    WeightCoding,
)
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
        chain_lengths=_integers(links, "chain_lengths", 1024),
        pack_mux_tiles=_integers(links, "pack_mux_tiles", 1024),
        out_mux_lengths=_integers(links, "out_mux_lengths", 1024),
        min_stripe=figures.integer(mapping, "min_stripe"),
        tie_break=TieBreak(
            figures.integer(mapping, "tie_rounds"), figures.integer(mapping, "tie_stripe_multiple")
        ),
        operating_points=_operating_points(reader),
        weight_coding=_weight_coding(reader),
        area_mm2=_area(reader, figures),
        energy=_energy(reader.table("energy"), figures) if reader.has("energy") else None,
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


def _optional(figures: _Figures, reader: TableReader, key: str) -> int | None:
    return figures.integer(reader, key, 1, 1 << 40) if reader.has(key) else None


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


def _weight_coding(reader: TableReader) -> WeightCoding:
    if not reader.has("compression"):
        return "none"
    table = reader.table("compression")
    coding = cast("WeightCoding", table.choice("weights", get_args(WeightCoding)))
    table.text("source")
    _basis(table)
    table.finish()
    return coding


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
