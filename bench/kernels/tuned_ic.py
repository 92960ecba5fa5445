# SPDX-License-Identifier: MIT
"""ResNet-8 of MLPerf Tiny, tuned: what Winograd gains in a whole network."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.tuning.tune import tune

TABLE = Path(__file__).with_name("tuned_ic.csv")
_NETWORK = "mlperf_tiny/ic_resnet8_int8.tflite"
_TARGET = "nucleo-l4r5zi"


@dataclass(frozen=True)
class TunedFigure:
    """One figure of the network, with the default kernels and with the tuned ones."""

    figure: str
    default: int
    tuned: int


def measure_tuned(models: Path) -> list[TunedFigure]:
    """The network's figures; the tuner's builds are cached."""
    found = tune(load_model(models / _NETWORK), load_target(_TARGET), compiler="gcc")
    before, after = found.default, found.tuned
    kernels = found.choices.kernels.values()
    return [
        TunedFigure("layers by Winograd", 0, sum("winograd" in name for name in kernels)),
        TunedFigure("instructions", before.instructions, after.instructions),
        TunedFigure("modelled cycles", round(before.cycles), round(after.cycles)),
        TunedFigure("flash, B", before.flash_bytes, after.flash_bytes),
        TunedFigure("arena, B", before.arena_bytes, after.arena_bytes),
    ]


def load_tuned() -> list[TunedFigure]:
    """The committed rows."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return [
            TunedFigure(line["figure"], int(line["default"]), int(line["tuned"]))
            for line in csv.DictReader(file)
        ]


def write_tuned(rows: list[TunedFigure]) -> None:
    """The committed rows, anew."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        names = [field.name for field in fields(TunedFigure)]
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
