# SPDX-License-Identifier: MIT
"""The committed tables: read, bring up to date, write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench.measure import Measured
from bench.rows import (
    CoreLatency,
    Figures,
    LayerFigures,
    Peer,
    PeerLatency,
    PeerShare,
    Time,
    format_rows,
    read_rows,
)
from bench.suite import BENCH, RESULTS, Suite

FIGURES, LAYERS, TIMES = "figures.csv", "layers.csv", "times.csv"

Keyed = TypeVar("Keyed", Figures, LayerFigures)


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the page shows: what was measured here, and the peers' figures."""

    figures: tuple[Figures, ...]
    layers: tuple[LayerFigures, ...]
    times: tuple[Time, ...]
    peers: tuple[Peer, ...]
    latencies: tuple[PeerLatency, ...]
    core_latencies: tuple[CoreLatency, ...] = ()
    shares: tuple[PeerShare, ...] = ()


def load_tables(results: Path = RESULTS, bench: Path = BENCH) -> Tables:
    """The tables as committed; those not written yet are empty."""
    return Tables(
        figures=tuple(read_rows(results / FIGURES, Figures)),
        layers=tuple(read_rows(results / LAYERS, LayerFigures)),
        times=tuple(read_rows(results / TIMES, Time)),
        peers=tuple(read_rows(bench / "peers.csv", Peer)),
        latencies=tuple(read_rows(bench / "published.csv", PeerLatency)),
        core_latencies=tuple(read_rows(bench / "published_cores.csv", CoreLatency)),
        shares=tuple(read_rows(bench / "cmsis_nn_shares.csv", PeerShare)),
    )


def updated(tables: Tables, suite: Suite, measured: Sequence[Measured]) -> Tables:
    """`tables` with what was measured; rows of networks not measured now stay, in suite order."""
    order = {key: index for index, key in enumerate(suite.keys())}
    return replace(
        tables,
        figures=_merged(tables.figures, [m.figures for m in measured], order),
        layers=_merged(tables.layers, [layer for m in measured for layer in m.layers], order),
    )


def _merged(
    old: Iterable[Keyed], new: Sequence[Keyed], order: dict[tuple[str, str], int]
) -> tuple[Keyed, ...]:
    replaced = {row.key for row in new}
    rows = [row for row in old if row.key not in replaced and row.key in order]
    return tuple(sorted([*rows, *new], key=lambda row: order[row.key]))


def files_of(tables: Tables) -> dict[str, str]:
    """The texts of the result files, by name."""
    return {
        FIGURES: format_rows(tables.figures, Figures),
        LAYERS: format_rows(tables.layers, LayerFigures),
        TIMES: format_rows(tables.times, Time),
    }
