# SPDX-License-Identifier: MIT
"""Rows of the benchmark's CSV files as typed records."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from milliwatt.errors import DataError

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one network needs, built by one compiler for one target. All but `*_ms` is counted.

    `macs` and `parameters_bytes` (weights and biases) are the model file's; the C has fewer where
    channels never change. `instructions` and `stack_bytes` are the most that any sample took.
    `image_bytes` is the whole binary, the test harness included; `flash_bytes` the model's own
    part of it. `sram_bytes` is everything but the stack. `sources` is a hash of what the C is
    generated from, `commit` the revision it was measured at. `cycles` and latencies are modelled,
    None where no figure is known.
    """

    group: str
    model: str
    target: str
    core: str
    compiler: str
    flags: str
    emulator: str
    samples: int
    sources: str
    commit: str
    macs: int
    instructions: int
    instructions_per_mac: float
    cycles: int | None
    parameters_bytes: int
    weights_bytes: int
    constants_bytes: int
    code_bytes: int
    flash_bytes: int
    image_bytes: int
    arena_bytes: int
    arena_lower_bound_bytes: int
    arena_proven: bool
    state_bytes: int
    static_bytes: int
    sram_bytes: int
    stack_bytes: int
    latency_ms: float | None
    latency_low_ms: float | None
    latency_high_ms: float | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.group, self.model)

    @property
    def beyond_weights_bytes(self) -> int:
        """Flash of the model's own code and constants: all but weights and biases."""
        return self.code_bytes + self.constants_bytes


@dataclass(frozen=True, slots=True)
class LayerFigures:
    """Instructions of one layer in the run that took most; `type` groups layers for comparison.

    `cycles` are modelled, None where the target has no fitted model.
    """

    group: str
    model: str
    layer: int
    name: str
    type: str
    op: str
    kernel: str
    macs: int
    instructions: int
    instructions_per_mac: float | None
    cycles: int | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.group, self.model)


@dataclass(frozen=True, slots=True)
class Peer:
    """What another engine needs for a network; None where it was not measured."""

    core: str
    peer: str
    flags: str
    model: str
    instructions: int
    flash_bytes: int | None
    arena_bytes: int | None
    static_bytes: int | None
    stack_bytes: int | None
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.core, f"{self.peer} {self.flags}", self.model)


@dataclass(frozen=True, slots=True)
class PeerLatency:
    """Another engine's time for a network on the headline's board."""

    engine: str
    model: str
    latency_ms: float
    basis: str
    source: str


@dataclass(frozen=True, slots=True)
class CoreLatency:
    """An engine's published time for a network on a board of one core, whose clock is known."""

    core: str
    engine: str
    board: str
    clock_mhz: int
    model: str
    latency_ms: float
    source: str

    @property
    def cycles(self) -> float:
        """The clock's cycles in that time."""
        return self.latency_ms * 1e3 * self.clock_mhz


@dataclass(frozen=True, slots=True)
class PeerShare:
    """The share of a peer's instructions that one type of layers takes."""

    model: str
    type: str
    share: float
    source: str


@dataclass(frozen=True, slots=True)
class Time:
    """The shortest of several runs of one command on the machine that made the tables."""

    what: str
    seconds: float
    goal_seconds: float
    machine: str


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """The records of a CSV file, in order; none where there is no file yet.

    Raises DataError where the columns or a value are not the record's.
    """
    if not path.is_file():
        return []
    names = [field.name for field in fields(kind)]  # pyright: ignore[reportArgumentType]
    hints = get_type_hints(kind)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames != names:
            raise DataError(f"{path}: columns are {reader.fieldnames}, not {names}")
        try:
            return [kind(**{n: _parse(row[n], hints[n]) for n in names}) for row in reader]
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from error


def format_rows(rows: Iterable[Any], kind: type[Any]) -> str:
    """The CSV text of records."""
    names = [field.name for field in fields(kind)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_format(getattr(row, name)) for name in names])
    return text.getvalue()


def _parse(text: str, hint: Any) -> object:
    if hint is str:
        return text
    if hint is bool:
        return {"yes": True, "no": False}[text] if text in ("yes", "no") else _refuse(text)
    if text == "" and hint in (int | None, float | None):
        return None
    return int(text) if hint in (int, int | None) else float(text)


def _refuse(text: str) -> bool:
    raise ValueError(f"'{text}' is neither yes nor no")


def _format(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
