# SPDX-License-Identifier: MIT
"""Sweeps: synthetic networks are what they say, mixes add up, memories overflow where they must."""

import numpy as np
import pytest

from milliwatt.errors import OptionError
from milliwatt.ir.interpret import run
from milliwatt.report.compare.candidate import Candidate, Refusal
from milliwatt.report.compare.layers import (
    LAYER_KINDS,
    TYPICAL,
    LayerKind,
    layer_graph,
    stack_graph,
)
from milliwatt.report.compare.sweeps import KindCost, mix, sweep_kinds, sweep_mix, sweep_sizes

MACHINES = ("st-dimc", "pcm-cluster")


@pytest.mark.parametrize("kind", LAYER_KINDS)
def test_a_layer_has_its_macs_and_runs(kind: LayerKind) -> None:
    shape = TYPICAL[kind]
    graph = layer_graph(kind, shape)
    pixels = shape.side * shape.side
    taps = {"convolution": 9 * shape.inputs, "depthwise": 9}.get(kind, shape.inputs)
    assert graph.macs() == pixels * shape.outputs * taps
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, graph.types["v0"].shape).astype(np.int8)
    (y,) = run(graph, [x]).outputs
    assert len(np.unique(y)) > 20, "outputs that saturate would say nothing of noise"


def test_a_stack_has_the_weights_that_it_says() -> None:
    graph = stack_graph(16, side=4, layers=3)
    weights = [v for v in graph.constants if v.startswith("w")]
    assert sum(graph.constants[v].size for v in weights) == 3 * 9 * 16 * 16


def cost(kind: LayerKind, target: str, pj_per_mac: float) -> KindCost:
    return KindCost(kind, target, 1, pj_per_mac, 1.0, None)


COSTS = [
    cost("pointwise", "a", 1.0),
    cost("depthwise", "a", 10.0),
    cost("pointwise", "b", 3.0),
    cost("depthwise", "b", 4.0),
    cost("pointwise", "c", 0.1),
]


def test_mixes_add_up_and_leave_out_who_was_not_costed() -> None:
    point = mix(COSTS, {"pointwise": 0.75, "depthwise": 0.25})
    assert point.pj_per_mac == {"a": pytest.approx(3.25), "b": pytest.approx(3.25)}
    assert mix(COSTS, {"pointwise": 1.0}).winner == "c"


def test_the_winner_changes_along_the_mix() -> None:
    points = sweep_mix(COSTS, "pointwise", "depthwise", steps=4)
    assert [p.shares["depthwise"] for p in points] == [0, 0.25, 0.5, 0.75, 1]
    assert [p.winner for p in points[2:]] == ["b", "b", "b"]


@pytest.mark.parametrize("shares", [{"pointwise": 0.5}, {"pointwise": 1.5, "depthwise": -0.5}])
def test_shares_that_are_none_are_refused(shares: dict[LayerKind, float]) -> None:
    with pytest.raises(OptionError, match="add up to 1"):
        mix(COSTS, shares)


def test_a_kind_that_nobody_was_costed_on_is_refused() -> None:
    with pytest.raises(OptionError, match="fully connected"):
        mix(COSTS, {"fully connected": 1.0})


def test_depthwise_layers_use_arrays_worst() -> None:
    """Houshmand et al.: convolutions map well on in-memory computing, depthwise layers badly."""
    costs = {(c.target, c.kind): c for c in sweep_kinds((*MACHINES, "diana"))}
    for target in (*MACHINES, "diana"):
        assert costs[target, "depthwise"].pj_per_mac > 1.5 * costs[target, "convolution"].pj_per_mac
        used = costs[target, "depthwise"].utilisation
        assert used is not None
        assert used < 0.2 * (costs[target, "convolution"].utilisation or 0)


def test_memory_decides_who_runs_a_large_network() -> None:
    small, large = sweep_sizes(MACHINES, channels=(16, 256))
    assert all(isinstance(row, Candidate) for row in small.rows)
    assert small.winners == ("st-dimc",)
    refused = large.rows[0]
    assert isinstance(refused, Refusal)
    assert "chains of at most 8" in refused.reason
    assert large.winners == ("pcm-cluster",)
