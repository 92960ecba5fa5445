# SPDX-License-Identifier: MIT
"""The predictor's table, and how far it is off on a network that it was not fitted to."""

from __future__ import annotations

import pytest

from milliwatt.backend.mcu.choice.predict import (
    FEATURES,
    core_class,
    features_of,
    fitted_kernels,
    predict,
)
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.compile import compile_graph, core_of
from milliwatt.backend.mcu.kernel import Core
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ops.conv import Conv2D
from milliwatt.tuning.measure import Workbench
from tests.backend.mcu.networks import residual
from tests.support import REPOSITORY, needs_arm_gcc

BOARD = load_target("nucleo-l4r5zi")


def test_every_row_states_its_error() -> None:
    table = fitted_kernels()
    assert {core for core, _ in table} <= {"base", "dsp", "mve"}
    assert ("dsp", "conv2d_1x1_s8_dsp") in table
    for fitted in table.values():
        assert 0 <= fitted.mean_error <= fitted.max_error
        assert len(fitted.rates) == len(FEATURES)
        assert min(fitted.rates) >= 0 < max(fitted.rates)


def test_cores_have_rows_of_their_own() -> None:
    assert core_class(Core()) == core_class(Core(swar=True)) == "base"
    assert core_class(Core(dsp=True)) == "dsp"
    assert core_class(Core(dsp=True, mve=True)) == "mve"


def test_features_are_counted_off_the_site() -> None:
    graph = load_model(REPOSITORY / "examples" / "digits.mw")
    node = next(node for node in graph.nodes if isinstance(node.op, Conv2D))
    site = site_of(graph, node)
    found = dict(zip(FEATURES, features_of(site), strict=True))
    _, height, width, channels = site.outputs[0].shape
    assert found["mac"] == site.op.macs(site.inputs, site.outputs)
    assert found["output"] == height * width * channels == found["pixel"] * found["channel"]
    assert found["input"] == site.inputs[0].elements
    assert found["weight"] == site.inputs[1].elements
    assert found["call"] == 1


def test_a_kernel_without_a_row_is_taken_for_slow() -> None:
    graph = residual()
    site = site_of(graph, graph.nodes[0])
    (first, *_) = candidates(site, Core(dsp=True))
    lowered = first.lower(site)
    known = predict(first.name, lowered, site, Core(dsp=True))
    unknown = predict("none_such", lowered, site, Core(dsp=True))
    assert known.table_bytes == unknown.table_bytes == sum(t.data.nbytes for t in lowered.tables)
    assert known.instructions < unknown.instructions


@needs_arm_gcc
@pytest.mark.emulator
def test_the_error_on_a_network_left_out_of_the_fit() -> None:
    graph = load_model(REPOSITORY / "examples" / "digits.mw")
    plan = compile_graph(graph, BOARD, "net").plan
    measured = Workbench(graph, BOARD, "gcc", "-O2", 0).measure({})
    predicted = 0.0
    for step in plan.steps:
        site = site_of(plan.graph, step.node)
        predicted += predict(step.kernel, step.lowered, site, core_of(BOARD)).instructions
    assert predicted == pytest.approx(measured.instructions, rel=0.35)
