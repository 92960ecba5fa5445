# SPDX-License-Identifier: MIT
"""Any shape, the awkward ones above all, on every family of kernels: host and emulated core.

Channels that fill no word or block, maps of one pixel, filters larger than the map, strides larger
than the filter, dilation, windows that lie in the padding. Each layer is computed by every kernel
of the family that takes it; what none takes is the portable kernels' (test_portable.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milliwatt.backend.mcu import lowering
from milliwatt.backend.mcu.kernel import Core, Kernel
from milliwatt.ir.types import DType
from milliwatt.ops.base import Activation, Padding
from tests.cases import linear
from tests.cases.build import Case
from tests.cases.linear import Numbers, Window
from tests.kernels.dsp import DSP
from tests.kernels.emulated import check_emulated
from tests.kernels.harness import Job, check_kernels, jobs_of
from tests.kernels.mve import MVE
from tests.kernels.pruned import blocks, nm, pruned, unstructured
from tests.kernels.swar import SWAR
from tests.kernels.symmetric import symmetric
from tests.support import needs_arm_gcc, needs_qemu

AWKWARD = (1, 3, 14, 51, 138)
MOST_MACS = 300_000


@dataclass(frozen=True)
class Family:
    """Kernels by the modules they are lowered in, and what makes layers that they take."""

    modules: tuple[str, ...]
    core: Core
    emulated: str
    weights: tuple[DType, ...] = (DType.INT8,)
    changed: Callable[[Case, int], Case] = lambda case, _: case
    square: bool = False


def without_least(case: Case, seed: int) -> Case:
    """Half of the cases without weights of -128."""
    return symmetric(case) if seed % 2 else case


def mostly_zeros(case: Case, seed: int) -> Case:
    if seed % 3 == 2:
        return pruned(symmetric(case), blocks(0.45, 4, 4), seed)
    return pruned(case, nm(1, 4) if seed % 3 else unstructured(0.15), seed)


def vectors_of_zeros(case: Case, seed: int) -> Case:
    """Most runs of 16 weights of an output channel are zeros."""
    return pruned(case, blocks(0.2, 1, 16), seed)


def small_weights(case: Case, seed: int) -> Case:
    """Weights as training leaves them: many small ones, few large."""
    site, inputs = case
    drawn = np.random.default_rng(seed).laplace(0, 2.0, inputs[1].shape)
    weights = np.clip(np.round(drawn), -127, 127).astype(np.int8)
    constants = (None, weights, site.constants[2])
    return replace(site, constants=constants), [inputs[0], weights, inputs[2]]


def some_small(case: Case, seed: int) -> Case:
    """A third of the cases with small weights, a third without weights of -128."""
    return small_weights(case, seed) if seed % 3 == 0 else without_least(case, seed)


SUBBYTE = (DType.INT4, DType.INT2)
FAMILIES = {
    "dsp": Family(
        (
            "dsp.conv",
            "dsp.depthwise",
            "dsp.depthwise_words",
            "dsp.depthwise_row",
            "dsp.dense",
            "dsp.small",
            "dsp.brief",
            "dsp.dense_expanded",
        ),
        DSP,
        "cortex-m4",
        changed=without_least,
    ),
    "mve": Family(
        ("mve.conv", "mve.depthwise", "mve.dense"), MVE, "cortex-m55", changed=without_least
    ),
    "swar": Family(
        ("swar.conv", "swar.depthwise", "swar.dense"), SWAR, "cortex-m0plus", changed=some_small
    ),
    "sparse": Family(
        ("dsp.sparse_conv", "dsp.sparse_dense"), DSP, "cortex-m4", changed=mostly_zeros
    ),
    "sparse_mve": Family(
        ("mve.sparse", "mve.sparse_dense"), MVE, "cortex-m55", changed=vectors_of_zeros
    ),
    "subbyte": Family(
        ("dsp.subbyte_conv", "dsp.subbyte_depthwise", "dsp.subbyte_dense"),
        DSP,
        "cortex-m4",
        SUBBYTE,
    ),
    "subbyte_mve": Family(("mve.subbyte", "mve.subbyte_depthwise"), MVE, "cortex-m55", SUBBYTE),
    "subbyte_swar": Family(("swar.subbyte",), SWAR, "cortex-m0plus", SUBBYTE),
    "winograd": Family(("dsp.winograd",), DSP, "cortex-m4", changed=without_least, square=True),
    "winograd_mve": Family(
        ("mve.winograd",), MVE, "cortex-m55", changed=without_least, square=True
    ),
    "coded_mve": Family(("mve.coded",), MVE, "cortex-m55", changed=small_weights),
    "coded_swar": Family(("swar.coded",), SWAR, "cortex-m0plus", changed=small_weights),
    "coded": Family(("dsp.coded",), DSP, "cortex-m4", changed=small_weights),
}

OF_OTHER_OPERATORS = {"mve.arith", "mve.pool", "portable.affine_add", "dsp.arith", "dsp.pool"}


def test_no_family_is_left_out() -> None:
    taken = {module for family in FAMILIES.values() for module in family.modules}
    assert {*lowering._SPECIALISED, *lowering._ALTERNATIVE} - OF_OTHER_OPERATORS == taken


channels = st.one_of(st.sampled_from(AWKWARD), st.integers(1, 20))
three = st.integers(1, 3)
five = st.integers(1, 5)
pads = st.one_of(st.just("same"), st.just("valid"), st.tuples(*[st.integers(0, 6)] * 4))


@st.composite
def windows(draw: st.DrawFn, square: bool) -> Window:
    """A convolution of at most MOST_MACS; `square`: 3x3, stride 1, not dilated."""
    kernel = (3, 3) if square else (draw(five), draw(five))
    stride = (1, 1) if square else (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    dilation = (1, 1) if square or draw(st.booleans()) else (draw(three), draw(three))
    padding = draw(pads)
    least = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if isinstance(padding, tuple):
        padding = Padding(*padding)
        least = [
            least[0] - padding.top - padding.bottom,
            least[1] - padding.left - padding.right,
        ]
    elif padding == "same":
        least = [1, 1]
    rows, columns = (max(draw(st.integers(1, 8)), low) for low in least)
    ins, outs = (4 * draw(st.integers(1, 35)) if square else draw(channels)), draw(channels)
    most = MOST_MACS // (kernel[0] * kernel[1] * (rows + 12) * (columns + 12) * ins)
    activation = draw(st.sampled_from([Activation.NONE, Activation.RELU, Activation.RELU6]))
    x = (1, rows, columns, ins)
    return Window(
        x, max(min(outs, most), 1), kernel, stride, dilation, padding, activation=activation
    )


@st.composite
def layers(draw: st.DrawFn, family: Family) -> tuple[str, Window | tuple[int, int, int], Numbers]:
    """What kind of layer, its shape, and its numbers."""
    kind = draw(st.sampled_from(("conv",) if family.square else ("conv", "depthwise", "dense")))
    numbers = Numbers(
        draw(st.sampled_from(family.weights)),
        draw(st.booleans()),
        draw(st.sampled_from([-128, 127, 5])),
        y_zero=draw(st.sampled_from([-128, -7, 127])),
        gain=draw(st.sampled_from([1.0, 0.3, 20.0])),
    )
    if kind == "dense":
        return kind, (draw(three), draw(channels), draw(channels)), numbers
    window = draw(windows(family.square))
    if kind == "depthwise":
        multiplier = draw(st.sampled_from([1, 1, 1, 2]))
        window = replace(window, out=multiplier * window.x[3])
    return kind, window, numbers


MAKE = {"conv": linear.convolution, "depthwise": linear.depthwise, "dense": linear.dense}


def kernels_of(modules: tuple[str, ...]) -> list[Kernel]:
    return [k for name in modules for k in import_module(f"{lowering.__name__}.{name}").KERNELS]


def jobs(family: Family, drawn: list) -> list[Job]:
    """Each layer with every kernel of the family that takes it."""
    found: list[Job] = []
    for seed, (kind, shape, numbers) in enumerate(drawn):
        site, inputs = family.changed(MAKE[kind](shape, DType.INT8, numbers, seed), seed)
        found += jobs_of(kernels_of(family.modules), family.core, [(site, inputs)])
    return found


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def some_layers(data: st.DataObject, family: Family, count: int) -> list[Job]:
    return jobs(family, data.draw(st.lists(layers(family), min_size=count, max_size=count)))


def marks(name: str, emulated: bool) -> list[pytest.MarkDecorator]:
    """What a family's tests need; the compilers take minutes for those of LONG."""
    found = [pytest.mark.slow] if name in LONG else []
    if not emulated:
        return found
    if FAMILIES[name].core.mve:
        return [*found, needs_arm_gcc, needs_qemu, pytest.mark.qemu]
    return [*found, needs_arm_gcc, pytest.mark.emulator]


LONG = ("subbyte_swar", "coded_swar")
ON_HOST = [pytest.param(name, marks=marks(name, emulated=False)) for name in FAMILIES]
EMULATED = [pytest.param(name, marks=marks(name, emulated=True)) for name in FAMILIES]


@pytest.mark.parametrize("name", ON_HOST)
@examples(2)
@given(data=st.data())
def test_host(name: str, data: st.DataObject) -> None:
    check_kernels(some_layers(data, FAMILIES[name], 8))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@examples(8)
@given(data=st.data())
def test_host_more(name: str, data: st.DataObject) -> None:
    check_kernels(some_layers(data, FAMILIES[name], 12))


def emulate(name: str, jobs: list[Job]) -> None:
    if not jobs:
        return
    check_emulated(jobs, FAMILIES[name].emulated, "gcc")


@pytest.mark.parametrize("name", EMULATED)
@examples(2)
@given(data=st.data())
def test_emulated(name: str, data: st.DataObject) -> None:
    emulate(name, some_layers(data, FAMILIES[name], 8))


@pytest.mark.slow
@pytest.mark.parametrize("name", EMULATED)
@examples(8)
@given(data=st.data())
def test_emulated_more(name: str, data: st.DataObject) -> None:
    emulate(name, some_layers(data, FAMILIES[name], 12))


USUAL: list[tuple[str, Window | tuple[int, int, int]]] = [
    ("conv", Window((1, 4, 5, 64), 20)),
    ("conv", Window((1, 8, 8, 16), 16, (3, 3), padding="same")),
    ("conv", Window((1, 3, 3, 64), 37)),
    ("conv", Window((1, 4, 3, 14), 51, (3, 3), padding="same")),
    ("depthwise", Window((1, 6, 6, 64), 64, (3, 3), padding="same", activation=Activation.RELU)),
    ("depthwise", Window((1, 7, 6, 32), 32, (3, 3))),
    ("depthwise", Window((1, 15, 1, 32), 32, (15, 1))),
    ("dense", (1, 128, 16)),
    ("dense", (1, 128, 20)),
    ("dense", (1, 256, 16)),
    ("conv", Window((1, 4, 5, 16), 20, activation=Activation.RELU)),
    ("conv", Window((1, 5, 5, 8), 8, activation=Activation.RELU)),
]
"""Shapes for which the kernels were made that take no awkward one."""


def named(family: Family) -> list[Job]:
    """The shapes by name: each awkward number of channels in every kind of layer."""
    shapes: list[tuple[str, Window | tuple[int, int, int]]] = []
    for i, (count, other) in enumerate(zip(AWKWARD, reversed(AWKWARD), strict=True)):
        few = min(other, 14)
        windows = [
            Window((1, 1, 1, count), few, (3, 3), padding="same"),
            Window((1, 7, 9, count), 3, (2, 2), stride=(3, 4)),
            Window((1, 2, 3, count), 3, (5, 4), padding=Padding(3, 2, 2, 3)),
            Window((1, 5, 6, count), few, (3, 3), (1, 1), (2, 2), "same"),
        ]
        shapes += [("conv", Window((1, 1, 1, count), other)), ("dense", (1, count, other))]
        shapes += [("conv", window) for window in windows]
        shapes += [("depthwise", replace(windows[(i + k) % 4], out=count)) for k in range(2)]
        # Of Winograd: inputs in fours.
        shapes.append(("conv", Window((1, 6, 7, 4 * count), few, (3, 3), padding="same")))
    shapes += USUAL
    formats = [Numbers(weights, y_zero=3) for weights in family.weights]
    found = jobs(family, [(*shape, formats[i % len(formats)]) for i, shape in enumerate(shapes)])
    assert {job.kernel.name for job in found} >= {k.name for k in kernels_of(family.modules)}
    return found


@pytest.mark.parametrize("name", ON_HOST)
def test_the_shapes_by_name_on_the_host(name: str) -> None:
    check_kernels(named(FAMILIES[name]))


@pytest.mark.parametrize("name", EMULATED)
def test_the_shapes_by_name_emulated(name: str) -> None:
    emulate(name, named(FAMILIES[name]))
