# SPDX-License-Identifier: MIT
"""Feature maps on the chip, branches included, and steps fused to fit."""

from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milliwatt.backend.dimc.features import FeatureGroup, fusible, plan_features, states, weigh
from milliwatt.backend.dimc.flow import flow_of
from milliwatt.backend.dimc.load import load_machine
from milliwatt.backend.dimc.placement import Placement, place
from milliwatt.backend.dimc.workload import Workload, load_workload
from milliwatt.errors import UnknownFigureError
from milliwatt.frontend.load import load_model
from milliwatt.ir.graph import Graph, Node
from milliwatt.ir.types import DType, Quant, TensorType
from milliwatt.ops.arith import Add
from milliwatt.ops.base import Activation, Padding
from milliwatt.ops.conv import Conv2D
from milliwatt.passes.pipeline import run_pipeline
from tests.backend.dimc.networks import codes
from tests.support import shared_file

ST = load_machine("st-dimc")


def with_memory(network: Graph | Workload, memory_bytes: int) -> Placement:
    return place(network, replace(ST, feature_memory_bytes=memory_bytes))


def residual(count: int) -> Graph:
    """`count` 3x3 convolutions of x[1,8,8,4], and x added to the last: 256 bytes a map."""
    rng = np.random.default_rng(12)
    kind = TensorType((1, 8, 8, 4), DType.INT8, Quant.per_tensor(0.5, 0))
    types, constants, nodes = {"x": kind}, {}, []
    op = Conv2D((1, 1), (1, 1), Padding(1, 1, 1, 1), Activation.NONE)
    value = "x"
    for i in range(count):
        weights = codes(8, (4, 3, 3, 4), rng)
        types |= {
            f"w{i}": TensorType(weights.shape, DType.INT8, Quant((0.01,) * 4, (0,) * 4, 0)),
            f"b{i}": TensorType((4,), DType.INT32, None),
            f"v{i}": kind,
        }
        constants |= {f"w{i}": weights, f"b{i}": np.zeros(4, np.int32)}
        nodes.append(Node(f"v{i}", op, (value, f"w{i}", f"b{i}"), (f"v{i}",)))
        value = f"v{i}"
    types["y"] = kind
    nodes.append(Node("y", Add(Activation.NONE), (value, "x"), ("y",)))
    return Graph("residual", tuple(nodes), types, constants, ("x",), ("y",))


def brute_force(placement: Placement, memory: int) -> tuple[int, int]:
    """The fewest bytes moved and steps fused, over every cut and every choice of maps."""
    flow = flow_of(placement)
    count = len(flow.steps)
    costs = []
    for number in range(count):
        for cuts in combinations(range(1, count), number):
            edges = [0, *cuts, count]
            if not all(fusible(placement, flow.steps[a:b]) for a, b in pairwise(edges)):
                continue
            for chosen in product(*(list(states(flow, cut)) for cut in edges)):
                moved = 0
                for (a, b), (before, after) in zip(pairwise(edges), pairwise(chosen), strict=True):
                    group = weigh(flow, a, b, before, after, memory)
                    must = b - a == 1 and before == flow.live[a] and after == flow.live[b]
                    if group.need_bytes > memory and not must:
                        break
                    moved += group.external_bytes
                else:
                    costs.append((moved, count - len(edges) + 1))
    return min(costs)


def found(plan: tuple[FeatureGroup, ...]) -> tuple[int, int]:
    steps = sum(len(group.steps) for group in plan)
    return sum(group.external_bytes for group in plan), steps - len(plan)


def test_feature_memory_must_be_known() -> None:
    with pytest.raises(UnknownFigureError, match=r"does not say array\.feature_memory_bytes"):
        plan_features(place(load_workload("st-vgg16-tiny"), ST))


@given(st.integers(1, 400_000), st.integers(0, 8), st.integers(2, 4))
def test_fusion_is_the_best_of_all_cuts(memory_bytes: int, first: int, count: int) -> None:
    vgg = load_workload("st-vgg16-tiny")
    part = Workload("part", vgg.source, vgg.layers[first : first + count])
    placement = with_memory(part, memory_bytes)
    plan = plan_features(placement)
    assert [n for group in plan for n in group.steps] == [x.name for x in part.layers]
    assert found(plan) == brute_force(placement, memory_bytes)


@given(st.integers(1, 1024), st.integers(1, 3))
def test_branches_are_planned_as_by_brute_force(memory_bytes: int, count: int) -> None:
    placement = with_memory(residual(count), memory_bytes)
    assert found(plan_features(placement)) == brute_force(placement, memory_bytes)


def test_a_map_that_waits_for_its_branch_counts() -> None:
    """The second convolution needs its input, its output, and x, which the addition still reads."""
    plan = plan_features(with_memory(residual(2), 3 * 256))
    assert [group.need_bytes for group in plan] == [512, 768, 768]
    assert found(plan) == (0, 0)


def test_fusing_keeps_a_branch_on_the_chip() -> None:
    """One byte short of the three maps of the addition: all run row by row, and nothing moves."""
    plan = plan_features(with_memory(residual(2), 3 * 256 - 1))
    assert found(plan) == (0, 2)
    alone = brute_force(with_memory(residual(2), 256), 256)
    assert alone[0] > 0


def test_rounds_read_a_map_off_the_chip_again() -> None:
    """Nothing fits: C4_1 takes seven rounds on one cluster, and reads its 21,952 bytes in each."""
    vgg = load_workload("st-vgg16-tiny")
    (layer,) = (x for x in vgg.layers if x.name == "C4_1")
    machine = replace(ST, feature_memory_bytes=1)
    placement = place(
        Workload("one", vgg.source, (layer,)),
        machine,
        mode="published",
        clusters=1,
        objective="one-cluster",
    )
    (group,) = plan_features(placement)
    assert (group.read_bytes, group.written_bytes) == (7 * 21_952, 21_952)


def test_fusing_saves_the_largest_maps() -> None:
    """500 kB hold what VGG's second layer reads and writes only if the first is fused with it."""
    vgg = load_workload("st-vgg16-tiny")
    two = Workload("two", vgg.source, vgg.layers[:2])
    (plan,) = plan_features(with_memory(two, 500_000))
    assert plan.steps == ("C1_1", "C1_2")
    assert plan.external_bytes == 0


def test_a_residual_network_is_planned_whole() -> None:
    """ResNet-8: 16 KiB maps, three alive at its additions; 32 KiB move some, 64 KiB none."""
    graph = run_pipeline(load_model(shared_file("models", "mlperf_tiny", "ic_resnet8_int8.tflite")))
    small, large = (plan_features(with_memory(graph, 1024 * k)) for k in (32, 64))
    assert found(large) == (0, 0)
    assert found(small)[0] > 0 or found(small)[1] > 0
    named = [name for group in small for name in group.steps]
    assert sum("conv2d" in name or "Relu" in name for name in named) >= 9
