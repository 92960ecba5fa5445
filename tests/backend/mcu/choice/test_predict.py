# SPDX-License-Identifier: MIT
"""The predictor's table, and how far it is off on a network that it was not fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from milliwatt.backend.mcu.choice import predict as predictor
from milliwatt.backend.mcu.choice.predict import (
    FEATURES,
    core_class,
    family_of,
    features_of,
    fitted_kernels,
    predict,
)
from milliwatt.backend.mcu.choice.select import candidates, site_of
from milliwatt.backend.mcu.compile import compile_graph, core_of
from milliwatt.backend.mcu.kernel import Core, Lowered
from milliwatt.backend.mcu.lowering import all_kernels
from milliwatt.errors import UnknownFigureError
from milliwatt.frontend.load import load_model
from milliwatt.hardware import load_target
from milliwatt.ir.types import DType
from milliwatt.ops.conv import Conv2D
from milliwatt.tuning.measure import Workbench
from tests import cases
from tests.backend.mcu.networks import residual
from tests.cases import linear
from tests.cases.linear import Numbers
from tests.support import REPOSITORY, needs_arm_gcc

BOARD = load_target("nucleo-l4r5zi")


CORES = (Core(swar=True), Core(dsp=True), Core(dsp=True, mve=True))


def test_every_row_states_its_error() -> None:
    table = fitted_kernels()
    assert {core for core, _ in table} == {"base", "dsp", "mve"}
    for fitted in table.values():
        assert 0 <= fitted.mean_error <= fitted.max_error
        assert len(fitted.rates) == len(FEATURES)
        assert min(fitted.rates) >= 0 < max(fitted.rates)


def test_every_row_is_of_a_kernel() -> None:
    rows = {kernel for _, kernel in fitted_kernels() if not kernel.startswith("any ")}
    assert rows <= {kernel.name for kernel in all_kernels()}, "run: python -m bench.predictions"


@pytest.mark.slow
def test_every_kernel_has_a_row() -> None:
    """Kernels that are new may be without one for a while: their operator's row predicts them."""
    rows = {kernel for _, kernel in fitted_kernels()}
    assert {kernel.name for kernel in all_kernels()} <= rows, "run: python -m bench.predictions"


@pytest.mark.parametrize("core", CORES, ids=core_class)
def test_every_layer_by_every_kernel_is_predicted(core: Core) -> None:
    for family in cases.FAMILIES:
        for site, _ in cases.sites(family)[::5]:
            for kernel in candidates(site, core):
                found = predict(kernel.name, Lowered("none", ()), site, core)
                assert found.instructions >= 0


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


def test_a_kernel_without_a_row_has_its_operators() -> None:
    graph = residual()
    site = site_of(graph, graph.nodes[0])
    (first, *_) = candidates(site, Core(dsp=True))
    lowered = first.lower(site)
    known = predict(first.name, lowered, site, Core(dsp=True))
    unknown = predict("none_such", lowered, site, Core(dsp=True))
    assert known.table_bytes == unknown.table_bytes == sum(t.data.nbytes for t in lowered.tables)
    family = fitted_kernels()["dsp", family_of(site)]
    rates = zip(family.rates, features_of(site), strict=True)
    assert unknown.instructions == pytest.approx(sum(r * n for r, n in rates))
    assert known.instructions != unknown.instructions


def test_a_kernel_of_an_operator_without_any_row_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, _ = cases.sites("movers")[0]
    lowered = candidates(site, Core())[0].lower(site)
    monkeypatch.setattr(predictor, "fitted_kernels", dict)
    with pytest.raises(UnknownFigureError, match=r"none_such.*Reshape.*base"):
        predict("none_such", lowered, site, Core())


def test_zeros_are_no_products() -> None:
    site, _ = linear.dense((1, 64, 16), DType.INT8, Numbers(), 0)
    half = np.where(np.arange(64 * 16).reshape(16, 64) % 2 == 0, 1, 0).astype(np.int8)
    halved = replace(site, constants=(None, half, site.constants[2]))
    found = dict(zip(FEATURES, features_of(halved), strict=True))
    assert found["mac"] == 2 * found["product"] == 64 * 16


def test_pools_are_counted_by_what_they_read() -> None:
    site, _ = cases.sites("average_pool_s8")[1]
    found = dict(zip(FEATURES, features_of(site), strict=True))
    assert found["product"] == 4 * found["output"] == found["input"]


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
