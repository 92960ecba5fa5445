# SPDX-License-Identifier: MIT
"""ResNets of MLPerf Tiny, tuned: what Winograd gains in a whole network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.rows import read_rows
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.compile import core_of
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.tuning.measure import Workbench
from milliwatt.tuning.record import Round
from milliwatt.tuning.tune import tune

TABLE = Path(__file__).with_name("tuned_ic.csv")
_NETWORKS = ("ic_resnet8_int8", "ic_resnet_large_int8")
_TARGET = "nucleo-l4r5zi"
_SMALL = "conv2d_winograd_s8_dsp"


@dataclass(frozen=True)
class TunedFigure:
    """One figure of a network: by default, with F(2x2) for each 3x3 convolution, and tuned."""

    network: str
    figure: str
    default: int
    small: int
    tuned: int


def measure_tuned(models: Path) -> list[TunedFigure]:
    """The networks' figures; the tuner's builds are cached."""
    return [row for network in _NETWORKS for row in _measure(models, network)]


def _measure(models: Path, network: str) -> list[TunedFigure]:
    target = load_target(_TARGET)
    graph = load_model(models / "mlperf_tiny" / f"{network}.tflite")
    found = tune(graph, target, compiler="gcc")
    nodes = found.graph.nodes
    kept = {
        node.name: _SMALL
        for node in nodes
        if any(k.name == _SMALL for k in candidates(site_of(found.graph, node), core_of(target)))
    }
    small = Workbench(graph, target, "gcc", "-O2", 0).measure(kept)
    three = (found.default, small, found.tuned)

    def row(figure: str, values: list[int]) -> TunedFigure:
        return TunedFigure(network, figure, *values)

    return [
        row("layers by F(2×2)", [_count(one, _SMALL) for one in three]),
        row("layers by F(4×4)", [_count(one, "conv2d_winograd_4x4_s8_dsp") for one in three]),
        row("instructions", [one.instructions for one in three]),
        row("modelled cycles", [round(one.work) for one in three]),
        row("flash, B", [one.flash_bytes for one in three]),
        row("arena, B", [one.arena_bytes for one in three]),
    ]


def _count(found: Round, kernel: str) -> int:
    return sum(layer.kernel.split("@")[0] == kernel for layer in found.layers.values())


def load_tuned() -> list[TunedFigure]:
    """The committed rows."""
    return read_rows(TABLE, TunedFigure)
