# SPDX-License-Identifier: MIT
"""Networks given as lists of layers, in TOML: what is known of a network nobody published."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from milliwatt.backend.dimc.layer import Layer
from milliwatt.errors import ModelError, TargetError, reason_of
from milliwatt.hardware.table import TableReader

_MOST = 1 << 24


@dataclass(frozen=True, slots=True)
class Workload:
    """Layers in the order they run."""

    name: str
    source: str
    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.macs for layer in self.layers)


def load_workload(name: str | Path) -> Workload:
    """The workload of that name among those that ship, or the one a `.toml` file describes.

    A ModelError says what is wrong and where.
    """
    if isinstance(name, Path) or name.endswith(".toml"):
        path = Path(name)
        try:
            return _parse(path.read_bytes(), str(path))
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {reason_of(error)}") from error
    for workload in list_workloads():
        if workload.name == name:
            return workload
    known = ", ".join(workload.name for workload in list_workloads())
    raise ModelError(f"unknown workload '{name}'; known: {known}")


@cache
def list_workloads() -> tuple[Workload, ...]:
    """Every workload that ships, by name."""
    folder = resources.files("milliwatt.backend.dimc") / "workloads"
    files = [item for item in folder.iterdir() if item.name.endswith(".toml")]
    return tuple(_parse(i.read_bytes(), i.name) for i in sorted(files, key=lambda i: i.name))


def _parse(raw: bytes, file: str) -> Workload:
    try:
        return _workload(TableReader(tomllib.loads(raw.decode("utf-8")), file))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file}: is not valid TOML: {error}") from error
    except TargetError as error:
        raise ModelError(str(error)) from error


def _workload(reader: TableReader) -> Workload:
    layers: list[Layer] = []
    for index, table in enumerate(reader.tables("layer")):
        layer = _layer(table)
        if any(layer.name == other.name for other in layers):
            reader.fail(f"layer[{index}].name", f"repeats '{layer.name}'")
        layers.append(layer)
    if not layers:
        reader.fail("layer", "is missing; a workload has at least one")
    workload = Workload(
        reader.text("name"), reader.text("source"), tuple(layers), reader.texts("notes")
    )
    reader.finish()
    return workload


def _layer(table: TableReader) -> Layer:
    layer = Layer(
        name=table.text("name"),
        in_channels=table.integer("in_channels", 1, _MOST),
        kernel_hw=_pair(table, "kernel_hw"),
        kernels=table.integer("kernels", 1, _MOST),
        out_hw=_pair(table, "out_hw"),
        weight_bits=table.integer("weight_bits", 1, 16),
        activation_bits=table.integer("activation_bits", 1, 16),
        groups=_or_one(table, "groups"),
        stride_hw=_pair(table, "stride_hw") if table.has("stride_hw") else (1, 1),
        stored_weight_bits=(
            table.integer("stored_weight_bits", 1, 1 << 40)
            if table.has("stored_weight_bits")
            else None
        ),
    )
    table.finish()
    return layer


def _pair(table: TableReader, key: str) -> tuple[int, int]:
    found: tuple[Any, ...] = table.integers(key, 1, _MOST)
    if len(found) != 2:
        table.fail(key, "must be [rows, columns]")
    return found[0], found[1]


def _or_one(table: TableReader, key: str) -> int:
    return table.integer(key, 1, _MOST) if table.has(key) else 1
