# SPDX-License-Identifier: MIT
"""Coding of zeros, feature maps on the chip, and layers fused to fit."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.dimc.coding import coded_bits
from milliwatt.backend.dimc.compression import feature_savings, weight_savings
from milliwatt.backend.dimc.extract import Precision
from milliwatt.backend.dimc.features import input_bytes, output_bytes, plan_features, window_bytes
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.placement import held_rows, place
from milliwatt.backend.dimc.workload import Workload, load_workload
from milliwatt.errors import OptionError, UnknownFigureError
from milliwatt.ir.graph import Graph
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from tests.backend.dimc.networks import codes, one_layer

ST = load_machine("st-dimc")
CODED = replace(ST, weight_coding="bitmask")
FOUR = {"y": Precision(4, 4)}


def sparse_graph(share: float) -> Graph:
    """A 3x3 layer with that share of its weights, and the last 8 of 32 kernels, zero."""
    rng = np.random.default_rng(11)
    weights = codes(4, (32, 3, 3, 64), rng)
    weights[rng.random(weights.shape) < share] = 0
    weights[24:] = 0
    return one_layer(
        Conv2D((1, 1), (1, 1), Padding(), Activation.NONE), (1, 8, 8, 64), weights, rng
    )


def test_coded_kernels_load_faster_by_what_they_are_smaller() -> None:
    graph = sparse_graph(0.7)
    raw, coded = (place(graph, machine, precision=FOUR) for machine in (ST, CODED))
    (saving,) = weight_savings(coded)
    kernels = graph.constants["w"]
    assert saving.raw_bits == kernels.size * 4
    assert saving.coded_bits == kernels.size + 4 * np.count_nonzero(kernels)
    assert 2 < saving.gain < 4
    assert saving.empty_rows == 8 / 32
    assert coded.layers[0].layer.load_bits == saving.coded_bits
    fewer = raw.layers[0].cycles.load / coded.layers[0].cycles.load
    assert float(fewer) == pytest.approx(saving.gain, rel=0.05)


def test_dense_kernels_stay_raw() -> None:
    graph = sparse_graph(0.0)
    dense = graph.constants["w"].copy()
    dense[dense == 0] = 1
    full = replace(graph, constants={**graph.constants, "w": dense})
    placement = place(full, CODED, precision=FOUR)
    assert placement.layers[0].layer.load_bits == dense.size * 4
    assert weight_savings(placement)[0].gain == 1


def test_feature_maps_are_coded_around_their_zero_point() -> None:
    graph = sparse_graph(0.5)
    x = np.zeros((1, 8, 8, 64), np.int8)
    x[0, 0] = 3
    (saving,) = feature_savings(place(graph, ST, precision=FOUR), [x])
    assert saving.coded_bits == x.size + 4 * x.size // 8
    assert saving.gain == pytest.approx(4 / 1.5)
    assert coded_bits(np.full(8, -5), 4, zero=-5) == 8


def test_lists_of_layers_have_no_zeros() -> None:
    with pytest.raises(OptionError, match="only a graph has zeros"):
        weight_savings(place(load_workload("st-vgg16-tiny"), ST))


def test_feature_memory_must_be_known() -> None:
    with pytest.raises(UnknownFigureError, match=r"does not say array\.feature_memory_bytes"):
        plan_features(place(load_workload("st-vgg16-tiny"), ST))


@given(st.integers(1, 400_000), st.integers(0, 8), st.integers(2, 5))
def test_fusion_is_the_best_of_all_cuts(memory_bytes: int, first: int, count: int) -> None:
    vgg = load_workload("st-vgg16-tiny")
    part = Workload("part", vgg.source, vgg.layers[first : first + count])
    machine = replace(ST, feature_memory_bytes=memory_bytes)
    placement = place(part, machine)
    plan = plan_features(placement)
    assert [n for group in plan for n in group.layers] == [x.name for x in part.layers]
    costs = []
    for number in range(count):
        for cuts in combinations(range(1, count), number):
            edges = [0, *cuts, count]
            spilled = 0
            for start, stop in pairwise(edges):
                items = placement.layers[start:stop]
                group = [item.layer for item in items]
                rows = sum(held_rows(machine, item) for item in items)
                if stop - start > 1 and rows > machine.tiles * machine.rows:
                    break
                ends = input_bytes(group[0]) + output_bytes(group[-1])
                if ends + sum(window_bytes(x) for x in group[1:]) > memory_bytes:
                    spilled += ends
            else:
                costs.append((spilled, count - len(edges) + 1))
    found = sum(g.external_bytes for g in plan), count - len(plan)
    assert found == min(costs)


def test_fusing_saves_the_largest_maps() -> None:
    """500 kB hold what VGG's second layer reads and writes only if the first is fused with it."""
    vgg = load_workload("st-vgg16-tiny")
    two = Workload("two", vgg.source, vgg.layers[:2])
    plan = plan_features(place(two, replace(ST, feature_memory_bytes=500_000)))
    assert [group.layers for group in plan] == [("C1_1", "C1_2")]
    assert plan[0].external_bytes == 0
