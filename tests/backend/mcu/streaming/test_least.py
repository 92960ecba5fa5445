# SPDX-License-Identifier: MIT
"""No stream of any range, at any pace, in any bands, needs less of its own than is promised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.mcu.streaming.band_segments import COUNTS
from milliwatt.backend.mcu.streaming.bands import make_bands, with_bands
from milliwatt.backend.mcu.streaming.columns import column_chain
from milliwatt.backend.mcu.streaming.least import least_memory
from milliwatt.backend.mcu.streaming.schedule import Pace, make_schedule
from milliwatt.backend.mcu.streaming.segments import (
    find_alive,
    inner_bytes,
    paces,
    stream_ranges,
)
from milliwatt.ir.graph import Graph
from tests.backend.mcu.streaming.networks import chain, random_cnn


def ranges(graph: Graph) -> list[range]:
    return list(stream_ranges(graph, find_alive(graph, frozenset(graph.types)), fed=False))


def check(graph: Graph) -> int:
    """Every range; the most bytes that were promised."""
    most = 0
    for nodes in ranges(graph):
        promised = least_memory(graph, nodes.stop).whole_bytes
        least = promised.get(nodes.start, 0)
        most = max(most, least)
        for pace in paces(graph, nodes):
            schedule = make_schedule(graph, [graph.nodes[i] for i in nodes], pace)
            if schedule is not None:
                assert nodes.start in promised
                assert inner_bytes(graph, nodes, schedule, fed=False) >= least
    return most


def check_bands(graph: Graph) -> None:
    for nodes in ranges(graph):
        least = least_memory(graph, nodes.stop)
        if make_schedule(graph, [graph.nodes[i] for i in nodes], Pace()) is None:
            continue
        columns = column_chain(graph, nodes)
        for count in COUNTS if columns is not None else ():
            assert columns is not None
            bands = make_bands(graph, columns, count)
            if bands is None:
                continue
            cut = with_bands(graph, bands)
            for pace in (Pace(), Pace(2)):
                parts = [make_schedule(cut, [cut.nodes[i] for i in c], pace) for c in bands.chains]
                found = [
                    inner_bytes(cut, nodes, schedule, fed=False)
                    for nodes, schedule in zip(bands.chains, parts, strict=True)
                    if schedule is not None
                ]
                if len(found) == len(parts):
                    assert max(found) >= least.band_bytes(columns, columns.bands(count))
                    assert max(found) >= least.shared_bytes[nodes.start] // COUNTS[-1]


@given(st.integers(0, 10_000))
def test_streams_of_random_networks(seed: int) -> None:
    check(random_cnn(seed, layers=8))


@given(st.integers(0, 10_000))
def test_bands_of_random_networks(seed: int) -> None:
    check_bands(random_cnn(seed, layers=8))


def test_windows_that_overlap_keep_their_rows() -> None:
    """Three rows of 12 columns and 8 channels for the second convolution's windows."""
    graph = chain()
    assert least_memory(graph, 2).whole_bytes == {1: 0, 0: 3 * 12 * 8}
    assert check(graph) == 3 * 12 * 8
